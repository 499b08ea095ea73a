"""What a generator is, what it is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from typing import Protocol

from repoagent.domain import Attempt, Edit, Issue, Location, Spec, WorkItem
from repoagent.edits import EditRefused
from repoagent.edits.encoding import make_readable
from repoagent.errors import BudgetExceeded, ContextFull, ModelFailed
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.workbench import Workbench
from repoagent.generators.excerpts import FileExcerpts
from repoagent.generators.surroundings import describe_surroundings
from repoagent.index.build import Index
from repoagent.languages import Capability, Language, fingerprint, language_of
from repoagent.languages.base import DefinitionKind
from repoagent.llm.base import Completion, Model
from repoagent.llm.parallel import CompletionResult, complete_all
from repoagent.search_options import DEFAULT_OPTIONS, SearchOptions


@dataclass(frozen=True)
class DraftTask:
    """One function or class to correct, and what is known about it."""

    issue: Issue
    spec: Spec
    target: Location
    source: str
    """The text of the whole file."""
    context: str
    """Signatures of what stands around the function and of what it calls."""
    observed_failure: str
    """What the reproduction shows on the untouched code; empty without one."""
    seed: int
    samples: int
    """How many answers to draw at most; a plan may ask for fewer than the model's profile."""
    round: int = 0
    """How often the same generator has worked on the function before."""
    previous: Attempt | None = None
    """The attempt that failed, for a second one."""
    files: tuple[FileExcerpts, ...] = ()
    """For a generator that may change several files: what it is shown of each."""
    listed: frozenset[str] = frozenset()
    """All files of the repository, for the same."""

    @cached_property
    def language(self) -> Language:
        """The language of the file; raises EditRefused where that is not known."""
        language = language_of(self.target.path, self.source)
        if language is None:
            raise EditRefused(f"the language of {self.target.path} is not known")
        return language

    @property
    def body(self) -> str:
        """The text of the definition without its docstring: what a model does not write it cannot spoil, or take time
        for. Raises EditRefused when the file does not parse or lacks the function."""
        return self._parts[0]

    @property
    def documentation(self) -> str:
        """The docstring's text; empty without one."""
        return self._parts[1]

    @cached_property
    def _parts(self) -> tuple[str, str]:
        return self.language.split_documentation(make_readable(self.source), self.target.symbol, self.target.start)

    @property
    def kind(self) -> DefinitionKind:
        """What is to be corrected. Raises EditRefused as `body` does."""
        return self.language.find_definition(make_readable(self.source), self.target.symbol, self.target.start).kind

    @property
    def name(self) -> str:
        """Its own name, without the class around it."""
        return self.target.symbol.rpartition(".")[2]


@dataclass(frozen=True)
class Draft:
    """One candidate edit, and what the model wrote for it."""

    edits: tuple[Edit, ...]
    answer: str
    pattern_prior: float = 0.0
    """Of being right, among the mutants of one function; 0 where it is not known."""


@dataclass(frozen=True)
class Proposals:
    """All that one round of one generator brought."""

    drafts: tuple[Draft, ...] = ()
    refused: tuple[str, ...] = ()
    """Why other answers could not become an edit, one line each."""

    def __add__(self, other: Proposals) -> Proposals:
        return Proposals(self.drafts + other.drafts, self.refused + other.refused)


@dataclass(frozen=True)
class GeneratorContext:
    """What every generator may use. Nothing in it is a verdict: that comes from runs, later."""

    issue: Issue
    spec: Spec
    model: Model
    index: Index
    workbench: Workbench
    evaluation: EvaluationContext | None = None
    """What candidates are judged by; None where nothing can be run."""
    observed_failure: str = ""
    """What running the untouched code shows of the problem; empty where nothing does."""
    suspects: Sequence[Location] = ()
    """All that may have to change, the most suspicious first."""
    options: SearchOptions = DEFAULT_OPTIONS
    seed: int = 0
    """Of this piece of work."""
    mutation_seconds: float = 60.0
    """Seconds that the mutation of one function may take."""


class Scope(StrEnum):
    """What one piece of work of a generator is about."""

    FUNCTION = "function"
    """One function or class of the plan."""
    PLAN = "plan"
    """All that is planned, at once."""
    ISSUE = "issue"
    """What the issue itself says; done once."""
    CANDIDATES = "candidates"
    """Candidates that there are, to be put together."""
    FAILURE = "failure"
    """One candidate that failed."""


@dataclass(frozen=True)
class Traits:
    """What a generator is good for, as the search policy sees it."""

    scope: Scope
    needs: frozenset[Capability] = frozenset()
    """What the language of a target must be capable of."""
    needs_runs: bool = False
    """Whether only a run can choose among what it proposes."""
    repeats: bool = True
    """Whether another round brings other candidates."""
    retries: str = ""
    """For FAILURE: the generator whose candidates it is shown."""
    votes_without_runs: bool = False
    """Whether it is worth another round, for the number of its equal answers, where no run can tell."""
    starts_from_failures: bool = False
    """Whether it also works on what failed, where that is nearly right."""


class Generator(Protocol):
    """One way to propose candidates."""

    @property
    def name(self) -> str:
        """As it stands in reports and profiles."""

    @property
    def traits(self) -> Traits:
        """What it is good for."""

    def sample_count(self, model: Model) -> int:
        """How many answers the profile of `model` gives this generator for one piece of work; 0 switches it off."""

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:
        """Propose edits. Stops early, with what it has, when the budget is spent; raises BudgetExceeded without any,
        ModelFailed where no question was answered, SandboxFailed where one that it opened broke."""


def make_task(item: WorkItem, context: GeneratorContext) -> DraftTask:
    """What a prompt for `item` is written from."""
    target = item.target
    return DraftTask(
        issue=context.issue,
        spec=context.spec,
        target=target,
        source=context.workbench.workspace.read(target.path),
        context=describe_surroundings(context.index, target),
        observed_failure=context.observed_failure,
        seed=context.seed,
        samples=item.samples,
        round=item.round,
        previous=item.previous,
    )


def prompt_token_budget(model: Model, answer: int) -> int:
    """Tokens that a prompt may have beside an answer of so many: the profile's budget, within what the server gives."""
    return min(model.profile.prompt_budget, model.get_context_size() - answer - _TEMPLATE)


_TEMPLATE = 64
"""Tokens that a server may add around a prompt."""


def ask_for_texts(
    task: DraftTask, attempts: Sequence[Callable[[], Completion]], edit: Callable[[int, Completion], str]
) -> Proposals:
    """Ask all `attempts`, and turn each answer into the new text of the task's file by `edit(index, answer)`.

    As `collect_edits`, otherwise.
    """
    path, source = task.target.path, task.source
    return ask_for_edits(attempts, lambda index, answer: (Edit(path, source, edit(index, answer)),))


def ask_for_edits(
    attempts: Sequence[Callable[[], Completion]], edit: Callable[[int, Completion], tuple[Edit, ...]]
) -> Proposals:
    """Ask all `attempts`, some at a time, and turn each answer into edits by `edit(index, answer)`.

    What fails is refused, as long as others answer, or it was only too long. Raises BudgetExceeded or ModelFailed
    without any answer.
    """
    asked = complete_all(attempts)
    _raise_without_answer(asked)
    result = Proposals()
    for index, answer in enumerate(asked):
        if isinstance(answer, Completion):
            result += _read_draft(answer, partial(edit, index))
        elif isinstance(answer, ModelFailed):
            result += Proposals(refused=(str(answer),))
    return result


def _raise_without_answer(asked: Sequence[CompletionResult]) -> None:
    failures = [answer for answer in asked if not isinstance(answer, Completion)]
    grave = [failure for failure in failures if not isinstance(failure, ContextFull)]
    if grave and len(failures) == len(asked):
        raise next((failure for failure in grave if isinstance(failure, BudgetExceeded)), grave[0])


def _is_change(edit: Edit) -> bool:
    return fingerprint(edit.path, edit.after or "") != fingerprint(edit.path, edit.before or "")


def _read_draft(answer: Completion, edit: Callable[[Completion], tuple[Edit, ...]]) -> Proposals:
    try:
        edits = edit(answer)
        if not any(map(_is_change, edits)):
            raise EditRefused("the answer changes nothing")
    except EditRefused as refusal:
        suffix = " (cut off at the token limit)" if answer.truncated else ""
        return Proposals(refused=(f"{refusal}{suffix}",))
    except RecursionError:
        return Proposals(refused=("the function is nested too deeply",))
    return Proposals(drafts=(Draft(edits, answer.text),))
