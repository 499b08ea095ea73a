"""Run tests by `cargo test`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from repoagent.domain import Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.results.cargo import read_cargo
from repoagent.testbed.running.base import BY_SCRIPT, make_suite_report


@dataclass(frozen=True)
class CargoRunner:
    """Runs `cargo test`; ids are `target::module::test`, the target the file that was compiled; satisfies `Runner`."""

    workspace: bool = False
    """Whether there are several packages, whose targets have the same names."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, files or ids; see `Runner`. A source file stands for all unit tests of its package."""
        command = shlex.join(["cargo", "test", "--offline", "--no-fail-fast", *self._select_tests(tests)])
        finished = sandbox.run(BY_SCRIPT.wrap_command(command), timeout=timeout, environment=BY_SCRIPT.variables)
        ids = [test for test in tests if "::" in test]
        return make_suite_report(
            finished, command, read_cargo(finished.output, crates=self.workspace), ids, files=False
        )

    def _select_tests(self, tests: Sequence[str]) -> list[str]:
        everywhere = ["--workspace"] if self.workspace else []
        ids = [test for test in tests if "::" in test]
        if ids and len(ids) == len(tests):
            return [*everywhere, "--", "--exact", *dict.fromkeys(test.partition("::")[2] for test in ids)]
        files = [test.partition("::")[0] for test in tests]
        if not files or self.workspace or not all(_is_integration_test(file) for file in files):
            return everywhere
        return [word for file in dict.fromkeys(files) for word in ("--test", PurePosixPath(file).stem)]


def _is_integration_test(file: str) -> bool:
    path = PurePosixPath(file)
    return path.parent == PurePosixPath("tests") and path.suffix == ".rs"
