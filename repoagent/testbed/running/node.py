"""Run tests by one of JavaScript's runners, with the options that the project's own script gives it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repoagent.domain import Outcome, Report
from repoagent.sandbox.base import ENVIRONMENT, Sandbox
from repoagent.testbed.results.javascript import BETWEEN, read_jest, read_mocha, read_node
from repoagent.testbed.results.tap import read_tap
from repoagent.testbed.running.base import BY_SCRIPT, make_build_failure, make_suite_report
from repoagent.testbed.running.reports import make_report_path, read_report

KINDS = ("jest", "vitest", "mocha", "ava", "node --test")

_DROPPED = re.compile(
    r" (--watch(All)?(=\S+)?|--coverage(\.\S+)?(=\S+)?|--bail(=\S+)?|-b|--ui|--inspect\S*|--update-snapshots?|-u"
    r"|--(test-)?reporters?(-options?|-destination)?[= ]\S+|-R \S+|--silent|--verbose|--fail-zero|--forbid-only)(?= |$)"
)
"""Options of a script for people, and those that end a run early or need another package."""
_MAX_NAMES = 60
_SPECIAL = re.compile(r"[.*+?^${}()|[\]\\/]")


@dataclass(frozen=True)
class NodeRunner:
    """Runs jest, vitest, mocha, ava or `node --test`; satisfies `Runner`."""

    kind: str
    command: str
    """The project's own, of one program."""
    files: tuple[str, ...] = ()
    rebuild: str = ""
    """Shell command after which the tests see an edit; empty where they see it at once."""

    def run(self, sandbox: Sandbox, tests: Sequence[str], timeout: float) -> Report:
        """Run `tests`, files or `file::suite > test`; see `Runner`."""
        if self.rebuild:
            built = sandbox.run(BY_SCRIPT.wrap_command(self.rebuild), timeout=timeout)
            if built.exit_code:
                return make_build_failure(built, self.rebuild)
        path = make_report_path("json")
        command = _COMMANDS[self.kind](_DROPPED.sub("", self.command), tests, path)
        finished = sandbox.run(BY_SCRIPT.wrap_command(command), timeout=timeout, environment=BY_SCRIPT.variables)
        content = None if finished.timed_out else read_report(sandbox, path)
        text = content.decode("utf-8", "replace") if content else finished.output
        outcomes = _READERS[self.kind](text)
        # Neither ava nor an old mocha says in which file a test is.
        return make_suite_report(
            finished, command, outcomes, tests, files=any("::" in o.id for o in outcomes) or not outcomes
        )


def _build_jest_command(command: str, tests: Sequence[str], path: str) -> str:
    chosen = [*_select_names(tests), *(["--runTestsByPath", *_list_files(tests)] if tests else [])]
    return f"{command} {shlex.join(['--ci', '--json', f'--outputFile={path}', '--coverage=false', *chosen])}"


def _build_vitest_command(command: str, tests: Sequence[str], path: str) -> str:
    once = [] if re.search(r" (run|--run)( |$)", f"{command} ") else ["--run"]
    options = [*once, "--reporter=json", f"--outputFile={path}", "--coverage.enabled=false", *_select_names(tests)]
    return f"{command} {shlex.join([*options, *_list_files(tests)])}"


def _build_mocha_command(command: str, tests: Sequence[str], path: str) -> str:
    # The project's own list of files stays: set-up files may be among them. What is not asked for is left out later.
    names = [test.partition("::")[2] for test in tests]
    grep = ["--grep", _build_pattern(names)] if names and all(names) and len(names) <= _MAX_NAMES else []
    given = [] if _has_specs(command) else _list_files(tests)
    return f"{command} {shlex.join(['--reporter', 'json', '--reporter-options', f'output={path}', *grep, *given])}"


def _has_specs(command: str) -> bool:
    return any(
        not word.startswith("-") and re.search(r"[*/]|\.[cm]?[jt]sx?$", word) for word in shlex.split(command)[1:]
    )


def _build_ava_command(command: str, tests: Sequence[str], path: str) -> str:  # noqa: ARG001 - it prints its report
    return f"{command} {shlex.join(['--tap', *(test for test in tests if '/' in test or '.' in test)])}"


def _build_node_command(command: str, tests: Sequence[str], path: str) -> str:
    """Build Node's own command: options before files; all tests of a file run, as names are matched level by level."""
    options = [f"--test-reporter={ENVIRONMENT}/reporter.mjs", f"--test-reporter-destination={path}"]
    before, _, after = f" {command} ".partition(" node ")
    kept = [word for word in shlex.split(after) if not tests or word.startswith("-") or not _is_file(word)]
    return f"{before} node {shlex.join([*options, *kept, *_list_files(tests)])}".strip()


def _is_file(word: str) -> bool:
    return "*" in word or "/" in word or bool(re.search(r"\.[cm]?[jt]s$", word)) or word in {"test", "tests"}


def _list_files(tests: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))


def _select_names(tests: Sequence[str]) -> list[str]:
    names = [test.partition("::")[2] for test in tests]
    return ["-t", _build_pattern(names)] if names and all(names) and len(names) <= _MAX_NAMES else []


def _build_pattern(names: Sequence[str]) -> str:
    """Build a regular expression for the full names, in which runners put a space between a suite and its test."""
    spelled = (
        re.sub(r"[.*+?^${}()|[\]\\/]", r"\\\g<0>", name).replace(BETWEEN, "( > | )") for name in dict.fromkeys(names)
    )
    return f"^({'|'.join(spelled)})$"


_COMMANDS: dict[str, Callable[[str, Sequence[str], str], str]] = {
    "jest": _build_jest_command,
    "vitest": _build_vitest_command,
    "mocha": _build_mocha_command,
    "ava": _build_ava_command,
    "node --test": _build_node_command,
}
_READERS: dict[str, Callable[[str], tuple[Outcome, ...]]] = {
    "jest": read_jest,
    "vitest": read_jest,
    "mocha": read_mocha,
    "ava": read_tap,
    "node --test": read_node,
}
