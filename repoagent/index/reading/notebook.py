"""Render a Jupyter notebook as one text: its cells one after the other, so that lines can be counted and searched.

The text is a view, in the percent format of Jupytext: an edit of it cannot be written back, and no generator gets one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CELLS = 5_000


@dataclass(frozen=True)
class Cell:
    """One cell, with its heading line, in the lines of the view."""

    number: int
    """From 1, among all cells."""
    kind: str
    """`code`, `markdown` or `raw`."""
    text: str
    """Its text in the view, with its heading."""


def read_cells(content: bytes) -> tuple[Cell, ...]:
    """Read the cells of a notebook; raises ValueError for what is no notebook."""
    try:
        loaded = json.loads(content)
        raw = loaded["cells"] if "cells" in loaded else [c for sheet in loaded["worksheets"] for c in sheet["cells"]]
        return tuple(_read_cell(number, item) for number, item in enumerate(raw[:MAX_CELLS], 1))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no notebook: {error}") from error


def render_notebook(content: bytes) -> str:
    """Render a notebook as text; what is no notebook is decoded as it is."""
    try:
        return "".join(cell.text for cell in read_cells(content))
    except ValueError:
        return content.decode("utf-8", "replace")


def _read_cell(number: int, item: dict[str, object]) -> Cell:
    kind = str(item.get("cell_type", "code"))
    source = item.get("source", item.get("input", ""))
    text = "".join(str(line) for line in source) if isinstance(source, list) else str(source)
    lines = [line.rstrip("\r") for line in text.replace("\0", "�").split("\n")]
    body = "\n".join(_comment_out_magics(kind, lines))
    return Cell(number, kind, f"# %% cell {number} ({kind})\n{body}\n")


def _comment_out_magics(kind: str, lines: list[str]) -> Iterator[str]:
    """Yield lines of code as they are, but IPython's magics and all lines of other cells as comments."""
    for line in lines:
        magic = line.lstrip().startswith(("%", "!", "?"))
        yield line if kind == "code" and not magic else f"# {line}"
