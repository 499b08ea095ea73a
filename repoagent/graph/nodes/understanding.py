"""From the issue to a plan: what is asked, in which project, where, what shall hold in the end."""

from __future__ import annotations

import re
from dataclasses import replace

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from repoagent.domain import Issue, Location, Spec
from repoagent.edits.layout import split_lines
from repoagent.errors import ContextFull, EnvironmentFailed, SandboxFailed
from repoagent.evidence.context import EvaluationContext
from repoagent.graph.artefacts import read_plan, read_spec, write_plan, write_spec
from repoagent.graph.services import Services
from repoagent.graph.state import State
from repoagent.graph.update import Update
from repoagent.issue.spec import build_spec
from repoagent.languages import language_of
from repoagent.llm.base import Message, Sampling
from repoagent.localise import localise as rank
from repoagent.prompting import Specify, render, trim_issue
from repoagent.search.plan import make_plan, select_targets

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
    services.trace.emit("index.built", files=len(index.files), symbols=sum(1 for _ in index.list_symbols()))
    try:
        testbed = services.workbench.prepare_testbed()
    except SandboxFailed:
        raise
    except EnvironmentFailed as error:
        services.trace.emit("environment.failed", reason=str(error))
        return {"notes": (f"No test environment could be built, so nothing was run: {_shorten(error)}",)}
    return {"evaluation": EvaluationContext(testbed.environment, testbed.test_command)}


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
        spec = read_spec(_ask_for_spec(state.issue, state.locations[0], services))
    if not spec.proposed:
        spec = build_spec(state.issue)
    services.session.write("spec.md", write_spec(spec))
    return {"spec": spec}


def plan(state: State, runtime: Runtime[Services]) -> Update:
    """Choose the functions to work on, by what the reproduction executes as well, and what to do to them."""
    services = runtime.context
    targets = select_targets(state.locations, services.index())[: services.model.profile.functions]
    made = make_plan(targets, state.spec, _list_commands(state, services))
    services.session.write("plan.yaml", write_plan(made))
    return {"plan": made}


def approve(state: State, runtime: Runtime[Services]) -> Update:
    """Let a person edit spec and plan, where one was asked for; take what the files say, whenever they were edited."""
    services = runtime.context
    session = services.session
    if services.options.ask:
        session.update(status="waiting")
        interrupt({"spec": str(session.path / "spec.md"), "plan": str(session.path / "plan.yaml")})
        session.update(status="running")
    spec = read_spec(session.read("spec.md")) if session.has_artefact("spec.md") else state.spec
    made = read_plan(session.read("plan.yaml")) if session.has_artefact("plan.yaml") else state.plan
    session.accept("spec.md", "plan.yaml")
    update: Update = {"is_approved": True}
    if (spec, made) == (state.spec, state.plan):
        return update
    services.trace.emit("plan.edited", spec=spec != state.spec, plan=made != state.plan)
    update |= {"spec": spec, "plan": made}
    if made.commands != state.plan.commands and state.evaluation:
        update["evaluation"] = replace(state.evaluation, test_command=" && ".join(made.commands))
    # Which failing tests count is told by what calls the functions of the plan.
    if (made.commands, made.list_symbols()) != (state.plan.commands, state.plan.list_symbols()):
        update["is_measured"] = False
    return update


def _list_commands(state: State, services: Services) -> tuple[str, ...]:
    """How the plan names the tests; without a command of the project's own the test bed runs those that matter."""
    if state.evaluation is None:
        return ()
    testbed = services.workbench.attach_testbed(state.evaluation)
    return (testbed.test_command or testbed.codebase.command,)


def _ask_for_spec(issue: Issue, target: Location, services: Services) -> str:
    """The model's words; none where even a short prompt is too long for what the server gives."""
    model = services.model
    budget = min(model.profile.prompt_budget, model.get_context_size() - 2 * _SPEC_TOKENS)
    lines = split_lines(services.index().read_source(target.path))[target.start - 1 : target.end][:_SPEC_LINES]
    language = language_of(target.path)
    prompt = Specify(
        issue=trim_issue(issue, budget // 2, model.count_tokens),
        path=target.path,
        symbol=target.symbol or "module",
        source="".join(lines) if model.count_tokens("".join(lines)) < budget // 2 else "".join(lines[:10]),
        fence=language.fences[0] if language else "",
    )
    try:
        sampling = Sampling(_SPEC_TOKENS, 0.0, seed=services.options.seed)
        return model.chat((Message("user", render(prompt)),), sampling).text
    except ContextFull:
        return ""


def _shorten(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:300]
