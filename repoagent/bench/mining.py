"""Make a dataset from a repository's own history: fixes that came with tests, if the tests confirm them.

The recipe is that of SWE-bench (Jimenez et al. 2024): a change of the main line that touches code and tests, split into
the two; base is the commit before it. What fails before and passes after is found by running it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from repoagent.bench.instance import Instance, count_changed_lines
from repoagent.bench.run_config import RunConfig
from repoagent.bench.runs import ExecutorFactory, RunOptions, lock_run, validate_all
from repoagent.bench.schedule import StageWatcher
from repoagent.bench.store import ResultStore
from repoagent.bench.task import Agent
from repoagent.config import Settings
from repoagent.domain import dump
from repoagent.errors import UserError
from repoagent.places import locate_cache_root
from repoagent.session.atomic import write_bytes
from repoagent.workspace import SourceRepository, resolve_source
from repoagent.workspace.plumbing import Git

MAX_FIX_LINES = 400
"""Lines that a fix may change; larger changes are seldom one fix."""
_FIX = re.compile(
    r"\b(fix(e[sd]|ing)?|bug(s|fix)?|clos(e[sd]?|ing)|resolv(e[sd]?|ing)|regression|correct(s|ed)?)\b", re.IGNORECASE
)
_CODE = re.compile(r"\.(py|pyx|js|jsx|ts|tsx|go|rs|java|kt|c|cc|cpp|h|hpp|rb|php|cs)$")
_TEST = re.compile(r"(^|/)(tests?|testing|__tests__|spec)/|(^|/)(test_[^/]*|conftest)\.py$|[._-](test|spec)s?\.\w+$")
_COMMITS_PER_FIX = 20
"""Commits of the main line to examine for each requested fix."""


@dataclass(frozen=True)
class MiningResult:
    """The result of mining a history."""

    file: Path
    candidates: int
    kept: int
    rejected: tuple[tuple[str, str], ...]
    """Fixes that the tests do not confirm here, and why."""

    @property
    def text(self) -> str:
        """For a terminal."""
        lines = [f"{self.kept} instances from {self.candidates} fixes: {self.file}"]
        return "\n".join([*lines, *(f"  {name}: {why.splitlines()[0][:200]}" for name, why in self.rejected)])


@dataclass(frozen=True)
class MiningRequest:
    """Which fixes to look for."""

    repo: str
    """A directory or a URL."""
    last: int = 50
    """How many, newest first."""
    since: str | None = None
    """A day; older fixes are ignored."""
    issues: Path | None = None
    """Directory of issue texts called NUMBER.md."""


def collect_fixes(
    wanted: MiningRequest, out: Path, settings: Settings, means: RunOptions, make: ExecutorFactory, watch: StageWatcher
) -> MiningResult:
    """Write the instances of the last fixes into `out`.

    The run that validates them is stored beside it, so that a stopped call can be continued.
    """
    source = resolve_source(wanted.repo, None, None, locate_cache_root() / "repositories")
    with lock_run(out.with_suffix(".run"), create=True) as store:
        if store.read_value("config") is None:
            found = tuple(find_candidates(source, wanted))
            if not found:
                raise UserError(f"no change of {wanted.repo} touches code and tests and says that it fixes something")
            store.add_instances(found)
            store.write_value("config", dump(RunConfig(str(out), settings, Agent("gold"))))
        validate_all(store, RunConfig(str(out), settings, Agent("gold")), means, make, watch)
        return _write_instances(store, out)


def find_candidates(source: SourceRepository, wanted: MiningRequest) -> Iterator[Instance]:
    """Yield the fixes of the main line that come with tests, newest first; nothing is run."""
    git, count = Git(source.git_dir), 0
    for commit in _read_history(git, source.base, wanted.last * _COMMITS_PER_FIX, wanted.since):
        found = _make_instance(git, commit, wanted)
        if found is not None:
            yield found
            count += 1
        if count == wanted.last:
            return


@dataclass(frozen=True)
class _Commit:
    id: str
    parent: str
    day: str
    message: str


def _read_history(git: Git, base: str, max_count: int, since: str | None) -> Iterator[_Commit]:
    form = "--format=%H%x1f%P%x1f%cI%x1f%B%x1e"
    dated = (f"--since={since}",) if since else ()
    text = git("log", "--first-parent", f"--max-count={max_count}", form, *dated, base, "--").text
    for record in text.split("\x1e"):
        parts = record.strip("\n").split("\x1f")
        if len(parts) == 4 and parts[1]:
            yield _Commit(parts[0], parts[1].split()[0], parts[2], parts[3].strip())


def _make_instance(git: Git, commit: _Commit, wanted: MiningRequest) -> Instance | None:
    if not _FIX.search(commit.message):
        return None
    names = git("diff-tree", "-r", "-z", "--no-renames", "--name-only", commit.parent, commit.id).text.split("\0")
    tests = [name for name in names if name and _TEST.search(name)]
    code = [name for name in names if name and not _TEST.search(name)]
    if not any(map(_CODE.search, tests)) or not any(map(_CODE.search, code)):
        return None
    patch = _diff_files(git, commit, code)
    if count_changed_lines(patch) > MAX_FIX_LINES or "GIT binary patch" in patch:
        return None
    return Instance(
        f"{_make_slug(wanted.repo)}-{commit.id[:10]}",
        str(Path(wanted.repo).absolute()) if Path(wanted.repo).is_dir() else wanted.repo,
        commit.parent,
        _find_issue_text(commit.message, wanted.issues),
        patch,
        _diff_files(git, commit, tests),
        created=commit.day,
    )


def _diff_files(git: Git, commit: _Commit, names: list[str]) -> str:
    plain = ("--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", "--binary", "-p", "-r")
    literal = (f":(literal){name}" for name in names)
    return git("diff-tree", *plain, commit.parent, commit.id, "--", *literal).text


def _find_issue_text(message: str, issues: Path | None) -> str:
    """Read the issue that the fix mentions from `issues`; else the message of the fix itself."""
    for number in re.findall(r"#(\d+)", message):
        for path in (issues / f"{number}.md", issues / f"{number}.txt") if issues else ():
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")
    lines = [line for line in message.splitlines() if not re.match(r"[A-Z][\w-]+-by: ", line)]
    return "\n".join(lines).strip()


def _make_slug(repo: str) -> str:
    name = re.sub(r"(/?\.git)?/*$", "", repo)
    return re.sub(r"[^\w.-]+", "_", name.rpartition("/")[2] or Path(repo).absolute().name).strip("._-") or "repo"


def _write_instances(store: ResultStore, out: Path) -> MiningResult:
    rows, rejected, total = [], [], 0
    for job in store.read_jobs("validate"):
        total += 1
        known = job.done.validated if job.done else None
        if known and known.runnable and known.gold and known.gold.is_resolved and known.fail_to_pass:
            instance = store.read_instance(job.instance)
            rows.append(
                convert_to_row(replace(instance, fail_to_pass=known.fail_to_pass, pass_to_pass=known.pass_to_pass))
            )
        else:
            rejected.append(
                (job.instance, (known.reason if known else job.reason) or "its tests did not confirm it twice")
            )
    write_bytes(out, "".join(f"{json.dumps(row)}\n" for row in rows).encode())
    return MiningResult(out, total, len(rows), tuple(rejected))


def convert_to_row(instance: Instance) -> dict[str, object]:
    """Convert an instance to a row of SWE-bench."""
    return {
        "instance_id": instance.id,
        "repo": instance.repo,
        "base_commit": instance.base,
        "patch": instance.patch,
        "test_patch": instance.test_patch,
        "problem_statement": instance.issue,
        "hints_text": "",
        "created_at": instance.created,
        "version": "",
        "FAIL_TO_PASS": list(instance.fail_to_pass),
        "PASS_TO_PASS": list(instance.pass_to_pass),
    }
