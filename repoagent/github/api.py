"""The calls to GitHub's API, each with what it is for, so that a refusal can be explained in one sentence."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter

from repoagent.github import replies
from repoagent.github.client import connect_client
from repoagent.github.failures import GitHubRefused, GitHubRequest, translate_errors
from repoagent.github.repository import Repository, may_receive_token

if TYPE_CHECKING:
    from githubkit import Response

R = TypeVar("R")

MAX_PAGES = 10
"""Pages of a list that are read, at most, a hundred entries each."""

_FILE = "save the issue's text to a file and give that instead"


class Api:
    """The API of one repository. It raises GitHubRefused, UserError and EnvironmentFailed, as `failures` explains."""

    def __init__(self, repository: Repository, token: str | None, transport: httpx.BaseTransport | None = None) -> None:
        self.repository = repository
        self._client = connect_client(repository, token, transport)
        self._has_token = bool(token) and may_receive_token(repository.host)
        self._where = (repository.owner, repository.name)

    # --- issues and comments

    def get_issue(self, number: int) -> replies.GitHubIssue:
        ask = self._client.rest.issues.get
        return self._read(replies.GitHubIssue, self._format_issue_url(number), lambda: ask(*self._where, number))

    def list_comments(self, number: int) -> Iterator[replies.GitHubComment]:
        """Yield the comments of an issue, oldest first, and fetch a page when it is needed."""
        ask = self._client.rest.issues.list_comments
        return self._read_pages(
            replies.GitHubComment,
            self._format_issue_url(number),
            lambda page: ask(*self._where, number, per_page=100, page=page),
        )

    def get_comment(self, identity: int) -> replies.GitHubComment:
        ask = self._client.rest.issues.get_comment
        return self._read(replies.GitHubComment, f"comment {identity}", lambda: ask(*self._where, identity))

    def create_comment(self, number: int, body: str) -> replies.GitHubComment:
        ask = self._client.rest.issues.create_comment
        return self._read(
            replies.GitHubComment, f"a comment on #{number}", lambda: ask(*self._where, number, body=body)
        )

    def update_comment(self, identity: int, body: str) -> replies.GitHubComment:
        ask = self._client.rest.issues.update_comment
        return self._read(
            replies.GitHubComment, f"a change of comment {identity}", lambda: ask(*self._where, identity, body=body)
        )

    def react_to_comment(self, comment: int) -> None:
        """React to a comment, so that its author sees at once that it was read."""
        ask = self._client.rest.reactions.create_for_issue_comment
        with translate_errors(self._describe_request(f"a reaction to comment {comment}")):
            ask(*self._where, comment, content="eyes")

    def list_timeline(self, number: int) -> Iterator[replies.TimelineEvent]:
        ask = self._client.rest.issues.list_events_for_timeline
        return self._read_pages(
            replies.TimelineEvent,
            self._format_issue_url(number),
            lambda page: ask(*self._where, number, per_page=100, page=page),
        )

    def search_issues(self, words: str) -> tuple[replies.GitHubIssue, ...]:
        """Search the open issues of the repository whose titles hold these words, at most 10."""
        query = f"repo:{self.repository.full_name} is:issue is:open in:title {words}"
        ask = self._client.rest.search.issues_and_pull_requests
        return self._read(replies.SearchResult, "a search for duplicates", lambda: ask(q=query, per_page=10)).items

    # --- the repository

    def get_repository(self) -> replies.RepositoryFacts:
        ask = self._client.rest.repos.get
        return self._read(replies.RepositoryFacts, self.repository.url, lambda: ask(*self._where))

    def get_permission(self, user: str) -> str:
        """Return the permission of a user: `admin`, `write`, `read` or `none`."""
        ask = self._client.rest.repos.get_collaborator_permission_level
        try:
            found = self._read(
                replies.Permission, f"the rights of {user}", lambda: ask(*self._where, quote(user, safe=""))
            )
        except GitHubRefused as error:
            if error.status == 404:
                return "none"
            raise
        return found.permission

    def find_branch(self, name: str) -> replies.Branch | None:
        """Find a branch; None where there is none."""
        ask = self._client.rest.repos.get_branch
        return self._read_or_none(replies.Branch, f"the branch {name}", lambda: ask(*self._where, quote(name, safe="")))

    def read_file(self, path: str, ref: str) -> str | None:
        """Read the text of a file at a branch, tag or commit; None where there is none."""
        ask = self._client.rest.repos.get_content
        found = self._read_or_none(replies.Content, path, lambda: ask(*self._where, quote(path, safe=""), ref=ref))
        return base64.b64decode(found.content).decode("utf-8", "replace") if found else None

    def find_label(self, name: str) -> replies.Label | None:
        """Find a label; None where there is none."""
        ask = self._client.rest.issues.get_label
        return self._read_or_none(replies.Label, f"the label {name}", lambda: ask(*self._where, quote(name, safe="")))

    # --- pull requests

    def list_pulls(self, head: str) -> tuple[replies.Pull, ...]:
        """List the open pull requests from one branch of this repository."""
        ask = self._client.rest.pulls.list
        whole = f"{self.repository.owner}:{head}"
        found: Iterator[replies.Pull] = self._read_pages(
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

    def check_may_push(self) -> None:
        """Raise GitHubRefused where the token may not create branches."""
        ask = self._client.rest.git.create_ref
        self._probe_permission(
            "a new branch", lambda: ask(*self._where, ref="refs/heads/repoagent/probe", sha="0" * 40)
        )

    def check_may_open_pulls(self, base: str) -> None:
        """Raise GitHubRefused where the token may not open pull requests."""
        ask = self._client.rest.pulls.create
        self._probe_permission(
            "a new pull request", lambda: ask(*self._where, title="probe", head=base, base=base, draft=True)
        )

    def check_may_comment(self) -> None:
        """Raise GitHubRefused where the token may not write to issues: an issue without a title is never created."""
        ask = self._client.rest.issues.create
        self._probe_permission("a comment", lambda: ask(*self._where, title=""))

    def _probe_permission(self, what: str, ask: Callable[[], object]) -> None:
        try:
            with translate_errors(self._describe_request(what)):
                ask()
        except GitHubRefused as error:
            if error.status != 422:
                raise

    # --- asking

    def _format_issue_url(self, number: int) -> str:
        return f"{self.repository.url}/issues/{number}"

    def _describe_request(self, what: str) -> GitHubRequest:
        trusted = may_receive_token(self.repository.host)
        return GitHubRequest(
            what, _FILE if "/issues/" in what else "", self._has_token, "" if trusted else self.repository.host
        )

    def _read(self, kind: type[R], what: str, ask: Callable[[], Response[Any]]) -> R:
        with translate_errors(self._describe_request(what)):
            return TypeAdapter(kind).validate_json(ask().content)

    def _read_or_none(self, kind: type[R], what: str, ask: Callable[[], Response[Any]]) -> R | None:
        try:
            return self._read(kind, what, ask)
        except GitHubRefused as error:
            if error.status == 404:
                return None
            raise

    def _read_pages(self, kind: type[R], what: str, ask: Callable[[int], Response[Any]]) -> Iterator[R]:
        """Yield the entries of all pages, asked for by number: an address in a reply is not followed."""
        entries = TypeAdapter(list[kind])  # type: ignore[valid-type]  # a type made at run time
        for page in range(1, MAX_PAGES + 1):
            with translate_errors(self._describe_request(what)):
                response = ask(page)
                found = entries.validate_json(response.content)
            yield from found
            if 'rel="next"' not in response.headers.get("link", ""):
                return
