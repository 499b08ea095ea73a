"""The audit log: complete, redacted, and broken by any change."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from repoagent.audit import AuditChainBroken, AuditedEngine, AuditedModel, AuditLog, verify_file
from repoagent.audit.log import START_HASH
from repoagent.errors import ModelFailed
from repoagent.llm.base import Message, Sampling
from repoagent.llm.scripted import ScriptedModel
from repoagent.sandbox.base import CommandResult, Environment, Recipe
from repoagent.sandbox.fake import FakeEngine

SECRET = "ghp_" + "aB3d" * 9


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def filled(path: Path, entries: int = 5) -> AuditLog:
    log = AuditLog(path)
    for number in range(entries):
        log.write("command.run", command=["pytest", str(number)])
    return log


def test_a_chain_that_was_left_alone_holds(path: Path) -> None:
    assert verify_file(path) == (START_HASH, 0)
    log = filled(path)
    assert verify_file(path) == (log.head, 5)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda lines: [*lines[:2], lines[2].replace('"2"', '"3"'), *lines[3:]],
        lambda lines: [*lines[:2], *lines[3:]],
        lambda lines: lines[1:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: [*lines[:3], lines[2], *lines[3:]],
        lambda lines: ["{}", *lines],
        lambda lines: ["nonsense", *lines],
        lambda lines: ["[1]", *lines],
    ],
    ids=["changed", "cut out", "beginning cut off", "swapped", "doubled", "put in", "no JSON", "no entry"],
)
def test_whatever_was_changed_shows(path: Path, spoil: object) -> None:
    filled(path)
    assert callable(spoil)
    path.write_text("\n".join([*spoil(path.read_text().splitlines()), ""]))
    with pytest.raises(AuditChainBroken, match="the log was changed"):
        verify_file(path)


def test_what_was_cut_off_at_the_end_shows_in_the_last_hash(path: Path) -> None:
    head = filled(path).head
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert verify_file(path)[0] != head


def test_a_line_that_a_crash_cut_short_does_not_break_the_chain(path: Path) -> None:
    filled(path)
    with path.open("a") as file:
        file.write('{"number":5,"at"')
    AuditLog(path).write("command.run", command=["next"])
    assert verify_file(path)[1] == 6


def test_threads_do_not_break_the_chain(path: Path) -> None:
    log = AuditLog(path)

    def work() -> None:
        for number in range(20):
            log.write("command.run", command=[str(number)])

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify_file(path) == (log.head, 80)


def test_no_secret_is_kept_and_long_texts_are_cut(path: Path) -> None:
    log = AuditLog(path, known=["correct horse"])
    log.write("model.called", asked=[f"use {SECRET}"], answered="correct horse", output="x" * 50_000)
    text = path.read_text()
    assert SECRET not in text
    assert "correct horse" not in text
    assert len(text) < 21_000
    assert "50000 characters, sha256" in text


def test_every_model_call_is_noted_those_that_fail_too(path: Path) -> None:
    model = AuditedModel(ScriptedModel(["answer"], ["hole"]), AuditLog(path))
    assert model.chat([Message("user", "question")], Sampling(10)).text == "answer"
    assert model.infill("before", "after", Sampling(10)).text == "hole"
    with pytest.raises(ModelFailed):
        model.chat([Message("user", "again")], Sampling(10))
    text = path.read_text()
    assert [word in text for word in ("user: question", "answer", "before", "hole", "model.failed", "user: again")] == [
        True
    ] * 6
    assert verify_file(path)[1] == 3


def test_every_command_is_noted_with_how_it_ended(path: Path, tmp_path: Path) -> None:
    engine = AuditedEngine(
        FakeEngine(lambda command, _files: CommandResult(3, f"said {command[0]}", 1.0)), AuditLog(path)
    )
    (tmp_path / "repository").mkdir()
    built = engine.build(Recipe("key", "pip install x"), tmp_path / "repository", lambda _line: None, 10)
    assert built == Environment("key", "fake:key")
    with engine.open(built, tmp_path / "repository") as sandbox:
        sandbox.write({"a.py": b"1"})
        assert sandbox.read("a.py") == b"1"
        assert sandbox.run(["pytest", "-q"], timeout=5, environment={"A": "1"}).exit_code == 3
    text = path.read_text()
    assert [
        word in text for word in ("pip install x", '"a.py"', '["pytest","-q"]', '"exit_code":3', "said pytest")
    ] == [True] * 5
    assert verify_file(path)[1] == 3
