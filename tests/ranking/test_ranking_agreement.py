"""Candidates of several generators, compared by what they do, with real forks in a real sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.domain import Candidate, Edit, Issue, Location, Oracle, Origin, Strength, Verdict, dump
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.documented import DocumentedFunction, reproduce_documentation
from repoagent.evidence.reproduction.script import run_script
from repoagent.evidence.verdict import Baseline
from repoagent.graph.services import RunChoices, Services
from repoagent.graph.state import State
from repoagent.llm.budget import Budget
from repoagent.llm.scripted import ScriptedModel
from repoagent.ranking import find_best, merge_candidates
from repoagent.ranking.agreement import measure_agreement, observe_candidates, vote_weight
from repoagent.sandbox.base import ENVIRONMENT, CommandResult, Recipe, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.search_options import DEFAULT_OPTIONS
from repoagent.session import Session
from repoagent.workspace import Workspace, resolve_source
from tests.graph.conftest import Bench, make_repository

SOURCE = "def f(a, b):\n    return a - b\n"
TARGET = Location("shop.py", "f", 1, 2)
EXAMPLES = "f(2, 2) == 4\nf(0, 0) == 0"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[State, Services]:
    """A run whose oracle are two examples that say little."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    session = Session.create(tmp_path / "sessions", title="f is wrong")
    session.write("issue.json", dump(Issue("f is wrong", "")))
    root = make_repository(tmp_path / "user", {"shop.py": SOURCE})
    Workspace.create(resolve_source(str(root), None, None, tmp_path / "clones"), session.path / "workspace")
    engine = BubblewrapEngine()
    services = Bench(tmp_path, ScriptedModel(), engine, session, RunChoices(), Budget()).services()
    recipe = Recipe("agreeing", f"python3 -m venv --without-pip {ENVIRONMENT}/venv")
    environment = engine.build(recipe, services.workspace.root, lambda _: None, 120)

    def run(script: str) -> CommandResult:
        with engine.open(environment, services.workspace.root, SandboxLimits()) as sandbox:
            return run_script(sandbox, script)

    oracle = reproduce_documentation([DocumentedFunction("shop", "f", ("a", "b"), EXAMPLES)], run)
    assert oracle.strength is Strength.STRONG
    return State(Issue("f is wrong", ""), evaluation=EvaluationContext(environment, oracle=oracle)), services


def agree(run: State, services: Services) -> dict[str, Candidate]:
    return measure_agreement(run.candidates.values(), run.evaluation, services.workbench, DEFAULT_OPTIONS)


def candidates(services: Services, drawn: Mapping[str, tuple[Origin, ...]]) -> dict[str, Candidate]:
    """Bodies of the function, with the samples that drew them."""
    made = {}
    for body, samples in drawn.items():
        edit = Edit("shop.py", SOURCE, f"def f(a, b):\n    {body}\n")
        patch = services.workspace.make_patch((edit,))
        verdict = Verdict(oracle="passed")
        likelihood = 0.5 if samples[0].generator == "mutation" else 0.0
        made[body] = Candidate(
            body, samples[0].generator, TARGET, patch, samples, verdict=verdict, pattern_prior=likelihood
        )
    return made


@pytest.mark.bubblewrap
def test_what_most_candidates_do_wins_over_what_is_only_shorter(state: tuple[State, Services]) -> None:
    run, services = state
    drawn: dict[str, tuple[Origin, ...]] = {
        "return a * b": (Origin("mutation", 0),),
        "return a + b": (Origin("rewrite", 0),),
        "return sum((b, a))": (Origin("rewrite", 1),),
    }
    run = replace(run, candidates=candidates(services, drawn))
    found = agree(run, services)
    assert found["return a + b"].behavioural_agreement == pytest.approx(
        found["return sum((b, a))"].behavioural_agreement
    )
    assert found["return a + b"].behavioural_agreement > 0.6 > found["return a * b"].behavioural_agreement
    chosen = find_best(merge_candidates(run.candidates, found).values(), run.strength)
    assert chosen is not None
    assert chosen.id == "return a + b"
    assert agree(replace(run, candidates=merge_candidates(run.candidates, found)), services) == {}


@pytest.mark.bubblewrap
def test_examples_that_hold_today_are_inputs_where_nothing_shows_the_problem(state: tuple[State, Services]) -> None:
    run, services = state
    assert run.evaluation is not None
    ground = replace(run.evaluation, oracle=Oracle(Strength.NONE), baseline=Baseline(passing_examples=run.oracle))
    changes = [(Edit("shop.py", SOURCE, SOURCE.replace("-", sign)),) for sign in "+*"]
    more = (*changes[0], Edit("other.py", None, "x = 1\n"))
    one, other, nothing = observe_candidates([*changes, more], TARGET, ground, services.workbench)
    assert one[0] == other[0]
    assert one != other
    assert nothing == ()


@pytest.mark.bubblewrap
def test_what_a_variant_brings_along_at_module_level_is_there(state: tuple[State, Services]) -> None:
    run, services = state
    ground = run.evaluation
    assert ground is not None
    helper = "def helped(a, b):\n    return add(a, b)\n"
    text = f"from operator import add\n\n\ndef f(a, b):\n    return helped(a, b)\n\n\n{helper}"
    found = observe_candidates(
        [(Edit("shop.py", SOURCE, text),), (Edit("shop.py", SOURCE, SOURCE.replace("-", "+")),)],
        TARGET,
        ground,
        services.workbench,
    )
    assert found[0] == found[1] != ()


@pytest.mark.parametrize(
    ("drawn", "likelihood", "expected"),
    [
        ((Origin("rewrite", 0), Origin("rewrite", 1)), 0.0, 2.0),
        ((Origin("infill", 0),), 0.0, 0.5),
        ((Origin("mutation", 0),), 0.4, 0.6),
        ((Origin("mutation", 0), Origin("rewrite", 0)), 0.4, 1.6),
    ],
)
def test_samples_of_a_model_count_and_mutants_by_their_likelihood(
    drawn: tuple[Origin, ...], likelihood: float, expected: float
) -> None:
    candidate = Candidate("1", "x", TARGET, None, drawn, pattern_prior=likelihood)  # type: ignore[arg-type]  # not looked at
    assert vote_weight(candidate) == pytest.approx(expected)
