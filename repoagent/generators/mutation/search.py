"""Mutate a function and keep the mutants that do what is asked: hundreds are tried in one sandbox, few are believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from repoagent.domain import Answer, Edit, Oracle
from repoagent.edits import EditRefused
from repoagent.evidence.behaviour import measure_behavioural_agreement
from repoagent.evidence.reproduction.oracle import judge, measure_progress
from repoagent.evidence.screening import (
    ScreeningOracle,
    ScreeningResult,
    Variant,
    VariedFunction,
    observe_behaviour,
    screen,
)
from repoagent.generators.base import Draft, DraftTask, Proposals
from repoagent.generators.mutation.mutants import Mutant, generate_mutants
from repoagent.sandbox.base import CommandResult, Sandbox
from repoagent.search_options import DEFAULT_OPTIONS, SearchOptions

OpenWithEdits = Callable[[Sequence[Edit]], AbstractContextManager[Sandbox]]
"""A fresh sandbox with edits made."""


@dataclass(frozen=True)
class MutationSearch:
    """How mutants are made and screened."""

    oracle: ScreeningOracle
    open_sandbox: OpenWithEdits
    seconds: float
    """For all that is done to one function."""
    base_edits: tuple[Edit, ...] = ()
    """The candidate that is mutated, where it is not the untouched code."""
    options: SearchOptions = DEFAULT_OPTIONS
    log: list[str] = field(default_factory=list)
    """What was done, a line each."""

    def __call__(self, task: DraftTask) -> Proposals:
        """The mutants that do all that is asked, the likeliest first; where there are none, mutants of those that do
        a part of it."""
        deadline = time.monotonic() + self.seconds
        source = next((edit.after or "" for edit in self.base_edits if edit.path == task.target.path), task.source)
        try:
            first = self._screen_mutants(task, source, self.seconds * 0.6)
        except (EditRefused, RecursionError) as refusal:
            return Proposals(refused=(str(refusal) or "the function is nested too deeply",))
        good = [each for each in first if each.screened.passed]
        for parent in () if good else _select_parents(first, self.options):
            good += self._mutate_again(task, parent, deadline)
        chosen = self._sort_by_agreement(task, good)[: self.options.survivors] or _select_partial(first, self.options)
        return Proposals(tuple(self._make_draft(task, *each) for each in chosen))

    def _sort_by_agreement(
        self, task: DraftTask, good: Sequence[_ScreenedMutant]
    ) -> Sequence[tuple[_ScreenedMutant, float]]:
        """The mutants with their parts of all likelihood; first those that behave as the greatest share of it does."""
        likely = _sort_by_prior(good)[: self.options.compared_mutants]
        total = sum(each.mutant.pattern_prior for each in likely)
        if len(likely) < 2:
            return [(each, 1.0) for each in likely]
        place = VariedFunction(task.target.path, task.source, task.target.symbol)
        whole = [Variant(((0, len(task.source), each.text),)) for each in likely]
        outputs = observe_behaviour(
            whole, place, self.oracle, lambda: self.open_sandbox(self.base_edits), self.options.compare_mutants_seconds
        )
        shares = measure_behavioural_agreement(outputs, [each.mutant.pattern_prior for each in likely])
        self.log.append(f"{len(likely)} compared, which do {len(set(outputs))} different things")
        ordered = sorted(zip(likely, shares, strict=True), key=lambda pair: -pair[1])
        return [(each, each.mutant.pattern_prior / total) for each, _ in ordered]

    def _mutate_again(self, task: DraftTask, parent: _ScreenedMutant, deadline: float) -> Iterator[_ScreenedMutant]:
        """Those of a mutant's own mutants that do all that is asked, less likely by what the mutant itself is."""
        left = deadline - time.monotonic()
        if left <= 0:
            return
        smaller = replace(task, samples=max(task.samples // 4, 200))
        try:
            found = self._screen_mutants(smaller, parent.text, left / 2, parent.mutant.pattern_prior)
        except EditRefused:
            return
        yield from (each for each in found if each.screened.passed)

    def _screen_mutants(
        self, task: DraftTask, text: str, seconds: float, factor: float = 1.0
    ) -> Sequence[_ScreenedMutant]:
        """All mutants of the function in `text`, and what came of them; the first is no mutant at all."""
        found = (_NO_MUTANT, *propose_mutants(replace(task, source=text)))
        variants = [Variant(tuple((c.start, c.end, c.text) for c in mutant.changes)) for mutant in found]
        place = VariedFunction(task.target.path, text, task.target.symbol)
        edits = (*(e for e in self.base_edits if e.path != place.path), Edit(place.path, task.source, text))
        screened = screen(
            variants,
            place,
            self.oracle,
            _judge_run,
            lambda: self.open_sandbox(edits),
            seconds,
            self.options.enough_mutants,
        )
        self.log.append(f"{len(found) - 1} mutants, of which {sum(s.passed for s in screened)} do what is asked")
        if self.oracle.is_judged_by_script and not screened[0].behaviour:
            self.log.append("nothing was heard of the untouched code: the screening itself does not work here")
        rows = zip(found, screened, strict=True)
        return [_ScreenedMutant(replace(m, pattern_prior=m.pattern_prior * factor), m.apply(text), s) for m, s in rows]

    def _make_draft(self, task: DraftTask, tried: _ScreenedMutant, share: float) -> Draft:
        others = tuple(edit for edit in self.base_edits if edit.path != task.target.path)
        edit = Edit(task.target.path, task.source, tried.text)
        return Draft((*others, edit), tried.mutant.pattern, share)


@dataclass(frozen=True)
class _ScreenedMutant:
    mutant: Mutant
    text: str
    screened: ScreeningResult


_NO_MUTANT = Mutant("", (), 0, 0.0)


def _judge_run(oracle: Oracle, finished: CommandResult) -> tuple[Answer, float]:
    return judge(oracle, finished), measure_progress(oracle, finished)


def _sort_by_prior(tried: Sequence[_ScreenedMutant]) -> Sequence[_ScreenedMutant]:
    return sorted((each for each in tried if each.mutant.changes), key=lambda each: -each.mutant.pattern_prior)


def _select_partial(
    tried: Sequence[_ScreenedMutant], options: SearchOptions
) -> Sequence[tuple[_ScreenedMutant, float]]:
    """Where nothing does all that is asked, which may be a contradiction: what does most of it, more than by chance."""
    best = [each for each in _select_parents(tried, options) if each.screened.progress >= options.partial_progress]
    return [(each, each.screened.progress / 2) for each in best[: options.partial_mutants]]


def _select_parents(tried: Sequence[_ScreenedMutant], options: SearchOptions) -> Sequence[_ScreenedMutant]:
    """The mutants that do more than the untouched code, those that do most first, one of each behaviour."""
    least = tried[0].screened.progress
    better = sorted(
        (t for t in tried[1:] if t.screened.progress > least),
        key=lambda t: (-t.screened.progress, -t.mutant.pattern_prior),
    )
    return list({each.screened.behaviour: each for each in reversed(better)}.values())[::-1][: options.mutated_again]


def propose_mutants(task: DraftTask) -> tuple[Mutant, ...]:
    """As many as the task asks for, the likeliest first; raises EditRefused where there is no such function."""
    words = "\n".join((task.issue.text[:_MAX_WORDS], *task.spec.proposed, task.documentation))
    return generate_mutants(task.source, task.target, words, task.samples)


_MAX_WORDS = 20_000
"""Characters of an issue in which words are looked for."""
