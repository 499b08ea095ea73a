"""Run tests by `go test -json`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from repoagent.domain import Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.results.go import read_go
from repoagent.testbed.running.base import BY_SCRIPT, make_suite_report

_ID = re.compile(r"^(?P<package>.+?)\.(?P<test>(?:Test|Example|Fuzz|Benchmark)[^/]*)(?:/.*)?$")


@dataclass(frozen=True)
class GoRunner:
    """Runs `go test`; ids are `package.Test/subtest`; satisfies `Runner`."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`: files, whose whole packages are run, or ids; see `Runner`."""
        command = shlex.join(["go", "test", "-json", "-vet=off", "-count=1", *_select_tests(tests)])
        finished = sandbox.run(BY_SCRIPT.wrap_command(command), timeout=timeout, environment=BY_SCRIPT.variables)
        return make_suite_report(finished, command, read_go(finished.output), tests, files=False)


def _select_tests(tests: Sequence[str]) -> list[str]:
    """Select test functions by name, in the packages that are asked for; subtests come with their function."""
    if not tests:
        return ["./..."]
    ids = [match for test in tests if (match := _ID.match(test)) and not test.endswith(".go")]
    folders = [f"./{test.rpartition('/')[0]}" for test in tests if test.endswith(".go")]
    packages = [match["package"] for match in ids] + [t for t in tests if not t.endswith(".go") and not _ID.match(t)]
    names = sorted({re.escape(match["test"]) for match in ids})
    run = ["-run", f"^({'|'.join(names)})$"] if names and not folders else []
    return [*run, *dict.fromkeys([*folders, *packages])]
