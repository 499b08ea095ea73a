"""Compare values as issues write them: with or without quotes, backticks and line ends."""

from __future__ import annotations

import ast
import re
import textwrap

from repoagent.issue.syntax import parse_leniently

_NOTHING = object()
_GAP = re.compile(r"^[ \t]*\.\.\.[ \t]*$|[\[({,][ \t]{0,8}\.\.\.[ \t]{0,8}(?:[\])},]|$)", re.MULTILINE)


def is_same_value(one: str, other: str) -> bool:
    """Whether two outputs show the same: equal text, or literals whose types and values are equal at every depth."""
    if _split_lines(one) == _split_lines(other):
        return True
    left, right = _read_literal(one), _read_literal(other)
    return left is not _NOTHING and _add_types(left) == _add_types(right)


def has_gaps(output: str) -> bool:
    """Whether `...` stands for what was left out: on a line of its own, or as an element."""
    return bool(_GAP.search(output))


def is_named_by(output: str, claim: str) -> bool:
    """Whether `claim` in prose means `output`: the same value, or a string without its quotes."""
    return is_same_value(output, claim) or _read_text(output) == _read_text(claim)


def is_mentioned(output: str, prose: str) -> bool:
    """Whether prose contains an output that is long enough not to be there by chance."""
    text = _read_text(output)
    return len(text) >= 3 and bool(re.search(rf"(?<![\w.]){re.escape(text)}(?!\w)", prose))


def format_in_style(output: str, claim: str, quoted: bool) -> str:
    """`claim` as the program would print it, where it prints `output` now.

    A string is written by its repr if `output` is; `quoted` tells whether the issue puts its strings into quotes, so
    that `5` without them may be a number.
    """
    if not isinstance(_read_literal(output), str):
        return (
            _read_text(claim) if isinstance(_read_literal(claim), str) and _read_literal(output) is _NOTHING else claim
        )
    value = _read_literal(claim)
    if isinstance(value, str) or value is _NOTHING or not quoted:
        return repr(_read_text(claim) if isinstance(value, str) else _unescape(claim))
    return claim


def _unescape(claim: str) -> str:
    """A string that is written without its quotes, but with its line ends as in a literal."""
    return claim.replace("\\n", "\n").replace("\\t", "\t")


def is_plausible(output: str, claim: str, code: str) -> bool:
    """Whether `claim` may stand for what `output` should be, rather than name a piece of the snippet's `code`."""
    if _read_literal(claim) is not _NOTHING:
        return True
    if re.search(r"\\(?![nt](?![a-z]))", claim):
        return False  # it may be written as in a literal, or as it is printed
    if claim.endswith("()") or claim in _find_expressions(code):
        return False
    value = _read_literal(output)
    free_text = isinstance(value, str) or (value is _NOTHING and "(" not in output and output[:1] != "<")
    return free_text or _get_class_name(output) == _get_class_name(claim)


def is_quoted(text: str) -> bool:
    """Whether it is written as a string literal."""
    return isinstance(_read_literal(text), str)


def is_print(code: str) -> bool:
    """Whether it is a call of `print`, which shows strings without their quotes."""
    body = parse_leniently(code).body
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"


def strip_quotes(claim: str) -> str:
    """The claim without quotes, if it is a string."""
    return _read_text(claim)


def _find_expressions(code: str) -> set[str]:
    """The names, calls and other expressions in `code`, but for its constants."""
    nodes = ast.walk(parse_leniently(code))
    return {ast.unparse(node) for node in nodes if isinstance(node, ast.expr) and not isinstance(node, ast.Constant)}


def _get_class_name(text: str) -> str:
    """`Point` for `Point(x=1)`."""
    return text.partition("(")[0]


def _read_literal(text: str) -> object:
    try:
        value: object = ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return _NOTHING
    return value


def _add_types(value: object) -> tuple[type, object]:
    """`value` with all its types, so that True is not 1."""
    if isinstance(value, list | tuple):
        return type(value), tuple(map(_add_types, value))
    if isinstance(value, set):
        return set, frozenset(map(_add_types, value))
    if isinstance(value, dict):
        return dict, frozenset((_add_types(key), _add_types(each)) for key, each in value.items())
    return type(value), value


def _read_text(text: str) -> str:
    value = _read_literal(text)
    return value if isinstance(value, str) else text.strip()


def _split_lines(text: str) -> list[str]:
    # Blocks of Markdown lose the indentation that all their lines share, hence so do both sides.
    return [line.rstrip() for line in textwrap.dedent(text).strip("\n").rstrip().splitlines()]
