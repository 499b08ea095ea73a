from __future__ import annotations

import ast
from dataclasses import replace

import pytest

from repoagent.domain import Issue, Location, Spec
from repoagent.edits import EditRefused
from repoagent.generators import DraftTask
from repoagent.generators.mutation import generate_mutants
from repoagent.generators.mutation.search import propose_mutants
from repoagent.languages.python.fingerprint import ast_fingerprint


def located(source: str, name: str = "f", **changes: object) -> Location:
    found = Location("m.py", name, 1, source.count("\n"))
    return replace(found, **changes)  # type: ignore[arg-type]  # fields of a location


def reached(source: str, wanted: str, text: str = "", name: str = "f") -> str:
    """The pattern of the mutant that means what is wanted; empty without one."""
    found = generate_mutants(source, located(source, name), text, 3000)
    return next((m.pattern for m in found if ast_fingerprint(m.apply(source)) == ast_fingerprint(wanted)), "")


FIXES = {
    "comparison": ("def f(a):\n    return a < 2\n", "a < 2", "a <= 2"),
    "identity": ("def f(a):\n    return a is 2\n", "a is 2", "a == 2"),
    "membership": ("def f(a, b):\n    return a not in b\n", "not in", "in"),
    "arithmetic": ("def f(a, b):\n    return a / b\n", "a / b", "a // b"),
    "bitwise": ("def f(n):\n    while n:\n        n ^= n - 1\n    return n\n", "^=", "&="),
    "boolean": ("def f(a, b):\n    return a and b\n", "a and b", "a or b"),
    "negated": ("def f(a):\n    if a:\n        return 1\n    return 2\n", "if a", "if not a"),
    "operand dropped": ("def f(a, b):\n    return a + b - 1\n", "a + b - 1", "a + b"),
    "middle operand dropped": ("def f(a, b, c):\n    return a + b + c\n", "a + b + c", "a + c"),
    "operands swapped": ("def f(a, b):\n    return a - b\n", "a - b", "b - a"),
    "branches of an expression": ("def f(a):\n    return 1 if a else 2\n", "1 if a else 2", "2 if a else 1"),
    "number": ("def f(a):\n    x = 0\n    return x * a\n", "x = 0", "x = 1"),
    "truth": ("def f(a):\n    return a.g(True)\n", "True", "False"),
    "polarity": ("def f(a):\n    if a:\n        return True\n    return False\n", "", ""),
    "separator": ("def f(a):\n    return ' '.join(a)\n", "' '", "''"),
    "half a string": ("def f(a):\n    return a + '__'\n", "'__'", "'_'"),
    "element": ("def f(a):\n    return a in (1, 2, 3)\n", "(1, 2, 3)", "(1, 3)"),
    "variable": ("def f(a, b):\n    return a + a\n", "a + a", "a + b"),
    "target": ("def f(a):\n    x = y = 0\n    x += a\n    return y\n", "x += a", "y += a"),
    "what is compared is kept": (
        "def f(a, b, k):\n    a[k, 0] = min(b[k], b[0])\n    return b\n",
        "a[k, 0] =",
        "b[k] =",
    ),
    "targets exchanged": ("def f(a):\n    x, y = a\n    return x - y * 2\n", "x, y = a", "y, x = a"),
    "elsewhere": ("def f(a):\n    n = len(a)\n    return sum(a) / n + g(a) / n\n", "g(a) / n", "g(a) / len(a)"),
    "attribute": ("def f(a):\n    return a.lower()\n", "lower", "upper"),
    "function": ("def f(a):\n    return max(a)\n", "max", "min"),
    "argument added": ("def f(a, b):\n    return g(a)\n", "g(a)", "g(a, b)"),
    "argument dropped": ("def f(a, b):\n    return g(a, b)\n", "g(a, b)", "g(a)"),
    "arguments swapped": ("def f(a, b):\n    return f(b, a)\n", "f(b, a)", "f(a, b)"),
    "reverse": ("def f(a):\n    return sorted(a)\n", "sorted(a)", "sorted(a, reverse=True)"),
    "call around": ("def f(a, b):\n    return a - b\n", "a - b", "abs(a - b)"),
    "both sides": ("def f(a, b):\n    return a == b\n", "a == b", "set(a) == set(b)"),
    "method added": ("def f(a):\n    return set(a)\n", "set(a)", "set(a.lower())"),
    "copied": ("def f(a):\n    b = a\n    return b\n", "b = a", "b = a.copy()"),
    "call removed": ("def f(a):\n    return sorted(list(a))\n", "sorted(list(a))", "list(a)"),
    "range": ("def f(n):\n    return range(n)\n", "range(n)", "range(n + 1)"),
    "index": ("def f(a):\n    return a[0]\n", "a[0]", "a[-1]"),
    "slice": ("def f(a, i):\n    return a[:i]\n", "a[:i]", "a[:i + 1]"),
    "part": ("def f(a, k):\n    return sum(x for x in a[k])\n", "a[k]", "a"),
    "cut": ("def f(a):\n    return g(a)\n", "g(a)", "g(a[1:])"),
    "stronger": ("def f(a, b):\n    while a:\n        a = g(b)\n", "while a", "while a and b"),
    "filter": ("def f(a):\n    return [x for x in a]\n", "in a]", "in a if x > 0]"),
    "weaker": ("def f(a, b):\n    if a:\n        return b\n", "if a", "if a or b"),
    "condition": ("def f(q):\n    while True:\n        q.pop()\n", "while True", "while q"),
    "is None": ("def f(a):\n    if not a:\n        return 1\n    return 2\n", "not a", "a is None"),
    "more classes": ("def f(a):\n    return isinstance(a, int)\n", "int)", "(int, float))"),
    "exception": (
        "def f(a):\n    try:\n        return a[0]\n    except KeyError:\n        return 1\n",
        "KeyError",
        "(KeyError, IndexError)",
    ),
    "deleted": ("def f(a):\n    a = 1\n    a = 2\n    return a\n", "    a = 2\n", ""),
    "swapped": (
        "def f(a, b):\n    a = b\n    b = a\n    return a\n",
        "    a = b\n    b = a\n",
        "    b = a\n    a = b\n",
    ),
    "return in a loop": (
        "def f(a):\n    for x in a:\n        g(x)\n        return x\n",
        "        return x",
        "    return x",
    ),
    "returned expression": ("def f(a):\n    g(a)\n", "g(a)", "return g(a)"),
    "break": ("def f(a):\n    for x in a:\n        if x:\n            break\n    return a\n", "break", "continue"),
    "step": ("def f(n):\n    while n:\n        g(n)\n", "g(n)\n", "g(n)\n        n -= 1\n"),
    "outer and last operand": ("def f(a, b, c):\n    return a ** b * c\n", "a ** b * c", "a ** c"),
    "quoted": ("def f(text):\n    return g('text')\n", "'text'", "text.encode()"),
    "endless": ("def f(n):\n    while n > 1:\n        g(n)\n", "g(n)\n", "g(n)\n        n //= 2\n"),
    "operand added": ("def f(a, k):\n    n = len(a)\n    return f(a, k) + n\n", "(a, k) +", "(a, k - n) +"),
    "none checked": (
        "def f(a):\n    if a.b is None:\n        return 1\n    return 2\n",
        "a.b is",
        "a is None or a.b is",
    ),
    "decided": ("def f(a, b):\n    return True\n", "True", "a == b"),
    "appended": (
        "def f(a):\n    b = []\n    for x in a:\n        g(x)\n    b.pop()\n",
        "        g(x)\n",
        "        g(x)\n        b.append(x)\n",
    ),
    "guard": (
        "def f(a, b):\n    return f(b, a % b)\n",
        "    return",
        "    if b == 0:\n        return a\n    return",
    ),
    "under a condition": (
        "def f(a, b):\n    for x in a:\n        for y in b:\n            g(x)\n",
        "            g(x)",
        "            if x == y:\n                g(x)",
    ),
    "default": (
        "def f(a=[]):\n    a.append(1)\n    return a\n",
        "=[]):\n",
        "=None):\n    if a is None:\n        a = []\n",
    ),
    "yield from": ("def f(a):\n    for x in a:\n        yield f(x)\n", "yield f(x)", "yield from f(x)"),
}


@pytest.mark.parametrize("name", [name for name, (_, old, _) in FIXES.items() if old])
def test_a_typical_bug_is_undone(name: str) -> None:
    source, old, new = FIXES[name]
    assert reached(source, source.replace(old, new, 1)), name


def test_all_returned_truth_values_turn_round_together() -> None:
    source = FIXES["polarity"][0]
    wanted = source.replace("True", "X").replace("False", "True").replace("X", "False")
    assert reached(source, wanted) == "truth"


def test_a_method_is_given_its_self() -> None:
    source = "class C:\n    def g(self):\n        self.total = 1\n\n    def f(self):\n        return total\n"
    assert reached(source, source.replace("return total", "return self.total"), name="C.f")


def test_a_word_is_spelled_as_the_issue_spells_it() -> None:
    source = "def f():\n    return ('Jupyter', 'Mars')\n"
    assert reached(source, source.replace("Jupyter", "Jupiter"), "Jupiter is missing") == "words"


def test_a_sign_is_one_of_those_in_the_issue() -> None:
    source = "def f(a):\n    return a == '('\n"
    assert reached(source, source.replace("('", "['"), "f('[[') is wrong") in ("words", "string")


BORROWED = {
    "named": ("def f(a, b):\n    a[b] = 1\n", "= 1", "= b", ""),
    "class more": (
        "def f(a):\n    return isinstance(a, bytes)\n",
        "bytes)",
        "(bytes, memoryview))",
        "a memoryview is not written as bytes",
    ),
    "option": ("def f(a):\n    g(a, drop=True)\n    return g(a)\n", "return g(a)", "return g(a, drop=True)", ""),
    "called": (
        "import re\n\ndef f(a, b):\n    return re.compile(b + a)\n",
        "b + a",
        "b + re.escape(a)",
        "special characters should be escaped with re.escape()",
    ),
    "called first": (
        "import os\n\ndef g(p):\n    return os.path.normpath(p)\n\ndef f(p):\n    return h(p, p)\n",
        "    return h(p, p)",
        "    p = os.path.normpath(p)\n    return h(p, p)",
        "",
    ),
    "placeholder": ("def f(a):\n    return 'x %s y' % a\n", "%s", "(%s)", ""),
    "large brackets": (
        "def f(a):\n    return r'\\left. %s \\right|' % a\n",
        "%s",
        r"\left(%s\right)",
        "",
    ),
    "word in quotes": (
        "def f(a):\n    return 'realm, qop=auth, nc=%s' % a\n",
        "=auth",
        '="auth"',
        'qop should be "auth" with quotes',
    ),
    "qualified name": ("def f(a):\n    return a.__name__\n", "__name__", "__qualname__", ""),
    "private twin": ("def f(a):\n    a._data.x()\n    return a.data\n", "return a.data", "return a._data", ""),
    "everywhere": (
        "def f(a):\n    if 1:\n        if max(a) > 1:\n            0\n    if 2:\n        if max(a) > 1:\n            0",
        "max(a)",
        "sum(a)",
        "",
    ),
}


@pytest.mark.parametrize("name", BORROWED)
def test_what_stands_further_away_or_in_the_issue_is_borrowed(name: str) -> None:
    source, old, new, issue = BORROWED[name]
    assert reached(source, source.replace(old, new), issue), name


@pytest.mark.parametrize(("old", "new"), [("a.upper()", "a.lower()"), ("max(a)", "min(a)"), ("any(a)", "all(a)")])
def test_the_opposite_is_likelier_than_what_is_akin(old: str, new: str) -> None:
    source = f"def f(a):\n    b = a.split(' ')[-1]\n    return len(b) == 1 and {old}\n"
    assert reached(source, source.replace(old, new)) == "opposite"
    found = [m.apply(source) for m in generate_mutants(source, located(source), "", 3000)]
    assert found.index(source.replace(old, new)) < 5


def test_a_method_does_what_its_sister_does_last() -> None:
    source = (
        "class C:\n    def register(self, x):\n        self.xs.append(x)\n        self._clear()\n\n"
        "    def f(self, x):\n        self.xs.remove(x)\n"
    )
    wanted = f"{source}        self._clear()\n"
    assert reached(source, wanted, name="C.f") == "own call"


def test_what_the_issue_names_is_tried_before_what_the_file_names() -> None:
    source = "from x import Aa, Mul, Zz\n\ndef f(a):\n    return isinstance(a, Mul)\n"
    found = [m.apply(source) for m in generate_mutants(source, located(source, start=3), "wrong for Zz", 3000)]
    first, second = (next(n for n, text in enumerate(found) if f"(Mul, {name})" in text) for name in ("Zz", "Aa"))
    assert first < second


@pytest.mark.parametrize("source", ["def f(a):\n    return a <\n", "x = 1\n"])
def test_what_cannot_be_mutated_is_refused(source: str) -> None:
    with pytest.raises(EditRefused):
        generate_mutants(source, located(source), "", 10)


SOURCE = '''\
# a comment
def f(a,  b = 1):
    """Documented: 1 < 2."""
    if a<b :  # kept
        return f"{a + 1}"
    x = ( a +
          b )
    return x
'''


def test_only_the_mutated_piece_of_text_changes() -> None:
    for mutant in generate_mutants(SOURCE, located(SOURCE), "", 3000):
        after = mutant.apply(SOURCE)
        assert after.startswith("# a comment\ndef f(a")
        assert '"""Documented: 1 < 2."""' in after
        assert 'f"{a + 1}"' in after or "return" not in after or mutant.pattern
        ast.parse(after)


def test_no_two_mutants_mean_the_same_and_none_means_the_source() -> None:
    found = [ast_fingerprint(m.apply(SOURCE)) for m in generate_mutants(SOURCE, located(SOURCE), "", 3000)]
    assert len(found) == len(set(found)) > 100
    assert ast_fingerprint(SOURCE) not in found


def test_the_budget_holds_and_the_likeliest_come_first() -> None:
    found = generate_mutants(SOURCE, located(SOURCE), "", 50)
    assert len(found) == 50
    assert [m.pattern_prior for m in found] == sorted((m.pattern_prior for m in found), reverse=True)
    assert found == generate_mutants(SOURCE, located(SOURCE), "", 3000)[:50]


def test_lines_that_no_failing_run_executes_come_last() -> None:
    source = "def f(a):\n    if a < 1:\n        return a < 2\n    return a < 3\n"
    found = generate_mutants(source, located(source, lines=(4, 2)), "", 3000)
    best = [next(i for i, m in enumerate(found) if m.line == line and m.pattern == "comparison") for line in (4, 2, 3)]
    assert best == sorted(best)


@pytest.mark.parametrize("head", ["\ufeff", "# coding: latin-1\nx = '\udce9'\n", "if 1:\n    y = 'é'\n"])
def test_other_encodings_are_mutated_where_they_are(head: str) -> None:
    source = head + "def f(a):\n    return a < 'é'\n".replace("é", "\udce9" if "latin" in head else "é")
    found = generate_mutants(source, located(source, start=1 + head.count("\n")), "", 500)
    assert any(m.apply(source) == source.replace("a < ", "a <= ") for m in found)


def test_as_many_mutants_are_proposed_as_the_task_asks_for() -> None:
    task = DraftTask(Issue("f is wrong", ""), Spec((), ()), located(SOURCE), SOURCE, "", "", 7, 20)
    found = propose_mutants(task)
    assert len(found) == 20
    assert all(mutant.apply(SOURCE) != SOURCE and mutant.pattern_prior > 0 for mutant in found)
    with pytest.raises(EditRefused):
        propose_mutants(replace(task, source="def f(:\n"))
