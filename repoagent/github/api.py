"""The calls to GitHub's API, each with what it is for, so that a refusal can be explained in one sentence."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from repoagent.github import replies
from repoagent.github.client import connect
from repoagent.github.failures import Asked, Refused, explained
from repoagent.github.repository import Repository, may_have_token

if TYPE_CHECKING:
    from githubkit import Response

R = TypeVar("R")

PAGES = 10
"""Pages of a list that are read, at most, a hundred entries each."""

_FILE = "save the issue's text to a file and give that instead"


class Api:
    """The API of one repository. Methods raise Refused, UserError and EnvironmentFailed, as `failures` explains."""

    def __init__(self, repository: Repository, token: str | None, transport: httpx.BaseTransport | None = None) -> None:
        self.repository = repository
        self._client = connect(repository, token, transport)
        self._has_token = bool(token) and may_have_token(repository.host)
        self._where = (repository.owner, repository.name)

    # --- issues and comments

    def issue(self, number: int) -> replies.Issue:
        ask = self._client.rest.issues.get
        return self._read(replies.Issue, self._issue(number), lambda: ask(*self._where, number))

    def comments(self, number: int) -> Iterator[replies.Comment]:
        """Yield the comments of an issue, oldest first, and fetch a page when it is needed."""
        ask = self._client.rest.issues.list_comments
        return self._pages(
            replies.Comment, self._issue(number), lambda page: ask(*self._where, number, per_page=100, page=page)
        )

    def comment(self, identity: int) -> replies.Comment:
        ask = self._client.rest.issues.get_comment
        return self._read(replies.Comment, f"comment {identity}", lambda: ask(*self._where, identity))

    def create_comment(self, number: int, body: str) -> replies.Comment:
        ask = self._client.rest.issues.create_comment
        return self._read(replies.Comment, f"a comment on #{number}", lambda: ask(*self._where, number, body=body))

    def update_comment(self, identity: int, body: str) -> replies.Comment:
        ask = self._client.rest.issues.update_comment
        return self._read(
            replies.Comment, f"a change of comment {identity}", lambda: ask(*self._where, identity, body=body)
        )

    def react(self, comment: int) -> None:
        """React to a comment, so that its author sees at once that it was read."""
        ask = self._client.rest.reactions.create_for_issue_comment
        with explained(self._asked(f"a reaction to comment {comment}")):
            ask(*self._where, comment, content="eyes")

    def timeline(self, number: int) -> Iterator[replies.Event]:
        ask = self._client.rest.issues.list_events_for_timeline
        return self._pages(
            replies.Event, self._issue(number), lambda page: ask(*self._where, number, per_page=100, page=page)
        )

    def similar_issues(self, words: str) -> tuple[replies.Issue, ...]:
        """Search the open issues of the repository whose titles hold these words, at most 10."""
        query = f"repo:{self.repository.full_name} is:issue is:open in:title {words}"
        ask = self._client.rest.search.issues_and_pull_requests
        return self._read(replies.Found, "a search for duplicates", lambda: ask(q=query, per_page=10)).items

    # --- the repository

    def facts(self) -> replies.Repo:
        ask = self._client.rest.repos.get
        return self._read(replies.Repo, self.repository.url, lambda: ask(*self._where))

    def permission(self, user: str) -> str:
        """Return the permission of a user: `admin`, `write`, `read` or `none`."""
        ask = self._client.rest.repos.get_collaborator_permission_level
        try:
            found = self._read(
                replies.Permission, f"the rights of {user}", lambda: ask(*self._where, quote(user, safe=""))
            )
        except Refused as error:
            if error.status == 404:
                return "none"
            raise
        return found.permission

    def branch(self, name: str) -> replies.Branch | None:
        """Find a branch; None where there is none."""
        ask = self._client.rest.repos.get_branch
        return self._known(replies.Branch, f"the branch {name}", lambda: ask(*self._where, quote(name, safe="")))

    def file(self, path: str, ref: str) -> str | None:
        """Read the text of a file at a branch, tag or commit; None where there is none."""
        ask = self._client.rest.repos.get_content
        found = self._known(replies.Content, path, lambda: ask(*self._where, quote(path, safe=""), ref=ref))
        return base64.b64decode(found.content).decode("utf-8", "replace") if found else None

    def label(self, name: str) -> replies.Label | None:
        """Find a label; None where there is none."""
        ask = self._client.rest.issues.get_label
        return self._known(replies.Label, f"the label {name}", lambda: ask(*self._where, quote(name, safe="")))

    # --- pull requests

    def pulls(self, head: str) -> tuple[replies.Pull, ...]:
        """List the open pull requests from one branch of this repository."""
        ask = self._client.rest.pulls.list
        whole = f"{self.repository.owner}:{head}"
        found: Iterator[replies.Pull] = self._pages(
            replies.Pull,
            f"the pull requests from {head}",
            lambda page: ask(*self._where, state="open", head=whole, per_page=100, page=page),
        )
        return tuple(pull for pull in found if pull.head.ref in {"", head})

    def create_pull(self, *, title: str, body: str, head: str, base: str) -> replies.Pull:
        """Create a draft pull request."""
        ask = self._client.rest.pulls.create
        values: dict[str, Any] = {"title": title, "body": body, "head": head, "base": base}
        return self._read(
            replies.Pull,
            "a new pull request",
            lambda: ask(*self._where, **values, draft=True, maintainer_can_modify=True),
        )

    def update_pull(self, number: int, *, title: str, body: str) -> replies.Pull:
        ask = self._client.rest.pulls.update
        return self._read(
            replies.Pull,
            f"a change of pull request #{number}",
            lambda: ask(*self._where, number, title=title, body=body),
        )

    # --- probes: requests that GitHub must refuse as senseless, and refuses as forbidden where a right is missing

    def may_push(self) -> None:
        """Raise Refused where the token may not create branches."""
        ask = self._client.rest.git.create_ref
        self._probe("a new branch", lambda: ask(*self._where, ref="refs/heads/repoagent/probe", sha="0" * 40))

    def may_open_pulls(self, base: str) -> None:
        """Raise Refused where the token may not open pull requests."""
        ask = self._client.rest.pulls.create
        self._probe("a new pull request", lambda: ask(*self._where, title="probe", head=base, base=base, draft=True))

    def may_comment(self) -> None:
        """Raise Refused where the token may not write to issues: an issue without a title is never created."""
        ask = self._client.rest.issues.create
        self._probe("a comment", lambda: ask(*self._where, title=""))

    def _probe(self, what: str, ask: Callable[[], object]) -> None:
        try:
            with explained(self._asked(what)):
                ask()
        except Refused as error:
            if error.status != 422:
                raise

    # --- asking

    def _issue(self, number: int) -> str:
        return f"{self.repository.url}/issues/{number}"

    def _asked(self, what: str) -> Asked:
        trusted = may_have_token(self.repository.host)
        return Asked(
            what, _FILE if "/issues/" in what else "", self._has_token, "" if trusted else self.repository.host
        )

    def _read(self, kind: type[R], what: str, ask: Callable[[], Response[Any]]) -> R:
        with explained(self._asked(what)):
            return TypeAdapter(kind).validate_json(ask().content)

    def _known(self, kind: type[R], what: str, ask: Callable[[], Response[Any]]) -> R | None:
        try:
            return self._read(kind, what, ask)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def _pages(self, kind: type[R], what: str, ask: Callable[[int], Response[Any]]) -> Iterator[R]:
        """Yield the entries of all pages, asked for by number: an address in a reply is not followed."""
        entries = TypeAdapter(list[kind])  # type: ignore[valid-type]  # a type made at run time
        for page in range(1, PAGES + 1):
            with explained(self._asked(what)):
                response = ask(page)
                found = entries.validate_json(response.content)
            yield from found
            if 'rel="next"' not in response.headers.get("link", ""):
                return
