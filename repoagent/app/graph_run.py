"""Run the graph from its last checkpoint to its end, with pauses for a person, and back to spec and plan after an
edit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repoagent.domain import Issue, load
from repoagent.errors import UserError
from repoagent.session import Session

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph.state import CompiledStateGraph

    from repoagent.graph.services import Services
    from repoagent.graph.state import State

    Compiled = CompiledStateGraph[State, Services, State, State]


@dataclass(frozen=True)
class ReviewPause:
    """Where spec and plan lie while the run waits for a person to review them."""

    spec: Path
    plan: Path


ApprovalCallback = Callable[[ReviewPause], None]
"""Called when a run pauses for a person; returns when it shall continue."""


def run_graph(services: Services, approve: ApprovalCallback) -> None:
    """Run the graph to its end, from the last step in the session's checkpoint."""
    from langgraph.types import Command

    from repoagent.graph.wiring import build_graph

    with _open_checkpointer(services.session.path / "checkpoint.sqlite") as saver:
        graph = build_graph(saver)
        config: RunnableConfig = {
            "configurable": {"thread_id": services.session.id},
            "recursion_limit": 10_000,  # the agenda and the budget end a run, not the number of its steps
            "max_concurrency": services.options.parallel,
        }
        begun = bool(graph.get_state(config).values)
        step: Any = None if begun else _make_first_state(services.session)
        place = _rewind_before_edits(graph, config, services) if begun else config
        while paused := graph.invoke(step, place, context=services, durability="sync").get("__interrupt__"):
            _wait_for_approval(
                services, approve, ReviewPause(Path(paused[0].value["spec"]), Path(paused[0].value["plan"]))
            )
            step, place = Command(resume=True), config


def _rewind_before_edits(
    graph: Any, config: RunnableConfig, services: Services
) -> RunnableConfig:  # langgraph's own type has four parameters
    """Return the configuration to continue from: the approval step if spec or plan were edited, else the last step."""
    if not {"spec.md", "plan.yaml"} & set(services.session.list_edited()):
        return config
    for snapshot in graph.get_state_history(config):
        if snapshot.next == ("approve",):
            services.trace.emit("run.rewound", reason="spec or plan was edited")
            at: dict[str, Any] = {**config["configurable"], **snapshot.config["configurable"]}
            return {**config, "configurable": at}
    return config


def _wait_for_approval(services: Services, approve: ApprovalCallback, pause: ReviewPause) -> None:
    services.trace.emit("run.paused")
    started = time.monotonic()
    approve(pause)
    services.budget.extend_deadline(time.monotonic() - started)
    services.trace.emit("run.continued")


def _make_first_state(session: Session) -> object:
    from repoagent.graph.state import State

    notices = tuple(line for line in session.read("notices.txt").splitlines() if line)
    return State(issue=load(Issue, session.read("issue.json")), notes=notices)


@contextmanager
def _open_checkpointer(path: Path) -> Iterator[SqliteSaver]:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    from repoagent.graph.state import STORED_CLASSES

    serde = JsonPlusSerializer(allowed_msgpack_modules=STORED_CLASSES)
    with closing(sqlite3.connect(path, check_same_thread=False, timeout=30)) as connection:
        _check_format(connection, path.parent)
        yield SqliteSaver(connection, serde=serde)


FORMAT = 2
"""Of the checkpoint: raised whenever a state that was written before can no longer be read as it was meant."""


def _check_format(connection: sqlite3.Connection, session: Path) -> None:
    """Mark a new checkpoint with its format; raise UserError for one of another version of this program."""
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    elif connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        raise UserError(
            "this session was begun by another version of repoagent and cannot be resumed; what it found is in "
            f"{session}, and `repoagent solve` starts anew"
        )
