"""How the code names things gets better only; `names.py` counts, `counts.json` holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.style.names import (
    MAX_MEDIAN_LINES,
    Counts,
    Names,
    compare_counts,
    is_participle,
    read_counts,
    read_names,
)

UPDATE = "python tests/style/names.py --update"
LIST = "python tests/style/names.py --list repoagent"


@pytest.fixture(scope="module")
def names() -> Names:
    return read_names(Path(__file__).parents[2])


def test_the_counts_are_those_that_are_written_down(names: Names) -> None:
    changes = compare_counts(read_counts(), names.counts)
    assert not changes, f"{'; '.join(changes)}. Where it got worse: `{LIST}` says what; where better: `{UPDATE}`"


def test_functions_stay_short(names: Names) -> None:
    assert names.median_lines <= MAX_MEDIAN_LINES


@pytest.mark.parametrize("name", ["told", "_shown", "opened", "following", "missing", "verified_"])
def test_a_participle_alone_is_counted(name: str) -> None:
    assert is_participle(name.strip("_").split("_"))


@pytest.mark.parametrize("name", ["string", "embed", "feed", "docstring", "read", "run", "kept_files", "find"])
def test_nouns_and_verbs_are_no_participles(name: str) -> None:
    assert not is_participle(name.split("_"))


@pytest.mark.parametrize(
    ("name", "is_verb_first"),
    [
        ("find_tests", True),
        ("is_in_tree", True),
        ("count_tests", True),
        ("count", False),  # as well a noun
        ("name_of", False),
        ("is", False),
        ("plausible", False),
        ("told", False),
    ],
)
def test_a_name_begins_with_a_verb(names: Names, name: str, is_verb_first: bool) -> None:
    assert names.is_verb_first(name.split("_")) is is_verb_first


def test_what_is_no_function_of_choice_is_apart(tmp_path: Path) -> None:
    (tmp_path / "repoagent").mkdir()
    (tmp_path / "repoagent/a.py").write_text(
        "Told = str | int\n"
        "class Told:\n"
        "    @property\n    def told(self): ...\n"
        "    def __eq__(self, other): ...\n"
        "    def visit_Call(self, node): ...\n"
        "    @classmethod\n    def from_text(cls): ...\n"
        "    def shown(self):\n        def kept(): ...\n"
        "def main(): ...\n"
    )
    names = read_names(tmp_path)
    assert [each.qualified_name for each in names.free_functions] == ["Told.shown", "Told.shown.kept"]
    assert names.counts == Counts(2, 1, 0)


def test_a_change_for_the_better_is_said_too() -> None:
    before = Counts(participle_functions=5, class_names_with_several_owners=5, verb_first_percent=50)
    after = Counts(participle_functions=4, class_names_with_several_owners=6, verb_first_percent=51)
    assert [each.split(",")[0] for each in compare_counts(before, after)] == [
        "participle_functions: better",
        "class_names_with_several_owners: worse",
        "verb_first_percent: better",
    ]
