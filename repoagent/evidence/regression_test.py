"""Make the reproduction a test of the project's own, if it is seen to fail without the patch and to pass with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Edit, Issue, Patch, Regression, Report, Status
from repoagent.edits import EditRefused
from repoagent.edits.syntax import parse
from repoagent.errors import ToolError
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.project import project_of
from repoagent.evidence.reproduction.regression import Refused, Written, write_test
from repoagent.evidence.workbench import Workbench
from repoagent.index.build import Index
from repoagent.testbed.runner import Testbed
from repoagent.testbed.running.django import Django
from repoagent.testbed.running.pytest import Pytest
from repoagent.testbed.selection import relevant_tests

_FILES = 3
"""Test files that are tried, the nearest first."""
_SECONDS = 120.0
"""That one run of the new test may take."""


@dataclass(frozen=True)
class RegressionTester:
    """Adds a test for one issue's reproduction."""

    issue: Issue
    context: EvaluationContext
    workbench: Workbench
    index: Index

    def add_test(self, patch: Patch) -> Regression:
        """The test in the nearest test file; raises Refused where there is none that holds, and BudgetExceeded."""
        testbed = self.workbench.attach(self.context)
        if testbed.test_command or not isinstance(testbed.codebase.runner, Pytest | Django):
            raise Refused("the project's tests cannot be run one by one")
        refusal = Refused("there is no test file to add it to")
        for path, before in self._find_places(testbed, patch):
            try:
                return self._try_place(testbed, patch, path, before)
            except Refused as refused:
                refusal = refused
        raise refusal

    def _find_places(self, testbed: Testbed, patch: Patch) -> Sequence[tuple[str, str | None]]:
        """The nearest test files of Python with their texts, else a new one."""
        known = testbed.codebase.test_files
        near = [path for path in relevant_tests(self.index, patch.files, known) if path.endswith(".py")]
        read = self.workbench.workspace.read
        texts = [(path, read(path)) for path in near[:_FILES] if path not in patch.files]
        if texts or isinstance(testbed.codebase.runner, Django):
            return texts
        stem = patch.files[0].rpartition("/")[2].removesuffix(".py").strip("_") or "issue"
        return [(f"tests/test_{stem}.py", None)]

    def _try_place(self, testbed: Testbed, patch: Patch, path: str, before: str | None) -> Regression:
        importing = project_of(self.index).importing
        test = write_test(self.context.oracle, self.issue, path, before, importing)
        added = self._make_patch(test)
        fix = self.workbench.workspace.edits(patch)
        if (status := self._run_test(testbed, (test.edit,), test)) not in (Status.FAILED, Status.ERROR):
            raise Refused(f"in {path}, it does not fail on the untouched code ({status or 'it did not run'})")
        if (status := self._run_test(testbed, (*fix, test.edit), test)) is not Status.PASSED:
            raise Refused(f"in {path}, it does not pass with the patch ({status or 'it did not run'})")
        return Regression(added, _format_id(test, testbed))

    def _make_patch(self, test: Written) -> Patch:
        """The patch that adds the test; raises Refused where it would do more than add."""
        try:
            parse(test.edit.after or "")
            patch = self.workbench.workspace.diff((test.edit,))
        except (EditRefused, ToolError) as error:
            raise Refused(str(error)) from error
        removed = [line for line in patch.text.splitlines() if line[:1] == "-" and not line.startswith("--- ")]
        if removed or patch.files != (test.edit.path,):
            raise Refused(f"it would change what is in {test.edit.path}")
        return patch

    def _run_test(self, testbed: Testbed, edits: Sequence[Edit], test: Written) -> Status | None:
        """How the test ends; None where it does not run."""
        self.workbench.check_budget()
        seconds = self.workbench.within(_SECONDS)
        chosen = (_format_id(test, testbed),)
        report = self.workbench.run_fresh(
            self.context.environment, edits, lambda sandbox: testbed.run(sandbox, chosen, seconds)
        )
        return _find_status(report, test)


def _format_id(test: Written, testbed: Testbed) -> str:
    path = test.edit.path
    if isinstance(testbed.codebase.runner, Django):
        module = path.removeprefix("tests/").removesuffix(".py").replace("/", ".")
        return ".".join(filter(None, (module, test.group, test.name)))
    return "::".join(filter(None, (path, test.group, test.name)))


def _find_status(report: Report, test: Written) -> Status | None:
    found = [o for o in report.outcomes if o.id.replace("::", ".").rpartition(".")[2] == test.name]
    return found[0].status if len(found) == 1 else None
