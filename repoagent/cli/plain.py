"""Text that somebody else wrote, made fit for a terminal: an issue, a model or a test must not move the cursor."""

from __future__ import annotations


def plain(text: str, keep: str = "") -> str:
    """`text` with a blank for every character that is not for reading, the first of escape sequences above all.

    `keep` names control characters that stay, such as newlines where there may be several lines.
    """
    return "".join(c if c.isprintable() or c in keep else " " for c in text)
