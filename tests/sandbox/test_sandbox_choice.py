"""Which engine is chosen, and what is said where none works."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.sandbox import choose_engine


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")


@pytest.mark.docker
@pytest.mark.parametrize("preference", ["docker", None])
def test_docker_comes_first(preference: str | None, cache_folder: Path) -> None:
    assert choose_engine(preference).name == "docker"


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("no_docker")
@pytest.mark.parametrize("preference", ["bubblewrap", None])
def test_bubblewrap_stands_in(preference: str | None, cache_folder: Path) -> None:
    assert choose_engine(preference).name == "bubblewrap"


@pytest.mark.usefixtures("no_docker")
def test_an_engine_asked_for_by_name_is_not_replaced() -> None:
    with pytest.raises(EnvironmentFailed, match="Docker does not answer"):
        choose_engine("docker")


@pytest.mark.usefixtures("no_docker")
def test_where_nothing_works_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailed, match=r"make engine(.|\n)*apt-get install bubblewrap"):
        choose_engine(None)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="choose one of bubblewrap, docker"):
        choose_engine("chroot")
