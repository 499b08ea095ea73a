"""A small project, and a bench on which the whole graph works on it: real index, git, session and checkpoint, with a
sandbox and a model that play what a test wrote down."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from repoagent.app.solve import ReviewPause, run_graph
from repoagent.domain import Issue, Result, dump, load
from repoagent.errors import SandboxFailed
from repoagent.evidence.reproduction.script import BEGIN, END
from repoagent.evidence.reproduction.tracing import TRACE_FILE as EXECUTED
from repoagent.graph.services import RunChoices, Services
from repoagent.index.build import Index
from repoagent.index.store import locate_cache
from repoagent.llm.budget import Budget, BudgetedModel
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel, ScriptedReply
from repoagent.sandbox.base import CommandResult, Engine, SandboxLimits
from repoagent.sandbox.fake import FakeEngine
from repoagent.session import Session
from repoagent.trace import Event, Trace, read_events
from repoagent.workspace import Workspace, resolve_source

MODULE = "lengths/convert.py"
JOB = ".repoagent-variants.json"
NATURAL = '''\
def natural(size):
    """`size` with its unit."""
    text = f"{size}B"
    if size <= 1000:
        return text
    return f"{size // 1000}K"
'''
PADDED = '''\
def padded(size, width):
    """`size` with its unit, flush right."""
    return natural(size).rjust(width)
'''
SOURCE = f"{NATURAL}\n\n{PADDED}"

RIGHT = NATURAL.replace("<=", "<")
RIGHT_AND_MORE = RIGHT.replace("size // 1000", "int(size) // 1000")
USELESS = NATURAL.replace("size <= 1000", "not size > 1000")
"""Changes the tree and nothing else."""
HARMFUL = NATURAL.replace("size <= 1000", "size < 10")
"""Does what the issue asks for, and breaks a test."""
CRASHING = NATURAL.replace("size <= 1000", "size.value < 1000")
UNDEFINED = NATURAL.replace("size <= 1000", "limit < 1000")

TITLE = "natural(1000) says 1000B"
EXAMPLE = """\
```python
>>> from lengths.convert import natural
>>> natural(1000)
'1000B'
```

Expected: `'1K'`
"""
SPEC = "Current:\n- it prints 1000B\nProposed:\n- it prints 1K\n"

SMALL, LARGE = "tests/test_convert.py::test_small", "tests/test_convert.py::test_large"


def fenced(*functions: str) -> list[ScriptedReply]:
    """Answers as a model writes them."""
    return [f"Here it is:\n```python\n{function}```\n" for function in functions]


@dataclass
class World:
    """Plays the sandbox: what tests and scripts do follows from the text of the one module that they are about."""

    tests: dict[str, Callable[[str], bool]] = field(
        default_factory=lambda: {
            SMALL: lambda text: "size < 10:" not in text and "size.value" not in text,
            LARGE: lambda text: "size.value" not in text,
        }
    )
    right: tuple[str, ...] = ("size < 1000", "size < 10:")
    """What makes the example of the issue print the expected value."""
    executed: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The lines that the example of the issue executes, by path."""
    seconds: float = 0.1
    """What a run of the tests takes, as the sandbox tells."""
    each: float = 0.0
    """What it takes more for each file that is asked for."""
    lasting: float = 0.0
    """What each test takes, as the report tells."""
    hangs: str = ""
    """A file whose tests never end."""
    spoils: str = ""
    """A file that ends the whole run before any test."""
    calls: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """The lines of the module at which the functions begin that a test calls, where that is noted."""
    added: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    """Tests that are there once their file says so."""
    noticed: int | None = None
    """Of the mutants of a patched function, how many the example notices; None where they cannot be tried."""
    deaths: int = 0
    """How often the sandbox dies before a candidate's script can be run."""

    def __call__(self, command: Sequence[str], files: MutableMapping[str, bytes]) -> CommandResult:
        if command[0] == "stat":
            return CommandResult(0 if command[-1] in files else 1, str(len(files.get(command[-1], b""))), 0.0)
        text = files[MODULE].decode()
        if JOB in command:
            return self._screening(files, command[-1])
        if any(word.startswith("--repoagent-report=") for word in command):
            return self._pytest(command, text, files)
        if command[0] == "sh":  # a test command of the user's: one outcome, by its exit code
            return CommandResult(0 if all(passes(text) for passes in self.tests.values()) else 1, "", 0.1)
        if "settrace" in command[-1]:
            files[EXECUTED] = json.dumps({path: list(lines) for path, lines in self.executed.items()}).encode()
            return CommandResult(0, "", 0.1)
        if command[-1].endswith(".json"):  # candidates are compared, which only a real interpreter can do
            return CommandResult(1, "", 0.1)
        return self._script(command[-1], text)

    def _pytest(self, command: Sequence[str], text: str, files: MutableMapping[str, bytes]) -> CommandResult:
        asked = command[command.index("--") + 1 :]
        known = {**self.tests, **{name: how for name, how in self.added.items() if _is_there(name, files)}}
        chosen = [name for name in known if not asked or {name, name.partition("::")[0]} & set(asked)]
        if self.hangs in asked:
            return CommandResult(137, "", 60.0, timed_out=True)
        if self.spoils in asked:
            return CommandResult(1, "ImproperlyConfigured", 0.1)
        failed = [name for name in chosen if not known[name](text)]
        path = next(word.partition("=")[2] for word in command if word.startswith("--repoagent-report="))
        files[path] = _lines(chosen, failed, self.lasting).encode()
        if command[1] == "-c":
            files[command[3]] = _noted({name: self.calls.get(name, ()) for name in chosen}).encode()
        return CommandResult(1 if failed else 0, "", self.seconds + self.each * len(asked))

    def _screening(self, files: MutableMapping[str, bytes], answer: str) -> CommandResult:
        if self.noticed is None:
            return CommandResult(1, "", 0.1)
        shown = [_example("'1000B'")] * self.noticed + [_example("'1K'")] * 99
        results = [
            {"code": 0, "output": each} for each, _ in zip(shown, json.loads(files[JOB])["variants"], strict=False)
        ]
        files[answer] = json.dumps({"results": results, "proven": len(results), "ended": "done"}).encode()
        return CommandResult(0, "", 0.1)

    def _script(self, script: str, text: str) -> CommandResult:
        if text != SOURCE and self.deaths:
            self.deaths -= 1
            raise SandboxFailed("the container is gone")
        step = re.findall(r"_repoagent_step\((\d+)\)", script)[-1]
        begin = f"{BEGIN}\n=== repoagent: step {step} ===\n"
        if "size.value" in text:
            error = "AttributeError: 'int' object has no attribute 'value'"
            return CommandResult(
                1, f"{begin}\n=== repoagent: raised AttributeError below ===\nTraceback\n{error}\n", 0.1
            )
        shown = "'1K'" if any(mark in text for mark in self.right) else "'1000B'"
        return CommandResult(0, f"{begin}{shown}\n\n{END}\n", 0.1)


@dataclass
class Pen:
    """Plays the model: answers by what is asked, each list from its beginning; at its end it repeats the code shown."""

    spec: ScriptedReply = SPEC
    rewrites: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By the function that is to be rewritten."""
    retries: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._left = {name: fenced(*answers) for name, answers in self.rewrites.items()}
        self._retries = fenced(*self.retries)

    def __call__(self, prompt: str) -> ScriptedReply:
        if prompt.startswith("Read this bug report"):
            return self.spec
        if "Your corrected function does not work yet" in prompt:
            return self._retries.pop(0)
        name = re.findall(r"complete corrected function `(\w+)`", prompt)[-1]
        left = self._left.get(name, [])
        return left.pop(0) if left else fenced({"natural": NATURAL, "padded": PADDED}[name])[0]


@dataclass
class Bench:
    """One session of the graph, which can be driven again after it stopped."""

    folder: Path
    model: ScriptedModel
    engine: Engine
    session: Session
    options: RunChoices
    budget: Budget

    def run(self, approve: Callable[[ReviewPause], None] | None = None) -> Result:
        """Drive the graph to its end."""
        with self.session.lock():
            run_graph(self.services(), approve or _go_on)
        return load(Result, self.session.read("report.json"))

    def services(self) -> Services:
        """What the nodes are given."""
        trace = Trace(self.folder / "events.jsonl")
        workspace = Workspace.open(self.session.path / "workspace")
        index = Index.build(workspace.root, locate_cache())
        started = time.monotonic()
        return Services(
            model=BudgetedModel(self.model, self.budget, trace),
            engine=self.engine,
            workspace=workspace,
            index=lambda: index,
            session=self.session,
            trace=trace,
            budget=self.budget,
            elapsed=lambda: time.monotonic() - started,
            options=self.options,
            limits=SandboxLimits(),
        )

    @property
    def events(self) -> list[Event]:
        return read_events(self.folder / "events.jsonl")

    def told(self, kind: str) -> list[dict[str, object]]:
        """What the events of a kind say."""
        return [dict(event.data) for event in self.events if event.kind == kind]

    def prompts(self, mark: str) -> list[str]:
        """The prompts that contain `mark`."""
        return [call.prompt for call in self.model.calls if mark in call.prompt]


MakeBench = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeBench:
    """Makes a bench: what the model says, how the sandbox behaves, what the issue says, what is allowed."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))

    def make(
        *natural: str,
        pen: Callable[[str], ScriptedReply] | None = None,
        world: World | None = None,
        body: str = EXAMPLE,
        budget: Budget | None = None,
        broken: Exception | None = None,
        functions: int = 1,
        retries: int = 0,
        replaces: int = 0,
        samples: int | None = None,
        ask: bool = False,
        extra: Mapping[str, str] | None = None,
        scores: Callable[[str], float] | None = None,
        infills: Callable[[str], str] | None = None,
    ) -> Bench:
        issue = Issue(TITLE, body)
        session = Session.create(tmp_path / "sessions", title=issue.title)
        session.write("issue.json", dump(issue))
        session.write("notices.txt", "")
        repository = make_repository(tmp_path / "user", extra or {})
        Workspace.create(resolve_source(str(repository), None, None, tmp_path / "clones"), session.path / "workspace")
        profile = replace(
            find_profile("anything"),
            rewrites=len(natural) or 1,
            infills=12 if infills else 0,
            mutants=0,
            replaces=replaces,
            functions=functions,
            retries=retries,
        )
        script = pen or Pen(rewrites={"natural": natural})
        return Bench(
            folder=tmp_path,
            model=ScriptedModel(script, infills or (), scores, profile=profile),
            engine=FakeEngine(world or World(), broken),
            session=session,
            options=RunChoices(samples=samples, ask=ask),
            budget=budget or Budget(),
        )

    return make


def make_repository(folder: Path, extra: Mapping[str, str]) -> Path:
    """The small project, committed."""
    files = {
        "lengths/__init__.py": "",
        MODULE: SOURCE,
        "tests/test_convert.py": "from lengths.convert import natural\n",
        **extra,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for command in ("init --quiet", "add --all", "-c user.name=A -c user.email=a@b.c commit --quiet -m start"):
        subprocess.run(("git", *command.split()), cwd=folder, check=True)
    return folder


def _example(shown: str) -> str:
    return f"{BEGIN}\n=== repoagent: step 2 ===\n{shown}\n\n{END}\n"


def _is_there(test: str, files: Mapping[str, bytes]) -> bool:
    path, _, name = test.rpartition("::")
    return f"def {name}(" in files.get(path, b"").decode()


def _noted(calls: Mapping[str, Sequence[int]]) -> str:
    """What is written of the functions that tests call."""
    lines = sorted({line for called in calls.values() for line in called})
    rows: list[dict[str, object]] = [{"function": [MODULE, line]} for line in lines]
    rows += [{"test": name, "calls": [lines.index(line) for line in called]} for name, called in calls.items()]
    return "\n".join(json.dumps(row) for row in (*rows, {"end": 0}))


def _lines(chosen: Sequence[str], failed: Sequence[str], seconds: float) -> str:
    events: list[dict[str, object]] = [
        {"id": test, "when": "call", "outcome": "failed", "message": "E   assert False", "seconds": seconds}
        if test in failed
        else {"id": test, "when": "call", "outcome": "passed", "seconds": seconds}
        for test in chosen
    ]
    return "\n".join(json.dumps(event) for event in [*events, {"end": 1 if failed else 0}])


def _go_on(_pause: ReviewPause) -> None:
    pass
