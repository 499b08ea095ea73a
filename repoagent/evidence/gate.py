"""Refuse candidates before a single test is spent on them.

The checks need no run: it changes code, not only tests and comments; it parses; it brings in no undefined name or
the like (SWE-agent resolves 18.0 % with such a gate and 15.0 % without; its table 3); it is not absurdly large.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from repoagent.domain import Edit
from repoagent.edits import EditRefused
from repoagent.languages.python.fingerprint import ast_fingerprint
from repoagent.languages.python.syntax import parse, split_lines

if TYPE_CHECKING:
    from pyflakes.messages import Message

_MAX_CHANGED_LINES = 150
"""Changed lines above which a patch for one issue is not believed."""


def find_problems(edits: Sequence[Edit]) -> tuple[str, ...]:
    """List why the edits may not be tested; nothing when they may."""
    found = [problem for edit in edits for problem in _find_edit_problems(edit)]
    if not any(_is_code_change(edit) for edit in edits):
        found.append("it changes no code")
    return tuple(found)


def compute_candidate_key(edits: Sequence[Edit]) -> str:
    """Compute a hash that is equal for edits that leave the same files with the same meaning."""
    parts = sorted(f"{edit.path}\0{ast_fingerprint(edit.after or '')}" for edit in edits)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


_TEST_FOLDER = re.compile(r"(\w+_)?(tests|testcases|test_cases)")


def is_test(path: str) -> bool:
    """Return whether a file holds tests, which a patch may add to but never change.

    Its own name tells, or a folder `tests`, `testcases` or `…_tests`; a folder `test` only at the top, for packages
    have modules that help with tests in one (`django/test/client.py`).
    """
    name = PurePosixPath(path)
    folders = name.parts[:-1]
    named = name.name == "conftest.py" or name.match("test_*.py") or name.match("*_test.py")
    return named or any(map(_TEST_FOLDER.fullmatch, folders)) or folders[:1] == ("test",)


def _find_edit_problems(edit: Edit) -> list[str]:
    if edit.before is not None and is_test(edit.path):
        return [f"it edits the tests in {edit.path}"]
    if edit.after is None or not edit.path.endswith(".py"):
        return []
    try:
        parse(edit.after)
    except EditRefused as error:
        return [f"{edit.path}: {error}"]
    return [*_find_new_mistakes(edit), *_find_excess(edit)]


def _is_code_change(edit: Edit) -> bool:
    return edit.before is None or edit.after is None or ast_fingerprint(edit.before) != ast_fingerprint(edit.after)


def _find_new_mistakes(edit: Edit) -> list[str]:
    """List undefined names and other certain mistakes that were not there before."""
    known = Counter(_find_mistakes(edit.before or ""))
    return [f"{edit.path}: {mistake}" for mistake in (Counter(_find_mistakes(edit.after or "")) - known)]


def _find_mistakes(source: str) -> list[str]:
    from pyflakes import checker, messages

    certain = (
        messages.UndefinedName,
        messages.UndefinedLocal,
        messages.DuplicateArgument,
        messages.ReturnOutsideFunction,
        messages.YieldOutsideFunction,
        messages.ContinueOutsideLoop,
        messages.BreakOutsideLoop,
        messages.TwoStarredExpressions,
    )
    try:
        found = checker.Checker(parse(source)).messages
    except (EditRefused, RecursionError):
        return []
    return [_format_mistake(message) for message in found if isinstance(message, certain)]


def _format_mistake(message: Message) -> str:
    """Describe a mistake under the name of the exception that a run would end with: profiles say which of those a model
    can mend."""
    return f"{_EXCEPTION_NAMES.get(type(message).__name__, 'SyntaxError')}: {message.message % message.message_args}"


_EXCEPTION_NAMES = {"UndefinedName": "NameError", "UndefinedLocal": "UnboundLocalError"}


def _find_excess(edit: Edit) -> list[str]:
    before, after = Counter(split_lines(edit.before or "")), Counter(split_lines(edit.after or ""))
    changed = (before - after).total() + (after - before).total()
    return [f"it changes {changed} lines of {edit.path}"] if changed > _MAX_CHANGED_LINES else []
