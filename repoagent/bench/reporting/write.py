"""Write the report on runs as a self-contained page, as Markdown, and as a page for each trajectory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent import __version__
from repoagent.bench.reporting.collect import ReportRow, RunData, collect_run
from repoagent.bench.reporting.comparison import compare_runs
from repoagent.bench.reporting.digest import RunDigest, build_digest
from repoagent.bench.reporting.plots import LabelledCount, PlotLine, RateBar, draw_bars, draw_counts, draw_lines
from repoagent.bench.reporting.statistics import Rate
from repoagent.session.atomic import write_bytes
from repoagent.trace import Event, read_events

if TYPE_CHECKING:
    from jinja2 import Environment

PAGES_FOLDER = "trajectories"
"""The folder of a run for the pages of its instances."""
_MAX_EVENTS = 2000
_MAX_TEXT = 4000


@dataclass(frozen=True)
class ReportPlots:
    """All plots of a report, as SVG."""

    rates: str
    progress: str
    by_repository: tuple[str, ...]
    by_size: tuple[str, ...]
    calibration: tuple[str, ...]
    failures: tuple[str, ...]


def write_reports(folders: Sequence[Path], out: Path) -> list[Path]:
    """Write `report.html` and `report.md` into `out`, and the pages of the trajectories into the runs.

    Returns the paths of the two reports.
    """
    digests = [build_digest(collect_run(folder)) for folder in folders]
    comparisons = [compare_runs(one.run, other.run) for one, other in combinations(digests, 2)]
    pages = _make_environment()
    for each in digests:
        _write_pages(pages, each.run)
    values = {
        "digests": digests,
        "comparisons": comparisons,
        "plots": _draw_plots(digests),
        "link": lambda row: _make_link(out, row),
        "version": __version__,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    written = []
    for name in ("report.html", "report.md"):
        text = pages.get_template(f"{name}.j2").render(values)
        write_bytes(out / name, text.encode("utf-8", "replace"))
        written.append(out / name)
    return written


# --- the page for one instance ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TrajectoryStep:
    """One event of a trajectory, for a person."""

    at: str
    kind: str
    text: str


def _write_pages(pages: Environment, run: RunData) -> None:
    template = pages.get_template("instance.html.j2")
    for row in run.rows:
        values = {
            "row": row,
            "run": run,
            "steps": list(_read_steps(row.folder)),
            "raw": list(_list_raw_files(run, row)),
        }
        write_bytes(
            run.folder / PAGES_FOLDER / f"{_make_file_name(row)}.html",
            template.render(values).encode("utf-8", "replace"),
        )


def _make_file_name(row: ReportRow) -> str:
    return re.sub(r"[^\w.+-]", "_", row.id)[:200]


def _make_link(out: Path, row: ReportRow) -> str:
    run = row.folder.parent.parent
    return Path(os.path.relpath(run / PAGES_FOLDER / f"{_make_file_name(row)}.html", out)).as_posix()


def _read_steps(folder: Path) -> Iterator[TrajectoryStep]:
    for name in ("session/events.jsonl", "evaluation/evaluation.jsonl"):
        events = read_events(folder / name)
        for event in events[:_MAX_EVENTS]:
            yield TrajectoryStep(_format_clock(event.at - events[0].at), event.kind, _format_event(event))


def _format_event(event: Event) -> str:
    text = "\n".join(f"{name}: {_format_value(value)}" for name, value in event.data.items())
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"


def _format_value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _list_raw_files(run: RunData, row: ReportRow) -> Iterator[str]:
    """Yield the raw files of the trajectory, relative to the page."""
    for name in ("session/events.jsonl", "session/patch.diff", "session/report.json", "error.log", "output.log"):
        if (row.folder / name).is_file():
            yield Path(os.path.relpath(row.folder / name, run.folder / PAGES_FOLDER)).as_posix()


# --- plots ------------------------------------------------------------------------------------------------------------


def _draw_plots(digests: Sequence[RunDigest]) -> ReportPlots:
    return ReportPlots(
        draw_bars([_make_bar(each.run.label, each.rate) for each in digests]),
        draw_lines([_count_resolved_by_time(each.run) for each in digests], "minutes for one instance", "resolved"),
        tuple(draw_bars([_make_bar(group.name, group.rate) for group in each.by_repository]) for each in digests),
        tuple(draw_bars([_make_bar(group.name, group.rate) for group in each.by_size]) for each in digests),
        tuple(draw_bars([_make_bar(each.name, each.rate) for each in one.calibration]) for one in digests),
        tuple(draw_counts([LabelledCount(name, count) for name, count in each.failures]) for each in digests),
    )


def _make_bar(label: str, rate: Rate) -> RateBar:
    low, high = rate.interval
    return RateBar(label, rate.value, low, high, f"{rate.value:.0%}  ({rate.hits} of {rate.total})")


def _count_resolved_by_time(run: RunData) -> PlotLine:
    """Compute how many instances would be resolved within each number of minutes per instance."""
    minutes = sorted(row.seconds / 60 for row in run.evaluable_rows if row.resolved)
    return PlotLine(run.label, tuple((each, number) for number, each in enumerate(minutes, 1)))


# --- templates --------------------------------------------------------------------------------------------------------


def _make_environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("repoagent.bench.reporting"),
        autoescape=select_autoescape(enabled_extensions=("html", "html.j2")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["clock"] = _format_clock
    environment.filters["svg"] = Markup  # made here, with every text escaped
    environment.filters["cell"] = _escape_cell
    environment.filters["percent"] = lambda value: f"{value:.1%}"
    return environment


def _format_clock(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )


def _escape_cell(text: str) -> str:
    """Escape text so that it cannot break a Markdown table or be read as markup."""
    escaped = re.sub(r"([|`*_\[\]\\])", r"\\\1", " ".join(text.split())[:200])
    return escaped.replace("<", "&lt;").replace(">", "&gt;")
