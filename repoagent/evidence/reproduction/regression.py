"""Write a reproduction as a test in the repository's own style, added to the nearest test file and to nothing else.

What is there stays as it is, letter for letter: lines are added, none is changed. Whether the test fails without the
patch and passes with it is for a run to say, not for this module.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repoagent.domain import Edit, Issue, Oracle, Strength
from repoagent.evidence.reproduction.script import is_test_case, read_steps
from repoagent.issue.syntax import parse_leniently

MAX_STATEMENTS = 60
"""Statements of a reproduction that becomes a test."""
_MAX_TITLE_WORDS = 6
"""Of the issue's title, in the test's name."""


@dataclass(frozen=True)
class RegressionTest:
    """A test that can be added."""

    edit: Edit
    name: str
    """Of the function or method, which is new in its file."""
    class_name: str = ""
    """The class that it is in; empty for a function."""


class RegressionRefused(Exception):
    """Why no test can be written."""


def write_test(
    oracle: Oracle, issue: Issue, path: str, before: str | None, find_import: Callable[[str], str]
) -> RegressionTest:
    """Write the reproduction as a test at the end of the file at `path`, whose text is `before` (None: a new file).

    `find_import` returns the statement that imports a name, see `project.find_import`. Raises RegressionRefused.
    """
    text = before or ""
    if before is not None and not parse_leniently(before).body and before.strip():
        raise RegressionRefused(f"{path} cannot be parsed")
    style = _detect_style(parse_leniently(text))
    body = _write_body(oracle, style, find_import, text)
    name = _choose_name(issue.title, text)
    lines = [
        f"def {name}({style.format_arguments(body.needs_capture)}):",
        *_indent_lines(_write_docstring(issue)),
        *body.lines,
    ]
    group = _choose_class_name(name, text) if style.base else ""
    if group:
        lines = [f"class {group}({style.base}):", *(f"    {line}" if line else "" for line in lines)]
    return RegressionTest(Edit(path, before, _add_test(text, "\n".join(lines))), name, group)


# --- the style of the file --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _TestStyle:
    """How tests are written in a file."""

    base: str
    """What a test class is derived from; empty where tests are functions."""

    def format_arguments(self, captures: bool) -> str:
        return ", ".join([*(["self"] if self.base else []), *(["capsys"] if captures and not self.base else [])])

    def format_equality(self, left: str, right: str) -> str:
        return f"self.assertEqual({left}, {right})" if self.base else f"assert {left} == {right}"


def _detect_style(tree: ast.Module) -> _TestStyle:
    """Choose classes where the file's tests are methods of a TestCase and none is a function."""
    functions = any(isinstance(n, ast.FunctionDef) and n.name.startswith("test") for n in tree.body)
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and _is_test_case(n)]
    if functions or not classes:
        return _TestStyle("")
    return _TestStyle(ast.unparse(classes[-1].bases[-1]))


def _is_test_case(node: ast.ClassDef) -> bool:
    holds = any(isinstance(n, ast.FunctionDef) and n.name.startswith("test") for n in node.body)
    return holds and bool(node.bases) and ast.unparse(node.bases[-1]).endswith("TestCase") and not node.keywords


# --- the body ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _TestBody:
    lines: tuple[str, ...]
    needs_capture: bool = False


def _write_body(oracle: Oracle, style: _TestStyle, find_import: Callable[[str], str], text: str) -> _TestBody:
    steps = list(_select_steps(oracle))
    if not steps or len(steps) > MAX_STATEMENTS or any(map(is_test_case, parse_leniently("\n".join(steps)).body)):
        raise RegressionRefused("the reproduction is no sequence of statements that a test could hold")
    if oracle.strength not in (Strength.STRONG, Strength.CRASH):
        raise RegressionRefused("the issue does not say what is right")
    statements = _parse_statements("\n".join((oracle.preamble, *steps)))
    if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in statements):
        raise RegressionRefused("it needs a feature from the future")
    known = _find_top_imports(text)
    written: list[str] = [
        ast.unparse(node) for node in _parse_statements(oracle.preamble) if not _is_known(node, known)
    ]
    expected = read_steps(oracle.expected) if not oracle.exception else {}
    captures = False
    for number, code in enumerate(steps, 1):
        if oracle.exception and oracle.strength is Strength.STRONG and number == len(steps):
            written += _write_raises(code, oracle.exception, style, find_import, (oracle.preamble, *steps), text)
        elif number in expected:
            lines, captured = _write_assertion(code, expected[number], style)
            captures |= captured
            written += lines
        else:
            written += [ast.unparse(node) for node in _parse_statements(code) if not _is_known(node, known)]
    written += [ast.unparse(node) for node in _call_tests(steps)]
    return _TestBody(tuple(_indent_lines(_hoist_imports(written))), captures)


def _select_steps(oracle: Oracle) -> Iterator[str]:
    """Yield the steps up to the last whose output is known."""
    last = len(oracle.steps)
    if oracle.strength is Strength.STRONG and oracle.expected and not oracle.exception:
        last = max(read_steps(oracle.expected), default=last)
    yield from oracle.steps[:last]


def _call_tests(steps: Sequence[str]) -> list[ast.stmt]:
    """Write calls of the tests without parameters that a snippet defines and does not call."""
    tree = parse_leniently("\n".join(steps))
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
    return [
        s
        for t in tests
        if t.name not in called and not ast.unparse(t.args)
        for s in parse_leniently(f"{t.name}()").body
    ]


def _write_assertion(code: str, expected: str, style: _TestStyle) -> tuple[list[str], bool]:
    """Write the statement that compares, and return whether it needs the output captured."""
    *before, last = _parse_statements(code)
    lines = [ast.unparse(node) for node in before]
    if isinstance(last, ast.Expr) and (printed := _get_printed_value(last.value)) is not None:
        return [*lines, style.format_equality(f"str({ast.unparse(printed)})", repr(expected))], False
    if isinstance(last, ast.Expr) and not _is_print(last.value):
        value = ast.unparse(last.value)
        left, right = (value, expected.strip()) if _is_literal(expected) else (f"repr({value})", repr(expected))
        return [*lines, style.format_equality(left, right)], False
    shown = repr(f"{expected}\n")
    if style.base:
        head = ["import contextlib", "import io", "output = io.StringIO()", "with contextlib.redirect_stdout(output):"]
        inside = textwrap.indent(ast.unparse(last), "    ").splitlines()
        return [*lines, *head, *inside, style.format_equality("output.getvalue()", shown)], False
    return [
        *lines,
        "capsys.readouterr()",
        ast.unparse(last),
        style.format_equality("capsys.readouterr().out", shown),
    ], True


def _get_printed_value(value: ast.expr) -> ast.expr | None:
    """Return what `print(x)` prints, where that is one value."""
    if _is_print(value) and isinstance(value, ast.Call) and len(value.args) == 1 and not value.keywords:
        argument = value.args[0]
        return None if isinstance(argument, ast.Starred) else argument
    return None


def _is_print(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "print"


def _write_raises(
    code: str, exception: str, style: _TestStyle, find_import: Callable[[str], str], steps: Sequence[str], text: str
) -> list[str]:
    lines = []
    known = {
        name for node in parse_leniently("\n".join(steps)).body for name in _find_bound_names(node)
    } | _find_top_imports(text)
    if not hasattr(builtins, exception) and exception not in known:
        statement = find_import(exception)
        if not statement:
            raise RegressionRefused(f"it is not clear where {exception} is to be imported from")
        lines.append(statement)
    if not style.base and "pytest" not in known:
        lines.append("import pytest")
    opened = f"with self.assertRaises({exception}):" if style.base else f"with pytest.raises({exception}):"
    return [*lines, opened, *textwrap.indent(ast.unparse(parse_leniently(code)), "    ").splitlines()]


def _hoist_imports(statements: Sequence[str]) -> list[str]:
    """Put imports first, each once."""
    imports = [s for s in statements if s.startswith(("import ", "from "))]
    return [*dict.fromkeys(imports), *([""] if imports else []), *(s for s in statements if s not in imports)]


def _is_known(node: ast.stmt, known: frozenset[str]) -> bool:
    """Return whether the file's head makes an import unnecessary: the same names bound by the same statement."""
    return isinstance(node, ast.Import | ast.ImportFrom) and ast.unparse(node) in known


def _find_top_imports(text: str) -> frozenset[str]:
    """Find the imports at the top of the file, one name each as a statement of its own, and the names they bind."""
    found = set()
    for node in parse_leniently(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.add(ast.unparse(node))
            found |= {ast.unparse(_narrow_import(node, alias)) for alias in node.names}
            found |= set(_find_bound_names(node))
    return frozenset(found)


def _narrow_import(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.stmt:
    if isinstance(node, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(node.module, [alias], node.level)


def _find_bound_names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name


def _parse_statements(code: str) -> list[ast.stmt]:
    return parse_leniently(code).body


def _is_literal(text: str) -> bool:
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return False
    return bool(value == value)  # noqa: PLR0124 - a NaN is no literal that could be compared


# --- the text ---------------------------------------------------------------------------------------------------------


def _choose_name(title: str, text: str) -> str:
    """Make a name of the title's words that is new in the file."""
    words = re.findall(r"[a-z0-9]+", title.lower().replace("'", ""))[:_MAX_TITLE_WORDS]
    stem = "_".join(["test", *words])[:70].rstrip("_") if words else "test_issue"
    return _make_unique(stem, text)


def _choose_class_name(name: str, text: str) -> str:
    words = name.removeprefix("test_").split("_")
    return _make_unique("".join(word.capitalize() for word in words).lstrip("0123456789") + "Tests", text)


def _make_unique(stem: str, text: str) -> str:
    taken = set(re.findall(r"\w+", text))
    return next(name for name in (stem, *(f"{stem}_{n}" for n in range(2, 10_000))) if name not in taken)


def _write_docstring(issue: Issue) -> list[str]:
    """Say where the test comes from: the address of the issue, or its title, as plain words."""
    plain = re.sub(r"[^\x20-\x7e]|[\\\"]", " ", issue.url or issue.title)
    said = " ".join(plain.split())[:100].strip()
    return [f'"""See {said}."""' if issue.url else f'"""{said}."""'] if said else []


def _indent_lines(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" if line else "" for statement in lines for line in (statement.splitlines() or [""])]


def _add_test(text: str, test: str) -> str:
    """Add the test to the file before a block that runs it as a program, else at its end."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    at = _find_end_of_tests(text, len(lines))
    head, tail = "".join(lines[:at]), "".join(lines[at:])
    gap = "" if not head.strip() else ("" if head.endswith("\n") else end) + end * _count_missing_blanks(head)
    return head + gap + f"{test}\n".replace("\n", end) + (end * 2 + tail if tail else "")


def _find_end_of_tests(text: str, last: int) -> int:
    body = parse_leniently(text).body
    final = body[-1] if body else None
    is_main = isinstance(final, ast.If) and "__name__" in ast.unparse(final.test)
    return final.lineno - 1 if final is not None and is_main else last


def _count_missing_blanks(head: str) -> int:
    blank = re.search(r"(?:\r?\n[ \t]*)*\Z", head)
    have = blank.group().count("\n") - 1 if blank else 0
    return max(0, 2 - max(have, 0))
