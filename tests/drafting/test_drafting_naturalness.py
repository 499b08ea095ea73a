"""What a change replaces, and how much likelier a model finds the code with it."""

from __future__ import annotations

import pytest

from repoagent.domain import Issue, Location, Spec
from repoagent.drafting.base import Task
from repoagent.drafting.naturalness import changed, naturalness
from repoagent.llm.scripted import ScriptedModel

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
        (SOURCE.replace("<=", "<"), "if number <= 2:", "if number < 2:"),
        (SOURCE.replace("    text = str(number)\n", ""), "text = str(number)\n    if number <= 2:", "if number <= 2:"),
        (SOURCE.replace("    if", "    a = 1\n    if"), "if number <= 2:", "a = 1\n    if number <= 2:"),
        (SOURCE + "    a = 1\n", "return number", "return number\n    a = 1"),
        (SOURCE.replace("        return text", "    return text"), "    return text", "return text"),
        (SOURCE.replace("\n", "\r\n"), SOURCE.rstrip("\n"), SOURCE.replace("\n", "\r\n").rstrip("\r\n")),
    ],
)
def test_a_change_is_told_in_whole_lines(after: str, was: str, becomes: str) -> None:
    found = changed(SOURCE, after)
    assert found is not None
    hole, text = found
    assert (SOURCE[hole.start : hole.end], text) == (was, becomes)
    assert SOURCE[: hole.start] + text == after[: hole.start + len(text)]


@pytest.mark.parametrize("after", [SOURCE, "", SOURCE + "    a = 1\n" * 40])
def test_nothing_and_too_much_is_not_compared(after: str) -> None:
    assert changed(SOURCE, after) is None


def _task() -> Task:
    target = Location("size.py", "size", 1, 5)
    return Task(Issue("size(2) is text", ""), Spec((), ()), target, SOURCE, "", "", 0, 1)


def test_the_likelier_of_two_is_the_more_natural() -> None:
    model = ScriptedModel(scores=lambda text: -1.0 if "<=" in text else -0.25 if "< 2" in text else -9.0)
    found = [naturalness(_task(), SOURCE.replace("<= 2", new), model, model.score) for new in ("< 2", "is 2")]
    assert found == [0.75, -8.0]
    assert model.calls[0].kind == "score"
    assert model.calls[0].prompt.startswith("# FIXME size(2) is text")


def test_a_model_that_does_not_tell_makes_nothing_natural() -> None:
    model = ScriptedModel()
    assert naturalness(_task(), SOURCE.replace("<=", "<"), model, model.score) is None
    model = ScriptedModel(scores=lambda _: -1.0)
    assert naturalness(_task(), SOURCE, model, model.score) is None
