from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from repoagent.domain import Attempt, Issue, Location, Spec, Usage
from repoagent.errors import BudgetExceeded, ContextFull, ModelFailed
from repoagent.generators import DraftTask, Infiller, Retrier, Rewriter
from repoagent.generators.retry import is_worth_retrying
from repoagent.llm.base import Completion
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel

SOURCE = "def f(a):\n    if a > 1:\n        a = 2\n    b = a\n    return b\n"
RIGHT = "```python\ndef f(a):\n    return a + {}\n```\n"
PROFILE = find_profile("qwen2.5-coder-1.5b")


def task(source: str = SOURCE, samples: int = 3, **changes: object) -> DraftTask:
    end = source.count("\n")
    target = Location("m.py", "f", 1, end, lines=(2,))
    made = DraftTask(Issue("f is wrong", "It should be right."), Spec((), ()), target, source, "", "", 7, samples)
    made = replace(made, previous=Attempt("def f(a): pass", "SyntaxError"))
    return replace(made, **changes)  # type: ignore[arg-type]  # fields of a task


def model(*replies: str | Completion | Exception, **settings: int) -> ScriptedModel:
    return ScriptedModel(replies, replies, profile=PROFILE, context=settings.get("context"))


Asking = Rewriter | Infiller | Retrier
GENERATORS: tuple[Asking, ...] = (Rewriter(), Infiller(), Retrier())


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: g.name)
@pytest.mark.parametrize("source", ['def f(a):\n    print "x"\n', "def f(a):\n    return (\n"])
def test_a_file_that_is_no_python_is_refused_before_the_model_is_asked(generator: Asking, source: str) -> None:
    asked = model()
    drafted = generator.draft(task(source), asked)
    assert len(drafted.refused) == 1
    assert "SyntaxError" in drafted.refused[0]
    assert not asked.calls


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: g.name)
@pytest.mark.parametrize(
    "source", ["\ufeff" + SOURCE, "# coding: latin-1\n" + SOURCE.replace("a = 2", "a = 2, '\udce9'")]
)
def test_files_with_a_bom_or_another_encoding_are_drafted_for(generator: Asking, source: str) -> None:
    asked = ScriptedModel(lambda _: RIGHT.format(1), lambda _: "a > 7", profile=PROFILE)
    given = task(source)
    drafted = generator.draft(replace(given, target=replace(given.target, start=source[:9].count("\n") + 1)), asked)
    assert drafted.drafts
    for draft in drafted.drafts:
        assert (draft.edits[0].after or "")[:1] == source[:1]
    for call in asked.calls:
        assert call.prompt.encode()
        assert "\ufeff" not in call.prompt


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: g.name)
@pytest.mark.parametrize("line", [2, 6])
def test_of_two_functions_of_a_name_the_one_at_the_target_is_drafted_for(generator: Asking, line: int) -> None:
    source = (
        "if a:\n    def f(a):\n        b = a\n        return b\nelse:\n    def f(a):\n        c = a\n        return c\n"
    )
    asked = ScriptedModel(lambda _: RIGHT.format(1), lambda _: "a > 7", profile=PROFILE)
    drafted = generator.draft(task(source, target=Location("m.py", "f", line, line + 2)), asked)
    assert drafted.drafts
    for draft in drafted.drafts:
        after = (draft.edits[0].after or "").splitlines()
        assert (after[:4] == source.splitlines()[:4]) is (line == 6)
    assert all(("c = " in call.prompt or "return c" in call.prompt) is (line == 6) for call in asked.calls)


def test_a_sample_that_fails_does_not_lose_the_others() -> None:
    def answer(replies: list[str | Exception]) -> Callable[[str], str | Exception]:
        return lambda _: replies.pop()

    for error in (ModelFailed("gone"), ContextFull("too long")):
        for at in range(3):
            replies: list[str | Exception] = [RIGHT.format(1), RIGHT.format(2)]
            replies.insert(at, error)
            drafted = Rewriter().draft(task(), ScriptedModel(answer(replies), profile=PROFILE))
            assert len(drafted.drafts) == 2
            assert drafted.refused == (str(error),)


def test_prompts_that_are_all_too_long_are_refused() -> None:
    drafted = Rewriter().draft(task(), model(*[ContextFull("too long")] * 3))
    assert drafted.refused == ("too long",) * 3


@pytest.mark.parametrize(
    ("replies", "raised"),
    [
        ([ModelFailed("a"), ModelFailed("b"), ContextFull("c")], ModelFailed),
        ([BudgetExceeded("spent")], BudgetExceeded),
        ([ModelFailed("a"), BudgetExceeded("spent"), ModelFailed("b")], BudgetExceeded),
    ],
)
def test_a_model_that_never_answers_is_for_the_graph_to_know(replies: list[Exception], raised: type[Exception]) -> None:
    with pytest.raises(raised):
        Rewriter().draft(task(), model(*replies))


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("```python\ndef f(a):\n    if a > 1:\n        a = 3\n", False),
        ("def f(a):\n    if a > 1:\n        a = 3\n", False),
        (RIGHT.format(1) + "And the reason for this is", True),
    ],
)
def test_a_function_that_was_cut_off_is_never_taken_for_a_shorter_one(text: str, accepted: bool) -> None:
    drafted = Rewriter().draft(task(samples=1), model(Completion(text, Usage(), truncated=True)))
    assert bool(drafted.drafts) is accepted
    assert accepted or "cut off at the token limit" in drafted.refused[0]


CLASS = "class Limits:\n    low = 1\n    high = 2\n"


def test_a_class_is_asked_for_as_a_class() -> None:
    asked = model("```python\nclass Limits:\n    low = 0\n    high = 2\n```\n")
    drafted = Rewriter().draft(task(CLASS, 1, target=Location("m.py", "Limits", 1, 3)), asked)
    assert [draft.edits[0].after for draft in drafted.drafts] == [CLASS.replace("1", "0")]
    assert "Write the complete corrected class `Limits`" in asked.calls[0].prompt


def test_the_values_in_a_class_are_holes() -> None:
    asked = model(*["3"] * 9)
    drafted = Infiller().draft(task(CLASS, 2, target=Location("m.py", "Limits", 1, 3)), asked)
    assert CLASS.replace("1", "3") in [draft.edits[0].after for draft in drafted.drafts]


def test_only_the_first_turn_begins_with_a_greedy_answer() -> None:
    temperatures = []
    for turn in (0, 1):
        asked = ScriptedModel(lambda _: RIGHT.format(1), profile=PROFILE)
        Rewriter().draft(task(round=turn), asked)
        temperatures.append(sorted(call.sampling.temperature for call in asked.calls))
    assert temperatures == [[0.0, 0.8, 0.8], [0.8, 0.8, 0.8]]


def test_each_turn_fills_other_holes_until_none_is_left() -> None:
    prompts: list[set[str]] = []
    for turn in range(8):
        asked = ScriptedModel(infills=lambda _: "a + 1", profile=PROFILE)
        Infiller().draft(task(round=turn), asked)
        prompts.append({call.prompt for call in asked.calls})
    assert len(set().union(*prompts)) == sum(map(len, prompts))
    assert len(prompts[0]) == len(prompts[1]) == 3
    assert prompts[-1] == set()


def test_prompts_stay_within_what_the_model_takes() -> None:
    long = "".join(f"    a = a + {n}  # {'x' * 300}\n" for n in range(40))
    hints = tuple(f"{n} {'should ' * 100}" for n in range(20))
    given = task(
        f"import {'m' * 5000}\ndef f(a):\n{long}    return a\n",
        issue=Issue("t" * 9000, "word " * 9000),
        spec=Spec((), hints),
        context="def g(): ...\n" * 500,
        observed_failure="e" * 5000,
    )
    given = replace(given, target=Location("m.py", "f", 2, 43, lines=(20,)))
    asked = ScriptedModel(lambda _: RIGHT.format(1), lambda _: "a", profile=PROFILE, context=1000)
    Infiller().draft(given, asked)
    short = replace(given, source=SOURCE, target=Location("m.py", "f", 1, 5))
    Rewriter().draft(short, asked)
    Retrier().draft(short, asked)
    assert {call.kind for call in asked.calls} == {"chat", "infill"}
    for call in asked.calls:
        assert asked.count_tokens(call.prompt) + call.sampling.max_tokens <= 1000


def test_a_hole_in_an_endless_line_is_shown_in_part() -> None:
    asked = ScriptedModel(infills=lambda _: "1", profile=PROFILE, context=600)
    Infiller().draft(task(f"def f(a):\n    a = '{'x' * 9000}'\n    return a\n"), asked)
    assert asked.calls
    assert all(asked.count_tokens(call.prompt) < 600 for call in asked.calls)


@pytest.mark.parametrize(
    ("failure", "retry_on", "worth"),
    [
        ("", ("*",), False),
        (" \n", ("*",), False),
        ("AssertionError: 1", ("*",), True),
        ("AssertionError: 1", ("NameError",), False),
        ("NameError: x", ("NameError",), True),
    ],
)
def test_only_a_failure_that_says_something_is_worth_a_retry(
    failure: str, retry_on: tuple[str, ...], worth: bool
) -> None:
    assert is_worth_retrying(failure, retry_on) is worth
