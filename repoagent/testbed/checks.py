"""Run the compilers, type checkers and linters that a project declares in the sandbox, and report what they complain
of.

A project of some age has complaints of its own, and a change answers only for new ones. So a complaint is identified by
its file and text, without the line, which moves.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.sandbox.base import REPOSITORY, CommandResult, Sandbox
from repoagent.testbed.running.base import KEPT_LOG, Entry

_MAX_COMPLAINTS = 2000
_LINE = re.compile(
    r"^(?P<path>[^\s:()][^:()\n]*?)(?::(?P<a>\d+)(?::\d+)?|\((?P<b>\d+),\d+\)): *(?P<text>\S.*)$"
    r"|^ +(?P<c>\d+):\d+ +(?P<styled>(?:error|warning) .*)$"
    r"|^(?P<heading>/\S+\.\w+)$",
    re.MULTILINE,
)
"""`path:3:1: text` of most, `path(3,1): text` of tsc, and eslint's lines under a file's name."""
_NO_COMPLAINT = re.compile(r"^(note|info|warning: unused manifest key)\b")
_NOT_FOUND = {126, 127}


@dataclass(frozen=True)
class ProjectCheck:
    """A command that says whether code is well made, without running it."""

    name: str
    """For a person: `mypy`, `npm run lint`."""
    command: str
    """Shell, run in the repository."""
    install: str = ""
    """A step of the build that gets the tool; empty where the project's own build does."""


def run_check(check: ProjectCheck, entry: Entry, sandbox: Sandbox, timeout: float) -> Report:
    """Run a check on the code in `sandbox`: one failed outcome for each complaint, or one that passed.

    The report says "not collected" where the tool is not installed. `timeout` is in seconds. Raises SandboxFailed when
    the sandbox broke.
    """
    finished = sandbox.run(entry.wrap_command(check.command), timeout=timeout, environment=entry.variables)
    ending = _classify_ending(finished)
    outcomes = _make_outcomes(check, finished) if ending is Ending.COMPLETED else ()
    return Report(ending, outcomes, finished.seconds, check.command, finished.output[-KEPT_LOG:])


def find_new_complaints(before: Report, after: Report) -> frozenset[str]:
    """Compare two reports of one check: the complaints only `after` has; none unless both runs were completed."""
    if Ending.COMPLETED is not before.ending or before.ending is not after.ending:
        return frozenset()
    return after.failed - before.failed


def parse_complaints(text: str) -> tuple[Outcome, ...]:
    """Parse the complaints in a tool's output, each with its line as message; a repeated one is numbered."""
    seen: Counter[str] = Counter()
    found = []
    for name, message in _iterate_complaints(text):
        seen[name] += 1
        number = f" [{seen[name]}]" if seen[name] > 1 else ""
        found.append(Outcome(f"{name}{number}", Status.FAILED, 0.0, message))
    return tuple(found[:_MAX_COMPLAINTS])


def _iterate_complaints(text: str) -> Iterator[tuple[str, str]]:
    heading = ""
    for match in _LINE.finditer(text):
        if match["heading"]:
            heading = _make_relative(match["heading"])
        elif match["styled"] and heading:
            said = re.sub(r"\s+", " ", match["styled"]).strip()
            yield f"{heading}: {said}", f"{heading}:{match['c']}: {said}"
        elif match["path"] and not _NO_COMPLAINT.match(match["text"]):
            path, line = _make_relative(match["path"]), match["a"] or match["b"]
            yield f"{path}: {match['text'].strip()}", f"{path}:{line}: {match['text'].strip()}"


def _make_relative(path: str) -> str:
    return path.removeprefix(f"{REPOSITORY}/").removeprefix("./")


def _classify_ending(finished: CommandResult) -> Ending:
    if finished.timed_out:
        return Ending.TIMED_OUT
    if finished.exit_code in _NOT_FOUND:
        return Ending.NOT_COLLECTED
    return Ending.CRASHED if finished.exit_code > 128 else Ending.COMPLETED


def _make_outcomes(check: ProjectCheck, finished: CommandResult) -> tuple[Outcome, ...]:
    if finished.exit_code == 0:
        return (Outcome(check.name, Status.PASSED, finished.seconds),)
    said = parse_complaints(finished.output)
    return said or (Outcome(check.name, Status.FAILED, finished.seconds, finished.output[-KEPT_LOG:]),)


Reports = Mapping[str, Report]
"""What each check says, by its name."""
