"""Show the progress of a batch run: a live table on a terminal, a line for each finished instance elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from repoagent.bench.task import AttemptResult, JobState
from repoagent.cli.printable import make_printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    from repoagent.bench.executors.base import FinishedTask
    from repoagent.bench.schedule import StageProgress


class BatchProgress:
    """Receives the state of the scheduler and prints it."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console: Console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._verified = 0
        self._resolved = 0
        self._told = 0.0

    def __enter__(self) -> Self:
        from rich.live import Live

        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=2, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, moment: StageProgress, ended: FinishedTask | None) -> None:
        if ended:
            self._count_result(ended.result)
            self._console.print(make_printable(format_finished_task(moment, ended)), markup=False)
        if self._live:
            self._live.update(self._build_table(moment))
        elif time.monotonic() - self._told > _SUMMARY_SECONDS:
            self._told = time.monotonic()
            self._console.print(make_printable(summarise_stage(moment)), markup=False)

    def _count_result(self, done: AttemptResult) -> None:
        self._verified += bool(done.solved and done.solved.outcome == "verified")
        self._resolved += bool(done.judged and done.judged.is_resolved)

    def _build_table(self, moment: StageProgress) -> Table:
        from rich.table import Table

        table = Table(
            title=make_printable(summarise_stage(moment)), title_justify="left", show_edge=False, pad_edge=False
        )
        table.add_column("running")
        table.add_column("for", justify="right")
        now = time.monotonic()
        for identity, since in sorted(moment.running.items(), key=lambda each: each[1])[:_MAX_ROWS]:
            table.add_row(make_printable(identity), _format_clock(now - since))
        table.caption = f"verified {self._verified} · resolved {self._resolved}"
        return table


_SUMMARY_SECONDS = 60.0
_MAX_ROWS = 20


def format_finished_task(moment: StageProgress, ended: FinishedTask) -> str:
    """Describe a finished instance in one line, for a log."""
    todo = sum(count for state, count in moment.counts.items() if not state.is_final)
    why = f": {ended.result.reason.splitlines()[0][:160]}" if ended.result.reason.strip() else ""
    said = describe_result(ended.result)
    clock, seconds = _format_clock(moment.seconds), ended.result.seconds
    return f"{clock}  {ended.task.instance.id}  {said}, {seconds:.1f} s{why}  ({todo} left)"


def describe_result(done: AttemptResult) -> str:
    """Describe the result of an attempt in a few words."""
    if done.judged:
        return "resolved" if done.judged.is_resolved else "not resolved"
    if done.validated:
        return "runnable" if done.validated.runnable else f"not runnable: {done.validated.reason.splitlines()[0][:120]}"
    if done.solved:
        return done.solved.outcome + ("" if done.solved.patch else ", no patch")
    return done.state


def summarise_stage(moment: StageProgress) -> str:
    """Describe the state of a stage in one line."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(moment.counts.items()) if count)
    left = f", {_format_clock(moment.seconds_left)} left" if moment.seconds_left is not None else ""
    rate = moment.tokens / moment.seconds if moment.seconds else 0.0
    held = f", waiting: {moment.wait_reason}" if moment.wait_reason else ""
    return (
        f"{moment.stage}: {counts}{left}, {moment.tokens:,} tokens ({rate:.0f}/s), "
        f"{moment.free_bytes / 1e9:.1f} GB free, {_format_clock(moment.seconds)}{held}"
    )


def _format_clock(seconds: float) -> str:
    whole = int(seconds)
    hours = f"{whole // 3600}:" if whole >= 3600 else ""
    return f"{hours}{whole // 60 % 60:02}:{whole % 60:02}"


def has_no_failures(counts: dict[JobState, int]) -> bool:
    """Tell whether no instance is unfinished or failed because of the infrastructure."""
    return not any(counts.get(state) for state in (JobState.ENVIRONMENT, JobState.WAITING, JobState.RUNNING))
