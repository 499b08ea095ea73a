"""What all tests share: no network beyond this machine, and caches and state of their own."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repoagent.index.build import Index
from repoagent.process import run

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

    from tests.github.server import ApiServer

Indexed = Callable[[Mapping[str, str | bytes]], Index]


def pytest_configure(config: pytest.Config) -> None:
    """Let a generated example take its time where several processes share the machine."""
    if hasattr(config, "workerinput"):
        from hypothesis import settings

        settings.register_profile("shared", deadline=None)
        settings.load_profile("shared")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Spread the tests over processes by what they share and how long they take."""
    from tests.spreading import FileScheduling

    return FileScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, where several processes share the tests."""
    if hasattr(config, "workerinput"):
        from tests.spreading import rank_of

        items.sort(key=lambda item: rank_of(item.nodeid))


class NetworkForbidden(AssertionError):
    """A test that is not marked for it tried to reach another machine."""


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback and local sockets only, unless the test is marked `network`, `docker` or `model`."""
    if {"network", "docker", "model"} & {mark.name for mark in request.node.iter_markers()}:
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: tuple[str, int] | str | bytes) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address):
            raise NetworkForbidden(f"this test must not connect to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sessions below a directory of the test, and no settings of the developer's."""
    root = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("REPOAGENT_STATE", str(root / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(root / "config"))
    for name in (
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "REPOAGENT_API_KEY",
        "REPOAGENT_MODEL",
    ):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """A GitHub on loopback, named as a runner names it, and with a cache of replies of the test's own."""
    from tests.github.server import serving  # reads GitHub's description, which most tests do without

    (tmp_path / "forge").mkdir()
    with serving(tmp_path / "forge") as server:
        monkeypatch.setenv("GITHUB_SERVER_URL", server.url)
        monkeypatch.setenv("GITHUB_API_URL", server.repository.api)
        monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture
def indexed(tmp_path: Path) -> Indexed:
    """Writes files into a fresh git work tree and indexes it, without a cache."""

    def make(files: Mapping[str, str | bytes]) -> Index:
        root = tmp_path / "repository"
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
        run(("git", "init", "--quiet", str(root)), timeout=30)
        return Index.build(root)

    return make


def _is_loopback(address: tuple[str, int] | str | bytes) -> bool:
    host = address[0] if isinstance(address, tuple) else ""
    return host == "localhost" or (bool(host) and ipaddress.ip_address(host).is_loopback)
