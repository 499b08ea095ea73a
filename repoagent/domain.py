"""The values that travel between the parts: all frozen, all plain data, none of them alive.

Each can be written as JSON and read back with `dump` and `load`, so that state survives a crash and a session directory
can be read by anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


# --- what is asked --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comment:
    """One comment under an issue."""

    author: str
    body: str
    association: str = ""
    """How the author stands to the repository, as GitHub says it: `OWNER`, `MEMBER`, `CONTRIBUTOR`, `NONE`, …"""


LinkKind = Literal["issue", "pull", "file", "image", "page"]


@dataclass(frozen=True)
class Link:
    """Something that an issue points to. It is listed for people and never fetched."""

    kind: LinkKind
    target: str
    """`owner/name#7` for issues and pull requests, a path for files, else a URL."""
    start: int = 0
    """First line of a file that is meant, 0 where none is named."""
    end: int = 0
    """Last line, inclusive."""


@dataclass(frozen=True)
class Issue:
    """What somebody reported, as text; hostile until proven otherwise."""

    title: str
    body: str
    comments: tuple[Comment, ...] = ()
    url: str = ""
    """Where it was read, empty for a file or standard input."""
    author: str = ""
    association: str = ""
    """The author's, as of a comment."""
    links: tuple[Link, ...] = ()

    @property
    def text(self) -> str:
        """Title, body and comments as one Markdown text."""
        parts = [f"# {self.title}", self.body, *(f"{c.author}:\n{c.body}" for c in self.comments)]
        return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


@dataclass(frozen=True)
class Spec:
    """How the software behaves now, and how it shall behave: bullets about behaviour, not about code."""

    current: tuple[str, ...]
    proposed: tuple[str, ...]


# --- where, and what to do there ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Location:
    """A function, method, class or module that may have to change."""

    path: str
    """Relative to the repository, with forward slashes."""
    symbol: str
    """Qualified name inside the file, `Class.method`; empty for the module itself."""
    start: int
    """First line, counted from 1, decorators included."""
    end: int
    """Last line, inclusive."""
    score: float = 0.0
    """Higher is more suspicious; comparable within one localisation only."""
    reasons: tuple[str, ...] = ()
    """Why it is here, one phrase each, for a person."""
    lines: tuple[int, ...] = ()
    """The most suspicious lines inside it, best first; empty when nothing is known."""

    def __str__(self) -> str:
        return f"{self.path}:{self.start} {self.symbol}".rstrip()


Operation = Literal["edit"]
"""What a plan can do to a file: so far, change functions in it."""


@dataclass(frozen=True)
class PlannedFile:
    """What shall happen to one file."""

    path: str
    operation: Operation
    symbols: tuple[str, ...]
    """Qualified names to work on, most promising first."""
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Files, what to do to them, and the commands that judge the result. Editable by a person."""

    files: tuple[PlannedFile, ...]
    commands: tuple[str, ...] = ()
    """Shell commands that run the project's tests."""

    def list_symbols(self) -> list[tuple[str, str]]:
        """The path and the symbol of all that is to be worked on, in order."""
        return [(file.path, symbol) for file in self.files for symbol in file.symbols]


# --- a change -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Edit:
    """The whole text of one file before and after; None where the file does not exist."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Patch:
    """A change as `git diff` writes it, so that `git apply` takes it."""

    text: str
    files: tuple[str, ...]

    @property
    def changed_lines(self) -> int:
        """Lines added plus lines removed."""
        return sum(line[:1] in "+-" and not line.startswith(("+++", "---")) for line in self.text.split("\n") if line)


# --- what the tests said --------------------------------------------------------------------------------------------


class Status(StrEnum):
    """How one test ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """How one test ended, and why."""

    id: str
    """As the runner names it, so that it can be run alone: `tests/test_x.py::TestY::test_z`."""
    status: Status
    seconds: float = 0.0
    message: str = ""
    """Exception and assertion text of a test that did not pass."""
    locals: tuple[str, ...] = ()
    """`name = value` of the local variables where it failed: in the deepest frame inside the repository."""
    timed_out: bool = False
    """Whether it was ended because a single test may take no longer, while the others were still run."""


class Ending(StrEnum):
    """How a whole test run ended; only COMPLETED says anything about the tests."""

    COMPLETED = "completed"
    TIMED_OUT = "timed out"
    CRASHED = "crashed"
    NOT_COLLECTED = "nothing collected"
    """No test ran: a collection error, or nothing to collect. Never success."""
    NOT_BUILT = "not built"
    """No test ran, because the code does not compile."""


@dataclass(frozen=True)
class Report:
    """One run of a project's tests."""

    ending: Ending
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = 0.0
    command: str = ""
    log: str = ""
    """The end of what the runner printed, for a person."""

    def ids(self, *statuses: Status) -> frozenset[str]:
        """The tests that ended in one of `statuses`."""
        return frozenset(o.id for o in self.outcomes if o.status in statuses)

    @property
    def passed(self) -> frozenset[str]:
        return self.ids(Status.PASSED)

    @property
    def failed(self) -> frozenset[str]:
        """Failed or ended in an error."""
        return self.ids(Status.FAILED, Status.ERROR)


class Strength(StrEnum):
    """How much an oracle proves, strongest first."""

    STRONG = "strong"
    """The expected result is known and compared."""
    CRASH = "crash"
    """The reported exception must be gone."""
    WEAK = "weak"
    """The reported wrong result must be gone; what is right instead is not known. Ranks, never rejects."""
    NONE = "none"


@dataclass(frozen=True)
class Oracle:
    """A script that shows the reported behaviour on the untouched code, and how to read its output afterwards."""

    strength: Strength
    script: str = ""
    """Python, run with the repository as working directory."""
    observed: str = ""
    """Its output on the untouched code."""
    expected: str = ""
    """For STRONG with a known value: its output after a right fix; empty when exit code 0 alone is expected."""
    exception: str = ""
    """For CRASH: the class name of the exception that must be gone; for STRONG: of the one that is expected."""
    source: str = ""
    """Where it came from, for a person: 'second code block of the issue'."""
    preamble: str = ""
    """The code that runs before the steps: imports and definitions."""
    steps: tuple[str, ...] = ()
    """The statements that the script runs and whose output it tells apart, as they were written; none where the script
    is of another kind."""
    seconds: float = 30.0
    """That a run on changed code may take, by how long one took on the untouched code."""


Answer = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What was found out about one candidate."""

    gate: tuple[str, ...] = ()
    """Why it may not even be tested; empty when it may."""
    oracle: Answer = "unknown"
    fixed: tuple[str, ...] = ()
    """Tests that failed before and pass now."""
    broken: tuple[str, ...] = ()
    """Tests that passed before and do not pass now."""
    passed: int = 0
    """Tests that pass."""
    ending: Ending = Ending.COMPLETED
    failure: str = ""
    """The distilled failure, at most some 300 tokens, for a model."""

    @property
    def harmless(self) -> bool:
        """Whether it passed the gate, and every test that passed before passes still."""
        return not self.gate and not self.broken and self.ending is Ending.COMPLETED


@dataclass(frozen=True)
class CandidateScores:
    """What speaks for or against a candidate beside the runs that judge it."""

    overfitting: str = ""
    """Why it may fit the example alone, as a sentence; empty where nothing says so."""
    log_likelihood_ratio: float | None = None
    """The natural logarithm of how many times likelier the model finds the code with it than without; None where that
    is not known."""


FROM_ISSUE = "issue"
"""The generator of candidates that the issue itself proposes."""
MINIMISED = "minimised"
"""What a candidate has for a generator that nobody drew: a drawn one with less in it."""


@dataclass(frozen=True)
class WorkKey:
    """Equal for equal pieces of work: what was done is remembered by it."""

    generator: str
    path: str
    symbol: str
    parents: tuple[str, ...] = ()
    """The candidates that it starts from, by id."""
    round: int = 0

    def __str__(self) -> str:
        """For events and people."""
        parts = (self.generator, f"{self.path}::{self.symbol}", "+".join(self.parents), str(self.round or ""))
        return ":".join(filter(None, parts))


@dataclass(frozen=True)
class Attempt:
    """A candidate that failed, as the model that wrote it is shown it again."""

    answer: str
    """What the model wrote."""
    failure: str
    """What came of it, distilled."""


@dataclass(frozen=True)
class WorkItem:
    """One piece of drafting: which generator works on which function, and how much it may try."""

    generator: str
    target: Location
    samples: int
    round: int = 0
    """How often the same was tried before."""
    previous: Attempt | None = None
    """For a second attempt: the first one."""
    parents: tuple[str, ...] = ()
    """The candidates that it starts from, by id: the one that failed, or the two that are combined."""
    bases: tuple[Patch, ...] = ()
    """The patches of those that are changed further, where it is not the untouched code."""
    others: tuple[Location, ...] = ()
    """Further places that the generator may change together with the target."""

    @property
    def key(self) -> WorkKey:
        return WorkKey(self.generator, self.target.path, self.target.symbol, self.parents, self.round)


@dataclass(frozen=True)
class CompletedWork:
    """A piece of work that was done, and what came of it."""

    key: WorkKey
    candidates: tuple[str, ...] = ()
    """By id, those that it was among the ones to draw; empty where all of its answers were refused."""


@dataclass(frozen=True)
class Origin:
    """Who drew a candidate: one sample of one generator."""

    generator: str
    """`rewrite`, `infill`, `mutation`, …; FROM_ISSUE for what the issue itself proposes."""
    sample: int = 0
    """Which of the samples of its piece of work, counted from 0."""
    work: WorkKey | None = None
    """The piece of work; a sample that comes twice, after a crash, counts once."""


@dataclass(frozen=True)
class Candidate:
    """A patch, where it came from, and what the tests said about it."""

    id: str
    """Equal for patches that mean the same: a hash of the normalised syntax trees of the files they leave."""
    generator: str
    """Who was first to draw it, or MINIMISED."""
    target: Location
    patch: Patch
    origins: tuple[Origin, ...] = ()
    """The samples that produced it."""
    answer: str = ""
    """What the model wrote for it first."""
    parents: tuple[str, ...] = ()
    """The candidates it was made from, by id: the one whose failure it answers, both that it combines, or the larger
    one; empty for a first attempt."""
    verdict: Verdict | None = None
    pattern_prior: float = 0.0
    """How likely it is the right one among the mutants of its function, before any run; 0 for what is no mutant."""
    behavioural_agreement: float = 0.0
    """The share of all candidates' votes that does the same on inputs like those of the evidence; 0 where candidates
    were not compared."""
    scores: CandidateScores | None = None
    """None until it is asked for, which is done for the best only."""

    @property
    def votes(self) -> int:
        """How many samples agree on it."""
        return len(self.origins)


# --- what it cost ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Usage:
    """What the model was asked for."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens that the server had already read; part of `prompt_tokens`."""
    completion_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
        )

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class MutationScore:
    """How much of the patched function the reproduction looks at."""

    killed: int = 0
    """Mutants of the patched function with which the reproduction fails, in number."""
    total: int = 0
    """Those that were tried; 0 where none could be."""

    @property
    def is_vacuous(self) -> bool:
        """Whether enough mutants were tried, and the reproduction notices none."""
        return self.killed == 0 and self.total >= _MIN_MUTANTS


_MIN_MUTANTS = 6
"""With fewer mutants that all go unnoticed, they may all be equal to what they are mutants of."""


@dataclass(frozen=True)
class Regression:
    """The reproduction as a test of the project's own, or why there is none."""

    patch: Patch = field(default_factory=lambda: Patch("", ()))
    """Adds the test and changes nothing; empty without one. Applies to the base, with the fix or without it."""
    test: str = ""
    """As the runner names it."""
    reason: str = ""
    """Why there is none; empty where there is one, or nothing was tried."""


class Confidence(StrEnum):
    """How far the result may be believed, from what was run and how many samples agreed."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class FactCode(StrEnum):
    """What a sentence of a result says, for programs: sentences are for people and may be worded anew."""

    # verified
    EXCEPTION_GONE = "exception gone"
    """The reproduction raised before the patch and does not any more."""
    REPRODUCTION_PASSES = "reproduction passes"
    """It showed the reported behaviour before the patch, and with it what is expected."""
    REGRESSION_TEST_PASSES = "regression test passes"
    TESTS_FIXED = "tests fixed"
    NOTHING_BROKEN = "nothing broken"
    # unverified
    NO_PATCH = "no patch"
    NOT_REPRODUCED = "not reproduced"
    """Nothing in the issue could be run to show the problem."""
    NOT_RUN = "not run"
    REPRODUCTION_FAILS = "reproduction fails"
    REPRODUCTION_UNKNOWN = "reproduction unknown"
    """It could not be run with the patch."""
    GENERATED_UNCHECKED = "generated reproduction unchecked"
    """A script that the model wrote passes; whether it demands the right thing is not known."""
    EXPECTED_UNKNOWN = "expected unknown"
    """The behaviour changed; what is right instead is not known."""
    RESULT_UNKNOWN = "result unknown"
    """The exception is gone; what is right instead is not known."""
    REPRODUCTION_VACUOUS = "reproduction vacuous"
    """It notices none of the mutants of the patched function."""
    OVERFITTING_SUSPECTED = "overfitting suspected"
    TESTS_BROKEN = "tests broken"
    TESTS_TIMED_OUT = "tests timed out"
    TESTS_CRASHED = "tests crashed"
    TESTS_NOT_COLLECTED = "tests not collected"
    NOT_COMPILED = "not compiled"
    NO_TESTS_RUN = "no tests run"
    NEAREST_TESTS_ONLY = "nearest tests only"
    STOPPED_EARLY = "stopped early"
    """The run ended before the patch was checked a last time."""
    # notes
    FROM_ISSUE = "from issue"
    """The patch follows what the issue itself proposes."""
    NO_REGRESSION_TEST = "no regression test"
    BUDGET_SPENT = "budget spent"
    OTHER = "other"
    """Said by a step of the run; no program depends on it."""


@dataclass(frozen=True)
class Fact:
    """One thing that is known, or not known, of a result."""

    code: FactCode
    sentence: str
    """The same for a person."""


@dataclass(frozen=True)
class Result:
    """How a run ended, for a person, a script and the exit code."""

    session: str
    outcome: Literal["verified", "unverified", "none", "budget"]
    confidence: Confidence | None
    summary: str
    verified: tuple[str, ...]
    """What was checked, and how, one sentence each."""
    unverified: tuple[str, ...]
    """What was not."""
    patch: str
    usage: Usage
    seconds: float
    model: str
    sandbox: str
    candidates: int
    distinct: int
    chosen: str = ""
    passed: int = 0
    """Tests of the project that pass with the patch, of a run of them that came to its end."""
    broken: int = 0
    """Tests that passed before and do not pass with the patch."""
    notes: tuple[str, ...] = ()
    test_patch: str = ""
    """Adds a regression test, in a file that `patch` does not touch; empty where none was seen to fail before and to
    pass after."""
    spec: Spec = field(default_factory=lambda: Spec((), ()))
    codes: tuple[FactCode, ...] = ()
    """What the sentences of `verified`, `unverified` and `notes` say, one for each, in that order; none in reports that
    were written before there were codes."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The sentences with their codes."""
        sentences = (*self.verified, *self.unverified, *self.notes)
        return tuple(Fact(code, sentence) for code, sentence in zip(self.codes, sentences, strict=bool(self.codes)))


# --- as JSON --------------------------------------------------------------------------------------------------------


def dump(value: object) -> str:
    """`value`, one of the above, as indented JSON."""
    return _adapter(type(value)).dump_json(value, indent=2).decode() + "\n"


def load(kind: type[T], text: str | bytes) -> T:
    """The value of class `kind` that `dump` wrote; raises `pydantic.ValidationError` for anything else."""
    return _adapter(kind).validate_json(text)


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    made: TypeAdapter[T] = _ADAPTERS[kind]
    return made


_ADAPTERS: dict[object, TypeAdapter[Any]] = {}
"""Made once: making one takes milliseconds."""
