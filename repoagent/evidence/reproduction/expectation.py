"""Work out what each step of a snippet should have shown, from all that the issue says."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoagent.evidence.reproduction.values import (
    format_in_style,
    has_gaps,
    is_mentioned,
    is_named_by,
    is_plausible,
    is_print,
    is_quoted,
    is_same_value,
    strip_quotes,
)
from repoagent.issue.claims import Claim, find_claims, find_comment_claims
from repoagent.issue.snippets import IssueMaterial, Snippet
from repoagent.issue.steps import SnippetStep
from repoagent.issue.syntax import parse_leniently

Outputs = Mapping[int, str]
"""What was shown by step, counted from 1."""


@dataclass(frozen=True)
class ReproductionCase:
    """A snippet, and the issue around it."""

    snippet: Snippet
    others: Sequence[Snippet]
    """The other snippets, in the order in which they may lend a definition."""
    material: IssueMaterial
    text: str


def find_expected_outputs(case: ReproductionCase, seen: Outputs) -> Outputs:
    """What the steps should show whose expected output is known and differs from what they show (`seen`).

    First by what stands at the step itself (a comment, the output of a session that is called the expected one, the
    same statement in another block), then by the whole output, then by the prose, which must name one value only.
    """
    found: dict[int, str] = {}
    elsewhere = _collect_expected_outputs(case.material)
    for number, output in seen.items():
        expected = _find_at_step(case, case.snippet.steps[number - 1], output, elsewhere)
        if expected is not None and not is_same_value(expected, output):
            found[number] = expected
    known = (
        found or _find_by_whole_output(case, seen) or _find_in_prose(case, seen, find_claims(case.snippet.text_below))
    )
    known = known or _find_in_prose(case, seen, _collect_claims(case))
    return {} if any(has_gaps(expected) for expected in known.values()) else known


def shows_wrong_output(case: ReproductionCase, seen: Outputs) -> bool:
    """Whether the issue shows or names one of the outputs, as what happens or without a word."""
    return bool(_find_reported_steps(case, seen))


def _find_at_step(
    case: ReproductionCase, step: SnippetStep, output: str, elsewhere: Mapping[str, set[str]]
) -> str | None:
    claims = [c for c in find_comment_claims(step.comment) if c.role == "expected"]
    if len(claims) == 1 and is_plausible(output, claims[0].text, step.code):
        return _format_claim(step, output, claims[0].text, _has_quotes(find_comment_claims(step.comment)))
    if (told := _read_comment_above(step, output)) is not None:
        return told
    if step.output is not None and case.snippet.role == "expected":
        return step.output
    twins = elsewhere.get(_fingerprint_step(step), set())
    return min(twins) if len(twins) == 1 and case.snippet.role != "expected" else None


def _read_comment_above(step: SnippetStep, output: str) -> str | None:
    """What the comment above a statement expects, where it also names what is shown: else it may be about more."""
    claims = find_comment_claims(step.comment_above)
    named = [c for c in claims if c.role == "actual" and is_named_by(output, c.text)]
    expected = {c.text for c in claims if c.role == "expected"}
    if len(expected) != 1 or not named or not is_plausible(output, min(expected), step.code):
        return None
    return _format_claim(step, output, min(expected), is_quoted(named[0].text))


def _format_claim(step: SnippetStep, output: str, claim: str, quotes: bool) -> str:
    """The claim as the step would show it; what `print` shows has no quotes."""
    return strip_quotes(claim) if is_print(step.code) else format_in_style(output, claim, quotes)


def _collect_expected_outputs(material: IssueMaterial) -> Mapping[str, set[str]]:
    """By statement, what the blocks with expected outputs show for it."""
    found: dict[str, set[str]] = {}
    for step in (step for snippet in material.snippets if snippet.role == "expected" for step in snippet.steps):
        if step.output is not None:
            found.setdefault(_fingerprint_step(step), set()).add(step.output)
    return found


def _fingerprint_step(step: SnippetStep) -> str:
    return ast.dump(parse_leniently(step.code))


def _find_by_whole_output(case: ReproductionCase, seen: Outputs) -> Outputs:
    """By an expected output of as many lines as were printed."""
    blocks = {o.text for o in case.material.outputs if o.role == "expected"}
    lines = min(blocks).splitlines() if len(blocks) == 1 else []
    if len(lines) != sum(output.count("\n") + 1 for output in seen.values()) or not _find_reported_steps(case, seen):
        return {}
    found: dict[int, str] = {}
    for number, output in seen.items():
        count = output.count("\n") + 1
        text, lines = "\n".join(lines[:count]), lines[count:]
        if not is_same_value(text, output):
            found[number] = text
    return found


def _find_in_prose(case: ReproductionCase, seen: Outputs, claims: Sequence[Claim]) -> Outputs:
    """By the only expected value among the claims, for the only step that is reported as wrong."""
    wrong = _find_reported_steps(case, seen)
    if len(wrong) != 1:
        return {}
    output = seen[wrong[0]]
    style = _has_quotes(c for c in claims if c.role == "actual" and is_named_by(output, c.text))
    step = case.snippet.steps[wrong[0] - 1]
    values = {
        _format_claim(step, output, c.text, style)
        for c in claims
        if c.role == "expected" and is_plausible(output, c.text, case.snippet.code) and not is_named_by(output, c.text)
    }
    return {wrong[0]: values.pop()} if len(values) == 1 else {}


def _find_reported_steps(case: ReproductionCase, seen: Outputs) -> list[int]:
    """The steps whose output is called the actual one; else those shown below the statement; else those mentioned."""
    actual = [c.text for c in _collect_claims(case) if c.role == "actual"]
    prose = "\n".join([case.material.prose, *(o.text for o in case.material.outputs)])
    called = [n for n, output in seen.items() if any(is_named_by(output, text) for text in actual)]
    shown = [n for n, output in seen.items() if _is_shown_wrong(case.snippet, n, output)]
    return called or shown or [n for n, output in seen.items() if is_mentioned(output, prose)]


def _is_shown_wrong(snippet: Snippet, number: int, output: str) -> bool:
    step = snippet.steps[number - 1]
    texts = (
        [step.output]
        if step.output is not None
        else [c.text for c in find_comment_claims(step.comment)] or [step.comment]
    )
    return snippet.role != "expected" and any(is_named_by(output, text) for text in texts)


def _collect_claims(case: ReproductionCase) -> tuple[Claim, ...]:
    blocks = tuple(Claim(o.role, o.text) for o in case.material.outputs)
    return find_claims(case.material.prose) + blocks


def _has_quotes(claims: Iterator[Claim] | Sequence[Claim]) -> bool:
    return any(is_quoted(claim.text) for claim in claims)
