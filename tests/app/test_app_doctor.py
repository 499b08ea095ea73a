"""What the doctor says about good, bad and missing parts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from repoagent.app.doctor import (
    ACCEPTED_FIXES,
    BROKEN_FUNCTION,
    CheckRequest,
    HealthCheck,
    check_model_abilities,
    is_healthy,
    is_repaired,
    run_checks,
)
from repoagent.cli.doctor import run_doctor
from repoagent.errors import ModelFailed
from repoagent.llm.scripted import ScriptedModel

app = Typer()
app.command()(run_doctor)


def fenced(code: str) -> str:
    """`code` as a model writes it."""
    return f"Here you are:\n\n```python\n{code}```\nIt works now."


def states(checks: list[HealthCheck]) -> dict[str, str]:
    """Name and state of each."""
    return {check.name: check.state for check in checks}


@pytest.mark.parametrize("code", ACCEPTED_FIXES)
def test_an_accepted_fix_counts(code: str) -> None:
    assert is_repaired(fenced(code))


@pytest.mark.parametrize(
    ("code", "repaired"),
    [
        ('def last(items: list[int]) -> int:\n    """The last one."""\n    return items[-1]\n', True),
        (BROKEN_FUNCTION, False),
        ("def last(values):\n    return values[0]\n", False),
        ("def last(values)\n    return values[-1]\n", False),
        ("raise SystemExit('an answer was executed')\n", False),
        ("", False),
    ],
)
def test_a_repair_is_judged_by_its_syntax(code: str, repaired: bool) -> None:
    assert is_repaired(fenced(code)) is repaired


def test_a_model_that_can_do_everything_passes() -> None:
    def answer(prompt: str) -> str:
        return fenced(ACCEPTED_FIXES[0]) if "IndexError" in prompt else "READY and so on"

    model = ScriptedModel(answer, ["a + b"], name="qwen2.5-coder-1.5b")
    assert states(list(check_model_abilities(model))) == dict.fromkeys(
        ("context", "chat", "repair", "infill", "speed"), "ok"
    )


def test_a_model_that_can_do_little_is_warned_about_with_advice() -> None:
    model = ScriptedModel(lambda _: "I am a chatbot", ["pass"], name="qwen2.5-coder-1.5b", context=2500)
    checks = list(check_model_abilities(model))
    assert states(checks) | {"speed": ""} == dict.fromkeys(("context", "chat", "repair", "infill"), "warn") | {
        "speed": ""
    }
    assert is_healthy(checks)
    assert "" not in [check.advice for check in checks if check.state == "warn"]


def test_a_context_too_short_for_anything_fails() -> None:
    model = ScriptedModel(lambda _: "READY", lambda _: "a + b", name="qwen2.5-coder-1.5b", context=1024)
    assert not is_healthy(list(check_model_abilities(model)))


def test_a_server_that_dies_fails_each_attempt_by_itself() -> None:
    model = ScriptedModel(lambda _: ModelFailed("gone"), lambda _: "a + b", name="qwen2.5-coder-1.5b")
    assert states(list(check_model_abilities(model))) == {
        "context": "ok",
        "chat": "fail",
        "repair": "fail",
        "infill": "ok",
        "speed": "fail",
    }


def test_a_server_that_is_not_there_is_told_with_what_to_do() -> None:
    last = list(run_checks(CheckRequest("http://127.0.0.1:9/v1")))[-1]
    assert (last.name, last.state) == ("model", "fail")
    assert "start it" in last.detail


@pytest.mark.parametrize(("model", "state"), [("gpt-5", "fail"), ("nowhere.gguf", "fail"), ("", "warn")])
def test_without_the_model_its_weights_are_still_looked_at(
    model: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path))
    last = list(run_checks(CheckRequest(model or None, ask_model=False)))[-1]
    assert (last.name, last.state) == ("weights", state)
    assert last.advice


def test_something_missing_ends_with_5_and_is_told_as_json() -> None:
    result = CliRunner().invoke(app, ["--no-model", "--json", "--model", "gpt-5"])
    assert result.exit_code == 5
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert checks["weights"]["state"] == "fail"
    assert {"python", "git", "disk", "sandbox docker", "sandbox bubblewrap"} <= set(checks)
