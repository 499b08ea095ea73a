"""`repoagent github` and `repoagent pr`, on an Enterprise host of the test's own that the environment names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repoagent.app.request import RunRequest
from repoagent.audit import AUDIT_FILE, AuditLog, verify_file
from repoagent.cli.main import app
from repoagent.config import load_configuration
from repoagent.domain import dump
from repoagent.github.repository import find_default_host, find_repository, may_receive_token
from repoagent.session import Session
from repoagent.workspace import resolve_source
from tests.github.server import TOKEN, ApiServer
from tests.publish.conftest import Deliver, deliver, project

__all__ = ["deliver", "project"]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)


def repoagent(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output + (result.stderr or str(result.exception or ""))


# --- preflight --------------------------------------------------------------------------------------------------------


def test_all_is_well_and_nothing_was_changed(api_server: ApiServer, project: Path) -> None:
    code, told = repoagent("github", "preflight", "acme/rulers")
    assert (code, {line.split()[0] for line in told.strip().splitlines()}) == (0, {"ok"}), told
    assert {each.status for each in api_server.log if each.method != "GET"} == {422}


@pytest.mark.parametrize(
    ("refused", "needs", "right"),
    [
        ("git/refs", "contents=write", "contents: write"),
        ("pulls", "", "pull-requests: write"),
        ("issues", "issues=write", "issues: write"),
    ],
)
def test_each_missing_right_is_named(
    refused: str, needs: str, right: str, api_server: ApiServer, project: Path
) -> None:
    api_server.forbidden[f"POST /repos/acme/rulers/{refused}"] = (needs, "Resource not accessible by integration")
    code, told = repoagent("github", "preflight", "acme/rulers")
    [failed] = [line for line in told.splitlines() if line.startswith("fail")]
    assert code == 5
    assert failed.startswith(f"fail  {right}: the token lacks the permission `{needs or right}`")


def test_a_missing_label_is_named_with_the_place_to_make_it(api_server: ApiServer, project: Path) -> None:
    code, told = repoagent("github", "preflight", "acme/rulers", "--label", "fix-it")
    assert code == 5
    assert f"there is no label `fix-it`: make it at {api_server.url}/acme/rulers/labels" in told


def test_a_label_that_may_not_be_seen_is_no_failure(api_server: ApiServer, project: Path) -> None:
    api_server.forbidden["GET /repos/acme/rulers/labels/repoagent"] = ("issues=read", "Resource not accessible")
    code, told = repoagent("github", "preflight", "acme/rulers")
    assert code == 0
    assert "ok    label repoagent: not looked at" in told


def test_a_repository_that_is_not_there_and_an_endpoint_that_is_silent_are_named(
    api_server: ApiServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, told = repoagent("github", "preflight", "acme/other", "--model", "http://127.0.0.1:9/v1")
    assert code == 5
    assert f"(asked at {api_server.url}/api/v3)" in told
    assert "the model's endpoint http://127.0.0.1:9/v1 does not answer" in told


def test_another_host_than_the_runner_s_gets_neither_its_address_nor_its_token(api_server: ApiServer) -> None:
    assert find_default_host() == api_server.url.partition("//")[2]
    assert find_repository("github.example.com", "a", "b").api == "https://github.example.com/api/v3"
    assert find_repository(find_default_host(), "a", "b").api == f"{api_server.url}/api/v3"
    assert (may_receive_token("github.example.com"), may_receive_token(find_default_host())) == (False, True)


# --- pr ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def session(deliver: Deliver, project: Path, tmp_path: Path) -> Session:
    """One that ended with a verified patch, on an issue that was read from a file."""
    delivery = deliver()
    made = Session.create(title=delivery.issue.title, source=str(project), model="small")
    made.write("request.json", dump(RunRequest(issue="issue.md", settings=load_configuration({}, {}).settings)))
    made.write("source.json", dump(resolve_source(str(project), None, None, tmp_path / "cache")))
    made.write("issue.json", dump(delivery.issue))
    made.write("oracle.json", dump(delivery.oracle))
    made.write("report.json", dump(delivery.result))
    AuditLog(made.path / AUDIT_FILE).write("command.run", command=["pytest"])
    return made


@pytest.mark.parametrize("issue", ["acme/rulers#7", "{server}/acme/rulers/issues/7"])
def test_a_session_becomes_a_pull_request_at_the_host_that_the_runner_names(
    issue: str, session: Session, api_server: ApiServer
) -> None:
    code, told = repoagent("pr", session.id, "--issue", issue.format(server=api_server.url), "--yes", "--json")
    assert code == 0, told
    assert json.loads(told[: told.rindex("}") + 1])["kind"] == "opened"
    [pull] = api_server.pulls
    assert pull["draft"]
    assert f"Repoagent-Audit: {verify_file(session.path / AUDIT_FILE)[0]}" in pull["body"]


def test_a_dry_run_shows_the_pull_request_and_changes_nothing(session: Session, api_server: ApiServer) -> None:
    code, told = repoagent("pr", session.id, "--issue", "acme/rulers#7", "--dry-run")
    assert code == 0
    assert "Fixes #7" in told
    assert f"git fetch {api_server.url}/acme/rulers repoagent/issue-7" in told
    assert api_server.log == []


def test_without_a_token_it_is_said_how_to_get_one(
    session: Session, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_TOKEN")
    code, told = repoagent("pr", session.id, "--issue", "acme/rulers#7", "--yes")
    assert code != 0
    assert "set GITHUB_TOKEN" in told
