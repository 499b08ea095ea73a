"""Select a project's own pytest options that decide which tests there are, and how they are found."""

from __future__ import annotations

from collections.abc import Sequence

_WITH_VALUE = (
    *("-p", "-c", "--import-mode", "--confcutdir", "--ds", "--dc", "--asyncio-mode", "--pythonpath", "--app"),
    *("-m", "-k", "--ignore", "--ignore-glob", "--deselect"),
)
_FLAGS = ("--pyargs", "--no-migrations", "--nomigrations", "--reuse-db", "--noconftest")


def select_options(addopts: Sequence[str]) -> tuple[str, ...]:
    """Select the options of `addopts` that decide what is collected; coverage, output and parallelism are left out."""
    kept: list[str] = []
    words = iter(addopts)
    for word in words:
        name, equals, _ = word.partition("=")
        if name in _FLAGS or (equals and name in _WITH_VALUE) or _is_joined(word):
            kept.append(word)
        elif word in _WITH_VALUE:
            kept += [word, next(words, "")]
    return tuple(kept)


def _is_joined(word: str) -> bool:
    """Whether a word is a short option with its value attached: `-pno:warnings`."""
    return len(word) > 2 and word.startswith("-p") and not word.startswith("--")
