"""How code is found in Markdown."""

from __future__ import annotations

import pytest

from repoagent.evidence.reproduction.names import find_undefined_names, write_preamble
from repoagent.evidence.reproduction.project import SnippetProject
from repoagent.evidence.reproduction.script import BEGIN, END, read_output, write_script
from repoagent.issue.document import parse_text
from repoagent.issue.snippets import IssueMaterial, Snippet, read_material
from repoagent.issue.steps import SnippetStep


def _read(text: str) -> IssueMaterial:
    return read_material(parse_text(text))


def codes(text: str) -> list[str]:
    return [snippet.code for snippet in _read(text).snippets]


_CLASS = "class A(B):\n    x = 1\n    def f(self):\n        return 1"
FOUND = {
    "fence": ("```python\nf(1)\n```", ["f(1)"]),
    "tildes": ("~~~py\nf(1)\n~~~", ["f(1)"]),
    "longer fence": ("````\nf('```')\n````", ["f('```')"]),
    "fence that never closes": ("```\nf(1)", ["f(1)"]),
    "indented": ("Text\n\n    f(1)\n\n    f(2)\n\nmore", ["f(1)\nf(2)"]),
    "session in prose": ("See:\n>>> f(1)\n2\n\nmore", ["f(1)"]),
    "session with continuation": (">>> for i in x:\n...     f(i)\n...\n1\n", ["for i in x:\n    f(i)"]),
    "notebook": ("```\nIn [1]: f(1)\nOut[1]: 2\n```", ["f(1)"]),
    "windows line ends": ("```python\r\nf(1)\r\n```\r\n", ["f(1)"]),
    "code above a traceback": ("```\nf(1)\nTraceback (most recent call last):\n  x\nKeyError: 1\n```", ["f(1)"]),
    "several": ("```\nf(1)\n```\ntext\n```\nf(2)\n```", ["f(1)", "f(2)"]),
    "shell": ("```bash\npip\n```", []),
    "console": ("```\n$ python x.py\n```", []),
    "value": ("```\n[1, 2]\n```", []),
    "session in another language": ("```julia\nIn [1]: f(1)   \nOut[1]: 2\n```", ["f(1)"]),
    "short prompts in a fence": ("```\n>> import a\n>> a.f(1)\n2\n```", ["import a\na.f(1)"]),
    "a quotation": (">> f(1)\n>> said he", []),
    "no fence": ("Take this:\nclass A(B):\n\tx = 1\n\tdef f(self):\n\t\treturn 1\nthen A().f() is wrong.", [_CLASS]),
    "no fence, call by call": ("See:\nx = A()\nprint(x.f(1))  # 2\nIt fails.", ["x = A()\nprint(x.f(1))"]),
    "a call in prose": ("Calling\nx.f(1)\nfails", []),
    "a sentence that begins like code": ("from django import nothing works\nif it is so:", []),
    "prose": ("- a list\n- of things", []),
}


@pytest.mark.parametrize(("text", "expected"), FOUND.values(), ids=FOUND)
def test_code_is_found(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_a_session_s_outputs_belong_to_their_inputs() -> None:
    steps = _read(">>> a = 1\n>>> a\n1\n>>> print(a)\n1\n2\n").snippets[0].steps
    assert [(s.code, s.output) for s in steps] == [("a = 1", None), ("a", "1"), ("print(a)", "1\n2")]


def test_tracebacks_are_read_for_their_exceptions() -> None:
    head = "Traceback (most recent call last):\n"
    text = f"```\n{head}  File\n    x = [\npkg.errors.Odd: a\n```\n```\n>>> f()\n{head}  ...\nKeyError\n```"
    assert _read(text).exceptions == {"Odd", "KeyError"}


@pytest.mark.parametrize(
    ("trace", "name"),
    [
        (f"{'-' * 75}\nTypeError      Traceback (most recent call last)\n<ipython> in f(x)\nTypeError: x", "TypeError"),
        (f"{'-' * 75}\nNotImplementedError", "NotImplementedError"),
    ],
)
def test_tracebacks_of_notebooks_are_no_code(trace: str, name: str) -> None:
    material = _read(f"```\nf(1)\n{trace}\n```")
    assert [s.code for s in material.snippets] == ["f(1)"]
    assert material.exceptions == {name}


def test_a_comment_is_kept_with_its_statement() -> None:
    steps = _read("```python\nf('#')  # expected 3\ng()\n# prints 4\nh()\n```").snippets[0].steps
    assert [s.comment for s in steps] == ["expected 3", "prints 4", ""]


def test_names_that_are_bound_somewhere_are_not_missing() -> None:
    code = "import a.b\nfor i in range(3):\n    x = a.f(lambda y: y + i)\ntry:\n    g(x)\nexcept E as e:\n    print(e)"
    assert find_undefined_names(code) == {"g", "E"}


def snippet(code: str) -> Snippet:
    return Snippet((SnippetStep(code),), "", "")


@pytest.mark.parametrize(
    ("code", "text", "packages", "imports"),
    [
        ("pkg.f(1)", "", ["pkg"], "import pkg"),
        ("f(1)", "`pkg.sub.f` is wrong", ["pkg"], "from pkg.sub import f"),
        ("f(1)", "do `from pkg.x import f` first", ["pkg"], "from pkg.x import f"),
        ("f(1)", "`pkg.a.f` and `pkg.b.f`", ["pkg"], ""),
        ("f(1)", "", ["pkg"], "from pkg import f"),
        ("f(1)", "", ["pkg", "other"], ""),
        ("math.pi", "", ["pkg"], "import math"),
        ("datetime.now()", "", [], ""),
    ],
)
def test_only_unambiguous_imports_are_supplied(code: str, text: str, packages: list[str], imports: str) -> None:
    assert write_preamble(snippet(code), [], text, SnippetProject(tuple(packages))) == imports


def test_a_script_announces_its_begin_and_its_end() -> None:
    script = write_script([SnippetStep("from __future__ import annotations"), SnippetStep("f(1)")], "import x")
    lines = script.splitlines()
    assert lines[0] == "from __future__ import annotations"
    assert lines.index(f'print("{BEGIN}", flush=True)') < lines.index("import x") < lines.index("_repoagent_show(f(1))")
    assert END in lines[-1]


def test_output_before_the_begin_is_not_read() -> None:
    assert not read_output(f"{END}").has_ended
    assert read_output(f"noise\n{BEGIN}\n=== repoagent: step 1 ===\n<A at 0x7f1234567890>\n\n{END}\n").steps == {
        1: "<A at 0x…>"
    }
