from __future__ import annotations

import pytest

from repoagent.edits import EditRefused
from repoagent.edits.encoding import make_parsable
from repoagent.edits.layout import Indentation
from repoagent.languages.python.fingerprint import ast_fingerprint
from repoagent.languages.python.splice import splice_definition
from repoagent.languages.python.strings import reindent_code

METHOD = "class A:\n    def f(self, a):\n        if a:\n            a = 1\n        return a\n"
ANSWER = "def f(self, a):\n    if a:\n        a = 2\n        print(\n            a)\n    return a + 1\n"
WANTED = (
    "class A:\n    def f(self, a):\n        if a:\n            a = 2\n            print(\n                a)\n"
    "        return a + 1\n"
)


def indented(text: str, unit: str) -> str:
    return text.replace("    ", unit)


@pytest.mark.parametrize("file", ["\t", "  ", "    ", "        "])
@pytest.mark.parametrize("answer", ["\t", "  ", "    "])
def test_an_answer_takes_the_indentation_of_the_file(file: str, answer: str) -> None:
    assert splice_definition(indented(METHOD, file), "A.f", indented(ANSWER, answer)) == indented(WANTED, file)


def test_an_answer_indented_as_a_whole_keeps_the_insides_of_its_strings() -> None:
    answer = '    def f(self, a):\n        return """\nx\n  y"""\n'
    expected = 'class A:\n    def f(self, a):\n        return """\nx\n  y"""\n'
    assert splice_definition(METHOD, "A.f", answer) == expected


def test_the_insides_of_f_strings_stay_as_they_are() -> None:
    lines = ["x = f'''\n", "  a {b\n", "  + f'{c}'} d\n", "  e'''\n", "y\n"]
    assert reindent_code(lines, Indentation("", "    "), Indentation("    ", "    ")) == [
        "    x = f'''\n",
        *lines[1:4],
        "    y\n",
    ]


def test_helpers_take_the_indentation_of_the_file() -> None:
    answer = "def h(a):\n    return a\n\n\ndef f(self, a):\n    return h(a)\n"
    assert splice_definition(indented(METHOD, "\t"), "A.f", answer).endswith("\n\n\ndef h(a):\n\treturn a\n")


def test_every_line_keeps_its_own_end() -> None:
    source = "import os\r\nx = 1\n\n\ndef f(a):\r\n    b = 1\n    return a\r\n\ny = 2\r\nz = 3"
    spliced = splice_definition(source, "f", "import math\ndef f(a):\n    b = 1\n    return a + math.pi\n")
    assert spliced == source.replace("os\r\n", "os\r\nimport math\r\n").replace(
        "return a\r\n", "return a + math.pi\r\n"
    )


def test_a_last_line_without_an_end_stays_without_one() -> None:
    assert splice_definition("def f():\n    return 1", "f", "def f():\n    return 2\n") == "def f():\n    return 2"
    spliced = splice_definition("def f():\n    return 1", "f", "def f():\n    return g()\ndef g():\n    return 2\n")
    assert spliced == "def f():\n    return g()\n\n\ndef g():\n    return 2\n"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "import math\n\n\n"),
        ("#!/usr/bin/env python\n# coding: utf-8\n# Licence\n\n", None),
        ("#!/usr/bin/env python\n# coding: utf-8\n", "#!/usr/bin/env python\n# coding: utf-8\n\nimport math\n\n\n"),
        ("# Licence\n\n# What f is for.\n", "# Licence\n\nimport math\n\n\n# What f is for.\n"),
        ('# Licence\n"""Module."""\n\n\n', '# Licence\n"""Module."""\n\nimport math\n\n\n'),
        (
            '"""Module."""\nfrom __future__ import annotations\nimport os\n\nx = 1\nimport late\n\n\n',
            '"""Module."""\nfrom __future__ import annotations\nimport os\nimport math\n\nx = 1\nimport late\n\n\n',
        ),
        (
            "import os\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import y\n\n\n",
            "import os\nfrom typing import TYPE_CHECKING\nimport math\n\nif TYPE_CHECKING:\n    import y\n\n\n",
        ),
    ],
)
def test_an_import_goes_below_those_that_the_module_opens_with(head: str, expected: str | None) -> None:
    answer = "from __future__ import annotations\nimport math\n\ndef f():\n    return math.pi\n"
    wanted = (expected or f"{head}import math\n\n\n") + "def f():\n    return math.pi\n"
    assert splice_definition(head + "def f():\n    return 1\n", "f", answer) == wanted


def test_no_future_import_comes_along() -> None:
    answer = "from __future__ import annotations\n\ndef f():\n    return annotations\n"
    assert (
        splice_definition("x = 1\ndef f():\n    return 1\n", "f", answer) == "x = 1\ndef f():\n    return annotations\n"
    )


DOCUMENTED = (
    'def f(x: int, *rest: str, y: int = 1) -> int:\n    """Doc.\n\n    More.\n    """\n    a = 1; b = x\n    return a\n'
)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("def f(x, *rest, y = 1):\n    a = 2; b = x\n    return a\n", "    a = 2; b = x\n    return a\n"),
        ("def f(x, *rest, y = 1): a = 2; return a\n", "    a = 2\n    return a\n"),
        ("def f(x, *rest, y = 1):  # note: x\n    return x\n", "    return x\n"),
    ],
)
def test_docstring_and_annotations_are_kept_for_bodies_of_one_line(answer: str, body: str) -> None:
    spliced = splice_definition(DOCUMENTED, "f", answer)
    header, docstring, rest = spliced.partition('    """Doc.\n\n    More.\n    """\n')
    assert header.partition("  #")[0].strip() == "def f(x: int, *rest: str, y: int = 1) -> int:"
    assert docstring
    assert rest == body


def test_docstring_and_annotations_are_kept_when_a_parameter_is_added() -> None:
    spliced = splice_definition(DOCUMENTED, "f", "def f(x, *rest, y=lambda z: 1, w=2):\n    return w\n")
    assert spliced.startswith("def f(x: int, *rest: str, y: int=lambda z: 1, w=2) -> int:\n")
    assert '    """Doc.\n\n    More.\n    """\n    return w\n' in spliced


def test_a_docstring_on_the_line_of_def_is_kept() -> None:
    spliced = splice_definition("def f(): 'Doc.'; return 1\n", "f", "def f():\n    return 2\n")
    assert spliced == "def f():\n    'Doc.'\n    return 2\n"


def test_a_header_that_ends_on_the_line_of_the_body_is_never_torn() -> None:
    source = "def f(\n  a, b): return a\n"
    assert splice_definition(source, "f", "def f(a,\n  b): return b\n") == "def f(a,\n  b): return b\n"


LATIN = b"# -*- coding: latin-1 -*-\ndef f(a):\n    b = '\xe9'; c = 1\n    return a, '\xe9', b\n".decode(
    "utf-8", "surrogateescape"
)


def test_a_function_at_the_top_of_a_file_with_a_bom_is_spliced_and_the_bom_kept() -> None:
    source = "\ufeffdef f(a):\n    return a\n"
    assert splice_definition(source, "f", "def f(a, b=1):\n    return -a\n") == "\ufeffdef f(a, b=1):\n    return -a\n"


def test_bytes_that_are_not_utf_8_are_written_as_they_were() -> None:
    answer = make_parsable(LATIN).replace("return a", "return -a")
    assert splice_definition(LATIN, "f", answer) == LATIN.replace("return a", "return -a")


def test_characters_that_would_be_written_in_the_wrong_encoding_are_refused() -> None:
    with pytest.raises(EditRefused, match="not UTF-8"):
        splice_definition(LATIN, "f", "def f(a):\n    return 'ü'\n")


def test_meaning_reads_files_of_any_encoding_and_depth() -> None:
    assert ast_fingerprint(LATIN) == ast_fingerprint(LATIN.replace("; c", ";  c"))
    assert ast_fingerprint(LATIN) != ast_fingerprint(LATIN.replace("\udce9", "\udcea"))
    assert ast_fingerprint("\ufeffa = 1\n") == ast_fingerprint("a=1\n")
    branches = "if a:\n    pass\n" + "elif a:\n    pass\n" * 600
    assert ast_fingerprint(branches) != ast_fingerprint(branches + "else:\n    pass\n")
