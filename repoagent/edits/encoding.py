"""Text of files that are not plain UTF-8: a byte that could not be decoded arrives as a lone surrogate (PEP 383)."""

from __future__ import annotations

from repoagent.edits.errors import EditRefused

BOM = "\ufeff"

_ESCAPED_BYTES = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}


def make_parsable(text: str) -> str:
    """Return `text` as Python can parse it, as long as it was: undecoded bytes as Latin-1, a form feed for a BOM."""
    if text.isascii():
        return text
    plain = text.translate(_ESCAPED_BYTES)
    return "\f" + plain[1:] if plain.startswith(BOM) else plain


def make_readable(text: str) -> str:
    """Return `text` as a model is to see it: parsable, without BOM, with plain line ends."""
    return make_parsable(text.removeprefix(BOM)).replace("\r\n", "\n")


def restore_bytes(text: str, source: str) -> str:
    """Return `text`, written by a model that was shown `source`, with the undecoded bytes of `source` as they arrived.

    Raises EditRefused where it holds other characters beyond ASCII than such a source: they would be written in the
    wrong encoding.
    """
    escaped = {make_parsable(c): c for c in set(source) if ord(c) in _ESCAPED_BYTES}
    if not escaped:
        return text
    back = "".join(escaped.get(c, c) for c in text)
    if foreign := sorted({c for c in back if not c.isascii()} - set(source)):
        raise EditRefused(f"the file is not UTF-8, and the answer brings in {foreign[0]!a}: write ASCII only")
    return back
