"""How a patch reaches the user's repository, and what stays untouched meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from repoagent.domain import Edit, Patch
from repoagent.errors import UserError
from repoagent.workspace import SourceRepository, Workspace, delivery, resolve_source

if TYPE_CHECKING:
    from tests.workspace.conftest import Repository

BASE = {"a.py": b"one\ntwo\n", "gone.py": b"x\n", "crlf.py": b"1\r\n2\r\n", "latin.py": b"\xe9\n"}
EDITS = (
    Edit("a.py", "", "one\n2\n"),
    Edit("gone.py", "", None),
    Edit("new/ü.py", None, "n\n"),
    Edit("crlf.py", "", "1\r\n3\r\n"),
    Edit("latin.py", "", "\udce8\n"),
)
AFTER = {"a.py": b"one\n2\n", "new/ü.py": b"n\n", "crlf.py": b"1\r\n3\r\n", "latin.py": b"\xe8\n"}


@pytest.fixture
def prepared(
    repository: Repository, source_of: Callable[[Repository], SourceRepository], tmp_path: Path
) -> tuple[SourceRepository, Patch]:
    repository.commit(BASE)
    source = source_of(repository)
    return source, Workspace.create(source, tmp_path / "copy").make_patch(EDITS)


def files(repository: Repository) -> dict[str, bytes]:
    return {name: content for name, content in repository.state().items() if not name.startswith(".git/")}


def test_applying_changes_the_files_and_stages_nothing(
    repository: Repository, prepared: tuple[SourceRepository, Patch]
) -> None:
    index = (repository.path / ".git" / "index").read_bytes()
    delivery.apply_patch(*prepared)
    assert files(repository) == AFTER
    assert (repository.path / ".git" / "index").read_bytes() == index


def test_applying_keeps_other_changes_of_the_user(
    repository: Repository, prepared: tuple[SourceRepository, Patch]
) -> None:
    repository.write({"mine": b"mine\n"})
    delivery.apply_patch(*prepared)
    assert files(repository) == {**AFTER, "mine": b"mine\n"}


@pytest.mark.parametrize("files_in_the_way", [{"a.py": b"one\nmine\n"}, {"new/ü.py": b"mine\n"}])
def test_a_patch_that_does_not_fit_changes_nothing(
    repository: Repository, prepared: tuple[SourceRepository, Patch], files_in_the_way: dict[str, bytes]
) -> None:
    repository.write(files_in_the_way)
    before = repository.state()
    with pytest.raises(UserError, match="does not fit"):
        delivery.apply_patch(*prepared)
    assert repository.state() == before


def test_a_head_that_moved_is_refused(repository: Repository, prepared: tuple[SourceRepository, Patch]) -> None:
    repository.commit({"b": b"1\n"})
    with pytest.raises(UserError, match="--branch"):
        delivery.apply_patch(*prepared)


def test_applying_respects_the_users_line_ends(repository: Repository, tmp_path: Path) -> None:
    repository.git("config", "core.autocrlf", "true")
    repository.commit({"a": b"1\r\n2\r\n"})
    source = resolve_source(str(repository.path), None, None, tmp_path)
    patch = Workspace.create(source, tmp_path / "copy").make_patch([Edit("a", None, "1\n3\n")])
    delivery.apply_patch(source, patch)
    assert (repository.path / "a").read_bytes() == b"1\r\n3\r\n"


def test_applying_does_not_write_through_a_link(
    repository: Repository, prepared: tuple[SourceRepository, Patch], tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (repository.path / "new").symlink_to(tmp_path / "outside")
    with pytest.raises(UserError):
        delivery.apply_patch(*prepared)
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_branch_gets_one_commit_and_the_work_tree_stays(
    repository: Repository, prepared: tuple[SourceRepository, Patch]
) -> None:
    repository.write({"a.py": b"mine\n", "untracked": b"u\n"})
    repository.git("add", "a.py")
    before = {**files(repository), "index": (repository.path / ".git" / "index").read_bytes()}
    source, patch = prepared
    commit = delivery.create_branch(source, "fix/7", patch, "Fix it\n\n# not a comment\n", "Bo <bo@example.org>")
    assert {**files(repository), "index": (repository.path / ".git" / "index").read_bytes()} == before
    assert repository.line("rev-list", "--parents", "--max-count=1", "fix/7") == f"{commit} {source.base}"
    assert repository.line("log", "-1", "--format=%an %ae|%B", "fix/7") == "Bo bo@example.org|Fix it\n\n# not a comment"
    for name, content in AFTER.items():
        assert repository.git("cat-file", "blob", f"fix/7:{name}") == content
    assert repository.line("symbolic-ref", "HEAD") == "refs/heads/main"
    assert repository.git("fsck") == b""


def test_a_branch_is_by_the_user_unless_told_otherwise(
    repository: Repository, prepared: tuple[SourceRepository, Patch]
) -> None:
    repository.git("config", "user.name", "Cy")
    repository.git("config", "user.email", "cy@example.org")
    delivery.create_branch(prepared[0], "fix", prepared[1], "Fix")
    assert repository.line("log", "-1", "--format=%an %ce", "fix") == "Cy cy@example.org"


def test_a_bare_repository_takes_a_branch_but_no_changes(repository: Repository, tmp_path: Path) -> None:
    repository.commit(BASE)
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    source = resolve_source(str(tmp_path / "bare.git"), None, None, tmp_path)
    patch = Workspace.create(source, tmp_path / "copy").make_patch(EDITS)
    commit = delivery.create_branch(source, "fix", patch, "Fix")
    assert repository.line("ls-remote", str(tmp_path / "bare.git"), "fix").startswith(commit)
    with pytest.raises(UserError, match="no work tree"):
        delivery.apply_patch(source, patch)


@pytest.mark.parametrize("name", ["", "-x", "a..b", "a b", "@{-1}", "x.lock", "a\nb", "a\0b", "HEAD"])
def test_an_impossible_branch_name_is_refused(prepared: tuple[SourceRepository, Patch], name: str) -> None:
    with pytest.raises(UserError, match="cannot be the name"):
        delivery.create_branch(prepared[0], name, prepared[1], "Fix")


@pytest.mark.parametrize("name", ["main", "main/sub"])
def test_an_existing_branch_is_not_overwritten(
    repository: Repository, prepared: tuple[SourceRepository, Patch], name: str
) -> None:
    head = repository.line("rev-parse", "main")
    with pytest.raises(UserError, match="choose another name"):
        delivery.create_branch(prepared[0], name, prepared[1], "Fix")
    assert repository.line("rev-parse", "main") == head


@pytest.mark.parametrize("author", ["Bo", "<bo@example.org>", "Bo <a\nb>"])
def test_an_odd_author_is_refused(prepared: tuple[SourceRepository, Patch], author: str) -> None:
    with pytest.raises(UserError, match=re.escape("`Name <address>`")):
        delivery.create_branch(prepared[0], "fix", prepared[1], "Fix", author)


def test_an_empty_patch_and_a_fetched_repository_are_refused(repository: Repository, tmp_path: Path) -> None:
    repository.commit(BASE)
    source = resolve_source(f"file://{repository.path}", None, None, tmp_path)
    with pytest.raises(UserError, match="empty"):
        delivery.apply_patch(source, Patch("", ()))
    with pytest.raises(UserError, match="clone it"):
        delivery.create_branch(source, "fix", Patch("diff", ("a",)), "Fix")


def test_a_patch_cannot_write_into_git(repository: Repository, prepared: tuple[SourceRepository, Patch]) -> None:
    name = ".git/hooks/x"
    text = f"diff --git a/{name} b/{name}\nnew file mode 100755\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+x\n"
    for deliver in (delivery.apply_patch, lambda source, patch: delivery.create_branch(source, "fix", patch, "Fix")):
        with pytest.raises(UserError):
            deliver(prepared[0], Patch(text, (".git/hooks/x",)))
    assert not (repository.path / ".git" / "hooks" / "x").exists()
