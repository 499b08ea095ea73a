"""Environments that are really built, and tests that are really run, by each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoagent.domain import Ending, Issue, Strength
from repoagent.errors import EnvironmentFailed
from repoagent.evidence.reproduction.oracle import judge, reproduce
from repoagent.evidence.reproduction.project import SnippetProject
from repoagent.evidence.reproduction.script import run_script
from repoagent.sandbox.base import CommandResult, Engine
from repoagent.testbed.build_plan import CommitInfo, UserOverrides
from repoagent.testbed.failure import summarise_failure
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace

REPOSITORIES = Path(__file__).parents[1] / "repositories"
ENGINES = [
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.network]),
    pytest.param("bubblewrap", marks=[pytest.mark.bubblewrap, pytest.mark.network]),
]
BUBBLEWRAP = ENGINES[1:]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Environments built here are shared within the module and thrown away after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def engine(request: pytest.FixtureRequest, cache: None) -> Engine:
    made = _make(str(request.param))
    made.check()
    made.prepare(lambda _line: None)
    return made


def _make(name: str) -> Engine:
    if name == "docker":
        from repoagent.sandbox.docker import DockerEngine

        return DockerEngine()
    from repoagent.sandbox.bubblewrap import BubblewrapEngine

    return BubblewrapEngine()


def prepare(engine: Engine, name: str, command: str | None = None) -> Testbed:
    root = REPOSITORIES / name
    return Testbed.prepare(
        engine, root, origin=CommitInfo("1.0"), named=UserOverrides(command or ""), trace=Trace(), timeout=500
    )


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_classic_project_is_built_run_and_explained(engine: Engine) -> None:
    bed = prepare(engine, "classic")
    baseline = bed.measure_baseline(timeout=120)
    assert baseline.failing == {"tests/test_shop.py::test_total"}
    assert "tests/test_shop.py::TestSettings::test_read[b = [2]]" in baseline.passing
    text = summarise_failure(baseline.report, baseline.failing, bed.root)
    assert "assert 5 == 6" in text
    with bed.open() as sandbox:
        again = bed.run(sandbox, sorted(baseline.passing), timeout=120)
    assert again.passed == baseline.passing


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize(
    ("path", "content", "ending"),
    [("conftest.py", b"import time; time.sleep(60)", Ending.TIMED_OUT), ("abort", b"", Ending.CRASHED)],
)
def test_a_run_that_hangs_or_aborts_says_so_and_leaves_the_sandbox_usable(
    path: str, content: bytes, ending: Ending, engine: Engine
) -> None:
    bed = prepare(engine, "classic")
    with bed.open() as sandbox:
        sandbox.write({path: content})
        assert bed.run(sandbox, timeout=10).ending is ending
        sandbox.write({path: None})
        assert bed.run(sandbox, timeout=60).ending is Ending.COMPLETED


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_a_test_that_hangs_fails_and_the_others_are_run(engine: Engine) -> None:
    bed = prepare(engine, "classic")
    with bed.open() as sandbox:
        sandbox.write({"hang": b""})
        report = bed.run(sandbox, timeout=15)
    assert report.ending is Ending.COMPLETED
    assert report.passed
    assert any("took more than" in outcome.message for outcome in report.outcomes if outcome.timed_out)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_an_edit_of_the_source_is_seen_by_the_next_run(engine: Engine) -> None:
    bed = prepare(engine, "modern")
    with bed.open() as sandbox:
        before = bed.run(sandbox, ["tests/test_words.py"], timeout=120)
        fixed = (bed.root / "src/clock/words.py").read_text().replace("hour % 12", "(hour % 12 or 12)")
        sandbox.write({"src/clock/words.py": fixed.encode()})
        after = bed.run(sandbox, ["tests/test_words.py"], timeout=120)
    assert before.failed == {"tests/test_words.py::test_noon"}
    assert not after.failed


@pytest.mark.parametrize("engine", BUBBLEWRAP, indirect=True)
def test_a_module_that_no_manifest_names_is_installed(engine: Engine) -> None:
    baseline = prepare(engine, "unit").measure_baseline(timeout=120)
    assert baseline.passing == {"test.py::HalfTest::test_even"}
    assert baseline.failing == {"test.py::HalfTest::test_odd"}


@pytest.mark.parametrize("engine", BUBBLEWRAP, indirect=True)
def test_a_project_that_cannot_be_installed_is_tested_all_the_same(engine: Engine) -> None:
    baseline = prepare(engine, "broken").measure_baseline(timeout=120)
    assert baseline.passing == {"test_cycle.py::test_turns"}
    assert baseline.failing == {"test_gone.py"}


@pytest.mark.parametrize("engine", BUBBLEWRAP, indirect=True)
def test_a_conftest_that_crashes_collects_nothing(engine: Engine) -> None:
    baseline = prepare(engine, "crashing").measure_baseline(timeout=120)
    assert baseline.report.ending is Ending.NOT_COLLECTED
    assert "no test shall run" in baseline.report.log


@pytest.mark.parametrize("engine", BUBBLEWRAP, indirect=True)
def test_a_user_s_command_is_reported_test_by_test_when_it_runs_pytest(engine: Engine) -> None:
    bed = prepare(engine, "classic", "cd tests && python -m pytest -o addopts= -k total")
    with bed.open() as sandbox:
        assert bed.run(sandbox, timeout=60).failed == {"tests/test_shop.py::test_total"}


@pytest.mark.parametrize("engine", BUBBLEWRAP, indirect=True)
def test_build_commands_that_fail_end_the_build_with_their_log(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / ".repoagent.toml").write_text('build = ["echo the reason; exit 3"]\n')
    with pytest.raises(EnvironmentFailed, match="the reason"):
        Testbed.prepare(engine, tmp_path, origin=CommitInfo(), trace=Trace(), timeout=300)


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_an_issue_s_snippet_runs_in_the_environment(engine: Engine) -> None:
    bed = prepare(engine, "modern")

    def run(script: str, files: dict[str, bytes | None] | None = None) -> CommandResult:
        with bed.open() as sandbox:
            sandbox.write(files or {})
            return run_script(sandbox, script)

    body = ">>> import clock\n>>> clock.spoken(12)\n\"0 o'clock\"\n\nIt should be `12 o'clock`."
    oracle = reproduce(Issue("Noon is zero", body), run, SnippetProject(("clock",)))
    assert oracle.strength is Strength.STRONG
    fixed: dict[str, bytes | None] = {"src/clock/words.py": b'def spoken(hour): return f"{hour % 12 or 12} o\'clock"'}
    assert judge(oracle, run(oracle.script)) == "failed"
    assert judge(oracle, run(oracle.script, fixed)) == "passed"
