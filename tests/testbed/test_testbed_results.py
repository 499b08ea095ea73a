"""What runners print, as they print it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoagent.domain import Status
from repoagent.testbed.results.automake import read_automake
from repoagent.testbed.results.cargo import read_cargo
from repoagent.testbed.results.go import read_go
from repoagent.testbed.results.javascript import read_jest, read_mocha, read_node
from repoagent.testbed.results.junit_names import read_classes, read_named
from repoagent.testbed.results.sniff import sniff
from repoagent.testbed.results.tap import read_tap
from repoagent.testbed.results.unittest_text import read_unittest

P, F, E, S = Status.PASSED, Status.FAILED, Status.ERROR, Status.SKIPPED

UNITTEST = """\
Testing against Django installed in '/work/repo/django'
test_plain (forms_tests.test_a.FormTests) ... ok
test_late (forms_tests.test_a.FormTests.test_late)
What it is for, in words. ... FAIL
test_noisy (forms_tests.test_a.FormTests) ... a print
Warning: more of it
ok
test_gone (forms_tests.test_a.FormTests) ... skipped 'no database'
test_known (forms_tests.test_a.FormTests) ... expected failure
test_broken (forms_tests.test_a.FormTests) ... ERROR
test_parts (forms_tests.test_a.FormTests) ... test_parts (forms_tests.test_a.FormTests) (n=2) ... FAIL
forms_tests.lost (unittest.loader._FailedTest) ... ERROR

======================================================================
ERROR: test_broken (forms_tests.test_a.FormTests)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "/work/repo/tests/forms_tests/test_a.py", line 3, in test_broken
ValueError: no

======================================================================
FAIL: test_late (forms_tests.test_a.FormTests.test_late)
What it is for, in words.
----------------------------------------------------------------------
AssertionError: 1 != 2

======================================================================
FAIL: test_parts (forms_tests.test_a.FormTests) (n=2)
----------------------------------------------------------------------
AssertionError: 2

----------------------------------------------------------------------
Ran 8 tests in 0.012s

FAILED (failures=2, errors=2)
"""


def test_unittest() -> None:
    outcomes = {o.id.rpartition(".")[2]: o for o in read_unittest(UNITTEST)}
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "test_plain": P,
        "test_late": F,
        "test_noisy": P,
        "test_gone": S,
        "test_known": P,
        "test_broken": E,
        "test_parts": F,
        "lost": E,
    }
    assert "ValueError: no" in outcomes["test_broken"].message
    assert outcomes["test_late"].id == "forms_tests.test_a.FormTests.test_late"
    assert outcomes["test_late"].message.endswith("AssertionError: 1 != 2")
    assert not outcomes["test_plain"].message


CARGO = """\
     Running unittests src/lib.rs (target/debug/deps/a-1)

running 3 tests
test math::adds ... ok
test math::fails ... FAILED
test slow ... ignored, takes long

failures:

---- math::fails stdout ----
thread 'math::fails' panicked at src/lib.rs:9:9:
assertion failed: 1 == 2

failures:
    math::fails

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out
   Doc-tests a

running 1 test
test src/lib.rs - add (line 3) ... ok
test result: ok. 1 passed; 0 failed; 0 ignored
"""


def test_cargo() -> None:
    outcomes = read_cargo(CARGO)
    assert [(o.id, o.status) for o in outcomes] == [
        ("src/lib.rs::math::adds", P),
        ("src/lib.rs::math::fails", F),
        ("src/lib.rs::slow", S),
        ("doc a::src/lib.rs - add (line 3)", P),
    ]
    assert "assertion failed: 1 == 2" in outcomes[1].message


GO = """\
{"Time":"2026-01-01T00:00:00Z","Action":"start","Package":"example.com/a"}
{"Time":"2026-01-01T00:00:00Z","Action":"run","Package":"example.com/a","Test":"TestAdd"}
{"Time":"2026","Action":"output","Package":"example.com/a","Test":"TestAdd","Output":"a_test.go:9: got 3\\n"}
{"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/a","Test":"TestAdd","Elapsed":0.5}
{"Time":"2026-01-01T00:00:00Z","Action":"pass","Package":"example.com/a","Test":"TestSub/zero","Elapsed":0}
{"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/a","Elapsed":0.5}
{"ImportPath":"example.com/b","Action":"build-output","Output":"b.go:3:1: syntax error\\n"}
{"Time":"2026-01-01T00:00:00Z","Action":"fail","Package":"example.com/b","Elapsed":0}
not an event
"""


def test_go() -> None:
    outcomes = read_go(GO)
    assert [(o.id, o.status, o.seconds) for o in outcomes] == [
        ("example.com/a.TestAdd", F, 0.5),
        ("example.com/a.TestSub/zero", P, 0.0),
        ("example.com/b", E, 0.0),
    ]
    assert "got 3" in outcomes[0].message
    assert "syntax error" in outcomes[2].message


TAP = """\
TAP version 13
1..5
ok 1 - adds
not ok 2 - subtracts
  ---
  expected: 1
  ...
ok 3 - later # SKIP no network
not ok 4 - some day # TODO
ok 5
"""


def test_tap() -> None:
    outcomes = read_tap(TAP)
    assert [(o.id, o.status) for o in outcomes] == [
        ("adds", P),
        ("subtracts", F),
        ("later", S),
        ("some day", S),
        ("test 5", P),
    ]
    assert "expected: 1" in outcomes[1].message


@pytest.mark.parametrize(("text", "count"), [(UNITTEST, 8), (CARGO, 4), (GO, 3), (TAP, 5), ("all is well", 0)])
def test_the_runner_is_recognised(text: str, count: int) -> None:
    assert len(sniff(text)) == count


def test_a_text_of_two_runners_is_none_s() -> None:
    assert sniff(TAP + CARGO) == ()


@pytest.mark.parametrize("reader", [read_unittest, read_cargo, read_go, read_tap, sniff])
@given(text=st.one_of(st.text(max_size=200), st.sampled_from((UNITTEST, CARGO, GO, TAP)).map(lambda t: t[::2])))
def test_nonsense_is_read_without_complaint(reader: type, text: str) -> None:
    reader(text)


JEST = """{"testResults": [
 {"name": "/work/repo/a.test.js", "status": "failed", "assertionResults": [
  {"ancestorTitles": ["A", "b"], "title": "c", "status": "passed", "duration": 1500},
  {"ancestorTitles": [], "title": "d", "status": "failed", "failureMessages": ["Error: x"]},
  {"ancestorTitles": [], "title": "e", "status": "pending"}]},
 {"name": "/work/repo/gone.test.js", "status": "failed", "message": "Cannot find module", "assertionResults": []}]}"""


def test_jest() -> None:
    outcomes = {o.id: o for o in read_jest(JEST)}
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "a.test.js::A > b > c": P,
        "a.test.js::d": F,
        "a.test.js::e": S,
        "gone.test.js": E,
    }
    assert outcomes["a.test.js::A > b > c"].seconds == 1.5
    assert outcomes["a.test.js::d"].message == "Error: x"


MOCHA = """noise {
{
  "stats": {"tests": 3},
  "tests": [
    {"title": "a", "fullTitle": "S a", "file": "/work/repo/t.js", "duration": 2, "err": {}},
    {"title": "b", "fullTitle": "S b", "file": "/work/repo/t.js", "err": {"message": "no", "stack": "Error: no"}},
    {"title": "c", "fullTitle": "S c", "file": "/work/repo/t.js", "err": {}}],
  "pending": [{"fullTitle": "S c"}],
  "failures": [{"fullTitle": "S \\"before each\\" hook", "file": "/work/repo/t.js", "err": {"message": "hook"}}],
  "passes": []
}"""


def test_mocha() -> None:
    outcomes = {o.id: o.status for o in read_mocha(MOCHA)}
    assert outcomes == {"t.js::S a": P, "t.js::S b": F, "t.js::S c": S, 't.js::S "before each" hook': F}


NODE = """{"file": "t.mjs", "names": ["s", "a"], "status": "pass", "seconds": 0.5, "message": ""}
{"file": "t.mjs", "names": ["b"], "status": "fail", "message": "AssertionError"}
{"file": "t.mjs", "names": ["c"], "status": "todo"}
{"file": "", "names": ["/work/repo/gone.mjs"], "status": "fail", "message": "test failed"}
not json
"""


def test_node() -> None:
    assert {o.id: o.status for o in read_node(NODE)} == {"t.mjs::s > a": P, "t.mjs::b": F, "t.mjs::c": S, "gone.mjs": E}


CTEST = b"""<testsuite tests="4">
<testcase name="a" classname="a" time="0.1" status="run"/>
<testcase name="b" status="fail"><failure message="Failed"/><system-out>b said why</system-out></testcase>
<testcase name="c" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="d" status="disabled"/>
</testsuite>"""


def test_ctest() -> None:
    outcomes = {o.id: o for o in read_named(CTEST)}
    assert {name: outcome.status for name, outcome in outcomes.items()} == {"a": P, "b": F, "c": E, "d": S}
    assert "b said why" in outcomes["b"].message


def test_surefire() -> None:
    case = b'<testcase classname="a.B" name="c" time="0.2"><error>x</error></testcase>'
    content = b"<all><testsuite>" + case + b"</testsuite></all>"
    assert [(o.id, o.status, o.message) for o in read_classes(content)] == [("a.B#c", E, "x")]


def test_cargo_tells_crates_of_a_workspace_apart() -> None:
    text = "".join(
        f"     Running unittests src/lib.rs (target/debug/deps/{name}-0123456789abcdef)\ntest t ... ok\n"
        for name in "ab"
    )
    assert [o.id for o in read_cargo(text, crates=True)] == ["a/src/lib.rs::t", "b/src/lib.rs::t"]


@pytest.mark.parametrize("reader", [read_jest, read_mocha, read_node, read_automake])
@given(text=st.text() | st.sampled_from(["[]", "{}", '{"testResults": 3}', '{"tests": [3, {}]}', '{"names": 3}']))
def test_other_runners_texts_never_stop_the_reader(reader: Callable[[str], object], text: str) -> None:
    reader(text)
