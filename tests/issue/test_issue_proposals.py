"""What an issue proposes is read as text, and as nothing else."""

from __future__ import annotations

import pytest

from repoagent.issue.document import parse_text
from repoagent.issue.proposals import ProposedChange, ProposedHunk, find_proposals


def _find(text: str) -> tuple[ProposedChange, ...]:
    return find_proposals(parse_text(text))


DIFF = """\
diff --git a/pkg/a.py b/pkg/a.py
--- a/pkg/a.py
+++ b/pkg/a.py
@@ -1,3 +1,3 @@
 def f(x):
-    return x + 1
+    return x
"""
HUNK = ProposedHunk("def f(x):\n    return x + 1", "def f(x):\n    return x", "pkg/a.py")


@pytest.mark.parametrize(
    "text", [f"Fix:\n```diff\n{DIFF}```\n", f"Fix:\n```\n{DIFF}```", f"It helps:\n{DIFF}\nThanks."]
)
def test_a_diff_is_read_hunk_by_hunk(text: str) -> None:
    assert _find(text)[0] == ProposedChange("the diff in the issue", (HUNK,))


def test_a_diff_without_headers_names_no_file() -> None:
    [found] = _find("```diff\n-a = 1\n+a = 2\n```")
    assert found.hunks == (ProposedHunk("a = 1", "a = 2"),)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("One has to change `size > 3` to `size >= 3` there.", "size > 3", "size >= 3"),
        ("Replacing the call `a.b()` with `a.c()` helps.", "a.b()", "a.c()"),
        ("It must use `x is None` instead of `not x`.", "not x", "x is None"),
        ("It goes through if `mode` is changed from `fast` to `slow`.", "fast", "slow"),
        ("I changed 'utf8' into 'utf-8-sig' and it works.", "utf8", "utf-8-sig"),
        ("It is as simple as replacing x.y = f(1) with x.y = f(2, 3).", "x.y = f(1)", "x.y = f(2, 3)"),
    ],
)
def test_a_replacement_in_prose(text: str, before: str, after: str) -> None:
    assert _find(text)[0].hunks == (ProposedHunk(before, after),)


@pytest.mark.parametrize(
    "text",
    [
        "Changing `a` helps. To `b` I say nothing.",
        "It doesn't change. That's what I want to see, isn't it",
        "`x` should be `x`.",
        "replacing this with that, and changing the old one to a new one",
        "replacing a with b.",
        "One should replace `a` with `b`.",
        "It prints 'None' instead of 'nothing at all'.",
        "it changed f(x to g(x).",
        "We changed `a`, and then `c` to `b`.",
    ],
)
def test_no_replacement_in_prose(text: str) -> None:
    assert not [found for found in _find(text) if found.hunks]


def test_a_block_that_turns_into_another() -> None:
    text = "The code is\n```\nx = min(a)\n```\nand should be changed to:\n```\nx = min(a[1:])\n```\n"
    assert _find(text)[0].hunks == (ProposedHunk("x = min(a)", "x = min(a[1:])"),)
    assert _find(text.replace("and should be changed to:", "It prints")) == ()


def test_a_pair_without_fences() -> None:
    text = "The culprit:\nx = min(a for a in b)\nIt should be changed to\nx = min(a for a in b[1:])\nThanks"
    assert _find(text.replace("\nIt", "\nprint(x)\nIt"))[0].hunks[0].after == "x = min(a for a in b[1:])"


def test_a_whole_function() -> None:
    code = "def f(x):\n    return x"
    assert ProposedChange("the function that the issue shows", function=code) in _find(
        f"Use this:\n```python\n{code}\n```"
    )


@pytest.mark.parametrize(
    "text",
    ["", "change it to `x`", "```\nprint(1)\n```", "```diff\n```", "```diff\n+only new\n```", "`a` instead of `a`"],
)
def test_nothing_is_proposed(text: str) -> None:
    assert _find(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "change `a" * 9000,
        "diff --git \n" * 9000,
        "```diff\n" + "-a\n+b\n" * 9000,
        "```\nx = 1\n```\nto\n" * 3000,
        "x = (\n" * 20_000,
        "`a` instead of " * 6000,
    ],
)
@pytest.mark.timeout(20)
def test_a_long_issue_takes_no_long_time(text: str) -> None:
    assert len(_find(text)) <= 8


def test_lines_and_literals_that_may_be_as_they_should_be() -> None:
    text = (
        "It copies wrongly:\nreturn dict(variable_attrs[0])\nwould be right, and `x = y.get('a') or 254`; the regex\n"
        "r'^[\\w.@+-]+$' lets a newline pass, r'\\A[\\w.@+-]+\\Z' does not. I say `x = 1`, >>> y = f(1, 2, 3, 4)\n"
        ">>> value = f(1, 2, 3)\nif not hasattr(attr, 'x'):\n"
    )
    assert _find(text)[-1].pieces == (
        "return dict(variable_attrs[0])",
        "x = y.get('a') or 254",
        r"r'^[\w.@+-]+$'",
        r"r'\A[\w.@+-]+\Z'",
        "if not hasattr(attr, 'x'):",
    )
    assert _find("Nothing of `x` here, it = wrong in many a way") == ()
