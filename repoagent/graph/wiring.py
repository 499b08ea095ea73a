"""The planner graph on one screen.

intake → survey → localise → specify → baseline → reproduce → plan → approve → begin
                                          ↑_____ another test command ___│       │
  ┌───────────────────── the next piece of work on the agenda ───────────────────┤
  ↓                                                                              ↓
draft ⇉ gather ⇉ validate → diagnose ────── enough, or nothing left ──────→ select → minimise → review
  ↑_____________________________│                                                ↑__ found worse __│
                                                                                     weigh → regress → deliver
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from repoagent.domain import WorkItem
from repoagent.errors import BudgetExceeded
from repoagent.evidence.baseline import describe_failure_today
from repoagent.generators import Scope, find_generator
from repoagent.graph import nodes
from repoagent.graph.nodes.delivering import is_still_best
from repoagent.graph.services import Services
from repoagent.graph.state import DraftOrder, State, TestOrder, restore_tuples
from repoagent.graph.update import Update
from repoagent.ranking import is_verified
from repoagent.search.plan import add_plan_steps

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

In = TypeVar("In")
Node = Callable[[In, Runtime[Services]], Update]

UNDERSTANDING = ("intake", "survey", "localise", "specify", "baseline", "reproduce")
SEARCHING = ("draft", "gather", "validate", "diagnose")
ENDING = ("select", "minimise", "review", "weigh", "regress", "deliver")


def build_graph(checkpointer: BaseCheckpointSaver[str]) -> CompiledStateGraph[State, Services, State, State]:
    """The graph, compiled; each node's result is in the checkpoint before the next one starts."""
    graph = StateGraph(State, context_schema=Services)
    for name in (*UNDERSTANDING, "plan", "approve", "begin", *SEARCHING, *ENDING):
        graph.add_node(name, _watch_node(name, getattr(nodes, name)))
    for before, after in zip((START, *UNDERSTANDING), UNDERSTANDING, strict=False):
        graph.add_edge(before, after)
    graph.add_conditional_edges("reproduce", route_after_reproduce, ["plan", "begin"])
    graph.add_edge("plan", "approve")
    graph.add_conditional_edges("approve", route_after_approve, ["baseline", "begin"])
    graph.add_conditional_edges("begin", send_drafts, ["draft", "select"])
    graph.add_edge("draft", "gather")
    graph.add_conditional_edges("gather", send_tests, ["validate", "diagnose"])
    graph.add_edge("validate", "diagnose")
    graph.add_conditional_edges("diagnose", send_drafts, ["draft", "select"])
    graph.add_edge("select", "minimise")
    graph.add_edge("minimise", "review")
    graph.add_conditional_edges("review", route_after_review, ["select", "weigh"])
    graph.add_edge("weigh", "regress")
    graph.add_edge("regress", "deliver")
    graph.add_edge("deliver", END)
    return graph.compile(checkpointer=checkpointer)


def route_after_reproduce(state: State) -> Literal["plan", "begin"]:
    """To the plan, unless a person has it already, whose changes are measured."""
    return "begin" if state.is_approved else "plan"


def route_after_approve(state: State) -> Literal["baseline", "begin"]:
    """Back to the baseline where the plan has other functions or another test command from here on."""
    return "begin" if state.is_measured or state.spent or state.evaluation is None else "baseline"


def send_drafts(state: State) -> Sequence[Send] | str:
    """One `draft` for each piece of work; none where there is nothing left to do or to spend."""
    if state.spent or not state.work:
        return "select"
    return [Send("draft", _make_order(state, item)) for item in state.work]


def _make_order(state: State, item: WorkItem) -> DraftOrder:
    traits = find_generator(item.generator).traits
    spec = add_plan_steps(state.spec, state.plan, item)
    observed = describe_failure_today(state.evaluation, state.issue)
    evaluation = state.evaluation if traits.needs_runs else None
    suspects = state.locations if traits.scope is Scope.ISSUE else ()
    return DraftOrder(state.issue, spec, observed, item, state.iteration, evaluation, suspects)


def send_tests(state: State) -> Sequence[Send] | str:
    """One `validate` for each candidate that passed the gate and was not tested."""
    waiting = [c for c in state.candidates.values() if c.verdict is None]
    if state.evaluation is None or not waiting:
        return "diagnose"
    is_proven = any(is_verified(candidate.verdict, state.strength) for candidate in state.candidates.values())
    return [Send("validate", TestOrder(candidate, state.evaluation, is_proven)) for candidate in waiting]


def route_after_review(state: State, runtime: Runtime[Services]) -> Literal["select", "weigh"]:
    """Back to the choice where the last run found the chosen patch worse than another."""
    return "weigh" if is_still_best(state, runtime.context.search_options.reviews) else "select"


def _watch_node(name: str, node: Node[In]) -> Any:  # langgraph's own node types do not accept their own signatures
    """`node`, with its beginning and end in the trace; a spent budget ends its work, not the run."""

    @wraps(node)
    def watched(state: In, runtime: Runtime[Services]) -> Update:
        trace = runtime.context.trace
        started = time.monotonic()
        trace.emit("node.started", node=name)
        try:
            update = node(restore_tuples(state), runtime)
        except BudgetExceeded as error:
            trace.emit("budget.exceeded", node=name, reason=str(error))
            update = {"spent": str(error)}
        trace.emit("node.ended", node=name, seconds=round(time.monotonic() - started, 2))
        return update

    return watched
