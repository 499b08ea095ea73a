"""The engines, one environment built in each per session, and a small repository."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from repoagent.sandbox.base import Engine, Environment, Recipe, Sandbox, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.docker import DockerEngine

SMALL = SandboxLimits(memory_mib=512, cpus=1.0, pids=64, scratch_mib=256, output_bytes=100_000)

SCRIPT = """
python3 -m venv --without-pip /opt/environment/venv
mkdir -p generated && echo "version = 7" > generated/version.py
echo "from the build" > tracked.txt
"""


@pytest.fixture(scope="session")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Scratch copies and environments of the tests, apart from the developer's."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("REPOAGENT_CACHE", str(folder))
        yield folder


@pytest.fixture(
    scope="session",
    params=[pytest.param("docker", marks=pytest.mark.docker), pytest.param("bubblewrap", marks=pytest.mark.bubblewrap)],
)
def engine(request: pytest.FixtureRequest, cache_folder: Path) -> Engine:
    """Each real engine."""
    made: Engine = DockerEngine() if request.param == "docker" else BubblewrapEngine()
    made.check()
    return made


@pytest.fixture(scope="session")
def environment(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """An environment whose build added a file to the repository and changed another."""
    repository = make_repository(tmp_path_factory.mktemp("built"))
    recipe = Recipe(f"test-{secrets.token_hex(4)}", SCRIPT)
    yield engine.build(recipe, repository, lambda _: None, timeout=300)
    forget(engine, recipe.key)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository on the host."""
    return make_repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def shared(engine: Engine, environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests that change nothing in it."""
    with engine.open(environment, make_repository(tmp_path_factory.mktemp("shared")), SMALL) as opened:
        yield opened


@pytest.fixture
def sandbox(engine: Engine, environment: Environment, repository: Path) -> Iterator[Sandbox]:
    """A fresh sandbox with small limits."""
    with engine.open(environment, repository, SMALL) as opened:
        yield opened


def make_repository(folder: Path) -> Path:
    """A work tree with a package, a link, an executable and a `.git`."""
    for name in ("package", ".git"):
        (folder / name).mkdir(parents=True)
    (folder / "package" / "__init__.py").write_text("answer = 42\n")
    (folder / "tracked.txt").write_text("from the host\n")
    (folder / "link.txt").symlink_to("tracked.txt")
    (folder / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (folder / "run.sh").chmod(0o755)
    (folder / ".git" / "config").write_text("[remote]\n")
    return folder


def forget(engine: Engine, key: str) -> None:
    """Remove an environment of a test; folders go with the test's cache."""
    if engine.name == "docker":
        import docker

        with closing(docker.from_env()) as client:
            client.images.remove(f"repoagent-env:{key}", force=True)


def leftovers(engine: Engine) -> set[str]:
    """Containers or scratch folders of this process."""
    from repoagent.sandbox import cache
    from repoagent.sandbox.owner import Owner

    if engine.name == "bubblewrap":
        return {path.name for path in cache.make_folder("scratch").iterdir()}
    import docker

    filters: dict[str, str | list[str] | bool] = {"label": f"org.repoagent.owner={Owner.from_this_process()}"}
    with closing(docker.from_env()) as client:
        return {str(container.name) for container in client.containers.list(all=True, filters=filters)}
