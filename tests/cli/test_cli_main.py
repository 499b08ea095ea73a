"""`repoagent` as a user types it: help, bad input, exit codes, what is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from repoagent.cli.codes import ExitCode, get_error_code, get_result_code
from repoagent.domain import Result, Usage
from repoagent.errors import (
    BudgetExceeded,
    ContextFull,
    EnvironmentFailed,
    ModelFailed,
    RepoagentError,
    SandboxFailed,
    StaleSession,
    ToolError,
    UserError,
)
from repoagent.issue import read_issue
from repoagent.process import CommandFailed
from tests.small_project import make_issue, make_repository

COMMANDS = [
    [],
    ["solve"],
    ["resume"],
    ["localise"],
    ["doctor"],
    ["config"],
    ["clean"],
    ["sessions"],
    *(["sessions", name] for name in ("list", "show", "rm")),
    ["model"],
    *(["model", name] for name in ("list", "pull", "serve", "status", "rm")),
    ["index"],
    *(["index", name] for name in ("find", "refs", "outline", "search")),
]
HEAVY = "langgraph openai docker git pydantic jinja2 tree_sitter rich httpx yaml sqlite3 platformdirs".split()  # noqa: SIM905 - reads better


def repoagent(*arguments: object, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """The program, run as a program."""
    command = (sys.executable, "-m", "repoagent", *map(str, arguments))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **variables}
    return subprocess.run(
        command, input=stdin, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an issue and a repository."""
    make_issue(tmp_path)
    make_repository(tmp_path / "repository")
    return tmp_path


# --- help -------------------------------------------------------------------------------------------------------------


EVERY_HELP = """
import contextlib, io, json, sys
from repoagent.cli.main import main

found = {}
for command in json.load(sys.stdin):
    sys.argv = ["repoagent", *command, "--help"]
    out, err, code = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
    found[" ".join(command)] = [code, out.getvalue(), err.getvalue()]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def every_help() -> dict[str, list[object]]:
    """Exit code, output and complaints of `--help` for each command, all of them in one process of the program's."""
    done = subprocess.run(
        (sys.executable, "-c", EVERY_HELP), input=json.dumps(COMMANDS), capture_output=True, text=True, check=True
    )
    found: dict[str, list[object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command: list[str], every_help: dict[str, list[object]]) -> None:
    code, out, err = every_help[" ".join(command)]
    assert (code, err) == (0, "")
    assert f"Usage: repoagent {' '.join(command)}".strip() in str(out)
    assert "Traceback" not in str(out)


def test_help_is_that_of_a_program_that_was_typed() -> None:
    done = repoagent("solve", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: python -m repoagent solve" in done.stdout


def test_help_names_the_exit_codes() -> None:
    printed = repoagent("--help").stdout
    assert all(f"{code.value} " in printed for code in ExitCode if code is not ExitCode.INTERNAL)


def test_nothing_heavy_is_imported_before_a_command_runs() -> None:
    code = f"import sys, repoagent.cli.main; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_told() -> None:
    from repoagent import __version__

    assert repoagent("--version").stdout == f"repoagent {__version__}\n"


# --- bad input --------------------------------------------------------------------------------------------------------


BAD = [
    ("--issue no-such.md --repo repository", ExitCode.USAGE, "there is no file no-such.md"),
    ("--issue repository --repo repository", ExitCode.USAGE, "is a directory"),
    ("--issue https://github.com/acme --repo repository", ExitCode.USAGE, "is not the URL of a GitHub issue"),
    ("--issue http://github.com/a/b/issues/1", ExitCode.USAGE, "is not the URL of a GitHub issue"),
    ("--issue issue.md --repo .", ExitCode.USAGE, "is not in a git repository"),
    ("--issue issue.md --repo nowhere", ExitCode.USAGE, "there is no directory nowhere"),
    ("--issue issue.md --repo issue.md", ExitCode.USAGE, "is not a directory"),
    ("--issue issue.md --repo repository --base no-branch", ExitCode.USAGE, "has no commit 'no-branch'"),
    ("--issue issue.md --repo repository --sandbox chroot", ExitCode.USAGE, "sandbox (--sandbox)"),
    ("--issue issue.md --repo repository --samples 0", ExitCode.USAGE, "--samples"),
    ("--issue issue.md --repo repository --max-minutes 0", ExitCode.USAGE, "max_minutes (--max-minutes)"),
    ("--issue issue.md --repo repository --max-minutes x", ExitCode.USAGE, "--max-minutes"),
    ("--issue issue.md --repo repository --model gpt-5", ExitCode.USAGE, "gpt-5"),
    ("--issue issue.md --repo repository --model no.gguf", ExitCode.USAGE, "no.gguf is not a file"),
    ("--issue issue.md --repo repository --out repository", ExitCode.USAGE, "is not empty"),
    ("--issue issue.md --repo repository --out issue.md", ExitCode.USAGE, "is a file"),
    ("--issue issue.md --repo repository --model http://127.0.0.1:9", ExitCode.ENVIRONMENT, "no model server answers"),
    ("", ExitCode.USAGE, "--issue"),
    ("--issue - --repo repository", ExitCode.USAGE, "the issue on standard input is empty"),
]


@pytest.mark.bubblewrap
@pytest.mark.parametrize(("arguments", "code", "message"), BAD)
def test_bad_input_is_one_message_and_an_exit_code(
    arguments: str, code: ExitCode, message: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    more = [] if "--sandbox" in arguments else ["--sandbox", "bubblewrap"]
    done = repoagent("solve", *arguments.split(), *more)
    assert done.returncode == code, done.stderr
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_docker_engine_that_does_not_answer_is_the_environment_s_fault(project: Path) -> None:
    arguments = ("--issue", project / "issue.md", "--repo", project / "repository", "--sandbox", "docker")
    done = repoagent("solve", *arguments, DOCKER_HOST=f"unix://{project}/no.sock")
    assert (done.returncode, done.stdout) == (ExitCode.ENVIRONMENT, "")
    assert "Docker" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("command", "variables", "message"),
    [
        (["config"], {"REPOAGENT_MAX_MINUTES": "abc"}, "max_minutes (REPOAGENT_MAX_MINUTES)"),
        (["resume", "no-such-session"], {}, "there is no session 'no-such-session'"),
        (["resume", ""], {}, "there is no session ''"),
        (["sessions", "show", "x"], {}, "there is no session 'x'"),
        (["solve", "--colour"], {}, "--colour"),
        (["paint"], {}, "paint"),
    ],
)
def test_other_commands_refuse_bad_input_as_well(command: list[str], variables: dict[str, str], message: str) -> None:
    done = repoagent(*command, **variables)
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_key_in_the_configuration_file_is_named(own_state: Path) -> None:
    path = own_state / "config" / "repoagent" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("colour = 1\n")
    done = repoagent("config")
    assert done.returncode == ExitCode.USAGE
    assert f"colour ({path})" in done.stderr


def test_an_issue_that_github_does_not_have_is_the_user_s_to_mend() -> None:
    nothing = httpx.MockTransport(lambda _: httpx.Response(404))
    with pytest.raises(UserError, match=r"https://github\.com/acme/x/issues/7") as caught:
        read_issue("https://github.com/acme/x/issues/7", token=None, transport=nothing)
    assert get_error_code(caught.value) is ExitCode.USAGE


# --- what scripts read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "kind"),
    [(["config"], dict), (["sessions", "list"], list), (["clean"], list), (["model", "list"], list)],
)
def test_json_is_all_that_is_printed(command: list[str], kind: type, tmp_path: Path) -> None:
    done = repoagent(*command, "--json", REPOAGENT_CACHE=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert isinstance(json.loads(done.stdout), kind)


def test_the_configuration_says_where_each_value_came_from() -> None:
    told = json.loads(repoagent("config", "--json", REPOAGENT_SEED="7").stdout)
    assert told["seed"] == {"value": 7, "source": "REPOAGENT_SEED"}
    assert told["sandbox"] == {"value": "auto", "source": "default"}


# --- exit codes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "code"),
    [("verified", 0), ("unverified", 3), ("none", 4), ("budget", 6)],
)
def test_a_run_s_exit_code_follows_its_outcome(outcome: str, code: int) -> None:
    result = Result(
        session="s",
        outcome=outcome,  # type: ignore[arg-type]  # one of the four
        confidence=None,
        summary="",
        verified=(),
        unverified=(),
        patch="",
        usage=Usage(),
        seconds=0.0,
        model="m",
        sandbox="fake",
        candidates=0,
        distinct=0,
    )
    assert get_result_code(result) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError(""), 2),
        (StaleSession(""), 2),
        (ToolError(""), 2),
        (EnvironmentFailed(""), 5),
        (SandboxFailed(""), 5),
        (ModelFailed(""), 5),
        (ContextFull(""), 5),
        (CommandFailed(""), 5),
        (BudgetExceeded(""), 6),
        (KeyboardInterrupt(), 130),
        (RepoagentError(""), 1),
        (ValueError(""), 1),
    ],
)
def test_an_error_s_exit_code_says_who_acts(error: BaseException, code: int) -> None:
    assert get_error_code(error) == code
