"""Find code that stands in an issue's prose without any fence, as trackers leave it that know no Markdown.

Their empty lines are gone, too, so that a sentence may follow a statement: a run of lines that look like code is cut
back until it parses.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence

from repoagent.issue.syntax import is_literal, measure_parsable, parse_leniently

MAX_LINES = 80
"""Of one run."""

_NAME = r"[A-Za-z_][\w.]{0,80}"
_BEGINS_CODE = re.compile(
    rf"(?:from {_NAME} import [\w(*]|import {_NAME}(?: as \w+)?(?:, ?{_NAME})*\s*$|class \w+\b.*:\s*(?:#.*)?$"
    rf"|(?:async )?def \w+\(|@{_NAME}(?:\(.*)?$|(?:with|for|while|if) .*:\s*$|try:\s*$|assert .*[(=]|print\(.*"
    rf"|{_NAME}(?:\[.{{0,60}}\])?(?:, ?{_NAME})* [-+*/|&]?= ?\S|{_NAME}\(.*[)(,\[{{]\s*(?:#.*)?$)"
)
_CONTINUES_CODE = re.compile(r"(?:\s|[)\]}#]|else:|elif .*:$|except\b.*:$|finally:)")

_BINDS = re.compile(rf"((?:{_NAME}, ?)*{_NAME}) = ?\S")
_SHOWN_VARIABLE = re.compile(r"([A-Za-z_]\w{0,80})(?:\.[A-Za-z_]\w{0,80}|\[[^\]]{0,60}\]){0,8}\s*(?:#.*)?$")


def find_plain_code(lines: Sequence[str]) -> Mapping[int, int]:
    """Return by the line on which code begins the line after it. Takes time in proportion to the lines, whatever they
    are: a run is looked at once."""
    found: dict[int, int] = {}
    at = 0
    while at < len(lines):
        if not _BEGINS_CODE.match(lines[at]):
            at += 1
            continue
        run = _cut_run(lines[at : at + MAX_LINES])
        end = measure_parsable(run)
        if _is_more_than_call(parse_leniently("\n".join(run[:end])).body):
            found[at] = at + end
        at += max(end, 1) if end else len(run)
    return found


def _cut_run(lines: Sequence[str]) -> Sequence[str]:
    """Return the lines up to the first that looks neither like code nor like a value below a comment that says what it
    is."""
    bound: set[str] = set()
    for number, line in enumerate(lines):
        labelled = number > 0 and lines[number - 1].startswith("#") and is_literal(line)
        if not (_looks_like_code(line) or _is_variable_shown(line, bound) or labelled):
            return lines[:number]
        if binding := _BINDS.match(line):
            bound.update(re.findall(r"\w+", binding[1]))
    return lines


def _looks_like_code(line: str) -> bool:
    return bool(line.strip()) and bool(_BEGINS_CODE.match(line) or _CONTINUES_CODE.match(line))


def _is_variable_shown(line: str, bound: Collection[str]) -> bool:
    """Return whether a line is nothing but a variable of the code above, or an attribute of one, as in a session."""
    found = _SHOWN_VARIABLE.match(line)
    return found is not None and found[1] in bound


def _is_more_than_call(body: Sequence[ast.stmt]) -> bool:
    """Return whether it is more than a call that a sentence is about."""
    return len(body) > 1 or any(not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom) for node in body)
