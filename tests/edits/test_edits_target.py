from __future__ import annotations

import pytest

from repoagent.edits import EditRefused
from repoagent.languages.python.splice import splice_definition
from repoagent.languages.python.syntax import find_definition, parse, split_docstring

PROPERTY = '''class A:
    @property
    def x(self):
        """Getter."""
        return 1

    @x.setter
    def x(self, value):
        self.y = value
'''

BRANCHES = """if True:
    def f():
        return 1
else:
    def f():
        return 2
"""


@pytest.mark.parametrize(
    ("source", "name", "start", "line"), [(PROPERTY, "A.x", 2, 3), (PROPERTY, "A.x", 7, 8), (PROPERTY, "A.x", 99, 8)]
)
def test_of_several_functions_of_a_name_the_one_at_the_line_is_found(
    source: str, name: str, start: int, line: int
) -> None:
    found = find_definition(parse(source), name, start)
    assert found is not None
    assert found.lineno == line


def test_the_function_at_the_line_is_spliced_and_the_other_left_alone() -> None:
    assert splice_definition(BRANCHES, "f", "def f():\n    return 3\n", 2) == BRANCHES.replace("return 1", "return 3")
    assert splice_definition(BRANCHES, "f", "def f():\n    return 3\n", 5) == BRANCHES.replace("return 2", "return 3")
    assert split_docstring(PROPERTY, "A.x", 2)[1] == "Getter."


def test_functions_under_match_are_found() -> None:
    assert find_definition(parse("match x:\n    case 1:\n        def f(): pass\n"), "f") is not None


def test_a_chain_of_a_thousand_branches_is_walked() -> None:
    source = "if a == 0:\n    pass\n" + "".join(f"elif a == {n}:\n    pass\n" for n in range(500))
    assert find_definition(parse(source + "else:\n    def f(): pass\n"), "f") is not None


TWO = """class A:
    def __init__(self):
        self.a = 1


class B:
    def __init__(self):
        self.b = 1


def g():
    return 1
"""


@pytest.mark.parametrize(("name", "old", "new"), [("A.__init__", "a = 1", "a = 2"), ("B.__init__", "b = 1", "b = 2")])
def test_of_two_classes_in_an_answer_the_target_s_own_is_taken(name: str, old: str, new: str) -> None:
    assert splice_definition(TWO, name, TWO.replace("= 1", "= 2")) == TWO.replace(old, new)


@pytest.mark.parametrize(
    "answer",
    [
        "def g():\n    return 2\n\n\ndef h():\n    def g():\n        return 9\n    return g()\n",
        "def h():\n    def g():\n        return 9\n    return g()\n\n\ndef g():\n    return 2\n",
        "def g():\n    return 2\n\n\nclass K:\n    def g(self):\n        return 9\n",
    ],
)
def test_an_inner_function_of_the_same_name_does_not_win(answer: str) -> None:
    assert splice_definition(TWO, "g", answer) == TWO.replace("    return 1\n", "    return 2\n")


def test_of_functions_elsewhere_in_an_answer_the_outermost_is_taken() -> None:
    answer = "class K:\n    class L:\n        def g(): return 9\n\n\nclass X:\n    def g():\n        return 2\n"
    assert splice_definition(TWO, "g", answer) == TWO.replace("    return 1\n", "    return 2\n")


@pytest.mark.parametrize("start", [2, 7])
def test_of_getter_and_setter_in_an_answer_the_one_decorated_alike_is_taken(start: int) -> None:
    answer = PROPERTY.replace("return 1", "return 2").replace("self.y = value", "self.y = -value")
    expected = {2: PROPERTY.replace("return 1", "return 2"), 7: PROPERTY.replace("self.y = value", "self.y = -value")}
    assert splice_definition(PROPERTY, "A.x", answer, start) == expected[start]


LONG = "def f(a):\n    if a:\n        return 1\n    b = 2\n    return b\n"


@pytest.mark.parametrize(
    "answer",
    [
        "def f(a):\n    if a:\n        return 2\n    b = (\n",
        "def f(a):\n    if a:\n        return 2\n    b = 2\n    return b +\n",
        "    def f(a):\n        if a:\n            return 2\n  b = 2\n",
        "def f(a):\n    if a:\n        return 2\nreturn b\n",
    ],
)
def test_indented_code_that_does_not_parse_is_refused_and_never_dropped(answer: str) -> None:
    with pytest.raises(EditRefused, match="SyntaxError"):
        splice_definition(LONG, "f", answer)


def test_prose_of_several_lines_behind_the_code_is_dropped() -> None:
    answer = LONG.replace("return 1", "return 3") + "\nThis fixes it:\n\nIt's (now right.\nReally.\nYes, it is.\n"
    assert splice_definition(LONG, "f", answer) == LONG.replace("return 1", "return 3")
