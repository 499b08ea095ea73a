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
from repoagent.testbed.running.base import BY_SCRIPT, make_build_failure, make_single_report, make_suite_report
from repoagent.testbed.running.reports import make_report_path, read_report

_COMPILER = re.compile(r"^\S+:\d+:\d+: (fatal )?error: |: undefined reference to |^ld: ", re.MULTILINE)
_FOLDER = ".repoagent-build"


@dataclass(frozen=True)
class NativeTool:
    """A build system that knows its tests by name."""

    build: str
    test: Callable[[Sequence[str], str], str]
    """The command, of the tests' names and of the path for the report."""


def _build_ctest_command(tests: Sequence[str], path: str) -> str:
    chosen = (
        ["-R", f"^({'|'.join(re.sub(r'[^A-Za-z0-9_]', _escape_character, test) for test in tests)})$"] if tests else []
    )
    return shlex.join(["ctest", "--test-dir", _FOLDER, "--output-junit", path, "--timeout", "300", *chosen])


def _escape_character(match: re.Match[str]) -> str:
    """Escape a character for CMake, whose regular expressions know no class but brackets."""
    return f"[{match[0]}]" if match[0] not in "[]^\\" else "."


def _build_meson_command(tests: Sequence[str], path: str) -> str:
    names = [test.rpartition(" / ")[2] for test in tests]
    run = shlex.join(["meson", "test", "-C", _FOLDER, "--no-rebuild", "--print-errorlogs", *names])
    return f"{run}; code=$?; cp {_FOLDER}/meson-logs/testlog.junit.xml {path}; exit $code"


CMAKE = NativeTool(f"cmake --build {_FOLDER}", _build_ctest_command)
MESON = NativeTool(f"ninja -C {_FOLDER}", _build_meson_command)


@dataclass(frozen=True)
class NativeRunner:
    """Compiles, and runs tests by name; satisfies `Runner`."""

    tool: NativeTool

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, names; a file stands for all tests, because nothing tells which it makes; see `Runner`."""
        built = sandbox.run(BY_SCRIPT.wrap_command(self.tool.build), timeout=timeout)
        if built.exit_code:
            return make_build_failure(built, self.tool.build)
        path = make_report_path()
        names = [test for test in tests if not _is_source(test)]
        command = self.tool.test(names if len(names) == len(tests) else (), path)
        finished = sandbox.run(BY_SCRIPT.wrap_command(command), timeout=timeout, environment=BY_SCRIPT.variables)
        content = None if finished.timed_out else read_report(sandbox, path)
        return make_suite_report(finished, command, read_named(content), names, files=False)


@dataclass(frozen=True)
class MakeRunner:
    """Compiles, and runs a target of a Makefile, whole; satisfies `Runner`."""

    target: str
    build: str = ""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run the target; see `Runner`."""
        built = sandbox.run(BY_SCRIPT.wrap_command(self.build), timeout=timeout) if self.build else None
        if built and built.exit_code:
            return make_build_failure(built, self.build)
        names = [test for test in tests if not _is_source(test)]
        command = shlex.join(["make", self.target])
        finished = sandbox.run(
            BY_SCRIPT.wrap_command(f"{command} 2>&1"), timeout=timeout, environment=BY_SCRIPT.variables
        )
        outcomes = _read_outcomes(finished.output)
        report = make_suite_report(finished, command, outcomes, names, files=False)
        if outcomes or finished.timed_out or finished.exit_code >= 128 or _has_compiler_error(finished.output):
            return report
        return make_single_report(finished, command)


def _has_compiler_error(output: str) -> bool:
    return _COMPILER.search(output) is not None


def _read_outcomes(output: str) -> tuple[Outcome, ...]:
    return read_automake(output) or sniff(output)


def _is_source(test: str) -> bool:
    return re.search(r"\.(c|cc|cpp|cxx|h|hpp)$", test) is not None
