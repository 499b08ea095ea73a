"""Run Django's own tests by its own runner, `tests/runtests.py`: they do not run under pytest."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.ecosystems.python.plans import PYTHON
from repoagent.testbed.results.unittest_text import read_unittest
from repoagent.testbed.running.base import VARIABLES, make_pytest_report

RUNNER = "tests/runtests.py"


@dataclass(frozen=True)
class DjangoRunner:
    """Runs `tests/runtests.py` over SQLite; satisfies `Runner`."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, files below `tests/` or dotted names; see `Runner`."""
        labels = dict.fromkeys(_get_label(test) for test in tests)
        command = (PYTHON, RUNNER, "--verbosity=2", "--settings=test_sqlite", "--parallel=1", *labels)
        finished = sandbox.run(command, timeout=timeout, environment=VARIABLES)
        outcomes = read_unittest(finished.output)
        return make_pytest_report(finished, shlex.join(command), outcomes, reported="\nRan " in finished.output)


def _get_label(test: str) -> str:
    """Turn `tests/auth_tests/test_forms.py` into Django's label `auth_tests.test_forms`."""
    if not test.endswith(".py"):
        return test
    return test.removeprefix("tests/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
