"""Say how a run ended: what was verified and how, and, as plainly, what was not."""

from __future__ import annotations

from typing import Literal

from repoagent.domain import FROM_ISSUE, MINIMISED, Candidate, Confidence, Ending, Oracle, Result, Strength, Verdict
from repoagent.evidence.reproduction.script import read_steps
from repoagent.evidence.reproduction.written import SOURCE as WRITTEN
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.ranking import is_verified, rate_confidence


def write_result(state: State, services: Services) -> Result:
    """The outcome, from tests and the diff alone."""
    chosen = state.chosen
    return Result(
        session=services.session.id,
        outcome=_decide_outcome(state),
        confidence=_rate_confidence(state),
        summary=_summarise(chosen, state),
        verified=tuple(_list_verified(state)),
        unverified=tuple(_list_unverified(state)),
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
        notes=(
            *state.notes,
            *_describe_origin(state),
            *_describe_missing_test(state),
            *((state.spent,) if state.spent else ()),
        ),
    )


def _count_passed(verdict: Verdict | None) -> int:
    return verdict.passed if verdict and verdict.ending is Ending.COMPLETED else 0


def _decide_outcome(state: State) -> Literal["verified", "unverified", "none", "budget"]:
    if state.chosen and is_verified(state.chosen.verdict, state.strength) and not _is_vacuous(state):
        return "verified"
    if state.spent:
        return "budget"
    return "unverified" if state.chosen else "none"


def _rate_confidence(state: State) -> Confidence | None:
    if state.chosen is None:
        return None
    return Confidence.LOW if _is_vacuous(state) else rate_confidence(state.chosen, state.strength)


def _is_vacuous(state: State) -> bool:
    """Whether all that speaks for the patch is a reproduction that looks at nothing of it."""
    verdict = state.chosen.verdict if state.chosen else None
    return state.weight.is_nothing and not (verdict and verdict.fixed)


def _summarise(chosen: Candidate | None, state: State) -> str:
    if chosen is None:
        return "No candidate passed the gate." if state.candidates else "No candidate could be drafted."
    lines = chosen.patch.changed_lines
    where = chosen.target.symbol or chosen.target.path
    return f"Changes {lines} line{'s' if lines != 1 else ''} of {where} in {', '.join(chosen.patch.files)}."


def _list_verified(state: State) -> list[str]:
    verdict = state.chosen.verdict if state.chosen else None
    if verdict is None:
        return []
    return [
        sentence
        for sentence in (
            _describe_reproduction(state, verdict),
            _describe_test(state),
            _describe_fixed(verdict),
            _describe_unbroken(state, verdict),
        )
        if sentence
    ]


def _describe_reproduction(state: State, verdict: Verdict) -> str:
    oracle = state.oracle
    if verdict.oracle != "passed":
        return ""
    source = oracle.source or "the issue's example"
    if state.weight.is_nothing:
        return ""
    if oracle.strength is Strength.CRASH:
        return f"Run in the sandbox, {source} raised {oracle.exception} before the patch and does not any more."
    if oracle.strength is Strength.STRONG:
        return f"Run in the sandbox, {source} showed the reported behaviour before the patch; with it, it {_describe_success(oracle)}."
    return ""


def _describe_success(oracle: Oracle) -> str:
    """What a script that passes does."""
    if oracle.exception:
        return f"raises {oracle.exception}, as the issue expects"
    values = read_steps(oracle.expected).values()
    return f"prints what the issue expects ({_shorten(' · '.join(values))})" if values else "passes"


def _find_drawn(chosen: Candidate | None, state: State) -> Candidate | None:
    """The candidate that a generator drew, of which the chosen one may be a smaller version."""
    while chosen and chosen.generator == MINIMISED:
        chosen = next((state.candidates[each] for each in chosen.parents if each in state.candidates), None)
    return chosen


def _describe_origin(state: State) -> tuple[str, ...]:
    """Who wrote it, where that was no generator of ours."""
    chosen = state.chosen
    drawn = _find_drawn(chosen, state)
    if drawn is None or drawn.generator != FROM_ISSUE:
        return ()
    return (f"The patch follows {drawn.answer}; it was judged as any other.",)


def _describe_test(state: State) -> str:
    test = state.regression.test
    return f"The regression test {test} (test.patch) fails before the patch and passes with it." if test else ""


def _describe_missing_test(state: State) -> tuple[str, ...]:
    reason = state.regression.reason
    return (f"No regression test was added: {reason}.",) if reason else ()


def _describe_fixed(verdict: Verdict) -> str:
    if not verdict.fixed:
        return ""
    tests = _count_tests(len(verdict.fixed))
    return f"{tests} that failed before the patch {_conjugate_pass(len(verdict.fixed))} with it: {', '.join(verdict.fixed[:5])}."


def _describe_unbroken(state: State, verdict: Verdict) -> str:
    if not verdict.passed or verdict.broken:
        return ""
    return f"{_count_tests(verdict.passed)} {_conjugate_pass(verdict.passed)} and none that passed before is broken ({_name_tests(state)})."


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


def _list_unverified(state: State) -> list[str]:
    if state.chosen is None:
        return ["There is no patch."]
    found = [_explain_reproduction(state, state.chosen.verdict), _explain_tests(state, state.chosen.verdict)]
    found += [_explain_mutation_score(state), state.chosen.scores.overfitting if state.chosen.scores else ""]
    return [sentence for sentence in found if sentence]


def _explain_reproduction(state: State, verdict: Verdict | None) -> str:
    if state.strength is Strength.NONE and verdict and verdict.fixed:
        return ""
    if state.strength is Strength.NONE:
        return "Nothing in the issue could be run to show the problem, so whether the patch solves it is not known."
    if verdict is None:
        return "The patch was not run."
    if verdict.oracle != "passed":
        return _NOT_PASSED[verdict.oracle].format(_name_reproduction(state))
    if state.strength is Strength.WEAK and state.oracle.source == WRITTEN:
        return f"{_name_reproduction(state)} passes now; whether it demands the right thing nobody has checked (oracle.json)."
    if state.strength is Strength.WEAK:
        return "The issue's example behaves differently now; that it behaves as expected is not known."
    if state.strength is Strength.CRASH:
        return "The reported exception is gone; that the result is the right one, the issue's example does not say."
    return ""


def _name_reproduction(state: State) -> str:
    return f"{WRITTEN[0].upper()}{WRITTEN[1:]}" if state.oracle.source == WRITTEN else "The issue's example"


def _explain_mutation_score(state: State) -> str:
    if not state.weight.is_nothing:
        return ""
    mutants = state.weight.mutants
    return (
        f"The reproduction notices none of {mutants} small mistakes made in the patched function: it hardly tests it."
    )


def _explain_tests(state: State, verdict: Verdict | None) -> str:
    if verdict and verdict.broken:
        return f"It breaks {_count_tests(len(verdict.broken))} that passed before: {', '.join(verdict.broken[:5])}."
    if verdict and verdict.ending is not Ending.COMPLETED:
        return _NOT_COMPLETED[verdict.ending]
    if verdict is None or not verdict.passed:
        return "No test of the project was run on it."
    if state.whole is None and state.evaluation and state.evaluation.tests:
        return "Only the test files nearest to the change were run, not all of the project's."
    return ""


_NOT_PASSED = {
    "failed": "{} still shows the problem.",
    "unknown": "{} could not be run with the patch, so whether it still shows the problem is not known.",
}
_NOT_COMPLETED = {
    Ending.TIMED_OUT: "The project's tests did not end in time with it.",
    Ending.CRASHED: "The project's tests crashed with it.",
    Ending.NOT_COLLECTED: "The project's tests could not be collected with it.",
    Ending.NOT_BUILT: "The project does not compile with it.",
}


def _count_tests(tests: int) -> str:
    return f"{tests} test{'s' if tests != 1 else ''}"


def _conjugate_pass(tests: int) -> str:
    return "pass" if tests != 1 else "passes"


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
