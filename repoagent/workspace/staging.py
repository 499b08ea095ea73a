"""Turn edits into patches and back in an index of their own, without a work tree."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from repoagent.domain import Edit, Patch
from repoagent.errors import ToolError
from repoagent.process import CommandFailed
from repoagent.workspace.paths import PathRefused, split_path
from repoagent.workspace.plumbing import Git, create_repository


def write_edits(git: Git, edits: Sequence[Edit]) -> None:
    """Write `edits` into the index. Raises ToolError for a path or a text that the repository cannot hold."""
    modes = _read_modes(git)
    staying = modes.keys() - {edit.path for edit in edits if edit.after is None}
    staying |= {edit.path for edit in edits if edit.after is not None}
    for edit in edits:
        _check_place(edit.path, modes, staying)
    nothing = "0" * len(git("rev-parse", "HEAD").text.strip())
    gone = [f"0 {nothing}\t{edit.path}" for edit in edits if edit.after is None]
    kept = [
        f"{modes.get(e.path, '100644')} {_store_blob(git, e.path, e.after)}\t{e.path}"
        for e in edits
        if e.after is not None
    ]
    # Deletions come first, so that a file can give way to a directory of its name.
    rows = "".join(f"{row}\0" for row in (*gone, *kept))
    git("update-index", "-z", "--index-info", stdin=rows.encode("utf-8", "surrogateescape"))


def make_patch(git: Git) -> Patch:
    """Make the patch of what the index changes in HEAD."""
    names = git("diff-index", "--cached", "--no-renames", "--name-only", "-z", "HEAD", "--").stdout
    paths = tuple(decode_text(name) for name in names.split(b"\0") if name)
    return Patch("".join(_make_file_patch(git, path) for path in paths), paths)


def apply_patch(git: Git, change: Patch) -> None:
    """Apply a patch to the index; raises ToolError where it does not fit."""
    try:
        if change.text.strip():
            git("apply", "--cached", "--whitespace=nowarn", stdin=change.text.encode("utf-8", "surrogateescape"))
    except CommandFailed as error:
        words = error.completed.complaint if error.completed else str(error)
        raise ToolError(f"the patch does not fit the code ({words}): make it again from the present text") from error


def read_blob(git: Git, name: str) -> str | None:
    """Read the text of a blob named `REVISION:PATH` or `:0:PATH`; None where there is none."""
    found = git("cat-file", "blob", name, check=False)
    return None if found.exit_code else decode_text(found.stdout)


def decode_text(content: bytes) -> str:
    """Decode bytes as UTF-8, invalid ones as surrogates."""
    return content.decode("utf-8", "surrogateescape")


_AS_PATCH = (
    *(
        "--cached",
        "--patch",
        "--binary",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
        "--no-relative",
    ),
    *("--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers"),
    *("--indent-heuristic", "--submodule=short"),
)


def _read_modes(git: Git) -> dict[str, str]:
    """Read the mode of every entry of the index: `100644` or `100755` a file, `120000` a link, `160000` a submodule."""
    rows = git("ls-files", "--stage", "-z").stdout.split(b"\0")
    return {decode_text(row.partition(b"\t")[2]): row[:6].decode() for row in rows if row}


def _check_place(path: str, modes: Mapping[str, str], staying: set[str]) -> None:
    """Refuse a path that is or passes a link or a submodule, that needs a file to be a directory, or the reverse."""
    parts = split_path(path)
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    for place in (*above, path):
        if modes.get(place, "100")[:3] != "100":
            raise PathRefused(f"{path} is, or passes, a link or a submodule ({place}): only plain files can be changed")
    if in_the_way := [place for place in above if place in staying]:
        raise ToolError(f"{path} cannot be made, because {in_the_way[0]} is a file: choose another path")
    if path not in modes and any(other.startswith(f"{path}/") for other in staying):
        raise PathRefused(f"{path} is a directory: name a file")


def _store_blob(git: Git, path: str, after: str) -> str:
    try:
        content = after.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ToolError(f"the new text of {path} has characters that no file can hold: leave them out") from error
    return git("hash-object", "-w", "--no-filters", "--stdin", stdin=content).text.strip()


def _make_file_patch(git: Git, path: str) -> str:
    """Make the patch of one file; as binary where the file is not UTF-8, since JSON and checkpoints hold no
    surrogates."""
    base, place = git("rev-parse", "HEAD").text.strip(), f":(literal,top){path}"
    shown = decode_text(git("diff-index", *_AS_PATCH, base, "--", place).stdout)
    if not any("\ud800" <= character <= "\udfff" for character in shown):
        return shown
    with tempfile.TemporaryDirectory(prefix="repoagent-diff-") as scratch:
        own = create_repository(Path(scratch), object_format="sha1" if len(base) == 40 else "sha256")
        (own.git_dir / "info" / "attributes").write_text("* -diff\n")
        return decode_text(replace(git, git_dir=own.git_dir)("diff-index", *_AS_PATCH, base, "--", place).stdout)
