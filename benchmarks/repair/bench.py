"""What the repair benchmarks share: each problem becomes a small git repository and an issue, and the whole graph of
the product works on it, with the generators that an arm allows."""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock

from repoagent.app.graph_run import run_graph
from repoagent.domain import Edit, Issue, Patch, Result, dump, load
from repoagent.graph.services import RunChoices, Services
from repoagent.index.build import Index
from repoagent.llm import open_model
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.llm.budget import Budget, BudgetedModel
from repoagent.llm.profiles import Profile, find_profile
from repoagent.llm.scripted import ScriptedModel
from repoagent.sandbox import choose_engine
from repoagent.sandbox.base import CommandResult, Engine, Environment, SandboxLimits
from repoagent.session import Session
from repoagent.trace import Event, Trace, read_events
from repoagent.workspace import Workspace, resolve_source


@dataclass(frozen=True)
class Problem:
    """A bug, as the solver sees it."""

    name: str
    kind: str
    """What sort of bug its authors say it is; empty where they do not."""
    files: Mapping[str, str]
    """The repository."""
    issue: Issue
    path: str
    """The file that is wrong."""
    reference: str
    """That file, repaired by the authors. Only `judge` and the comparison of meanings read it."""
    judge: tuple[str, ...] = ()
    """A command of the repository's Python that ends with 0 where the repair is right; hidden from the solver."""


@dataclass(frozen=True)
class Arm:
    """Which generators may work; None leaves it to the model's profile."""

    name: str
    mutants: int | None = 0
    rewrites: int | None = 0
    infills: int | None = 0
    retries: int | None = 0

    @property
    def asks_a_model(self) -> bool:
        """Whether it needs one at all."""
        return self.rewrites != 0 or self.infills != 0

    def profile(self, of: Profile) -> Profile:
        """`of`, with what the arm leaves of it."""
        chosen = {name: getattr(self, name) for name in ("mutants", "rewrites", "infills", "retries")}
        known = {name: value for name, value in chosen.items() if value is not None}
        return replace(of, functions=1, **known)


ARMS = (
    Arm("mutation", mutants=None),
    Arm("greedy", rewrites=1),
    Arm("rewrite", rewrites=None, retries=None),
    Arm("infill", infills=None),
    Arm("all", None, None, None, None),
)


@dataclass(frozen=True)
class Row:
    """What came of one problem in one arm."""

    problem: str
    kind: str
    arm: str
    seed: int
    correct: bool
    """By the hidden judge."""
    same: bool
    """Whether the repaired file means what the authors' means."""
    outcome: str
    generator: str
    """Whose candidate was chosen, with a mutant's pattern."""
    candidates: int
    passing: int
    """Candidates that all visible evidence speaks for."""
    tokens: int
    seconds: float
    mutated: Sequence[str]
    """What mutation did, a line for each function and step."""
    replayed: int = 0
    """Answers that were known from an earlier run, and took no time in this one."""
    stages: Mapping[str, float] = field(default_factory=dict)
    """Seconds in each node."""
    read: int = 0
    """Tokens of prompts."""
    cached: int = 0
    """Of these, what the server had read already."""
    written: int = 0
    decoding: float = 0.0
    """Seconds in which the model was asked."""
    minutes: float = 0.0
    """The budget; 0 where an early record does not tell it."""
    state: str = ""
    """The commit of this program, as far as it is known, with a `+` where the tree differed from it."""
    confidence: str = ""
    """What the run said of its patch."""


def main(description: str, problems: Callable[[Path], Sequence[Problem]]) -> None:
    """Run the arms over the problems, record each row as it comes, and print the table."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source", type=Path)
    parser.add_argument("--record", type=Path, required=True, help="JSON that is read, added to and written")
    parser.add_argument("--arms", nargs="+", default=["mutation"], choices=[arm.name for arm in ARMS])
    parser.add_argument("--only", nargs="*", help="names of problems; all without")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--sandbox", default=None, choices=["docker", "bubblewrap"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5.0, help="budget of one problem")
    parser.add_argument("--most", type=int, default=10**6, help="problems of this call; the next call goes on")
    parser.add_argument("--sessions", type=Path, help="keep the sessions here")
    parser.add_argument(
        "--answers", type=Path, help="answers of the model, which are taken from here where they are known"
    )
    arguments = parser.parse_args()
    chosen = [p for p in problems(arguments.source) if not arguments.only or p.name in arguments.only]
    engine = choose_engine(arguments.sandbox)
    engine.prepare(lambda line: print(line, flush=True))
    record = Record(arguments.record, arguments)
    left = arguments.most
    for arm in (arm for arm in ARMS if arm.name in arguments.arms):
        waiting = [p for p in chosen if not record.has(p.name, arm.name, arguments.seed)][:left]
        left -= len(waiting)
        with _model(arm if waiting else ARMS[0], arguments.model, arguments.answers) as model:
            for problem in waiting:
                record.add(_row(problem, arm, model, engine, arguments))
    print(table(record.rows))


class Record:
    """The rows of earlier calls and of this one, written after each."""

    def __init__(self, path: Path, arguments: argparse.Namespace) -> None:
        self._path = path
        data = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.rows = [Row(**row) for row in data.get("rows", ())]
        self._head = {
            "on": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} processors",
            "python": platform.python_version(),
            "model": arguments.model,
        }

    def has(self, problem: str, arm: str, seed: int) -> bool:
        """Whether there is such a row."""
        return any((row.problem, row.arm, row.seed) == (problem, arm, seed) for row in self.rows)

    def add(self, row: Row) -> None:
        """Keep a row, and tell of it."""
        self.rows.append(row)
        text = json.dumps({**self._head, "rows": [asdict(each) for each in self.rows]}, indent=1)
        self._path.write_text(text + "\n", encoding="utf-8")
        verdict = "right" if row.correct else "wrong"
        print(
            f"{row.arm:9} {row.problem:28} {verdict} {row.outcome:10} {row.generator:28} {row.seconds:6.1f} s",
            flush=True,
        )


def table(rows: Sequence[Row]) -> str:
    """The arms with what they solved, as Markdown."""
    lines = [
        "| arm | problems | correct | same meaning | visibly verified | tokens each | median seconds |",
        "|---|" + "---:|" * 6,
    ]
    for arm in ARMS:
        if own := [row for row in rows if row.arm == arm.name]:
            right, same = sum(row.correct for row in own), sum(row.same for row in own)
            seen = sum(row.outcome == "verified" for row in own)
            tokens, seconds = sum(r.tokens for r in own) // len(own), sorted(r.seconds for r in own)[len(own) // 2]
            share = f"{right} ({100 * right / len(own):.1f} %)"
            lines.append(f"| {arm.name} | {len(own)} | {share} | {same} | {seen} | {tokens} | {seconds:.1f} |")
    return "\n".join(lines)


# --- one problem ------------------------------------------------------------------------------------------------------


def _row(problem: Problem, arm: Arm, model: Model, engine: Engine, arguments: argparse.Namespace) -> Row:
    replayed = model.replayed if isinstance(model, _Narrowed) else 0
    with tempfile.TemporaryDirectory(prefix="repair-") as scratch:
        started = time.monotonic()
        services = _services(problem, model, engine, arguments, Path(scratch))
        with services.session.lock():
            run_graph(services, lambda _: None)
        seconds = time.monotonic() - started
        result = load(Result, services.session.read("report.json"))
        events = read_events(services.session.path / "events.jsonl")
        edits = services.workspace.parse_edits(Patch(result.patch, (problem.path,))) if result.patch else ()
        after = next((edit.after or "" for edit in edits), problem.files[problem.path])
        return Row(
            problem.name,
            problem.kind,
            arm.name,
            arguments.seed,
            _is_right(problem, edits, result, services),
            _code(after) == _code(problem.reference),
            result.outcome,
            _generator(services, result),
            result.candidates,
            sum(_speaks_for(event) for event in events),
            result.usage.tokens,
            round(seconds, 1),
            [str(event.data["done"]) for event in events if event.kind == "mutated"],
            model.replayed - replayed if isinstance(model, _Narrowed) else 0,
            _stages(events),
            result.usage.prompt_tokens,
            result.usage.cached_tokens,
            result.usage.completion_tokens,
            round(result.usage.seconds, 1),
            arguments.minutes,
            _state(),
            result.confidence or "",
        )


@cache
def _state() -> str:
    """Of the program itself; asked once, so that what is committed during a run does not count as what ran."""
    told = subprocess.run(
        ("git", "describe", "--always", "--dirty=+", "--abbrev=12"),
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip()


def _stages(events: Sequence[Event]) -> dict[str, float]:
    """Seconds by node; where several ran at once, their sum."""
    found: dict[str, float] = {}
    for event in events:
        if event.kind == "node.ended":
            node = str(event.data["node"])
            found[node] = round(found.get(node, 0.0) + float(str(event.data["seconds"])), 1)
    return {node: seconds for node, seconds in found.items() if seconds >= 0.5}


def _code(text: str) -> str:
    """The functions and statements of a file, without docstrings and other texts that stand for comments."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            kept = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
            node.body = kept  # type: ignore[attr-defined]  # every node with a list of this name
    return ast.dump(tree)


def _services(problem: Problem, model: Model, engine: Engine, arguments: argparse.Namespace, scratch: Path) -> Services:
    repository = _repository(problem, scratch / "repository")
    sessions = arguments.sessions / problem.name.replace("/", "-") if arguments.sessions else scratch / "sessions"
    session = Session.create(sessions, title=problem.issue.title)
    session.write("issue.json", dump(problem.issue))
    session.write("notices.txt", "")
    workspace = Workspace.create(
        resolve_source(str(repository), None, None, scratch / "clones"), session.path / "workspace"
    )
    trace = Trace(session.path / "events.jsonl")
    budget = Budget(deadline=time.monotonic() + arguments.minutes * 60)
    index = Index.build(workspace.root)
    started = time.monotonic()
    return Services(
        model=BudgetedModel(model, budget, trace),
        engine=engine,
        workspace=workspace,
        index=lambda: index,
        session=session,
        trace=trace,
        budget=budget,
        elapsed=lambda: time.monotonic() - started,
        options=RunChoices(seed=arguments.seed, test_timeout=20),
        limits=SandboxLimits(),
    )


def _repository(problem: Problem, root: Path) -> Path:
    for name, text in problem.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), (*who, "commit", "--quiet", "-m", "As it is")):
        subprocess.run(("git", *words), cwd=root, check=True)
    return root


def _is_right(problem: Problem, edits: Sequence[Edit], result: Result, services: Services) -> bool:
    """By the hidden judge, in a sandbox of its own; without one, by the visible tests."""
    if not problem.judge:
        return result.outcome == "verified"
    environment = _environment(services)
    return environment is not None and _run(problem.judge, edits, services, environment).exit_code == 0


def _run(command: Sequence[str], edits: Sequence[Edit], services: Services, environment: Environment) -> CommandResult:
    with services.workbench.open_with_edits(environment, edits) as sandbox:
        return sandbox.run(command, timeout=30)


def _environment(services: Services) -> Environment | None:
    """The one that the run built, which is found again."""
    return services.workbench.prepare_testbed().environment


def _generator(services: Services, result: Result) -> str:
    if not result.chosen:
        return ""
    chosen = json.loads(services.session.read(f"candidates/{result.chosen}.json"))
    return (
        f"{chosen['generator']}: {chosen['answer']}"
        if chosen.get("pattern_prior", chosen.get("likelihood"))
        else str(chosen["generator"])
    )


def _speaks_for(event: Event) -> bool:
    if event.kind != "candidate.judged":
        return False
    data = event.data
    return not data["gate"] and not data["broken"] and (data["oracle"] == "passed" or bool(data["fixed"]))


@contextmanager
def _model(arm: Arm, name: str, answers: Path | None) -> Iterator[Model]:
    """The model with the arm's profile; one that says nothing where the arm needs none."""
    if not arm.asks_a_model:
        yield ScriptedModel(lambda _: "", profile=arm.profile(find_profile(name)))
        return
    with open_model(name) as model:
        yield _Narrowed(model, arm.profile(model.profile), answers)


class _Narrowed:
    """A model with another profile, whose answers are kept in a file and taken from there."""

    def __init__(self, model: Model, profile: Profile, answers: Path | None) -> None:
        self._model = model
        self._answers = answers
        self._lock = Lock()
        lines = answers.read_text(encoding="utf-8").splitlines() if answers and answers.exists() else ()
        self._known = dict(map(_pair, lines))
        self.replayed = 0
        self.profile = profile
        self.name = model.name
        self.get_context_size = model.get_context_size
        self.count_tokens = model.count_tokens
        self.score = model.score

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        return self._kept(("chat", *messages, sampling), lambda: self._model.chat(messages, sampling))

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        return self._kept(("infill", prefix, suffix, sampling), lambda: self._model.infill(prefix, suffix, sampling))

    def _kept(self, question: tuple[object, ...], ask: Callable[[], Completion]) -> Completion:
        key = hashlib.sha256(repr(question).encode()).hexdigest()
        if known := self._known.get(key):
            self.replayed += 1
            return known
        answer = ask()
        if self._answers is not None:
            with self._lock, self._answers.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, asdict(answer)]) + "\n")
        return answer


def _pair(line: str) -> tuple[str, Completion]:
    key, answer = json.loads(line)
    return key, load(Completion, json.dumps(answer))
