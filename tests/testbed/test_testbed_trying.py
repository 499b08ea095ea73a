"""Which of several ways to build is taken, and that it is remembered; told by a fake engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.errors import EnvironmentFailed, SandboxFailed
from repoagent.sandbox.base import Base, Dockerfile, Environment, ProgressListener, Recipe
from repoagent.sandbox.fake import FakeEngine
from repoagent.testbed.build import ChosenBuild, discard_builds, find_or_build
from repoagent.testbed.build_plan import BuildPlan, add_packages
from repoagent.trace import Event, Trace

WAYS = tuple(BuildPlan(name, Recipe(name, "true", Base()), (f"because of {name}",)) for name in ("one", "two", "three"))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))


def report(passed: int, failed: int, ending: Ending = Ending.COMPLETED) -> Report:
    statuses = [Status.PASSED] * passed + [Status.FAILED] * failed
    return Report(ending, tuple(Outcome(f"t{n}", status) for n, status in enumerate(statuses)))


class Playing:
    """An engine and the outcome of the tests in each of its environments."""

    def __init__(self, engine: FakeEngine | None = None, **reports: Report | None) -> None:
        self.engine = engine or FakeEngine()
        self.reports = reports
        self.events: list[Event] = []

    def choose(self, timeout: float = 600) -> ChosenBuild:
        trace = Trace(listeners=(self.events.append,))
        sample: Callable[[Environment], Report | None] = lambda environment: self.reports[environment.key]  # noqa: E731
        return find_or_build(self.engine, Path(), WAYS, sample, trace, timeout)

    @property
    def built(self) -> list[str]:
        return [built.recipe.key for built in self.engine.builds]

    def told(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]


def test_the_first_way_in_which_tests_run_is_taken() -> None:
    playing = Playing(one=report(0, 0, Ending.NOT_COLLECTED), two=report(5, 1))
    assert playing.choose().completed_plan.name == "two"
    assert playing.built == ["one", "two"]
    assert [event.data["reason"] for event in playing.told("testbed.rejected")] == [
        "a few tests were tried, and nothing collected"
    ]


def test_what_was_found_out_is_remembered_and_nothing_built_again() -> None:
    playing = Playing(one=report(1, 9), two=report(5, 1))
    first = playing.choose()
    assert playing.choose() == first
    assert playing.built == ["one", "two"]
    assert [event.data["setup"] for event in playing.told("testbed.reused")] == ["two"]


def test_an_environment_that_was_removed_is_built_again() -> None:
    playing = Playing(one=report(1, 9), two=report(5, 1))
    playing.choose()
    playing.engine.discard("two")
    assert playing.choose().completed_plan.name == "two"
    assert playing.built == ["one", "two"], "the other one is still there"


def test_what_is_forgotten_is_built_anew() -> None:
    playing = Playing(one=report(1, 9), two=report(5, 1))
    playing.choose()
    playing.reports["one"] = report(9, 0)
    discard_builds(playing.engine, WAYS)
    assert playing.choose().completed_plan.name == "one"
    assert playing.built == ["one"]
    assert playing.choose().completed_plan.name == "one"


def test_where_tests_run_nowhere_the_way_with_most_of_them_is_taken() -> None:
    playing = Playing(one=report(1, 9), two=report(2, 3), three=report(0, 0, Ending.CRASHED))
    assert playing.choose().completed_plan.name == "two"


def test_a_way_that_cannot_be_built_is_passed_over() -> None:
    playing = Playing(Refusing({"one"}), two=report(5, 0))
    assert playing.choose().completed_plan.name == "two"
    assert [event.data["reason"] for event in playing.told("testbed.rejected")] == ["one: no compiler"]


def test_where_nothing_can_be_built_the_first_reason_is_given() -> None:
    with pytest.raises(EnvironmentFailed, match="one: no compiler"):
        Playing(Refusing({"one", "two", "three"})).choose()


def test_without_time_left_no_second_way_is_tried() -> None:
    playing = Playing(one=report(1, 9))
    assert playing.choose(timeout=10).completed_plan.name == "one"


def test_where_nothing_can_be_said_the_first_way_is_taken() -> None:
    assert Playing(one=None).choose().completed_plan.name == "one"


def test_a_memory_that_is_damaged_is_as_good_as_none(tmp_path: Path) -> None:
    playing = Playing(one=report(5, 0))
    playing.choose()
    (memory,) = (tmp_path / "cache/testbeds").iterdir()
    odd = '{"way": "one", "packages": [], "trial": {"nonsense": 1}}'
    for text in ("", "{}", odd, '{"way": "gone", "packages": [], "trial": null}', "[1]"):
        memory.write_text(text)
        assert playing.choose().completed_plan.name == "one"


HEADER = "src/a.c:1:10: fatal error: ffi.h: No such file or directory"
WIDER = add_packages(WAYS[0], ["libffi-dev"])


@pytest.mark.parametrize("builds", [True, False])
def test_what_a_build_misses_is_had_from_the_distribution(builds: bool) -> None:
    engine = Missing(HEADER, builds=builds)
    playing = Playing(engine, **{"one": report(1, 9), WIDER.recipe.key: report(5, 0)})
    chosen = playing.choose()
    assert chosen.completed_plan == WIDER
    assert "libffi-dev" in chosen.completed_plan.recipe.base.packages
    assert playing.choose() == chosen
    assert playing.told("testbed.reused")


def test_where_the_wider_way_cannot_be_built_the_plain_one_is_taken() -> None:
    engine = Missing(HEADER, builds=True, refused=True)
    assert Playing(engine, one=report(5, 0)).choose().completed_plan.name == "one"


def test_a_wider_environment_is_forgotten_too() -> None:
    playing = Playing(Missing(HEADER, builds=True), **{WIDER.recipe.key: report(5, 0)})
    playing.choose()
    discard_builds(playing.engine, WAYS)
    assert not playing.built


class Missing(FakeEngine):
    """Says in the log of plain builds what is missing."""

    def __init__(self, line: str, *, builds: bool, refused: bool = False) -> None:
        super().__init__()
        self.line, self.can_build, self.refused = line, builds, refused

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        if recipe.base.packages:
            if self.refused:
                raise EnvironmentFailed("no packages here")
            return super().build(recipe, repository, progress, timeout)
        progress(self.line)
        if not self.can_build:
            raise EnvironmentFailed("the build failed")
        return super().build(recipe, repository, progress, timeout)


class Refusing(FakeEngine):
    """Cannot build some recipes."""

    def __init__(self, refused: set[str]) -> None:
        super().__init__()
        self.refused = refused

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        if recipe.key in self.refused:
            raise EnvironmentFailed(f"{recipe.key}: no compiler")
        return super().build(recipe, repository, progress, timeout)


def test_an_image_of_the_repository_s_in_which_no_sandbox_lives_costs_no_other_way() -> None:
    class Dying(FakeEngine):
        def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
            if recipe.base.dockerfile or recipe.key == "three":
                raise SandboxFailed("no answer")
            return super().build(recipe, repository, progress, timeout)

    ways = (WAYS[0], BuildPlan("own", Recipe("own", "true", Base(dockerfile=Dockerfile("FROM a")))))
    playing = Playing(Dying(), one=report(1, 9))
    assert (
        find_or_build(playing.engine, Path(), ways, lambda e: playing.reports[e.key], Trace(), 600).completed_plan.name
        == "one"
    )
    with pytest.raises(SandboxFailed):
        find_or_build(playing.engine, Path(), WAYS[2:], lambda e: playing.reports[e.key], Trace(), 600)


def calling(name: str, passed: int = 5) -> Report:
    """A run in which a test is skipped for want of a program."""
    skipped = Outcome("other", Status.SKIPPED, message=f"Skipped: {name} is not installed")
    return Report(Ending.COMPLETED, (*report(passed, 0).outcomes, skipped))


class Answering(Playing):
    """Plays outcomes by the packages that an environment was built with."""

    def __init__(self, before: Report, after: Report | None, engine: FakeEngine | None = None) -> None:
        super().__init__(engine)
        self.before, self.after = before, after

    def choose(self, timeout: float = 600) -> ChosenBuild:
        def sample(environment: Environment) -> Report | None:
            (packages,) = (b.recipe.base.packages for b in self.engine.builds if b.recipe.key == environment.key)
            return self.after if packages else self.before

        return find_or_build(self.engine, Path(), WAYS, sample, Trace(listeners=(self.events.append,)), timeout)


def test_a_program_that_tests_call_is_installed_and_no_compiler_with_it() -> None:
    playing = Answering(calling("dot"), report(6, 0))
    choice = playing.choose()
    assert (choice.completed_plan.name, choice.completed_plan.recipe.base.packages) == ("one", ("graphviz",))
    assert playing.choose().packages == ("graphviz",), "it is remembered"
    assert len(playing.engine.builds) == 2


def test_a_program_that_is_there_and_still_not_found_is_installed_once() -> None:
    playing = Answering(calling("dot"), calling("dot"))
    assert playing.choose().packages == ("graphviz",)
    assert len(playing.engine.builds) == 2


def test_where_fewer_tests_pass_with_a_program_it_is_left_out() -> None:
    assert Answering(calling("dot"), report(4, 0)).choose().packages == ()


def test_where_a_program_cannot_be_had_the_environment_without_it_is_taken() -> None:
    class Unpackaged(FakeEngine):
        def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
            if recipe.base.packages:
                raise EnvironmentFailed("no distribution")
            return super().build(recipe, repository, progress, timeout)

    playing = Answering(calling("dot"), None, Unpackaged())
    assert playing.choose().packages == ()
    assert "no distribution" in str(playing.told("testbed.progress"))


def test_what_is_too_large_is_said() -> None:
    playing = Answering(calling("pdflatex"), None)
    assert playing.choose().packages == ()
    assert "too large to be installed unasked" in str(playing.told("testbed.progress"))
