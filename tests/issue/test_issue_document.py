"""An issue is parsed once, into blocks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoagent.domain import Comment, Issue
from repoagent.issue.blocks import Block, BlockKind, Layout
from repoagent.issue.document import MAX_LENGTH, parse_document, parse_text

Shape = tuple[BlockKind, Layout, str, str]
"""Kind, layout, language and text of a block."""

TEXT, FENCED, INDENTED, BARE = Layout.TEXT, Layout.FENCED, Layout.INDENTED, Layout.BARE
CODE, PROSE, SESSION, OUTPUT = BlockKind.CODE, BlockKind.PROSE, BlockKind.SESSION, BlockKind.OUTPUT
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    g()\n'

SHAPES: dict[str, tuple[str, list[Shape]]] = {
    "fence": ("```Python\nf(1)\n```", [(CODE, FENCED, "python", "f(1)")]),
    "tildes": ("~~~ py\nf(1)\n~~~", [(CODE, FENCED, "py", "f(1)")]),
    "backticks between tildes": ("~~~\n```\nf(1)\n```\n~~~", [(OUTPUT, FENCED, "", "```\nf(1)\n```")]),
    "longer fence": ("````md\n```\nx\n```\n````", [(CODE, FENCED, "md", "```\nx\n```")]),
    "longer closing": ("```\nf(1)\n`````\none.", [(CODE, FENCED, "", "f(1)"), (PROSE, TEXT, "", "one.")]),
    "closing with words": ("```\nf(1)\n``` py\nf(2)\n```", [(OUTPUT, FENCED, "", "f(1)\n``` py\nf(2)")]),
    "never closed": ("one:\n```\nf(1)\n\nf(2)", [(PROSE, TEXT, "", "one:"), (CODE, FENCED, "", "f(1)\n\nf(2)")]),
    "in a list": ("- one:\n     ```py\n     f(1)\n     ```\n- two", [
        (PROSE, TEXT, "", "- one:"), (CODE, FENCED, "py", "f(1)"), (PROSE, TEXT, "", "- two"),
    ]),
    "empty fence": ("```\n```", [(OUTPUT, FENCED, "", "")]),
    "code of a line": ("It is ```f(1)``` here.\n```x```", [(PROSE, TEXT, "", "It is ```f(1)``` here.\n```x```")]),
    "quotation": ("> ```\n> f(1)\n> ```\nno", [(PROSE, TEXT, "", "> ```\n> f(1)\n> ```\nno")]),
    "quoted session": (">> f(1)\n>> said he", [(PROSE, TEXT, "", ">> f(1)\n>> said he")]),
    "indented": ("one:\n\n    f(1)\n\n\tf(2)\n\ntwo", [
        (PROSE, TEXT, "", "one:\n"), (CODE, INDENTED, "", "f(1)\n\nf(2)"), (PROSE, TEXT, "", "two"),
    ]),
    "indented line of a paragraph": ("one\n    f(1)\ntwo", [
        (PROSE, TEXT, "", "one"), (OUTPUT, TEXT, "", "    f(1)"), (PROSE, TEXT, "", "two"),
    ]),
    "session": ("one\n>>> f(1)\n2\n\n>>> g\n\ntwo", [
        (PROSE, TEXT, "", "one"), (SESSION, BARE, "pycon", ">>> f(1)\n2\n\n>>> g"), (PROSE, TEXT, "", "\ntwo"),
    ]),
    "session in a fence": ("```\nIn [1]: f(1)\nOut[1]: 2\n```", [(SESSION, FENCED, "", "In [1]: f(1)\nOut[1]: 2")]),
    "session before a fence": (">>> f(1)\n```\ng(1)\n```", [
        (SESSION, BARE, "pycon", ">>> f(1)"), (CODE, FENCED, "", "g(1)"),
    ]),
    "indented session": ("one\n\n    >>> f(1)\n    2\n\ntwo", [
        (PROSE, TEXT, "", "one\n"), (SESSION, INDENTED, "pycon", ">>> f(1)\n2"), (PROSE, TEXT, "", "\ntwo"),
    ]),
    "traceback in a fence": (f"```\n{TRACE}E: x\n```", [(BlockKind.TRACEBACK, FENCED, "", f"{TRACE}E: x")]),
    "traceback in prose": (f"one\n{TRACE}e: x", [
        (PROSE, TEXT, "", "one"), (BlockKind.TRACEBACK, TEXT, "", TRACE.rstrip()), (PROSE, TEXT, "", "e: x"),
    ]),
    "diff": ("one\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\ntwo", [
        (PROSE, TEXT, "", "one"),
        (BlockKind.DIFF, BARE, "diff", "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b"),
        (PROSE, TEXT, "", "two"),
    ]),
    "diff in a fence": ("```diff\n-a\n+b\n```", [(BlockKind.DIFF, FENCED, "diff", "-a\n+b")]),
    "code without a fence": ("see:\nx = f(1)\nprint(x)\nIt fails.", [
        (PROSE, TEXT, "", "see:"), (CODE, BARE, "python", "x = f(1)\nprint(x)"), (PROSE, TEXT, "", "It fails."),
    ]),
    "output": ("```\n$ run x.py\n```", [(OUTPUT, FENCED, "", "$ run x.py")]),
    "heading": ("one\n## Expected\ntwo", [
        (PROSE, TEXT, "", "one"), (BlockKind.HEADING, TEXT, "", "## Expected"), (PROSE, TEXT, "", "two"),
    ]),
    "form": ("one\n<!-- Say\nwhat -->\ntwo <!-- c --> three", [
        (PROSE, TEXT, "", "one"), (BlockKind.FORM, TEXT, "", "<!-- Say\nwhat -->"),
        (PROSE, TEXT, "", "two  three"), (BlockKind.FORM, TEXT, "", "<!-- c -->"),
    ]),
    "form that hides a fence": ("<!--\n```\n-->\none", [
        (BlockKind.FORM, TEXT, "", "<!--\n```\n-->"), (PROSE, TEXT, "", "one"),
    ]),
    "form that is never closed": ("one\n<!-- x\ntwo", [
        (PROSE, TEXT, "", "one"), (BlockKind.FORM, TEXT, "", "<!-- x\ntwo"),
    ]),
    "form behind words": ("one <!-- x\n--> two", [
        (PROSE, TEXT, "", "one"), (BlockKind.FORM, TEXT, "", "<!-- x\n-->"), (PROSE, TEXT, "", " two"),
    ]),
    "no form": ("one <!-- x\ntwo", [(PROSE, TEXT, "", "one <!-- x\ntwo")]),
    "form as code": ("`<!-- x -->` is cut\n```\n<!-- y -->\n```", [
        (PROSE, TEXT, "", "`<!-- x -->` is cut"), (OUTPUT, FENCED, "", "<!-- y -->"),
    ]),
    "windows line ends": ("one\r\n```\r\nf(1)\r\n```\r\n", [(PROSE, TEXT, "", "one"), (CODE, FENCED, "", "f(1)")]),
    "nothing": (" \n\n", []),
}  # fmt: skip


@pytest.mark.parametrize(("text", "shapes"), SHAPES.values(), ids=SHAPES)
def test_blocks_are_told_apart(text: str, shapes: list[Shape]) -> None:
    assert [(b.kind, b.layout, b.language, b.text) for b in parse_text(text).blocks] == shapes


def _get_block(text: str, kind: BlockKind = CODE) -> Block:
    return next(block for block in parse_text(text).blocks if block.kind is kind)


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("I expect:\n```\nf(1)\n```", "expected"),
        ("## Actual behaviour\n\n```\nf(1)\n```", "actual"),
        ("But I got this:\n\n    f(1)\n", "actual"),
        ("Look:\n```\nf(1)\n```", ""),
        ("I expect:\n```\n[1]\n```\nThen\n```python\nf(1)\n```", "expected"),
    ],
)
def test_code_has_the_role_that_the_words_before_it_give(text: str, role: str) -> None:
    assert next(block for block in parse_text(text).blocks if block.is_set_apart).role == role


def test_prose_has_the_role_of_its_heading_until_the_next() -> None:
    blocks = parse_text("A.\n### Expected behavior\nB.\n\nActual result\nC.\n\n**Other:**\nD.").blocks
    assert [(b.text.strip(), b.role) for b in blocks if b.kind is PROSE] == [
        ("A.", ""),
        ("B.", "expected"),
        ("C.", "actual"),
        ("D.", ""),
    ]


def test_only_a_marked_heading_ends_a_list_of_versions() -> None:
    blocks = parse_text("# Environment\nLinux\n```\npip 3\n```\n<!-- more -->\nNumpy\n# Other\nA.").blocks
    assert [b.text for b in blocks if b.section.is_environment and b.kind is not BlockKind.HEADING] == [
        "Linux",
        "pip 3",
        "<!-- more -->",
        "Numpy",
    ]


def test_a_fence_ends_with_the_words_of_its_author() -> None:
    comments = (Comment("ann", "```\ng(1)"), Comment("bob", " \n"), Comment("cy", "Yes."))
    blocks = parse_document(Issue("It fails", "see\n```\nf(1)", comments)).blocks
    assert [(b.kind, b.text, b.comment) for b in blocks] == [
        (BlockKind.TITLE, "# It fails", 0),
        (PROSE, "see", 0),
        (CODE, "f(1)", 0),
        (BlockKind.AUTHOR, "ann:", 1),
        (CODE, "g(1)", 1),
        (BlockKind.AUTHOR, "bob:", 2),
        (BlockKind.AUTHOR, "cy:", 3),
        (PROSE, "Yes.", 3),
    ]


def test_lines_are_those_of_the_document_s_text() -> None:
    issue = Issue("It fails", "A.\n\n```\nf(1)\n```\n## Steps\nB.", (Comment("ann", "C.\n>>> g(1)\n2"),))
    document = parse_document(issue)
    lines = document.text.split("\n")
    assert document.text == issue.text
    assert ["\n".join(lines[b.start : b.end]).strip("\n") for b in document.blocks] == [
        *("# It fails", "A.", "```\nf(1)\n```", "## Steps", "B.", "ann:", "C.", ">>> g(1)\n2")
    ]


def test_the_same_issue_is_parsed_once() -> None:
    assert parse_document(Issue("a", "b")) is parse_document(Issue("a", "b"))


def test_a_text_is_split_at_what_a_reader_wants() -> None:
    document = parse_text("A\n```\nf(1)\n```\n<!-- form -->\nB\n\n    g(1)\n\nC\n```\nf(2)\n```\nD")
    found, rest = document.split_at(lambda block: block.layout is FENCED)
    assert [(text.split(), block.text) for text, block in found] == [(["A"], "f(1)"), (["B", "g(1)", "C"], "f(2)")]
    assert rest == "D"


def test_the_end_of_a_very_long_issue_is_not_read() -> None:
    document = parse_document(Issue("t", "word " * MAX_LENGTH, (Comment("me", "never read"),)))
    assert len(document.text) <= MAX_LENGTH + 10
    assert {block.comment for block in document.blocks} == {0}


HOSTILE = [
    *("<!--", "<!-- -->", "-->", "a <!-- b\n", "<!-- a\n--> ", "`", "```\n", "``` `\n", "~~~\n````\n", "> ```\n"),
    *("**", "#", "# a\n", "a b ", ">>> f()\n\n", "    a\n\n", "Version \n", "--- a/x\n", "x = (\n", "x = 1\n"),
    *("Traceback (most recent call last):\n", "(" * 50 + "\n", "\t", "\r\n", "\n", "expected but ", "A: ", "Out[1]: "),
]  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_takes_time_in_proportion(piece: str) -> None:
    def measure(length: int) -> float:
        """Seconds of this process; the least of three times, as other work beside it only ever adds."""
        return min(_parse_in_seconds(piece * (length // len(piece)), length) for _ in range(3))

    assert measure(128_000) < 10 * max(measure(32_000), 0.02)


def _parse_in_seconds(text: str, length: int) -> float:
    begun = time.process_time()
    parse_text(text, length)
    return time.process_time() - begun


@pytest.mark.timeout(60)
def test_a_megabyte_is_parsed_in_seconds() -> None:
    text = "It fails:\n```\nf(1)\n```\n## Expected\nx = 1\n<!-- form -->\n>>> f(1)\n2\n\n" + "So it is.\n" * 200
    document = parse_text(text * (1_000_000 // len(text)), 1_000_000)
    assert len(document.blocks) > 2_000


@given(st.text(alphabet=st.sampled_from("Aa=1(.*#:-`~>\n\r\t'[]<!"), max_size=400))
def test_every_line_that_says_something_is_in_one_block(text: str) -> None:
    document = parse_text(text)
    covered = sorted(n for b in document.blocks if b.kind is not BlockKind.FORM for n in range(b.start, b.end))
    assert len(covered) == len(set(covered))
    forms = {n for b in document.blocks if b.kind is BlockKind.FORM for n in range(b.start, b.end)}
    said = {n for n, line in enumerate(document.text.split("\n")) if line.strip()}
    assert said <= {*covered, *forms}
