"""What a pool keeps, what it throws away, and when: with the fake engine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repoagent.errors import SandboxFailed, UserError
from repoagent.sandbox.base import Engine, Environment, SandboxLimits
from repoagent.sandbox.fake import FakeEngine
from repoagent.sandbox.pool import SandboxPool, hash_tree

ENVIRONMENT = Environment("key", "fake:key")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text("x = 1\n")
    return tmp_path


def test_a_sandbox_is_reset_and_used_again(repository: Path) -> None:
    engine = FakeEngine()
    with SandboxPool(engine) as pool:
        for _ in range(3):
            with pool.open(ENVIRONMENT, repository) as sandbox:
                assert sandbox.read("package/module.py") == b"x = 1\n"
                sandbox.write({"package/module.py": b"x = 2\n"})
    [only] = engine.sandboxes
    assert (only.resets, only.closed) == (3, True)


def test_two_at_once_are_two(repository: Path) -> None:
    engine = FakeEngine()
    pool = SandboxPool(engine)
    with pool.open(ENVIRONMENT, repository), pool.open(ENVIRONMENT, repository):
        assert len(engine.sandboxes) == 2


@pytest.mark.parametrize("difference", ["environment", "limits", "content", "added", "mode"])
def test_an_unlike_sandbox_is_no_substitute(difference: str, repository: Path) -> None:
    engine = FakeEngine()
    pool = SandboxPool(engine)
    with pool.open(ENVIRONMENT, repository):
        pass
    module = repository / "package" / "module.py"
    if difference == "content":
        module.write_text("y = 1\n")
    if difference == "added":
        (repository / "new.py").write_text("")
    if difference == "mode":
        module.chmod(0o755)
    other = Environment("other", "fake:other") if difference == "environment" else ENVIRONMENT
    with pool.open(other, repository, SandboxLimits(pids=7) if difference == "limits" else SandboxLimits()):
        assert len(engine.sandboxes) == 2


def test_no_more_are_kept_than_allowed(repository: Path) -> None:
    engine = FakeEngine()
    pool = SandboxPool(engine, idle=1)
    with pool.open(ENVIRONMENT, repository), pool.open(ENVIRONMENT, repository):
        pass
    assert sorted(sandbox.closed for sandbox in engine.sandboxes) == [False, True]


@pytest.mark.parametrize("error", [SandboxFailed("died"), UserError("no")])
def test_a_sandbox_in_which_an_error_was_raised_is_thrown_away(error: Exception, repository: Path) -> None:
    engine = FakeEngine()
    pool = SandboxPool(engine)
    with pytest.raises(type(error)), pool.open(ENVIRONMENT, repository):
        raise error
    assert engine.sandboxes[0].closed
    with pool.open(ENVIRONMENT, repository):
        assert len(engine.sandboxes) == 2


def test_one_that_cannot_be_reset_is_replaced_and_nobody_is_told(repository: Path) -> None:
    engine = FakeEngine()
    pool = SandboxPool(engine)
    with pool.open(ENVIRONMENT, repository):
        engine.sandboxes[0].closed = True
    with pool.open(ENVIRONMENT, repository) as sandbox:
        assert sandbox.read("package/module.py") == b"x = 1\n"
        assert len(engine.sandboxes) == 2


def test_the_pool_is_an_engine() -> None:
    engine: Engine = SandboxPool(FakeEngine())
    engine.check()
    engine.prepare(lambda _: None)
    assert (engine.name, engine.describe_missing(), engine.list_pythons()) == ("fake", "", ("3.11", "3.9"))
    assert (engine.find("key"), engine.list_cached(), engine.clean()) == (None, [], [])
    engine.discard("key")


def test_a_fingerprint_takes_in_links_and_unreadable_names_but_not_git(repository: Path) -> None:
    before = hash_tree(repository)
    (repository / ".git").mkdir()
    (repository / ".git" / "HEAD").write_text("x")
    assert hash_tree(repository) == before
    Path(os.fsdecode(os.fsencode(repository) + b"/\xff")).symlink_to("/nowhere")
    assert hash_tree(repository) != before
