"""Draw plots as SVG for the page itself: nothing is loaded, and colours follow the page's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720


@dataclass(frozen=True)
class RateBar:
    """A rate with its interval, all between 0 and 1."""

    label: str
    value: float
    low: float
    high: float
    note: str


def draw_bars(rows: Sequence[RateBar]) -> str:
    """Draw a horizontal bar for each row, with its interval as a whisker."""
    step, left, right = 30, 210, 170
    span, height = WIDTH - left - right, step * len(rows) + 24
    parts = [_draw_grid(left, span, height)]
    for number, row in enumerate(rows):
        y = number * step + 6
        middle, end = y + 9, left + row.value * span
        low, high = left + row.low * span, left + row.high * span
        parts += [
            _draw_text(left - 8, middle + 4, row.label, "end"),
            f'<rect class="bar" x="{left}" y="{y}" width="{max(end - left, 0.5):.1f}" height="18" rx="2"/>',
            f'<path class="whisker" d="M{low:.1f} {middle - 5}v10m0-5H{high:.1f}m0-5v10"/>',
            _draw_text(WIDTH - right + 10, middle + 4, row.note, "start", "note"),
        ]
    return _wrap_svg(height, parts, "rates with 95 % intervals")


@dataclass(frozen=True)
class LabelledCount:
    """A named count."""

    label: str
    count: int


def draw_counts(parts: Sequence[LabelledCount]) -> str:
    """Draw a horizontal bar for each count."""
    step, left, right = 26, 210, 70
    span, height = WIDTH - left - right, step * len(parts) + 8
    largest = max((part.count for part in parts), default=1) or 1
    drawn = []
    for number, part in enumerate(parts):
        y, length = number * step + 4, part.count / largest * span
        kind = "bar good" if part.label == "resolved" else "bar"
        drawn += [
            _draw_text(left - 8, y + 13, part.label, "end"),
            f'<rect class="{kind}" x="{left}" y="{y}" width="{max(length, 1):.1f}" height="17" rx="2"/>',
            _draw_text(left + length + 6, y + 13, str(part.count), "start", "note"),
        ]
    return _wrap_svg(height, drawn, "counts")


@dataclass(frozen=True)
class PlotLine:
    """A series of points, x ascending."""

    label: str
    points: tuple[tuple[float, float], ...]


def draw_lines(series: Sequence[PlotLine], x_name: str, y_name: str) -> str:
    """Draw step lines over common axes."""
    left, bottom, top, height = 52, 40, 14, 260
    width, tall = WIDTH - left - 20, height - bottom - top
    right = _round_up(max((x for line in series for x, _ in line.points), default=1.0))
    upper = _round_up(max((y for line in series for _, y in line.points), default=1.0))
    drawn = [_draw_axes(left, top, width, tall, right, upper)]
    drawn += [
        _draw_text(left + width / 2, height - 6, x_name, "middle", "note"),
        _draw_text(left, 10, y_name, "start", "note"),
    ]
    for number, line in enumerate(series):
        path, was = f"M{left} {top + tall}", float(top + tall)
        for x, y in line.points:
            across, up = left + x / right * width, top + tall - y / upper * tall
            path += f"L{across:.1f} {was:.1f}L{across:.1f} {up:.1f}"
            was = up
        drawn.append(f'<path class="line c{number % 6}" d="{path}H{left + width}"/>')
        drawn.append(
            _draw_text(left + width - 4, top + tall - 10 - 16 * number, line.label, "end", f"legend c{number % 6}")
        )
    return _wrap_svg(height, drawn, f"{y_name} by {x_name}")


def _draw_axes(left: float, top: float, width: float, tall: float, right: float, upper: float) -> str:
    drawn = [f'<path class="axis" d="M{left} {top}V{top + tall}H{left + width}"/>']
    for part in range(5):
        x, y = left + width * part / 4, top + tall - tall * part / 4
        drawn.append(_draw_text(x, top + tall + 15, _format_number(right * part / 4), "middle", "tick"))
        drawn.append(_draw_text(left - 6, y + 4, _format_number(upper * part / 4), "end", "tick"))
        drawn.append(f'<path class="grid" d="M{left} {y:.1f}H{left + width}"/>')
    return "".join(drawn)


def _draw_grid(left: float, span: float, height: float) -> str:
    drawn = []
    for part in range(5):
        x = left + span * part / 4
        drawn.append(f'<path class="grid" d="M{x:.1f} 2V{height - 16}"/>')
        drawn.append(_draw_text(x, height - 3, f"{part * 25} %", "middle", "tick"))
    return "".join(drawn)


def _draw_text(x: float, y: float, text: str, anchor: str, kind: str = "label") -> str:
    shown = text if len(text) <= 34 else text[:33] + "…"
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(shown)}</text>'


def _wrap_svg(height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _round_up(value: float) -> float:
    """Round up to 1, 2, 4, 5 or 8 times a power of ten, for axes with four parts."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value * 0.999)


def _format_number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
