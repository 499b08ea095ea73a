"""Render the prompts: each is a file in `prompts/`, and a dataclass here says what it is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from repoagent.issue.blocks import Layout
from repoagent.issue.document import IssueDocument, parse_document
from repoagent.issue.lines import SESSION_PROMPT
from repoagent.issue.wording import mentions_environment, mentions_result

if TYPE_CHECKING:
    from jinja2 import Environment

    from repoagent.domain import Issue
    from repoagent.languages import Language


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
    fence: str
    """What the source is marked with; empty where its language is not known."""
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
    language: Language
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
    language: Language
    template = "rewrite_part"


@dataclass(frozen=True)
class Retry:
    """Show what became of an attempt, and ask again."""

    failure: str
    kind: str
    name: str
    language: Language
    template = "retry"


@dataclass(frozen=True)
class Infill:
    """What stands above the function in a fill-in-the-middle prompt, so that the model knows what is wrong with it."""

    imports: tuple[str, ...]
    title: str
    hints: tuple[str, ...]
    language: Language
    template = "infill"


@dataclass(frozen=True)
class Shown:
    """Parts of a file."""

    path: str
    texts: tuple[str, ...]
    fence: str
    """What they are marked with."""


@dataclass(frozen=True)
class Replace:
    """Ask for search/replace blocks in any of several files."""

    issue: str
    proposed: tuple[str, ...]
    evidence: str
    files: tuple[Shown, ...]
    title: str
    language: Language
    """Of the first file."""
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
    language: Language
    template = "witness"


@dataclass(frozen=True)
class WitnessAgain:
    """Show why the script does not run to its end, and ask again."""

    failure: str
    language: Language
    template = "witness_again"


@dataclass(frozen=True)
class WitnessTurned:
    """Ask for the same script with assertions that demand what is right."""

    language: Language
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


def trim_issue(issue: Issue, max_tokens: int, count: Callable[[str], int]) -> str:
    """Return as much of an issue as fits into `max_tokens`: whole paragraphs, those with code and expectations before
    the rest, in their order; `count` tells how many tokens a text has.

    What reporters paste below the point (environment tables, checklists) is the first to go.
    """
    document = parse_document(issue)
    if count(document.text) <= max_tokens:
        return document.text
    paragraphs = list(_split_paragraphs(document))
    taken: set[int] = set()
    left = max_tokens
    for index in sorted(range(len(paragraphs)), key=lambda i: (-_weigh_paragraph(paragraphs[i], i), i)):
        cost = count(paragraphs[index].text)
        if cost <= left:
            taken.add(index)
            left -= cost
    return "\n\n".join(paragraphs[i].text for i in sorted(taken)) or document.text[: max_tokens * 3]


@dataclass(frozen=True)
class _Paragraph:
    """Lines of an issue that are shown together or not at all."""

    text: str
    has_code: bool
    """Whether a fenced block or a session stands in it."""


def _split_paragraphs(document: IssueDocument) -> Iterator[_Paragraph]:
    """Split at lines that are empty to the last space, fenced blocks kept whole."""
    fences = [block for block in document.blocks if block.layout is Layout.FENCED]
    fenced = {line for block in fences for line in range(block.start, block.end)}
    lines: list[str] = []
    has_code = False
    for number, line in enumerate([*document.text.split("\n"), ""]):
        if line or number in fenced:
            lines.append(line)
            has_code = has_code or number in fenced or SESSION_PROMPT.match(line) is not None
        elif lines:
            if any(map(str.strip, lines)):
                yield _Paragraph("\n".join(lines), has_code)
            lines, has_code = [], False


def _weigh_paragraph(paragraph: _Paragraph, index: int) -> int:
    lowered = paragraph.text.lower()
    weight = 5 * (index == 0) + 2 * paragraph.has_code + 2 * ("traceback" in lowered)
    weight += 2 * mentions_result(paragraph.text)
    return weight - 3 * mentions_environment(paragraph.text)
