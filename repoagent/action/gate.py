"""Decide who may ask for a run: people who could change the code themselves, and bots that the workflow names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from repoagent.action.event import Trigger
from repoagent.github.api import Api

_ALLOWED_PERMISSIONS = frozenset({"admin", "write"})
"""`maintain` is given as `write`."""


@dataclass(frozen=True)
class GateRules:
    """What the workflow allows."""

    label: str = "repoagent"
    bots: Collection[str] = ()
    """Names of bots that may ask; `*` is not one."""


def explain_refusal(trigger: Trigger | None, rules: GateRules, api: Api) -> str:
    """Explain in one sentence why there is no run; empty where there is one. GitHub is asked last, if all else fits."""
    if trigger is None:
        return "This event asks for nothing."
    if trigger.kind == "label" and trigger.label != rules.label:
        return f"The label is not `{rules.label}`."
    if trigger.issue is not None and trigger.issue.pull_request is not None:
        return "This is a pull request: name the issue that it is about."
    if trigger.issue is not None and trigger.issue.state != "open":
        return "The issue is closed: open it again first."
    return _check_actor(trigger, rules, api)


def _check_actor(trigger: Trigger, rules: GateRules, api: Api) -> str:
    """Explain what speaks against the user who asks; empty where nothing does."""
    name = trigger.actor.login
    if not name:
        return "The event does not say who asks."
    if trigger.actor.is_bot:
        return "" if name in rules.bots else f"{name} is a bot, and `allow-bots` does not name it."
    if api.get_permission(name) not in _ALLOWED_PERMISSIONS:
        return f"{name} has no write access to this repository, which is needed to ask for a run."
    return ""
