"""What is particular to containers: how they die, who ends them, and what is left of dead runs."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox import base_image
from repoagent.sandbox.base import ENVIRONMENT, UV, Base, Environment, Recipe
from repoagent.sandbox.docker import DockerEngine
from repoagent.sandbox.owner import LABEL, OWNER_LABEL, Owner
from tests.sandbox.conftest import SMALL

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

pytestmark = pytest.mark.docker

BASE = Environment("base", base_image.name_image())
"""An environment with nothing in it."""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    import docker

    with closing(docker.from_env()) as made:
        yield made


@pytest.fixture(scope="module")
def docker_engine(cache_folder: Path) -> DockerEngine:
    engine = DockerEngine()
    engine.prepare(lambda _: None)
    return engine


def own_container(client: DockerClient) -> Container:
    [container] = client.containers.list(filters={"label": f"{OWNER_LABEL}={Owner.from_this_process()}"})
    return container


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_servers_of_tests_can_listen_on_both_loopbacks(
    docker_engine: DockerEngine, repository: Path, address: str
) -> None:
    listen = f"import socket; socket.create_server(('{address}', 0), family=socket.getaddrinfo('{address}', 0)[0][0])"
    with docker_engine.open(BASE, repository, SMALL) as sandbox:
        assert sandbox.run(["python3", "-c", listen], timeout=30).exit_code == 0


def test_a_container_killed_between_commands_is_no_failed_command(
    docker_engine: DockerEngine, client: DockerClient, repository: Path
) -> None:
    with docker_engine.open(BASE, repository, SMALL) as sandbox:
        own_container(client).kill()
        with pytest.raises(SandboxFailed):
            sandbox.run(["true"], timeout=30)


def test_a_container_killed_under_a_command_is_not_shown_as_output(
    docker_engine: DockerEngine, client: DockerClient, repository: Path
) -> None:
    with docker_engine.open(BASE, repository, SMALL) as sandbox:
        timer = Timer(1, own_container(client).kill)
        timer.start()
        with pytest.raises(SandboxFailed, match="container ended by itself"):
            sandbox.run(["sleep", "60"], timeout=30)
        timer.join()


def test_a_removed_container_is_no_error_when_the_sandbox_is_left(
    docker_engine: DockerEngine, client: DockerClient, repository: Path
) -> None:
    with docker_engine.open(BASE, repository, SMALL):
        container = own_container(client)
        container.remove(force=True)
    assert container.id not in [c.id for c in client.containers.list(all=True)]


def test_a_missing_image_is_the_sandboxs_failure(docker_engine: DockerEngine, repository: Path) -> None:
    with pytest.raises(SandboxFailed, match="starting a container of repoagent-env:gone failed"):
        docker_engine.open(Environment("gone", "repoagent-env:gone"), repository)


DYING = """
import os, sys
from pathlib import Path
from repoagent.sandbox.base import ENVIRONMENT, UV, Base, Environment, Recipe
from repoagent.sandbox.docker import DockerEngine
sandbox = DockerEngine().open(Environment("base", sys.argv[1]), Path(sys.argv[2]))
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_run_left_stops_by_itself_and_is_removed_by_clean(
    docker_engine: DockerEngine, client: DockerClient, repository: Path
) -> None:
    with docker_engine.open(BASE, repository, SMALL) as live:
        with subprocess.Popen([sys.executable, "-c", DYING, BASE.reference, str(repository)]) as died:
            assert died.wait(60) == -9
        [left] = [c for c in ours(client) if owner_of(c).pid == died.pid]
        assert owner_of(left).is_dead
        left.wait(timeout=30)
        assert f"container {left.name}" in docker_engine.clean()
        assert live.run(["true"], timeout=30).exit_code == 0
    assert left.id not in [c.id for c in ours(client)]


def test_a_registry_that_does_not_answer_is_passed_over() -> None:
    said: list[str] = []
    assert not base_image.pull_image("127.0.0.1:9/nothing:here", said.append)
    assert said[-1].startswith("no registry gives 127.0.0.1:9/nothing:here: ")


def test_the_base_image_is_made_once(docker_engine: DockerEngine) -> None:
    said: list[str] = []
    docker_engine.prepare(said.append)
    assert said == []


def test_packages_are_laid_over_the_base_image_once(
    docker_engine: DockerEngine, client: DockerClient, repository: Path
) -> None:
    base = Base(packages=("bc",))
    said: list[str] = []
    recipe = Recipe(f"test-{secrets.token_hex(4)}", f"echo 6*7 | bc > {ENVIRONMENT}/answer; {UV} --version", base)
    environment = docker_engine.build(recipe, repository, said.append, timeout=300)
    try:
        with docker_engine.open(environment, repository, SMALL) as sandbox:
            assert sandbox.run(["cat", f"{ENVIRONMENT}/answer"], timeout=30).output == "42\n"
            assert sandbox.run(["which", "bc"], timeout=30).exit_code == 0
        assert any(line.startswith("uv ") for line in said)
        assert base_image.has_image(client, base_image.name_image(base))
        assert recipe.key in [kept.key for kept in docker_engine.list_cached()]
    finally:
        docker_engine.discard(recipe.key)
    assert docker_engine.find(recipe.key) is None
    assert recipe.key not in [kept.key for kept in docker_engine.list_cached()]


def test_an_old_python_is_had_where_a_project_needs_it(docker_engine: DockerEngine, repository: Path) -> None:
    recipe = Recipe(f"test-{secrets.token_hex(4)}", f"python3.9 --version > {ENVIRONMENT}/version", Base("3.9"))
    environment = docker_engine.build(recipe, repository, lambda _: None, timeout=600)
    try:
        with docker_engine.open(environment, repository, SMALL) as sandbox:
            assert sandbox.run(["cat", f"{ENVIRONMENT}/version"], timeout=30).output.startswith("Python 3.9.")
    finally:
        docker_engine.discard(recipe.key)


def ours(client: DockerClient) -> list[Container]:
    return client.containers.list(all=True, filters={"label": f"{LABEL}=1"}, ignore_removed=True)


def owner_of(container: Container) -> Owner:
    owner = Owner.parse(container.labels[OWNER_LABEL])
    assert owner
    return owner


@pytest.mark.parametrize("call", ["check", "find", "clean", "build"])
def test_an_engine_that_is_down_is_named_with_what_to_do(
    call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = f"unix://{tmp_path}/nobody.sock"
    monkeypatch.setenv("DOCKER_HOST", address)
    engine = DockerEngine()
    calls: dict[str, Callable[[], object]] = {
        "check": engine.check,
        "find": lambda: engine.find("key"),
        "clean": engine.clean,
        "build": lambda: engine.prepare(lambda _: None),
    }
    with pytest.raises(EnvironmentFailed, match=f"does not answer at {address}: start it .`make engine`. or use"):
        calls[call]()
