"""Do something in a fresh sandbox, and once more in another one where the sandbox dies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from repoagent.errors import SandboxFailed
from repoagent.sandbox.base import Sandbox

T = TypeVar("T")


def run_in_fresh(
    open_sandbox: Callable[[], AbstractContextManager[Sandbox]],
    act: Callable[[Sandbox], T],
    on_failure: Callable[[SandboxFailed], None],
) -> T:
    """Return what `act` does in a sandbox that `open_sandbox` makes; one that dies is replaced once, after a call of
    `on_failure`.

    A container that was killed, or whose engine was restarted, is no fault of what ran in it. `on_failure` may repair
    what it can. Raises SandboxFailed when the second one dies as well.
    """
    try:
        with open_sandbox() as sandbox:
            return act(sandbox)
    except SandboxFailed as error:
        on_failure(error)
    with open_sandbox() as sandbox:
        return act(sandbox)
