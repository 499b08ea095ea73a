"""Do something in a fresh sandbox, and once more in another where the sandbox died of something else."""

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
    """What `act` says of a sandbox that `opened` makes; one that dies is replaced once, after `told` heard of it.

    A container that was killed, or whose engine was started anew, is no fault of what ran in it. `told` may mend what
    it can. Raises SandboxFailed when the second one dies as well.
    """
    try:
        with opened() as sandbox:
            return act(sandbox)
    except SandboxFailed as error:
        told(error)
    with opened() as sandbox:
        return act(sandbox)
