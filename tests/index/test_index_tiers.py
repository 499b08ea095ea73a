"""What is answered before everything was read, after an edit, and by whom the rest is read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repoagent.index import background, facts
from repoagent.index.build import Index
from repoagent.index.reading.extract import ExtractedFacts
from repoagent.index.reading.read import read_file as real
from repoagent.process import run

Indexed = Callable[[Mapping[str, str | bytes]], Index]

FILES: Mapping[str, str | bytes] = {
    "pkg/a.py": "class Engine:\n    limit = 3\n    def start(self):\n        return helper()\n",
    "pkg/b.py": "from pkg.a import Engine\n\ndef helper():\n    return Engine().limit\n",
    "pkg/c.py": "NAMES = {}\n\n@wrap\ndef quiet():\n    '''says helper'''\n",
    "web/d.js": "export const shown = () => helper();\n",
    "e.py": "def unrelated():\n    pass\n",
}


@pytest.fixture
def root(indexed: Indexed) -> Path:
    return indexed(FILES).root


_NAMES = ("Engine", "Engine.start", "helper", "limit", "NAMES", "quiet", "shown", "unrelated", "nothing")
_QUESTIONS: Mapping[str, Callable[[Index], object]] = {
    **{f"find {name}": partial(Index.find_symbols, name=name) for name in _NAMES},
    **{f"refs {name}": partial(Index.find_references, name=name) for name in _NAMES},
    "importers": lambda index: index.find_importers("pkg/a.py"),
    "resolve": lambda index: index.resolve("pkg.a.Engine.start"),
}


def _answers(index: Index) -> dict[str, object]:
    return {question: ask(index) for question, ask in _QUESTIONS.items()}


def test_what_is_answered_by_scanning_is_what_the_whole_index_answers(root: Path) -> None:
    whole = _answers(Index.build(root))
    for question, ask in _QUESTIONS.items():
        assert ask(Index.open(root)) == whole[question], question


def test_only_the_files_that_a_question_touches_are_parsed(root: Path) -> None:
    index = Index.open(root)
    assert len(index.files.pending) == 5
    index.find_symbols("helper")
    assert set(index.files.pending) == {"pkg/a.py", "pkg/c.py", "e.py"}
    index.find_references("helper")
    assert set(index.files.pending) == {"e.py"}
    index.list_symbols()
    assert len(index.files.pending) == 0


def test_the_rest_is_read_behind_the_answer(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MIN_FILES_FOR_WORKERS", 1)
    cache = tmp_path / "cache" / "index.sqlite"
    index = Index.open(root, cache)
    time.sleep(0.2)  # files that were written just now are read again next time
    assert background.start_background_read(index)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and Index.open(root, cache).files.pending:
        time.sleep(0.1)
    assert Index.open(root, cache).files.pending == ()
    assert not background.start_background_read(Index.open(root, cache))


@pytest.mark.parametrize("reason", ["switched off", "no cache", "little to read", "not writable"])
def test_nothing_is_read_behind_where_it_makes_no_sense(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    if reason != "little to read":
        monkeypatch.setattr(background, "MIN_FILES_FOR_WORKERS", 1)
    if reason == "switched off":
        monkeypatch.setenv(background.SWITCH, "0")
    (tmp_path / "file").write_text("")
    cache = {"no cache": None, "not writable": tmp_path / "file" / "x"}.get(reason, tmp_path / "cache" / "x")
    assert not background.start_background_read(Index.open(root, cache))


# --- after an edit ----------------------------------------------------------------------------------------------------


def test_an_edit_is_seen_and_only_it_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index.build(root)
    old = time.time() - 10
    for path in FILES:
        os.utime(root / path, (old, old))
    time.sleep(0.2)
    index = Index.build(root)
    read: list[str] = []

    def reading(path: str, content: bytes) -> ExtractedFacts:
        read.append(path)
        return real(path, content)

    monkeypatch.setattr(facts, "read_file", reading)
    (root / "e.py").write_text("def related():\n    return helper()\n")
    for updated in (index.refresh(["e.py"]), index.refresh()):
        read.clear()
        assert [s.name for s in updated.find_symbols("related")] == ["related"]
        assert updated.find_symbols("unrelated") == ()
        assert ("e.py", 2) in {(r.path, r.line) for r in updated.find_references("helper")}
        assert read == ["e.py"]
    assert index.find_symbols("unrelated"), "an index stays what it was"


def test_files_come_and_go(root: Path) -> None:
    index = Index.build(root)
    (root / "new.py").write_text("def fresh(): pass\n")
    (root / "e.py").unlink()
    for updated in (index.refresh(["new.py", "e.py"]), index.refresh()):
        assert list(updated.files) == ["new.py", "pkg/a.py", "pkg/b.py", "pkg/c.py", "web/d.js"]
        assert updated.find_symbols("fresh")
        assert not updated.find_symbols("unrelated")


def test_a_path_that_leads_out_is_no_file_after_an_edit_either(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("def secret(): pass\n")
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    updated = Index.build(root).refresh(["../secret.py", "link.py", str(tmp_path / "secret.py")])
    assert not updated.find_symbols("secret")


_contents = st.sampled_from(
    [
        "def alpha():\n    return beta()\n",
        "def beta():\n    return 1\n",
        "from a import alpha\n\nclass Gamma:\n    def beta(self):\n        return alpha()\n",
        "alpha = 3\n",
        "def broken(:\n",
        "",
    ]
)
_edits = st.lists(st.tuples(st.sampled_from(["a.py", "b.py", "sub/c.py"]), st.one_of(st.none(), _contents)), max_size=6)


@given(_edits, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_index_after_edits_is_the_index_of_what_is_there(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[str, str | None]], told: bool, kept: bool
) -> None:
    root = tmp_path_factory.mktemp("edited")
    run(("git", "init", "--quiet", str(root)), timeout=30)
    cache = root.parent / f"{root.name}.sqlite" if kept else None
    index = Index.build(root, cache)
    for path, content in edits:
        file = root / path
        file.parent.mkdir(exist_ok=True)
        if content is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(content)
        index = index.refresh([path] if told else None)
        index.find_symbols("alpha")
    cold = Index.build(root)
    index.files.read_pending()
    assert dict(index.files) == dict(cold.files)
    assert index.list_symbols() == cold.list_symbols()
    for name in ("alpha", "beta", "Gamma", "Gamma.beta"):
        assert index.find_symbols(name) == cold.find_symbols(name)
        assert index.find_references(name) == cold.find_references(name)
