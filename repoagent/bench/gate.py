"""Delay instances while the model server is unavailable."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0


@dataclass
class ModelGate:
    """Open until an instance reports a failure of the model; then closed until the server answers again."""

    is_server_alive: Callable[[], bool]
    patience: float = 1800.0
    """Seconds that the server may be unavailable before the run stops."""
    clock: Callable[[], float] = time.monotonic
    _shut: float | None = None
    _next: float = 0.0
    _pause: float = FIRST_PAUSE

    def report_failure(self) -> None:
        """Close the gate: an instance could not reach the model."""
        if self._shut is None:
            self._shut, self._next, self._pause = self.clock(), self.clock(), FIRST_PAUSE

    def is_open(self) -> bool:
        """Tell whether an instance may start; while closed, the server is asked at growing intervals."""
        if self._shut is None:
            return True
        if self.clock() < self._next:
            return False
        if self.is_server_alive():
            self._shut = None
            return True
        self._next = self.clock() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return False

    @property
    def is_hopeless(self) -> bool:
        """Whether the server has been unavailable for longer than `patience`."""
        return self._shut is not None and self.clock() - self._shut > self.patience


def make_server_check(model: str) -> Callable[[], bool]:
    """Return a function that asks whether the server of `model` answers; for embedded models it is always true."""

    def is_alive() -> bool:
        from repoagent.llm.address import is_url, parse_address

        if not is_url(model):
            return True
        import httpx

        try:
            return httpx.get(f"{parse_address(model).url.rstrip('/')}/models", timeout=5).status_code < 500
        except httpx.HTTPError:
            return False

    return is_alive
