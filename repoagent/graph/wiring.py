"""The planner graph on one screen.

intake → survey → localise → specify → plan → approve → baseline → reproduce → begin
                                                                                 │
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

from repoagent.errors import BudgetExceeded
from repoagent.graph import nodes
from repoagent.graph.agenda import MUTATION, PROPOSED, shown, wanted
from repoagent.graph.nodes.delivering import stands
from repoagent.graph.services import Services
from repoagent.graph.state import Assignment, DraftOrder, State, TestOrder, ground_of, restore_tuples
from repoagent.graph.update import Update
from repoagent.ranking import is_verified

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

In = TypeVar("In")
Node = Callable[[In, Runtime[Services]], Update]

ORDER = ("intake", "survey", "localise", "specify", "plan", "approve", "baseline", "reproduce", "begin")
ENDING = ("select", "minimise", "review")


def build(checkpointer: BaseCheckpointSaver[str]) -> CompiledStateGraph[State, Services, State, State]:
    """The graph, compiled; each node's result is in the checkpoint before the next one starts."""
    graph = StateGraph(State, context_schema=Services)
    for name in (*ORDER, "draft", "gather", "validate", "diagnose", *ENDING, "weigh", "regress", "deliver"):
        graph.add_node(name, _watched(name, getattr(nodes, name)))
    for before, after in zip((START, *ORDER), ORDER, strict=False):
        graph.add_edge(before, after)
    graph.add_conditional_edges("begin", to_draft, ["draft", "select"])
    graph.add_edge("draft", "gather")
    graph.add_conditional_edges("gather", to_validate, ["validate", "diagnose"])
    graph.add_edge("validate", "diagnose")
    graph.add_conditional_edges("diagnose", to_draft, ["draft", "select"])
    graph.add_edge("select", "minimise")
    graph.add_edge("minimise", "review")
    graph.add_conditional_edges("review", after_review, ["select", "weigh"])
    graph.add_edge("weigh", "regress")
    graph.add_edge("regress", "deliver")
    graph.add_edge("deliver", END)
    return graph.compile(checkpointer=checkpointer)


def to_draft(state: State) -> Sequence[Send] | str:
    """One `draft` for each assignment; none where there is nothing left to do or to spend."""
    if state.spent or not state.assignments:
        return "select"
    return [Send("draft", _order(state, assignment)) for assignment in state.assignments]


def _order(state: State, assignment: Assignment) -> DraftOrder:
    ground = ground_of(state) if assignment.generator == MUTATION else None
    spec = wanted(state, assignment)
    suspects = state.locations if assignment.generator == PROPOSED else ()
    return DraftOrder(state.issue, spec, shown(state), assignment, state.round, ground, suspects)


def to_validate(state: State) -> Sequence[Send] | str:
    """One `validate` for each candidate that passed the gate and was not tested."""
    waiting = [c for c in state.candidates.values() if c.verdict is None]
    if state.environment is None or not waiting:
        return "diagnose"
    proven = any(is_verified(candidate.verdict, state.strength) for candidate in state.candidates.values())
    common = (state.environment, state.oracle, state.before, state.test_files, state.test_command, proven)
    return [Send("validate", TestOrder(candidate, *common)) for candidate in waiting]


def after_review(state: State) -> Literal["select", "weigh"]:
    """Back to the choice where the last run found the chosen patch worse than another."""
    return "weigh" if stands(state) else "select"


def _watched(name: str, node: Node[In]) -> Any:  # langgraph's own node types do not accept their own signatures
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
