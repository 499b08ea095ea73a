"""Mutation, from a function with a bug to the mutants that mend it, with real forks in a real sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from repoagent.domain import Edit, Issue, Location, Oracle, Spec, Strength
from repoagent.evidence.reproduction.documented import DocumentedFunction, reproduce_documentation
from repoagent.evidence.reproduction.script import run_script
from repoagent.evidence.screening import ScreeningOracle
from repoagent.generators import DraftTask
from repoagent.generators.mutation.search import MutationSearch
from repoagent.sandbox.base import ENVIRONMENT, CommandResult, Environment, Recipe, Sandbox, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.fake import FakeEngine
from repoagent.search_options import DEFAULT_OPTIONS

MODULE = "shop.py"
Bench = Callable[[str, str], tuple[MutationSearch, DraftTask]]


@pytest.fixture
def mutation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Makes a mutation that has the documentation of `f` as its oracle, and the task."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    engine, root = BubblewrapEngine(), tmp_path / "repository"
    root.mkdir()
    recipe = Recipe("mutating", f"python3 -m venv --without-pip {ENVIRONMENT}/venv")
    environment = engine.build(recipe, root, lambda _: None, 120)

    @contextmanager
    def opened(edits: Sequence[Edit]) -> Iterator[Sandbox]:
        with engine.open(environment, root, SandboxLimits()) as sandbox:
            sandbox.write({edit.path: (edit.after or "").encode() for edit in edits})
            yield sandbox

    def run(script: str) -> CommandResult:
        with opened(()) as sandbox:
            return run_script(sandbox, script)

    def make(source: str, examples: str) -> tuple[MutationSearch, DraftTask]:
        (root / MODULE).write_text(source)
        oracle = reproduce_documentation([DocumentedFunction("shop", "f", ("a", "b"), examples)], run)
        assert oracle.strength is Strength.STRONG
        target = Location(MODULE, "f", 1, source.count("\n"))
        task = DraftTask(Issue("f is wrong", ""), Spec((), ()), target, source, "", "", 7, 400)
        return MutationSearch(ScreeningOracle(oracle), opened, 40.0), task

    return make


@pytest.mark.bubblewrap
def test_the_mutant_that_does_what_is_documented_is_drafted(mutation: Bench) -> None:
    source = "def f(a, b):\n    # kept\n    return a - b\n"
    mutate, task = mutation(source, "f(1, 2) == 3\nf(5, 5) == 10\nf(-1, 7) == 6")
    drafted = mutate(task)
    assert 0 < len(drafted.drafts) <= DEFAULT_OPTIONS.survivors
    assert drafted.drafts[0].edits[0].after == source.replace("a - b", "a + b")
    assert "mutants" in mutate.log[0]


@pytest.mark.bubblewrap
def test_two_mistakes_are_mended_one_after_the_other(mutation: Bench) -> None:
    source = "def f(a, b):\n    if a > 0:\n        return a - b\n    return a * a\n"
    examples = "f(5, 2) == 7\nf(6, 4) == 10\nf(-5, 1) == -10\nf(0, 9) == 0\nf(-3, 1) == -6"
    mutate, task = mutation(source, examples)
    drafted = mutate(task)
    assert drafted.drafts
    assert len(mutate.log) > 1
    assert any("a + b" in (d.edits[0].after or "") and "a + a" in (d.edits[0].after or "") for d in drafted.drafts)


@pytest.mark.bubblewrap
def test_a_candidate_that_is_nearly_right_is_mutated_instead(mutation: Bench) -> None:
    source = "def f(a, b):\n    return None\n"
    mutate, task = mutation(source, "f(1, 2) == 3\nf(5, 5) == 10")
    near = Edit(MODULE, source, "def f(a, b):\n    return a - b\n")
    drafted = MutationSearch(mutate.oracle, mutate.open_sandbox, 40.0, (near,))(task)
    assert drafted.drafts[0].edits == (Edit(MODULE, source, "def f(a, b):\n    return a + b\n"),)


def test_a_screening_that_says_nothing_is_told(tmp_path: Path) -> None:
    source = "def f(a, b):\n    return a - b\n"
    task = DraftTask(Issue("f is wrong", ""), Spec((), ()), Location(MODULE, "f", 1, 2), source, "", "", 7, 10)
    engine = FakeEngine(lambda _command, _files: CommandResult(1, "Traceback", 0.1))
    check = ScreeningOracle(Oracle(Strength.STRONG, script="f"))
    mutate = MutationSearch(check, lambda _: engine.open(Environment("k", "r"), tmp_path, SandboxLimits()), 5.0)
    assert not mutate(task).drafts
    assert "nothing was heard of the untouched code" in mutate.log[1]


def test_a_file_that_is_no_python_is_refused() -> None:
    task = DraftTask(Issue("", ""), Spec((), ()), Location(MODULE, "f", 1, 2), "def f(:\n", "", "", 7, 10)
    mutate = MutationSearch(
        ScreeningOracle(Oracle(Strength.STRONG)), lambda _: pytest.fail("nothing is to be run"), 1.0
    )
    assert mutate(task).refused
