"""Sandboxes whose commands are written to the audit log: what was run, where, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from repoagent.audit.log import AuditLog
from repoagent.errors import RepoagentError
from repoagent.sandbox.base import (
    DEFAULT_LIMITS,
    CachedImage,
    CommandResult,
    Engine,
    Environment,
    ProgressListener,
    Recipe,
    Sandbox,
    SandboxLimits,
)


class AuditedEngine:
    """An `Engine` that passes calls to another one and writes them to the audit log."""

    def __init__(self, engine: Engine, log: AuditLog) -> None:
        self._engine = engine
        self._log = log

    @property
    def name(self) -> str:
        return self._engine.name

    def list_pythons(self) -> Sequence[str]:
        return self._engine.list_pythons()

    def check(self) -> None:
        self._engine.check()

    def describe_missing(self) -> str:
        return self._engine.describe_missing()

    def prepare(self, progress: ProgressListener) -> None:
        self._engine.prepare(progress)

    def find(self, key: str) -> Environment | None:
        return self._engine.find(key)

    def build(self, recipe: Recipe, repository: Path, progress: ProgressListener, timeout: float) -> Environment:
        """Build an environment; the entry is written before, as building has network."""
        dockerfile = recipe.base.dockerfile
        self._log.write(
            "environment.built",
            key=recipe.key,
            script=recipe.script,
            python=recipe.base.python,
            network=True,
            **({"dockerfile": dockerfile.text} if dockerfile else {}),
        )
        return self._engine.build(recipe, repository, progress, timeout)

    def open(self, environment: Environment, repository: Path, limits: SandboxLimits = DEFAULT_LIMITS) -> Sandbox:
        return _AuditedSandbox(self._engine.open(environment, repository, limits), environment.key, self._log)

    def list_cached(self) -> Sequence[CachedImage]:
        return self._engine.list_cached()

    def discard(self, key: str) -> None:
        self._engine.discard(key)

    def clean(self) -> Sequence[str]:
        return self._engine.clean()


class _AuditedSandbox:
    """A `Sandbox` that passes calls to another one and writes them to the audit log."""

    def __init__(self, sandbox: Sandbox, key: str, log: AuditLog) -> None:
        self._sandbox = sandbox
        self._key = key
        self._log = log

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        """As the sandbox's."""
        words, names = list(command), sorted(environment or {})
        try:
            finished = self._sandbox.run(command, timeout=timeout, environment=environment)
        except RepoagentError as error:
            self._log.write("command.failed", command=words, environment=self._key, error=str(error))
            raise
        self._log.write(
            "command.run",
            command=words,
            environment=self._key,
            variables=names,
            exit_code=finished.exit_code,
            timed_out=finished.timed_out,
            seconds=round(finished.seconds, 3),
            output=finished.output,
        )
        return finished

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """As the sandbox's."""
        self._log.write("files.written", paths=sorted(files))
        self._sandbox.write(files)

    def read(self, path: str) -> bytes:
        """As the sandbox's."""
        return self._sandbox.read(path)

    def reset(self) -> None:
        """As the sandbox's."""
        self._log.write("sandbox.reset", environment=self._key)
        self._sandbox.reset()

    def interact(self, command: Sequence[str] = ("/bin/bash",), environment: Mapping[str, str] | None = None) -> int:
        """Let a person work in the sandbox; the log holds that, and not what the person did."""
        code = self._sandbox.interact(command, environment)
        self._log.write("person.worked", command=list(command), environment=self._key, exit_code=code)
        return code

    def __enter__(self) -> Self:
        self._sandbox.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sandbox.__exit__(kind, error, traceback)
