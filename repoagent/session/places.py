"""Find sessions where they are kept, by the beginning of their ids."""

from __future__ import annotations

from pathlib import Path

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.places import locate_state_root
from repoagent.session.record import RECORD, read_record


def locate_sessions() -> Path:
    """Return the directory of sessions: `$REPOAGENT_STATE/sessions`, by default `~/.local/state/repoagent/sessions`."""
    return locate_state_root() / "sessions"


def find_session(name: str, root: Path) -> Path:
    """Find the directory of the session that `name` names: a path, an id, or the unique beginning of one.

    Raises UserError where there is none, or several.
    """
    if name and (Path(name).expanduser() / RECORD).is_file():
        return Path(name).expanduser().resolve()
    ids = sorted((path.name for path in list_directories(root) if _is_current(path)), reverse=True)
    matching = [name] if name in ids else [each for each in ids if name and each.startswith(name)]
    if len(matching) == 1:
        return (root / matching[0]).resolve()
    if matching:
        raise UserError(f"several sessions begin with {name}: {', '.join(matching[:5])}. Give more of the id")
    newest = f"the newest are {', '.join(ids[:5])}" if ids else f"there are none in {root}"
    raise UserError(f"there is no session {name!r}: {newest}")


def link_session(name: Path, path: Path) -> None:
    """Link a session that lies elsewhere below the root; raises EnvironmentFailed where that cannot be written."""
    try:
        name.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        name.symlink_to(path, target_is_directory=True)
    except OSError as error:
        raise EnvironmentFailed(
            f"cannot write {name.parent}: {error.strerror}. Set REPOAGENT_STATE to another place"
        ) from error


def unlink_session(root: Path, path: Path) -> None:
    """Remove the links below `root` to the sessions in `path`, which lies elsewhere."""
    for entry in list_directories(root):
        if entry.is_symlink() and entry.resolve() == path.resolve():
            entry.unlink()


def list_directories(root: Path) -> list[Path]:
    """List what may be sessions: directories, and links to those that lie elsewhere, broken links included."""
    try:
        return [path for path in root.iterdir() if path.is_dir() or path.is_symlink()]
    except OSError:
        return []


def _is_current(path: Path) -> bool:
    """Whether a link still names the session it was made for: its directory may have been given to another one."""
    try:
        return not path.is_symlink() or read_record(path).id == path.name
    except UserError:
        return True  # what cannot be read can still be removed
