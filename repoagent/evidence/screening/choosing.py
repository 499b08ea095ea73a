"""What variants are screened by, from what candidates are judged by."""

from __future__ import annotations

from collections.abc import Sequence

from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.screening.base import Check
from repoagent.evidence.workbench import Workbench
from repoagent.sandbox.base import REPOSITORY
from repoagent.testbed.options import kept_options
from repoagent.testbed.runner import Testbed
from repoagent.testbed.running.pytest import Pytest

_TESTS = 500
"""Tests of a kind that are asked at most."""


def make_screening_oracle(context: EvaluationContext, workbench: Workbench) -> Check:
    """What a right variant does and the untouched code does not."""
    return Check(
        context.oracle,
        tuple(sorted(context.baseline.failing))[:_TESTS],
        tuple(sorted(context.baseline.passing))[:_TESTS],
        make_collection_arguments(workbench.attach(context), context.tests),
    )


def make_collection_arguments(testbed: Testbed, tests: Sequence[str]) -> tuple[str, ...]:
    """The arguments with which pytest collects what the testbed would have it run; none where that runs another way."""
    runner = testbed.codebase.runner
    if testbed.test_command or not isinstance(runner, Pytest):
        return ()
    project = runner.project
    chosen = tests or (project.test_files if project.unconventional else ())
    options = ("-q", "--tb=no", "--continue-on-collection-errors", "-p", "no:cacheprovider", f"--rootdir={REPOSITORY}")
    return (*options, "-o", "addopts=", *kept_options(project.pytest.addopts), "--", *chosen)
