"""What is read out of an issue's text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoagent.domain import Issue
from repoagent.localise.signals import CodeLink, IssueFrame, IssueSignals, read_signals


def _clues(body: str) -> IssueSignals:
    return read_signals(Issue("It fails", body))


def test_frames_come_from_the_bottom_up() -> None:
    found = _clues(
        "Traceback (most recent call last):\n"
        '  File "/home/me/app.py", line 3, in <module>\n    go()\n'
        '  File "C:\\lib\\pkg\\core.py", line 12, in start\n    raise ValueError("x")\n'
        "ValueError: the widget is closed\n"
    )
    assert found.frames == (IssueFrame("C:/lib/pkg/core.py", 12, "start"), IssueFrame("/home/me/app.py", 3, ""))
    assert "the widget is closed" in found.messages


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("src/pkg/core.py:12: in start\n", IssueFrame("src/pkg/core.py", 12, "start")),
        ("E   src/pkg/core.py:12: ValueError\n", IssueFrame("src/pkg/core.py", 12, "")),
        ("~/pkg/core.py in start(self, x)\n", IssueFrame("~/pkg/core.py", 0, "start")),
        ("File ~/pkg/core.py:12, in Engine.start(self)\n", IssueFrame("~/pkg/core.py", 12, "Engine.start")),
    ],
)
def test_frames_of_pytest_and_ipython_are_read(text: str, frame: IssueFrame) -> None:
    assert _clues(text).frames == (frame,)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (f"https://github.com/a/b/blob/{'0af' * 13}1/src/pkg/m.py#L12-L15", CodeLink("src/pkg/m.py", 12, True)),
        ("\u200bhttps://github.com/a/b/blob/master/pkg/m.py#L7.", CodeLink("pkg/m.py", 7, False)),
        ("[here](https://gitlab.com/a/b/-/blob/v2.1/pkg/m.py?ref_type=tags#L7)", CodeLink("pkg/m.py", 7, False)),
        ("https://github.com/a/b/blob/stable/2.x/pkg/m.py#L7", CodeLink("2.x/pkg/m.py", 7, False)),
    ],
)
def test_links_to_lines_are_read(url: str, link: CodeLink) -> None:
    assert _clues(f"See {url} for it.").links == (link,)


def test_a_link_to_a_whole_file_names_no_line() -> None:
    assert _clues("https://github.com/a/b/blob/master/pkg/m.py and /blob/x/m.md#L3").links == ()


def test_names_are_told_by_how_they_stand_there() -> None:
    found = _clues("`Engine.start` in pkg/core.py breaks.\n\n```python\nimport pkg.core as c\nc.make(3)\n```\n")
    assert found.quoted_names == ("Engine", "start")
    assert found.paths == ("pkg/core.py",)
    assert found.called_names == ("make",)
    assert {"pkg.core.make", "Engine.start"} <= set(found.dotted_names)


def test_imports_of_a_snippet_are_put_in_front_of_names() -> None:
    assert _clues(">>> from pkg.core import Engine, helper as h\n").dotted_names[:2] == (
        "pkg.core.Engine",
        "pkg.core.helper",
    )


def test_only_the_constant_parts_of_a_message_are_kept() -> None:
    found = _clues("KeyError: cannot find the file 'x.txt' in folder 17 of it\n")
    assert found.messages == ("cannot find the file",)


@given(st.text(alphabet="`'\".:/\\()\nFile line in abc_ 0123 py>E", max_size=600))
@settings(max_examples=150, deadline=None)
def test_no_text_raises(text: str) -> None:
    assert read_signals(Issue("", text)).text is not None


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["`", "a.", "'", "```\n", '"x', "a/", "File ", "a(", ">>> ", "E   ", "E", "-\n", "\t", "\n"]
)
def test_hostile_text_takes_no_long_time(piece: str) -> None:
    assert _clues(piece * 100_000).code is not None


@pytest.mark.timeout(20)
@pytest.mark.parametrize("line", ["import a{n} as b{n}", "from a{n} import b", "b{n}.c = 'd{n}'"])
def test_hostile_snippets_take_no_long_time(line: str) -> None:
    lines = [line.format(n=n) for n in range(5000)]
    assert _clues("\n".join(["```", *lines, "```"])).code
