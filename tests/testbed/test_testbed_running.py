"""The runners of other languages than Python: what they are asked, and that nothing but passed tests is success."""

from __future__ import annotations

import json
import shlex
from collections.abc import MutableMapping, Sequence
from pathlib import Path

import pytest

from repoagent.domain import Ending, Report, Status
from repoagent.sandbox.base import CommandResult, Environment
from repoagent.sandbox.fake import FakeEngine, PlayedCommand
from repoagent.testbed.running.base import SuiteRunner
from repoagent.testbed.running.cargo import CargoRunner
from repoagent.testbed.running.go import GoRunner
from repoagent.testbed.running.maven import MavenRunner
from repoagent.testbed.running.native import CMAKE, MESON, MakeRunner, NativeRunner
from repoagent.testbed.running.node import NodeRunner

ENVIRONMENT = Environment("key", "fake:key")


def playing(
    exit_code: int, output: str = "", report: str = "", *, build: int = 0, timed_out: bool = False
) -> PlayedCommand:
    """Plays a build and then a runner, which writes `report` where its command names a file for it."""

    def answer(command: Sequence[str], files: MutableMapping[str, bytes]) -> CommandResult:
        if command[0] == "stat":
            return CommandResult(0, str(len(files.get(command[-1], b""))), 0.0)
        script = command[-1].partition("enter.sh && ")[2]
        if script.startswith(("cmake --build", "ninja", "make -j", "npm run build")):
            return CommandResult(build, "a.c:1:1: error: no", 0.1)
        words = script.replace("=", " ").replace(">", " ").replace(";", " ").split()
        path = next((word for word in words if word.startswith("/tmp/repoagent-")), "")
        if path and report:
            files[path] = report.encode()
        return CommandResult(exit_code, output, 0.5, timed_out)

    return answer


def run(runner: SuiteRunner, answer: PlayedCommand, tests: Sequence[str] = ()) -> tuple[Report, list[str]]:
    engine = FakeEngine(answer)
    with engine.open(ENVIRONMENT, Path(__file__).parent / "nowhere") as sandbox:
        report = runner.run(sandbox, tests, 5.0)
    return report, [asked.command[-1].partition("enter.sh && ")[2] for asked in engine.commands]


def jest(**tests: str) -> str:
    results = [{"title": name, "ancestorTitles": ["all"], "status": status} for name, status in tests.items()]
    return json.dumps({"testResults": [{"name": "/work/repo/a.test.js", "status": "x", "assertionResults": results}]})


def junit(**tests: str) -> str:
    cases = "".join(f'<testcase classname="a.B" name="{name}">{inside}</testcase>' for name, inside in tests.items())
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


GO = '{"Action":"pass","Package":"a","Test":"TestX"}\n'
GO_BAD = '{"Action":"fail","Package":"a","Test":"TestX"}\n'
CARGO = "     Running unittests src/lib.rs (target/debug/deps/a-0123456789abcdef)\ntest x ... ok\n"
NODE = NodeRunner("jest", "jest")
BUILT = NodeRunner("jest", "jest", rebuild="npm run build")

ENDINGS: list[tuple[SuiteRunner, PlayedCommand, Ending]] = [
    (NODE, playing(0, report=jest(a="passed")), Ending.COMPLETED),
    (NODE, playing(1, report=jest(a="passed", b="failed")), Ending.COMPLETED),
    (NODE, playing(1, report=jest(a="passed")), Ending.CRASHED),
    (NODE, playing(0, report=jest(a="failed")), Ending.CRASHED),
    (NODE, playing(0, report='{"testResults": []}'), Ending.NOT_COLLECTED),
    (NODE, playing(137), Ending.CRASHED),
    (NODE, playing(1, timed_out=True), Ending.TIMED_OUT),
    (BUILT, playing(0, report=jest(a="passed"), build=2), Ending.NOT_BUILT),
    (GoRunner(), playing(0, GO), Ending.COMPLETED),
    (GoRunner(), playing(1, GO_BAD), Ending.COMPLETED),
    (GoRunner(), playing(0, '{"Action":"pass","Package":"a"}'), Ending.NOT_COLLECTED),
    (GoRunner(), playing(1, "go: no such tool"), Ending.CRASHED),
    (CargoRunner(), playing(0, CARGO), Ending.COMPLETED),
    (CargoRunner(), playing(101, "error[E0425]: cannot find value\nerror: could not compile `a`"), Ending.NOT_BUILT),
    (CargoRunner(), playing(101, CARGO), Ending.CRASHED),
    (MavenRunner(), playing(0, report=junit(x="")), Ending.COMPLETED),
    (MavenRunner(), playing(1, "[ERROR] COMPILATION ERROR : \n"), Ending.NOT_BUILT),
    (MavenRunner(), playing(1, "[ERROR] no such plugin"), Ending.CRASHED),
    (NativeRunner(CMAKE), playing(0, report=junit(x="")), Ending.COMPLETED),
    (NativeRunner(CMAKE), playing(8, report=junit(x="<failure/>")), Ending.COMPLETED),
    (NativeRunner(CMAKE), playing(0, build=1), Ending.NOT_BUILT),
    (NativeRunner(CMAKE), playing(0, report="<!DOCTYPE a><testsuite/>"), Ending.NOT_COLLECTED),
    (NativeRunner(MESON), playing(0, report=junit(x=""), build=1), Ending.NOT_BUILT),
    (MakeRunner("check", "make -j2"), playing(0, build=2), Ending.NOT_BUILT),
    (MakeRunner("check"), playing(2, "a.c:3:4: error: expected ';'\nmake: *** [a.o] Error 1"), Ending.NOT_BUILT),
    (MakeRunner("check"), playing(139, ""), Ending.CRASHED),
    (MakeRunner("check"), playing(0, "PASS: a\nXFAIL: b\nSKIP: c\n# TOTAL: 3\n"), Ending.COMPLETED),
]


@pytest.mark.parametrize(("runner", "answer", "ending"), ENDINGS)
def test_only_a_run_whose_exit_code_agrees_with_its_tests_is_complete(
    runner: SuiteRunner, answer: PlayedCommand, ending: Ending
) -> None:
    report, _ = run(runner, answer)
    assert report.ending is ending
    assert report.ending is not Ending.NOT_BUILT or not report.outcomes


def test_a_make_target_that_tells_nothing_is_one_test() -> None:
    report, _ = run(MakeRunner("check"), playing(2, "make: *** [check] Error 1"))
    assert [(o.id, o.status) for o in report.outcomes] == [("make check", Status.FAILED)]


def test_what_was_not_asked_for_is_left_out_and_nothing_left_is_no_success() -> None:
    answer = playing(1, report=jest(a="passed", b="failed"))
    report, _ = run(NODE, answer, ["a.test.js::all > a"])
    assert (report.ending, {o.id for o in report.outcomes}) == (Ending.COMPLETED, {"a.test.js::all > a"})
    report, _ = run(NODE, answer, ["a.test.js::all > c"])
    assert report.ending is Ending.NOT_COLLECTED


def test_a_runner_that_names_no_files_is_believed_on_those_it_was_given() -> None:
    text = '{\n  "stats": {}, "tests": [{"fullTitle": "S a", "err": {}}]}'
    report, _ = run(NodeRunner("mocha", "mocha"), playing(0, report=text), ["test.js"])
    assert (report.ending, set(report.passed)) == (Ending.COMPLETED, {"S a"})


COMMANDS: list[tuple[SuiteRunner, list[str], str]] = [
    (NODE, ["a.js::x > y (1)"], r"-t '^(x( > | )y \(1\))$' --runTestsByPath a.js"),
    (NODE, ["a.js"], "--coverage=false --runTestsByPath a.js"),
    (NodeRunner("vitest", "vitest run --coverage"), ["a.ts::b"], "-t '^(b)$' a.ts"),
    (NodeRunner("vitest", "vitest"), [], "vitest --run --reporter=json"),
    (NodeRunner("mocha", "mocha -R dot 'test/**'"), ["test/a.js::b"], "--grep '^(b)$'"),
    (NodeRunner("mocha", "mocha"), ["test/a.js"], " test/a.js"),
    (NodeRunner("ava", "ava --verbose"), ["test.js"], "ava --tap test.js"),
    (NodeRunner("node --test", "TZ=UTC node --test test/"), ["test/a.js::b"], "TZ=UTC node --test-reporter="),
    (NodeRunner("node --test", "node --test 'test/*.js'"), ["test/a.js::b"], " --test test/a.js"),
    (GoRunner(), [], "-count=1 ./..."),
    (GoRunner(), ["in/a_test.go", "b_test.go"], "-count=1 ./in ./"),
    (GoRunner(), ["x.y/z.TestA/sub.1", "x.y/z.TestB"], "-run '^(TestA|TestB)$' x.y/z"),
    (CargoRunner(), ["src/lib.rs::a::b", "tests/c.rs::d"], "-- --exact a::b d"),
    (CargoRunner(), ["tests/c.rs"], "--no-fail-fast --test c"),
    (CargoRunner(), ["src/lib.rs"], "--no-fail-fast"),
    (MavenRunner(), ["src/test/java/a/BTest.java", "a.CTest#m(int)[1]"], "-Dtest=a.BTest,a.CTest#m"),
    (NativeRunner(CMAKE), ["a.b+c"], "-R '^(a[.]b[+]c)$'"),
    (NativeRunner(CMAKE), ["tests/a.c"], "--timeout 300"),
    (NativeRunner(MESON), ["suite / one"], "--print-errorlogs one"),
]


@pytest.mark.parametrize(("runner", "tests", "part"), COMMANDS)
def test_a_runner_is_asked_for_what_is_wanted(runner: SuiteRunner, tests: list[str], part: str) -> None:
    _, asked = run(runner, playing(1), tests)
    assert any(part in command for command in asked), asked


def test_names_do_not_get_into_the_shell() -> None:
    evil = "a.test.js::$(touch /tmp/x); `id` '"
    for runner in (NODE, NodeRunner("mocha", "mocha"), GoRunner(), CargoRunner(), MavenRunner(), NativeRunner(CMAKE)):
        _, asked = run(runner, playing(1), [evil])
        assert not any(word in {"/tmp/x);", "`id`"} for command in asked for word in shlex.split(command)), asked
