"""Describe the result of a run as text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from repoagent.cli.printable import make_printable

if TYPE_CHECKING:
    from pathlib import Path

    from repoagent.domain import Result

_HEADLINES = {
    "verified": "Verified patch",
    "unverified": "A patch, but not verified",
    "none": "No patch",
    "budget": "Budget spent before a patch was verified",
}


def format_result(result: Result, path: Path) -> str:
    """Format a result: headline, patch, what was verified and what was not, cost, and where the session lies."""
    confidence = f" (confidence: {result.confidence})" if result.confidence else ""
    lines = ["", f"{_HEADLINES[result.outcome]}{confidence}"]
    lines += _format_section("Current behaviour", result.spec.current) + _format_section(
        "Expected behaviour", result.spec.proposed
    )
    lines += ["", result.summary]
    if result.patch:
        lines += ["", *(f"    {line}" for line in result.patch.splitlines())]
    lines += _format_section("Verified", result.verified) + _format_section("Not verified", result.unverified)
    lines += _format_section("Notes", result.notes)
    return make_printable("\n".join([*lines, "", _format_cost(result), f"Everything is in {path}"]), keep="\n\t")


def _format_section(title: str, sentences: tuple[str, ...]) -> list[str]:
    return ["", f"{title}:", *(f"  - {sentence}" for sentence in sentences)] if sentences else []


def _format_cost(result: Result) -> str:
    usage = result.usage
    minutes, seconds = divmod(round(result.seconds), 60)
    read = f"{usage.prompt_tokens:,} tokens read ({usage.cached_tokens:,} of them cached)"
    return (
        f"{result.candidates} samples, {result.distinct} distinct candidates; {usage.calls} model calls, {read}, "
        f"{usage.completion_tokens:,} written; {minutes}:{seconds:02} min with {result.model} in {result.sandbox}."
    )
