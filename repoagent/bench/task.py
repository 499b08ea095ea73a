"""What a worker is given, and what it gives back: plain data, so that it crosses processes and machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from repoagent.bench.instance import Instance
from repoagent.config import Settings
from repoagent.domain import Usage

Stage = Literal["solve", "evaluate", "validate"]

Cause = Literal["", "model", "disk", "sandbox", "repository", "lost", "row"]
"""What infrastructure failed."""

TASK = "task.json"
"""The file in a worker's folder that says what to do."""

DONE = "done.json"
"""The file in it that tells how it ended."""

DISK_FULL = 28
"""Exit code of a worker that could not even tell how it ended."""


class State(StrEnum):
    """Where an instance stands in one stage."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    """The agent came to its end, with a patch or without; or the tests were judged."""
    CRASHED = "crashed"
    """The agent died of a defect of its own; not tried again."""
    TIMED_OUT = "timed out"
    """The agent did not end long after its budget; not tried again."""
    ENVIRONMENT = "environment"
    """What the agent stands on failed, on every attempt; says nothing about the agent."""
    UNUSABLE = "unusable"
    """The row, its repository or its tests cannot be used; nothing was tried."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in {State.WAITING, State.RUNNING}


@dataclass(frozen=True)
class Agent:
    """Who works on the issues."""

    name: Literal["repoagent", "gold", "empty", "command"] = "repoagent"
    command: str = ""
    """For `command`: run by a shell on the host, in the work tree, with the issue on standard input; what it changes
    there is the patch."""

    def __str__(self) -> str:
        return self.command if self.name == "command" else self.name


@dataclass(frozen=True)
class Task:
    """One instance in one stage."""

    stage: Stage
    instance: Instance
    settings: Settings
    agent: Agent = field(default_factory=Agent)
    patch: str = ""
    """For `evaluate`."""
    excluded: tuple[str, ...] = ()
    """For `evaluate`: tests that do not pass here with the reference patch either."""
    mirrors: str = ""
    """Directory of repositories called `owner+name`; empty for the cache."""
    deadline: float = 3600.0
    """Seconds after which the worker is ended."""
    keep: bool = False
    """Whether the work tree and the checkpoint stay when it is done."""
    attempt: int = 1

    @property
    def key(self) -> str:
        """Unique in a run."""
        return f"{self.stage}/{self.instance.id}"


@dataclass(frozen=True)
class Finding:
    """Something in a trace or a patch that a fair run does not have."""

    kind: Literal["future", "network", "tests", "runner"]
    where: str
    text: str


@dataclass(frozen=True)
class Solved:
    """What the agent produced."""

    patch: str
    outcome: str
    """`verified`, `unverified`, `none`, `budget`; `given` for agents that claim nothing."""
    confidence: str = ""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    located: tuple[str, ...] = ()
    """The files it suspected, most suspicious first."""
    candidates: int = 0
    summary: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Judged:
    """What the tests said about a patch, in the words of the official report."""

    applied: bool
    ending: str = ""
    """How the run of the tests ended."""
    fixed: tuple[str, ...] = ()
    """FAIL_TO_PASS that pass."""
    unfixed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """PASS_TO_PASS that pass."""
    broken: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """Left out, because they do not pass here with the reference patch either."""
    setup: str = ""
    seconds: float = 0.0
    log: str = ""
    """The end of what the runner printed, where something is wrong."""

    @property
    def resolved(self) -> bool:
        """All of FAIL_TO_PASS pass, of PASS_TO_PASS none fails, in a run that came to its end."""
        return self.applied and self.ending == "completed" and bool(self.fixed) and not (self.unfixed or self.broken)


@dataclass(frozen=True)
class Validated:
    """Whether an instance can be judged here: the reference patch must pass, and the untouched code must not."""

    runnable: bool
    reason: str = ""
    excluded: tuple[str, ...] = ()
    """PASS_TO_PASS that fail here with the reference patch too."""
    gold: Judged | None = None
    """From a run of its own, after it was settled what is excluded."""
    empty: Judged | None = None
    fail_to_pass: tuple[str, ...] = ()
    """Tests that were seen to fail before and pass after; for instances that do not say which."""
    pass_to_pass: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """How one attempt ended."""

    state: State
    reason: str = ""
    cause: Cause = ""
    solved: Solved | None = None
    judged: Judged | None = None
    validated: Validated | None = None
    seconds: float = 0.0
    """Of the worker, from its start to its end."""
    worker: str = ""
    """Where it ran."""
    attempt: int = 0
    """Which attempt it was the end of, from 1; 0 where no worker had begun."""
