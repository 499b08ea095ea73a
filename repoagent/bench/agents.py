"""The agents of a run: this program, a command of the user, and two that calibrate a benchmark (gold, empty)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.bench.evaluation.scan import scan_for_cheating
from repoagent.bench.sources import get_source
from repoagent.bench.task import AgentResult, BenchTask
from repoagent.domain import Edit, Result
from repoagent.errors import BudgetExceeded, EnvironmentFailed
from repoagent.process import CommandFailed
from repoagent.process import run as run_command
from repoagent.workspace import Workspace

if TYPE_CHECKING:
    from repoagent.process import ProcessResult
    from repoagent.session import Session

SESSION_FOLDER = "session"
"""The folder of this program's session, below the instance's folder."""


def run_agent(task: BenchTask, folder: Path) -> AgentResult:
    """Run the task's agent in `folder`, which may hold the remains of an earlier attempt."""
    return _AGENTS[task.agent.name](task, folder)


def _run_gold(task: BenchTask, _folder: Path) -> AgentResult:
    return AgentResult(task.instance.patch, "given")


def _run_empty(_task: BenchTask, _folder: Path) -> AgentResult:
    return AgentResult("", "none")


# --- this program -----------------------------------------------------------------------------------------------------


def _run_repoagent(task: BenchTask, folder: Path) -> AgentResult:
    """Solve in a session of its own; the session of an earlier attempt is continued from its last step."""
    from repoagent.app.solve import run_session
    from repoagent.session import Session

    place = folder / SESSION_FOLDER
    session = Session.open(place, folder) if _is_complete(place) else _begin_session(task, folder)
    result = run_session(session, (), _approve_unseen, ask=False)
    solved = _collect_result(task, result, place)
    if not task.keep:
        _remove_work_tree(place)
    return solved


def _is_complete(session: Path) -> bool:
    """Tell whether the session of an earlier attempt is complete enough to continue; the ref is written last."""
    return (session / "workspace" / ".git" / "refs" / "heads" / "main").is_file()


def _begin_session(task: BenchTask, folder: Path) -> Session:
    from repoagent.app.request import RunRequest
    from repoagent.app.solve import begin_session

    place, issue = folder / SESSION_FOLDER, folder / "issue.md"
    shutil.rmtree(place, ignore_errors=True)
    issue.write_text(task.instance.issue, encoding="utf-8", errors="replace")
    source = get_source(task.instance, Path(task.mirrors) if task.mirrors else None, folder)
    test = task.instance.test_command or None
    request = RunRequest(str(issue), task.settings, str(source.path), source.base, test, str(place))
    return begin_session(request, None, folder / "known")


def _approve_unseen(_pause: object) -> None:
    """Approve spec and plan without review: nobody is there."""


def _collect_result(task: BenchTask, result: Result, session: Path) -> AgentResult:
    from repoagent.trace import read_events

    events = read_events(session / "events.jsonl")
    named = [
        value for event in events if event.kind == "localised" for value in _read_strings(event.data.get("functions"))
    ]
    return AgentResult(
        patch=result.patch,
        outcome=result.outcome,
        confidence=result.confidence or "",
        usage=result.usage,
        seconds=result.seconds,
        located=tuple(dict.fromkeys(name.partition(":")[0] for name in named)),
        candidates=result.candidates,
        summary=result.summary,
        findings=scan_for_cheating(task.instance, result.patch, session),
    )


def _read_strings(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _remove_work_tree(session: Path) -> None:
    """Delete work tree and checkpoint, which would fill the disk, and keep the trajectory."""
    shutil.rmtree(session / "workspace", ignore_errors=True)
    for path in session.glob("checkpoint.sqlite*"):
        path.unlink(missing_ok=True)


# --- a command of the user's ------------------------------------------------------------------------------------------


def _run_command_agent(task: BenchTask, folder: Path) -> AgentResult:
    """Run a command of the user in a copy of the base without history, with the issue on standard input."""
    place = folder / "tree"
    shutil.rmtree(place, ignore_errors=True)
    source = get_source(task.instance, Path(task.mirrors) if task.mirrors else None, folder)
    workspace = Workspace.create(source, place)
    ended = _run_shell(task, place)
    (folder / "output.log").write_bytes(ended.stdout[-_MAX_LOG_BYTES:] + ended.stderr[-_MAX_LOG_BYTES:])
    if ended.exit_code == _EX_TEMPFAIL:
        raise EnvironmentFailed(f"the command asks for a retry: {ended.complaint}")
    if ended.exit_code:
        raise AgentCrashed(f"the command ended with {ended.exit_code}: {ended.complaint}")
    patch = _diff_work_tree(workspace)
    if not task.keep:
        shutil.rmtree(place, ignore_errors=True)
    return AgentResult(
        patch,
        "given" if patch else "none",
        seconds=ended.seconds,
        findings=scan_for_cheating(task.instance, patch, folder),
    )


def _run_shell(task: BenchTask, place: Path) -> ProcessResult:
    environment = {"REPOAGENT_INSTANCE": task.instance.id, "REPOAGENT_MODEL": task.settings.model}
    shell, issue = ("sh", "-c", task.agent.command), task.instance.issue.encode("utf-8", "replace")
    seconds = task.settings.max_minutes * 60
    try:
        return run_command(shell, cwd=place, stdin=issue, timeout=seconds, environment=environment, check=False)
    except CommandFailed as error:
        raise BudgetExceeded(str(error)) from error


class AgentCrashed(Exception):
    """The user's command ended with an error."""


_EX_TEMPFAIL = 75
"""EX_TEMPFAIL of sysexits.h: the command failed for reasons outside of it."""
_MAX_LOG_BYTES = 1_000_000


def _diff_work_tree(workspace: Workspace) -> str:
    """Diff the work tree against its base: changed, deleted and new files."""
    from repoagent.workspace.plumbing import Git

    git = Git(workspace.root / ".git", workspace.root, ours=True)
    listed = git("ls-files", "--modified", "--deleted", "--others", "--exclude-standard", "-z").stdout
    names = sorted({name.decode("utf-8", "replace") for name in listed.split(b"\0") if name})
    return workspace.make_patch(
        [Edit(name, None, _read_current(workspace, name)) for name in names if "\ufffd" not in name]
    ).text


def _read_current(workspace: Workspace, name: str) -> str | None:
    try:
        return workspace.read(name)
    except FileNotFoundError:
        return None


_AGENTS: dict[str, Callable[[BenchTask, Path], AgentResult]] = {
    "repoagent": _run_repoagent,
    "gold": _run_gold,
    "empty": _run_empty,
    "command": _run_command_agent,
}
