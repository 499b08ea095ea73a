"""Render the prompts: each is a file in `prompts/`, and a dataclass here says what it is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jinja2 import Environment


class Prompt(Protocol):
    """A frozen dataclass whose fields are the variables of the template `template`."""

    @property
    def template(self) -> str: ...


@dataclass(frozen=True)
class Specify:
    """Ask what the software does and what it shall do."""

    issue: str
    path: str
    symbol: str
    source: str
    template = "specify"


@dataclass(frozen=True)
class Rewrite:
    """Ask for one function or class, corrected as a whole."""

    kind: str
    """What is asked for: `function`, or `class`."""
    issue: str
    title: str
    proposed: tuple[str, ...]
    evidence: str
    path: str
    symbol: str
    name: str
    context: str
    documentation: str
    """Its docstring, which is shown beside it and kept as it is."""
    source: str
    think: bool
    """Whether to ask what is wrong before the function."""
    template = "rewrite"


@dataclass(frozen=True)
class RewritePart:
    """Ask for some lines of a long function or class, corrected."""

    kind: str
    """Of what they are lines: `function`, or `class`."""
    issue: str
    title: str
    proposed: tuple[str, ...]
    evidence: str
    path: str
    symbol: str
    source: str
    """The definition, as far as there is room."""
    part: str
    template = "rewrite_part"


@dataclass(frozen=True)
class Retry:
    """Show what became of an attempt, and ask again."""

    failure: str
    kind: str
    name: str
    template = "retry"


@dataclass(frozen=True)
class Infill:
    """What stands above the function in a fill-in-the-middle prompt, so that the model knows what is wrong with it."""

    imports: tuple[str, ...]
    title: str
    hints: tuple[str, ...]
    template = "infill"


@dataclass(frozen=True)
class Shown:
    """Parts of a file."""

    path: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Replace:
    """Ask for search/replace blocks in any of several files."""

    issue: str
    proposed: tuple[str, ...]
    evidence: str
    files: tuple[Shown, ...]
    title: str
    template = "replace"


@dataclass(frozen=True)
class ReplaceAgain:
    """Show what became of search/replace blocks, and ask for all of them again."""

    failure: str
    template = "replace_again"


@dataclass(frozen=True)
class Witness:
    """Ask for a script that shows what happens today."""

    issue: str
    code: tuple[tuple[str, str], ...]
    """Path and text of the suspects."""
    imports: str
    template = "witness"


@dataclass(frozen=True)
class WitnessAgain:
    """Show why the script does not run to its end, and ask again."""

    failure: str
    template = "witness_again"


@dataclass(frozen=True)
class WitnessTurned:
    """Ask for the same script with assertions that demand what is right."""

    template = "witness_turned"


PROMPTS = (Specify, Rewrite, RewritePart, Retry, Infill, Replace, ReplaceAgain, Witness, WitnessAgain, WitnessTurned)


def render(prompt: Prompt) -> str:
    """The text of a prompt. Values are inserted as they are: a template never evaluates what it is given."""
    template = environment().get_template(f"{prompt.template}.md.j2")
    return template.render({f.name: getattr(prompt, f.name) for f in dataclasses.fields(prompt)}).strip() + "\n"  # type: ignore[arg-type]  # every Prompt is a dataclass


@cache
def environment() -> Environment:
    """Where the templates come from: the installed package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("repoagent_prompts", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  # these are prompts, not pages
    )


def trim_issue(text: str, tokens: int, count: Callable[[str], int]) -> str:
    """As much of an issue as fits: whole paragraphs, those with code and expectations before the rest, in their order.

    What reporters paste below the point (environment tables, checklists) is the first to go.
    """
    if count(text) <= tokens:
        return text
    paragraphs = _paragraphs(text)
    kept: set[int] = set()
    left = tokens
    for index in sorted(range(len(paragraphs)), key=lambda i: (-_weight(paragraphs[i], i), i)):
        cost = count(paragraphs[index])
        if cost <= left:
            kept.add(index)
            left -= cost
    return "\n\n".join(paragraphs[i] for i in sorted(kept)) or text[: tokens * 3]


def _paragraphs(text: str) -> list[str]:
    """Split at blank lines, code blocks kept whole."""
    parts: list[str] = []
    fenced = False
    for block in text.split("\n\n"):
        if fenced:
            parts[-1] += "\n\n" + block
        else:
            parts.append(block)
        if block.count("```") % 2:
            fenced = not fenced
    return [part for part in parts if part.strip()]


def _weight(paragraph: str, index: int) -> int:
    lowered = paragraph.lower()
    weight = 5 * (index == 0) + 2 * ("```" in paragraph or ">>>" in paragraph) + 2 * ("traceback" in lowered)
    weight += 2 * any(word in lowered for word in ("expect", "actual", "should", "instead", "wrong", "error"))
    return weight - 3 * any(
        word in lowered for word in ("version:", "platform", "- [ ]", "- [x]", "checklist", "environment")
    )
