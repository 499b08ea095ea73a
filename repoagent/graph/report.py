"""Say how a run ended: what was verified and how, and, as plainly, what was not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from repoagent.domain import (
    FROM_ISSUE,
    MINIMISED,
    Candidate,
    Confidence,
    Ending,
    Fact,
    FactCode,
    Oracle,
    Result,
    Strength,
    Verdict,
)
from repoagent.evidence.reproduction.script import read_steps
from repoagent.evidence.reproduction.written import SOURCE as GENERATED
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.ranking import is_verified, rate_confidence


def write_result(state: State, services: Services) -> Result:
    """The outcome, from tests and the diff alone."""
    chosen = state.chosen
    verified, unverified, notes = (
        tuple(_list_verified(state)),
        tuple(_list_unverified(state)),
        tuple(_list_notes(state)),
    )
    return Result(
        session=services.session.id,
        outcome=_decide_outcome(state),
        confidence=_rate_confidence(state, services),
        summary=_summarise(chosen, state),
        verified=tuple(fact.sentence for fact in verified),
        unverified=tuple(fact.sentence for fact in unverified),
        patch=chosen.patch.text if chosen else "",
        usage=services.budget.usage,
        seconds=round(services.elapsed(), 1),
        model=services.model.name,
        sandbox=services.engine.name,
        candidates=len({origin for c in state.candidates.values() for origin in c.origins}),
        distinct=sum(c.generator != MINIMISED for c in state.candidates.values()),
        chosen=chosen.id if chosen else "",
        passed=_count_passed(chosen.verdict) if chosen else 0,
        broken=len(chosen.verdict.broken) if chosen and chosen.verdict else 0,
        spec=state.spec,
        test_patch=state.regression.patch.text,
        notes=tuple(fact.sentence for fact in notes),
        codes=tuple(fact.code for fact in (*verified, *unverified, *notes)),
    )


def _count_passed(verdict: Verdict | None) -> int:
    return verdict.passed if verdict and verdict.ending is Ending.COMPLETED else 0


def _decide_outcome(state: State) -> Literal["verified", "unverified", "none", "budget"]:
    if state.chosen and is_verified(state.chosen.verdict, state.strength) and not _is_vacuous(state):
        return "verified"
    if state.spent:
        return "budget"
    return "unverified" if state.chosen else "none"


def _rate_confidence(state: State, services: Services) -> Confidence | None:
    if state.chosen is None:
        return None
    if _is_vacuous(state):
        return Confidence.LOW
    return rate_confidence(state.chosen, state.strength, services.search_options)


def _is_vacuous(state: State) -> bool:
    """Whether all that speaks for the patch is a reproduction that looks at nothing of it."""
    verdict = state.chosen.verdict if state.chosen else None
    return state.weight.is_vacuous and not (verdict and verdict.fixed)


def _summarise(chosen: Candidate | None, state: State) -> str:
    if chosen is None:
        return "No candidate passed the gate." if state.candidates else "No candidate could be drafted."
    lines = chosen.patch.changed_lines
    where = chosen.target.symbol or chosen.target.path
    return f"Changes {lines} line{'s' if lines != 1 else ''} of {where} in {', '.join(chosen.patch.files)}."


# --- what was verified ------------------------------------------------------------------------------------------------


def _list_verified(state: State) -> Iterator[Fact]:
    verdict = state.chosen.verdict if state.chosen else None
    if verdict is None:
        return
    yield from _describe_reproduction(state, verdict)
    if test := state.regression.test:
        sentence = f"The regression test {test} (test.patch) fails before the patch and passes with it."
        yield Fact(FactCode.REGRESSION_TEST_PASSES, sentence)
    yield from _describe_fixed(verdict)
    if verdict.passed and not verdict.broken:
        passing = f"{_count_tests(verdict.passed)} {_conjugate_pass(verdict.passed)}"
        sentence = f"{passing} and none that passed before is broken ({_name_tests(state)})."
        yield Fact(FactCode.NOTHING_BROKEN, sentence)


def _describe_reproduction(state: State, verdict: Verdict) -> Iterator[Fact]:
    oracle = state.oracle
    if verdict.oracle != "passed" or state.weight.is_vacuous:
        return
    source = f"Run in the sandbox, {oracle.source or _DEFAULT_SOURCE}"
    if oracle.strength is Strength.CRASH:
        sentence = f"{source} raised {oracle.exception} before the patch and does not any more."
        yield Fact(FactCode.EXCEPTION_GONE, sentence)
    if oracle.strength is Strength.STRONG:
        before = f"{source} showed the reported behaviour before the patch"
        yield Fact(FactCode.REPRODUCTION_PASSES, f"{before}; with it, it {_describe_success(oracle)}.")


_DEFAULT_SOURCE = "the issue's example"


def _describe_success(oracle: Oracle) -> str:
    """What a script that passes does."""
    if oracle.exception:
        return f"raises {oracle.exception}, as the issue expects"
    values = read_steps(oracle.expected).values()
    return f"prints what the issue expects ({_shorten(' · '.join(values))})" if values else "passes"


def _describe_fixed(verdict: Verdict) -> Iterator[Fact]:
    if verdict.fixed:
        count = len(verdict.fixed)
        before = f"{_count_tests(count)} that failed before the patch {_conjugate_pass(count)} with it"
        yield Fact(FactCode.TESTS_FIXED, f"{before}: {', '.join(verdict.fixed[:5])}.")


def _name_tests(state: State) -> str:
    """The tests that were run."""
    evaluation = state.evaluation
    if evaluation and evaluation.test_command:
        return f"`{evaluation.test_command}`"
    if state.whole or evaluation is None or not evaluation.tests:
        return "all tests of the project"
    judged = state.wide or evaluation
    files = dict.fromkeys(test.partition("::")[0] for test in judged.tests)
    return ", ".join(files)


# --- what was not -----------------------------------------------------------------------------------------------------


def _list_unverified(state: State) -> Iterator[Fact]:
    if state.chosen is None:
        yield Fact(FactCode.NO_PATCH, "There is no patch.")
        return
    yield from _doubt_reproduction(state, state.chosen.verdict)
    yield from _doubt_tests(state, state.chosen.verdict)
    if state.weight.is_vacuous:
        mistakes = f"{state.weight.total} small mistakes made in the patched function"
        sentence = f"The reproduction notices none of {mistakes}: it hardly tests it."
        yield Fact(FactCode.REPRODUCTION_VACUOUS, sentence)
    if state.chosen.scores and state.chosen.scores.overfitting:
        yield Fact(FactCode.OVERFITTING_SUSPECTED, state.chosen.scores.overfitting)


def _doubt_reproduction(state: State, verdict: Verdict | None) -> Iterator[Fact]:
    if state.strength is Strength.NONE:
        if not (verdict and verdict.fixed):
            yield Fact(FactCode.NOT_REPRODUCED, _NOT_REPRODUCED)
    elif verdict is None:
        yield Fact(FactCode.NOT_RUN, "The patch was not run.")
    elif verdict.oracle != "passed":
        code, sentence = _NOT_PASSED[verdict.oracle]
        yield Fact(code, sentence.format(_name_reproduction(state)))
    elif state.strength is Strength.WEAK:
        yield _describe_weakness(state)
    elif state.strength is Strength.CRASH:
        sentence = "The reported exception is gone; that the result is the right one, the issue's example does not say."
        yield Fact(FactCode.RESULT_UNKNOWN, sentence)


def _describe_weakness(state: State) -> Fact:
    if state.oracle.source == GENERATED:
        name = _name_reproduction(state)
        sentence = f"{name} passes now; whether it demands the right thing nobody has checked (oracle.json)."
        return Fact(FactCode.GENERATED_UNCHECKED, sentence)
    sentence = "The issue's example behaves differently now; that it behaves as expected is not known."
    return Fact(FactCode.EXPECTED_UNKNOWN, sentence)


def _name_reproduction(state: State) -> str:
    return f"{GENERATED[0].upper()}{GENERATED[1:]}" if state.oracle.source == GENERATED else "The issue's example"


def _doubt_tests(state: State, verdict: Verdict | None) -> Iterator[Fact]:
    if verdict and verdict.broken:
        listed = ", ".join(verdict.broken[:5])
        yield Fact(
            FactCode.TESTS_BROKEN, f"It breaks {_count_tests(len(verdict.broken))} that passed before: {listed}."
        )
    elif verdict and verdict.ending is not Ending.COMPLETED:
        yield Fact(*_NOT_COMPLETED[verdict.ending])
    elif verdict is None or not verdict.passed:
        yield Fact(FactCode.NO_TESTS_RUN, "No test of the project was run on it.")
    elif state.whole is None and state.evaluation and state.evaluation.tests:
        sentence = "Only the test files nearest to the change were run, not all of the project's."
        yield Fact(FactCode.NEAREST_TESTS_ONLY, sentence)


_NOT_REPRODUCED = "Nothing in the issue could be run to show the problem, so whether the patch solves it is not known."
_NOT_PASSED = {
    "failed": (FactCode.REPRODUCTION_FAILS, "{} still shows the problem."),
    "unknown": (
        FactCode.REPRODUCTION_UNKNOWN,
        "{} could not be run with the patch, so whether it still shows the problem is not known.",
    ),
}
_NOT_COMPLETED = {
    Ending.TIMED_OUT: (FactCode.TESTS_TIMED_OUT, "The project's tests did not end in time with it."),
    Ending.CRASHED: (FactCode.TESTS_CRASHED, "The project's tests crashed with it."),
    Ending.NOT_COLLECTED: (FactCode.TESTS_NOT_COLLECTED, "The project's tests could not be collected with it."),
    Ending.NOT_BUILT: (FactCode.NOT_COMPILED, "The project does not compile with it."),
}


# --- what else there is to know ---------------------------------------------------------------------------------------


def _list_notes(state: State) -> Iterator[Fact]:
    yield from (Fact(FactCode.OTHER, note) for note in (*state.baseline_notes, *state.notes))
    drawn = _find_drawn(state.chosen, state)
    if drawn and drawn.generator == FROM_ISSUE:
        sentence = f"The patch follows {drawn.answer}; it was judged as any other."
        yield Fact(FactCode.FROM_ISSUE, sentence)
    if reason := state.regression.reason:
        yield Fact(FactCode.NO_REGRESSION_TEST, f"No regression test was added: {reason}.")
    if state.spent:
        yield Fact(FactCode.BUDGET_SPENT, state.spent)


def _find_drawn(chosen: Candidate | None, state: State) -> Candidate | None:
    """The candidate that a generator drew, of which the chosen one may be a smaller version."""
    while chosen and chosen.generator == MINIMISED:
        chosen = next((state.candidates[each] for each in chosen.parents if each in state.candidates), None)
    return chosen


def _count_tests(tests: int) -> str:
    return f"{tests} test{'s' if tests != 1 else ''}"


def _conjugate_pass(tests: int) -> str:
    return "pass" if tests != 1 else "passes"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
