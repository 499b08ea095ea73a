"""Which repository and which commit a name stands for, and what is said where it stands for none."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.workspace import Workspace, remote, resolve_source

if TYPE_CHECKING:
    from tests.workspace.conftest import Repository


def test_a_directory_inside_a_checkout_means_the_checkout(repository: Repository, tmp_path: Path) -> None:
    head = repository.commit({"deep/down/a": b"1\n"})
    source = resolve_source(str(repository.path / "deep" / "down"), None, None, tmp_path)
    assert (source.path, source.base, source.branch, source.url) == (repository.path, head, "main", "")


def test_the_current_directory_is_the_default(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a": b"1\n"})
    monkeypatch.chdir(repository.path)
    assert resolve_source(None, None, None, tmp_path).path == repository.path


def test_the_repository_of_the_issue_comes_before_the_current_directory(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": b"1\n"})
    url = f"file://{repository.path}"
    assert resolve_source(None, None, url, tmp_path).url == url


@pytest.mark.parametrize("name", ["HEAD~1", "v1", "v1^{}", "HEAD^"])
def test_a_base_is_whatever_git_knows_as_a_commit(repository: Repository, tmp_path: Path, name: str) -> None:
    first = repository.commit({"a": b"1\n"})
    repository.git("tag", "-a", "v1", "-m", "v1")
    repository.commit({"a": b"2\n"})
    source = resolve_source(str(repository.path), name, None, tmp_path)
    assert (source.base, source.branch, source.description) == (first, "", "v1")


def test_a_named_branch_is_remembered(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": b"1\n"})
    repository.git("branch", "other")
    assert resolve_source(str(repository.path), "other", None, tmp_path).branch == "other"


def test_a_detached_head_has_no_branch(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": b"1\n"})
    repository.git("checkout", "--quiet", "--detach")
    assert resolve_source(str(repository.path), None, None, tmp_path).branch == ""


def test_where_head_is_unborn_the_newest_branch_is_taken(repository: Repository, tmp_path: Path) -> None:
    head = repository.commit({"a": b"1\n"})
    repository.git("symbolic-ref", "HEAD", "refs/heads/gone")
    assert resolve_source(str(repository.path), None, None, tmp_path).base == head


def test_bare_shallow_and_linked_repositories_are_usable(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": b"1\n"})
    head = repository.commit({"a": b"2\n"})
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(tmp_path / "shallow"))
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    for name in ("bare.git", "shallow", "linked"):
        source = resolve_source(str(tmp_path / name), None, None, tmp_path / "cache")
        workspace = Workspace.create(source, tmp_path / f"copy-{name}")
        assert (source.base, source.has_work_tree, workspace.read("a")) == (head, name != "bare.git", "2\n")


@pytest.mark.parametrize(
    ("change", "dirty"),
    [(b"2\n", True), (b"1\n", False), (None, True)],
    ids=["changed", "only touched", "deleted"],
)
def test_uncommitted_changes_are_noticed(
    repository: Repository, tmp_path: Path, change: bytes | None, dirty: bool
) -> None:
    repository.commit({"a": b"1\n"})
    repository.write({"untracked": b"x"})
    (repository.path / "a").unlink()
    if change:
        repository.write({"a": change})
        os.utime(repository.path / "a", (1, 1))
    assert resolve_source(str(repository.path), None, None, tmp_path).dirty is dirty


def test_line_ends_that_git_converts_are_not_dirt(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "core.autocrlf", "true")
    repository.commit({"a": b"1\r\n"})
    os.utime(repository.path / "a", (1, 1))
    assert resolve_source(str(repository.path), None, None, tmp_path).dirty is False


@pytest.mark.parametrize(
    ("name", "base", "message"),
    [
        ("{tmp}/missing", None, "no directory"),
        ("{tmp}/file", None, "not a directory"),
        ("{tmp}/plain", None, "git init"),
        ("{tmp}/fresh", None, "no commit"),
        ("{tmp}/user", "nope", "branches are main"),
        ("{tmp}/user", "--help", "not a commit"),
        ("{tmp}/user", "HEAD:a", "no commit"),
        ("-oProxyCommand=x", None, "not a repository"),
        ("ext::sh -c true", None, "run commands"),
        ("http://example.org/x", None, "cannot be fetched by http"),
        ("ssh://-oProxyCommand=x/y", None, "not a repository's URL"),
        ("https://", None, "not a repository's URL"),
        ("owner/name", None, "https://github.com/owner/name"),
        ("file://{tmp}/nothing.git", None, "no repository at"),
    ],
)
def test_what_cannot_be_used_is_explained(
    repository: Repository, tmp_path: Path, name: str, base: str | None, message: str
) -> None:
    repository.commit({"a": b"1\n"})
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").touch()
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "fresh")], check=True)
    with pytest.raises(UserError, match=message):
        resolve_source(name.format(tmp=tmp_path), base, None, tmp_path / "cache")


# --- at a URL ---------------------------------------------------------------------------------------------------------


def test_a_repository_at_a_url_is_kept_and_brought_up_to_date(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": b"1\n"})
    url, cache = f"file://{repository.path}", tmp_path / "cache"
    first = resolve_source(url, None, None, cache)
    repository.git("checkout", "--quiet", "-b", "next")
    repository.git("branch", "--delete", "--force", "main")
    head = repository.commit({"a": b"2\n"})
    second = resolve_source(url, None, None, cache)
    assert (second.path, second.base, second.branch) == (first.path, head, "next")
    assert Workspace.create(second, tmp_path / "copy").read("a") == "2\n"


def test_a_commit_that_no_branch_reaches_is_fetched_by_its_id(repository: Repository, tmp_path: Path) -> None:
    repository.commit({"a": b"1\n"})
    lost = repository.commit({"a": b"2\n"})
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
    assert resolve_source(f"file://{repository.path}", lost, None, tmp_path).base == lost


def test_an_unreachable_host_is_the_machines_failure(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="use --repo DIRECTORY"):
        resolve_source("https://127.0.0.1:1/o/n.git", None, None, tmp_path)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("https://github.com/o/n", True),
        ("git@github.com:o/n.git", True),
        ("host:o/n.git", True),
        ("FILE:///x/y", True),
        ("./here", False),
        ("/abs/olute", False),
        ("C:/windows", False),
        ("name", False),
    ],
)
def test_urls_are_told_from_directories(name: str, answer: bool) -> None:
    assert remote.is_url(name) is answer


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://user:secret@example.org/o/n.git", "https://example.org/o/n.git"),
        ("https://token@example.org/o/n.git?x=secret", "https://example.org/o/n.git"),
        ("ssh://git@example.org/o/n.git", "ssh://git@example.org/o/n.git"),
        ("git@example.org:o/n.git", "git@example.org:o/n.git"),
    ],
)
def test_credentials_are_not_shown(address: str, shown: str) -> None:
    assert remote.remove_credentials(address) == shown


def test_a_failed_fetch_does_not_show_the_password(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed) as caught:
        resolve_source("https://user:secret@127.0.0.1:1/o/n.git", None, None, tmp_path)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_fetch_that_is_too_slow_does_not_show_it_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://user:secret@127.0.0.1:{silent.getsockname()[1]}/o/n.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "copy.git")], check=True)
        with pytest.raises(EnvironmentFailed, match="did not answer within") as caught:
            remote.fetch_commit(
                remote.FetchedRepository(tmp_path / "copy.git", remote.remove_credentials(address), address), "0" * 40
            )
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
