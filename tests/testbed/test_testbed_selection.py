"""Which tests are run first for a changed file."""

from __future__ import annotations

from dataclasses import dataclass, field

from repoagent.testbed.selection import select_relevant_tests


@dataclass(frozen=True)
class Imports:
    """Who imports whom, written down."""

    edges: dict[str, set[str]] = field(default_factory=dict)
    uses: dict[str, set[str]] = field(default_factory=dict)

    def find_users(self, name: str) -> frozenset[str]:
        return frozenset(self.uses.get(name, ()))

    def find_importers(self, path: str) -> frozenset[str]:
        return frozenset(self.edges.get(path, ()))


MANY = tuple(f"tests/other/test_{n}.py" for n in range(20))
TESTS = ("tests/test_words.py", "tests/test_direct.py", "tests/test_far.py", *MANY)
IMPORTS = Imports(
    {
        "src/clock/words.py": {"src/clock/faces.py", "tests/test_direct.py"},
        "src/clock/faces.py": {"tests/test_far.py"},
    }
)


def test_by_name_then_importers_then_their_importers() -> None:
    tests = select_relevant_tests(IMPORTS, ["src/clock/words.py"], TESTS, limit=3)
    assert tests == ("tests/test_words.py", "tests/test_direct.py", "tests/test_far.py")


def test_the_limit_is_kept_and_filled() -> None:
    assert len(select_relevant_tests(IMPORTS, ["src/clock/words.py"], TESTS, limit=8)) == 8


def test_neighbours_fill_up_before_strangers() -> None:
    tests = (*MANY, "tests/parser/test_x.py")
    assert select_relevant_tests(Imports(), ["src/parser/y.py"], tests, limit=1) == ("tests/parser/test_x.py",)


def test_few_test_files_are_all_relevant() -> None:
    tests = TESTS[:12]
    assert len(select_relevant_tests(IMPORTS, ["src/clock/words.py"], tests, limit=2)) == 12


def test_a_test_file_is_relevant_to_itself() -> None:
    assert select_relevant_tests(IMPORTS, ["tests/other/test_7.py"], TESTS, limit=1) == ("tests/other/test_7.py",)


def test_both_ways_of_naming_a_test_count() -> None:
    tests = (*MANY, "tests/words_test.py", "tests/test_clock.py")
    chosen = select_relevant_tests(Imports(), ["src/clock/_words.py", "src/clock/__init__.py"], tests, limit=2)
    assert set(chosen) == {"tests/words_test.py", "tests/test_clock.py"}


def test_no_test_files_give_none() -> None:
    assert select_relevant_tests(IMPORTS, ["src/clock/words.py"], ()) == ()


def test_of_many_that_import_the_file_those_that_name_the_suspects_come_first() -> None:
    tests = tuple(f"tests/filters/test_{name}.py" for name in "abcdefghijklmnop")
    index = Imports(
        {"src/filters.py": set(tests)},
        {"shorten": {"tests/filters/test_n.py"}, "Words": {"tests/filters/test_m.py"}, "cut": set(tests)},
    )
    chosen = select_relevant_tests(index, ["src/filters.py"], tests, 4, ["Words.shorten", "cut", "pad"])
    assert chosen[:2] == ("tests/filters/test_m.py", "tests/filters/test_n.py")


def test_a_test_may_be_named_after_a_function() -> None:
    tests = (*MANY, "tests/test_floatformat.py")
    assert select_relevant_tests(Imports(), ["src/filters.py"], tests, 1, ["floatformat"]) == (
        "tests/test_floatformat.py",
    )
