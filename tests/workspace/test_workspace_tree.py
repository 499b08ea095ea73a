"""The clean copy: what is in it, what is not, and that its diffs apply to the user's repository."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repoagent.domain import Edit, Patch, dump, load
from repoagent.errors import EnvironmentFailed, ToolError, UserError
from repoagent.workspace import PathRefused, SourceRepository, Workspace, resolve_source

if TYPE_CHECKING:
    from tests.workspace.conftest import Repository

Copy = Callable[["Repository"], Workspace]
Resolve = Callable[["Repository"], SourceRepository]

BASE = {
    "a.py": b"one\ntwo\nthree\n",
    "crlf.txt": b"one\r\ntwo\r\n",
    "no_newline": b"end",
    "latin.py": b"# caf\xe9\nx = 1\n",
    "ünï/cödé.py": b"x = 1\n",
    "empty": b"",
    "data.bin": b"\0\1\2\xff",
    "form\x0cfeed.py": b"a\x0cb\x0bc\x85d\n",
    "-rf": b"dashes\n",
    "new\nline.py": b"n = 1\n",
}


def apply_to_base(repository: Repository, patch: Patch) -> dict[str, bytes]:
    """What git makes of `patch` on the user's HEAD, in an index of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "GIT_INDEX_FILE": f"{scratch}/index"}

        def git(*arguments: str, stdin: bytes = b"") -> bytes:
            command = ["git", "-C", str(repository.path), *arguments]
            done = subprocess.run(command, input=stdin, env=environment, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
            return done.stdout

        git("read-tree", "HEAD")
        if patch.text:
            content = patch.text.encode("utf-8", "surrogateescape")
            git("apply", "--check", "--cached", stdin=content)
            git("apply", "--cached", "--whitespace=nowarn", stdin=content)
        rows = [row.split(b"\t", 1) for row in git("ls-files", "--stage", "-z").split(b"\0") if row]
        return {
            os.fsdecode(name): git("cat-file", "blob", entry.split()[1].decode())
            for entry, name in rows
            if not entry.startswith((b"120", b"160"))
        }


# --- the copy ---------------------------------------------------------------------------------------------------------


def test_the_copy_holds_the_committed_bytes(repository: Repository, workspace_of: Copy) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    assert {name: (workspace.root / name).read_bytes() for name in workspace.list_files()} == BASE


def test_attributes_do_not_change_the_bytes(repository: Repository, workspace_of: Copy) -> None:
    attributes = b"* text eol=crlf ident\nw working-tree-encoding=UTF-16\nv export-ignore\n"
    repository.commit({"a": b"$Id$\nx\n", "v": b"v\n", "w": "é\n".encode()})
    repository.write({".gitattributes": attributes})
    repository.git("add", ".gitattributes")
    repository.git("commit", "--quiet", "-m", "attributes")
    workspace = workspace_of(repository)
    assert (workspace.root / "a").read_bytes() == b"$Id$\nx\n"
    assert (workspace.root / "w").read_bytes() == "é\n".encode()
    assert "v" in workspace.list_files()


def test_the_copy_knows_no_history_remote_tag_or_reflog(repository: Repository, workspace_of: Copy) -> None:
    first = repository.commit({"a": b"1\n"})
    repository.commit({"a": b"2\n", "secret_fix": b"later\n"})
    repository.git("tag", "v9")
    repository.git("remote", "add", "origin", "https://example.org/x.git")
    repository.git("checkout", "--quiet", first)
    root = workspace_of(repository).root

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout

    assert git("rev-list", "--all", "--count").strip() == "1"
    assert git("tag") == git("remote") == git("reflog") == git("status", "--short") == ""
    assert git("cat-file", "--batch-all-objects", "--batch-check").count("blob") == 1
    assert git("fsck", "--full") == ""


def test_making_a_copy_writes_nothing_to_the_source(repository: Repository, workspace_of: Copy) -> None:
    repository.commit(BASE)
    repository.write({"a.py": b"changed\n", "untracked": b"x"})
    before = repository.state()
    workspace_of(repository).make_patch([Edit("a.py", None, "new\n")])
    assert repository.state() == before


def test_the_copy_stands_without_its_source(repository: Repository, workspace_of: Copy, tmp_path: Path) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    repository.path.rename(tmp_path / "elsewhere")
    assert Workspace.open(workspace.root).make_patch([Edit("a.py", None, "x\n")]).files == ("a.py",)


def test_equal_bases_make_equal_copies(repository: Repository, source_of: Resolve, tmp_path: Path) -> None:
    repository.commit(BASE)
    roots = [Workspace.create(source_of(repository), tmp_path / name).root for name in ("first", "second")]
    heads = [subprocess.run(["git", "-C", str(r), "rev-parse", "HEAD"], capture_output=True, check=True) for r in roots]
    assert heads[0].stdout == heads[1].stdout


def test_a_directory_with_files_is_not_overwritten(repository: Repository, source_of: Resolve, tmp_path: Path) -> None:
    repository.commit(BASE)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    with pytest.raises(UserError, match="not empty"):
        Workspace.create(source_of(repository), tmp_path / "full")


def test_missing_objects_are_named_as_the_cause(repository: Repository, workspace_of: Copy) -> None:
    repository.commit({"a": b"1\n"})
    blob = repository.line("rev-parse", "HEAD:a")
    (repository.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(EnvironmentFailed, match="partial clone"):
        workspace_of(repository)


def test_sha256_repositories_work(tmp_path: Path) -> None:
    path = tmp_path / "modern"
    command = ["git", "init", "--quiet", "--object-format=sha256", str(path)]
    subprocess.run(command, check=True)
    (path / "a").write_text("1\n")
    for arguments in (["add", "a"], ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(path), *arguments], check=True)
    workspace = Workspace.create(resolve_source(str(path), None, None, tmp_path), tmp_path / "copy")
    assert "+2" in workspace.make_patch([Edit("a", "1\n", "2\n")]).text


# --- hostile repositories ---------------------------------------------------------------------------------------------


def booby_trap(repository: Repository, mark: Path) -> None:
    """Name a program that touches `mark` everywhere a repository can."""
    trap = repository.path.parent / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    trap.chmod(0o755)
    names = ("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "diff.external")
    filters = [f"filter.evil.{each}" for each in ("clean", "smudge", "process")]
    for name in (*names, *filters, "diff.evil.textconv", "diff.evil.command", "alias.status", "gpg.program"):
        repository.git("config", name, f"!{trap}" if name.startswith("alias") else str(trap))
    repository.git("config", "filter.evil.required", "true")
    repository.git("config", "commit.gpgSign", "true")
    hooks = repository.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in (
        "post-checkout",
        "pre-commit",
        "post-index-change",
        "reference-transaction",
        "post-commit",
        "pre-applypatch",
    ):
        (hooks / hook).write_bytes(trap.read_bytes())
        (hooks / hook).chmod(0o755)


def test_nothing_of_a_hostile_repository_is_run(repository: Repository, tmp_path: Path) -> None:
    from repoagent.workspace import delivery

    mark = tmp_path / "was-run"
    repository.commit({"a.py": b"x = 1\n", ".gitattributes": b"* filter=evil diff=evil\n"})
    booby_trap(repository, mark)
    os.utime(repository.path / "a.py", (1, 1))
    source = resolve_source(str(repository.path), None, None, tmp_path / "cache")
    patch = Workspace.create(source, tmp_path / "copy").make_patch([Edit("a.py", "x = 1\n", "x = 2\n")])
    delivery.create_branch(source, "fix", patch, "Fix")
    delivery.apply_patch(source, patch)
    assert (repository.path / "a.py").read_bytes() == b"x = 2\n"
    assert not mark.exists()
    subprocess.run(["git", "-C", str(repository.path), "status"], capture_output=True, check=False)
    assert mark.exists(), "the trap works, for whoever runs git plainly"


def test_objects_are_not_fetched_from_a_hostile_promisor(repository: Repository, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    repository.commit({"a": b"1\n"})
    blob = repository.line("rev-parse", "HEAD:a")
    repository.git("config", "remote.origin.url", f"ext::sh -c 'touch {mark}'")
    repository.git("config", "remote.origin.promisor", "true")
    repository.git("config", "extensions.partialClone", "origin")
    repository.git("config", "protocol.ext.allow", "always")
    (repository.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    source = resolve_source(str(repository.path), None, None, tmp_path / "cache")
    with pytest.raises(EnvironmentFailed):
        Workspace.create(source, tmp_path / "copy")
    assert not mark.exists()


def test_a_configured_work_tree_elsewhere_is_ignored(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    repository.commit({"a": b"1\n"})
    repository.git("config", "core.worktree", str(tmp_path / "victim"))
    assert resolve_source(str(repository.path), None, None, tmp_path).path == repository.path


def test_submodules_stay_empty_and_cannot_be_edited(repository: Repository, workspace_of: Copy) -> None:
    commit = repository.commit({".gitmodules": b'[submodule "s"]\n\tpath = s\n\turl = ext::touch /tmp/x\n'})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},s")
    repository.git("commit", "--quiet", "-m", "submodule")
    workspace = workspace_of(repository)
    assert workspace.list_files() == (".gitmodules",)
    assert list((workspace.root / "s").iterdir()) == []
    for path in ("s", "s/x"):
        with pytest.raises(ToolError):
            workspace.make_patch([Edit(path, None, "x\n")])


@pytest.fixture
def linked(repository: Repository, workspace_of: Copy, tmp_path: Path) -> Workspace:
    (tmp_path / "secret").write_text("secret\n")
    repository.write({"dir/a": b"1\n"})
    (repository.path / "file_link").symlink_to(tmp_path / "secret")
    (repository.path / "dir_link").symlink_to(tmp_path)
    (repository.path / "inner_link").symlink_to("dir")
    repository.commit({})
    return workspace_of(repository)


BAD = [
    "/etc/passwd",
    "../x",
    "dir/../../x",
    "",
    ".",
    ".git/config",
    "dir/.GIT/hooks/x",
    "a\0b",
    "./a",
    "dir//a",
    "dir/",
]
LINKS = ["file_link", "dir_link/secret", "inner_link/a"]


@pytest.mark.parametrize("path", [*BAD, *LINKS])
def test_paths_out_of_the_tree_are_refused(linked: Workspace, path: str) -> None:
    with pytest.raises(PathRefused):
        linked.read(path)
    for after in ("x\n", None):
        with pytest.raises(PathRefused):
            linked.make_patch([Edit(path, None, after)])


def test_links_are_kept_as_links(linked: Workspace, tmp_path: Path) -> None:
    assert (linked.root / "file_link").readlink() == tmp_path / "secret"
    assert linked.list_files() == ("dir/a",)


def test_only_plain_files_are_read(linked: Workspace) -> None:
    os.mkfifo(linked.root / "pipe")
    for path in ("pipe", "dir"):
        with pytest.raises(PathRefused):
            linked.read(path)
    for path in ("missing", "dir/missing", "missing/x"):
        with pytest.raises(FileNotFoundError):
            linked.read(path)


# --- diffs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(BASE))
@pytest.mark.parametrize("after", [None, "", "x\n", "a\r\nb\r\n", "é\x0c\u2028x", "\udce9\n", "nul\0\n"])
def test_a_change_applies_to_the_base(repository: Repository, workspace_of: Copy, path: str, after: str | None) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    patch = workspace.make_patch([Edit(path, workspace.read(path), after)])
    expected = {name: content for name, content in BASE.items() if name != path}
    if after is not None:
        expected[path] = after.encode("utf-8", "surrogateescape")
    assert apply_to_base(repository, patch) == expected
    assert patch.files == ((path,) if expected != BASE else ())


def test_a_patch_is_the_same_whatever_the_user_has_configured(
    repository: Repository, workspace_of: Copy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    edits = [Edit("a.py", None, "one\n2\nthree\n"), Edit("fresh.py", None, "x\n"), Edit("empty", "", None)]
    plain = workspace.make_patch(edits)
    config = tmp_path / "gitconfig"
    config.write_text(
        "[diff]\nnoprefix = true\nmnemonicPrefix = true\nalgorithm = histogram\ncontext = 9\nrenames = copies\n"
        "[color]\nui = always\n[core]\nautocrlf = true\nquotePath = true\nabbrev = 40\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIFF_OPTS", "--unified=0")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent/index")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert workspace.make_patch(edits) == plain
    assert plain.text.startswith("diff --git a/a.py b/a.py\n")


def test_a_file_may_give_way_to_a_directory(repository: Repository, workspace_of: Copy) -> None:
    repository.commit({"a": b"1\n"})
    workspace = workspace_of(repository)
    patch = workspace.make_patch([Edit("a/b", None, "2\n"), Edit("a", "1\n", None)])
    assert apply_to_base(repository, patch) == {"a/b": b"2\n"}
    for edits in ([Edit("a/b", None, "2\n")], [Edit("n/m", None, ""), Edit("n", None, "")]):
        with pytest.raises(ToolError, match="is a file"):
            workspace.make_patch(edits)


def test_an_executable_stays_one(repository: Repository, workspace_of: Copy) -> None:
    repository.write({"run": b"#!/bin/sh\n"})
    (repository.path / "run").chmod(0o755)
    repository.commit({})
    assert "100755" in workspace_of(repository).make_patch([Edit("run", None, "#!/bin/sh\necho\n")]).text


def test_text_that_no_file_can_hold_is_refused(repository: Repository, workspace_of: Copy) -> None:
    repository.commit(BASE)
    with pytest.raises(ToolError, match="no file can hold"):
        workspace_of(repository).make_patch([Edit("a.py", None, "\ud800")])


def test_a_file_that_attributes_call_binary_is_shown_as_text(repository: Repository, workspace_of: Copy) -> None:
    repository.commit({"a.py": b"1\n", ".gitattributes": b"*.py binary\n"})
    assert "-1\n+2\n" in workspace_of(repository).make_patch([Edit("a.py", None, "2\n")]).text


def test_a_patch_holds_no_surrogates_so_that_json_can_hold_it(repository: Repository, workspace_of: Copy) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    patch = workspace.make_patch(
        [Edit("latin.py", None, workspace.read("latin.py") + "y\n"), Edit("a.py", None, "\udcff\n")]
    )
    assert load(Patch, dump(patch)) == patch
    assert apply_to_base(repository, patch) == {**BASE, "latin.py": b"# caf\xe9\nx = 1\ny\n", "a.py": b"\xff\n"}


def test_edits_come_back_from_a_patch(repository: Repository, workspace_of: Copy) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    edits = (Edit("a.py", "one\ntwo\nthree\n", "one\n"), Edit("empty", "", None), Edit("new.py", None, "\udce9"))
    assert workspace.parse_edits(workspace.make_patch(edits)) == edits
    assert workspace.parse_edits(Patch("", ())) == ()


def test_several_threads_may_diff_at_once(repository: Repository, workspace_of: Copy) -> None:
    repository.commit(BASE)
    workspace = workspace_of(repository)
    with ThreadPoolExecutor(4) as pool:
        patches = list(pool.map(lambda n: workspace.make_patch([Edit("a.py", None, f"{n}\n")]), range(12)))
    assert [f"+{n}\n" in patch.text for n, patch in enumerate(patches)] == [True] * 12
    status = subprocess.run(["git", "-C", str(workspace.root), "status", "--short"], capture_output=True, check=True)
    assert status.stdout == b""


LINES = st.lists(
    st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), st.sampled_from(["\n", "\r\n", "\r", ""])),
    max_size=12,
).map(lambda lines: "".join(text + end for text, end in lines))
TEXTS = st.one_of(st.none(), LINES, st.sampled_from(["\udce9\n", "one\ntwo\nthree", "one\ntwo\n\nthree\n"]))
PATHS = st.sampled_from([*sorted(BASE), "fresh.py", "dir/ünï.txt", "dir/tab\t.py", 'quo"te', "sp ace/x "])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.dictionaries(PATHS, TEXTS, max_size=4))
def test_any_edits_applied_by_git_give_exactly_the_text_after(
    kept: tuple[Repository, Workspace], edits: dict[str, str | None]
) -> None:
    repository, workspace = kept
    patch = workspace.make_patch([Edit(path, None, after) for path, after in edits.items()])
    wanted = {**BASE, **{p: a.encode("utf-8", "surrogateescape") for p, a in edits.items() if a is not None}}
    for path in (path for path, after in edits.items() if after is None):
        wanted.pop(path, None)
    assert apply_to_base(repository, patch) == wanted


@pytest.fixture
def kept(repository: Repository, workspace_of: Copy) -> tuple[Repository, Workspace]:
    repository.commit(BASE)
    return repository, workspace_of(repository)
