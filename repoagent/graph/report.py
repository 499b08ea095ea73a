"""Say how a run ended: what was verified and how, and, as plainly, what was not."""

from __future__ import annotations

from typing import Literal

from repoagent.domain import Candidate, Confidence, Ending, Oracle, Result, Strength, Verdict
from repoagent.graph.agenda import PROPOSED
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.ranking import rate_confidence, is_verified
from repoagent.evidence.reproduction.script import read_steps
from repoagent.evidence.reproduction.written import SOURCE as WRITTEN

MINIMISED = "minimised"
"""The generator of a candidate that nobody drew: a drawn one with less in it."""


def write_result(state: State, services: Services) -> Result:
    """The outcome, from tests and the diff alone."""
    chosen = state.chosen
    return Result(
        session=services.session.id,
        outcome=_outcome(state),
        confidence=_confidence(state),
        summary=_summary(chosen, state),
        verified=tuple(_verified(state)),
        unverified=tuple(_unverified(state)),
        patch=chosen.patch.text if chosen else "",
        usage=services.budget.usage,
        seconds=round(services.elapsed(), 1),
        model=services.model.name,
        sandbox=services.engine.name,
        candidates=len({sample for c in state.candidates.values() for sample in c.origins}),
        distinct=sum(c.generator != MINIMISED for c in state.candidates.values()),
        chosen=chosen.id if chosen else "",
        passed=_passed(chosen.verdict) if chosen else 0,
        broken=len(chosen.verdict.broken) if chosen and chosen.verdict else 0,
        spec=state.spec,
        test_patch=state.regression.patch.text,
        notes=(*state.notes, *_origin(state), *_no_test(state), *((state.spent,) if state.spent else ())),
    )


def _passed(verdict: Verdict | None) -> int:
    return verdict.passed if verdict and verdict.ending is Ending.COMPLETED else 0


def _outcome(state: State) -> Literal["verified", "unverified", "none", "budget"]:
    if state.chosen and is_verified(state.chosen.verdict, state.strength) and not _is_vacuous(state):
        return "verified"
    if state.spent:
        return "budget"
    return "unverified" if state.chosen else "none"


def _confidence(state: State) -> Confidence | None:
    if state.chosen is None:
        return None
    return Confidence.LOW if _is_vacuous(state) else rate_confidence(state.chosen, state.strength)


def _is_vacuous(state: State) -> bool:
    """Whether all that speaks for the patch is a reproduction that looks at nothing of it."""
    verdict = state.chosen.verdict if state.chosen else None
    return state.weight.is_nothing and not (verdict and verdict.fixed)


def _summary(chosen: Candidate | None, state: State) -> str:
    if chosen is None:
        return "No candidate passed the gate." if state.candidates else "No candidate could be drafted."
    lines = chosen.patch.changed_lines
    where = chosen.target.symbol or chosen.target.path
    return f"Changes {lines} line{'s' if lines != 1 else ''} of {where} in {', '.join(chosen.patch.files)}."


def _verified(state: State) -> list[str]:
    verdict = state.chosen.verdict if state.chosen else None
    if verdict is None:
        return []
    return [
        sentence
        for sentence in (_reproduction(state, verdict), _test(state), _fixed(verdict), _unbroken(state, verdict))
        if sentence
    ]


def _reproduction(state: State, verdict: Verdict) -> str:
    oracle = state.oracle
    if verdict.oracle != "passed":
        return ""
    source = oracle.source or "the issue's example"
    if state.weight.is_nothing:
        return ""
    if oracle.strength is Strength.CRASH:
        return f"Run in the sandbox, {source} raised {oracle.exception} before the patch and does not any more."
    if oracle.strength is Strength.STRONG:
        return (
            f"Run in the sandbox, {source} showed the reported behaviour before the patch; with it, it {_now(oracle)}."
        )
    return ""


def _now(oracle: Oracle) -> str:
    """What a script that passes does."""
    if oracle.exception:
        return f"raises {oracle.exception}, as the issue expects"
    values = read_steps(oracle.expected).values()
    return f"prints what the issue expects ({_short(' · '.join(values))})" if values else "passes"


def _origin(state: State) -> tuple[str, ...]:
    """Who wrote it, where that was no generator of ours."""
    chosen = state.chosen
    drawn = state.candidates.get(chosen.parent, chosen) if chosen and chosen.generator == MINIMISED else chosen
    if drawn is None or drawn.generator != PROPOSED:
        return ()
    return (f"The patch follows {drawn.answer}; it was judged as any other.",)


def _test(state: State) -> str:
    test = state.regression.test
    return f"The regression test {test} (test.patch) fails before the patch and passes with it." if test else ""


def _no_test(state: State) -> tuple[str, ...]:
    reason = state.regression.reason
    return (f"No regression test was added: {reason}.",) if reason else ()


def _fixed(verdict: Verdict) -> str:
    if not verdict.fixed:
        return ""
    tests = _count(len(verdict.fixed))
    return f"{tests} that failed before the patch {_pass(len(verdict.fixed))} with it: {', '.join(verdict.fixed[:5])}."


def _unbroken(state: State, verdict: Verdict) -> str:
    if not verdict.passed or verdict.broken:
        return ""
    return f"{_count(verdict.passed)} {_pass(verdict.passed)} and none that passed before is broken ({_which(state)})."


def _which(state: State) -> str:
    """The tests that were run."""
    if state.test_command:
        return f"`{state.test_command}`"
    if state.before_all or not state.test_files:
        return "all tests of the project"
    files = dict.fromkeys(test.partition("::")[0] for test in state.wide_files or state.test_files)
    return ", ".join(files)


def _unverified(state: State) -> list[str]:
    if state.chosen is None:
        return ["There is no patch."]
    found = [_missing_reproduction(state, state.chosen.verdict), _missing_tests(state, state.chosen.verdict)]
    found += [_missing_weight(state), state.chosen.scores.overfitting if state.chosen.scores else ""]
    return [sentence for sentence in found if sentence]


def _missing_reproduction(state: State, verdict: Verdict | None) -> str:
    if state.strength is Strength.NONE and verdict and verdict.fixed:
        return ""
    if state.strength is Strength.NONE:
        return "Nothing in the issue could be run to show the problem, so whether the patch solves it is not known."
    if verdict is None:
        return "The patch was not run."
    if verdict.oracle != "passed":
        return _NOT_PASSED[verdict.oracle].format(_subject(state))
    if state.strength is Strength.WEAK and state.oracle.source == WRITTEN:
        return f"{_subject(state)} passes now; whether it demands the right thing nobody has checked (oracle.json)."
    if state.strength is Strength.WEAK:
        return "The issue's example behaves differently now; that it behaves as expected is not known."
    if state.strength is Strength.CRASH:
        return "The reported exception is gone; that the result is the right one, the issue's example does not say."
    return ""


def _subject(state: State) -> str:
    return f"{WRITTEN[0].upper()}{WRITTEN[1:]}" if state.oracle.source == WRITTEN else "The issue's example"


def _missing_weight(state: State) -> str:
    if not state.weight.is_nothing:
        return ""
    mutants = state.weight.mutants
    return (
        f"The reproduction notices none of {mutants} small mistakes made in the patched function: it hardly tests it."
    )


def _missing_tests(state: State, verdict: Verdict | None) -> str:
    if verdict and verdict.broken:
        return f"It breaks {_count(len(verdict.broken))} that passed before: {', '.join(verdict.broken[:5])}."
    if verdict and verdict.ending is not Ending.COMPLETED:
        return _NOT_COMPLETED[verdict.ending]
    if verdict is None or not verdict.passed:
        return "No test of the project was run on it."
    if state.before_all is None and state.test_files:
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


def _count(tests: int) -> str:
    return f"{tests} test{'s' if tests != 1 else ''}"


def _pass(tests: int) -> str:
    return "pass" if tests != 1 else "passes"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
