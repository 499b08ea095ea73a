"""The values that travel: written as JSON and read back they are the same."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from repoagent import domain
from repoagent.domain import (
    Ending,
    Fact,
    FactCode,
    Issue,
    Outcome,
    Patch,
    Report,
    Result,
    Status,
    Usage,
    Verdict,
    dump,
    load,
)

KINDS = [value for value in vars(domain).values() if isinstance(value, type) and is_dataclass(value)]

RESULT = Result(
    session="s",
    outcome="unverified",
    confidence=None,
    summary="",
    verified=("2 tests pass.",),
    unverified=("Nothing could be run.",),
    patch="",
    usage=Usage(),
    seconds=1.0,
    model="m",
    sandbox="docker",
    candidates=1,
    distinct=1,
    notes=("the time is spent",),
)
FINITE = st.floats(0, 1e9, allow_nan=False)
for scalar, strategy in ((str, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)), (float, FINITE)):
    st.register_type_strategy(scalar, strategy)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
@given(data=st.data())
def test_every_value_survives_json(kind: type[object], data: st.DataObject) -> None:
    value: Any = data.draw(st.from_type(kind))
    again: Any = load(kind, dump(value))
    assert again == value
    assert [type(getattr(again, f.name)) for f in fields(again)] == [
        type(getattr(value, f.name)) for f in fields(value)
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_every_value_is_frozen_and_told_what_it_means(kind: type) -> None:
    assert kind.__doc__
    value: Any = object.__new__(kind)
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(kind)[0].name, "x")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"title": 3, "body": ""}', '{"title": "t"}'])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        load(Issue, text)


def test_an_issue_is_one_text() -> None:
    issue = Issue("Wrong", "It is.\n", (domain.Comment("Ann", "Yes"), domain.Comment("Bob", "No")))
    assert issue.text == "# Wrong\n\nIt is.\n\nAnn:\nYes\n\nBob:\nNo\n"


def test_changed_lines_are_those_added_and_removed() -> None:
    text = "--- a/m.py\n+++ b/m.py\n@@ -1,3 +1,3 @@\n same\n-old\n+new\n+more\n"
    assert Patch(text, ("m.py",)).changed_lines == 3


def test_a_report_sorts_its_tests_by_how_they_ended() -> None:
    outcomes = tuple(Outcome(status.value, status) for status in Status)
    report = Report(Ending.COMPLETED, outcomes)
    assert report.passed == frozenset({"passed"})
    assert report.failed == frozenset({"failed", "error"})


@pytest.mark.parametrize(
    ("verdict", "harmless"),
    [
        (Verdict(), True),
        (Verdict(gate=("no code",)), False),
        (Verdict(broken=("t",)), False),
        (Verdict(ending=Ending.TIMED_OUT), False),
        (Verdict(oracle="failed"), True),
    ],
)
def test_harmless_is_what_passes_the_gate_and_breaks_nothing(verdict: Verdict, harmless: bool) -> None:
    assert verdict.harmless is harmless


@given(st.builds(Usage), st.builds(Usage))
def test_usage_adds_up(one: Usage, two: Usage) -> None:
    both = one + two
    assert both.tokens == one.tokens + two.tokens
    assert (both.calls, both.cached_tokens) == (one.calls + two.calls, one.cached_tokens + two.cached_tokens)


def test_an_outcome_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="outcome"):
        load(Result, '{"outcome": "perfect"}')


def test_a_report_of_before_there_were_codes_is_read() -> None:
    old = load(Result, dump(RESULT).replace(',\n  "codes": []', ""))
    assert (old.codes, old.facts) == ((), ())
    assert old == RESULT


def test_each_sentence_has_its_code() -> None:
    codes = (FactCode.NOTHING_BROKEN, FactCode.NOT_REPRODUCED, FactCode.BUDGET_SPENT)
    coded = load(Result, dump(replace(RESULT, codes=codes)))
    assert coded.facts == (
        Fact(FactCode.NOTHING_BROKEN, "2 tests pass."),
        Fact(FactCode.NOT_REPRODUCED, "Nothing could be run."),
        Fact(FactCode.BUDGET_SPENT, "the time is spent"),
    )
