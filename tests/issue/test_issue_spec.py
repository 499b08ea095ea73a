from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repoagent.domain import Issue
from repoagent.issue.spec import build_spec

FORM = """\
### Describe the bug
`pad` keeps the sign at the end. I use it for tables.

```python
pad(-1)  # this should not be read as prose
```

### Expected behavior
The sign stands first.

### Actual behavior
The sign stands last.
"""


def test_headings_decide_for_what_stands_below_them() -> None:
    spec = build_spec(Issue("pad(-1) is wrong", FORM))
    assert spec.current == ("pad(-1) is wrong", "The sign stands last.")
    assert spec.proposed == ("The sign stands first.",)


def test_labels_do_the_same_for_their_line() -> None:
    spec = build_spec(Issue("pad", "Actual result: 1-\n**Expected:** -1\n\nSeen on Linux.\n"))
    assert (spec.current[:2], spec.proposed) == (("pad", "1-"), ("-1",))


def test_elsewhere_the_verbs_decide() -> None:
    body = "I pad numbers. The sign is not kept, which is a pity. It should stand first. Thanks!"
    spec = build_spec(Issue("pad", body))
    assert spec.current == ("pad", "The sign is not kept, which is a pity.")
    assert spec.proposed == ("It should stand first.",)


def test_a_title_that_says_what_to_do_is_what_is_wanted() -> None:
    assert build_spec(Issue("[Feature] Allow pad() to take text", "")).proposed == (
        "[Feature] Allow pad() to take text",
    )


def test_without_a_wish_the_title_shall_no_longer_hold() -> None:
    assert build_spec(Issue("pad crashes", "")).proposed == ("This no longer holds: pad crashes",)


@given(st.text(max_size=200), st.text(alphabet=st.sampled_from("Aa b.*#:-`>\n\r\t'[]"), max_size=400))
def test_no_text_breaks_it_or_grows(title: str, body: str) -> None:
    spec = build_spec(Issue(title, body))
    assert 1 <= len(spec.proposed) <= 3
    assert sum(map(len, spec.current)) <= 3 * max(len(title), 250)
