"""Get an instance's code from a mirror, the cache or its own files, and check out clean copies of it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repoagent.bench.instance import Instance, SourceFile
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.places import locate_cache_root
from repoagent.workspace import SourceRepository, Workspace, resolve_source
from repoagent.workspace.plumbing import Git, create_repository

_WHO = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "benchmark"),)}
_DAY = "2024-06-01T00:00:00+00:00"
"""The date of code without a history; it is fixed, so that equal code gets equal commits and environments."""
_IDENTITY = _WHO | {"GIT_AUTHOR_EMAIL": "benchmark@localhost", "GIT_COMMITTER_EMAIL": "benchmark@localhost"}


def get_source(instance: Instance, mirrors: Path | None, scratch: Path) -> SourceRepository:
    """Get the repository of an instance at its base; one made of its own files is created in `scratch`.

    A repository in `mirrors`, or one in the cache that has the commit, is not fetched again.
    Raises UserError where there is no such repository or commit, EnvironmentFailed where the network or disk fails.
    """
    if instance.files:
        return resolve_source(
            str(_write_repository(instance.files, scratch / "source")), None, None, locate_cache_root()
        )
    here = _find_mirror(instance.repo, mirrors)
    if here is not None:
        return resolve_source(str(here), instance.base, None, locate_cache_root())
    url, cache = _make_url(instance.repo), locate_cache_root() / "repositories"
    kept = _find_cached(url, instance.base, cache)
    return resolve_source(str(kept) if kept else url, instance.base, None, cache)


@contextmanager
def check_out(source: SourceRepository) -> Iterator[Workspace]:
    """Check out the files of the base into a temporary work tree."""
    with tempfile.TemporaryDirectory(prefix="repoagent-bench-") as scratch:
        yield Workspace.create(source, Path(scratch) / "tree")


def read_file_at(source: SourceRepository, commit: str, path: str) -> bytes | None:
    """Read a file at another commit of the same repository; None where it is not there."""
    if commit.startswith("-") or ":" in commit:
        raise UserError(f"{commit!r} is not a commit")
    found = Git(source.git_dir)("cat-file", "blob", f"{commit}:{path}", check=False)
    return None if found.exit_code else found.stdout


# --- repositories of others -------------------------------------------------------------------------------------------


def _find_mirror(repo: str, mirrors: Path | None) -> Path | None:
    """Find the directory that `repo` names, or its mirror."""
    if "/" in repo and Path(repo).expanduser().is_dir():
        return Path(repo).expanduser()
    name = "/".join(re.sub(r"\.git$", "", repo).rstrip("/").split("/")[-2:])
    candidates = (name.replace("/", "+"), name.replace("/", "__"), name, f"{name}.git", name.rpartition("/")[2])
    return next((mirrors / each for each in candidates if (mirrors / each).is_dir()), None) if mirrors else None


def _make_url(repo: str) -> str:
    return f"https://github.com/{repo}" if re.fullmatch(r"[\w.-]+/[\w.-]+", repo) else repo


def _find_cached(url: str, commit: str, cache: Path) -> Path | None:
    from repoagent.workspace import remote

    if not remote.is_url(url):
        return None
    place = remote.locate_copy(url, cache)
    if not (place / "HEAD").is_file() or commit == "HEAD":
        return None
    return place if Git(place).read_line("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") else None


# --- files of its own -------------------------------------------------------------------------------------------------


def _write_repository(files: tuple[SourceFile, ...], folder: Path) -> Path:
    """Create a repository with one commit of `files`; the remains of an earlier attempt are replaced."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        git = create_repository(folder)
        for file in files:
            _write_file(folder, file)
        git("add", "--all", "--force")
        dated = {"GIT_AUTHOR_DATE": _DAY, "GIT_COMMITTER_DATE": _DAY} | _IDENTITY
        Git(git.git_dir, folder, True, dated)("commit", "--quiet", "--message", "start")
    except OSError as error:
        raise EnvironmentFailed(f"cannot write {folder}: {error.strerror}") from error
    return folder


def _write_file(folder: Path, file: SourceFile) -> None:
    from repoagent.workspace.paths import split_path

    path = folder.joinpath(*split_path(file.path))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.text, encoding="utf-8", newline="")
