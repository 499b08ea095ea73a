"""The runners of other languages than Python: what they are asked, and that nothing but passed tests is success."""

from __future__ import annotations

import json
import shlex
from collections.abc import MutableMapping, Sequence
from pathlib import Path

import pytest

from repoagent.domain import Ending, Report, Status
from repoagent.sandbox.base import Environment, Finished
from repoagent.sandbox.fake import Answer, FakeEngine
from repoagent.testbed.running.base import Runner
from repoagent.testbed.running.cargo import Cargo
from repoagent.testbed.running.go import Go
from repoagent.testbed.running.maven import Maven
from repoagent.testbed.running.native import CMAKE, MESON, Built, Make
from repoagent.testbed.running.node import Node

ENVIRONMENT = Environment("key", "fake:key")


def playing(exit_code: int, output: str = "", report: str = "", *, build: int = 0, timed_out: bool = False) -> Answer:
    """Plays a build and then a runner, which writes `report` where its command names a file for it."""

    def answer(command: Sequence[str], files: MutableMapping[str, bytes]) -> Finished:
        if command[0] == "stat":
            return Finished(0, str(len(files.get(command[-1], b""))), 0.0)
        script = command[-1].partition("enter.sh && ")[2]
        if script.startswith(("cmake --build", "ninja", "make -j", "npm run build")):
            return Finished(build, "a.c:1:1: error: no", 0.1)
        words = script.replace("=", " ").replace(">", " ").replace(";", " ").split()
        path = next((word for word in words if word.startswith("/tmp/repoagent-")), "")
        if path and report:
            files[path] = report.encode()
        return Finished(exit_code, output, 0.5, timed_out)

    return answer


def run(runner: Runner, answer: Answer, tests: Sequence[str] = ()) -> tuple[Report, list[str]]:
    engine = FakeEngine(answer)
    with engine.open(ENVIRONMENT, Path(__file__).parent / "nowhere") as sandbox:
        report = runner.run(sandbox, tests, 5.0)
    return report, [asked.command[-1].partition("enter.sh && ")[2] for asked in engine.asked]


def jest(**tests: str) -> str:
    results = [{"title": name, "ancestorTitles": ["all"], "status": status} for name, status in tests.items()]
    return json.dumps({"testResults": [{"name": "/work/repo/a.test.js", "status": "x", "assertionResults": results}]})


def junit(**tests: str) -> str:
    cases = "".join(f'<testcase classname="a.B" name="{name}">{inside}</testcase>' for name, inside in tests.items())
    return f"<testsuites><testsuite>{cases}</testsuite></testsuites>"


GO = '{"Action":"pass","Package":"a","Test":"TestX"}\n'
GO_BAD = '{"Action":"fail","Package":"a","Test":"TestX"}\n'
CARGO = "     Running unittests src/lib.rs (target/debug/deps/a-0123456789abcdef)\ntest x ... ok\n"
NODE = Node("jest", "jest")
BUILT = Node("jest", "jest", rebuild="npm run build")

ENDINGS: list[tuple[Runner, Answer, Ending]] = [
    (NODE, playing(0, report=jest(a="passed")), Ending.COMPLETED),
    (NODE, playing(1, report=jest(a="passed", b="failed")), Ending.COMPLETED),
    (NODE, playing(1, report=jest(a="passed")), Ending.CRASHED),
    (NODE, playing(0, report=jest(a="failed")), Ending.CRASHED),
    (NODE, playing(0, report='{"testResults": []}'), Ending.NOT_COLLECTED),
    (NODE, playing(137), Ending.CRASHED),
    (NODE, playing(1, timed_out=True), Ending.TIMED_OUT),
    (BUILT, playing(0, report=jest(a="passed"), build=2), Ending.NOT_BUILT),
    (Go(), playing(0, GO), Ending.COMPLETED),
    (Go(), playing(1, GO_BAD), Ending.COMPLETED),
    (Go(), playing(0, '{"Action":"pass","Package":"a"}'), Ending.NOT_COLLECTED),
    (Go(), playing(1, "go: no such tool"), Ending.CRASHED),
    (Cargo(), playing(0, CARGO), Ending.COMPLETED),
    (Cargo(), playing(101, "error[E0425]: cannot find value\nerror: could not compile `a`"), Ending.NOT_BUILT),
    (Cargo(), playing(101, CARGO), Ending.CRASHED),
    (Maven(), playing(0, report=junit(x="")), Ending.COMPLETED),
    (Maven(), playing(1, "[ERROR] COMPILATION ERROR : \n"), Ending.NOT_BUILT),
    (Maven(), playing(1, "[ERROR] no such plugin"), Ending.CRASHED),
    (Built(CMAKE), playing(0, report=junit(x="")), Ending.COMPLETED),
    (Built(CMAKE), playing(8, report=junit(x="<failure/>")), Ending.COMPLETED),
    (Built(CMAKE), playing(0, build=1), Ending.NOT_BUILT),
    (Built(CMAKE), playing(0, report="<!DOCTYPE a><testsuite/>"), Ending.NOT_COLLECTED),
    (Built(MESON), playing(0, report=junit(x=""), build=1), Ending.NOT_BUILT),
    (Make("check", "make -j2"), playing(0, build=2), Ending.NOT_BUILT),
    (Make("check"), playing(2, "a.c:3:4: error: expected ';'\nmake: *** [a.o] Error 1"), Ending.NOT_BUILT),
    (Make("check"), playing(139, ""), Ending.CRASHED),
    (Make("check"), playing(0, "PASS: a\nXFAIL: b\nSKIP: c\n# TOTAL: 3\n"), Ending.COMPLETED),
]


@pytest.mark.parametrize(("runner", "answer", "ending"), ENDINGS)
def test_only_a_run_whose_exit_code_agrees_with_its_tests_is_complete(
    runner: Runner, answer: Answer, ending: Ending
) -> None:
    report, _ = run(runner, answer)
    assert report.ending is ending
    assert report.ending is not Ending.NOT_BUILT or not report.outcomes


def test_a_make_target_that_tells_nothing_is_one_test() -> None:
    report, _ = run(Make("check"), playing(2, "make: *** [check] Error 1"))
    assert [(o.id, o.status) for o in report.outcomes] == [("make check", Status.FAILED)]


def test_what_was_not_asked_for_is_left_out_and_nothing_left_is_no_success() -> None:
    answer = playing(1, report=jest(a="passed", b="failed"))
    report, _ = run(NODE, answer, ["a.test.js::all > a"])
    assert (report.ending, {o.id for o in report.outcomes}) == (Ending.COMPLETED, {"a.test.js::all > a"})
    report, _ = run(NODE, answer, ["a.test.js::all > c"])
    assert report.ending is Ending.NOT_COLLECTED


def test_a_runner_that_names_no_files_is_believed_on_those_it_was_given() -> None:
    text = '{\n  "stats": {}, "tests": [{"fullTitle": "S a", "err": {}}]}'
    report, _ = run(Node("mocha", "mocha"), playing(0, report=text), ["test.js"])
    assert (report.ending, set(report.passed)) == (Ending.COMPLETED, {"S a"})


COMMANDS: list[tuple[Runner, list[str], str]] = [
    (NODE, ["a.js::x > y (1)"], r"-t '^(x( > | )y \(1\))$' --runTestsByPath a.js"),
    (NODE, ["a.js"], "--coverage=false --runTestsByPath a.js"),
    (Node("vitest", "vitest run --coverage"), ["a.ts::b"], "-t '^(b)$' a.ts"),
    (Node("vitest", "vitest"), [], "vitest --run --reporter=json"),
    (Node("mocha", "mocha -R dot 'test/**'"), ["test/a.js::b"], "--grep '^(b)$'"),
    (Node("mocha", "mocha"), ["test/a.js"], " test/a.js"),
    (Node("ava", "ava --verbose"), ["test.js"], "ava --tap test.js"),
    (Node("node --test", "TZ=UTC node --test test/"), ["test/a.js::b"], "TZ=UTC node --test-reporter="),
    (Node("node --test", "node --test 'test/*.js'"), ["test/a.js::b"], " --test test/a.js"),
    (Go(), [], "-count=1 ./..."),
    (Go(), ["in/a_test.go", "b_test.go"], "-count=1 ./in ./"),
    (Go(), ["x.y/z.TestA/sub.1", "x.y/z.TestB"], "-run '^(TestA|TestB)$' x.y/z"),
    (Cargo(), ["src/lib.rs::a::b", "tests/c.rs::d"], "-- --exact a::b d"),
    (Cargo(), ["tests/c.rs"], "--no-fail-fast --test c"),
    (Cargo(), ["src/lib.rs"], "--no-fail-fast"),
    (Maven(), ["src/test/java/a/BTest.java", "a.CTest#m(int)[1]"], "-Dtest=a.BTest,a.CTest#m"),
    (Built(CMAKE), ["a.b+c"], "-R '^(a[.]b[+]c)$'"),
    (Built(CMAKE), ["tests/a.c"], "--timeout 300"),
    (Built(MESON), ["suite / one"], "--print-errorlogs one"),
]


@pytest.mark.parametrize(("runner", "tests", "part"), COMMANDS)
def test_a_runner_is_asked_for_what_is_wanted(runner: Runner, tests: list[str], part: str) -> None:
    _, asked = run(runner, playing(1), tests)
    assert any(part in command for command in asked), asked


def test_names_do_not_get_into_the_shell() -> None:
    evil = "a.test.js::$(touch /tmp/x); `id` '"
    for runner in (NODE, Node("mocha", "mocha"), Go(), Cargo(), Maven(), Built(CMAKE)):
        _, asked = run(runner, playing(1), [evil])
        assert not any(word in {"/tmp/x);", "`id`"} for command in asked for word in shlex.split(command)), asked
