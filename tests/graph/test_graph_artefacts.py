"""Spec and plan as files, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoagent.domain import Plan, PlannedFile, Spec
from repoagent.errors import UserError
from repoagent.graph.artefacts import read_plan, read_spec, write_plan, write_spec
from repoagent.search.plan import write_steps

BULLETS = st.lists(st.from_regex(r"[a-z`][ -~]{0,60}[a-z.]", fullmatch=True), max_size=4).map(tuple)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40)
NAMES = st.lists(TEXTS, max_size=3).map(tuple)
FILES = st.builds(PlannedFile, TEXTS, st.just("edit"), NAMES, NAMES)


@given(BULLETS, BULLETS)
def test_a_spec_survives_its_file(current: tuple[str, ...], proposed: tuple[str, ...]) -> None:
    spec = Spec(current, proposed)
    assert read_spec(write_spec(spec)) == spec


@given(st.lists(FILES, max_size=3), NAMES)
def test_a_plan_survives_its_file(files: list[PlannedFile], commands: tuple[str, ...]) -> None:
    plan = Plan(tuple(files), commands)
    assert read_plan(write_plan(plan)) == plan


@given(st.text(max_size=300))
def test_any_text_is_a_spec_or_an_empty_one(text: str) -> None:
    spec = read_spec(text)
    assert all(bullet.strip() for bullet in (*spec.current, *spec.proposed))


@pytest.mark.parametrize(
    "answer",
    [
        "Current:\n- a\nProposed:\n- b\n",
        "**Current behaviour**\n* a\n\n**Expected behaviour**\n1. b\n",
        "## Current\n\n1) a\n\n## Wanted\n\n• b\n\nSome closing words.",
        "Sure! Here you are:\n\ncurrent:\n  - a\n\nproposed:\n  - b\n",
    ],
)
def test_a_model_s_answer_is_read_in_the_forms_that_models_give(answer: str) -> None:
    assert read_spec(answer) == Spec(("a",), ("b",))


@pytest.mark.parametrize("answer", ["", "I cannot help with that.", "- a\n- b\n", "Current:\nProposed:\n"])
def test_an_answer_without_the_form_is_an_empty_spec(answer: str) -> None:
    assert read_spec(answer) == Spec((), ())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "the whole"),
        ("[1, 2]", "the whole"),
        ("just words", "the whole"),
        ("commands: []", "files"),
        ("files: {}", "files"),
        ("files: [{path: a.py, operation: edit, symbols: f, steps: []}]", r"files\.0\.symbols"),
        ("files: [{path: a.py, operation: burn, symbols: [], steps: []}]", r"files\.0\.operation"),
        ("files: [{path: 3, operation: edit, symbols: [], steps: []}]", r"files\.0\.path"),
        ("files: []\ncommands: make test", "commands"),
        ("files: [", "cannot be read"),
        ("files: !!python/object/apply:os.system [id]", "cannot be read"),
        ("files: 2026-01-01", "files|cannot be read"),
        ("{[1]: 2}", "the whole|cannot be read"),
        ("a: &a [*a]", "files|cannot be read"),
    ],
)
def test_a_bad_plan_is_an_error_of_the_user_s_that_names_the_field(text: str, named: str) -> None:
    with pytest.raises(UserError, match=rf"^plan\.yaml:? ?.*({named})"):
        read_plan(text)


@given(st.text(max_size=200))
def test_any_other_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(UserError, match=r"^plan\.yaml"):
        read_plan(text)


def test_steps_say_what_shall_hold() -> None:
    assert write_steps("f", Spec((), ("x", "y"))) == ("Change `f` so that: x", "Change `f` so that: y")
    assert write_steps("f", Spec((), ())) == ("Change `f` so that: what the issue asks for holds",)
