"""Find the repository the code comes from (a checkout, a bare repository or a URL), and the commit to work on."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from repoagent.errors import UserError
from repoagent.workspace import remote
from repoagent.workspace.plumbing import Git, open_borrowing_repository, require_git


@dataclass(frozen=True)
class SourceRepository:
    """A repository, and the commit to start from. Nothing here writes to it but `delivery`."""

    path: Path
    """Root of the work tree, or the git directory where there is none."""
    git_dir: Path
    objects: Path
    """The directory of its objects, which linked work trees share."""
    base: str
    """Full id of the commit to start from."""
    url: str = ""
    """Where it was fetched from, without credentials; empty for a repository of this machine."""
    branch: str = ""
    """The branch the base is the tip of, as far as it was asked for by name; empty where HEAD is detached."""
    dirty: bool = False
    """Whether tracked files have changes that are not committed, and therefore not in the base."""
    description: str = ""
    """`git describe --tags` of the base, empty without a tag before it: what versions are derived from."""
    committed: str = ""
    """When the base was committed, in ISO 8601 with its time zone."""
    object_format: str = "sha1"

    @property
    def has_work_tree(self) -> bool:
        return self.path != self.git_dir


def resolve_source(repo: str | None, base: str | None, issue_repository: str | None, cache: Path) -> SourceRepository:
    """Resolve the repository that `repo` names, a directory or URL; by default the issue's, else the current directory.

    A repository at a URL is kept below `cache` and brought up to date. `base` is anything git knows as a commit, by
    default HEAD. Raises UserError for what cannot be used, EnvironmentFailed where the network or the disk fails.
    """
    require_git()
    name = repo or issue_repository or "."
    if remote.is_url(name):
        fetched = remote.fetch(name, cache)
        return _read_source(
            _RepositoryPaths(fetched.git_dir, fetched.git_dir, fetched.git_dir / "objects"), base, fetched
        )
    return _read_source(_locate(_resolve_directory(name)), base, None)


# --- a repository of this machine -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _RepositoryPaths:
    path: Path
    git_dir: Path
    objects: Path


def _resolve_directory(name: str) -> Path:
    if "\0" in name or name.startswith("-"):
        raise UserError(f"{name!r} is not a repository: give a directory or a URL")
    path = Path(name).expanduser()
    if path.is_dir():
        return path.resolve()
    if path.exists():
        raise UserError(f"{name} is not a directory: name the directory of the repository, or its URL")
    hint = f" (a repository on GitHub is https://github.com/{name})" if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else ""
    raise UserError(f"there is no directory {name}{hint}")


def _locate(directory: Path) -> _RepositoryPaths:
    """Find the repository that `directory` lies in without running git, which would load the repository's settings."""
    from git import Repo
    from git.exc import GitError

    try:
        with Repo(directory, search_parent_directories=True, expand_vars=False) as found:
            git_dir, common = Path(found.git_dir).resolve(), Path(found.common_dir).resolve()
    except (GitError, OSError, ValueError) as error:
        raise UserError(
            f"{directory} is not in a git repository: run `git init && git add -A && git commit -m start` there, or "
            "name another with --repo"
        ) from error
    return _RepositoryPaths(_find_root(directory, git_dir), git_dir, common / "objects")


def _find_root(directory: Path, git_dir: Path) -> Path:
    """Find the work tree of `directory`: where `.git` is, and never where the repository's `core.worktree` points."""
    if directory.is_relative_to(git_dir):
        return git_dir.parent if git_dir.name == ".git" and directory != git_dir else git_dir
    return next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), git_dir)


# --- the commit -------------------------------------------------------------------------------------------------------


def _read_source(
    place: _RepositoryPaths, base: str | None, fetched: remote.FetchedRepository | None
) -> SourceRepository:
    git = Git(place.git_dir)
    _check_readable(git, place.path)
    branch = _find_branch(git, base)
    commit = _resolve_commit(git, base or _choose_start(git, fetched.url if fetched else str(place.path)), fetched)
    object_format = git.read_line("rev-parse", "--show-object-format") or "sha1"
    source = SourceRepository(
        path=place.path,
        git_dir=place.git_dir,
        objects=place.objects,
        base=commit,
        url=fetched.url if fetched else "",
        branch=branch,
        description=git.read_line("describe", "--tags", commit),
        committed=git.read_line("show", "--no-patch", "--format=%cI", commit),
        object_format=object_format,
    )
    return source if not source.has_work_tree else _mark_dirt(source)


def _check_readable(git: Git, path: Path) -> None:
    completed = git("rev-parse", "--git-dir", check=False)
    if completed.exit_code:
        raise UserError(f"git cannot read the repository {path}: {completed.complaint}")


def _find_branch(git: Git, base: str | None) -> str:
    if base is None:
        return git.read_line("symbolic-ref", "--quiet", "--short", "HEAD")
    known = git("show-ref", "--verify", "--quiet", f"refs/heads/{base}", check=False).exit_code == 0
    return base if known else ""


def _choose_start(git: Git, where: str) -> str:
    """Choose HEAD, or, where that has no commit yet as in some bare repositories, the branch committed to last."""
    if git.read_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        return "HEAD"
    newest = git.read_line("for-each-ref", "--sort=-committerdate", "--count=1", "--format=%(refname)", "refs/heads")
    if not newest:
        raise UserError(f"{where} has no commit yet: run `git add -A && git commit -m start` there first")
    return newest


def _resolve_commit(git: Git, name: str, fetched: remote.FetchedRepository | None) -> str:
    if name.startswith("-") or "\0" in name:
        raise UserError(f"{name!r} is not a commit: give a branch, a tag or a commit's id")
    found = git.read_line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not found and fetched and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", name):
        remote.fetch_commit(fetched, name)
        found = git.read_line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if not found:
        raise UserError(f"the repository has no commit {name!r}: {_suggest_commit(git, name)}")
    return found


def _suggest_commit(git: Git, name: str) -> str:
    if git.read_line("rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{name}^{{commit}}"):
        return f"did you mean origin/{name}?"
    if git.read_line("rev-parse", "--is-shallow-repository") == "true":
        return "it is a shallow clone, so run `git fetch --unshallow` if the commit is an older one"
    names = git.read_line(
        "for-each-ref", "--sort=-committerdate", "--count=5", "--format=%(refname:short)", "refs/heads"
    )
    return "its newest branches are " + ", ".join(names.split()) if names else "give a branch, a tag or a commit's id"


# --- changes that are not committed -----------------------------------------------------------------------------------


def _mark_dirt(source: SourceRepository) -> SourceRepository:
    return replace(source, dirty=_is_dirty(source))


def _is_dirty(source: SourceRepository) -> bool:
    """Whether tracked files differ from HEAD. An index that cannot be read without its repository counts as dirty."""
    index, head = (
        source.git_dir / "index",
        Git(source.git_dir).read_line("rev-parse", "--verify", "--quiet", "HEAD^{commit}"),
    )
    if not index.is_file() or not head:
        return True
    with open_borrowing_repository(source.objects, object_format=source.object_format, work_tree=source.path) as git:
        shutil.copy2(index, git.git_dir / "index")  # with its time: git looks twice at files as young as that
        adopt_settings(source, git)
        git("update-index", "-q", "--refresh", check=False)
        return git("diff-index", "--quiet", "--ignore-submodules=all", head, "--", check=False).exit_code != 0


def adopt_settings(source: SourceRepository, git: Git) -> None:
    """Give our `git` the harmless settings by which the user's files are stored: line ends, modes, links."""
    wanted = ("core.autocrlf", "core.eol", "core.filemode", "core.symlinks", "core.ignorecase")
    user = Git(source.git_dir)
    for name in wanted:
        if value := user.read_line("config", "--get", name):
            git("config", name, value)
