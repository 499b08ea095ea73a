"""A verified patch's reproduction becomes a test of the project's own, or it is said why not."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.app.solve import ReviewPause
from repoagent.domain import Confidence, Result
from tests.graph.conftest import EXAMPLE, RIGHT, USELESS, MakeBench, World

NAME = "test_natural_1000_says_1000b"
ADDED = f"tests/test_convert.py::{NAME}"


def world(passes: str = "size < 1000") -> World:
    return World(added={ADDED: lambda text: passes in text})


def added(result: Result) -> list[str]:
    return [line[1:] for line in result.test_patch.splitlines() if line[:1] == "+" and line[:3] != "+++"]


def test_the_reproduction_is_added_to_the_nearest_test_file(bench: MakeBench, tmp_path: Path) -> None:
    made = bench(RIGHT, world=world())
    result = made.run()
    assert added(result) == [
        "",
        "",
        f"def {NAME}():",
        '    """natural(1000) says 1000B."""',
        "    assert natural(1000) == '1K'",
    ]
    assert made.session.read("test.patch") == result.test_patch
    assert [s for s in result.verified if f"The regression test {ADDED} (test.patch) fails before the patch" in s]
    assert "test_convert" not in result.patch
    (tmp_path / "both.diff").write_text(result.patch + result.test_patch)
    subprocess.run(("git", "apply", str(tmp_path / "both.diff")), cwd=tmp_path / "user", check=True)


def test_it_is_added_where_the_user_gave_a_test_command(bench: MakeBench) -> None:
    def edit(pause: ReviewPause) -> None:
        pause.plan.write_text(pause.plan.read_text().replace("- python -m pytest", "- make test"))

    result = bench(RIGHT, world=world(), ask=True).run(edit)
    assert any("`make test`" in sentence for sentence in result.verified)
    assert f"def {NAME}():" in added(result)


@pytest.mark.parametrize(
    ("passes", "reason"),
    [
        ("size", "in tests/test_convert.py, it does not fail on the untouched code (passed)"),
        ("nothing", "in tests/test_convert.py, it does not pass with the patch (failed)"),
    ],
)
def test_a_test_that_runs_do_not_confirm_is_not_delivered(passes: str, reason: str, bench: MakeBench) -> None:
    result = bench(RIGHT, world=world(passes)).run()
    assert (result.outcome, result.test_patch) == ("verified", "")
    assert result.notes == (f"No regression test was added: {reason}.",)


def test_a_test_that_is_not_collected_is_not_delivered(bench: MakeBench) -> None:
    result = bench(RIGHT, world=World()).run()
    assert result.test_patch == ""
    assert "it does not fail on the untouched code (it did not run)" in result.notes[0]


def test_without_a_verified_patch_no_test_is_written(bench: MakeBench) -> None:
    made = bench(USELESS, world=world())
    result = made.run()
    assert (result.outcome, result.test_patch, result.notes) == ("unverified", "", ())
    assert made.told("regression") == []


def test_a_file_whose_last_line_would_change_is_left_alone(bench: MakeBench) -> None:
    text = "from lengths.convert import natural\n\nA = 1"
    made = bench(RIGHT, world=world(), extra={"tests/test_convert.py": text})
    assert "it would change what is in tests/test_convert.py" in made.run().notes[0]


def test_an_issue_that_says_what_is_right_only_in_part_gives_no_test(bench: MakeBench) -> None:
    body = EXAMPLE.replace("Expected", "Said to be").replace("'1K'", "wrong")
    result = bench(RIGHT, world=world(), body=body).run()
    assert result.test_patch == ""


# --- what the issue itself proposes -----------------------------------------------------------------------------------

PROPOSED = f"{EXAMPLE}\nOne has to change `size <= 1000` to `size < 1000` in `natural`.\n"
HOSTILE = """
```diff
--- a/tests/test_convert.py
+++ b/tests/test_convert.py
@@ -1 +1 @@
-from lengths.convert import natural
+import os; os.system("id")
```
"""


def test_a_patch_that_the_issue_proposes_is_a_candidate_like_any_other(bench: MakeBench) -> None:
    made = bench(USELESS, body=PROPOSED)
    result = made.run()
    assert result.outcome == "verified"
    assert "+    if size < 1000:" in result.patch
    assert "The patch follows a replacement that the issue names; it was judged as any other." in result.notes
    assert made.told("drafted")[0]["generator"] == "issue"


def test_a_wrong_proposal_is_judged_by_the_same_runs(bench: MakeBench) -> None:
    result = bench(RIGHT, body=PROPOSED.replace("`size < 1000`", "`size <= 1001`")).run()
    assert result.outcome == "verified"
    assert not any("issue names" in note for note in result.notes)


def test_a_proposal_that_edits_tests_does_not_pass_the_gate(bench: MakeBench) -> None:
    made = bench(RIGHT, body=EXAMPLE + HOSTILE)
    result = made.run()
    assert (result.outcome, "os.system" in result.patch) == ("verified", False)
    judged = [data for data in made.told("candidate.judged") if data["generator"] == "issue"]
    assert judged[0]["gate"] == ["it edits the tests in tests/test_convert.py"]


# --- what the reproduction is worth -----------------------------------------------------------------------------------


def test_a_reproduction_that_notices_no_mistake_is_not_believed(bench: MakeBench) -> None:
    made = bench(RIGHT, world=replace(world(), noticed=0))
    result = made.run()
    assert (result.outcome, result.confidence, result.test_patch) == ("unverified", Confidence.LOW, "")
    assert not any("showed the reported behaviour" in sentence for sentence in result.verified)
    [weighed] = made.told("weighed")
    said = f"notices none of {weighed['mutants']} small mistakes made in the patched function"
    assert any(said in sentence for sentence in result.unverified)


@pytest.mark.parametrize("noticed", [1, None])
def test_one_that_notices_some_or_could_not_be_weighed_is(noticed: int | None, bench: MakeBench) -> None:
    made = bench(RIGHT, world=replace(world(), noticed=noticed))
    assert made.run().outcome == "verified"
    assert made.told("weighed")[0]["noticed"] == (noticed or 0)


def test_a_test_that_failed_and_passes_now_is_proof_enough(bench: MakeBench) -> None:
    played = replace(world(), noticed=0)
    played.tests["tests/test_convert.py::test_kilo"] = lambda text: "size < 1000" in text
    assert bench(RIGHT, world=played).run().outcome == "verified"
