"""Variants are tried in real forks of a real sandbox, and those that do harm harm none of the others."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from repoagent.domain import Answer, Oracle, Strength
from repoagent.evidence.screening import (
    ScreeningOracle,
    ScreeningResult,
    Variant,
    VariedFunction,
    observe_behaviour,
    run_single_tests,
    screen,
)
from repoagent.sandbox.base import ENVIRONMENT, UV, CommandResult, Engine, Environment, Recipe, Sandbox, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.fake import FakeEngine, PlayedCommand

MODULE = "size.py"
SOURCE = "def size(number, unit='B'):\n    return f'{number}{unit}'\n"
SCRIPT = "from size import size\nprint('begun')\nprint(size(1))\n"
RIGHT = "    return f'{number} {unit}'\n"
ORACLE = Oracle(Strength.STRONG, SCRIPT, expected="1 B")


def judge(oracle: Oracle, finished: CommandResult) -> tuple[Answer, float]:
    """As far as this script goes."""
    right = finished.exit_code == 0 and finished.output == f"begun\n{oracle.expected}\n"
    return "passed" if right else "failed", float(right)


def variant(body: str, source: str = SOURCE) -> Variant:
    """The function with another body."""
    start = source.index("    return")
    return Variant(((start, len(source), body),))


def screened(
    variants: Sequence[Variant],
    engine: Engine,
    environment: Environment,
    root: Path,
    check: ScreeningOracle,
    seconds: float = 60.0,
) -> list[ScreeningResult]:
    @contextmanager
    def opened() -> Iterator[Sandbox]:
        with engine.open(environment, root, SandboxLimits(pids=64)) as sandbox:
            yield sandbox

    place = VariedFunction(MODULE, (root / MODULE).read_text(), "size")
    return screen(variants, place, check, judge, opened, seconds, 10)


# --- what the sandbox answers is not trusted --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[" * 100_000,
        b"no json",
        b"[]",
        b'{"results": 3, "proven": 1, "ended": ""}',
        b'{"results": [3], "proven": 9, "ended": ""}',
        b'{"results": [{"output": [], "code": "x"}], "proven": 1, "ended": ""}',
        b'{"results": [{"timed_out": true, "output": "begun\\n1 B\\n", "code": 0}], "proven": 1, "ended": ""}',
    ],
)
def test_a_nonsensical_answer_is_no_success(answer: bytes, tmp_path: Path) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    fake = FakeEngine(_answering(answer))
    found = screened([variant(RIGHT)], fake, Environment("k", "fake:k"), tmp_path, ScreeningOracle(ORACLE))
    assert [each.passed for each in found] == [False]


def test_what_was_screened_is_read_by_the_judge(tmp_path: Path) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    results = [{"output": "begun\n1 B\n", "code": 0}, {"output": "begun\n1B\n", "code": 0}, {"output": "?", "code": 0}]
    answer = json.dumps({"results": results, "proven": 2, "ended": "time"}).encode()
    fake = FakeEngine(_answering(answer))
    found = screened([variant(RIGHT)] * 3, fake, Environment("k", "fake:k"), tmp_path, ScreeningOracle(ORACLE))
    assert [each.passed for each in found] == [True, False, False]
    job = json.loads(fake.sandboxes[0].files[".repoagent-variants.json"])
    assert (job["path"], job["names"], len(job["variants"])) == (MODULE, ["size"], 3)


def _answering(data: bytes) -> PlayedCommand:
    def answer(command: Sequence[str], files: MutableMapping[str, bytes]) -> CommandResult:
        if command[0] == "stat":
            return CommandResult(0, str(len(data)), 0.0)
        files[command[-1]] = data
        return CommandResult(0, "", 0.0)

    return answer


# --- real forks -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> BubblewrapEngine:
    patch = pytest.MonkeyPatch()
    patch.setenv("REPOAGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
    return BubblewrapEngine()


@pytest.fixture(scope="module")
def environment(engine: BubblewrapEngine, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    recipe = Recipe("screening", f"python3 -m venv --without-pip {ENVIRONMENT}/venv")
    return engine.build(recipe, tmp_path_factory.mktemp("empty"), lambda _: None, 120)


HOSTILE = {
    "runs for ever": "    while True: pass\n",
    "sleeps for ever": "    import time; time.sleep(1000)\n",
    "a fork bomb": "    import os\n    while True:\n        os.fork()\n",
    "forks and leaves": "    import os, time\n    os.fork() or os.setsid()\n    time.sleep(30)\n",
    "leaves at once": "    import os; os._exit(0)\n",
    "kills its parent's group": "    import os, signal; os.killpg(0, signal.SIGKILL)\n",
    "floods": "    while True: print('x' * 100000)\n",
    "eats memory": "    a = []\n    while True: a.append(bytearray(1 << 26))\n",
    "recurses": "    return size(number)\n",
    "fills the disk": "    with open('big', 'wb') as f:\n        while True: f.write(bytes(1 << 20))\n",
    "overwrites the report": "    import os\n    [os.write(int(fd), b'[]') for fd in os.listdir('/dev/fd')]\n",
    "raises": "    raise BaseException\n",
    "is no function any more": "    return (\n",
}


@pytest.mark.bubblewrap
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_variant_harms_no_other(
    name: str, engine: BubblewrapEngine, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    variants = [variant(RIGHT), variant(HOSTILE[name]), variant(RIGHT)]
    found = screened(variants, engine, environment, tmp_path, ScreeningOracle(ORACLE))
    assert [each.passed for each in found] == [True, False, True]


@pytest.mark.bubblewrap
def test_one_that_deletes_files_is_found_out_and_left_out(
    engine: BubblewrapEngine, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    (tmp_path / "data").write_text("B")
    check = ScreeningOracle(Oracle(Strength.STRONG, SCRIPT + "open('data').read()\n", expected="1 B"))
    deleting = variant("    import os; os.remove('data')\n    return '1 B'\n")
    variants = [variant(RIGHT), deleting, variant(RIGHT), variant("    return number\n"), variant(RIGHT)]
    found = screened(variants, engine, environment, tmp_path, check)
    assert [each.passed for each in found] == [True, False, True, False, True]


@pytest.mark.bubblewrap
def test_many_variants_share_one_sandbox(engine: BubblewrapEngine, environment: Environment, tmp_path: Path) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    opened = 0

    @contextmanager
    def opening() -> Iterator[Sandbox]:
        nonlocal opened
        opened += 1
        with engine.open(environment, tmp_path, SandboxLimits(pids=64)) as sandbox:
            yield sandbox

    variants = [*(variant(f"    return {n}\n") for n in range(300)), variant(RIGHT)]
    found = screen(variants, VariedFunction(MODULE, SOURCE, "size"), ScreeningOracle(ORACLE), judge, opening, 60.0, 10)
    assert [each.passed for each in found] == [False] * 300 + [True]
    assert opened == 1


SUPER = """\
class B:
    def size(self, n):
        return n

class A(B):
    def size(self, n):
        return f'{super().size(n)}B'

size = A().size
"""


LAZY = """\
class Lazy:
    @property
    def __class__(self):
        raise RuntimeError("woken")

lazy = Lazy()

def size(n):
    return f'{n}B'
"""


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("module", "symbol"),
    [
        ("class A:\n    def size(self, n):\n        return f'{n}B'\n\nsize = A().size\n", "A.size"),
        ("class A:\n    @staticmethod\n    def size(n):\n        return f'{n}B'\n\nsize = A.size\n", "A.size"),
        (
            "import functools\n\n\n@functools.lru_cache(None)\ndef size(n):\n    return f'{n}B'\n",
            "size",
        ),
        ("def make():\n    def size(n):\n        return f'{n}B'\n    return size\n\n\nsize = make()\n", "make.size"),
        (SUPER, "A.size"),
        (LAZY, "size"),
    ],
    ids=["method", "static", "decorated", "closure", "super", "beside lazy objects"],
)
def test_functions_of_every_kind_vary(
    module: str, symbol: str, engine: BubblewrapEngine, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / MODULE).write_text(module)
    start = module.rindex("B'")
    place = VariedFunction(MODULE, module, symbol)
    variants = [Variant(((start, start + 1, " B"),)), Variant(((start, start + 1, "C"),))]
    found = screen(
        variants,
        place,
        ScreeningOracle(ORACLE),
        judge,
        lambda: engine.open(environment, tmp_path, SandboxLimits()),
        60.0,
        10,
    )
    assert [each.passed for each in found] == [True, False]


@pytest.mark.bubblewrap
def test_a_default_varies_too(engine: BubblewrapEngine, environment: Environment, tmp_path: Path) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    start = SOURCE.index("'B'")
    found = screened([Variant(((start, start + 3, "' B'"),))], engine, environment, tmp_path, ScreeningOracle(ORACLE))
    assert [each.passed for each in found] == [True]


@pytest.mark.bubblewrap
def test_code_that_never_ends_is_mended(engine: BubblewrapEngine, environment: Environment, tmp_path: Path) -> None:
    (tmp_path / MODULE).write_text(
        "def size(number):\n    return f'{number} B'\n    while True: pass\n".replace("return", "x =")
    )
    source = (tmp_path / MODULE).read_text()
    start = source.index("    while")
    found = screened(
        [Variant(((start, len(source), "    return x\n"),))], engine, environment, tmp_path, ScreeningOracle(ORACLE)
    )
    assert [each.passed for each in found] == [True]


@pytest.mark.bubblewrap
def test_variants_are_compared_on_arguments_like_those_that_were_seen(
    engine: BubblewrapEngine, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    bodies = (
        RIGHT,
        "    return str(number) + ' ' + unit\n",
        "    return '1 B'\n",
        "    while number: pass\n    return 1\n",
    )
    opened = lambda: engine.open(environment, tmp_path, SandboxLimits())  # noqa: E731
    place = VariedFunction(MODULE, SOURCE, "size")
    one, same, constant, endless = observe_behaviour(
        [variant(b) for b in bodies], place, ScreeningOracle(ORACLE), opened, 30.0
    )
    assert one == same
    assert len(one) > 5
    assert "'0 B'" in " ".join(one)
    assert one[0] == constant[0]
    assert set(constant) != set(one)
    assert "! SystemExit" in endless


@pytest.mark.bubblewrap
def test_nothing_is_compared_where_arguments_cannot_be_written_down(
    engine: BubblewrapEngine, environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / MODULE).write_text("def size(number):\n    return 'B'\n")
    check = ScreeningOracle(Oracle(Strength.STRONG, "from size import size\nsize(object())\n", expected="?"))
    place = VariedFunction(MODULE, (tmp_path / MODULE).read_text(), "size")
    opened = lambda: engine.open(environment, tmp_path, SandboxLimits())  # noqa: E731
    assert observe_behaviour([Variant(())], place, check, opened, 30.0) == [()]


TESTS = """\
import pytest
from size import size

@pytest.fixture
def one(): return 1

def test_blank(one): assert size(one) == '1 B'
@pytest.mark.parametrize("n", [2, 3])
def test_number(n): assert size(n).startswith(str(n))
def test_unit(): assert size(1, 'K')[-1] == 'K'
"""


@pytest.fixture(scope="module")
def with_pytest(engine: BubblewrapEngine, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    venv = f"{ENVIRONMENT}/venv"
    script = f"python3 -m venv --without-pip {venv} && {UV} pip install --quiet --python {venv}/bin/python pytest"
    return engine.build(Recipe("screening-tests", script), tmp_path_factory.mktemp("empty"), lambda _: None, 240)


@pytest.mark.bubblewrap
@pytest.mark.network
def test_tests_are_collected_once_and_run_in_each_fork(
    engine: BubblewrapEngine, with_pytest: Environment, tmp_path: Path
) -> None:
    (tmp_path / MODULE).write_text(SOURCE)
    (tmp_path / "test_size.py").write_text(TESTS)
    names = ("test_number[2]", "test_number[3]", "test_unit")
    check = ScreeningOracle(
        Oracle(Strength.NONE),
        ("test_size.py::test_blank",),
        tuple(f"test_size.py::{name}" for name in names),
        ("-q", "-p", "no:cacheprovider", "--", "test_size.py"),
    )
    bodies = (RIGHT, "    return '1 B'\n", "    return f'{unit}'\n", *HOSTILE.values(), RIGHT)
    found = screened([variant(body) for body in bodies], engine, with_pytest, tmp_path, check, 120.0)
    assert [each.passed for each in found] == [True, *[False] * (len(bodies) - 2), True]
    assert (found[0].progress, found[1].progress) == (1.0, 0.0)


ENDLESS = """\
def test_right(): pass
def test_wrong(): assert False
def test_endless():
    while True: pass
def test_leaving():
    import os
    os._exit(0)
"""


@pytest.mark.bubblewrap
@pytest.mark.network
def test_a_test_that_never_ends_holds_up_no_other(
    engine: BubblewrapEngine, with_pytest: Environment, tmp_path: Path
) -> None:
    (tmp_path / "test_it.py").write_text(ENDLESS)
    arguments = ("-q", "-p", "no:cacheprovider", "--", "test_it.py")
    opened = lambda: engine.open(with_pytest, tmp_path, SandboxLimits())  # noqa: E731
    passing, failing, seconds = run_single_tests(arguments, opened, 60.0, each=1.0)
    assert passing == {"test_it.py::test_right"}
    assert failing == {f"test_it.py::test_{name}" for name in ("wrong", "endless", "leaving")}
    assert 0 < seconds < 1


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"outcomes": 3}', b'{"outcomes": [["a"]]}', b'{"outcomes": [[1, 2, "x"]]}']
)
def test_of_a_nonsensical_answer_about_tests_nothing_is_believed(answer: bytes, tmp_path: Path) -> None:
    fake = FakeEngine(_answering(answer))
    opened = lambda: fake.open(Environment("k", "fake:k"), tmp_path)  # noqa: E731
    assert run_single_tests(("x",), opened, 1.0) == (frozenset(), frozenset(), 0)
