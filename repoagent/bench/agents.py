"""The agents of a run: this program, a command of the user, and two that calibrate a benchmark (gold, empty)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.bench.evaluation.scan import scan
from repoagent.bench.sources import source_of
from repoagent.bench.task import Solved, Task
from repoagent.domain import Edit, Result
from repoagent.errors import BudgetExceeded, EnvironmentFailed
from repoagent.process import CommandFailed
from repoagent.process import run as run_command
from repoagent.workspace import Workspace

if TYPE_CHECKING:
    from repoagent.process import Completed
    from repoagent.session import Session

SESSION = "session"
"""The folder of this program's session, below the instance's folder."""


def solve(task: Task, folder: Path) -> Solved:
    """Run the task's agent in `folder`, which may hold the remains of an earlier attempt."""
    return _AGENTS[task.agent.name](task, folder)


def _gold(task: Task, _folder: Path) -> Solved:
    return Solved(task.instance.patch, "given")


def _empty(_task: Task, _folder: Path) -> Solved:
    return Solved("", "none")


# --- this program -----------------------------------------------------------------------------------------------------


def _repoagent(task: Task, folder: Path) -> Solved:
    """Solve in a session of its own; the session of an earlier attempt is continued from its last step."""
    from repoagent.app.solve import run
    from repoagent.session import Session

    place = folder / SESSION
    session = Session.open(place, folder) if _usable(place) else _begun(task, folder)
    result = run(session, (), _nobody, ask=False)
    solved = _solved(task, result, place)
    if not task.keep:
        _lighten(place)
    return solved


def _usable(session: Path) -> bool:
    """Tell whether the session of an earlier attempt is complete enough to continue; the ref is written last."""
    return (session / "workspace" / ".git" / "refs" / "heads" / "main").is_file()


def _begun(task: Task, folder: Path) -> Session:
    from repoagent.app.request import Request
    from repoagent.app.solve import begin

    place, issue = folder / SESSION, folder / "issue.md"
    shutil.rmtree(place, ignore_errors=True)
    issue.write_text(task.instance.issue, encoding="utf-8", errors="replace")
    source = source_of(task.instance, Path(task.mirrors) if task.mirrors else None, folder)
    test = task.instance.test_command or None
    request = Request(str(issue), task.settings, str(source.path), source.base, test, str(place))
    return begin(request, None, folder / "known")


def _nobody(_pause: object) -> None:
    """Approve spec and plan without review: nobody is there."""


def _solved(task: Task, result: Result, session: Path) -> Solved:
    from repoagent.trace import read

    events = read(session / "events.jsonl")
    named = [value for event in events if event.kind == "localised" for value in _strings(event.data.get("functions"))]
    return Solved(
        patch=result.patch,
        outcome=result.outcome,
        confidence=result.confidence or "",
        usage=result.usage,
        seconds=result.seconds,
        located=tuple(dict.fromkeys(name.partition(":")[0] for name in named)),
        candidates=result.candidates,
        summary=result.summary,
        findings=scan(task.instance, result.patch, session),
    )


def _strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _lighten(session: Path) -> None:
    """Delete work tree and checkpoint, which would fill the disk, and keep the trajectory."""
    shutil.rmtree(session / "workspace", ignore_errors=True)
    for path in session.glob("checkpoint.sqlite*"):
        path.unlink(missing_ok=True)


# --- a command of the user's ------------------------------------------------------------------------------------------


def _command(task: Task, folder: Path) -> Solved:
    """Run a command of the user in a copy of the base without history, with the issue on standard input."""
    place = folder / "tree"
    shutil.rmtree(place, ignore_errors=True)
    source = source_of(task.instance, Path(task.mirrors) if task.mirrors else None, folder)
    workspace = Workspace.create(source, place)
    ended = _ended(task, place)
    (folder / "output.log").write_bytes(ended.stdout[-_LARGEST:] + ended.stderr[-_LARGEST:])
    if ended.exit_code == _TEMPORARY:
        raise EnvironmentFailed(f"the command asks for a retry: {ended.complaint}")
    if ended.exit_code:
        raise AgentDied(f"the command ended with {ended.exit_code}: {ended.complaint}")
    patch = _difference(workspace)
    if not task.keep:
        shutil.rmtree(place, ignore_errors=True)
    return Solved(
        patch, "given" if patch else "none", seconds=ended.seconds, findings=scan(task.instance, patch, folder)
    )


def _ended(task: Task, place: Path) -> Completed:
    environment = {"REPOAGENT_INSTANCE": task.instance.id, "REPOAGENT_MODEL": task.settings.model}
    shell, issue = ("sh", "-c", task.agent.command), task.instance.issue.encode("utf-8", "replace")
    seconds = task.settings.max_minutes * 60
    try:
        return run_command(shell, cwd=place, stdin=issue, timeout=seconds, environment=environment, check=False)
    except CommandFailed as error:
        raise BudgetExceeded(str(error)) from error


class AgentDied(Exception):
    """The user's command ended with an error."""


_TEMPORARY = 75
"""EX_TEMPFAIL of sysexits.h: the command failed for reasons outside of it."""
_LARGEST = 1_000_000


def _difference(workspace: Workspace) -> str:
    """Diff the work tree against its base: changed, deleted and new files."""
    from repoagent.workspace.plumbing import Git

    git = Git(workspace.root / ".git", workspace.root, ours=True)
    listed = git("ls-files", "--modified", "--deleted", "--others", "--exclude-standard", "-z").stdout
    names = sorted({name.decode("utf-8", "replace") for name in listed.split(b"\0") if name})
    return workspace.diff([Edit(name, None, _now(workspace, name)) for name in names if "\ufffd" not in name]).text


def _now(workspace: Workspace, name: str) -> str | None:
    try:
        return workspace.read(name)
    except FileNotFoundError:
        return None


_AGENTS: dict[str, Callable[[Task, Path], Solved]] = {
    "repoagent": _repoagent,
    "gold": _gold,
    "empty": _empty,
    "command": _command,
}
