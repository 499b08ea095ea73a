"""What variants are screened by, from what candidates are judged by."""

from __future__ import annotations

from collections.abc import Sequence

from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.screening.base import ScreeningOracle
from repoagent.evidence.workbench import Workbench
from repoagent.sandbox.base import REPOSITORY
from repoagent.testbed.ecosystems.python.pytest_options import select_options
from repoagent.testbed.ecosystems.python.pytest_runner import PytestRunner
from repoagent.testbed.runner import Testbed

_TESTS = 500
"""Tests of a kind that are asked at most."""


def make_screening_oracle(context: EvaluationContext, workbench: Workbench) -> ScreeningOracle:
    """What a right variant does and the untouched code does not."""
    return ScreeningOracle(
        context.oracle,
        tuple(sorted(context.baseline.failing))[:_TESTS],
        tuple(sorted(context.baseline.passing))[:_TESTS],
        make_collection_arguments(workbench.attach_testbed(context), context.tests),
    )


def make_collection_arguments(testbed: Testbed, tests: Sequence[str]) -> tuple[str, ...]:
    """The arguments with which pytest collects what the testbed would have it run; none where that runs another way."""
    runner = testbed.codebase.runner
    if testbed.test_command or not isinstance(runner, PytestRunner):
        return ()
    project = runner.project
    chosen = tests or (project.test_files if project.unconventional else ())
    options = ("-q", "--tb=no", "--continue-on-collection-errors", "-p", "no:cacheprovider", f"--rootdir={REPOSITORY}")
    return (*options, "-o", "addopts=", *select_options(project.pytest.addopts), "--", *chosen)
