from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from repoagent.domain import Attempt, Issue, Location, Spec, Usage
from repoagent.edits import EditRefused
from repoagent.generators import DraftTask, Retrier, Rewriter
from repoagent.generators.rewrite_part import draft_parts
from repoagent.generators.statement_ranges import MAX_LINES, StatementRange, find_statement_ranges, replace_statements
from repoagent.languages.python.syntax import parse
from repoagent.llm.base import Completion
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel

PROFILE = find_profile("qwen2.5-coder-1.5b")


def long_function(blocks: int = 12) -> str:
    """A method whose block `i` speaks of `thing_i`; line 4 is the first after its docstring."""
    body = "".join(
        f"        if self.thing_{i}:\n            total_{i} = compute_{i}(self.thing_{i}, limit={i})\n"
        f"            self.results.append(total_{i} + {i})\n        else:\n            self.skipped += {i}\n"
        for i in range(blocks)
    )
    return f'class Machine:\n    def work(self):\n        """Work."""\n{body}        return self.results\n'


SOURCE = long_function()
END = SOURCE.count("\n")
TARGET = Location("m.py", "Machine.work", 2, END)


def task(issue: str = "total_7 is wrong: compute_7 has a limit", samples: int = 4, **changes: object) -> DraftTask:
    made = DraftTask(Issue("wrong", issue), Spec((), ()), TARGET, SOURCE, "", "", 7, samples)
    return replace(made, **changes)  # type: ignore[arg-type]  # fields of a task


def found(words: str = "", suspicious: tuple[int, ...] = (), source: str = SOURCE) -> tuple[StatementRange, ...]:
    return find_statement_ranges(source, "Machine.work", 2, suspicious, Counter(words.split()))


def text_of(part: StatementRange, source: str = SOURCE) -> str:
    return "".join(source.splitlines(keepends=True)[part.first - 1 : part.last])


def test_what_the_issue_speaks_of_comes_first() -> None:
    assert "compute_7" in text_of(found("compute_7 total_7")[0])
    assert "compute_3" in text_of(found("compute_3")[0])


def test_suspicious_lines_come_before_words() -> None:
    line = next(n for n, text in enumerate(SOURCE.splitlines(), 1) if "total_9 =" in text)
    first = found("compute_3", (line,))[0]
    assert first.has_line(line)
    assert "compute_9" in text_of(first)


def test_lines_of_other_functions_are_no_suspects() -> None:
    assert found("compute_3", (1, 10_000))[0] == found("compute_3")[0]


def test_parts_are_short_and_hold_every_statement() -> None:
    every = found()
    assert all(1 <= part.last - part.first + 1 <= MAX_LINES for part in every)
    first_statement, last = 4, END
    assert all(any(part.has_line(line) for part in every) for line in range(first_statement, last + 1))
    assert not any(part.has_line(3) for part in every)  # the docstring


def test_parts_are_whole_statements() -> None:
    for part in found():
        indent = len(text_of(part)) - len(text_of(part).lstrip())
        lines = [line[indent:] for line in text_of(part).splitlines()]
        parse("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "inside",
    [
        "try:\n        a()\n    except E:\n        b(x)\n    finally:\n        c()",
        "match x:\n        case 1:\n            b(x)\n        case _:\n            c()",
        "for i in x:\n        b(x)\n    else:\n        c()",
        "x = [\n" + "        1,\n" * 60 + "    ]\n    b(x)",
    ],
)
def test_every_kind_of_block_has_parts(inside: str) -> None:
    filler = "".join(f"    v{i} = {i}\n" for i in range(30))
    source = f"def f(x):\n{filler}    {inside}\n{filler}"
    chosen = find_statement_ranges(source, "f", 1, (), Counter(["b"]))
    line = next(n for n, text in enumerate(source.splitlines(), 1) if "b(x)" in text)
    assert any(part.has_line(line) for part in chosen)
    assert all(part.last - part.first + 1 <= MAX_LINES for part in chosen)


def test_a_definition_that_is_not_there_has_none() -> None:
    assert find_statement_ranges(SOURCE, "Machine.rest", 2, (), Counter()) == ()


# --- answers ----------------------------------------------------------------------------------------------------------

PART = found("compute_7")[0]
OLD = text_of(PART)
NEW = OLD.replace("limit=7", "limit=8")
FIXED = SOURCE.replace("limit=7", "limit=8")


@pytest.mark.parametrize("indent", ["", "    ", "        ", "            "])
def test_an_answer_is_indented_as_what_it_replaces(indent: str) -> None:
    answer = "".join(indent + line[8:] for line in NEW.splitlines(keepends=True))
    assert replace_statements(SOURCE, PART, answer) == FIXED


def test_lines_around_it_that_the_answer_repeats_are_not_doubled() -> None:
    lines = SOURCE.splitlines(keepends=True)
    before = "".join(lines[PART.first - 4 : PART.first - 1])
    after = "".join(lines[PART.last : PART.last + 3])
    assert replace_statements(SOURCE, PART, before + NEW + after) == FIXED


def test_line_ends_stay_as_they_are() -> None:
    assert replace_statements(SOURCE.replace("\n", "\r\n"), PART, NEW) == FIXED.replace("\n", "\r\n")


def test_a_byte_order_mark_stays() -> None:
    assert replace_statements("\ufeff" + SOURCE, PART, NEW) == "\ufeff" + FIXED


@pytest.mark.parametrize(
    "answer", ["", "\n\n", "# ... rest of the code unchanged\n", "        if self.thing_7:\n", "This is the answer.\n"]
)
def test_an_answer_that_is_no_code_is_refused(answer: str) -> None:
    with pytest.raises(EditRefused):
        replace_statements(SOURCE, PART, answer)


# --- the generator ----------------------------------------------------------------------------------------------------


def fenced(text: str) -> str:
    return f"```python\n{text}```\n"


def test_a_long_function_is_corrected_in_parts() -> None:
    asked = ScriptedModel(lambda _: fenced(NEW), profile=PROFILE)
    drafted = draft_parts(task(samples=1), asked)
    assert [draft.edits[0].after for draft in drafted.drafts] == [FIXED]
    assert "return self.results" in asked.calls[0].prompt  # all of it is shown
    assert asked.calls[0].prompt.count("compute_7(") == 2  # and once more what is asked for


def test_parts_differ_and_share_the_beginning_of_their_prompts() -> None:
    asked = ScriptedModel(lambda _: fenced("pass\n"), profile=PROFILE)
    draft_parts(task(), asked)
    prompts = [call.prompt for call in asked.calls]
    assert len(set(prompts)) == 3
    assert len({prompt[: prompt.rindex("## The lines")] for prompt in prompts}) == 1
    greedy = [call.sampling.temperature == 0 for call in asked.calls]
    assert sorted(greedy) == [False, True, True, True]


def test_a_second_turn_asks_for_other_parts() -> None:
    turns = []
    for turn in (0, 1):
        asked = ScriptedModel(lambda _: fenced("pass\n"), profile=PROFILE)
        draft_parts(task(round=turn), asked)
        turns.append({call.prompt for call in asked.calls})
        assert turn == 0 or all(call.sampling.temperature > 0 for call in asked.calls)
    assert not turns[0] & turns[1]


def test_an_answer_with_the_whole_function_takes_its_place() -> None:
    whole = "".join(FIXED.splitlines(keepends=True)[1:])
    drafted = draft_parts(task(samples=1), ScriptedModel([fenced(whole)], profile=PROFILE))
    assert [draft.edits[0].after for draft in drafted.drafts] == [FIXED]


def test_an_answer_that_was_cut_off_is_refused() -> None:
    cut = Completion(f"```python\n{NEW}", Usage(), truncated=True)
    drafted = draft_parts(task(samples=1), ScriptedModel([cut], profile=PROFILE))
    assert not drafted.drafts
    assert "cut off" in drafted.refused[0]


def test_a_very_long_function_is_shown_around_the_part() -> None:
    source = long_function(400)
    asked = ScriptedModel(lambda _: fenced("pass\n"), profile=PROFILE)
    draft_parts(task(source=source, samples=1, target=replace(TARGET, end=source.count("\n"))), asked)
    prompt = asked.calls[0].prompt
    assert "compute_7" in prompt
    assert "compute_300" not in prompt


@pytest.mark.parametrize(("blocks", "whole", "part"), [(1, 4, 0), (12, 2, 4), (40, 0, 4)])
def test_the_longer_a_function_the_less_of_it_is_asked_for_at_once(blocks: int, whole: int, part: int) -> None:
    source = long_function(blocks)
    asked = ScriptedModel(lambda _: "nothing", profile=PROFILE)
    Rewriter().draft(task(source=source, target=replace(TARGET, end=source.count("\n"))), asked)
    parts_asked = sum("## The lines of it to correct" in call.prompt for call in asked.calls)
    assert (len(asked.calls) - parts_asked, parts_asked) == (whole, part)


def test_of_an_attempt_at_a_part_nothing_is_asked_again() -> None:
    asked = ScriptedModel([], profile=PROFILE)
    attempt = Attempt("total_7 = compute_7(self.thing_7)", "TypeError")
    drafted = Retrier().draft(replace(task(), previous=attempt), asked)
    assert drafted.refused
    assert not asked.calls
