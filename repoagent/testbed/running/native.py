"""Run tests of C and C++ projects: ctest, meson, make. What was changed is compiled first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repoagent.domain import Outcome, Report
from repoagent.sandbox.base import Sandbox
from repoagent.testbed.results.automake import read_automake
from repoagent.testbed.results.junit_names import read_named
from repoagent.testbed.results.sniff import sniff
from repoagent.testbed.running.base import BY_SCRIPT, concluded, not_built, single
from repoagent.testbed.running.reports import read_report, report_path

_COMPILER = re.compile(r"^\S+:\d+:\d+: (fatal )?error: |: undefined reference to |^ld: ", re.MULTILINE)
_FOLDER = ".repoagent-build"


@dataclass(frozen=True)
class Tool:
    """A build system that knows its tests by name."""

    build: str
    test: Callable[[Sequence[str], str], str]
    """The command, of the tests' names and of the path for the report."""


def _ctest(tests: Sequence[str], path: str) -> str:
    chosen = ["-R", f"^({'|'.join(re.sub(r'[^A-Za-z0-9_]', _escaped, test) for test in tests)})$"] if tests else []
    return shlex.join(["ctest", "--test-dir", _FOLDER, "--output-junit", path, "--timeout", "300", *chosen])


def _escaped(match: re.Match[str]) -> str:
    """Escape a character for CMake, whose regular expressions know no class but brackets."""
    return f"[{match[0]}]" if match[0] not in "[]^\\" else "."


def _meson(tests: Sequence[str], path: str) -> str:
    names = [test.rpartition(" / ")[2] for test in tests]
    run = shlex.join(["meson", "test", "-C", _FOLDER, "--no-rebuild", "--print-errorlogs", *names])
    return f"{run}; code=$?; cp {_FOLDER}/meson-logs/testlog.junit.xml {path}; exit $code"


CMAKE = Tool(f"cmake --build {_FOLDER}", _ctest)
MESON = Tool(f"ninja -C {_FOLDER}", _meson)


@dataclass(frozen=True)
class Built:
    """Compiles, and runs tests by name; satisfies `Runner`."""

    tool: Tool

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, names; a file stands for all tests, because nothing tells which it makes; see `Runner`."""
        built = sandbox.run(BY_SCRIPT.command(self.tool.build), timeout=timeout)
        if built.exit_code:
            return not_built(built, self.tool.build)
        path = report_path()
        names = [test for test in tests if not _is_source(test)]
        command = self.tool.test(names if len(names) == len(tests) else (), path)
        finished = sandbox.run(BY_SCRIPT.command(command), timeout=timeout, environment=BY_SCRIPT.variables)
        content = None if finished.timed_out else read_report(sandbox, path)
        return concluded(finished, command, read_named(content), names, files=False)


@dataclass(frozen=True)
class Make:
    """Compiles, and runs a target of a Makefile, whole; satisfies `Runner`."""

    target: str
    build: str = ""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run the target; see `Runner`."""
        built = sandbox.run(BY_SCRIPT.command(self.build), timeout=timeout) if self.build else None
        if built and built.exit_code:
            return not_built(built, self.build)
        names = [test for test in tests if not _is_source(test)]
        command = shlex.join(["make", self.target])
        finished = sandbox.run(BY_SCRIPT.command(f"{command} 2>&1"), timeout=timeout, environment=BY_SCRIPT.variables)
        outcomes = _outcomes(finished.output)
        report = concluded(finished, command, outcomes, names, files=False)
        if outcomes or finished.timed_out or finished.exit_code >= 128 or _did_not_compile(finished.output):
            return report
        return single(finished, command)


def _did_not_compile(output: str) -> bool:
    return _COMPILER.search(output) is not None


def _outcomes(output: str) -> tuple[Outcome, ...]:
    return read_automake(output) or sniff(output)


def _is_source(test: str) -> bool:
    return re.search(r"\.(c|cc|cpp|cxx|h|hpp)$", test) is not None
