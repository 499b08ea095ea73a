"""A repository on a GitHub of the test's own, and what a run has found for an issue of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.domain import Confidence, Issue, Oracle, Result, Spec, Strength, Usage
from repoagent.publish import Delivery
from tests.github.server import ApiServer
from tests.small_project import FILES, FIXED, FUNCTION, MODULE, make_repository

Deliver = Callable[..., Delivery]


@pytest.fixture
def project(tmp_path: Path, api_server: ApiServer) -> Path:
    """The small project, served as `acme/rulers`."""
    root = make_repository(tmp_path / "project")
    api_server.adopt(root)
    api_server.issues[7] = {"title": "natural() keeps bytes", "body": "…", "user": {"login": "ann", "type": "User"}}
    return root


@pytest.fixture
def deliver(project: Path) -> Deliver:
    """Makes a delivery whose patch turns the files of the project into the given ones."""

    def made(files: dict[str, str | None] | None = None, patch: str | None = None, **facts: object) -> Delivery:
        text = (
            patch if patch is not None else patch_of(project, files or {MODULE: FILES[MODULE].replace(FUNCTION, FIXED)})
        )
        delivery = replace(DELIVERY, base=git(project, "rev-parse", "HEAD"))
        result = {name: facts.pop(name) for name in list(facts) if name in Result.__dataclass_fields__}
        return replace(delivery, result=replace(RESULT, patch=text, **result), **facts)  # type: ignore[arg-type]

    return made


def patch_of(project: Path, files: dict[str, str | None]) -> str:
    """The diff that makes a project's files so, which are then as before."""
    for name, text in files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink() if text is None else path.write_text(text)
    git(project, "add", "--all", "--force", *files)
    diff = git(project, "diff", "--cached", "--binary", "--no-renames") + "\n\n"
    git(project, "reset", "--quiet", "--hard")
    return diff


def git(root: Path, *arguments: str) -> str:
    """What git says there."""
    done = subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip("\n")


RESULT = Result(
    session="20260131-sizes-a1b2",
    outcome="verified",
    confidence=Confidence.MEDIUM,
    summary="Changes 2 lines of natural in sizes/units.py.",
    verified=(
        "Run in the sandbox, the issue's example fails before the patch; with it, it prints '1.0 kB'.",
        "3 tests pass and none that passed before is broken (all tests of the project).",
    ),
    unverified=(),
    patch="",
    usage=Usage(calls=9, prompt_tokens=4000, completion_tokens=800),
    seconds=93.4,
    model="qwen2.5-coder-1.5b",
    sandbox="docker",
    candidates=6,
    distinct=3,
    passed=3,
    spec=Spec(("a size of exactly one unit is printed in bytes",), ("it is printed in that unit",)),
)
DELIVERY = Delivery(
    number=7,
    issue=Issue("natural() keeps bytes where a unit is just reached", "…"),
    result=RESULT,
    oracle=Oracle(Strength.STRONG, "from sizes import natural\nprint(natural(1000))\n", "1000 B", "1.0 kB"),
    base="",
    version="0.1.0",
    audit="a" * 64,
    budget="30 min, 300,000 tokens",
)
