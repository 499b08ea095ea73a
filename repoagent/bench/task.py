"""The task of a worker and its result, as plain data that can be sent between processes and machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from repoagent.bench.instance import Instance
from repoagent.config import Settings
from repoagent.domain import Usage

Stage = Literal["solve", "evaluate", "validate"]

FailureKind = Literal["", "model", "disk", "sandbox", "repository", "lost", "row"]
"""Which part of the infrastructure failed; empty where none did."""

TASK = "task.json"
"""The file in a worker's folder that says what to do."""

DONE = "done.json"
"""The file in it that tells how it ended."""

DISK_FULL = 28
"""Exit code of a worker that could not even tell how it ended."""


class JobState(StrEnum):
    """The state of an instance in one stage."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    """The agent ended, with a patch or without; or the tests were evaluated."""
    CRASHED = "crashed"
    """The agent crashed by its own defect; not retried."""
    TIMED_OUT = "timed out"
    """The agent did not end long after its budget; not retried."""
    ENVIRONMENT = "environment"
    """The infrastructure failed on every attempt; says nothing about the agent."""
    UNUSABLE = "unusable"
    """The row, its repository or its tests cannot be used; no attempt was made."""

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return self not in {JobState.WAITING, JobState.RUNNING}


@dataclass(frozen=True)
class Agent:
    """The agent that works on the issues."""

    name: Literal["repoagent", "gold", "empty", "command"] = "repoagent"
    command: str = ""
    """For `command`: a shell command that runs on the host, in the work tree, with the issue on standard input. Its
    changes there are the patch."""

    def __str__(self) -> str:
        return self.command if self.name == "command" else self.name


@dataclass(frozen=True)
class BenchTask:
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
    """Seconds after which the worker is stopped."""
    keep: bool = False
    """Whether to keep the work tree and the checkpoint."""
    attempt: int = 1

    @property
    def key(self) -> str:
        """Unique in a run."""
        return f"{self.stage}/{self.instance.id}"


@dataclass(frozen=True)
class Finding:
    """A sign of cheating in a trace or a patch."""

    kind: Literal["future", "network", "tests", "runner"]
    where: str
    text: str


@dataclass(frozen=True)
class AgentResult:
    """The result of an agent."""

    patch: str
    outcome: str
    """`verified`, `unverified`, `none`, `budget`; `given` for agents that claim nothing."""
    confidence: str = ""
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    located: tuple[str, ...] = ()
    """The suspicious files, most suspicious first."""
    candidates: int = 0
    summary: str = ""
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """The verdict of the tests on a patch, in the terms of the official report."""

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
    """Tests that do not count, because they fail here with the reference patch too."""
    setup: str = ""
    seconds: float = 0.0
    log: str = ""
    """The end of the runner's output, where a test failed."""

    @property
    def is_resolved(self) -> bool:
        """Whether all of FAIL_TO_PASS pass and none of PASS_TO_PASS fails, in a completed run."""
        return self.applied and self.ending == "completed" and bool(self.fixed) and not (self.unfixed or self.broken)


@dataclass(frozen=True)
class InstanceValidation:
    """Whether an instance can be evaluated here: the reference patch must pass, and the untouched code must not."""

    runnable: bool
    reason: str = ""
    excluded: tuple[str, ...] = ()
    """PASS_TO_PASS that fail here with the reference patch too."""
    gold: Evaluation | None = None
    """From a second test run, without the excluded tests."""
    empty: Evaluation | None = None
    fail_to_pass: tuple[str, ...] = ()
    """Tests that were seen to fail before and pass after; for instances that do not say which."""
    pass_to_pass: tuple[str, ...] = ()


@dataclass(frozen=True)
class AttemptResult:
    """The result of one attempt."""

    state: JobState
    reason: str = ""
    cause: FailureKind = ""
    solved: AgentResult | None = None
    judged: Evaluation | None = None
    validated: InstanceValidation | None = None
    seconds: float = 0.0
    """Of the worker, from its start to its end."""
    worker: str = ""
    """Where it ran."""
    attempt: int = 0
    """The number of the attempt, from 1; 0 where no worker had started."""
