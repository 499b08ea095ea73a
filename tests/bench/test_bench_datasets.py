"""Datasets are read in every form they come in, and a bad row is named and costs itself alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from repoagent.bench.datasets import InstanceFilter, load_dataset, select_instances
from repoagent.bench.datasets.folders import parse_bugsinpy_tests
from repoagent.bench.datasets.rows import convert_row, reverse_patch
from repoagent.bench.instance import Instance, format_diff, list_changed_files, list_test_files, remove_files
from repoagent.errors import UserError
from tests.bench.conftest import BROKEN, RIGHT, row, write_rows

FIX_ROW = {
    "task_id": "Python/3",
    "declaration": "def double(x):\n",
    "buggy_solution": "    return x\n",
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(double):\n    assert double(2) == 4\n\ncheck(double)\n",
    "example_test": "def check(double):\n    assert double(0) == 0\ncheck(double)\n",
    "entry_point": "double",
    "docstring": "Twice x.",
    "bug_type": "missing logic",
}
MULTI_ROW = {
    "org": "ann",
    "repo": "shop",
    "number": 7,
    "base": {"label": "ann:main", "ref": "main", "sha": "a" * 40},
    "resolved_issues": [{"number": 3, "title": "total() is wrong", "body": "It forgets one."}],
    "fix_patch": format_diff("shop.go", "a\n", "b\n"),
    "test_patch": "",
    "f2p_tests": {"TestTotal": {"run": "NONE", "test": "FAIL", "fix": "PASS"}},
    "n2p_tests": {"TestNew": {}},
    "p2p_tests": {"TestOld": {}},
    "lang": "go",
}


@pytest.mark.parametrize("listed", ['["a::b"]', "['a::b']", ["a::b"]])
@pytest.mark.parametrize("name", ["FAIL_TO_PASS", "fail_to_pass"])
def test_lists_of_tests_come_as_json_as_python_and_as_lists(listed: object, name: str) -> None:
    given = {key: value for key, value in row().items() if key != "FAIL_TO_PASS"}
    assert convert_row({**given, name: listed}).fail_to_pass == ("a::b",)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_commit": 7}, "base_commit"),
        ({"base_commit": "--upload-pack=x"}, "base_commit"),
        ({"problem_statement": None}, "problem_statement"),
        ({"patch": ["no", "text"]}, "patch"),
        ({"PASS_TO_PASS": {"a": 1}}, "PASS_TO_PASS"),
        ({"instance_id": "../../outside"}, "instance_id"),
    ],
)
def test_a_bad_row_is_named_with_its_field_and_the_others_are_read(
    changes: dict[str, object], field: str, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "rows.jsonl", row("good-1"), row("bad-2") | changes, row("good-3"))

    loaded = load_dataset(str(path))

    assert [each.id for each in loaded.instances] == ["good-1", "good-3"]
    assert [(each.number, each.field) for each in loaded.refused] == [(2, field)]
    assert f"row 2 ({changes.get('instance_id', 'bad-2')}), field {field}: " in str(loaded.refused[0])


def test_lines_that_are_no_json_and_ids_that_come_twice_are_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "rows.jsonl", row("a"), row("a"), 17)
    path.write_text(path.read_text() + "{broken\n")
    assert [(each.number, each.field) for each in load_dataset(str(path)).refused] == [
        (2, "instance_id"),
        (3, "row"),
        (4, "row"),
    ]


def test_json_parquet_and_a_directory_of_parquet_hold_the_same(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    rows = [row("one"), row("two")]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    expected = load_dataset(str(write_rows(tmp_path / "rows.jsonl", *rows)))
    assert load_dataset(str(tmp_path / "rows.json")) == load_dataset(str(tmp_path / "rows.parquet")) == expected


def test_datasets_reads_what_the_hub_would_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    place = tmp_path / "named" / "data"
    place.mkdir(parents=True)
    parquet.write_table(pa.Table.from_pylist([row("one")]), place / "test-00000-of-00001.parquet")

    assert [each.id for each in load_dataset(str(tmp_path / "named"), split="test").instances] == ["one"]


def test_what_cannot_be_read_at_all_says_so(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("")
    (tmp_path / "no.parquet").write_text("not parquet")
    for name, words in (("none.jsonl", "empty"), ("no.parquet", "Parquet"), ("missing.json", "no dataset")):
        with pytest.raises(UserError, match=words):
            load_dataset(str(tmp_path / name))


def test_humanevalfix_becomes_a_project_of_one_function() -> None:
    made = convert_row(FIX_ROW)
    assert made.id == "HumanEvalFix-Python_3"
    assert {file.path for file in made.files} == {"solution.py", "test_example.py"}
    assert made.fail_to_pass == ("test_hidden.py::test_hidden",)
    assert "2 * x" in made.patch
    assert "double(2) == 4" in made.test_patch
    assert "2 * x" not in made.issue + "".join(file.text for file in made.files)


def test_multi_swe_bench_becomes_the_same_kind_of_instance() -> None:
    made = convert_row(MULTI_ROW)
    assert (made.id, made.repo, made.base) == ("ann__shop-7", "ann/shop", "a" * 40)
    assert made.fail_to_pass == ("TestTotal", "TestNew")
    assert made.issue == "total() is wrong\n\nIt forgets one."


def test_swe_smith_gives_the_bug_and_the_fix_is_its_reverse() -> None:
    bug = format_diff("shop.py", RIGHT, BROKEN)
    smith = row("shop.1", repo="swesmith/ann__shop.1", patch=bug, image_name="x")
    made = convert_row(smith)
    assert (made.base, made.tests_from, made.tests) == ("shop.1", "shop.1~1", ("test_shop.py",))
    assert "-    return sum(values[1:])" in made.patch
    assert "+    return sum(values)\n" in made.patch


@pytest.mark.parametrize("before", [None, BROKEN])
def test_a_reversed_patch_takes_the_patch_back(before: str | None, tmp_path: Path) -> None:
    import subprocess

    if before is not None:
        (tmp_path / "shop.py").write_text(before)
    patch = format_diff("shop.py", before, RIGHT)
    for text in (patch, reverse_patch(patch)):
        subprocess.run(("git", "apply", "-"), input=text, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "shop.py").exists() == (before is not None)
    assert before is None or (tmp_path / "shop.py").read_text() == before


def test_issue_files_may_say_where_they_belong(tmp_path: Path) -> None:
    (tmp_path / "12.md").write_text("---\nrepo: ann/shop\nbase_commit: v1\n---\n# It is wrong\n\nReally.\n")
    (tmp_path / "13.md").write_text("# It is slow\n")
    (tmp_path / "14.md").write_text("---\nrepo: [\n---\n# x\n")
    loaded = load_dataset(str(tmp_path), repo=str(tmp_path))
    assert [(each.id, each.repo, each.base) for each in loaded.instances] == [
        ("12", "ann/shop", "v1"),
        ("13", str(tmp_path), "HEAD"),
    ]
    assert [each.field for each in loaded.refused] == ["front matter"]
    assert load_dataset(str(tmp_path)).refused[0].field == "repo"


def test_quixbugs_is_read_from_its_checkout(tmp_path: Path) -> None:
    files = {
        "python_programs/gcd.py": "def gcd(a, b):\n    return a\n",
        "correct_python_programs/gcd.py": "def gcd(a, b):\n    return b\n",
        "python_testcases/test_gcd.py": "def test_gcd(): ...\n",
        "python_testcases/node.py": "",
        "json_testcases/gcd.json": "[]",
        "conftest.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (made,) = load_dataset(str(tmp_path)).instances
    assert made.tests == ("python_testcases/test_gcd.py",)
    assert {file.path for file in made.files} == set(files) - {"correct_python_programs/gcd.py"}
    assert made.has_tests


def test_bugsinpy_is_read_from_its_checkout(tmp_path: Path) -> None:
    (tmp_path / "framework").mkdir()
    folder = tmp_path / "projects" / "shop" / "bugs" / "1"
    folder.mkdir(parents=True)
    (folder.parents[1] / "project.info").write_text('github_url="https://localhost/ann/shop/"\n')
    (folder / "bug.info").write_text(
        'buggy_commit_id="abc"\r\nfixed_commit_id ="def"\r\ntest_file="test/test_a.py"\r\n'
    )
    (folder / "run_test.sh").write_text("python -m unittest -q test.test_a.Case.test_b\n")
    (folder / "bug_patch.txt").write_text("diff --git a/a b/a\n")
    (made,) = load_dataset(str(tmp_path)).instances
    assert (made.base, made.tests_from, made.tests) == ("abc", "def", ("test/test_a.py",))
    assert made.fail_to_pass == ("test/test_a.py::Case::test_b",)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("pytest a/b.py::C::test_d", ("a/b.py::C::test_d",)),
        ("tox a/b.py::test_d", ("a/b.py::test_d",)),
        ("python -m unittest -q a.b.C.test_d\npython -m unittest -q a.b.C.test_d", ("a/b.py::C::test_d",)),
        ("echo 'unclosed", ()),
    ],
)
def test_bugsinpy_names_tests_in_several_ways(script: str, expected: tuple[str, ...]) -> None:
    assert parse_bugsinpy_tests(script) == expected


MANY = tuple(Instance(f"r{n % 2}-{n}", f"ann/r{n % 2}", "x", "issue", difficulty=f"{n} h") for n in range(10))


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (InstanceFilter(part="2"), ["r0-0", "r1-1"]),
        (InstanceFilter(part="::4"), ["r0-0", "r0-4", "r0-8"]),
        (InstanceFilter(ids=("r1-3", "r0-0")), ["r1-3", "r0-0"]),
        (InstanceFilter(repos=("ann/r1",), part="1:3"), ["r1-3", "r1-5"]),
        (InstanceFilter(difficulty="^[89] h"), ["r0-8", "r1-9"]),
        (InstanceFilter(match="-7$"), ["r1-7"]),
    ],
)
def test_instances_are_chosen(choice: InstanceFilter, expected: list[str]) -> None:
    assert [each.id for each in select_instances(MANY, choice)] == expected


def test_a_shuffle_can_be_repeated() -> None:
    first, again = (select_instances(MANY, InstanceFilter(seed=4, part="5")) for _ in range(2))
    assert first == again != select_instances(MANY, InstanceFilter(seed=5, part="5"))


@pytest.mark.parametrize(
    "choice",
    [InstanceFilter(ids=("nobody",)), InstanceFilter(part="x"), InstanceFilter(part="::0"), InstanceFilter(match="(")],
)
def test_a_choice_that_cannot_be_made_is_explained(choice: InstanceFilter) -> None:
    with pytest.raises(UserError):
        select_instances(MANY, choice)


def test_patches_name_their_files() -> None:
    text = format_diff("a.py", "x\n", "y\n") + format_diff("tests/test_new.py", None, "z\n")
    assert list_changed_files(text) == ("a.py", "tests/test_new.py")
    assert list_test_files(text) == ("tests/test_new.py",)
    assert remove_files(text, ["a.py"]) == format_diff("tests/test_new.py", None, "z\n")


def test_hostile_rows_do_not_stop_the_reader(tmp_path: Path) -> None:
    deep: Any = "[" * 100_000
    path = write_rows(tmp_path / "rows.jsonl", row("good"), row("deep", FAIL_TO_PASS=deep))
    path.write_text(path.read_text() + deep + "\n")
    loaded = load_dataset(str(path))
    assert [each.id for each in loaded.instances] == ["good"]
    assert len(loaded.refused) == 2
