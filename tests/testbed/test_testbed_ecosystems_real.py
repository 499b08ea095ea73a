"""Small projects in other languages than Python: really built in containers, and really tested there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from repoagent.domain import Ending
from repoagent.sandbox.docker import DockerEngine
from repoagent.testbed.build_plan import CommitInfo
from repoagent.testbed.failure import summarise_failure
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace

REPOSITORIES = Path(__file__).parents[1] / "repositories"


@dataclass(frozen=True)
class Sample:
    """A project with one defect."""

    passing: frozenset[str]
    failing: frozenset[str]
    path: str
    """Where the defect is."""
    wrong: str
    right: str
    says: str
    """Part of what the failing test says."""
    ending: Ending = Ending.NOT_BUILT
    """How a run ends when the code is no code at all."""
    alone: bool = True
    """Whether a test can be run by its id."""


SAMPLES = {
    "nodetest": Sample(
        frozenset({"test/half.test.js::even"}),
        frozenset({"test/half.test.js::odd > is not rounded"}),
        "half.js",
        "Math.floor(number / 2)",
        "number / 2",
        "1 == 1.5",
        Ending.COMPLETED,
    ),
    "vitest": Sample(
        frozenset({"src/words.test.ts::spoken > says the hour"}),
        frozenset({"src/words.test.ts::spoken > knows noon (12)"}),
        "src/words.ts",
        "hour % 12",
        "hour % 12 || 12",
        "12 o",
        Ending.COMPLETED,
    ),
    "jest": Sample(
        frozenset({"__tests__/total.test.js::total > of nothing"}),
        frozenset({"__tests__/total.test.js::total > of two + tax"}),
        "total.js",
        "prices.slice(1)",
        "prices",
        "Received: 3",
        Ending.COMPLETED,
    ),
    "mocha": Sample(
        frozenset({"test/stack.js::Stack gives back one"}),
        frozenset({"test/stack.js::Stack gives back the last first"}),
        "stack.js",
        "this.items.shift()",
        "this.items.pop()",
        "1 !== 2",
        Ending.CRASHED,
    ),
    "go": Sample(
        frozenset(
            {"example.com/shapes.TestSquare", "example.com/shapes.TestArea/flat", "example.com/shapes/inner.TestOne"}
        ),
        frozenset({"example.com/shapes.TestArea", "example.com/shapes.TestArea/wide"}),
        "shapes.go",
        "width + height",
        "width * height",
        "got 7, want 10",
        Ending.COMPLETED,
    ),
    "cargo": Sample(
        frozenset({"src/lib.rs::tests::short", "tests/high.rs::exact", "doc ladder::src/lib.rs - rungs (line 5)"}),
        frozenset({"tests/high.rs::rounds_up"}),
        "src/lib.rs",
        "height / 3",
        "height.div_ceil(3)",
        "right: 3",
    ),
    "maven": Sample(
        frozenset({"shop.BasketTest#empty"}),
        frozenset({"shop.BasketTest#several"}),
        "src/main/java/shop/Basket.java",
        "price + count",
        "price * count",
        "expected:<12> but was:<7>",
    ),
    "cmake": Sample(
        frozenset({"ring.empty"}),
        frozenset({"ring.full"}),
        "ring.c",
        "    ring->items[ring",
        "    if (ring->count >= RING_SIZE) return 0;\n    ring->items[ring",
        "a full ring took one more",
    ),
    "make": Sample(
        frozenset({"bars"}), frozenset({"blanks"}), "tally.c", "? 1 : 1", "? 1 : 0", "FAILED blanks", alone=False
    ),
}
"""By the folder they lie in. Of Go and JavaScript what does not compile is one package or file, the others run."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPOAGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield DockerEngine()


def prepare(engine: DockerEngine, root: Path, *, checks: bool = False) -> Testbed:
    return Testbed.prepare(engine, root, origin=CommitInfo("1.0"), trace=Trace(), timeout=550, checks=checks)


@pytest.mark.docker
@pytest.mark.network
@pytest.mark.parametrize("name", SAMPLES)
def test_a_project_is_built_and_its_tests_see_each_edit(name: str, engine: DockerEngine) -> None:
    sample = SAMPLES[name]
    bed = prepare(engine, REPOSITORIES / name)
    original = (bed.root / sample.path).read_text()
    with bed.open() as sandbox:
        report = bed.run(sandbox, timeout=120)
        assert (report.ending, report.passed, report.failed) == (Ending.COMPLETED, sample.passing, sample.failing)
        assert sample.says in summarise_failure(report, report.failed, bed.root)

        one = max(sample.failing)
        alone = bed.run(sandbox, [one], timeout=120)
        assert (alone.ending, alone.failed) == (Ending.COMPLETED, frozenset({one}))
        assert not alone.passed or not sample.alone

        sandbox.write({sample.path: original.replace(sample.wrong, sample.right).encode()})
        fixed = bed.run(sandbox, timeout=120)
        assert (fixed.ending, fixed.passed) == (Ending.COMPLETED, sample.passing | sample.failing)

        sandbox.write({sample.path: b"this is no code (\n"})
        broken = bed.run(sandbox, timeout=120)
        assert broken.ending is sample.ending
        assert not broken.passed & sample.failing
        assert broken.failed or broken.ending is not Ending.COMPLETED

        sandbox.write({sample.path: original.encode()})
        assert bed.run(sandbox, timeout=120).failed == sample.failing, "an older state is no newer file"


@pytest.mark.docker
@pytest.mark.network
@pytest.mark.parametrize("name", ["cmake", "cargo"])
def test_what_was_compiled_of_another_state_is_not_taken_for_this_one(
    name: str, engine: DockerEngine, tmp_path: Path
) -> None:
    sample = SAMPLES[name]
    bed = prepare(engine, REPOSITORIES / name)
    other = Path(shutil.copytree(bed.root, tmp_path / "other"))
    source = other / sample.path
    before = source.stat()
    source.write_text(source.read_text().replace(sample.wrong, sample.right))
    import os

    os.utime(source, (before.st_atime - 1e6, before.st_mtime - 1e6))
    with bed.open(other) as sandbox:
        assert bed.run(sandbox, timeout=120).passed == sample.passing | sample.failing


@pytest.mark.docker
@pytest.mark.network
def test_a_test_that_does_not_end_and_one_that_dies_are_no_success(engine: DockerEngine) -> None:
    bed = prepare(engine, REPOSITORIES / "cmake")
    with bed.open() as sandbox:
        sandbox.write({"tests/test_empty.c": b"int main(void) { for (;;); }"})
        assert bed.run(sandbox, timeout=8).ending is Ending.TIMED_OUT
        sandbox.write({"tests/test_empty.c": b"int main(void) { return *(volatile int *)0; }"})
        assert "ring.empty" in bed.run(sandbox, timeout=60).failed


@pytest.mark.docker
@pytest.mark.network
def test_only_new_complaints_count(engine: DockerEngine) -> None:
    from repoagent.testbed.checks import find_new_complaints

    bed = prepare(engine, REPOSITORIES / "jest", checks=True)
    with bed.open() as sandbox:
        before = bed.run_checks(sandbox)["npm run lint"]
        assert before.failed == {"total.js: error: no var"}
        sandbox.write({"total.js": b"var a;\n" + (bed.root / "total.js").read_bytes()})
        after = bed.run_checks(sandbox)["npm run lint"]
    assert find_new_complaints(before, after) == {"total.js: error: no var [2]"}
