"""Find mistakes in Python that are certain without a run, by pyflakes.

SWE-agent resolves 18.0 % with such a gate and 15.0 % without (its table 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoagent.edits.errors import EditRefused
from repoagent.languages.python.syntax import parse

if TYPE_CHECKING:
    from pyflakes.messages import Message


def find_mistakes(source: str) -> tuple[str, ...]:
    """Undefined names and the like, each as often as it is made; none in what does not parse."""
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
        return ()
    return tuple(_describe(message) for message in found if isinstance(message, certain))


def _describe(message: Message) -> str:
    """What is wrong, under the name of the exception that a run would end with: profiles say which of those a model
    can mend."""
    return f"{_EXCEPTIONS.get(type(message).__name__, 'SyntaxError')}: {message.message % message.message_args}"


_EXCEPTIONS = {"UndefinedName": "NameError", "UndefinedLocal": "UnboundLocalError"}
