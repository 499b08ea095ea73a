"""Check what a run needs of GitHub and of the machine before any time is spent, and name what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.github.api import Api
from repoagent.github.failures import Refused
from repoagent.policy import PATH, parse


@dataclass(frozen=True)
class Need:
    """One thing that was checked."""

    name: str
    problem: str = ""
    """What is missing and how to mend it; empty when all is well."""
    note: str = ""
    """What could not be checked, and why."""


def of_github(api: Api, label: str = "") -> Iterator[Need]:
    """Check the rights of the token, the policy, the repository and, if it is named, the label.

    Nothing is changed: GitHub gets requests that it must refuse as invalid, and refuses as forbidden where a right is
    missing.
    """
    try:
        facts = api.facts()
    except RepoagentError as error:
        yield Need("repository", f"{error} (asked at {api.repository.api})")
        return
    yield Need("repository", "it is archived: nothing can be pushed" if facts.archived else "")
    yield Need("issues", "" if facts.has_issues else "issues are switched off: switch them on in the settings")
    yield _policy(api, facts.default_branch)
    if label:
        yield _label(api, label)
    yield _right("issues: write", api.may_comment)
    yield _right("contents: write", api.may_push)
    yield _right("pull-requests: write", lambda: api.may_open_pulls(facts.default_branch))


def of_the_machine(model: str, sandbox: str) -> Iterator[Need]:
    """Check the sandbox and the model's server."""
    from repoagent.sandbox import choose

    try:
        choose(None if sandbox == "auto" else sandbox)
        yield Need("sandbox")
    except RepoagentError as error:
        yield Need("sandbox", str(error))
    yield _model(model)


def _policy(api: Api, branch: str) -> Need:
    try:
        parse(api.file(PATH, branch))
    except (UserError, EnvironmentFailed) as error:
        return Need("policy", str(error))
    return Need("policy")


def _label(api: Api, name: str) -> Need:
    """Check whether the label exists. Where it may not be seen this is a note, as runs by comment need none."""
    where = f"{api.repository.url}/labels"
    try:
        found = api.label(name)
    except Refused as error:
        return Need(f"label {name}", note=f"not looked at ({error}); see {where}")
    except RepoagentError as error:
        return Need(f"label {name}", str(error))
    return Need(f"label {name}", "" if found else f"there is no label `{name}`: make it at {where}")


def _right(name: str, probe: Callable[[], None]) -> Need:
    try:
        probe()
    except Refused as error:
        needs = error.needs or name
        return Need(
            name,
            f"the token lacks the permission `{needs}`: give `permissions: {name}` to the job that publishes, and "
            "allow it under Settings, Actions, General, Workflow permissions",
        )
    except RepoagentError as error:
        return Need(name, str(error))
    return Need(name)


def _model(model: str) -> Need:
    """Check whether the endpoint answers; embedded models are fetched by the run."""
    import httpx

    from repoagent.llm.address import is_url, parse_address
    from repoagent.llm.opening import check

    try:
        check(model)
        if not is_url(model):
            return Need("model")
        url = f"{parse_address(model).url.rstrip('/')}/models"
        key = os.environ.get("REPOAGENT_API_KEY", "")
        reply = httpx.get(url, headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=20)
    except (RepoagentError, httpx.HTTPError, httpx.InvalidURL) as error:
        return Need("model", f"the model's endpoint {model} does not answer ({error}): start it, or correct `model`")
    if reply.is_success:
        return Need("model")
    return Need("model", f"the model's endpoint {url} answers {reply.status_code}: correct `model`, or its key")
