"""What an issue points to."""

from __future__ import annotations

import pytest

from repoagent.domain import Comment, Issue, Link
from repoagent.issue.links import find_links

URL = "https://github.com/acme/rulers/issues/7"


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see #12.", Link("issue", "acme/rulers#12")),
        ("like other/repo#3", Link("issue", "other/repo#3")),
        ("https://github.com/a/b/issues/4#issuecomment-1", Link("issue", "a/b#4")),
        ("[this](https://github.com/a/b/pull/5/files)", Link("pull", "a/b#5")),
        ("https://github.com/a/b/blob/main/src/x%20y.py#L3-L9", Link("file", "src/x y.py", 3, 9)),
        ("https://github.com/a/b/blob/v1/x.py#L3", Link("file", "x.py", 3, 3)),
        ("https://github.com/a/b/blob/v1/x.py#L3C1-L4C2", Link("file", "x.py", 3, 4)),
        (
            "![](https://github.com/user-attachments/assets/1)",
            Link("image", "https://github.com/user-attachments/assets/1"),
        ),
        ('<img width="3" src="https://x.test/a">', Link("image", "https://x.test/a")),
        ("https://x.test/a.PNG?raw=1", Link("image", "https://x.test/a.PNG?raw=1")),
        ("(https://docs.test/page#part),", Link("page", "https://docs.test/page#part")),
        ("http://[bad", None),
        ("colour #fff000, &#35;, C#1, x#12", None),
        ("see #7", None),
    ],
)
def test_each_kind_is_listed(text: str, link: Link | None) -> None:
    assert find_links(Issue("T", text, url=URL)) == ((link,) if link else ())
    assert find_links(Issue("T", "", (Comment("a", text),), URL)) == ((link,) if link else ())


def test_a_number_means_nothing_without_a_repository() -> None:
    assert find_links(Issue("T", "see #12")) == ()


def test_hostile_text_takes_no_more_than_the_limit() -> None:
    text = " ".join(f"#{n}" for n in range(1, 5000)) + "![" * 20_000 + "<img " * 20_000
    assert len(find_links(Issue("T", text, url=URL))) == 100
