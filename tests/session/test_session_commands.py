"""`repoagent sessions`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repoagent.audit import AUDIT_FILE, AuditLog
from repoagent.cli.sessions import app
from repoagent.domain import Candidate, Confidence, Location, Origin, Patch, Result, Usage, Verdict, dump
from repoagent.session import Session

CANDIDATE = Candidate(
    id="c10",
    generator="rewrite",
    target=Location("a.py", "f", 3, 9),
    patch=Patch("diff", ("a.py",)),
    origins=(Origin("rewrite", 1),),
)
RESULT = Result(
    session="s",
    outcome="verified",
    confidence=Confidence.HIGH,
    summary="Fixed f.",
    verified=("12 tests pass",),
    unverified=("nothing else",),
    patch="diff",
    usage=Usage(),
    seconds=1.0,
    model="small",
    sandbox="docker",
    candidates=2,
    distinct=2,
)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPOAGENT_STATE", str(tmp_path))
    return tmp_path


def run(*arguments: str, answer: str = "") -> str:
    result = CliRunner().invoke(app, arguments, input=answer, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def session() -> Session:
    made = Session.create(title="Wrong \x1b[31msum", source="/home/ann/project", model="small")
    made.write("spec.md", "# Spec\n\n- adds wrongly\n")
    made.write("report.json", dump(RESULT))
    made.write("patch.diff", "diff")
    made.write("candidates/c10.json", dump(CANDIDATE))
    made.write(
        "candidates/c9.json", dump(replace(CANDIDATE, id="c9", verdict=Verdict(fixed=("u",), broken=("t",), passed=3)))
    )
    made.write("candidates/bad.json", "{")
    made.update(status="finished")
    return made


def test_the_list_shows_each_session_on_a_line(session: Session) -> None:
    assert run("list") == f"{session.id}  finished     Wrong  [31msum\n"


def test_an_empty_list_says_where_it_looked(state: Path) -> None:
    assert str(state / "sessions") in run("list")
    assert json.loads(run("list", "--json")) == []


def test_a_long_list_is_cut() -> None:
    for number in range(3):
        Session.create(title=f"t{number}")
    assert run("list", "--limit", "2").splitlines()[-1] == "… and 1 more (--limit)"


def test_a_session_is_shown_with_its_result_and_what_to_do_next(session: Session) -> None:
    (session.path / "spec.md").write_text("# Spec\n\n- adds badly\n")
    output = run("show", session.id[:-2])
    for part in (
        f"Directory:  {session.path}",
        "Edited:     spec.md",
        "- adds badly",
        "Result: verified, high confidence. Fixed f.",
        "  not checked: nothing else",
        "  c9  rewrite  a.py:3 f: 1 fixed, 1 broken, 3 pass, reproduction unknown\n",
        "  c10  rewrite  a.py:3 f: not tested\n",
        f"git apply {session.path}/patch.diff",
        f"repoagent resume {session.id}",
    ):
        assert part in output
    assert "\x1b" not in output


def test_a_session_that_was_killed_says_how_to_go_on(session: Session) -> None:
    session.update(status="running", pid=999_999)
    output = run("show", session.id)
    assert "Status:     interrupted" in output
    assert f"Continue with: repoagent resume {session.id}" in output


def test_json_is_complete(session: Session) -> None:
    facts = json.loads(run("show", session.id, "--json"))
    assert (facts["status"], facts["result"]["outcome"], len(facts["candidates"])) == ("finished", "verified", 2)
    assert json.loads(run("list", "--json"))[0]["directory"] == str(session.path)


def test_removing_asks_first(session: Session) -> None:
    result = CliRunner().invoke(app, ["rm", session.id], input="n\n")
    assert result.exit_code == 1
    assert session.path.exists()
    run("rm", session.id, answer="y\n")
    assert not session.path.exists()


def test_a_session_of_the_users_own_directory_is_only_forgotten(tmp_path: Path) -> None:
    made = Session.create(out=tmp_path / "out")
    assert f"its files stay in {made.path}" in run("rm", "--yes", made.id)
    assert made.path.exists()


# --- the log ----------------------------------------------------------------------------------------------------------


def audited(session: Session, *options: str) -> tuple[int, dict[str, object]]:
    result = CliRunner().invoke(app, ["audit", session.id, "--json", *options], catch_exceptions=False)
    found: dict[str, object] = json.loads(result.output)
    return result.exit_code, found


@pytest.fixture
def log(session: Session) -> AuditLog:
    made = AuditLog(session.path / AUDIT_FILE)
    for number in range(3):
        made.write("command.run", command=["pytest", str(number)])
    return made


def test_a_log_that_holds_is_told_with_its_last_hash(session: Session, log: AuditLog) -> None:
    code, found = audited(session)
    assert (code, found["unbroken"], found["entries"], found["head"]) == (0, True, 3, log.head)
    assert f"Unbroken: 3 entries, the last hash is {log.head}" in run("audit", session.id)
    assert audited(session, "--expect", log.head)[0] == 0


def test_a_log_that_was_changed_is_called_broken(session: Session, log: AuditLog) -> None:
    path = session.path / AUDIT_FILE
    path.write_text(path.read_text().replace('"1"', '"2"'))
    code, found = audited(session)
    assert (code, found["unbroken"], found["head"]) == (2, False, "")
    assert "entry 2" in str(found["problem"])


def test_a_log_that_was_cut_off_is_not_the_one_that_was_told(session: Session, log: AuditLog) -> None:
    path = session.path / AUDIT_FILE
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert audited(session)[0] == 0
    assert audited(session, "--expect", log.head)[0] == 2


def test_a_log_that_is_gone_is_no_unbroken_one(session: Session) -> None:
    code, found = audited(session)
    assert (code, found["unbroken"]) == (2, False)
    assert "there is no log" in str(found["problem"])
