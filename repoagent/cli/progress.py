"""Show the progress of a run: one line for each event worth telling, and a live status line below them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from repoagent.cli.printable import make_printable
from repoagent.trace import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from repoagent.app.solve import ReviewPause


class ProgressPrinter:
    """Prints the events of a trace as they happen. On a terminal the last line is live; elsewhere only plain lines are
    printed."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        from rich.console import Console

        self._console: Console = Console(stderr=to_stderr, highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._started = time.monotonic()
        self._node = "starting"
        self._detail = ""
        self._tokens = 0
        self._judged = 0
        self._end: float | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status = self._console.status(self._format_status())
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, event: Event) -> None:
        self._update_state(event)
        for line in describe_event(event):
            self._console.print(f"{self._format_elapsed()}  {make_printable(line)}", markup=False)
        if self._status:
            self._status.update(self._format_status())

    def wrap_approval(self, ask: Callable[[ReviewPause], None]) -> Callable[[ReviewPause], None]:
        """Return `ask`, with the live line stopped while it waits for a person."""

        def ask_aside(pause: ReviewPause) -> None:
            if self._status:
                self._status.stop()
            ask(pause)
            if self._status:
                self._status.start()

        return ask_aside

    def _update_state(self, event: Event) -> None:
        if event.kind == "node.started":
            self._node, self._detail = str(event.data["node"]), ""
        elif event.kind == "budget.set":
            self._end = time.monotonic() + float(str(event.data["seconds"]))
            self._tokens = int(str(event.data["used"]))
        elif event.kind == "model.called":
            self._tokens += int(str(event.data["prompt"])) + int(str(event.data["completion"]))
        elif event.kind == "candidate.judged":
            self._judged += 1
        elif event.kind in ("testbed.progress", "sandbox.progress"):
            self._detail = str(event.data["line"])[:80]
        elif event.kind == "model.pulling":
            self._detail = f"pulling the model: {_format_share(event)}"

    def _format_status(self) -> str:
        from rich.markup import escape

        left = "" if self._end is None else f"{_format_minutes(max(0, self._end - time.monotonic())).strip()} left"
        parts = [self._node, self._detail, f"{self._tokens:,} tokens", f"{self._judged} candidates tested", left]
        return escape(make_printable(" · ".join(part for part in parts if part)))

    def _format_elapsed(self) -> str:
        return _format_minutes(time.monotonic() - self._started)


def _format_minutes(seconds: float) -> str:
    return f"{int(seconds) // 60:3}:{int(seconds) % 60:02}"


def describe_event(event: Event) -> list[str]:
    """Describe an event in lines for a person; the list is empty for events that are not worth a line."""
    describe = _DESCRIPTIONS.get(event.kind)
    return describe(event) if describe else []


def _format_share(event: Event) -> str:
    done, total = int(str(event.data["done"])), int(str(event.data["total"]))
    return f"{done // 1_000_000:,} of {total // 1_000_000:,} MB ({done * 100 // max(total, 1)} %)"


def _describe_pulling(event: Event) -> list[str]:
    done, total = int(str(event.data["done"])), int(str(event.data["total"]))
    return [f"pulling the model: {_format_share(event)}"] if (done * 100 // max(total, 1)) % 10 == 0 else []


def _describe_model(event: Event) -> list[str]:
    d = event.data
    return [f"model {d['name']}, {d['context']} tokens of context, profile {d['profile']}; sandbox {d['sandbox']}"]


def _describe_locations(event: Event) -> list[str]:
    functions = _read_list(event, "functions")
    return [f"suspects: {', '.join(functions[:3])}"] if functions else ["no function resembles the issue"]


def _describe_baseline(event: Event) -> list[str]:
    d = event.data
    files = _read_list(event, "files")
    kind = "test" if any("::" in name for name in files) else "test file"
    which = "all tests" if files == ["all"] or not files else f"{len(files)} {kind}{'s' if len(files) > 1 else ''}"
    ending = d.get("ending", "completed")
    how = "" if ending == "completed" else f"; the run {ending}"
    return [f"untouched code, {which}: {d['passing']} pass, {d['failing']} fail{how}"]


def _describe_reproduction(event: Event) -> list[str]:
    if event.data["strength"] == "none":
        return ["not reproduced: the issue has no example that shows the problem when it is run"]
    return [f"reproduced: {event.data['source']} ({event.data['strength']} evidence)"]


def _describe_draft(event: Event) -> list[str]:
    d = event.data
    count = len(_read_list(event, "refused"))
    tail = f", {count} answer{'s' * (count != 1)} rejected" if count else ""
    return [f"{d['generator']} on {d['target']}: {d['candidates']} candidates{tail}"]


def _describe_verdict(event: Event) -> list[str]:
    d = event.data
    if gate := _read_list(event, "gate"):
        return [f"  {str(d['id'])[:6]} rejected before testing: {gate[0][:90]}"]
    said = _ORACLE_WORDS[str(d["oracle"])]
    ending = "" if d["ending"] == "completed" else f", tests {d['ending']}"
    return [f"  {str(d['id'])[:6]} {d['generator']}: {said}, {d['passed']} tests pass, {d['broken']} broken{ending}"]


_ORACLE_WORDS = {
    "passed": "reproduction passes",
    "failed": "reproduction still fails",
    "unknown": "no reproduction",
}


def _describe_review(event: Event) -> list[str]:
    broken = len(_read_list(event, "broken"))
    return [f"tested again in a fresh sandbox: {event.data['passed']} tests pass, {broken} broken"]


def _describe_behaviours(event: Event) -> list[str]:
    d = event.data
    do = "all behave the same" if d["behaviours"] == 1 else f"behave in {d['behaviours']} different ways"
    return [f"{d['candidates']} candidates for {d['target']} {do}"]


def _describe_scores(event: Event) -> list[str]:
    """Say whether a candidate may be overfitted, and how much more likely the model finds the code with it."""
    name, ratio, suspicion = str(event.data["id"])[:6], event.data["naturalness"], str(event.data["suspicion"])
    lines = [f"  {name} may be overfitted: {suspicion}"] if suspicion else []
    if isinstance(ratio, float) and ratio >= _MIN_LOG_RATIO:
        times = f"{math.exp(ratio):,.0f}" if ratio < _MAX_LOG_RATIO else "more than 1,000"
        lines.append(f"  {name}: the model finds the code {times} times more likely with this patch")
    return lines


_MIN_LOG_RATIO = 1.0
"""In nats; smaller log-likelihood ratios are not worth a line."""
_MAX_LOG_RATIO = math.log(1000)
"""Larger ratios are told as "more than 1,000 times"."""


def _describe_regression_test(event: Event) -> list[str]:
    if test := str(event.data["test"]):
        return [f"regression test: {test}"]
    return [f"no regression test: {event.data['reason']}"] if event.data["reason"] else []


def _read_list(event: Event, name: str) -> list[str]:
    value = event.data[name]
    return value if isinstance(value, list) else []


_DESCRIPTIONS: dict[str, Callable[[Event], list[str]]] = {
    "run.started": lambda e: [f"session {e.data['session']}"],
    "sandbox.progress": lambda e: [str(e.data["line"])],
    "model.pulling": _describe_pulling,
    "model.ready": _describe_model,
    "index.built": lambda e: [f"indexed {e.data['files']} files, {e.data['symbols']} symbols"],
    "testbed.building": lambda e: [
        f"building the test environment: {e.data['setup']} (with network, for its packages)"
    ],
    "testbed.built": lambda _: ["test environment built"],
    "testbed.tried": lambda e: [f"smoke test: {e.data['passed']} pass, {e.data['failed']} fail"],
    "testbed.rejected": lambda e: [f"environment rejected: {str(e.data['reason']).splitlines()[0][:160]}"],
    "testbed.reused": lambda e: [f"test environment from the cache: {e.data['setup']}"],
    "environment.failed": lambda e: [f"no test environment: {str(e.data['reason'])[:160]}"],
    "localised": _describe_locations,
    "baseline.done": _describe_baseline,
    "reproduced": _describe_reproduction,
    "narrowed": lambda e: [f"the reproduction runs: {', '.join(_read_list(e, 'functions')[:3])}, …"],
    "drafted": _describe_draft,
    "mutated": lambda e: [f"mutation on {e.data['target']}: {', '.join(map(str, _read_list(e, 'done')))}"],
    "candidate.judged": _describe_verdict,
    "minimised": lambda e: [f"minimised from {e.data['before']} to {e.data['after']} changed lines"],
    "reviewed": _describe_review,
    "appraised": _describe_scores,
    "compared": _describe_behaviours,
    "weighed": lambda e: [
        f"mutation score: the reproduction detects {e.data['noticed']} of {e.data['mutants']} mutants of the patch"
    ],
    "regression": _describe_regression_test,
    "sandbox.replaced": lambda e: [f"the sandbox died and was replaced: {e.data['reason']}"],
    "budget.exceeded": lambda e: [str(e.data["reason"])],
}
