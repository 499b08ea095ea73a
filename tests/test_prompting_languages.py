"""Prompts in the words of a language. What is rendered for Python is, byte for byte, what was rendered when the
templates knew no other: `recordings/prompts` has the texts that those gave for the same values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.languages import ALL, Language
from repoagent.languages.python.language import PYTHON
from repoagent.prompting import (
    Infill,
    Prompt,
    Replace,
    ReplaceAgain,
    Retry,
    Rewrite,
    RewritePart,
    Shown,
    Specify,
    Witness,
    WitnessAgain,
    WitnessTurned,
    render,
)

RECORDED = Path(__file__).with_name("recordings") / "prompts"
SOURCE = "def half(n):\n    return n // 2\n"


def make_rewrite(language: Language) -> Rewrite:
    return Rewrite(
        kind="function",
        issue="# half(3) is 1\n\nIt should be 1.5.",
        title="half(3) is 1",
        proposed=("half(3) is 1.5", "half(4) stays 2"),
        evidence="1",
        path="m",
        symbol="Numbers.half",
        name="half",
        context="class Numbers:",
        documentation="The half of `n`.",
        source=SOURCE,
        think=False,
        language=language,
    )


def make_part(language: Language) -> RewritePart:
    return RewritePart(
        kind="class",
        issue="# half(3) is 1",
        title="half(3) is 1",
        proposed=("half(3) is 1.5",),
        evidence="1",
        path="m",
        symbol="Numbers",
        source=SOURCE,
        part="    return n // 2",
        language=language,
    )


def make_replace(language: Language) -> Replace:
    files = (Shown("m", (SOURCE, "x = 1"), language.fences[0]), Shown("n", ("y = 1",), language.fences[0]))
    return Replace("# half(3) is 1", ("half(3) is 1.5",), "1", files, "half(3) is 1", language)


CASES: dict[str, Callable[[Language], Prompt]] = {
    "infill": lambda language: Infill(("import os", "from a import b"), "half(3) is 1", ("should: be 1.5",), language),
    "infill_bare": lambda language: Infill((), "half(3) is 1", (), language),
    "replace": make_replace,
    "replace_bare": lambda language: replace(
        make_replace(language), proposed=(), evidence="", files=make_replace(language).files[:1]
    ),
    "replace_again": lambda _: ReplaceAgain("TypeError"),
    "retry": lambda language: Retry("TypeError", "function", "half", language),
    "rewrite": make_rewrite,
    "rewrite_bare": lambda language: replace(
        make_rewrite(language), kind="class", proposed=(), evidence="", context="", documentation=""
    ),
    "rewrite_think": lambda language: replace(make_rewrite(language), think=True),
    "rewrite_part": make_part,
    "rewrite_part_bare": lambda language: replace(make_part(language), kind="function", proposed=(), evidence=""),
    "specify": lambda language: Specify("# half(3) is 1", "m", "half", SOURCE, language.fences[0]),
    "witness": lambda language: Witness("# half(3) is 1", (("m", SOURCE),), "from m import half", language),
    "witness_bare": lambda language: Witness("# half(3) is 1", (), "", language),
    "witness_again": lambda language: WitnessAgain("NameError", language),
    "witness_turned": WitnessTurned,
}


@pytest.mark.parametrize("name", CASES)
def test_for_python_the_text_is_what_it_was(name: str) -> None:
    assert render(CASES[name](PYTHON)).encode() == (RECORDED / f"{name}.txt").read_bytes()


def test_each_recording_is_compared() -> None:
    assert {path.stem for path in RECORDED.iterdir()} == CASES.keys()


@pytest.mark.parametrize("language", ALL, ids=lambda language: language.name)
@pytest.mark.parametrize("name", CASES)
def test_a_prompt_speaks_of_its_own_language_alone(name: str, language: Language) -> None:
    text = render(CASES[name](language))
    expected = render(CASES[name](PYTHON)).replace("a Python project", f"a {language.title} project")
    expected = expected.replace("```python", f"```{language.fences[0]}").replace(
        "file.py", f"file{language.endings[0]}"
    )
    if language is not PYTHON:
        expected = expected.replace("neither docstring nor", "neither comment nor")
    if name.startswith("infill"):
        expected = expected.replace("# ", f"{language.comment} ")
    assert text == expected
    assert language is PYTHON or "ython" not in text
