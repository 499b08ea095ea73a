"""Escape text of others for Markdown of ours: it is shown as it is, and nothing more.

An issue, a model or a test's name must not mention people, close other issues, load images, hide text or break out of
the place it is shown in, wherever it is shown.
"""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$^=])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BREAK = "<!-- -->"
"""Shows nothing, and keeps GitHub from seeing a mention, a reference or an address."""


def escape_line(text: str, limit: int = 300) -> str:
    """Escape text for a paragraph, a list or a table, on one line of at most `limit` characters before escaping."""
    flat = flatten(text, limit)
    safe = "".join(_ENTITIES.get(character, character) for character in flat)
    safe = _SPECIAL.sub(r"\\\1", safe)
    safe = re.sub(r"@|\\#|://|\bwww(?=\.)|\bGH(?=-)", lambda found: found[0][:-1] + _separate_mark(found[0]), safe)
    return re.sub(r"^([-+>]|\d+[.)])(?=\s)", r"\\\1", safe)


def _separate_mark(mark: str) -> str:
    """Separate the last character of a mark from what follows."""
    return f"{mark[-1]}{_BREAK}"


def flatten(text: str, limit: int = 300) -> str:
    """Put text on one line of at most `limit` characters, without characters that do not show."""
    flat = " ".join(replace_unprintable(text).split())
    return flat if len(flat) <= limit else f"{flat[: limit - 1]}…"


def sanitise_title(text: str, limit: int = 120) -> str:
    """Make a harmless title of a pull request or a commit, which may end up in the history of the default branch.

    It closes no issue, skips no checks and adds no trailer.
    """
    line = flatten(text.replace("[", "(").replace("]", ")"), limit)
    line = re.sub(r"#(?=\d)|\bGH-(?=\d)|@(?=\w)", "", line)
    return re.sub(r"https?://\S+", "(link)", line).strip() or "Fix the issue"


def format_code_block(text: str, language: str = "", limit: int = 20_000) -> str:
    """Format a block of code that its content cannot end."""
    body = replace_unprintable(text, keep="\n\t")
    if len(body) > limit:
        body = f"{body[:limit]}\n… cut; the whole is in the run's artefact"
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body.rstrip(chr(10))}\n{fence}"


def format_inline_code(text: str, limit: int = 200) -> str:
    """Format one line of text between backticks."""
    flat = flatten(text, limit)
    longest = max((len(run) for run in re.findall(r"`+", flat)), default=0)
    ticks = "`" * (longest + 1)
    space = " " if flat[:1] in {"`", ""} or flat[-1:] == "`" else ""
    return f"{ticks}{space}{flat}{space}{ticks}"


def replace_unprintable(text: str, keep: str = "") -> str:
    """Replace every character that does not show, but those in `keep`, with a blank."""
    return "".join(each if each.isprintable() or each in keep else " " for each in text)
