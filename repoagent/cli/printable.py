"""Make text of others safe to print on a terminal: an issue, a model or a test must not move the cursor."""

from __future__ import annotations


def make_printable(text: str, keep: str = "") -> str:
    """Replace every character of `text` that is not printable by a blank, so that no escape sequence survives.

    `keep` names control characters that stay, such as newlines where there may be several lines.
    """
    return "".join(c if c.isprintable() or c in keep else " " for c in text)
