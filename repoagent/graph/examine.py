"""Run what judges a candidate, in a sandbox as good as new: the reproduction first, then the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from repoagent.domain import Answer, Edit, Ending, Oracle, Report, Strength, Verdict
from repoagent.errors import SandboxFailed
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.ranking import Baseline, read_verdict
from repoagent.evidence.reproduction.oracle import judge
from repoagent.evidence.reproduction.script import MARK, SECONDS, run_script
from repoagent.sandbox.base import Environment, Finished, Sandbox
from repoagent.sandbox.fresh import in_fresh
from repoagent.testbed.ecosystems.finding import codebases
from repoagent.testbed.failure import distil
from repoagent.testbed.runner import Testbed

T = TypeVar("T")

QUICK_SECONDS = 10.0
"""Seconds of tests that are run even where the reproduction fails already, to know what a fallback would break."""


@dataclass(frozen=True)
class CandidateEvaluator:
    """How one candidate is judged."""

    testbed: Testbed
    oracle: Oracle
    before: Baseline
    tests: tuple[str, ...]
    """Test files; empty means all."""
    timeout: float
    """Seconds that one run of them may take at most."""
    quick: float = QUICK_SECONDS
    """Seconds of tests that are run even where the reproduction fails already."""

    def __call__(self, sandbox: Sandbox) -> tuple[Verdict, Report | None]:
        """The verdict on what lies in the sandbox, and the run of the tests if there was one."""
        verdict, report = self._examined(sandbox)
        return self._with_documentation(verdict, sandbox), report

    def _with_documentation(self, verdict: Verdict, sandbox: Sandbox) -> Verdict:
        """The verdict, with documented examples that held before and do not any more among what is broken."""
        held = self.before.passing_examples
        if held.strength is Strength.NONE or judge(held, run_script(sandbox, held.script, held.seconds)) == "passed":
            return verdict
        return replace(verdict, broken=(*verdict.broken, held.source))

    def _examined(self, sandbox: Sandbox) -> tuple[Verdict, Report | None]:
        answer, shown = self._ask_oracle(sandbox)
        if answer == "failed" and self.oracle.strength is not Strength.WEAK and self.before.seconds > self.quick:
            return read_verdict(answer, None, self.before, shown), None
        if not self.before.passing and not self.before.failing:
            return read_verdict(answer, None, self.before, shown), None
        report = self.testbed.run(sandbox, self.tests, self._deadline())
        return read_verdict(answer, report, self.before, shown or self._failure(report)), report

    def _ask_oracle(self, sandbox: Sandbox) -> tuple[Answer, str]:
        if self.oracle.strength is Strength.NONE:
            return "unknown", ""
        finished = run_script(sandbox, self.oracle.script, self.oracle.seconds)
        answer = judge(self.oracle, finished)
        return answer, "" if answer == "passed" else _shown(self.oracle, finished)

    def _deadline(self) -> float:
        """A candidate that takes much longer than the untouched code hangs, or as good as."""
        return min(self.timeout, max(20.0, 5 * self.before.seconds))

    def _failure(self, report: Report) -> str:
        if report.ending is not Ending.COMPLETED:
            return f"the tests {report.ending}\n{report.log[-600:]}"
        return distil(report, report.failed & self.before.passing, self.testbed.root)


@contextmanager
def open_with_edits(services: Services, environment: Environment, edits: Sequence[Edit]) -> Iterator[Sandbox]:
    """A fresh copy of the repository with `edits` made."""
    with services.engine.open(environment, services.workspace.root, services.limits) as sandbox:
        sandbox.write({edit.path: _bytes(edit.after) for edit in edits})
        yield sandbox


def run_fresh(
    services: Services, environment: Environment, edits: Sequence[Edit], act: Callable[[Sandbox], T]
) -> T:
    """What `act` says of a fresh copy of the repository with `edits` made; a sandbox that dies is replaced once.

    So is an environment that is no longer there, by the one that the same manifests make.
    """

    def told(error: SandboxFailed) -> None:
        services.trace.emit("sandbox.replaced", reason=str(error))
        _mend(services, environment)

    return in_fresh(lambda: open_with_edits(services, environment, edits), act, told)


def _mend(services: Services, environment: Environment) -> None:
    """Build the environment again where it is gone: removed to save space, or with the engine's whole store."""
    if services.engine.find(environment.key) is None:
        Testbed.prepare(
            services.engine,
            services.workspace.root,
            origin=services.origin,
            named=services.options.named,
            trace=services.trace,
            timeout=services.within(services.options.build_timeout),
        )


def make_script_runner(services: Services, environment: Environment, seconds: float = SECONDS) -> Callable[[str], Finished]:
    """Runs a script on the untouched code, each time in a fresh sandbox."""
    return lambda script: run_fresh(services, environment, (), lambda box: run_script(box, script, seconds))


def attach_testbed(services: Services, environment: Environment, test_command: str) -> Testbed:
    """The testbed for an environment that was built before, perhaps by a process that is dead."""
    root = services.workspace.root
    return Testbed.attach(services.engine, environment, root, codebases(root), test_command, services.limits)


def make_evaluator(state: State, services: Services, environment: Environment) -> CandidateEvaluator:
    """How the candidates of a run are judged."""
    testbed = attach_testbed(services, environment, state.test_command)
    timeout = services.within(services.options.test_timeout, least=seconds_needed(state.before))
    return CandidateEvaluator(testbed, state.oracle, state.before, state.test_files, timeout)


def seconds_needed(before: Baseline) -> float:
    """Seconds in which a patch that hangs nowhere is tested, by how long the untouched code took."""
    return min(5.0 + 2 * before.seconds, _GRACE)


_GRACE = 60.0
"""Seconds that a run may go beyond its time, to test what it delivers."""


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _shown(oracle: Oracle, finished: Finished) -> str:
    wanted = f"\nexpected instead:\n{_without_marks(oracle.expected)[:300]}" if oracle.expected else ""
    ending = "did not end in time; " if finished.timed_out else ""
    return f"the example of the issue {ending}prints:\n{_without_marks(finished.output)[-500:]}{wanted}"


def _without_marks(output: str) -> str:
    """What a script printed, without our announcements, which say nothing to a model."""
    return "\n".join(line for line in output.splitlines() if line and not line.startswith(MARK))
