"""Make the reproduction a test of the project's own, if it is seen to fail without the patch and to pass with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repoagent.domain import Edit, Issue, Patch, Regression, Report, Status
from repoagent.edits import EditRefused
from repoagent.errors import ToolError
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.project import build_project
from repoagent.evidence.reproduction.regression import RegressionRefused, RegressionTest, write_test
from repoagent.evidence.workbench import Workbench
from repoagent.index.build import Index
from repoagent.languages import Capability, has_capability
from repoagent.languages.python.syntax import parse
from repoagent.testbed.ecosystems.python.django_runner import DjangoRunner
from repoagent.testbed.ecosystems.python.pytest_runner import PytestRunner
from repoagent.testbed.runner import Testbed
from repoagent.testbed.selection import select_relevant_tests

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
        """The test in the nearest test file. Raises RegressionRefused where there is none that holds, and
        BudgetExceeded."""
        # A command that the user gave tells of a whole run only; a single test is run as the project itself would.
        testbed = self.workbench.attach_testbed(replace(self.context, test_command=""))
        if testbed.test_command or not isinstance(testbed.codebase.runner, PytestRunner | DjangoRunner):
            raise RegressionRefused("the project's tests cannot be run one by one")
        refusal = RegressionRefused("there is no test file to add it to")
        for path, before in self._find_places(testbed, patch):
            try:
                return self._try_place(testbed, patch, path, before)
            except RegressionRefused as refused:
                refusal = refused
        raise refusal

    def _find_places(self, testbed: Testbed, patch: Patch) -> Sequence[tuple[str, str | None]]:
        """The nearest test files in a language that tests can be written in, with their texts, else a new one."""
        known = testbed.codebase.test_files
        every = select_relevant_tests(self.index, patch.files, known)
        near = [path for path in every if has_capability(path, Capability.REGRESSION_TESTS)]
        read = self.workbench.workspace.read
        texts = [(path, read(path)) for path in near[:_FILES] if path not in patch.files]
        if texts or isinstance(testbed.codebase.runner, DjangoRunner):
            return texts
        stem = patch.files[0].rpartition("/")[2].removesuffix(".py").strip("_") or "issue"
        return [(f"tests/test_{stem}.py", None)]

    def _try_place(self, testbed: Testbed, patch: Patch, path: str, before: str | None) -> Regression:
        importing = build_project(self.index).find_import
        test = write_test(self.context.oracle, self.issue, path, before, importing)
        added = self._make_patch(test)
        fix = self.workbench.workspace.parse_edits(patch)
        if (status := self._run_test(testbed, (test.edit,), test)) not in (Status.FAILED, Status.ERROR):
            raise RegressionRefused(f"in {path}, it does not fail on the untouched code ({status or 'it did not run'})")
        if (status := self._run_test(testbed, (*fix, test.edit), test)) is not Status.PASSED:
            raise RegressionRefused(f"in {path}, it does not pass with the patch ({status or 'it did not run'})")
        return Regression(added, _format_id(test, testbed))

    def _make_patch(self, test: RegressionTest) -> Patch:
        """The patch that adds the test; raises RegressionRefused where it would do more than add."""
        try:
            parse(test.edit.after or "")
            patch = self.workbench.workspace.make_patch((test.edit,))
        except (EditRefused, ToolError) as error:
            raise RegressionRefused(str(error)) from error
        removed = [line for line in patch.text.splitlines() if line[:1] == "-" and not line.startswith("--- ")]
        if removed or patch.files != (test.edit.path,):
            raise RegressionRefused(f"it would change what is in {test.edit.path}")
        return patch

    def _run_test(self, testbed: Testbed, edits: Sequence[Edit], test: RegressionTest) -> Status | None:
        """How the test ends; None where it does not run."""
        self.workbench.check_budget()
        seconds = self.workbench.limit_seconds(_SECONDS)
        chosen = (_format_id(test, testbed),)
        report = self.workbench.run_fresh(
            self.context.environment, edits, lambda sandbox: testbed.run(sandbox, chosen, seconds)
        )
        return _find_status(report, test)


def _format_id(test: RegressionTest, testbed: Testbed) -> str:
    path = test.edit.path
    if isinstance(testbed.codebase.runner, DjangoRunner):
        module = path.removeprefix("tests/").removesuffix(".py").replace("/", ".")
        return ".".join(filter(None, (module, test.class_name, test.name)))
    return "::".join(filter(None, (path, test.class_name, test.name)))


def _find_status(report: Report, test: RegressionTest) -> Status | None:
    found = [o for o in report.outcomes if o.id.replace("::", ".").rpartition(".")[2] == test.name]
    return found[0].status if len(found) == 1 else None
