"""Make the reproduction a test of the project's own: a part apart from the fix, and only if runs show what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from langgraph.runtime import Runtime

from repoagent.domain import Edit, Patch, Regression, Report, Status
from repoagent.edits import EditRefused
from repoagent.edits.syntax import parse
from repoagent.errors import BudgetExceeded, ToolError
from repoagent.graph.examine import attach_testbed, run_fresh
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.ranking import is_verified
from repoagent.evidence.reproduction.project import project_of
from repoagent.evidence.reproduction.regression import Refused, Written, write_test
from repoagent.sandbox.base import Environment
from repoagent.testbed.runner import Testbed
from repoagent.testbed.running.django import Django
from repoagent.testbed.running.pytest import Pytest
from repoagent.testbed.selection import relevant_tests

_FILES = 3
"""Test files that are tried, the nearest first."""
_SECONDS = 120.0
"""That one run of the new test may take."""


def regress(state: State, runtime: Runtime[Services]) -> Update:
    """Add the reproduction to the nearest test file, if it is seen to fail without the patch and to pass with it."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.environment is None or not is_verified(chosen.verdict, state.strength):
        return {}
    if chosen.verdict is None or chosen.verdict.oracle != "passed" or state.spent:
        return {}
    if state.weight.is_nothing:
        return {"regression": Regression(reason="the reproduction notices no mistake in the patched function")}
    try:
        made = _Adding(state, services, state.environment).to(chosen.patch)
    except (Refused, BudgetExceeded) as refusal:
        made = Regression(reason=str(refusal))
    services.session.write("test.patch", made.patch.text)
    services.trace.emit("regression", test=made.test, reason=made.reason)
    return {"regression": made}


@dataclass(frozen=True)
class _Adding:
    """Adds a test for one run's reproduction."""

    state: State
    services: Services
    environment: Environment

    def to(self, patch: Patch) -> Regression:
        """The test; raises Refused where there is none that holds, and BudgetExceeded."""
        testbed = attach_testbed(self.services, self.environment, "")
        if testbed.test_command or not isinstance(testbed.codebase.runner, Pytest | Django):
            raise Refused("the project's tests cannot be run one by one")
        refusal = Refused("there is no test file to add it to")
        for path, before in self._places(testbed, patch):
            try:
                return self._tried(testbed, patch, path, before)
            except Refused as refused:
                refusal = refused
        raise refusal

    def _places(self, testbed: Testbed, patch: Patch) -> Sequence[tuple[str, str | None]]:
        """The nearest test files of Python with their texts, else a new one."""
        known = testbed.codebase.test_files
        near = [path for path in relevant_tests(self.services.index(), patch.files, known) if path.endswith(".py")]
        texts = [(path, self.services.workspace.read(path)) for path in near[:_FILES] if path not in patch.files]
        if texts or isinstance(testbed.codebase.runner, Django):
            return texts
        stem = patch.files[0].rpartition("/")[2].removesuffix(".py").strip("_") or "issue"
        return [(f"tests/test_{stem}.py", None)]

    def _tried(self, testbed: Testbed, patch: Patch, path: str, before: str | None) -> Regression:
        importing = project_of(self.services.index()).importing
        test = write_test(self.state.oracle, self.state.issue, path, before, importing)
        added = self._added(test)
        fix = self.services.workspace.edits(patch)
        if (status := self._status(testbed, (test.edit,), test)) not in (Status.FAILED, Status.ERROR):
            raise Refused(f"in {path}, it does not fail on the untouched code ({status or 'it did not run'})")
        if (status := self._status(testbed, (*fix, test.edit), test)) is not Status.PASSED:
            raise Refused(f"in {path}, it does not pass with the patch ({status or 'it did not run'})")
        return Regression(added, _id(test, testbed))

    def _added(self, test: Written) -> Patch:
        """The patch that adds the test; raises Refused where it would do more than add."""
        try:
            parse(test.edit.after or "")
            patch = self.services.workspace.diff((test.edit,))
        except (EditRefused, ToolError) as error:
            raise Refused(str(error)) from error
        removed = [line for line in patch.text.splitlines() if line[:1] == "-" and not line.startswith("--- ")]
        if removed or patch.files != (test.edit.path,):
            raise Refused(f"it would change what is in {test.edit.path}")
        return patch

    def _status(self, testbed: Testbed, edits: Sequence[Edit], test: Written) -> Status | None:
        """How the test ends; None where it does not run."""
        self.services.budget.check()
        seconds = self.services.within(_SECONDS)
        chosen = (_id(test, testbed),)
        report = run_fresh(
            self.services, self.environment, edits, lambda sandbox: testbed.run(sandbox, chosen, seconds)
        )
        return _outcome(report, test)


def _id(test: Written, testbed: Testbed) -> str:
    path = test.edit.path
    if isinstance(testbed.codebase.runner, Django):
        module = path.removeprefix("tests/").removesuffix(".py").replace("/", ".")
        return ".".join(filter(None, (module, test.group, test.name)))
    return "::".join(filter(None, (path, test.group, test.name)))


def _outcome(report: Report, test: Written) -> Status | None:
    found = [o for o in report.outcomes if o.id.replace("::", ".").rpartition(".")[2] == test.name]
    return found[0].status if len(found) == 1 else None
