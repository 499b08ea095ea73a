"""Estimate how many workers and GPUs a benchmark needs, by a simulation from the model's throughput.

An instance alternates between the model and its tests. A model server shares its throughput between the requests that
are under way (continuous batching), and none gets more than one stream gives. The simulation goes from event to event.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

ROUNDS_PER_INSTANCE = 8
"""How often an instance goes to the model and then to its tests."""


@dataclass(frozen=True)
class Workload:
    """The work of a benchmark, and the throughput of its GPUs."""

    instances: int
    tokens: float
    """Of one instance, written; what is read has to be added at its cost."""
    test_seconds: float
    """Of one instance, on one worker."""
    gpu_rate: float
    """Tokens per second of one GPU, all requests together."""
    stream_rate: float
    """Tokens per second that one request gets at most."""


@dataclass(frozen=True)
class SizingResult:
    """The result of a simulation."""

    hours: float
    per_hour: float
    gpu_busy: float
    """Share of the GPUs' throughput that was used."""
    worker_busy: float
    """Share of the workers' time in which tests ran."""


def simulate_run(load: Workload, workers: int, gpus: int) -> SizingResult:
    """Simulate the benchmark with numbers of workers and GPUs."""
    state = _Simulation(load, workers, gpus)
    while state.advance_to_next_event():
        pass
    hours = state.now / 3600
    return SizingResult(
        hours,
        load.instances / hours if hours else 0.0,
        load.instances * load.tokens / (gpus * load.gpu_rate * state.now) if state.now else 0.0,
        load.instances * load.test_seconds / (workers * state.now) if state.now else 0.0,
    )


def format_table(load: Workload, workers: Sequence[int], gpus: Sequence[int]) -> str:
    """Simulate all combinations and format them as a Markdown table."""
    lines = [
        "| workers | GPUs | instances/hour | hours in all | GPUs busy | workers' processors busy |",
        "|---" * 6 + "|",
    ]
    for gpu in gpus:
        for worker in workers:
            found = simulate_run(load, worker, gpu)
            lines.append(
                f"| {worker} | {gpu} | {found.per_hour:,.1f} | {found.hours:,.1f} | {found.gpu_busy:.0%} | "
                f"{found.worker_busy:.0%} |"
            )
    return "\n".join(lines) + "\n"


class _Simulation:
    """The state of a simulation. All requests get the same rate, so progress is measured in tokens per request."""

    def __init__(self, load: Workload, workers: int, gpus: int) -> None:
        self._load, self._gpus = load, gpus
        self.now = 0.0
        self._served = 0.0
        self._left = load.instances
        self._number = count()
        self._writing: list[tuple[float, int, int]] = []
        """When, on the clock of tokens, a request is answered; and its rounds left."""
        self._testing: list[tuple[float, int, int]] = []
        for slot in range(min(workers, load.instances)):
            self._left -= 1
            # Not all at once: runs that start together would stay together.
            heapq.heappush(
                self._testing,
                (
                    slot * load.test_seconds / ROUNDS_PER_INSTANCE / max(workers, 1),
                    next(self._number),
                    ROUNDS_PER_INSTANCE,
                ),
            )

    def advance_to_next_event(self) -> bool:
        """Go to the next event; False where there is none."""
        rate = self._compute_rate()
        answered = self.now + (self._writing[0][0] - self._served) / rate if self._writing else float("inf")
        tested = self._testing[0][0] if self._testing else float("inf")
        if min(answered, tested) == float("inf"):
            return False
        self._advance_clock(min(answered, tested), rate)
        if answered <= tested:
            _, _, rounds = heapq.heappop(self._writing)
            heapq.heappush(
                self._testing,
                (self.now + self._load.test_seconds / ROUNDS_PER_INSTANCE, next(self._number), rounds - 1),
            )
        else:
            self._finish_tests(heapq.heappop(self._testing)[2])
        return True

    def _compute_rate(self) -> float:
        """Compute the tokens per second that each running request gets."""
        total = self._gpus * self._load.gpu_rate
        return min(self._load.stream_rate, total / max(len(self._writing), 1))

    def _advance_clock(self, until: float, rate: float) -> None:
        self._served += (until - self.now) * rate
        self.now = until

    def _finish_tests(self, rounds: int) -> None:
        if rounds == 0 and self._left == 0:
            return
        if rounds == 0:
            self._left, rounds = self._left - 1, ROUNDS_PER_INSTANCE
        heapq.heappush(
            self._writing, (self._served + self._load.tokens / ROUNDS_PER_INSTANCE, next(self._number), rounds)
        )
