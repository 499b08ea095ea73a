from __future__ import annotations

import ast

import pytest

from repoagent.edits import EditRefused
from repoagent.languages.python.fingerprint import ast_fingerprint
from repoagent.languages.python.splice import splice_definition

SOURCE = '''"""Module."""
import os


class Shape:
    sides = 4

    @property
    def area(self) -> float:
        """The area.

        In square metres.
        """
        # width first
        if self.sides > 3:  # why
            # an inner remark
            width = 'wide'
            return self.w * self.h
        else:
            width = 2
        text = """
  stays
"""
        for i in range(3):
            print(i)

        return width

    def other(self):
        return 2
'''


def test_only_the_changed_statement_changes_in_the_text() -> None:
    answer = '''
def area(self):
    if self.sides > 3:
        width = "wide"
        return self.w + self.h
    else:
        width = 2
    text = """
  stays
"""
    for i in range(3):
        print(i)
    return width
'''
    assert splice_definition(SOURCE, "Shape.area", answer) == SOURCE.replace("self.w * self.h", "self.w + self.h")


def test_an_equal_function_leaves_the_text_as_it_was() -> None:
    function = ast.get_source_segment(SOURCE, ast.parse(SOURCE).body[2].body[2]) or ""  # type: ignore[attr-defined]  # a class
    assert splice_definition(SOURCE, "Shape.other", function) == SOURCE


def test_decorators_docstring_and_annotations_that_the_answer_drops_are_kept() -> None:
    spliced = splice_definition(SOURCE, "Shape.area", "def area(self):\n    return 1\n")
    assert "    @property\n    def area(self) -> float:\n" in spliced
    assert "In square metres." in spliced
    assert "        return 1\n" in spliced


def test_imports_and_helpers_that_the_new_function_needs_come_along_and_others_do_not() -> None:
    answer = """
import math
import json

def helper(x):
    return x

def unused(x):
    return x

def other(self):
    return helper(math.pi)
"""
    spliced = splice_definition(SOURCE, "Shape.other", answer)
    assert "import os\nimport math\n" in spliced
    assert "json" not in spliced
    assert "unused" not in spliced
    assert spliced.endswith("\n\n\ndef helper(x):\n    return x\n")


def test_a_method_in_its_class_is_found_and_indented_right() -> None:
    spliced = splice_definition(SOURCE, "Shape.other", "class Shape:\n    def other(self):\n        return 3\n")
    assert spliced == SOURCE.replace("return 2\n", "return 3\n")


def test_line_ends_of_the_file_are_kept() -> None:
    source = "def f():\r\n    # note\r\n    a = 1\r\n    return a\r\n"
    assert splice_definition(source, "f", "def f():\n    a = 1\n    return a + 1\n") == source.replace(
        "return a", "return a + 1"
    )


def test_an_answer_cut_off_in_its_last_line_is_used_up_to_there() -> None:
    spliced = splice_definition("def f():\n    return 1\n", "f", "def f():\n    return 2\nThis fixes (the\n")
    assert spliced == "def f():\n    return 2\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("def other(self):\n    # ... rest of the code unchanged\n    return 1\n", "leaves out"),
        ("def other(self):\n    # existing code here\n    return 1\n", "leaves out"),
        ("def other(self):\n    ...\n", "leaves out"),
        ("def a():\n    pass\ndef b():\n    pass\n", "does not define other"),
        ("def other(self:\n    return 1\n", "SyntaxError"),
        ("I cannot help with that.", "SyntaxError"),
        ("", "does not define"),
        ("x = " + "(" * 5000, "SyntaxError|not parsable"),
    ],
)
def test_answers_that_cannot_become_an_edit_are_refused_with_the_reason(answer: str, why: str) -> None:
    with pytest.raises(EditRefused, match=why):
        splice_definition(SOURCE, "Shape.other", answer)


def test_a_function_that_is_not_there_is_refused() -> None:
    with pytest.raises(EditRefused, match=r"no function or class Shape\.missing"):
        splice_definition(SOURCE, "Shape.missing", "def missing():\n    pass\n")


CLASS = '''@decorated
class Name(Base):
    """What a name may be."""

    # letters
    pattern = r"^\\w+$"
    flags = 0

    def check(self, text):
        return match(self.pattern, text)  # all of it


def other():
    pass
'''
CHECK = "    def check(self, text):\n        return match(self.pattern, text)\n"


def test_of_a_class_only_what_changed_in_meaning_changes_in_text() -> None:
    answer = f'class Name(Base):\n    pattern = r"^\\\\w+\\\\Z"\n    flags = 0\n{CHECK}'.replace("\\\\", "\\")
    assert splice_definition(CLASS, "Name", answer) == CLASS.replace("w+$", "w+\\Z")


def test_a_method_can_be_added_to_a_class() -> None:
    more = "    def __hash__(self):\n        return hash(self.pattern)\n"
    answer = f'class Name(Base):\n    pattern = r"^\\w+$"\n    flags = 0\n{CHECK}{more}'
    assert splice_definition(CLASS, "Name", answer) == CLASS.replace("# all of it\n", f"# all of it\n{more}")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("class Name(Base):\n    flags = 1\n", "leaves out methods: check"),
        ("class Name(Base):\n    flags = 1\n    ...\n" + CHECK, "leaves out code"),
        ("def Name():\n    pass\n", "does not define Name"),
        ("class Other:\n    pass\nclass Another:\n    pass\n", "does not define Name"),
    ],
)
def test_what_is_not_the_whole_class_is_refused(answer: str, why: str) -> None:
    with pytest.raises(EditRefused, match=why):
        splice_definition(CLASS, "Name", answer)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("a = 1  # x\n", "a=1\n", True),
        ('def f():\n    """Doc."""\n    return 1\n', "def f():\n    return 1\n", True),
        ("a = 1\n", "a = 2\n", False),
        ("not python (", "not python (", True),
        ("not python (", "not python ((", False),
    ],
)
def test_meaning_ignores_dress_and_nothing_else(one: str, other: str, equal: bool) -> None:
    assert (ast_fingerprint(one) == ast_fingerprint(other)) is equal
