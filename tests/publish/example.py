"""The progress comment and the pull request as they look: rendered by the templates into
`docs/how-to/github.md`, and as a page for a browser.

    python -m tests.publish.example             # writes them into docs/how-to/github.md
    python -m tests.publish.example page.html   # writes the page that docs/how-to/github.png is a picture of
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

from markdown_it import MarkdownIt

from repoagent.publish import Delivery, PublishResult
from repoagent.publish.body import format_title, render_body
from repoagent.publish.comment import IssueProgress, render_comment
from tests.publish.conftest import DELIVERY

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "github.md"
SERVER = "https://github.com/acme/rulers"
_STYLE = """
body { font: 14px/1.5 "DejaVu Sans", sans-serif; width: 860px; margin: 16px; color: #1f2328 }
article { border: 1px solid #d1d9e0; border-radius: 6px; padding: 8px 16px; margin-bottom: 16px }
article > header { font-weight: 600; margin: -8px -16px 8px; padding: 8px 16px; background: #f6f8fa }
h3 { margin: 12px 0 6px } p, ul { margin: 6px 0 }
table { border-collapse: collapse } td, th { border: 1px solid #d1d9e0; padding: 4px 10px }
pre { background: #f6f8fa; padding: 8px; white-space: pre-wrap } code { background: #f6f8fa } a { color: #0969da }
"""


def delivery() -> Delivery:
    """What a run has found for an issue."""
    return replace(DELIVERY, base="3f1c" * 10, witness="job")


def examples() -> dict[str, str]:
    """The Markdown of each, by its name in the page."""
    run = {"number": 7, "run": 4711, "run_url": f"{SERVER}/actions/runs/4711", "actor": "ann"}
    opened = PublishResult("opened", f"{SERVER}/pull/100", 100, "repoagent/issue-7")
    return {
        "working": render_comment(IssueProgress("working", minutes="30", **run)),  # type: ignore[arg-type]
        "opened": render_comment(IssueProgress("opened", result=delivery().result, published=opened, **run)),  # type: ignore[arg-type]
        "pull": render_body(delivery(), branch="repoagent/issue-7", remote=SERVER),
    }


def filled(page: str) -> str:
    """The page with the examples as they are now."""
    for name, text in examples().items():
        quoted = "\n".join(f"> {replace_rule(line)}".rstrip() for line in text.strip().splitlines())
        block = f"<!-- example: {name} -->\n\n{quoted}\n\n<!-- end: {name} -->"
        shape = rf"<!-- example: {name} -->.*?<!-- end: {name} -->"
        page = re.sub(shape, block.replace("\\", r"\\"), page, flags=re.DOTALL)
    return page


def replace_rule(line: str) -> str:
    """Write a rule as HTML: the generator of the site takes no other one inside a quotation."""
    return "<hr>" if line == "---" else line


def html() -> str:
    """A page for a browser."""
    reader = MarkdownIt("commonmark").enable("table")
    heads = {
        "working": "The comment under the issue, while it works",
        "opened": "The same comment, afterwards",
        "pull": f"The draft pull request: {format_title(delivery())} #100",
    }
    parts = (
        f"<article><header>{heads[name]}</header>{reader.render(_ticked(text))}</article>"
        for name, text in examples().items()
    )
    return f"<!doctype html><meta charset=utf-8><style>{_STYLE}</style>{''.join(parts)}"


def _ticked(text: str) -> str:
    """Task lists, which the plain reader does not know."""
    return text.replace("- [x] ", "- ☑ ").replace("- [ ] ", "- ☐ ")


if __name__ == "__main__":
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(html(), encoding="utf-8")
    else:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
