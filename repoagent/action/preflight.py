"""Check what a run needs of GitHub and of the machine before any time is spent, and name what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.github.api import Api
from repoagent.github.failures import GitHubRefused
from repoagent.policy import POLICY_PATH, parse_policy


@dataclass(frozen=True)
class Need:
    """One thing that was checked."""

    name: str
    problem: str = ""
    """What is missing and how to mend it; empty when all is well."""
    note: str = ""
    """What could not be checked, and why."""


def check_github(api: Api, label: str = "") -> Iterator[Need]:
    """Check the rights of the token, the policy, the repository and, if it is named, the label.

    Nothing is changed: GitHub gets requests that it must refuse as invalid, and refuses as forbidden where a right is
    missing.
    """
    try:
        facts = api.get_repository()
    except RepoagentError as error:
        yield Need("repository", f"{error} (asked at {api.repository.api})")
        return
    yield Need("repository", "it is archived: nothing can be pushed" if facts.archived else "")
    yield Need("issues", "" if facts.has_issues else "issues are switched off: switch them on in the settings")
    yield _check_policy(api, facts.default_branch)
    if label:
        yield _check_label(api, label)
    yield _check_right("issues: write", api.check_may_comment)
    yield _check_right("contents: write", api.check_may_push)
    yield _check_right("pull-requests: write", lambda: api.check_may_open_pulls(facts.default_branch))


def check_machine(model: str, sandbox: str) -> Iterator[Need]:
    """Check the sandbox and the model's server."""
    from repoagent.sandbox import choose_engine

    try:
        choose_engine(None if sandbox == "auto" else sandbox)
        yield Need("sandbox")
    except RepoagentError as error:
        yield Need("sandbox", str(error))
    yield _check_model(model)


def _check_policy(api: Api, branch: str) -> Need:
    try:
        parse_policy(api.read_file(POLICY_PATH, branch))
    except (UserError, EnvironmentFailed) as error:
        return Need("policy", str(error))
    return Need("policy")


def _check_label(api: Api, name: str) -> Need:
    """Check whether the label exists. Where it may not be seen this is a note, as runs by comment need none."""
    where = f"{api.repository.url}/labels"
    try:
        found = api.find_label(name)
    except GitHubRefused as error:
        return Need(f"label {name}", note=f"not looked at ({error}); see {where}")
    except RepoagentError as error:
        return Need(f"label {name}", str(error))
    return Need(f"label {name}", "" if found else f"there is no label `{name}`: make it at {where}")


def _check_right(name: str, probe: Callable[[], None]) -> Need:
    try:
        probe()
    except GitHubRefused as error:
        needs = error.needs or name
        return Need(
            name,
            f"the token lacks the permission `{needs}`: give `permissions: {name}` to the job that publishes, and "
            "allow it under Settings, Actions, General, Workflow permissions",
        )
    except RepoagentError as error:
        return Need(name, str(error))
    return Need(name)


def _check_model(model: str) -> Need:
    """Check whether the endpoint answers; embedded models are fetched by the run."""
    import httpx

    from repoagent.llm.address import is_url, parse_address
    from repoagent.llm.opening import check_model_spec

    try:
        check_model_spec(model)
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
