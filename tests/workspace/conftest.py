"""Real repositories, some of them hostile."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from repoagent.workspace import SourceRepository, Workspace, resolve_source


class Repository:
    """A repository of the user's, made with plain git."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = ["git", "-c", "user.name=Ann", "-c", "user.email=ann@example.org", *arguments]
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(command, cwd=self.path, input=stdin, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def line(self, *arguments: str) -> str:
        return self.git(*arguments).decode().strip()

    def write(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def commit(self, files: dict[str, bytes], message: str = "change") -> str:
        self.write(files)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.line("rev-parse", "HEAD")

    def state(self) -> dict[str, bytes]:
        """Every file below, git's own included, so that any write shows."""
        found = (path for path in sorted(self.path.rglob("*")) if path.is_file() and not path.is_symlink())
        return {str(path.relative_to(self.path)): path.read_bytes() for path in found}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "user")


@pytest.fixture
def source_of(tmp_path: Path) -> Callable[[Repository], SourceRepository]:
    return lambda repository: resolve_source(str(repository.path), None, None, tmp_path / "cache")


@pytest.fixture
def workspace_of(
    tmp_path: Path, source_of: Callable[[Repository], SourceRepository]
) -> Callable[[Repository], Workspace]:
    return lambda repository: Workspace.create(source_of(repository), tmp_path / "copy")
