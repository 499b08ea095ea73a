"""A function's own documentation as its judge: real scripts, run by this interpreter as a sandbox would run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repoagent.domain import Strength
from repoagent.evidence.reproduction.documented import DocumentedFunction, find_examples, reproduce_documentation
from repoagent.evidence.reproduction.oracle import judge, measure_progress
from repoagent.sandbox.base import CommandResult


def about(text: str, name: str = "f", parameters: tuple[str, ...] = ("a", "b")) -> DocumentedFunction:
    return DocumentedFunction("shop", name, parameters, text)


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        (">>> f(1)\n2\n", "f(1)", "2"),
        (">>> f(1) == 2\n", "f(1) == 2", "True"),
        ("f(1) == 2", "(f(1)) == 2", "True"),
        ("    f([1, 2], 'a') => true", "(f([1, 2], 'a')) == True", "True"),
        ("for example f(1) ➞ 2.", "(f(1)) == 2", "True"),
        ("f(1) -> 'a # b'", "(f(1)) == 'a # b'", "True"),
        ("f(1) returns [1, 2]  # a comment", "(f(1)) == [1, 2]", "True"),
        ("f(abc) should return None", "(f('abc')) == None", "True"),
        ("f((1, 2), ')') = (3)", "f((1, 2), ')') in [(3), ((3),)]", "True"),
        ("Input: a = [1], b = 2\nOutput: 3", "(f(a = [1], b = 2)) == 3", "True"),
        ('For a = "AB" the output should be 1.', '(f(a = "AB")) == 1', "True"),
        ('For a = 10, the sum will be 1 the output should be "1".', '(f(a = 10)) == "1"', "True"),
        ("Input: [4, 2]\nOutput: [2, 1]\nExplanation: so it is", "(f([4, 2])) == [2, 1]", "True"),
    ],
)
def test_an_example_is_read(text: str, code: str, shown: str) -> None:
    assert [(example.code, example.expected) for example in find_examples(about(text))] == [(code, shown)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "f(a) is the largest of f(b)",
        "f(1) = 1 + f(0)",
        "see g.f(1) == 2",
        "For x = 1 the output should be 2",
        "Input: a line\nOutput: another line",
        "f(" * 3000,
        ">>> f(1)\nTraceback (most recent call last):\nValueError\n",
    ],
)
def test_prose_is_no_example(text: str) -> None:
    assert not [example for example in find_examples(about(text)) if example.expected is not None]


def test_what_cannot_be_compared_prepares_the_others() -> None:
    found = find_examples(about(">>> x = f(1)\n>>> x\n<object ...>\n>>> f(2)\n3\n"))
    assert [(e.code, e.expected) for e in found] == [("x = f(1)", None), ("x", None), ("f(2)", "3")]


Runner = Callable[[str], CommandResult]


@pytest.fixture
def runner(tmp_path: Path) -> Callable[[str], Runner]:
    """Runs scripts beside a module with a given text."""

    def make(module: str) -> Runner:
        (tmp_path / "shop.py").write_text(module)

        def run(script: str) -> CommandResult:
            done = subprocess.run(
                (sys.executable, "-B", "-c", script), cwd=tmp_path, capture_output=True, text=True, check=False
            )
            return CommandResult(done.returncode, done.stdout + done.stderr, 0.0)

        return run

    return make


WRONG = "def f(a):\n    return a + 2\n"


def test_contradicted_documentation_is_an_oracle_that_a_right_fix_passes(runner: Callable[[str], Runner]) -> None:
    text = "f(0) == 2\n\n>>> f(1)\n2\n>>> f(2)\n3\n"
    oracle = reproduce_documentation([about("no examples"), about(text)], runner(WRONG))
    assert oracle.strength is Strength.STRONG
    assert "documentation of `f`" in oracle.source
    finished = runner(WRONG)(oracle.script)
    assert (judge(oracle, finished), round(measure_progress(oracle, finished), 2)) == ("failed", 0.33)
    finished = runner("def f(a):\n    return a + 1 if a else 2\n")(oracle.script)
    assert (judge(oracle, finished), measure_progress(oracle, finished)) == ("passed", 1.0)


def test_documentation_that_holds_proves_nothing(runner: Callable[[str], Runner]) -> None:
    assert reproduce_documentation([about("f(0) == 2")], runner(WRONG)).strength is Strength.NONE


def test_a_module_that_cannot_be_imported_proves_nothing(runner: Callable[[str], Runner]) -> None:
    assert reproduce_documentation([about("f(0) == 3")], runner("import nowhere\n")).strength is Strength.NONE
