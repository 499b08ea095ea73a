"""README, AGENTS and the documentation: as short as promised, as the code says, and without dead links."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from docs.generate import build_pages, fill_block, read_page
from docs.rooms import build_figure, build_table, read_floors
from repoagent.cli.codes import ExitCode

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RECORD = ROOT / "benchmarks/demo/recorded.txt"
FOLDERS = ("docs", "benchmarks", "tools", "prompts")
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md") if "_build" not in page.parts),
    ]
)
NAMED = re.compile(
    r"(?:(?:repoagent|tests|benchmarks|tools|prompts|docs|\.ci)/|languages/|[a-z_]+/[\w/]+\.py$)[\w./*-]*$"
)
"""Code in a text that is a path of the repository, or of the package."""


@pytest.fixture(scope="module")
def generated_pages() -> dict[Path, str]:
    """The generated pages, as the code has them now."""
    return build_pages()


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= 900


def test_the_recorded_run_of_the_readme_stands_in_the_record() -> None:
    section = README.read_text(encoding="utf-8").partition("## A recorded run")[2].partition("\n## ")[0]
    (excerpt,) = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    record = RECORD.read_text(encoding="utf-8").splitlines()
    assert [line for line in excerpt.splitlines() if line not in record] == []


@pytest.mark.parametrize("path", [README, ROOT / "docs/reference/exit-codes.md"], ids=["README", "reference"])
def test_every_exit_code_is_explained(path: Path) -> None:
    table = re.search(r"\|[^\n]*code \| meaning \|\n\|---\|---\|\n((?:\|[^\n]*\n)+)", path.read_text(encoding="utf-8"))
    assert table is not None
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table[1], re.MULTILINE)] == [
        code.value for code in ExitCode
    ]


def test_generated_pages_are_as_the_code_says(generated_pages: dict[Path, str]) -> None:
    stale = [str(path.relative_to(ROOT)) for path, text in generated_pages.items() if read_page(path) != text]
    assert stale == [], "write them again: make docs"


def test_no_generated_page_is_left_over(generated_pages: dict[Path, str]) -> None:
    kept = {path for path in (ROOT / "docs/reference/commands").iterdir() if path.is_file()}
    assert kept - set(generated_pages) == set()


def test_the_figure_and_the_table_have_every_room() -> None:
    floors = read_floors(ROOT)
    figure, table = build_figure(floors), build_table(ROOT, floors)
    rooms = [room for floor in floors for room in floor]
    assert len(rooms) > 20
    assert [room for room in rooms if f">{room}</text>" not in figure or f"| `{room}` |" not in table] == []
    assert [line for line in table.splitlines() if line.endswith("|  |")] == [], "a room without a docstring"


def test_a_block_is_filled_and_the_rest_stays() -> None:
    page = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n"
    assert fill_block(page, "x", "new \\1\n") == "a\n<!-- generated: x -->\n\nnew \\1\n\n<!-- end: x -->\nb\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_and_anchors_exist(page: Path) -> None:
    assert [link for link in read_links(page) if not is_alive(page, link)] == []


@pytest.mark.parametrize(
    ("link", "alive"),
    [("README.md", True), ("README.md#use-it", True), ("README.md#nothing", False), ("nothing.md", False)],
)
def test_a_dead_link_is_noticed(link: str, alive: bool) -> None:
    assert is_alive(ROOT / "AGENTS.md", link) is alive


@pytest.mark.parametrize(
    "page",
    [each for each in PAGES if each.parts[len(ROOT.parts)] in {"README.md", "AGENTS.md", "docs"}],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = [code for token in read_tokens(page) if token.type == "code_inline" and NAMED.match(code := token.content)]
    missing = {path for path in named if not (exists(path) or exists(f"repoagent/{path}"))}
    assert missing == set()


def exists(pattern: str) -> bool:
    """Whether a path of the repository, which may have stars or a `NAME` in it, names anything."""
    return any(ROOT.glob(pattern.rstrip("/").replace("NAME", "*")))


def is_alive(page: Path, link: str) -> bool:
    """Whether a relative link of a page leads to a file or folder of the repository, and to a heading that is there."""
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not anchor or (target.suffix == ".md" and anchor in read_anchors(target))


def read_links(page: Path) -> list[str]:
    """Where the links and images of a page lead to, but for other hosts."""
    found = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in read_tokens(page)]
    return [link for link in found if link and not re.match(r"[a-z]+:", link)]


@cache
def read_anchors(page: Path) -> frozenset[str]:
    """The names of a page's headings, as forges and the site give them: the second of a name has `-1` after it."""
    counts: Counter[str] = Counter()
    found = set()
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})
            name = slugify(text)
            found.add(f"{name}-{counts[name]}" if counts[name] else name)
            counts[name] += 1
    return frozenset(found)


def slugify(heading: str) -> str:
    """The anchor of a heading: lower case, no punctuation, hyphens for blanks."""
    kept = (each for each in heading.strip().lower() if each in " -_" or unicodedata.category(each)[0] in "LN")
    return "".join(kept).replace(" ", "-")


@cache
def read_tokens(page: Path) -> tuple[Token, ...]:
    """All inline tokens of a page."""
    return tuple(_walk(MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))))


def _walk(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or [])
