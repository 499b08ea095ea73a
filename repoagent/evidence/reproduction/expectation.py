"""Work out what each step of a snippet should have shown, from all that the issue says."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoagent.evidence.reproduction.values import (
    has_gaps,
    in_style_of,
    is_print,
    mentioned,
    named_by,
    plain_text,
    plausible,
    quoted,
    same_value,
)
from repoagent.issue.claims import Claim, find_claims, find_comment_claims
from repoagent.issue.snippets import Material, Snippet
from repoagent.issue.steps import Step
from repoagent.issue.syntax import parse

Outputs = Mapping[int, str]
"""What was shown by step, counted from 1."""


@dataclass(frozen=True)
class Case:
    """A snippet, and the issue around it."""

    snippet: Snippet
    others: Sequence[Snippet]
    """The other snippets, in the order in which they may lend a definition."""
    material: Material
    text: str


def expected_steps(case: Case, seen: Outputs) -> Outputs:
    """What the steps should show whose expected output is known and differs from what they show (`seen`).

    First by what stands at the step itself (a comment, the output of a session that is called the expected one, the
    same statement in another block), then by the whole output, then by the prose, which must name one value only.
    """
    found: dict[int, str] = {}
    elsewhere = _elsewhere(case.material)
    for number, output in seen.items():
        expected = _at_step(case, case.snippet.steps[number - 1], output, elsewhere)
        if expected is not None and not same_value(expected, output):
            found[number] = expected
    known = found or _whole(case, seen) or _in_prose(case, seen, find_claims(case.snippet.near))
    known = known or _in_prose(case, seen, _claims(case))
    return {} if any(has_gaps(expected) for expected in known.values()) else known


def shows_wrong_output(case: Case, seen: Outputs) -> bool:
    """Whether the issue shows or names one of the outputs, as what happens or without a word."""
    return bool(_reported(case, seen))


def _at_step(case: Case, step: Step, output: str, elsewhere: Mapping[str, set[str]]) -> str | None:
    claims = [c for c in find_comment_claims(step.comment) if c.role == "expected"]
    if len(claims) == 1 and plausible(output, claims[0].text, step.code):
        return _styled(step, output, claims[0].text, _quotes(find_comment_claims(step.comment)))
    if (told := _from_above(step, output)) is not None:
        return told
    if step.shown is not None and case.snippet.role == "expected":
        return step.shown
    twins = elsewhere.get(_shape(step), set())
    return min(twins) if len(twins) == 1 and case.snippet.role != "expected" else None


def _from_above(step: Step, output: str) -> str | None:
    """What the comment above a statement expects, where it also names what is shown: else it may be about more."""
    claims = find_comment_claims(step.above)
    named = [c for c in claims if c.role == "actual" and named_by(output, c.text)]
    expected = {c.text for c in claims if c.role == "expected"}
    if len(expected) != 1 or not named or not plausible(output, min(expected), step.code):
        return None
    return _styled(step, output, min(expected), quoted(named[0].text))


def _styled(step: Step, output: str, claim: str, quotes: bool) -> str:
    """The claim as the step would show it; what `print` shows has no quotes."""
    return plain_text(claim) if is_print(step.code) else in_style_of(output, claim, quotes)


def _elsewhere(material: Material) -> Mapping[str, set[str]]:
    """By statement, what the blocks with expected outputs show for it."""
    found: dict[str, set[str]] = {}
    for step in (step for snippet in material.snippets if snippet.role == "expected" for step in snippet.steps):
        if step.shown is not None:
            found.setdefault(_shape(step), set()).add(step.shown)
    return found


def _shape(step: Step) -> str:
    return ast.dump(parse(step.code))


def _whole(case: Case, seen: Outputs) -> Outputs:
    """By an expected output of as many lines as were printed."""
    blocks = {o.text for o in case.material.outputs if o.role == "expected"}
    lines = min(blocks).splitlines() if len(blocks) == 1 else []
    if len(lines) != sum(output.count("\n") + 1 for output in seen.values()) or not _reported(case, seen):
        return {}
    found: dict[int, str] = {}
    for number, output in seen.items():
        count = output.count("\n") + 1
        text, lines = "\n".join(lines[:count]), lines[count:]
        if not same_value(text, output):
            found[number] = text
    return found


def _in_prose(case: Case, seen: Outputs, claims: Sequence[Claim]) -> Outputs:
    """By the only expected value among the claims, for the only step that is reported as wrong."""
    wrong = _reported(case, seen)
    if len(wrong) != 1:
        return {}
    output = seen[wrong[0]]
    style = _quotes(c for c in claims if c.role == "actual" and named_by(output, c.text))
    step = case.snippet.steps[wrong[0] - 1]
    values = {
        _styled(step, output, c.text, style)
        for c in claims
        if c.role == "expected" and plausible(output, c.text, case.snippet.code) and not named_by(output, c.text)
    }
    return {wrong[0]: values.pop()} if len(values) == 1 else {}


def _reported(case: Case, seen: Outputs) -> list[int]:
    """The steps whose output is called the actual one; else those shown below the statement; else those mentioned."""
    actual = [c.text for c in _claims(case) if c.role == "actual"]
    prose = "\n".join([case.material.prose, *(o.text for o in case.material.outputs)])
    called = [n for n, output in seen.items() if any(named_by(output, text) for text in actual)]
    shown = [n for n, output in seen.items() if _shown_wrong(case.snippet, n, output)]
    return called or shown or [n for n, output in seen.items() if mentioned(output, prose)]


def _shown_wrong(snippet: Snippet, number: int, output: str) -> bool:
    step = snippet.steps[number - 1]
    texts = (
        [step.shown]
        if step.shown is not None
        else [c.text for c in find_comment_claims(step.comment)] or [step.comment]
    )
    return snippet.role != "expected" and any(named_by(output, text) for text in texts)


def _claims(case: Case) -> tuple[Claim, ...]:
    blocks = tuple(Claim(o.role, o.text) for o in case.material.outputs)
    return find_claims(case.material.prose) + blocks


def _quotes(claims: Iterator[Claim] | Sequence[Claim]) -> bool:
    return any(quoted(claim.text) for claim in claims)
