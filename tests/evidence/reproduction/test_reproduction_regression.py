"""How a reproduction is written as a test."""

from __future__ import annotations

import ast
import re

import pytest

from repoagent.domain import Issue, Oracle, Strength
from repoagent.evidence.reproduction.regression import RegressionRefused, RegressionTest, write_test
from repoagent.evidence.reproduction.script import write_steps

ISSUE = Issue("size() is wrong", "")
PYTEST = "import pytest\nfrom calc import size\n\n\ndef test_a():\n    assert size(1)\n"
UNITTEST = "import unittest\n\n\nclass CalcTests(unittest.TestCase):\n    def test_a(self):\n        pass\n"


def strong(*steps: str, expected: dict[int, str] | None = None, exception: str = "", before: str = "") -> Oracle:
    text = write_steps(expected) if expected else ""
    return Oracle(Strength.STRONG, "s", expected=text, exception=exception, preamble=before, steps=steps)


def written(oracle: Oracle, text: str | None = PYTEST, issue: Issue = ISSUE) -> RegressionTest:
    modules = {"Odd": "from calc.errors import Odd"}
    return write_test(oracle, issue, "tests/test_calc.py", text, lambda name: modules.get(name, ""))


def lines(oracle: Oracle, text: str | None = PYTEST) -> list[str]:
    """What is added, without the docstring."""
    made = written(oracle, text)
    after = made.edit.after or ""
    assert after.startswith((text or "").partition("if __name__")[0])
    ast.parse(after)
    added = after[after.index(f"def {made.name}(") :].partition("if __name__")[0]
    return [line.strip() for line in added.splitlines()[2:] if line.strip()]


@pytest.mark.parametrize(
    ("oracle", "function", "method"),
    [
        (strong("size(1)", expected={1: "3"}), ["assert size(1) == 3"], ["self.assertEqual(size(1), 3)"]),
        (strong("size(1)", expected={1: "<A>"}), ["assert repr(size(1)) == '<A>'"], None),
        (strong("print(size(1))", expected={1: "3 B"}), ["assert str(size(1)) == '3 B'"], None),
        (strong("x = 2", "size(x)", "f()", expected={2: "3"}), ["x = 2", "assert size(x) == 3"], None),
        (strong("assert size(1) == 3"), ["assert size(1) == 3"], None),
        (
            strong("size(1)", exception="ValueError"),
            ["with pytest.raises(ValueError):", "size(1)"],
            ["with self.assertRaises(ValueError):", "size(1)"],
        ),
        (
            strong("size(1)", exception="Odd"),
            ["from calc.errors import Odd", "with pytest.raises(Odd):", "size(1)"],
            None,
        ),
        (
            strong("for i in range(2):\n    print(i)", expected={1: "1\n2"}),
            ["capsys.readouterr()", "for i in range(2):", "print(i)", "assert capsys.readouterr().out == '1\\n2\\n'"],
            [
                "import contextlib",
                "import io",
                "output = io.StringIO()",
                "with contextlib.redirect_stdout(output):",
                "for i in range(2):",
                "print(i)",
                "self.assertEqual(output.getvalue(), '1\\n2\\n')",
            ],
        ),
        (Oracle(Strength.CRASH, "s", exception="KeyError", steps=("size(1)",)), ["size(1)"], ["size(1)"]),
        (strong("def test_it():\n    assert size(1)"), ["def test_it():", "assert size(1)", "test_it()"], None),
    ],
)
def test_a_reproduction_becomes_a_function_or_a_method(
    oracle: Oracle, function: list[str], method: list[str] | None
) -> None:
    assert lines(oracle) == function
    assert lines(oracle, UNITTEST) == (method if method is not None else lines(oracle, UNITTEST))


def test_imports_that_the_file_has_are_not_repeated() -> None:
    oracle = strong("from calc import size", "import json", "size(1)", expected={3: "3"})
    assert lines(oracle) == ["import json", "assert size(1) == 3"]
    assert lines(oracle, UNITTEST)[:2] == ["from calc import size", "import json"]


def test_a_class_goes_before_what_runs_the_file_as_a_program() -> None:
    text = f'{UNITTEST}\n\nif __name__ == "__main__":\n    unittest.main()\n'
    made = written(strong("size(1)", expected={1: "3"}), text)
    assert made.class_name == "SizeIsWrongTests"
    assert re.findall(r"^\S.*", made.edit.after or "", re.MULTILINE) == [
        "import unittest",
        "class CalcTests(unittest.TestCase):",
        "class SizeIsWrongTests(unittest.TestCase):",
        'if __name__ == "__main__":',
    ]


def test_names_are_new_in_the_file_and_plain_words() -> None:
    taken = f"{PYTEST}\n\ndef test_size_is_wrong():\n    pass\n"
    assert written(strong("size(1)"), taken).name == "test_size_is_wrong_2"
    hostile = Issue('x"""; import os; os.system("id") #\n\n', "", url='https://h/"""\nimport os\n')
    after = written(strong("size(1)"), PYTEST, hostile).edit.after or ""
    [function] = [n for n in ast.parse(after).body if isinstance(n, ast.FunctionDef) and "import_os" in n.name]
    assert [type(n) for n in function.body] == [ast.Expr, ast.Expr]
    assert ast.get_docstring(function) == "See https://h/ import os."


def test_line_ends_and_a_missing_last_one_are_kept() -> None:
    assert "\r\n\r\n\r\ndef test_size_is_wrong():\r\n" in (
        written(strong("size(1)"), PYTEST.replace("\n", "\r\n")).edit.after or ""
    )
    assert "size(1)\n\n\ndef test_size_is_wrong():" in (
        written(strong("size(1)"), PYTEST.rstrip("\n")).edit.after or ""
    )


@pytest.mark.parametrize(
    ("oracle", "text"),
    [
        (Oracle(Strength.WEAK, "s", steps=("f()",)), PYTEST),
        (Oracle(Strength.STRONG, "s"), PYTEST),
        (strong(*["f()"] * 99), PYTEST),
        (strong("f()", exception="Unheard"), PYTEST),
        (strong("from __future__ import annotations", "f()"), PYTEST),
        (strong("f()"), "def broken(:\n"),
    ],
)
def test_what_cannot_be_written_is_refused(oracle: Oracle, text: str) -> None:
    with pytest.raises(RegressionRefused):
        written(oracle, text)
