"""Ask how much the reproduction proves, and make it a test of the project's own."""

from __future__ import annotations

from langgraph.runtime import Runtime

from repoagent.domain import Regression, Strength
from repoagent.errors import BudgetExceeded
from repoagent.evidence.regression_tester import RegressionTester
from repoagent.evidence.reproduction.regression import RegressionRefused
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.ranking import is_verified
from repoagent.ranking.mutation_score import measure_mutation_score


def weigh(state: State, runtime: Runtime[Services]) -> Update:
    """Count how many mutants of the patched function the reproduction notices."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.evaluation is None or state.spent or state.strength is Strength.NONE:
        return {}
    if chosen.verdict is None or chosen.verdict.oracle != "passed" or not chosen.target.symbol:
        return {}
    weight = measure_mutation_score(chosen, state.evaluation, services.workbench)
    services.trace.emit("weighed", noticed=weight.killed, mutants=weight.total)
    return {"weight": weight}


def regress(state: State, runtime: Runtime[Services]) -> Update:
    """Add the reproduction to the nearest test file, if it is seen to fail without the patch and to pass with it."""
    services = runtime.context
    chosen = state.chosen
    if chosen is None or state.evaluation is None or not is_verified(chosen.verdict, state.strength):
        return {}
    if chosen.verdict is None or chosen.verdict.oracle != "passed" or state.spent:
        return {}
    if state.weight.is_vacuous:
        return {"regression": Regression(reason="the reproduction notices no mistake in the patched function")}
    tester = RegressionTester(state.issue, state.evaluation, services.workbench, services.index())
    try:
        made = tester.add_test(chosen.patch)
    except (RegressionRefused, BudgetExceeded) as refusal:
        made = Regression(reason=str(refusal))
    services.session.write("test.patch", made.patch.text)
    services.trace.emit("regression", test=made.test, reason=made.reason)
    return {"regression": made}
