"""Similar code, the map, ranked search, names that were meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from repoagent.errors import UserError
from repoagent.index.build import Index
from repoagent.index.likeness import rank_similar_names
from repoagent.index.repomap import build_repository_map
from repoagent.index.search import search_by_words
from repoagent.index.similar import find_clones

Indexed = Callable[[Mapping[str, str | bytes]], Index]

WRONG = """\
def {name}({arg}):
    '''{doc}'''
    total = 0
    for item in {arg}:
        if item.price < {limit}:
            total = total + item.price * 2
    return total
"""


def test_copies_with_other_names_and_numbers_are_found(indexed: Indexed) -> None:
    index = indexed(
        {
            "a.py": WRONG.format(name="first", arg="items", doc="One.", limit=10),
            "b.py": "import os\n\n\n" + WRONG.format(name="second", arg="goods", doc="Another.", limit=99),
            "c.py": "def third(x):\n    return os.path.join(x, 'a', str(len(x)))\n",
        }
    )
    (found,) = find_clones(index, "a.py", 1, 7)
    assert (found.unit.path, found.unit.symbol, found.likeness) == ("b.py", "second", 1.0)
    (part,) = find_clones(index, "a.py", 5, 6)
    assert (part.unit.path, part.lines) == ("b.py", (8, 9))


def test_what_is_called_makes_a_difference(indexed: Indexed) -> None:
    index = indexed(
        {
            "a.py": "def f(x):\n    y = x.strip().lower().title()\n    return y\n",
            "b.py": "def g(z):\n    w = z.count().index().copy()\n    return w\n",
        }
    )
    assert find_clones(index, "a.py", 2, 2) == ()


def test_similar_code_is_found_in_other_languages(indexed: Indexed) -> None:
    body = "(items) {{ let n = 0; for (const i of items) {{ if (i.ok) n = n + {}; }} return n; }}"
    index = indexed({"a.js": f"function f{body.format(1)}\nfunction g{body.format(2)}\n"})
    assert [clone.unit.symbol for clone in find_clones(index, "a.js", 1, 1)] == ["g"]


@pytest.mark.parametrize(("path", "start", "end"), [("a.py", 1, 1), ("a.py", 90, 99), ("README.md", 1, 1)])
def test_too_little_code_is_refused(indexed: Indexed, path: str, start: int, end: int) -> None:
    index = indexed({"a.py": "x = 1\n", "README.md": "words\n"})
    with pytest.raises(UserError, match=r"too little code|no language"):
        find_clones(index, path, start, end)


# --- the map ----------------------------------------------------------------------------------------------------------

MAPPED: Mapping[str, str | bytes] = {
    "core.py": "class Engine:\n    def start(self): pass\n    def join(self): pass\n\ndef seldom(): pass\n",
    **{f"user{n}.py": "from core import Engine\n\ndef go():\n    Engine().start()\n" for n in range(6)},
    "tests/test_core.py": "from core import seldom\n\ndef test_seldom():\n    seldom()\n",
}


def test_the_most_used_comes_first_and_the_map_keeps_its_size(indexed: Indexed) -> None:
    index = indexed(MAPPED)
    found = build_repository_map(index, 20)
    assert found.text.startswith("core.py:\n    1 class Engine")
    assert len(found.text) <= 80
    assert found.left_out > 0


def test_what_is_mentioned_is_on_the_map(indexed: Indexed) -> None:
    index = indexed(MAPPED)
    assert "seldom" not in build_repository_map(index, 14).text
    assert "seldom" in build_repository_map(index, 14, ["seldom"]).text


def test_a_map_of_one_folder_shows_that_folder_alone(indexed: Indexed) -> None:
    index = indexed({"a/x.py": "def f(): pass\n", "b/y.py": "def g(): pass\n"})
    assert build_repository_map(index, 100, under="b").text == "b/y.py:\n    1 def g()"


@pytest.mark.parametrize("files", [{}, {"a.md": "x"}, {"a.py": ""}])
def test_where_nothing_is_defined_the_map_is_empty(indexed: Indexed, files: dict[str, str]) -> None:
    assert build_repository_map(indexed(dict(files))).text == ""


# --- search and names -------------------------------------------------------------------------------------------------


def test_functions_are_found_by_what_they_are_about(indexed: Indexed) -> None:
    index = indexed(
        {
            "a.py": "def upload_permissions(mode):\n    return mode\n\ndef other():\n    return 1\n",
            "sub/b.py": "def load():\n    '''Check the permissions.'''\n",
        }
    )
    found = search_by_words(index, "upload permissions are wrong")
    assert [(piece.path, piece.symbol) for piece in found] == [("a.py", "upload_permissions"), ("sub/b.py", "load")]
    assert "upload" in " ".join(found[0].words)
    assert [piece.path for piece in search_by_words(index, "permissions", under="sub")] == ["sub/b.py"]
    assert search_by_words(index, "zebra") == ()


@pytest.mark.parametrize(
    ("asked", "found"),
    [("getQuerySet", "get_queryset"), ("get_qeuryset", "get_queryset"), ("queryset", "get_queryset"), ("xyz", None)],
)
def test_the_name_that_was_meant_comes_first(asked: str, found: str | None) -> None:
    known = ["get_queryset", "get_query", "set", "total", "run"]
    assert (rank_similar_names(asked, known) or (None,))[0] == found


def test_symbols_are_found_by_the_start_of_their_name(indexed: Indexed) -> None:
    index = indexed({"a.py": "def get_a(): pass\ndef get_b(): pass\ndef set_a(): pass\n"})
    assert [s.name for s in index.find_by_prefix("get_")] == ["get_a", "get_b"]
    assert index.suggest_names("get_ab", 2) == ("get_a", "get_b")
