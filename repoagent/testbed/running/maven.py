"""Run tests by Maven's surefire, and read its reports."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repoagent.domain import Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.results.junit_names import read_classes
from repoagent.testbed.running.base import BY_SCRIPT, make_suite_report
from repoagent.testbed.running.reports import make_report_path, read_report

_REPORTS = "-path '*/target/surefire-reports/*.xml'"
_SOURCE = re.compile(r"^(?:.*/)?src/test/\w+/(?P<name>.+)\.(?:java|kt|groovy)$")


@dataclass(frozen=True)
class MavenRunner:
    """Runs `mvn test`; ids are `package.Class#method`; satisfies `Runner`."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, files or ids; see `Runner`."""
        path = make_report_path()
        chosen = shlex.quote(f"-Dtest={','.join(_select_classes(tests))}") if tests else ""
        command = f"mvn $MAVEN_OPTIONS -fae {chosen} test".replace("  ", " ")
        script = f"find . {_REPORTS} -delete; {command}; code=$?; {_gather(path)}; exit $code"
        finished = sandbox.run(
            BY_SCRIPT.wrap_command(f"{{ {script}; }}"), timeout=timeout, environment=BY_SCRIPT.variables
        )
        content = None if finished.timed_out else read_report(sandbox, path)
        ids = [test for test in tests if "#" in test]
        return make_suite_report(finished, command, read_classes(content), ids, files=False)


def _gather(path: str) -> str:
    """Concatenate all reports into one document, without their declarations; shell."""
    each = f"find . {_REPORTS} -name 'TEST-*' -exec sed 's/^<?xml[^>]*?>//' {{}} +"
    return f"{{ echo '<all>'; {each}; echo '</all>'; }} >{path}"


def _select_classes(tests: Sequence[str]) -> Iterator[str]:
    for test in dict.fromkeys(tests):
        if match := _SOURCE.match(test):
            yield match["name"].replace("/", ".")
        else:
            # What stands in brackets are a parameterised test's values, by which surefire chooses nothing.
            yield re.split(r"[(\[{]", test)[0]
