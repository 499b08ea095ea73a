"""A session's directory: what survives, what can be undone, and who may run it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.places import locate_cache_root
from repoagent.session import Session, list_sessions, locate_sessions, remove_session


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session.create(tmp_path / "root", title="Wrong naturalsize!", source="here", model="small")


def test_a_session_can_be_opened_again(session: Session, tmp_path: Path) -> None:
    session.write("spec.md", "text\n")
    session.update(status="waiting")
    again = Session.open(session.id, tmp_path / "root")
    assert again.record == session.record
    assert (again.read("spec.md"), again.record.status, again.record.title) == (
        "text\n",
        "waiting",
        "Wrong naturalsize!",
    )


def test_an_id_sorts_by_time_and_reads_like_the_issue(session: Session) -> None:
    date, time, *words, _ = session.id.split("-")
    assert (len(date), len(time), words) == (8, 6, ["wrong", "naturalsize"])
    assert session.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "a\r\nb\rc", "é\u2028\n", "\udce9 latin", "no newline"])
def test_texts_come_back_as_they_were(session: Session, text: str) -> None:
    session.write("deep/down.txt", text)
    assert session.read("deep/down.txt") == text


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "session.json", ".history/x", ".lock"])
def test_other_names_are_no_artefacts(session: Session, name: str) -> None:
    with pytest.raises(ValueError, match="not an artefact"):
        session.write(name, "x")


def test_a_missing_artefact_is_named(session: Session) -> None:
    assert not session.has_artefact("spec.md")
    assert session.compute_hash("spec.md") == session.get_recorded_hash("spec.md") == ""
    with pytest.raises(UserError, match=r"spec\.md is missing"):
        session.read("spec.md")


# --- hashes and history -----------------------------------------------------------------------------------------------


def test_what_a_person_changed_is_known_until_it_is_accepted(session: Session, tmp_path: Path) -> None:
    for name in ("spec.md", "plan.yaml", "kept.md"):
        session.write(name, name)
    (session.path / "spec.md").write_text("mine")
    (session.path / "plan.yaml").unlink()
    assert Session.open(session.id, tmp_path / "root").list_edited() == ("plan.yaml", "spec.md")
    assert session.compute_hash("spec.md") != session.get_recorded_hash("spec.md")
    session.accept("spec.md")
    assert session.list_edited() == ("plan.yaml",)


def test_each_write_can_be_undone_down_to_the_first(session: Session) -> None:
    for number in range(12):
        session.write("dir/spec.md", f"version {number}")
    for number in range(10, -1, -1):
        session.undo("dir/spec.md")
        assert session.read("dir/spec.md") == f"version {number}"
        assert session.list_edited() == ()
    with pytest.raises(UserError, match="no earlier version"):
        session.undo("dir/spec.md")


def test_a_persons_text_is_kept_when_it_is_written_over(session: Session) -> None:
    session.write("spec.md", "first")
    (session.path / "spec.md").write_text("mine")
    session.write("spec.md", "second")
    session.undo("spec.md")
    assert session.read("spec.md") == "mine"


def test_writing_the_same_text_keeps_no_version(session: Session) -> None:
    session.write("spec.md", "same")
    session.write("spec.md", "same")
    with pytest.raises(UserError, match="no earlier version"):
        session.undo("spec.md")


def test_histories_of_similar_names_are_apart(session: Session) -> None:
    for name in ("a", "a.1"):
        session.write(name, f"{name} old")
        session.write(name, f"{name} new")
    session.undo("a")
    session.undo("a.1")
    assert (session.read("a"), session.read("a.1")) == ("a old", "a.1 old")


def test_several_threads_may_write(session: Session, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: session.write(f"candidates/{n}.json", str(n)), range(40)))
    again = Session.open(session.id, tmp_path / "root")
    assert len(again.record.hashes) == 40
    assert again.list_edited() == ()


# --- the disk ---------------------------------------------------------------------------------------------------------


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_earlier_version(session: Session) -> None:
    session.write("spec.md", "short")
    before = sorted(path.name for path in session.path.iterdir())
    with no_file_larger_than(50_000), pytest.raises(EnvironmentFailed, match="free some space"):
        session.write("spec.md", "long" * 50_000)
    assert session.read("spec.md") == "short"
    assert session.list_edited() == ()
    assert sorted(path.name for path in session.path.iterdir() if path.name != ".history") == before


def test_a_directory_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFailed, match="REPOAGENT_STATE"):
        Session.create(tmp_path / "file" / "root")


# --- who runs it ------------------------------------------------------------------------------------------------------


def test_a_second_run_is_refused_with_the_first_ones_process(session: Session, tmp_path: Path) -> None:
    with session.lock():
        assert session.is_running
        other = Session.open(session.id, tmp_path / "root")
        with pytest.raises(UserError, match=f"process {os.getpid()}"):
            other.lock().__enter__()
        with pytest.raises(UserError, match="is running"):
            remove_session(session.id, tmp_path / "root")
    assert not other.is_running
    assert Session.open(session.id, tmp_path / "root").record.pid == 0


def test_a_run_that_was_killed_can_be_taken_up(session: Session) -> None:
    program = (
        "import os, signal, sys; from repoagent.session import Session\n"
        "with Session.open(sys.argv[1]).lock(): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(session.path)], check=False)
    again = Session.open(session.path)
    assert again.record.status == "running"
    assert not again.is_running
    with again.lock():
        assert again.record.pid == os.getpid()


@pytest.mark.parametrize(
    ("error", "status"), [(None, "finished"), (ValueError(), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_the_status_says_how_a_run_ended(session: Session, error: BaseException | None, status: str) -> None:
    def run() -> None:
        with session.lock():
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            run()
    else:
        run()
    assert Session.open(session.path).record.status == status


def test_a_status_that_was_set_stays(session: Session) -> None:
    with session.lock():
        session.update(status="waiting")
    assert session.record.status == "waiting"


# --- finding them -----------------------------------------------------------------------------------------------------


def test_sessions_are_listed_newest_first_and_broken_ones_left_out(tmp_path: Path) -> None:
    made = [Session.create(tmp_path, title=f"t{number}") for number in range(3)]
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "session.json").write_text('{"id": 1}')
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert [session.id for session in list_sessions(tmp_path)] == [session.id for session in reversed(made)]
    assert list_sessions(tmp_path / "missing") == []


def test_a_session_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    for name in ("20260101-000000-a-0000", "20260101-000000-b-0000"):
        source = Session.create(tmp_path / "made")
        source.path.rename((tmp_path / name).absolute())
    assert Session.open("20260101-000000-a", tmp_path).path.name == "20260101-000000-a-0000"
    with pytest.raises(UserError, match="several sessions"):
        Session.open("20260101", tmp_path)
    for name in ("nope", ""):
        with pytest.raises(UserError, match=r"newest are .*20260101-000000-b-0000"):
            Session.open(name, tmp_path)
    with pytest.raises(UserError, match="there are none"):
        Session.open("nope", tmp_path / "missing")


def test_out_is_a_directory_of_the_users_own(tmp_path: Path) -> None:
    session = Session.create(tmp_path / "root", tmp_path / "out")
    assert session.path == tmp_path / "out"
    assert Session.open(session.id, tmp_path / "root").path == session.path
    assert [each.id for each in list_sessions(tmp_path / "root")] == [session.id]
    assert remove_session(session.id, tmp_path / "root") == session.path
    assert session.path.exists()
    assert list_sessions(tmp_path / "root") == []


def test_out_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    for path in (tmp_path / "out", tmp_path / "out" / "thesis.tex"):
        with pytest.raises(UserError, match="--out"):
            Session.create(tmp_path / "root", path)


def test_out_with_an_earlier_session_keeps_what_it_held(tmp_path: Path) -> None:
    Session.create(tmp_path / "root", tmp_path / "out").write("spec.md", "old")
    again = Session.create(tmp_path / "root", tmp_path / "out")
    assert not again.has_artefact("spec.md")
    assert [path.read_text() for path in (tmp_path / "out" / ".history").rglob("spec.md")] == ["old"]
    with again.lock(), pytest.raises(UserError, match="running"):
        Session.create(tmp_path / "root", tmp_path / "out")


def test_removing_a_session_removes_its_directory(session: Session, tmp_path: Path) -> None:
    assert remove_session(session.id, tmp_path / "root") is None
    assert not session.path.exists()


def test_the_environment_says_where_things_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPOAGENT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    assert (locate_sessions(), locate_cache_root()) == (tmp_path / "state" / "sessions", tmp_path / "cache")
    monkeypatch.delenv("REPOAGENT_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert locate_sessions() == tmp_path / "xdg" / "repoagent" / "sessions"


def test_an_id_never_names_the_session_that_took_its_directory(tmp_path: Path) -> None:
    root, out = tmp_path / "root", tmp_path / "out"
    first = Session.create(root, out, title="first")
    (root / "stale").symlink_to(out)
    second = Session.create(root, out, title="second")
    assert Session.open(second.id, root).record.title == "second"
    assert [each.id for each in list_sessions(root)] == [second.id]
    (root / first.id).symlink_to(out)
    for name in (first.id, "stale"):
        with pytest.raises(UserError, match="there is no session"):
            Session.open(name, root)
