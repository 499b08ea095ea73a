"""What is left of a failed run for a model to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.domain import Ending, Outcome, Report, Status
from repoagent.testbed.failure import MAX_CHARACTERS, summarise_failure

SHORT = """\
tests/test_shop.py:4: in test_total
    assert shop.total([1, 2]) == 3
shop.py:3: in total
    return add(prices)
/opt/environment/venv/lib/python3.11/site-packages/adder/core.py:9: in add
    raise ValueError("no")
E   ValueError: no
"""

SOURCE = "# a shop\ndef total(prices):\n    return add(prices)\n\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SOURCE)
    return tmp_path


def report(*outcomes: Outcome, ending: Ending = Ending.COMPLETED, log: str = "") -> Report:
    return Report(ending, outcomes, log=log)


def failed(name: str, message: str) -> Outcome:
    return Outcome(name, Status.FAILED, message=message)


def test_the_deepest_frame_inside_the_repository_is_shown_with_its_lines(root: Path) -> None:
    text = summarise_failure(report(failed("t::a", SHORT), Outcome("t::b", Status.PASSED)), {"t::a"}, root)
    assert text.splitlines() == [
        "FAILED t::a",
        "ValueError: no",
        "at shop.py:3",
        "  2  def total(prices):",
        ">   3      return add(prices)".replace(">   3  ", "> 3  "),
        "  4  ",
        "1 failed, 1 passed",
    ]


def test_a_line_that_has_changed_since_is_taken_from_the_traceback(root: Path) -> None:
    (root / "shop.py").write_text("something\nelse\nentirely\n")
    text = summarise_failure(report(failed("t::a", SHORT)), {"t::a"}, root)
    assert "at shop.py:3\n>   return add(prices)" in text
    assert "entirely" not in text


def test_both_sides_of_a_long_comparison_are_kept(root: Path) -> None:
    message = (
        f"tests/test_shop.py:1: in test_a\n    assert x == y\nE   AssertionError: assert '{'a' * 500}' == '{'b' * 500}'"
    )
    line = summarise_failure(report(failed("t::a", message)), {"t::a"}, root).splitlines()[1]
    assert line.startswith("AssertionError: assert 'aaa")
    assert " == 'bbb" in line
    assert len(line) <= 245


def test_addresses_do_not_make_equal_failures_differ(root: Path) -> None:
    first, second = (summarise_failure(f"ValueError: <A at 0x7f{n}22334455>", (), root) for n in (1, 2))
    assert first == second


def test_many_failures_are_named_and_counted(root: Path) -> None:
    names = [f"t::test_{n}" for n in range(40)]
    text = summarise_failure(report(*(failed(n, SHORT) for n in names)), set(names), root)
    assert text.count("FAILED ") == 5
    assert "… and 35 more" in text
    assert text.endswith("40 failed, 0 passed")


def test_only_new_failures_are_shown(root: Path) -> None:
    text = summarise_failure(report(failed("t::old", "E   ValueError: old"), failed("t::new", SHORT)), {"t::new"}, root)
    assert "old" not in text


def test_a_plain_traceback_is_understood(root: Path) -> None:
    log = (
        'banner\nTraceback (most recent call last):\n  File "<string>", line 1, in <module>\n'
        '  File "/work/repo/shop.py", line 3, in total\n    return add(prices)\n'
        '  File "/usr/lib/python3.11/json/decoder.py", line 9, in f\n    x\njson.decoder.JSONDecodeError: Extra data\n'
    )
    text = summarise_failure(log, (), root)
    assert text.splitlines()[:2] == ["json.decoder.JSONDecodeError: Extra data", "at shop.py:3"]
    assert "banner" not in text


@pytest.mark.parametrize("ending", [Ending.TIMED_OUT, Ending.CRASHED, Ending.NOT_COLLECTED])
def test_a_run_that_did_not_complete_says_so(ending: Ending, root: Path) -> None:
    text = summarise_failure(report(ending=ending, log="E   SyntaxError: invalid syntax"), (), root)
    assert text.startswith("The test run ")
    assert "SyntaxError" in text


def test_a_hostile_traceback_reads_no_file_outside(root: Path) -> None:
    secret = root.parent / "secret.py"
    secret.write_text("password = 1\n")
    (root / "link.py").symlink_to(secret)
    for name in ("../secret.py", str(secret), "link.py"):
        assert "password" not in summarise_failure(f'  File "{name}", line 1, in f\nValueError: x', (), root)


@pytest.mark.parametrize(
    "text", ["", "E   " + "x" * 100_000, "a.py:99999999999999999999: in f\n", "E\n" * 10_000, "\n" * 50_000]
)
def test_no_log_makes_it_long(text: str, root: Path) -> None:
    assert len(summarise_failure(report(failed("t::a" * 100, text)), {"t::a" * 100}, root)) <= MAX_CHARACTERS


OTHERS = {
    "jest": "Error: expect(a).toBe(b)\n\nExpected: 5\nReceived: 3\n    at Object.toBe (/work/repo/shop.ts:3:9)\n",
    "go": "=== RUN   TestArea\n    shop.ts:3: got 3, want 5\n",
    "rust": "thread 'a' panicked at shop.ts:3:5:\nassertion failed: got 3, want 5\nnote: run with `RUST_BACKTRACE=1`\n",
    "c": "shop.ts:3:5: error: unknown type name 'x', got 3, want 5\n",
}


@pytest.mark.parametrize("message", OTHERS.values(), ids=OTHERS)
def test_what_other_runners_say_is_kept_with_the_place_that_they_name(message: str, tmp_path: Path) -> None:
    (tmp_path / "shop.ts").write_text("one\ntwo\nthree\nfour\n")
    text = summarise_failure(report(failed("t::a", message)), {"t::a"}, tmp_path)
    assert "5" in text
    assert "3" in text
    assert "at shop.ts:3\n  2  two\n> 3  three\n  4  four" in text
    assert "Object.toBe" not in text
