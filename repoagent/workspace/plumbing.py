"""Call git so that nothing a repository says about itself is ever executed.

A repository can name programs in many places: hooks, `filter.*`, `core.fsmonitor`, `core.sshCommand`, `diff.external`,
remotes that are fetched from on demand. Two rules answer all of them. Work trees are read and written only by a
repository of *our own*, which merely borrows the objects of the other, so the other's configuration is
not loaded at all. The few calls that must name the other repository (resolve a ref, create one) run commands that start
nothing, without hooks and without any transport.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from repoagent.errors import UserError
from repoagent.process import ProcessResult, run

TRANSPORTS = ("https", "ssh", "git", "file")
"""How a repository may be fetched; `ext::` and other helpers run commands."""


@dataclass(frozen=True)
class Git:
    """Git, bound to one repository."""

    git_dir: Path
    work_tree: Path | None = None
    ours: bool = False
    """Whether we made this repository: then the configuration of the user and the system is left out, to be the same
    everywhere."""
    environment: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Configuration for these calls alone; passed by the environment, so that no list of processes shows it."""

    def __call__(
        self, *arguments: str, stdin: bytes = b"", timeout: float = 120, check: bool = True, online: bool = False
    ) -> ProcessResult:
        """Run `git arguments`; raises CommandFailed with git's complaint, unless `check` is off."""
        place = {"GIT_DIR": str(self.git_dir)} | ({"GIT_WORK_TREE": str(self.work_tree)} if self.work_tree else {})
        environment = {**_build_environment(self.ours, online, self.settings), **place, **self.environment}
        cwd = self.work_tree or self.git_dir
        return run(["git", *arguments], cwd=cwd, stdin=stdin, timeout=timeout, environment=environment, check=check)

    def read_line(self, *arguments: str) -> str:
        """Run a command and return what it printed; empty where it failed or printed nothing."""
        return self(*arguments, check=False).stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def create_repository(directory: Path, *, object_format: str = "sha1") -> Git:
    """Create an empty repository of our own in `directory`: no templates, no hooks, files stored and written byte for
    byte."""
    directory.mkdir(parents=True, exist_ok=True)
    git_dir = directory / ".git"
    command = [
        "git",
        "init",
        "--quiet",
        "--template=",
        "--initial-branch=main",
        f"--object-format={object_format}",
        ".",
    ]
    run(command, cwd=directory, timeout=60, environment=_build_environment(ours=True, online=False, extra={}))
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info" / "attributes").write_text(_PLAIN)
    return Git(git_dir, directory, ours=True)


@contextmanager
def open_borrowing_repository(
    objects: Path, *, object_format: str = "sha1", work_tree: Path | None = None
) -> Iterator[Git]:
    """Open a throw-away repository of our own that reads all objects in the directory `objects`, and writes none
    there."""
    with tempfile.TemporaryDirectory(prefix="repoagent-git-") as scratch:
        own = create_repository(Path(scratch), object_format=object_format)
        if work_tree:
            # Line ends are as the user's .gitattributes say; filters that it names mean nothing here.
            (own.git_dir / "info" / "attributes").unlink()
        yield Git(own.git_dir, work_tree, ours=True, environment=build_borrowing_environment(objects))


def build_borrowing_environment(objects: Path) -> dict[str, str]:
    """Build the environment in which git also finds the objects in the directory `objects`."""
    return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": '"' + str(objects).replace("\\", "\\\\").replace('"', '\\"') + '"'}


def require_git() -> None:
    """Raise UserError unless a git that knows all that is used here is installed."""
    words = run(["git", "version"], timeout=10).text.split()
    version = tuple(int(part) for part in words[2].split(".")[:2]) if len(words) > 2 else (0, 0)
    if version < (2, 31):
        raise UserError(f"git 2.31 or newer is needed, and this is {'.'.join(map(str, version))}: upgrade git")


_PLAIN = "* -text -ident -filter -eol -crlf -working-tree-encoding !diff\n"
"""Attributes that outrank every .gitattributes: no conversion of any file, and nobody declares a source file binary."""

_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.logAllRefUpdates": "false",
    "core.quotePath": "false",
    "core.abbrev": "10",
    "commit.gpgSign": "false",
    "credential.interactive": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "safe.directory": "*",  # ownership guards against what is switched off here
}

_FOREIGN = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_ATTR_SOURCE",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH",
)
"""Set where we run inside somebody's hook or script, and would point git elsewhere."""


def _build_environment(ours: bool, online: bool, extra: Mapping[str, str]) -> dict[str, str | None]:
    fixed: dict[str, str | None] = dict.fromkeys(_FOREIGN)
    fixed |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
        "GIT_EDITOR": "false",
        "GIT_ALLOW_PROTOCOL": ":".join(TRANSPORTS) if online else "none",
        "LC_ALL": "C",
    }
    if ours:
        fixed |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1"}
        fixed |= {"GIT_CONFIG_PARAMETERS": None}
    return fixed | _number_settings(0 if ours else int(os.environ.get("GIT_CONFIG_COUNT") or 0), extra)


def _number_settings(first: int, extra: Mapping[str, str]) -> dict[str, str | None]:
    """Number `_SETTINGS` and more as git reads them from the environment, after the `first` ones of the user."""
    numbered = list(enumerate({**_SETTINGS, **extra}.items(), start=first))
    keys: dict[str, str | None] = {f"GIT_CONFIG_KEY_{number}": key for number, (key, _) in numbered}
    values: dict[str, str | None] = {f"GIT_CONFIG_VALUE_{number}": value for number, (_, value) in numbered}
    return {"GIT_CONFIG_COUNT": str(first + len(numbered)), **keys, **values}
