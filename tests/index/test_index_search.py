"""Text search and outlines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from repoagent.errors import UserError
from repoagent.index.build import Index
from repoagent.index.outline import build_outline
from repoagent.index.search import search_lines

Indexed = Callable[[Mapping[str, str | bytes]], Index]

FILES: Mapping[str, str | bytes] = {
    "a.py": "first = 1\n-e second\nFIRST again\n",
    "sub/b.txt": "the first\nx" + "y" * 400 + "\n",
    "sub/bin.dat": b"first\0",
}


@pytest.fixture(params=["ripgrep", "own"])
def repository(request: pytest.FixtureRequest, indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> Index:
    if request.param == "own":
        monkeypatch.setattr("repoagent.index.search.shutil.which", lambda name: None)
    return indexed(FILES)


def _found(index: Index, text: str, **options: object) -> list[tuple[str, int]]:
    return [(hit.path, hit.line) for hit in search_lines(index, text, **options)]  # type: ignore[arg-type]  # a table's options


@pytest.mark.parametrize(
    ("text", "options", "found"),
    [
        ("first", {}, [("a.py", 1), ("sub/b.txt", 1)]),
        ("first", {"ignore_case": True, "under": "a.py"}, [("a.py", 1), ("a.py", 3)]),
        ("first", {"under": "sub"}, [("sub/b.txt", 1)]),
        ("first", {"limit": 1}, [("a.py", 1)]),
        ("-e second", {}, [("a.py", 2)]),
        ("f.rst$", {"regex": True}, [("sub/b.txt", 1)]),
        ("f.rst$", {}, []),
        (r"(?<=the )first", {"regex": True}, [("sub/b.txt", 1)]),
    ],
)
def test_lines_are_found(
    repository: Index, text: str, options: dict[str, object], found: list[tuple[str, int]]
) -> None:
    assert _found(repository, text, **options) == found


def test_long_lines_are_cut(repository: Index) -> None:
    assert [len(hit.text) for hit in search_lines(repository, "yyy")] == [300]


def test_a_wrong_expression_is_refused_with_advice(repository: Index) -> None:
    with pytest.raises(UserError, match="Escape it"):
        search_lines(repository, "(", regex=True)


def test_an_outline_has_headers_attributes_and_no_bodies(indexed: Indexed) -> None:
    source = (
        "LIMIT = 3\n\n\nclass A(B):\n    '''Sum.\n\n    More.'''\n    size: int = 1\n\n"
        "    def __init__(self):\n        self.x = 1\n        y = 2\n\n    def run(self, z):\n        self.x = 3\n"
    )
    index = indexed({"a.py": source + "\n\ndef f():\n    def g(): pass\n"})
    assert build_outline(index, "a.py").splitlines() == [
        "    1 LIMIT = 3",
        "    4 class A(B)  # Sum.",
        "    8     size: int = 1",
        "   10     def __init__(self)",
        "   11     self.x = 1",
        "   14     def run(self, z)",
        "   18 def f()",
    ]
    assert build_outline(index, "a.py", "A").splitlines()[0] == "    4 class A(B)  # Sum."
    assert build_outline(index, "missing.py") == ""
