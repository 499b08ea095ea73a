"""Make the examples in a function's own documentation an oracle, where the untouched code contradicts them.

What counts as an example: a session (`>>>`), a call with its value (`f(2) == 3`, `f(2) -> 3`, `f(2) returns 3`), and
arguments with the output (`Input: a = 2`, `Output: 3`; `For a = 2 the output should be 3`).
"""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from repoagent.domain import Answer, Oracle, Strength
from repoagent.evidence.reproduction.oracle import ScriptRunner, judge
from repoagent.evidence.reproduction.script import MARK, compute_time_limit, read_output, write_script, write_steps
from repoagent.evidence.reproduction.values import is_same_value
from repoagent.issue.steps import SnippetStep
from repoagent.issue.syntax import parse_leniently
from repoagent.sandbox.base import CommandResult

_MAX_CHARACTERS = 20_000
"""Characters of a documentation that are read."""
_MAX_EXAMPLES = 40
"""Examples that are run."""

_EQUALS_SIGN = re.compile(
    r"\s*(?:==>|=>|->|==|=|→|➞|⇒|#\s*=>|#|:"
    r"|\bshould (?:return|be|equal)\b|\b(?:returns?|is|gives|outputs?|equals)\b)\s*"
)
_GIVEN_ARGUMENTS = re.compile(
    r"(?:^|\n)\s*(?:input|for)\b\s*:?\s*(?P<given>[^\n]+)\s*"
    r"(?:,?\s*the (?:output|result|answer|return value) (?:should be|is|will be)\s*:?"
    r"|\n\s*(?:output|result|returns?)\s*:?)\s*"
    r"(?P<value>[^\n]+)",
    re.IGNORECASE,
)
_WORDS_FOR_LITERALS = {"true": "True", "false": "False", "null": "None", "none": "None"}


@dataclass(frozen=True)
class DocumentedFunction:
    """A function that can be imported, and what is written about it."""

    module: str
    """As it is imported."""
    name: str
    """Qualified."""
    parameters: tuple[str, ...]
    text: str
    """Its docstring."""


@dataclass(frozen=True)
class DocumentedExample:
    """A statement, and what an interpreter should show for it; None where it only prepares the others."""

    code: str
    expected: str | None


def reproduce_documentation(
    functions: Sequence[DocumentedFunction], run: ScriptRunner, today: Answer = "failed"
) -> Oracle:
    """Make an oracle of the first of `functions` whose examples the untouched code contradicts; `Strength.NONE`
    without.

    With `today="passed"`, of the first whose examples it holds to. Raises what `run` raises: SandboxFailed.
    """
    for function in functions:
        found = find_examples(function)
        if any(example.expected is not None for example in found):
            oracle = _build_oracle(function, found)
            finished = run(oracle.script)
            if _is_conclusive(finished) and judge(oracle, finished) == today:
                return replace(
                    oracle, observed=_format_contradictions(found, finished), seconds=compute_time_limit(finished)
                )
    return Oracle(Strength.NONE)


def find_examples(function: DocumentedFunction) -> Sequence[DocumentedExample]:
    """Find the examples in a documentation."""
    text = function.text[:_MAX_CHARACTERS]
    found = [*_find_sessions(text), *_find_calls(text, function.name), *_find_given_arguments(text, function)]
    return list(dict.fromkeys(found))[:_MAX_EXAMPLES]


def _build_oracle(function: DocumentedFunction, found: Sequence[DocumentedExample]) -> Oracle:
    preamble = f"import {function.module} as _repoagent_module\nglobals().update(vars(_repoagent_module))"
    expected = {number: each.expected for number, each in enumerate(found, 1) if each.expected is not None}
    script = write_script([SnippetStep(example.code) for example in found], preamble)
    source = f"the examples in the documentation of `{function.name}`"
    return Oracle(Strength.STRONG, script, expected=write_steps(expected), source=source)


def _format_contradictions(found: Sequence[DocumentedExample], finished: CommandResult) -> str:
    """Write the first examples that show something else than is written as a session, with what they should show."""
    output = read_output(finished.output)
    lines = []
    for number, example in enumerate(found, 1):
        shown = output.steps.get(number, "")
        if example.expected is not None and not is_same_value(shown, example.expected):
            last = output.message if output.exception and not shown else shown
            lines.append(f">>> {example.code}\n{last[:_MAX_WIDTH]}\n# should be: {example.expected[:_MAX_WIDTH]}")
        if output.exception and number >= max(output.steps, default=0):
            break
    return "\n".join(lines[:_MAX_CONTRADICTIONS])


_MAX_CONTRADICTIONS = 3
_MAX_WIDTH = 200


def _is_conclusive(finished: CommandResult) -> bool:
    """Return whether the examples were reached, and lack nothing that the module does not have."""
    output = read_output(finished.output)
    return f"{MARK}step 1 ===" in finished.output and not (
        output.is_own_exception and output.exception in _INCOMPLETE_ERRORS
    )


_INCOMPLETE_ERRORS = frozenset({"NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "FileNotFoundError"})


def _find_sessions(text: str) -> Iterator[DocumentedExample]:
    try:
        found = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return
    for example in found:
        body = parse_leniently(example.source).body
        usable = example.want and "..." not in example.want and not example.options and example.exc_msg is None
        compares = len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Compare)
        if body and example.exc_msg is None:
            shown = example.want.strip("\n").rstrip() if usable else "True" if compares and not example.want else None
            yield DocumentedExample(example.source.strip("\n"), shown)


def _find_calls(text: str, name: str) -> Iterator[DocumentedExample]:
    """Yield each `name(…)` with a sign and a literal behind it, on one line."""
    for line in text.splitlines():
        at = line.find(f"{name}(")
        if at >= 0 and ">>>" not in line and not line[:at].rstrip().endswith("."):
            call, rest = _split_call(line[at:])
            sign = _EQUALS_SIGN.match(rest)
            if call and sign:
                yield from _compare_with_literal(call, rest[sign.end() :])


def _split_call(text: str) -> tuple[str, str]:
    """Split off the call that `text` begins with; both parts are empty without one."""
    for match in re.finditer(r"\)", text):
        body = parse_leniently(text[: match.end()]).body
        if len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Call):
            return _quote_words(body[0].value), text[match.end() :]
    return "", ""


def _quote_words(call: ast.Call) -> str:
    """Return the text of a call; where words stand for strings, `f(abc)`, put them into quotes."""
    for index, argument in enumerate(call.args):
        if isinstance(argument, ast.Name):
            call.args[index] = ast.Constant(argument.id)
    return ast.unparse(call)


def _find_given_arguments(text: str, function: DocumentedFunction) -> Iterator[DocumentedExample]:
    """Yield examples that list arguments by their names, or the only one without, and the output."""
    for match in _GIVEN_ARGUMENTS.finditer(text):
        ends = [cut.start() for cut in re.finditer(r",|$", match["given"])]
        calls = (f"{function.name}({match['given'][:end].rstrip(' .,:')})" for end in reversed(ends))
        call = next((call for call in calls if _is_call_of(call, function)), "")
        if call:
            yield from _compare_with_literal(call, match["value"])


def _is_call_of(text: str, function: DocumentedFunction) -> bool:
    """Return whether a text is a call with literals for parameters that there are."""
    body = parse_leniently(text).body
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    if not isinstance(call, ast.Call):
        return False
    named = {keyword.arg for keyword in call.keywords}
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return named <= set(function.parameters) and bool(values) and all(_is_literal(ast.unparse(v)) for v in values)


def _compare_with_literal(call: str, value: str) -> Iterator[DocumentedExample]:
    """Yield the comparison of a call with a literal, which must be true."""
    text = _parse_literal(value)
    if text is not None:
        alone = text.startswith("(") and text.endswith(")") and not isinstance(ast.literal_eval(text), tuple)
        # `("Venus")` in prose is a tuple of one as often as not.
        yield DocumentedExample(f"{call} in [{text}, ({text},)]" if alone else f"({call}) == {text}", "True")


def _parse_literal(text: str) -> str | None:
    """Return the literal that `text` begins with, up to its end or a comment; None without."""
    plain = text.split("#", maxsplit=1)[0].strip() if text.count("'") + text.count('"') < 2 else text.strip()
    for candidate in (plain.rstrip(".,;"), plain):
        known = _WORDS_FOR_LITERALS.get(candidate, candidate)
        if _is_literal(known):
            return known
    return None


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return True
