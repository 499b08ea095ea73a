"""What a change replaces, and how much likelier a model finds the code with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoagent.domain import Issue, Location, Spec, Usage
from repoagent.generators.base import DraftTask
from repoagent.llm.base import Score
from repoagent.llm.scripted import ScriptedModel
from repoagent.ranking.likelihood import find_changed_words, score_change

SOURCE = """\
def size(number):
    text = str(number)
    if number <= 2:
        return text
    return number
"""


@pytest.mark.parametrize(
    ("after", "was", "becomes"),
    [
        (SOURCE.replace("<=", "<"), " <=", " <"),
        (SOURCE.replace("    text = str(number)\n", ""), "\n    text = str(number)\n    if", "\n    if"),
        (SOURCE.replace("    if", "    a = 1\n    if"), "\n    if", "\n    a = 1\n    if"),
        (SOURCE.rstrip("\n") + " + 1\n", " number", " number + 1"),
        (SOURCE.replace("str(number)", "str(numbers)"), "number", "numbers"),
        (SOURCE.replace("2", "'2'"), " 2", " '2'"),
        ("", SOURCE, ""),
    ],
)
def test_a_change_is_told_in_whole_words(after: str, was: str, becomes: str) -> None:
    hole, text = find_changed_words(SOURCE, after)
    assert (SOURCE[hole.start : hole.end], text) == (was, becomes)
    assert SOURCE[: hole.start] + text + SOURCE[hole.end :] == after


def _task() -> DraftTask:
    target = Location("size.py", "size", 1, 5)
    return DraftTask(Issue("size(2) is text", ""), Spec((), ()), target, SOURCE, "", "", 0, 1)


def test_the_likelier_of_two_is_the_more_natural() -> None:
    model = ScriptedModel(scores=lambda text: -1.0 if "<=" in text else -0.25 if "<" in text else -9.0)
    found = [score_change(_task(), SOURCE.replace("<= 2", new), model, model.score) for new in ("< 2", "is 2")]
    assert found == [0.75, -8.0]
    assert model.calls[0].kind == "score"
    assert model.calls[0].prompt.startswith("# FIXME size(2) is text")


def test_several_places_are_compared_one_after_the_other() -> None:
    asked: list[tuple[str, str]] = []

    def score(before: str, _behind: str, text: str) -> Score:
        asked.append((before[-9:], text))
        return Score(-1.0 if text.strip() in {"<", "0"} else -3.0, Usage())

    after = SOURCE.replace("<=", "<").replace("return number", "return 0")
    assert score_change(_task(), after, ScriptedModel(), score) == 4.0
    assert asked == [("if number", " <="), ("if number", " <"), ("   return", " number"), ("   return", " 0")]


LONG = "".join(f"a{n} = {n}\n" for n in range(20))


@pytest.mark.parametrize("after", [SOURCE, SOURCE + "    a = 1\n" * 40])
def test_nothing_and_too_much_is_not_compared(after: str) -> None:
    model = ScriptedModel(scores=lambda _: -1.0)
    assert score_change(_task(), after, model, model.score) is None


def test_a_model_that_does_not_tell_makes_nothing_natural() -> None:
    model = ScriptedModel()
    assert score_change(_task(), SOURCE.replace("<=", "<"), model, model.score) is None


def test_many_places_are_not_compared() -> None:
    model = ScriptedModel(scores=lambda _: -1.0)
    changed_ones = {"a1 = 1", "a4 = 4", "a7 = 7", "a10 = 10", "a13 = 13"}
    after = "".join(f"{line}0\n" if line in changed_ones else f"{line}\n" for line in LONG.splitlines())
    assert score_change(replace(_task(), source=LONG), after, model, model.score) is None
