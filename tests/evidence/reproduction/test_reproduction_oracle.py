"""What becomes of issues as people write them, on a small package with known bugs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from repoagent import process
from repoagent.domain import Issue, Oracle, Strength
from repoagent.evidence.reproduction.oracle import judge, reproduce
from repoagent.evidence.reproduction.project import SnippetProject
from repoagent.evidence.reproduction.script import compute_time_limit
from repoagent.sandbox.base import CommandResult

BUGGY = """
import random

class Odd(Exception):
    pass

def size(n):
    return "1000.0 kB" if n == 999999 else f"{n} B"

def add(a, b):
    return a + b + 1

def double(items):
    return [i + i for i in items[1:]]

def lookup(key):
    return {}[key]

def noise():
    return random.random()

def odd(n):
    raise Odd(n)

def singular(word):
    return word[:-1]

def report():
    print("total: 3")
    print("mean: 2")

class Reply:
    def __init__(self, value):
        self.content = value if isinstance(value, bytes) else str(value).encode()
"""

FIXED = """
def size(n):
    return "1.0 MB"

def add(a, b):
    return a + b

def double(items):
    return [i + i for i in items]

def lookup(key):
    return {}.get(key)

def odd(n):
    return n

def singular(word):
    return word

def report():
    print("total: 3")
    print("mean: 1")

class Reply:
    def __init__(self, value):
        self.content = value.encode() if isinstance(value, str) else bytes(value)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., CommandResult]:
    """Runs a script beside the package `calc`, buggy unless told otherwise."""

    def run(script: str, code: str = BUGGY) -> CommandResult:
        (tmp_path / "calc.py").write_text(code)
        command = (sys.executable, "-W", "ignore", "-B", "-c", script)
        done = process.run(command, timeout=30, cwd=tmp_path, check=False)
        return CommandResult(done.exit_code, (done.stdout + done.stderr).decode(), done.seconds)

    return run


def oracle_of(body: str, run: Callable[..., CommandResult], title: str = "Wrong result") -> Oracle:
    return reproduce(Issue(title, body), run, SnippetProject(("calc",)))


STRONG = {
    "values below comments that say what they are": """
Example:
size(999999)
# expected output
'1.0 MB'
# actual output
'1000.0 kB'
""",
    "values below comments in a fence": """
```python
from calc import size
size(999999)
# Expected:
'1.0 MB'
# Actual:
'1000.0 kB'
```
""",
    "looked at without a fence, with what is shown below as comments": """
Replies do not like memory views, it seems:
from calc import Reply
# String content
reply = Reply("My Content")
reply.content
# Out: b'My Content'
# This is correct
# Bytes content
reply = Reply(memoryview(b"My Content"))
reply.content\t\t
# Out: b'<memory at 0x7fcc47ab2648>'
# This is not correct, I am expecting b'My Content'
""",
    "comment with expected and got": """
```python
import calc
print(calc.add(1, 2))  # expected 3, got 4
```
""",
    "comment with unquoted text": """
```python
import calc
print(calc.size(999999))  # should be 1.0 MB
```
""",
    "session with prose below": """
```pycon
>>> from calc import size
>>> size(999999)
'1000.0 kB'
```

I expected `'1.0 MB'`.
""",
    "returns instead of": """
`calc.add(1, 2)` returns `4` instead of `3`.

    >>> calc.add(1, 2)
    4
""",
    "should return but returns": """
```
from calc import add
add(1, 2)
```
This should return 3 but it returns 4.
""",
    "headings and backticks": """
### Steps
```python
from calc import size
size(999999)
```
### Actual behaviour
It returns `1000.0 kB`.
### Expected behaviour
It returns `1.0 MB`.
""",
    "labelled lines": """
```python
from calc import size
print(size(999999))
```
Actual: 1000.0 kB
Expected: 1.0 MB
""",
    "output blocks": """
```python
from calc import report
report()
```
Output:
```
total: 3
mean: 2
```
Expected output:
```
total: 3
mean: 1
```
""",
    "actual and expected sessions": """
Currently:

>>> from calc import double
>>> double([1, 2])
[4]

Expected:

>>> double([1, 2])
[2, 4]
""",
    "only the expected session": """
The documentation says it should give

```
>>> from calc import add
>>> add(1, 2)
3
```
""",
    "expected value that is also an argument": """
```python
from calc import singular
print(singular('glass'))
```
Actual: glas
Expected: glass
""",
    "assertion": """
```python
from calc import add
assert add(1, 2) == 3
```
""",
    "test function that nothing calls": """
```python
from calc import add

def test_add():
    assert add(1, 2) == 3
```
""",
    "comment above": """
```python
import calc

# The sum should be '3' but the answer is 4
print(calc.add(1, 2))
```
""",
    "prose below the block, of several": """
```
>>> from calc import add
>>> add(1, 2)
4
```
instead of the expected `3`. And
```
>>> from calc import singular
>>> singular('glass')
'glas'
```
instead of the expected `glass`.
""",
    "a notebook's cell without prompts": """
```
In [1]: from calc import add
        x = 1
        y = 2

In [2]: add(x, y)
Out[2]: 4
```
It should be `3`.
""",
    "test case": """
```python
import unittest
from calc import add

class AddTests(unittest.TestCase):
    def setUp(self):
        self.one = 1

    def test_add(self):
        self.assertEqual(add(self.one, 2), 3)
```
""",
    "value that is expected, passive": """
```python
>>> calc.add(1, 2)
4
```
`4` is returned while `3` is expected.
""",
}


@pytest.mark.parametrize("body", STRONG.values(), ids=STRONG)
def test_a_known_expected_value_makes_a_strong_oracle(body: str, run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of(body, run)
    assert oracle.strength is Strength.STRONG
    assert judge(oracle, run(oracle.script)) == "failed"
    assert judge(oracle, run(oracle.script, FIXED)) == "passed"


CRASH = {
    "traceback pasted": """
```python
from calc import lookup
lookup("a")
```
```
Traceback (most recent call last):
  File "x.py", line 2, in <module>
    lookup("a")
KeyError: 'a'
```
""",
    "session with the traceback below": """
>>> import calc
>>> calc.lookup("a")
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
KeyError: 'a'
""",
    "named in prose, import missing": """
Calling `lookup` fails with a KeyError:
```python
lookup("a")
```
""",
    "class of the package's own": """
```python
import calc
calc.odd(3)
```
raises `calc.Odd`.
""",
}


@pytest.mark.parametrize("body", CRASH.values(), ids=CRASH)
def test_the_reported_exception_must_be_gone(body: str, run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of(body, run)
    assert oracle.strength is Strength.CRASH
    assert oracle.exception in {"KeyError", "Odd"}
    assert judge(oracle, run(oracle.script)) == "failed"
    assert judge(oracle, run(oracle.script, FIXED)) == "passed"
    for worse in ("def other(): pass", "def lookup(key): raise RuntimeError(key)\ndef odd(n): raise TypeError(n)"):
        assert judge(oracle, run(oracle.script, worse)) == "failed"


def test_another_exception_is_right_where_the_issue_names_it(run: Callable[..., CommandResult]) -> None:
    body = (
        "```\nfrom calc import lookup\nlookup(1)\n```\nA KeyError! It should raise ValueError. It must raise TypeError."
    )
    oracle = oracle_of(body, run)
    assert oracle.strength is Strength.CRASH
    answers = [judge(oracle, run(oracle.script, f"def lookup(k): raise {e}")) for e in ("ValueError", "IndexError")]
    assert answers == ["passed", "failed"]


def test_an_expected_exception_must_be_raised(run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of("```\nfrom calc import add\nadd(1, 2)\n```\nThis should raise a `ValueError`.", run)
    assert (oracle.strength, oracle.exception) == (Strength.STRONG, "ValueError")
    assert judge(oracle, run(oracle.script)) == "failed"
    assert judge(oracle, run(oracle.script, "def add(a, b): raise ValueError(a)")) == "passed"


def test_an_exception_that_should_not_be_raised_is_not_expected(run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of("```\nfrom calc import lookup\nlookup(1)\n```\nIt should not raise KeyError.", run)
    assert oracle.strength is Strength.CRASH


def test_a_wrong_output_alone_is_weak(run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of(">>> from calc import double\n>>> double([1, 2])\n[4]\n\nThe first item is lost.", run)
    assert oracle.strength is Strength.WEAK
    assert oracle.observed == "[4]"
    assert judge(oracle, run(oracle.script)) == "failed"
    assert judge(oracle, run(oracle.script, FIXED)) == "passed"
    assert judge(oracle, run(oracle.script, "def double(items): raise ValueError")) == "failed"


@pytest.mark.parametrize("code", ["def report(): print('a\\n\\nb')", "def report(): print('  a\\n\\nc')"])
def test_a_blank_line_in_a_session_is_an_empty_one(code: str, run: Callable[..., CommandResult]) -> None:
    body = "Expected:\n\n>>> from calc import report\n>>> report()\na\n<BLANKLINE>\nb\n"
    oracle = oracle_of(body, run)
    assert oracle.strength is Strength.STRONG
    assert judge(oracle, run(oracle.script, code)) == ("passed" if "b" in code else "failed")


@pytest.mark.parametrize("shown", ["total: 3\n...\nmean: 1", "...\nmean: 1", "[1, 2, ..., 9]"])
def test_an_output_with_gaps_proves_nothing(shown: str, run: Callable[..., CommandResult]) -> None:
    body = f"Expected:\n\n>>> from calc import report\n>>> report()\n{shown}\n"
    assert oracle_of(body, run).strength is Strength.NONE


def test_two_different_expected_values_are_no_proof(run: Callable[..., CommandResult]) -> None:
    body = ">>> from calc import add\n>>> add(1, 2)\n4\n\nI expected `3`. Someone else expected `5`."
    assert oracle_of(body, run).strength is Strength.WEAK


NONE = {
    "no code": "It is broken.",
    "code that works": "```python\nfrom calc import size\nsize(1)\n```\nSomething is wrong.",
    "an exception that nobody reported": "```python\nfrom calc import lookup\nlookup(1)\n```\nIt is slow.",
    "a name that nobody defines": "```python\nfoo.bar(client)\n```\nNameError is not what I see.",
    "a shown output that does not come up": ">>> from calc import size\n>>> size(5)\n'7 B'\n",
    "python 2": "```python\nprint 1\n```",
    "another language": "```javascript\nconsole.log(1)\n```",
    "an output that differs by itself": "```python\nimport calc\nprint(calc.noise())  # 0.25\n```\nwrong",
    "a diff": "```diff\n-a\n+b\n```",
}


@pytest.mark.parametrize("body", NONE.values(), ids=NONE)
def test_what_does_not_show_the_bug_is_no_oracle(body: str, run: Callable[..., CommandResult]) -> None:
    assert oracle_of(body, run).strength is Strength.NONE


def test_the_strongest_of_several_snippets_wins(run: Callable[..., CommandResult]) -> None:
    crash = "```python\nfrom calc import lookup\nlookup(1)\n```\nKeyError!\n"
    oracle = oracle_of(crash + STRONG["assertion"], run)
    assert oracle.strength is Strength.STRONG
    assert oracle.source == "code block 2 of the issue"


def test_a_later_block_may_use_what_an_earlier_one_defines(run: Callable[..., CommandResult]) -> None:
    body = "```python\nfrom calc import add\nx = 2\n```\nthen\n```python\nassert add(x, x) == 4\n```"
    assert oracle_of(body, run).strength is Strength.STRONG


def test_nothing_ran_is_never_success(run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of(STRONG["assertion"], run)
    assert judge(oracle, CommandResult(0, "", 0.1)) == "unknown"
    assert judge(oracle, CommandResult(0, "=== repoagent: begin ===\n", 0.1)) == "failed"


@pytest.mark.parametrize("kind", ["timeout", "signal"])
def test_a_run_that_hangs_or_dies_fails(kind: str, run: Callable[..., CommandResult]) -> None:
    oracle = oracle_of(CRASH["traceback pasted"], run)
    output = run(oracle.script, FIXED).output
    assert (
        judge(oracle, CommandResult(137 if kind == "signal" else 0, output, 30, timed_out=kind == "timeout"))
        == "failed"
    )


LONG = {
    "backticks": "`" * 60_000,
    "quotes": "should be '" * 6000,
    "comment": f"```\nx = 1 # {'a ' * 9000}# b\n```",
    "blank comment": f"```\nx = 1 #{' ' * 19_000}a\n```" * 4,
    "blank lines": "\n" * 60_000,
    "equal statements": "Expected:\n```\n" + ">>> f(1)\n2\n" * 1500 + "```\n>>> f(1)\n",
    "fences": "```\n" * 15_000,
    "prompts": ">>> x\n" * 9000,
    "labels": "Expected " * 7000 + ":",
    "words": "expected to see " * 4000,
    "packages": "calc" + ".calc" * 15_000 + "\n```\nf(1)\n```",
    "dots": "calc" + ".a" * 20_000 + "\n```\nf(1)\n```",
}


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
@pytest.mark.timeout(20)
def test_a_long_issue_takes_no_long_time(body: str) -> None:
    found = reproduce(Issue("x", body), lambda _script: CommandResult(0, "", 0.1), SnippetProject(("calc",)))
    assert found.strength is Strength.NONE


def test_hostile_nesting_is_no_code(run: Callable[..., CommandResult]) -> None:
    body = "```python\n" + "(" * 9000 + ")" * 9000 + "\n```"
    assert oracle_of(body, run).strength is Strength.NONE


@pytest.mark.parametrize(
    ("took", "timed_out", "seconds"), [(0.2, False, 6.0), (3.0, False, 20.0), (29.0, False, 30.0), (10.0, True, 10.0)]
)
def test_changed_code_may_take_some_times_what_the_untouched_code_took(
    took: float, timed_out: bool, seconds: float
) -> None:
    assert compute_time_limit(CommandResult(0, "", took, timed_out=timed_out)) == pytest.approx(seconds)
