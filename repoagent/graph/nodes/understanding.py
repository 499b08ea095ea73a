"""From the issue to a plan: what is asked, in which project, where, what shall hold in the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from repoagent.domain import Issue, Location, Plan, PlannedFile, Spec
from repoagent.edits.syntax import lines_of
from repoagent.errors import ContextFull, EnvironmentFailed, SandboxFailed
from repoagent.graph.agenda import targets
from repoagent.graph.artefacts import plan_from_yaml, plan_to_yaml, spec_from_text, spec_to_markdown, steps_for
from repoagent.graph.examine import attach
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.issue.spec import build_spec
from repoagent.llm.base import Message, Sampling
from repoagent.localise import localise as rank
from repoagent.prompting import Specify, render, trim_issue
from repoagent.testbed.runner import Testbed

_LOCATIONS = 20
_SPEC_TOKENS = 220
_SPEC_LINES = 60


def intake(state: State, runtime: Runtime[Services]) -> Update:
    """Write down what was asked."""
    runtime.context.session.write("issue.md", state.issue.text)
    return {}


def survey(state: State, runtime: Runtime[Services]) -> Update:
    """Index the repository, and make an environment in which its tests run."""
    services = runtime.context
    index = services.index()
    services.trace.emit("index.built", files=len(index.files), symbols=sum(1 for _ in index.symbols()))
    try:
        testbed = Testbed.prepare(
            services.engine,
            services.workspace.root,
            origin=services.origin,
            named=services.options.named,
            trace=services.trace,
            timeout=services.within(services.options.build_timeout),
        )
    except SandboxFailed:
        raise
    except EnvironmentFailed as error:
        services.trace.emit("environment.failed", reason=str(error))
        return {"notes": (f"No test environment could be built, so nothing was run: {_first_line(error)}",)}
    return {"environment": testbed.environment, "test_command": testbed.test_command}


def localise(state: State, runtime: Runtime[Services]) -> Update:
    """Rank the functions that may have to change; no model is asked."""
    services = runtime.context
    locations = rank(state.issue, services.index(), _LOCATIONS)
    services.trace.emit("localised", functions=[str(location) for location in locations[:5]])
    if not locations:
        return {"notes": ("Nothing in the repository resembles what the issue describes.",)}
    return {"locations": locations}


def specify(state: State, runtime: Runtime[Services]) -> Update:
    """Say what the software does and what it shall do; by the model, or in the issue's own words."""
    services = runtime.context
    spec = Spec((), ())
    if state.locations and services.model.profile.specs:
        spec = spec_from_text(_ask_for_spec(state.issue, state.locations[0], services))
    if not spec.proposed:
        spec = build_spec(state.issue)
    services.session.write("spec.md", spec_to_markdown(spec))
    return {"spec": spec}


def plan(state: State, runtime: Runtime[Services]) -> Update:
    """Choose the functions to work on, and what to do to them."""
    services = runtime.context
    chosen = targets(state.locations, services.index())[: services.model.profile.functions]
    planned = tuple(_planned(path, chosen, state.spec) for path in dict.fromkeys(t.path for t in chosen))
    made = Plan(planned, _commands(state, services))
    services.session.write("plan.yaml", plan_to_yaml(made))
    return {"plan": made}


def approve(state: State, runtime: Runtime[Services]) -> Update:
    """Let a person edit spec and plan, where one was asked for; take what the files say, whenever they were edited."""
    services = runtime.context
    session = services.session
    if services.options.ask:
        session.update(status="waiting")
        interrupt({"spec": str(session.path / "spec.md"), "plan": str(session.path / "plan.yaml")})
        session.update(status="running")
    spec = spec_from_text(session.read("spec.md")) if session.exists("spec.md") else state.spec
    made = plan_from_yaml(session.read("plan.yaml")) if session.exists("plan.yaml") else state.plan
    session.accept("spec.md", "plan.yaml")
    if (spec, made) == (state.spec, state.plan):
        return {}
    services.trace.emit("plan.edited", spec=spec != state.spec, plan=made != state.plan)
    edited: Update = {"spec": spec, "plan": made}
    return {**edited, "test_command": " && ".join(made.commands)} if made.commands != state.plan.commands else edited


def _commands(state: State, services: Services) -> tuple[str, ...]:
    """How the plan names the tests; without a command of the project's own the testbed runs those that matter."""
    if state.environment is None:
        return ()
    testbed = attach(services, state.environment, state.test_command)
    return (testbed.test_command or testbed.codebase.command,)


def _ask_for_spec(issue: Issue, target: Location, services: Services) -> str:
    """The model's words; none where even a short prompt is too long for what the server gives."""
    model = services.model
    budget = min(model.profile.prompt_budget, model.context() - 2 * _SPEC_TOKENS)
    lines = lines_of(services.index().source(target.path))[target.start - 1 : target.end][:_SPEC_LINES]
    prompt = Specify(
        issue=trim_issue(issue, budget // 2, model.count),
        path=target.path,
        symbol=target.symbol or "module",
        source="".join(lines) if model.count("".join(lines)) < budget // 2 else "".join(lines[:10]),
    )
    try:
        sampling = Sampling(_SPEC_TOKENS, 0.0, seed=services.options.seed)
        return model.chat((Message("user", render(prompt)),), sampling).text
    except ContextFull:
        return ""


def _planned(path: str, chosen: Sequence[Location], spec: Spec) -> PlannedFile:
    symbols = tuple(t.symbol for t in chosen if t.path == path)
    return PlannedFile(path, "edit", symbols, steps_for(symbols[0], spec))


def _first_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:300]
