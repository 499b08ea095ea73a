"""Search/replace blocks: what is shown, what is read, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from repoagent.domain import Attempt, Issue, Location, Spec
from repoagent.edits import EditRefused
from repoagent.generators import DraftTask, Replacer, ReplaceRetrier
from repoagent.generators.blocks import SearchReplaceBlock, parse_blocks, parse_edits
from repoagent.generators.excerpts import FileExcerpts, collect_file_excerpts
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel
from tests.conftest import Indexed

FILES = {
    "pkg/__init__.py": "",
    "pkg/limits.py": (
        '"""Limits."""\n\nimport os\n\nLONGEST = 30\nUNUSED = 1\n\n\ndef here():\n    return os.getcwd()\n'
    ),
    "pkg/names.py": (
        "from pkg.limits import LONGEST\n\n\ndef other():\n    return 1\n\n\nclass Name:\n    short = ''\n\n"
        "    def clipped(self):\n        return self.short[:LONGEST]\n\n    def same(self):\n        return self\n"
    ),
}
CLIPPED = Location("pkg/names.py", "Name.clipped", 11, 12)


def block(path: str, search: str, new: str) -> str:
    return f"### {path}\n<<<<<<< SEARCH\n{search}\n=======\n{new}\n>>>>>>> REPLACE\n"


RIGHT = "The constant is wrong.\n\n```python\n" + block("pkg/limits.py", "LONGEST = 30", "LONGEST = 20") + "```\n"


def task(indexed: Indexed, files: Mapping[str, str | bytes] = FILES) -> DraftTask:
    index = indexed(files)
    issue = Issue("names are too long", "They are clipped at 30.")
    shown = collect_file_excerpts(index, index.read_source, (CLIPPED,), issue.text)
    source = index.read_source(CLIPPED.path)
    made = DraftTask(issue, Spec((), ("20 letters",)), CLIPPED, source, "", "'x' * 30", 7, 2)
    return replace(made, files=shown, listed=frozenset(index.files))


def model(*replies: str) -> ScriptedModel:
    return ScriptedModel(replies, profile=find_profile("qwen2.5-coder-32b"))


def test_shown_are_the_function_its_class_and_the_constants_it_uses(indexed: Indexed) -> None:
    [names, limits] = task(indexed).files
    assert "\n".join(names.texts) == (
        "from pkg.limits import LONGEST\nclass Name:\n    short = ''\n\n"
        "    def clipped(self):\n        return self.short[:LONGEST]"
    )
    assert (limits.path, limits.texts) == ("pkg/limits.py", ("import os", "LONGEST = 30"))


def test_a_module_that_is_suspected_itself_is_shown_without_its_functions(indexed: Indexed) -> None:
    index = indexed(FILES)
    [limits] = collect_file_excerpts(
        index, index.read_source, (Location("pkg/limits.py", "", 1, 1),), "UNUSED is wrong"
    )
    assert limits.texts == ("import os", "UNUSED = 1")


def test_a_change_at_module_level_of_another_file_is_drafted(indexed: Indexed) -> None:
    asked = model(RIGHT, RIGHT)
    drafted = Replacer().draft(task(indexed), asked)
    [first, _] = drafted.drafts
    assert [(edit.path, edit.after) for edit in first.edits] == [
        ("pkg/limits.py", FILES["pkg/limits.py"].replace("= 30", "= 20"))
    ]
    assert "### pkg/limits.py" in asked.calls[0].prompt
    assert "- 20 letters" in asked.calls[0].prompt
    assert [call.sampling.temperature for call in asked.calls] == [0.0, 0.8]


def test_a_second_attempt_knows_the_first_one(indexed: Indexed) -> None:
    asked = model(RIGHT)
    drafted = ReplaceRetrier().draft(replace(task(indexed), previous=Attempt("LONGEST = 29", "still 30")), asked)
    assert len(drafted.drafts) == 1
    assert asked.calls[0].prompt.index("LONGEST = 29") < asked.calls[0].prompt.index("still 30")


def test_where_nothing_can_be_shown_no_model_is_asked(indexed: Indexed) -> None:
    asked = model()
    for generator in (Replacer(), ReplaceRetrier()):
        assert generator.draft(replace(task(indexed), files=(), previous=Attempt("", "")), asked).refused
    assert not asked.calls


def test_of_what_is_too_long_the_last_files_are_left_out(indexed: Indexed) -> None:
    asked = ScriptedModel([RIGHT], profile=replace(find_profile("qwen2.5-coder-32b"), prompt_budget=300))
    long = {**FILES, "pkg/limits.py": f"{FILES['pkg/limits.py']}LONGEST = {'1 + ' * 200}1\n"}
    drafted = Replacer().draft(replace(task(indexed, long), samples=1), asked)
    assert "### pkg/names.py" in asked.calls[0].prompt
    assert "### pkg/limits.py" not in asked.calls[0].prompt
    assert not drafted.drafts


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (block("a.py", "x", "y"), [SearchReplaceBlock("a.py", "x", "y")]),
        ("`a.py`\n```\n" + block("b/c.py", "x\n\ny", "") + "```", [SearchReplaceBlock("b/c.py", "x\n\ny", "")]),
        ("**File: a.py**\n" + block("", "x", "y").partition("\n")[2], [SearchReplaceBlock("a.py", "x", "y")]),
        (
            block("a.py", "x", "y") + block("", "z", "w").partition("\n")[2],
            [SearchReplaceBlock("a.py", "x", "y"), SearchReplaceBlock("a.py", "z", "w")],
        ),
        ("### a.py\n<<<<<<< SEARCH\nx\n=======\ny\n", []),
        (
            "### a.py\n<<<<<<< SEARCH\nTitle\n=====\n=======\ny\n>>>>>>> REPLACE",
            [SearchReplaceBlock("a.py", "Title\n=====", "y")],
        ),
        ("no blocks", []),
    ],
)
def test_blocks_are_found_in_what_is_written_around_them(answer: str, found: list[SearchReplaceBlock]) -> None:
    assert parse_blocks(answer) == found


KNOWN = {"pkg/a.py": "x = 1\ny = 2\n", "pkg/b.py": "z = 3\n"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("no blocks", "no search/replace block"),
        (block("pkg/a.py", "x = 1", "x = 2") + block("pkg/b.py", "q = 3", "q = 4"), "pkg/b.py: the passage"),
        (block("pkg/a.py", "x = 1", "x = 2\n# ... rest unchanged"), "leaves out parts"),
        (block("other.py", "x = 1", "x = 2"), "no such file to search in"),
        (block("pkg/c.py", "", "x = 2"), "not one of the files that were shown"),
        (block("../evil.py", "", "x = 2"), "not one of the files that were shown"),
        (block("/etc/evil.py", "", "x = 2"), "not one of the files that were shown"),
        (block(".git/hooks.py", "", "x = 2"), "not one of the files that were shown"),
        (block("setup.sh", "", "x"), "not one of the files that were shown"),
    ],
)
def test_an_answer_that_cannot_be_applied_as_a_whole_is_refused(answer: str, reason: str) -> None:
    with pytest.raises(EditRefused, match=reason):
        parse_edits(answer, KNOWN, {}, frozenset({"pkg/c.py"}))


def test_blocks_of_several_files_and_a_new_one_become_edits() -> None:
    answer = block("a.py", "x = 1", "x = 9") + block("pkg/a.py", "y = 2", "y = 8") + block("pkg/new.py", "", "n = 1")
    edits = parse_edits(answer, KNOWN, {})
    assert [(edit.path, edit.before is None, edit.after) for edit in edits] == [
        ("pkg/a.py", False, "x = 9\ny = 8\n"),
        ("pkg/new.py", True, "n = 1\n"),
    ]


def test_parts_are_shown_without_what_stands_between_them() -> None:
    file = FileExcerpts("m.py", "a = 1\nb = 2\nc = 3\n", ((1, 1), (3, 3)))
    assert file.texts == ("a = 1", "c = 3")
