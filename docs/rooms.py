"""The rooms of the program: read from the import contract of `pyproject.toml`, drawn, and listed with their purpose."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path

Floors = tuple[tuple[str, ...], ...]

_WIDTH = 400
_LABEL = 22
_HEIGHT = 30
_GAP = 8
_CHARACTER = 8.2
"""Pixels that a character of the figure takes, at most."""


def read_floors(root: Path) -> Floors:
    """The floors from the top to the bottom, each with its rooms, as the contract over `repoagent` has them."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers" and c["containers"] == ["repoagent"])
    return tuple(tuple(name.strip().strip("()") for name in layer.replace(":", "|").split("|")) for layer in layers)


def build_figure(floors: Floors) -> str:
    """The figure as SVG: a stripe for each floor, a box for each room, legible at the width of a telephone."""
    parts, top = [], _GAP
    for floor in floors:
        rows = list(_arrange(floor))
        height = len(rows) * (_HEIGHT + _GAP) + _GAP
        parts.append(f'<rect class="floor" x="0" y="{top}" width="{_WIDTH}" height="{height}" rx="6"/>')
        for number, row in enumerate(rows):
            y = top + _GAP + number * (_HEIGHT + _GAP)
            for x, width, name in row:
                parts.append(f'<rect class="room" x="{x}" y="{y}" width="{width}" height="{_HEIGHT}" rx="4"/>')
                parts.append(f'<text x="{x + width / 2:g}" y="{y + 20}">{escape(name)}</text>')
        top += height + 4
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-8 0 {_WIDTH + 16} {top + _GAP}" role="img" '
        'aria-label="The rooms of the program, floor by floor; an import goes down, never up">\n'
        "<style>.sheet { fill: #ffffff } .floor { fill: #eef3f8 } .room { fill: #ffffff; stroke: #7a94ad } "
        "text { font: 13px ui-monospace, 'DejaVu Sans Mono', monospace; fill: #1f2933; text-anchor: middle }</style>\n"
        f'<rect class="sheet" x="-8" y="0" width="{_WIDTH + 16}" height="{top + _GAP}" rx="8"/>\n'
    )
    return head + "\n".join(parts) + "\n</svg>\n"


def _arrange(floor: tuple[str, ...]) -> Iterator[list[tuple[int, int, str]]]:
    """Rows of boxes, each as left edge, width and name; centred, as many in a row as fit."""
    row: list[tuple[int, str]] = []
    for name in floor:
        width = round(len(name) * _CHARACTER) + _LABEL
        if row and sum(w for w, _ in row) + _GAP * len(row) + width > _WIDTH - 2 * _GAP:
            yield _centre(row)
            row = []
        row.append((width, name))
    yield _centre(row)


def _centre(row: list[tuple[int, str]]) -> list[tuple[int, int, str]]:
    left = (_WIDTH - sum(width for width, _ in row) - _GAP * (len(row) - 1)) // 2
    placed = []
    for width, name in row:
        placed.append((left, width, name))
        left += width + _GAP
    return placed


def build_table(root: Path, floors: Floors) -> str:
    """The rooms as a Markdown table: the floor from the top, the room, the first sentence of its docstring."""
    rows = [
        f"| {number} | `{name}` | {read_purpose(root, name)} |"
        for number, floor in enumerate(floors, 1)
        for name in floor
    ]
    return "\n".join(["| floor | room | what it is for |", "|---|---|---|", *rows])


def read_purpose(root: Path, room: str) -> str:
    """The first sentence of the docstring of a module or package; empty where there is none."""
    package, module = root / "repoagent" / room / "__init__.py", root / "repoagent" / f"{room}.py"
    path = package if package.exists() else module
    if not path.exists():
        return ""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0].split())
    first = text.split(". ")[0].rstrip(".")
    return first.replace("|", "\\|")
