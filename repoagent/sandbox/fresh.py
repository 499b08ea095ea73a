"""Do something in a fresh sandbox, and once more in another one where the sandbox dies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from repoagent.errors import SandboxFailed
from repoagent.sandbox.base import Sandbox

T = TypeVar("T")


def in_fresh(
    opened: Callable[[], AbstractContextManager[Sandbox]],
    act: Callable[[Sandbox], T],
    told: Callable[[SandboxFailed], None],
) -> T:
    """Return what `act` does in a sandbox that `opened` makes; one that dies is replaced once, after a call of `told`.

    A container that was killed, or whose engine was restarted, is no fault of what ran in it. `told` may repair what
    it can. Raises SandboxFailed when the second one dies as well.
    """
    try:
        with opened() as sandbox:
            return act(sandbox)
    except SandboxFailed as error:
        told(error)
    with opened() as sandbox:
        return act(sandbox)
