"""`repoagent sessions`: list, show, audit and remove earlier runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from repoagent.cli.options import AsJson
from repoagent.cli.printable import make_printable

if TYPE_CHECKING:
    from repoagent.domain import Candidate, Result
    from repoagent.session import Session

app = typer.Typer(help="List, show and remove sessions.", no_args_is_help=True)

SessionArgument = Annotated[
    str, typer.Argument(metavar="SESSION", help="A session's id, the beginning of one, or its directory.")
]


@app.command("list")
def list_sessions(
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Maximum number of sessions to list.")] = 20,
) -> None:
    """List sessions, newest first."""
    from repoagent.session import list_sessions, locate_sessions

    found = list_sessions()
    if as_json:
        typer.echo(json.dumps([_collect_facts(session) for session in found[:limit]], indent=2))
        return
    if not found:
        typer.echo(f"There are no sessions in {locate_sessions()}.")
    for session in found[:limit]:
        typer.echo(
            f"{session.id}  {_describe_status(session):<11}  {make_printable(session.record.title)[:60]}".rstrip()
        )
    if len(found) > limit:
        typer.echo(f"… and {len(found) - limit} more (--limit)")


@app.command("show")
def show_session(session: SessionArgument, as_json: AsJson = False) -> None:
    """Show a session's files, its result, and how to continue it."""
    from repoagent.session import Session

    found = Session.open(session)
    if as_json:
        result = _read_result(found)
        facts = {**_collect_facts(found), "result": json.loads(_dump_result(result)) if result else None}
        typer.echo(
            json.dumps({**facts, "candidates": [_format_candidate(each) for each in _read_candidates(found)]}, indent=2)
        )
        return
    typer.echo("\n".join(_format_page(found)))


@app.command("audit")
def check_audit_log(
    session: SessionArgument,
    expect: Annotated[
        str,
        typer.Option(
            "--expect", metavar="HASH", help="The last hash as stated elsewhere, for example in the pull request."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check the hash chain of the log of all model calls and commands, and print its last hash. Ends with 2 if broken.

    Whoever can write the log can also replace it: compare its last hash with the one in the pull request.
    """
    from repoagent.cli.codes import ExitCode
    from repoagent.session import Session

    found = _audit_log(Session.open(session), expect)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    elif found.problem:
        typer.echo(f"Broken: {make_printable(found.problem)}")
    else:
        typer.echo(f"Unbroken: {found.entries} entries, the last hash is {found.head}")
    raise typer.Exit(ExitCode.USAGE if found.problem else ExitCode.VERIFIED)


@app.command("rm")
def remove_sessions(
    names: Annotated[list[str], typer.Argument(metavar="SESSION...", help="Ids, or beginnings of ids.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove sessions with all their files."""
    from repoagent.session import locate_sessions, remove_session
    from repoagent.session.places import find_session

    found = {find_session(name, locate_sessions()): name for name in names}
    if not yes:
        listing = "\n".join(f"  {path}" for path in found)
        typer.confirm(f"Remove these sessions?\n{listing}\n", abort=True)
    for name in found.values():
        kept = remove_session(name)
        typer.echo(f"Forgot {name}; its files stay in {kept}." if kept else f"Removed {name}.")


# --- one session, for a person -------------------------------------------------------------------------------------


def _format_page(session: Session) -> list[str]:
    record = session.record
    rows = [
        ("Session", record.id),
        ("Status", _describe_status(session)),
        ("Issue", make_printable(record.title)),
        ("Repository", make_printable(record.source)),
        ("Model", record.model),
        ("Started", f"{record.created:%Y-%m-%d %H:%M} UTC"),
        ("Directory", str(session.path)),
        ("Files", ", ".join(sorted(name for name in record.hashes if "/" not in name and session.has_artefact(name)))),
        ("Edited", ", ".join(session.list_edited())),
    ]
    head = [f"{name + ':':<12}{value}" for name, value in rows if value]
    return [
        *head,
        *_format_spec(session),
        *_format_outcome(session),
        *_format_candidates(session),
        "",
        *_format_next_steps(session),
    ]


def _format_spec(session: Session) -> list[str]:
    return ["", make_printable(session.read("spec.md"), keep="\n").strip()] if session.has_artefact("spec.md") else []


def _format_outcome(session: Session) -> list[str]:
    result = _read_result(session)
    if result is None:
        return []
    confidence = f", {result.confidence} confidence" if result.confidence else ""
    lines = ["", f"Result: {result.outcome}{confidence}. {make_printable(result.summary)}"]
    lines += [f"  checked: {make_printable(sentence)}" for sentence in result.verified]
    return lines + [f"  not checked: {make_printable(sentence)}" for sentence in result.unverified]


def _format_candidates(session: Session) -> list[str]:
    candidates = _read_candidates(session)
    return (
        ["", f"Candidates: {len(candidates)}", *(f"  {_format_candidate(each)}" for each in candidates)]
        if candidates
        else []
    )


def _format_candidate(candidate: Candidate) -> str:
    verdict, where = candidate.verdict, make_printable(f"{candidate.id}  {candidate.generator}  {candidate.target}")
    if verdict is None:
        return f"{where}: not tested"
    if verdict.gate:
        return f"{where}: rejected, {make_printable(verdict.gate[0])}"
    counts = f"{len(verdict.fixed)} fixed, {len(verdict.broken)} broken, {verdict.passed} pass"
    return f"{where}: {counts}, reproduction {verdict.oracle}"


def _format_next_steps(session: Session) -> list[str]:
    if session.is_running:
        return [f"Running in process {session.record.pid}."]
    if session.record.status == "finished" and session.has_artefact("patch.diff"):
        return [
            f"Apply it with: git apply {session.locate('patch.diff')}",
            f"Run again after editing: repoagent resume {session.id}",
        ]
    return [f"Continue with: repoagent resume {session.id}"]


# --- facts of sessions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _AuditState:
    """The state of a session's log."""

    session: str
    file: str
    unbroken: bool
    entries: int = 0
    head: str = ""
    """The hash of the last entry; empty where the chain does not hold."""
    problem: str = ""


def _audit_log(session: Session, expect: str) -> _AuditState:
    from repoagent.audit import AUDIT_FILE, AuditChainBroken, verify_file

    path = session.path / AUDIT_FILE
    try:
        if not path.exists():
            raise AuditChainBroken(f"there is no log in {path.parent}: nothing was run yet, or it was removed")
        head, entries = verify_file(path)
        if expect and head != expect:
            raise AuditChainBroken(f"the last hash is {head}, and not {expect}: the log was changed or continued since")
    except AuditChainBroken as error:
        return _AuditState(session.id, str(path), unbroken=False, problem=str(error))
    return _AuditState(session.id, str(path), unbroken=True, entries=entries, head=head)


def _describe_status(session: Session) -> str:
    """Describe the status; a session marked as running whose process is gone was interrupted."""
    if session.is_running:
        return "running"
    return "interrupted" if session.record.status == "running" else session.record.status


def _collect_facts(session: Session) -> dict[str, str | list[str]]:
    record = session.record
    return {
        "id": record.id,
        "status": _describe_status(session),
        "created": record.created.isoformat(),
        "title": record.title,
        "source": record.source,
        "model": record.model,
        "version": record.version,
        "directory": str(session.path),
        "edited": list(session.list_edited()),
    }


def _read_result(session: Session) -> Result | None:
    from pydantic import ValidationError

    from repoagent.domain import Result, load

    try:
        return load(Result, session.read("report.json")) if session.has_artefact("report.json") else None
    except ValidationError:
        return None


def _dump_result(result: Result) -> str:
    from repoagent.domain import dump

    return dump(result)


def _read_candidates(session: Session) -> list[Candidate]:
    """Read the stored candidates, the most promising first; unreadable files are skipped."""
    from pydantic import ValidationError

    from repoagent.domain import Candidate, load

    found = []
    for path in sorted((session.path / "candidates").glob("*.json")):
        try:
            found.append(load(Candidate, path.read_bytes()))
        except (ValidationError, OSError):
            continue
    return sorted(found, key=_rank_candidate)


def _rank_candidate(candidate: Candidate) -> tuple[bool, int, int]:
    verdict = candidate.verdict
    return (True, 0, 0) if verdict is None or verdict.gate else (False, len(verdict.broken), -len(verdict.fixed))
