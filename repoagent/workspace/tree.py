"""The clean copy of the code that a run works on: the base commit's files, and no history but that one commit."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from repoagent.domain import Edit, Patch
from repoagent.errors import EnvironmentFailed, UserError
from repoagent.process import CommandFailed
from repoagent.workspace import staging
from repoagent.workspace.paths import read_inside
from repoagent.workspace.plumbing import Git, build_borrowing_environment, create_repository
from repoagent.workspace.source import SourceRepository


@dataclass(frozen=True)
class Workspace:
    """A directory with the base's files, and a git repository of one commit. Stays as it is: diffs are made elsewhere.

    Files are there byte for byte as they are committed: no line-end conversion, no filters (a file in git LFS is its
    pointer), no submodules. Symbolic links are links, and are never followed when a file is read or changed.
    """

    root: Path

    @classmethod
    def create(cls, source: SourceRepository, target: Path) -> Workspace:
        """Write the base of `source` into `target`, which is new or empty. Nothing is written to the source.

        Raises UserError where `target` has files already, EnvironmentFailed where objects are missing or the disk is
        full.
        """
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UserError(f"{target} is not empty: name a new directory")
        try:
            _export_base(source, create_repository(target, object_format=source.object_format))
        except CommandFailed as error:
            raise EnvironmentFailed(_explain_failure(source, target, error)) from error
        return cls(target.resolve())

    @classmethod
    def open(cls, target: Path) -> Workspace:
        """Open the workspace that was created in `target` before."""
        if not (target / ".git" / "HEAD").is_file():
            raise UserError(f"{target} is not a workspace: start the run again")
        return cls(target.resolve())

    def list_files(self) -> tuple[str, ...]:
        """List the paths of all plain files of the base, sorted: no links, no submodules, no names that are not
        UTF-8."""
        entries = self._open_git()("ls-files", "--stage", "-z").stdout.split(b"\0")
        names = [row.partition(b"\t")[2].decode("utf-8", "replace") for row in entries if row.startswith(b"100")]
        return tuple(name for name in names if "\ufffd" not in name)

    def read(self, path: str) -> str:
        """Read the text of a file, bytes that are not UTF-8 as surrogates and line ends as they are.

        Raises FileNotFoundError, or PathRefused where `path` leaves the tree, passes a link or is no plain file.
        """
        return staging.decode_text(read_inside(self.root, path))

    def make_patch(self, edits: Sequence[Edit]) -> Patch:
        """Make the patch of `edits`, as `git diff` writes it whatever the user's settings: it applies to the base.

        A file that is not UTF-8 is patched as binary. Only `after` counts; of several edits to one path the last. May
        be called from several threads. Raises PathRefused for a path outside the tree, ToolError for texts and
        combinations of paths that no directory can hold.
        """
        with self._open_scratch() as git:
            staging.write_edits(git, list({edit.path: edit for edit in edits}.values()))
            return staging.make_patch(git)

    def parse_edits(self, patch: Patch) -> tuple[Edit, ...]:
        """Turn `patch`, made by `make_patch`, into one edit for each file. Raises ToolError where it does not fit the
        base."""
        with self._open_scratch() as git:
            staging.apply_patch(git, patch)
            blob = staging.read_blob
            return tuple(Edit(path, blob(git, f"HEAD:{path}"), blob(git, f":0:{path}")) for path in patch.files)

    def _open_git(self) -> Git:
        return Git(self.root / ".git", self.root, ours=True)

    @contextmanager
    def _open_scratch(self) -> Iterator[Git]:
        """Open git with the base in an index and a store of its own: callers do not meet, and leave nothing."""
        with tempfile.TemporaryDirectory(prefix="repoagent-diff-") as scratch:
            own = {"GIT_INDEX_FILE": f"{scratch}/index", "GIT_OBJECT_DIRECTORY": scratch}
            git = Git(
                self.root / ".git", self.root, True, own | build_borrowing_environment(self.root / ".git" / "objects")
            )
            git("read-tree", "HEAD")
            yield git


# --- writing the base -------------------------------------------------------------------------------------------------


def _export_base(source: SourceRepository, own: Git) -> None:
    reading = Git(own.git_dir, own.work_tree, True, build_borrowing_environment(source.objects))
    tree = reading("rev-parse", f"{source.base}^{{tree}}").text.strip()
    reading("read-tree", tree)
    reading("checkout-index", "--all", "-u", timeout=_PATIENCE)
    reading(
        "pack-objects", "--revs", "--quiet", ".git/objects/pack/pack", stdin=tree.encode() + b"\n", timeout=_PATIENCE
    )
    commit = reading("cat-file", "commit", source.base).text
    own("update-ref", "refs/heads/main", _commit_alone(own, tree, _read_date(commit)))


def _commit_alone(own: Git, tree: str, date: str) -> str:
    """Make one commit without parents, dated as the base is, so that equal bases make equal copies."""
    who = {
        f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (*_NOBODY, ("DATE", date))
    }
    return Git(own.git_dir, own.work_tree, True, who)("commit-tree", "-m", "Base", tree).text.strip()


def _read_date(commit: str) -> str:
    """Read when a commit was made from its own text: `git show` also needs its parents, which a shallow clone lacks."""
    found = re.search(r"^committer .*> (-?\d+ [+-]\d{4})$", commit, re.MULTILINE)
    return f"@{found[1]}" if found else "@0 +0000"


_NOBODY = (("NAME", "repoagent"), ("EMAIL", "repoagent@localhost"))
_PATIENCE = 900.0


def _explain_failure(source: SourceRepository, target: Path, error: CommandFailed) -> str:
    words = error.completed.complaint if error.completed else str(error)
    if "No space left" in words:
        return (
            f"the disk that holds {target} is full: free some space, for example with `repoagent clean`, and try again"
        )
    if "missing" in words or "unable to read" in words or "bad object" in words:
        return (
            f"files of the commit {source.base[:10]} are missing in {source.path}, which may be a partial clone: run "
            f"`git fetch --refetch` there, or clone it fully ({words})"
        )
    return f"cannot copy the commit {source.base[:10]} to {target}: {words}"
