"""Shorten a failed test run to the few lines a model needs; banners, warnings and foreign frames are dropped.

At most some 300 tokens: small models lose more by a long log than they gain (techniques.md, section 6).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from repoagent.domain import Ending, Outcome, Report
from repoagent.sandbox.base import REPOSITORY
from repoagent.testbed.results.severity import sort_worst_first

MAX_CHARACTERS = 1200
"""Characters; about 300 tokens."""

_MAX_LINE = 120
_MAX_VALUES = 5
_FOREIGN = ("site-packages", "dist-packages", "/lib/python", "<")
_FRAME = re.compile(r'^[ \t]*File "(?P<a>[^"\n]+)", line (?P<b>\d+)|^(?P<c>[^\s:"]+\.pyx?):(?P<d>\d+): ', re.MULTILINE)
_RAISED = r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Failed)\b.*"
_EXCEPTION = re.compile(rf"^(?:E {{3,}}| {{0,3}})(?P<text>{_RAISED})$", re.MULTILINE)
_INTROSPECTED = re.compile(r"^E +(?P<text>\S.*)$", re.MULTILINE)
_PYTHONIC = re.compile(r"^E {3,}|^Traceback ", re.MULTILINE)
_PLACE = re.compile(r"(?P<path>[\w./@+-]{1,200}\.\w{1,5}):(?P<line>\d{1,7})\b")
_STACK = re.compile(r"at \S|❯ |\^+$|stack backtrace:|note: run with `RUST_BACKTRACE|\{?\s*(generatedMessage|code): ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MAX_PLACES = 50
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


@dataclass(frozen=True)
class RepositoryFrame:
    """A line of the repository that a traceback names."""

    path: str
    line: int
    source: str
    """The line as the traceback shows it; empty when it does not."""


def summarise_failure(log: Report | str, new_failures: Collection[str], root: Path) -> str:
    """Say what broke in at most LONGEST characters: the first of `new_failures` in full, the others by name, the
    counts.

    `log` is a report, or the output of any run. Source lines are read below `root`, if it still has the line that the
    traceback shows.
    """
    if isinstance(log, str):
        return _cut_text("\n".join(_explain(log, root)))
    chosen = [o for o in sort_worst_first(log.outcomes) if o.id in new_failures]
    if not chosen:
        return _cut_text("\n".join([_describe_ending(log), *_explain(log.log, root)]))
    first = next((o for o in chosen if o.message), chosen[0])
    explained = [*_explain(first.message, root), *_list_values(first)]
    lines = [f"FAILED {first.id}", *explained, *_list_other_failures(chosen, first), _count_outcomes(log)]
    return _cut_text("\n".join(lines))


def _explain(text: str, root: Path) -> list[str]:
    """Give the exception, the values pytest compared, and the deepest frame inside the repository."""
    frame = _find_deepest_frame(text)
    complaint = _extract_exception(text)
    if frame is None and not _PYTHONIC.search(text):
        complaint, frame = _take_first_lines(text), _find_named_place(text, root)
    return [*complaint, *(_format_frame(frame, root) if frame else [])]


def _take_first_lines(text: str) -> list[str]:
    """Take the first lines that a runner of another language prints, without its stack, whose innermost frame is
    first."""
    lines = [line.strip() for line in _COLOUR.sub("", text).splitlines()]
    return [_shorten_line(line) for line in lines if line and not _STACK.match(line)][:8]


def _find_named_place(text: str, root: Path) -> RepositoryFrame | None:
    """Find the first `path:line` in the text that is a file of the repository."""
    for match in islice(_PLACE.finditer(text), _MAX_PLACES):
        path = _make_relative(match["path"].removeprefix("file://"))
        if path and "node_modules" not in path and _read_source_lines(root / path, root):
            return RepositoryFrame(path, int(match["line"]), "")
    return None


def _list_values(outcome: Outcome) -> list[str]:
    """List the values of local variables where a test failed, without fixtures and the test's own `self`."""
    told = [value for value in outcome.locals if not value.startswith(("self = <", "request = <"))]
    return [f"with {_shorten_line(value)}" for value in told[:_MAX_VALUES]]


def _extract_exception(text: str) -> list[str]:
    exceptions = [m["text"] for m in _EXCEPTION.finditer(text)]
    lines = exceptions[-1:]
    lines += [m["text"] for m in _INTROSPECTED.finditer(text) if m["text"] not in exceptions][:6]
    return [_shorten_line(line) for line in lines]


def _shorten_line(line: str) -> str:
    """Shorten a line; of a comparison the beginning of both sides is kept."""
    line = _ADDRESS.sub("0x…", line)
    left, equals, right = line.partition(" == ")
    if equals and len(line) > _MAX_LINE:
        return f"{_truncate(left)} == {_truncate(right)}"
    return _truncate(line)


def _truncate(text: str) -> str:
    return text if len(text) <= _MAX_LINE else text[: _MAX_LINE - 1] + "…"


def _find_deepest_frame(text: str) -> RepositoryFrame | None:
    inside = [(m, path) for m in _FRAME.finditer(text) if (path := _make_relative(m["a"] or m["c"]))]
    if not inside:
        return None
    match, path = inside[-1]
    following = text[match.end() :].split("\n", 2)[1:2]
    return RepositoryFrame(path, int((match["b"] or match["d"])[:9]), following[0].strip() if following else "")


def _make_relative(path: str) -> str:
    """The path relative to the repository; empty for a file that lies elsewhere."""
    relative = path.removeprefix(f"{REPOSITORY}/")
    outside = relative.startswith("/") or ".." in PurePosixPath(relative).parts
    return "" if outside or any(mark in relative for mark in _FOREIGN) else relative


def _format_frame(frame: RepositoryFrame, root: Path) -> list[str]:
    lines = _read_source_lines(root / frame.path, root)
    here = lines[frame.line - 1].strip() if 0 < frame.line <= len(lines) else ""
    if not here or (frame.source and frame.source != here):
        return [f"at {frame.path}:{frame.line}", f">   {_truncate(frame.source)}"] if frame.source else []
    window = range(max(1, frame.line - 1), min(len(lines), frame.line + 1) + 1)
    numbered = [f"{'>' if n == frame.line else ' '} {n}  {_truncate(lines[n - 1])}" for n in window]
    return [f"at {frame.path}:{frame.line}", *numbered]


def _read_source_lines(path: Path, root: Path) -> Sequence[str]:
    try:
        resolved = path.resolve()
        if not resolved.is_relative_to(root.resolve()) or not resolved.is_file():
            return ()
        return resolved.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()


def _list_other_failures(chosen: Sequence[Outcome], first: Outcome) -> list[str]:
    rest = [o.id for o in chosen if o.id != first.id]
    more = [f"… and {len(rest) - 4} more"] if len(rest) > 4 else []
    return [*(f"FAILED {_truncate(name)}" for name in rest[:4]), *more]


def _count_outcomes(report: Report) -> str:
    return f"{len(report.failed)} failed, {len(report.passed)} passed"


def _describe_ending(report: Report) -> str:
    return _count_outcomes(report) if report.ending is Ending.COMPLETED else f"The test run {_ENDINGS[report.ending]}."


_ENDINGS = {
    Ending.TIMED_OUT: "did not end in time",
    Ending.CRASHED: "crashed",
    Ending.NOT_COLLECTED: "found no test that could be run",
    Ending.NOT_BUILT: "did not begin, because the code does not compile",
}


def _cut_text(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
