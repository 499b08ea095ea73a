"""The parts of an issue, and what each says about where the fault lies."""

from __future__ import annotations

import pytest

from repoagent.domain import Comment, Issue
from repoagent.issue.document import MAX_LENGTH
from repoagent.localise.sections import IssuePart, count_term_weights, split_parts

BODY = """\
<!-- Please describe the zebra -->
The giraffe is wrong.

    indented lion

```python
fenced tiger
# Environment
still fenced
```
>>> session puma

## Expected
An elephant.

### Environment
- OS: penguin
- Python version: 3.9

**Output of `pip list`:**
walrus

## Steps
Back to the heron.

Versions
numpy seal
"""


def _of(part: IssuePart, issue: Issue) -> str:
    return "\n".join(text for kind, text in split_parts(issue) if kind is part)


def test_each_line_is_of_the_part_it_stands_in() -> None:
    issue = Issue("Title wolf", BODY, (Comment("me", "A fox.\n```\ncomment bear\n```"),))
    assert _of(IssuePart.TITLE, issue) == "# Title wolf"
    assert "zebra" in _of(IssuePart.FORM, issue)
    assert all(animal in _of(IssuePart.PROSE, issue) for animal in ("giraffe", "elephant", "heron"))
    assert all(animal in _of(IssuePart.CODE, issue) for animal in ("lion", "tiger", "still fenced", "puma", "bear"))
    assert all(animal in _of(IssuePart.ENVIRONMENT, issue) for animal in ("penguin", "3.9", "walrus", "seal"))
    assert _of(IssuePart.COMMENT, issue) == "A fox."


def test_a_word_counts_by_where_it_is_said() -> None:
    masses = count_term_weights(Issue("wolf", f"{BODY}\nwolf", (Comment("me", "heron"),)))
    assert (masses["wolf"], masses["giraffe"], masses["tiger"]) == (
        4.0,
        1.0,
        0.3,
    )  # the last line is of the environment
    assert masses["heron"] == 1.5
    assert not {"zebra", "penguin", "seal"} & masses.keys()


def test_what_forms_ask_for_is_no_query() -> None:
    assert count_term_weights(
        Issue("Bug report", "Steps to reproduce the issue, expected behaviour, last version")
    ) == {"report": 4.0}


def test_prose_that_begins_like_a_heading_is_prose() -> None:
    issue = Issue("t", "Setup of the zebra fails.\nInstallation with pip works, the heron does not.\n")
    assert _of(IssuePart.ENVIRONMENT, issue) == ""


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<!--", "```\n", "**", "#", "a b ", ">>> ", "    ", "Version ", "(" * 50 + "\n"])
def test_hostile_texts_end_soon(piece: str) -> None:
    issue = Issue("t", piece * 50_000)
    assert sum(len(text) for _, text in split_parts(issue)) <= MAX_LENGTH
