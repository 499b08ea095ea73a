"""Runs a workflow as GitHub's runner would: jobs in their order, reusable workflows, the composite action's steps.

The steps run in bash with the GITHUB_* environment, outputs and artefacts. GitHub's own actions are done by hand:
check out, hand over. Expressions are those that the workflows here use: names, strings, `==`, `!=`, `!`, `&&`, `||`,
`always()`, `startsWith`, `fromJSON`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]


@dataclass(frozen=True)
class Ran:
    """One job, and how it ended."""

    name: str
    result: str
    outputs: Mapping[str, str]
    log: str
    summary: str
    environment: tuple[Mapping[str, str], ...]
    """Of each step that was run."""


@dataclass
class Event:
    """What happened on GitHub."""

    name: str
    payload: Json


@dataclass
class Workflows:
    """A GitHub that runs workflows on this machine."""

    folder: Path
    server: str
    api: str
    repository: str
    token: str
    code: Path
    """The bare repository that is checked out."""
    run: int = 4711
    artefacts: Path = field(init=False)
    ran: list[Ran] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Files of the runner that a step's program finds beside it, such as a poisoned module."""

    def __post_init__(self) -> None:
        self.artefacts = self.folder / "artefacts"

    def dispatch(self, workflow: str, event: Event, **overrides: str) -> dict[str, Ran]:
        """Run a workflow for an event; `overrides` replace inputs of its reusable workflows."""
        jobs = yaml.safe_load(workflow)["jobs"]
        contexts: Json = {"github": self._github(event), "needs": {}, "inputs": event.payload.get("inputs") or {}}
        done: dict[str, Ran] = {}
        for name, job in jobs.items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            contexts["needs"] = {need: {"result": done[need].result, "outputs": done[need].outputs} for need in needs}
            condition = str(job.get("if", "true")).strip()
            fine = "always()" in condition or all(done[need].result == "success" for need in needs)
            if not fine or not truth(value_of(condition, contexts)):
                done[name] = Ran(name, "skipped", {}, "", "", ())
                continue
            given = {key: filled(value, contexts) for key, value in job.get("with", {}).items()} | overrides
            done[name] = self._called(name, job, given, event)
        self.ran += done.values()
        return done

    # --- a reusable workflow

    def _called(self, name: str, job: Json, given: Mapping[str, str], event: Event) -> Ran:
        path = ROOT / ".github" / "workflows" / Path(job["uses"].partition("@")[0]).name
        called = yaml.safe_load(path.read_text())
        wanted = called[True]["workflow_call"]
        known = wanted["inputs"]
        assert set(given) <= set(known) | {"model", "sandbox"}, f"{name} passes inputs that {path.name} does not know"
        missing = {key for key, facts in known.items() if facts.get("required")} - set(given)
        assert not missing, f"{name} does not pass {missing}"
        inputs = {key: str(given.get(key, facts.get("default", ""))) for key, facts in known.items()}
        [(inner, facts)] = called["jobs"].items()
        assert_within(facts["permissions"], job["permissions"])
        ended = self._job(name, facts, inputs, event)
        contexts = {"jobs": {inner: {"outputs": ended.outputs}}}
        outputs = {key: filled(value["value"], contexts) for key, value in wanted["outputs"].items()}
        return Ran(name, ended.result, outputs, ended.log, ended.summary, ended.environment)

    def _job(self, name: str, job: Json, inputs: Mapping[str, str], event: Event) -> Ran:
        work = self.folder / f"job-{name}-{len(self.ran)}"
        work.mkdir(parents=True)
        github = self._github(event)
        contexts: Json = {
            "inputs": inputs,
            "github": github,
            "steps": {},
            "secrets": {},
            "runner": {"environment": "x"},
        }
        environments: list[Mapping[str, str]] = []
        log, failed = "", False
        for step in job["steps"]:
            condition = str(step.get("if", "true")).replace("${{", "").replace("}}", "")
            if (failed and "always()" not in condition) or not truth(value_of(condition, contexts)):
                continue
            given = {key: filled(str(value), contexts) for key, value in step.get("with", {}).items()}
            if step["uses"].startswith("./"):
                ended = self._composite(given, event, work)
                contexts["steps"][step.get("id", "")] = {"outputs": ended.outputs}
                log, failed = log + ended.log, failed or ended.result == "failure"
                environments += ended.environment
            else:
                failed |= not self._known_action(step["uses"], given, work) and not step.get("continue-on-error")
        outputs = {key: filled(value, contexts) for key, value in job["outputs"].items()}
        summary = (work / "summary.md").read_text() if (work / "summary.md").exists() else ""
        return Ran(name, "failure" if failed else "success", outputs, log, summary, tuple(environments))

    # --- actions of GitHub's, by hand

    def _known_action(self, uses: str, given: Mapping[str, str], work: Path) -> bool:
        kind = uses.partition("@")[0]
        assert re.fullmatch(r"[0-9a-f]{40}", uses.partition("@")[2]), f"{uses} is not pinned to a commit"
        if kind == "actions/checkout":
            assert given["persist-credentials"] == "False"
            return self._checkout(given, work)
        if kind == "actions/upload-artifact":
            return self._upload(given, work)
        if kind == "actions/download-artifact":
            return self._download(given, work)
        assert kind == "actions/cache"
        return True

    def _checkout(self, given: Mapping[str, str], work: Path) -> bool:
        if "repository" in given:
            return True  # repoagent itself: this checkout is used
        target = work / given["path"]
        subprocess.run(("git", "clone", "--quiet", str(self.code), str(target)), check=True)
        subprocess.run(("git", "checkout", "--quiet", given["ref"]), cwd=target, check=True)
        subprocess.run(("git", "remote", "remove", "origin"), cwd=target, check=True)
        return True

    def _upload(self, given: Mapping[str, str], work: Path) -> bool:
        if (work / given["path"]).exists():
            shutil.copytree(work / given["path"], self.artefacts / given["name"], dirs_exist_ok=True)
        return True

    def _download(self, given: Mapping[str, str], work: Path) -> bool:
        kept = self.artefacts / given["name"]
        if kept.exists():
            shutil.copytree(kept, work / given["path"], dirs_exist_ok=True, symlinks=True)
        return kept.exists()

    # --- the composite action

    def _composite(self, given: Mapping[str, str], event: Event, work: Path) -> Ran:
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        assert set(given) <= set(action["inputs"]), f"{set(given) - set(action['inputs'])} are no inputs of the action"
        inputs = {key: given.get(key, facts.get("default", "")) for key, facts in action["inputs"].items()}
        contexts: Json = {"inputs": inputs, "steps": {}}
        log, result, environments = "", "success", []
        for step in action["runs"]["steps"]:
            if "run" not in step or result == "failure":
                continue
            added = {key: filled(str(value), contexts) for key, value in step.get("env", {}).items()}
            environment = self._environment(event, work) | added
            environments.append(environment)
            done = self._bash(filled(step["run"], {}), environment, work)
            log += done.stdout + done.stderr
            contexts["steps"][step.get("id", "")] = {"outputs": self._outputs(environment)}
            result = "failure" if done.returncode else "success"
        outputs = {key: filled(value["value"], contexts) for key, value in action["outputs"].items()}
        return Ran("", result, outputs, log, "", tuple(environments))

    def _bash(self, script: str, environment: Mapping[str, str], work: Path) -> subprocess.CompletedProcess[str]:
        for name, text in self.files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        (work / "step.sh").write_text(script)
        command = ("bash", "--noprofile", "--norc", "-eo", "pipefail", str(work / "step.sh"))
        return subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=500, check=False
        )

    def _environment(self, event: Event, work: Path) -> dict[str, str]:
        temp = work / "temp"
        temp.mkdir(exist_ok=True)
        if not (temp / "repoagent").exists():
            (temp / "repoagent").symlink_to(sys.prefix)  # the environment that the action's install step makes
        (work / "event.json").write_text(json.dumps(event.payload))
        (work / "output").write_text("")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(work / "home"),
            "LANG": "C.UTF-8",
            "REPOAGENT_CACHE": os.environ["REPOAGENT_CACHE"],
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": self.api,
            "GITHUB_SERVER_URL": self.server,
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_EVENT_NAME": event.name,
            "GITHUB_EVENT_PATH": str(work / "event.json"),
            "GITHUB_OUTPUT": str(work / "output"),
            "GITHUB_STEP_SUMMARY": str(work / "summary.md"),
            "GITHUB_WORKSPACE": str(work),
            "GITHUB_RUN_ID": str(self.run),
            "RUNNER_TEMP": str(temp),
        }

    @staticmethod
    def _outputs(environment: Mapping[str, str]) -> dict[str, str]:
        lines = Path(environment["GITHUB_OUTPUT"]).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _github(self, event: Event) -> Json:
        return {"event_name": event.name, "event": event.payload, "token": self.token, "run_id": self.run}


def assert_within(wanted: Mapping[str, str], given: Mapping[str, str]) -> None:
    """A reusable workflow may ask for no more than its caller gives, or GitHub does not start it."""
    levels = {"none": 0, "read": 1, "write": 2}
    for name, level in wanted.items():
        assert levels[level] <= levels[given.get(name, "none")], f"{name}: {level} is more than the caller gives"


# --- expressions ------------------------------------------------------------------------------------------------------


def filled(text: str, contexts: Mapping[str, Any]) -> str:
    """Text with its expressions replaced by their values."""

    def value(found: re.Match[str]) -> str:
        result = value_of(found[1], contexts)
        return "" if result is None else str(result).lower() if isinstance(result, bool) else str(result)

    return re.sub(r"\$\{\{(.*?)\}\}", value, str(text), flags=re.DOTALL)


def value_of(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of one expression."""
    tokens = re.findall(r"'[^']*'|&&|\|\||==|!=|!|\(|\)|,|[\w.-]+", expression)
    python = " ".join(map(_as_python, tokens))
    names = {"look": lambda path: _look(path, contexts), "startsWith": _starts, "always": lambda: True}
    return eval(python, {"__builtins__": {}, "fromJSON": json.loads, **names})  # noqa: S307 - our own workflows


def truth(value: Any) -> bool:
    """Whether a job or a step is run."""
    return bool(value) and value != "false"


def _as_python(token: str) -> str:
    known = {"&&": "and", "||": "or", "!": "not", "true": "True", "false": "False"}
    if token in known:
        return known[token]
    if re.fullmatch(r"[A-Za-z_][\w.-]*", token) and token not in {"always", "startsWith", "fromJSON"}:
        return f"look({token!r})"
    return token


def _look(path: str, contexts: Mapping[str, Any]) -> Any:
    value: Any = contexts
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _starts(text: str | None, start: str) -> bool:
    return (text or "").lower().startswith(start.lower())
