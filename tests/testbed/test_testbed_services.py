"""The servers that tests need: which ones, how they are found, and that real ones answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.domain import Ending
from repoagent.errors import SandboxFailed, UserError
from repoagent.sandbox.base import CommandResult, Environment
from repoagent.sandbox.docker import DockerEngine
from repoagent.sandbox.fake import FakeEngine
from repoagent.testbed.build_plan import CommitInfo
from repoagent.testbed.ecosystems.python.detect import detect_project
from repoagent.testbed.ecosystems.python.plans import plan_python_builds
from repoagent.testbed.runner import Testbed
from repoagent.testbed.services import ServedSandbox, ServiceRequest, find_services, list_packages
from repoagent.trace import Trace

WORKFLOW = """
on: push
jobs:
  lint: {runs-on: ubuntu-latest}
  test:
    services:
      database:
        image: docker.io/library/postgres:16-alpine@sha256:0123
        env: {POSTGRES_USER: shop, POSTGRES_PASSWORD: "it's; rm", POSTGRES_DB: shop_test, OTHER: 1}
      cache: {image: "redis:7"}
      search: {image: "elasticsearch:8"}
"""
COMPOSE = "services:\n  db:\n    image: postgis/postgis\n    environment: [POSTGRES_DB=maps, BAD]\n  web: {build: .}\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_workflow_names_services_and_their_settings(tmp_path: Path) -> None:
    database, cache = find_services(write(tmp_path, {".github/workflows/ci.yml": WORKFLOW}), ())
    assert (database.name, cache.name, database.declared) == ("postgresql", "redis", False)
    # A password that is no plain name is not taken over: it would stand in an address.
    assert database.variables["DATABASE_URL"] == "postgresql://shop:postgres@127.0.0.1:5432/shop_test"
    assert list_packages((database, cache)) == ("postgresql", "postgresql-contrib", "redis-server")


def test_a_compose_file_names_services(tmp_path: Path) -> None:
    [found] = find_services(write(tmp_path, {"docker-compose.yml": COMPOSE}), ())
    assert (found.name, found.settings) == ("postgresql", (("POSTGRES_DB", "maps"),))


@pytest.mark.parametrize(
    "text",
    ["", "services: [", "services: 1", "services: {a: 1, b: {image: [redis]}}", "a: &a [*a]\nservices: *a", "[" * 5000],
)
def test_nonsense_names_none(text: str, tmp_path: Path) -> None:
    assert find_services(write(tmp_path, {"compose.yaml": text}), ()) == ()


def test_what_is_declared_goes_before_what_is_found(tmp_path: Path) -> None:
    write(tmp_path, {".repoagent.toml": 'services = ["redis"]', ".github/workflows/ci.yml": WORKFLOW})
    assert detect_project(tmp_path).services == (ServiceRequest("redis", declared=True),)


def test_an_unknown_service_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {".repoagent.toml": 'services = ["oracle"]'})
    with pytest.raises(UserError, match="services"):
        detect_project(tmp_path)


def test_what_is_only_found_may_be_missing_in_the_last_way(tmp_path: Path) -> None:
    write(tmp_path, {"docker-compose.yml": COMPOSE, "setup.py": ""})
    ways = plan_python_builds(detect_project(tmp_path), tmp_path, CommitInfo(), ("3.11",))
    assert "postgresql" in ways[0].recipe.base.packages
    assert "postgresql" not in ways[-1].recipe.base.packages
    write(tmp_path, {".repoagent.toml": 'services = ["postgresql"]'})
    ways = plan_python_builds(detect_project(tmp_path), tmp_path, CommitInfo(), ("3.11",))
    assert all("postgresql" in way.recipe.base.packages for way in ways)


def test_only_commands_with_variables_have_servers_beside_them(tmp_path: Path) -> None:
    sandbox = FakeEngine().open(Environment("k", "fake:k"), tmp_path)
    served = ServedSandbox(sandbox, (ServiceRequest("redis", declared=True),))
    served.run(("stat", "x"), timeout=1)
    served.run(("pytest",), timeout=1, environment={"A": "b"})
    plain, tests = sandbox.commands
    assert plain.command == ("stat", "x")
    assert tests.command[-1] == "pytest"
    assert tests.environment["REDIS_URL"] == "redis://127.0.0.1:6379/0"
    assert "redis-server" in tests.command[2]


def test_a_server_that_does_not_start_is_no_failed_test(tmp_path: Path) -> None:
    def answer(command: object, _files: object) -> CommandResult:
        script = command[2]  # type: ignore[index]
        nonce = script.partition("{ echo ")[2].partition(";")[0]
        return CommandResult(97, f"{nonce}\nno room", 1.0)

    sandbox = FakeEngine(answer).open(Environment("k", "fake:k"), tmp_path)
    served = ServedSandbox(sandbox, (ServiceRequest("postgresql", declared=True),))
    with pytest.raises(SandboxFailed, match="postgresql did not start beside the tests:\nno room"):
        served.run(("pytest",), timeout=1, environment={})


PROJECT = {
    "pyproject.toml": """
[project]
name = "served"
version = "1"
[project.optional-dependencies]
test = ["pytest", "psycopg2-binary", "redis"]
[tool.setuptools]
py-modules = []
""",
    ".repoagent.toml": 'services = ["postgresql", "redis"]\n',
    "tests/test_served.py": """
import os, psycopg2, redis

def test_a_database_answers_and_is_new():
    with psycopg2.connect(os.environ["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute("create table things (name text)")
        cursor.execute("insert into things values ('one') returning name")
        assert cursor.fetchall() == [("one",)]

def test_the_defaults_of_clients_lead_there():
    with psycopg2.connect("") as connection, connection.cursor() as cursor:
        cursor.execute("select current_user")
        assert cursor.fetchone() == (os.environ["PGUSER"],)

def test_a_cache_answers_and_is_empty():
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    assert client.dbsize() == 0
    client.set("key", "value")
    assert client.get("key") == b"value"
""",
}


@pytest.mark.docker
@pytest.mark.network
def test_real_servers_run_beside_the_tests_and_are_new_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
    engine = DockerEngine()
    root = write(tmp_path, PROJECT)
    bed = Testbed.prepare(engine, root, origin=CommitInfo(), trace=Trace(), timeout=900)
    with bed.open() as sandbox:
        for _ in range(2):
            report = bed.run(sandbox, timeout=120)
            assert report.ending is Ending.COMPLETED, report.log
            assert (len(report.passed), report.failed) == (3, frozenset()), report.log
