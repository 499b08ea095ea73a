"""The index of a whole repository: what is in it, what it answers, and what it keeps."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repoagent.errors import UserError
from repoagent.index import facts, pool
from repoagent.index.build import Index
from repoagent.index.reading import read as reading
from repoagent.index.reading.extract import ExtractedFacts
from repoagent.index.reading.skipping import SIZE_LIMIT
from repoagent.process import run

Indexed = Callable[[Mapping[str, str | bytes]], Index]

PACKAGE: Mapping[str, str | bytes] = {
    "src/pkg/__init__.py": "from .core import Engine as Motor\nfrom .more import *\n",
    "src/pkg/core.py": "class Engine:\n    def start(self):\n        return helper()\n\ndef helper():\n    pass\n",
    "src/pkg/more.py": "from pkg.core import helper\n\ndef extra():\n    return helper()\n",
    "src/pkg/sub/__init__.py": "",
    "src/pkg/sub/deep.py": "from .. import core\nfrom ..core import Engine\nimport pkg.more\n",
    "tests/test_core.py": "from pkg import Motor\nMotor().start()\n",
    "README.md": "helper\n",
}


@pytest.fixture
def package(indexed: Indexed) -> Index:
    return indexed(PACKAGE)


def test_files_are_those_of_git_and_no_others(tmp_path: Path, indexed: Indexed) -> None:
    (tmp_path / "outside.py").write_text("secret = 1\n")
    root = tmp_path / "repository"
    root.mkdir()
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    (root / "folder").symlink_to(tmp_path)
    os.mkfifo(root / "pipe.py")
    index = indexed({"kept.py": "", ".gitignore": "ignored.py\n", "ignored.py": "", "ü n.py": "x = 1\n"})
    assert list(index.files) == ["kept.py", "ü n.py"]
    assert [item.path for item in index.listed if index.is_text(item.path)] == [".gitignore", "kept.py", "ü n.py"]


def test_a_tracked_file_whose_folder_became_a_link_is_left_out(tmp_path: Path, indexed: Indexed) -> None:
    index = indexed({"folder/a.py": "x = 1\n"})
    run(("git", "add", "."), cwd=index.root, timeout=30)
    (index.root / "folder").rename(tmp_path / "elsewhere")
    (index.root / "folder").symlink_to(tmp_path / "elsewhere")
    assert "folder/a.py" not in Index.build(index.root).files


def test_a_large_file_is_listed_with_a_reason(indexed: Indexed) -> None:
    index = indexed({"big.py": "#" * (SIZE_LIMIT + 1), "small.py": ""})
    assert index.files["big.py"].skipped == "larger than 1 MB"
    assert (index.is_text("big.py"), index.is_text("small.py"), index.is_text("gone.py")) == (False, True, False)


def test_a_folder_without_git_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="git init"):
        Index.build(tmp_path)


def test_programs_named_by_the_repository_are_not_started(indexed: Indexed) -> None:
    index = indexed({"a.py": ""})
    run(("git", "config", "core.fsmonitor", f"touch {index.root}/started;"), cwd=index.root, timeout=30)
    Index.build(index.root)
    assert not (index.root / "started").exists()


@pytest.mark.parametrize(
    ("asked", "found"),
    [("start", ["Engine.start"]), ("Engine.start", ["Engine.start"]), ("ENGINE", ["Engine"]), ("nothing", [])],
)
def test_symbols_are_found_by_name(package: Index, asked: str, found: list[str]) -> None:
    assert [symbol.qualified for symbol in package.find_symbols(asked)] == found


def test_an_exact_name_hides_those_in_other_case(indexed: Indexed) -> None:
    index = indexed({"a.py": "def run(): pass\nclass Run: pass\n"})
    assert [symbol.kind for symbol in index.find_symbols("Run")] == ["class"]


@pytest.mark.parametrize(("line", "around"), [(1, "Engine"), (3, "Engine.start"), (4, None), (5, "helper")])
def test_a_line_lies_in_its_innermost_symbol(package: Index, line: int, around: str | None) -> None:
    symbol = package.find_enclosing("src/pkg/core.py", line)
    assert (symbol.qualified if symbol else None) == around


def test_of_several_definitions_the_longest_is_meant(indexed: Indexed) -> None:
    index = indexed({"a.py": "@overload\ndef f(x): ...\ndef f(x):\n    y = x\n    return y\n"})
    symbol = index.get_symbol("a.py", "f")
    assert symbol is not None
    assert index.read_lines("a.py", symbol.start, symbol.end) == "def f(x):\n    y = x\n    return y\n"


def test_references_name_the_function_around_them(package: Index) -> None:
    found = {(r.path, r.kind, r.inside) for r in package.find_references("pkg.core.helper")}
    assert found == {
        ("src/pkg/core.py", "call", "Engine.start"),
        ("src/pkg/more.py", "import", ""),
        ("src/pkg/more.py", "call", "extra"),
    }


def test_importers_are_found_through_relative_and_source_root_imports(package: Index) -> None:
    assert package.derive_module_name("src/pkg/core.py") == "pkg.core"
    assert package.find_importers("src/pkg/core.py") == {
        "src/pkg/__init__.py",
        "src/pkg/more.py",
        "src/pkg/sub/deep.py",
    }
    assert package.find_importers("src/pkg/more.py") == {"src/pkg/__init__.py", "src/pkg/sub/deep.py"}
    assert package.find_importers("src/pkg/__init__.py") == {"tests/test_core.py"}


@pytest.mark.parametrize(
    ("dotted", "found"),
    [
        ("pkg.core.Engine.start", ["Engine.start"]),
        ("pkg.Motor", ["Engine"]),
        ("pkg.Motor.start", ["Engine.start"]),
        ("pkg.extra", ["extra"]),
        ("pkg.core", []),
        ("os.path.join", []),
    ],
)
def test_dotted_names_resolve_through_re_exports(package: Index, dotted: str, found: list[str]) -> None:
    assert [symbol.qualified for symbol in package.resolve(dotted)] == found


def test_modules_that_import_each_other_with_a_star_end(indexed: Indexed) -> None:
    index = indexed({"a.py": "from b import *\n", "b.py": "from a import *\n"})
    assert index.resolve("a.nothing") == ()


def test_the_source_of_an_unlisted_path_is_refused(package: Index) -> None:
    with pytest.raises(UserError, match="no file of this repository"):
        package.read_source("../outside.py")


# --- the cache --------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "index.sqlite"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are parsed."""
    paths: list[str] = []

    def read_and_tell(path: str, content: bytes) -> ExtractedFacts:
        paths.append(path)
        return reading.read_file(path, content)

    monkeypatch.setattr(facts, "read_file", read_and_tell)
    return paths


def test_facts_come_from_the_cache_while_the_content_is_the_same(package: Index, cache: Path, asked: list[str]) -> None:
    first = Index.build(package.root, cache)
    (package.root / "new.py").write_text("def new(): pass\n")
    asked.clear()
    again = Index.build(package.root, cache)
    assert asked == ["new.py"]
    assert dict(again.files) == {**first.files, "new.py": again.files["new.py"]}


def test_a_copy_of_the_tree_shares_the_facts(package: Index, cache: Path, tmp_path: Path, asked: list[str]) -> None:
    Index.build(package.root, cache)
    asked.clear()
    copy = tmp_path / "copy"
    shutil.copytree(package.root, copy)
    assert dict(Index.build(copy, cache).files) == dict(package.files)
    assert asked == []


def test_an_edit_right_after_the_build_is_seen(package: Index, cache: Path) -> None:
    for number in range(5):  # of the same size, and within one tick of the file system's clock
        (package.root / "a.py").write_text(f"def f{number}(): pass\n")
        assert Index.build(package.root, cache).find_symbols(f"f{number}")


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000, b""])
def test_a_corrupt_cache_is_built_again(package: Index, cache: Path, content: bytes) -> None:
    cache.parent.mkdir()
    cache.write_bytes(content)
    assert dict(Index.build(package.root, cache).files) == dict(package.files)
    with sqlite3.connect(cache) as database:
        assert database.execute("SELECT count(*) FROM facts").fetchone()[0] > 0
    database.close()


def test_a_cache_of_another_format_is_emptied(package: Index, cache: Path) -> None:
    Index.build(package.root, cache)
    with sqlite3.connect(cache) as database:
        database.execute("DROP TABLE facts")
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert dict(Index.build(package.root, cache).files) == dict(package.files)


def test_a_cache_that_cannot_be_written_is_done_without(package: Index, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert dict(Index.build(package.root, tmp_path / "file" / "index.sqlite").files) == dict(package.files)


def test_two_processes_may_use_one_cache_at_once(package: Index, cache: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from repoagent.index.build import Index; "
        "print(len(Index.build(Path(sys.argv[1]), Path(sys.argv[2])).list_symbols()))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}

    def build_it(_: int) -> str:
        command = (sys.executable, "-c", program, str(package.root), str(cache))
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(build_it, range(3))) == {str(len(package.list_symbols()))}


# --- processes of their own -------------------------------------------------------------------------------------------


def test_many_files_are_read_apart_with_the_same_result(
    package: Index, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts, "MIN_FILES_FOR_WORKERS", 1)
    for kept in (cache, None):
        assert dict(Index.build(package.root, kept).files) == dict(package.files)
        assert Index.build(package.root, kept).find_references("helper") == package.find_references("helper")


@pytest.mark.parametrize("kept", [True, False])
def test_a_file_that_hangs_or_kills_the_parser_costs_no_other(
    indexed: Indexed, cache: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    index = indexed({f"{name}.py": f"def {name}(): pass\n" for name in "abcdefgh"})
    monkeypatch.setattr(facts, "MIN_FILES_FOR_WORKERS", 1)
    monkeypatch.setattr(pool, "FILE_TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr(pool, "WORKER_MODULE", f"{__package__ or 'tests.index'}.failing_worker")
    found = Index.build(index.root, cache if kept else None).files
    assert {path: f.skipped for path, f in found.items() if f.skipped} == {
        "c.py": "the parser gave up",
        "f.py": "the parser gave up",
    }
    assert [s.name for f in found.values() for s in f.symbols] == list("abdegh")
