"""Issues from GitHub's REST API, answered by recorded replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from repoagent.domain import Comment, Issue
from repoagent.errors import EnvironmentFailed, RepoagentError, UserError
from repoagent.github.api import Api
from repoagent.issue import find_clone_url, read_issue
from repoagent.issue.sources.github import AskedAt, fetch_issue
from repoagent.issue.sources.reference import parse_reference
from tests.github.server import ApiServer

RECORDINGS = Path(__file__).parent.parent / "recordings"
ISSUE = (RECORDINGS / "github_issue.json").read_bytes()
COMMENTS = (RECORDINGS / "github_comments.json").read_bytes()
URL = "https://github.com/acme/rulers/issues/7"

Handler = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers requests, and remembers them."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[httpx.Request] = []
        self._handler = handler

    def read(self, source: str = URL, token: str | None = None) -> Issue:
        return read_issue(source, token=token, transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._handler(request)


def recorded(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=COMMENTS if request.url.path.endswith("/comments") else ISSUE)


def answers(*responses: httpx.Response) -> Server:
    """A server that gives these answers, one after the other."""
    left: Iterator[httpx.Response] = iter(responses)
    return Server(lambda _: next(left))


@pytest.fixture(autouse=True)
def no_host_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GH_HOST", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)


def test_an_issue_comes_with_what_people_wrote_and_without_what_is_hidden() -> None:
    issue = Server(recorded).read()
    assert issue.title == "naturalsize(999999) says 1000.0 kB"
    assert issue.body == "```python\nnaturalsize(999999)  # '1000.0 kB'\n```\nI expected `1.0 MB`."
    assert issue.comments == (
        Comment("bo", "Also for 999999999.", "MEMBER"),
        Comment("ghost", "Rounding comes too late.", "NONE"),
    )
    assert issue.url == URL


@pytest.mark.parametrize(
    ("source", "api"),
    [
        (URL, "https://api.github.com/repos/acme/rulers/issues/7"),
        (f"{URL}#issuecomment-12", "https://api.github.com/repos/acme/rulers/issues/7"),
        (f"{URL}/?x=1", "https://api.github.com/repos/acme/rulers/issues/7"),
        ("acme/rulers#7", "https://api.github.com/repos/acme/rulers/issues/7"),
        ("github.com/acme/rulers/issues/7", "https://api.github.com/repos/acme/rulers/issues/7"),
        ("https://www.github.com/acme/rulers/pull/7", "https://api.github.com/repos/acme/rulers/issues/7"),
        ("https://git.acme.test/acme/rulers/issues/7", "https://git.acme.test/api/v3/repos/acme/rulers/issues/7"),
        ("https://git.acme.test:8443/a/b.c/issues/1", "https://git.acme.test:8443/api/v3/repos/a/b.c/issues/1"),
        ("https://acme.ghe.com/acme/rulers/issues/7", "https://api.acme.ghe.com/repos/acme/rulers/issues/7"),
    ],
)
def test_each_way_to_name_an_issue_asks_the_right_api(source: str, api: str) -> None:
    server = Server(recorded)
    server.read(source)
    assert [str(request.url) for request in server.requests] == [api, f"{api}/comments?per_page=100&page=1"]
    assert server.requests[0].headers["X-GitHub-Api-Version"] == "2022-11-28"


@pytest.mark.parametrize(
    ("source", "clone"),
    [
        (URL, "https://github.com/acme/rulers.git"),
        ("acme/rulers#7", "https://github.com/acme/rulers.git"),
        ("https://git.acme.test/a/b/issues/7", "https://git.acme.test/a/b.git"),
        ("issue.md", None),
        ("-", None),
    ],
)
def test_an_issue_names_its_repository(source: str, clone: str | None) -> None:
    assert find_clone_url(source) == clone


@pytest.mark.parametrize(
    "source",
    [
        "http://github.com/acme/rulers/issues/7",
        "https://github.com/acme/rulers",
        "https://gitlab.com/acme/rulers/-/issues/7",
        "https://github.com/acme/rulers/issues/seven",
        "https://github.com/-x/rulers/issues/7",
        "https://[bad/acme/rulers/issues/7",
    ],
)
def test_other_urls_are_refused(source: str) -> None:
    with pytest.raises(UserError):
        read_issue(source, token=None)


def test_a_pull_request_is_refused() -> None:
    reply = json.loads(ISSUE) | {"pull_request": {"url": "https://api.github.com/repos/acme/rulers/pulls/7"}}
    with pytest.raises(UserError, match="is a pull request"):
        answers(httpx.Response(200, json=reply)).read()


def test_comments_are_read_page_by_page_up_to_a_hundred() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/comments"):
            return httpx.Response(200, content=ISSUE)
        number = int(request.url.params.get("page", "1"))
        comments = [{"user": {"login": "ann"}, "body": f"{number}.{n}"} for n in range(60)]
        more = f'<https://api.github.com/repositories/1/issues/7/comments?page={number + 1}>; rel="next"'
        return httpx.Response(200, json=comments, headers={"Link": more})

    server = Server(page)
    comments = server.read().comments
    assert (len(comments), comments[-1].body, len(server.requests)) == (100, "2.39", 3)


def test_an_issue_without_comments_needs_one_request() -> None:
    server = answers(httpx.Response(200, json={"title": "T", "body": None, "comments": 0}))
    assert server.read() == Issue("T", "", (), URL)
    assert len(server.requests) == 1


# --- the token --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "named", "sent"),
    [
        (URL, "", True),
        ("https://acme.ghe.com/a/b/issues/7", "", True),
        ("https://evil.test/a/b/issues/7", "", False),
        ("https://git.acme.test/a/b/issues/7", "git.acme.test", True),
        ("https://github.com.evil.test/a/b/issues/7", "git.acme.test", False),
    ],
)
def test_the_token_goes_to_hosts_it_is_meant_for(
    source: str, named: str, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_HOST", named)
    server = Server(recorded)
    server.read(source, token="secret")
    assert {request.headers.get("Authorization") for request in server.requests} == {"Bearer secret" if sent else None}


def test_a_transferred_issue_is_followed_on_the_same_host() -> None:
    moved = json.loads(ISSUE) | {"html_url": "https://github.com/acme/new/issues/9", "comments": 0}
    server = answers(
        httpx.Response(301, headers={"Location": "/repositories/5/issues/9"}), httpx.Response(200, json=moved)
    )
    assert server.read(token="secret").url == "https://github.com/acme/new/issues/9"
    assert server.requests[1].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("location", ["https://evil.test/x", "http://api.github.com/x", "//evil.test/x"])
def test_another_host_is_not_followed(location: str) -> None:
    server = answers(httpx.Response(302, headers={"Location": location}))
    with pytest.raises(UserError, match="moved to another host"):
        server.read(token="secret")
    assert len(server.requests) == 1


def test_the_next_page_is_not_fetched_from_another_host() -> None:
    link = {"Link": '<https://evil.test/2>; rel="next"'}
    pages = [httpx.Response(200, content=content, headers=link) for content in (ISSUE, COMMENTS, b"[]")]
    pages.append(httpx.Response(200, content=b"[]"))
    server = answers(*pages)
    assert len(server.read(token="secret").comments) == 2
    assert {request.url.host for request in server.requests} == {"api.github.com"}


def test_circles_end() -> None:
    server = Server(lambda request: httpx.Response(302, headers={"Location": str(request.url)}))
    with pytest.raises(EnvironmentFailed, match="in circles"):
        server.read()


# --- what goes wrong --------------------------------------------------------------------------------------------------

LIMITED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1893456000"}


@pytest.mark.parametrize(
    ("response", "kind", "message"),
    [
        (httpx.Response(404), UserError, "set GITHUB_TOKEN"),
        (httpx.Response(401), UserError, "does not accept the token"),
        (httpx.Response(403, headers=LIMITED), EnvironmentFailed, "until 00:00 UTC.*GITHUB_TOKEN"),
        (httpx.Response(429, headers={"retry-after": "60"}), EnvironmentFailed, "limit of requests"),
        (httpx.Response(403, text="You have exceeded a secondary rate limit"), EnvironmentFailed, "a little later"),
        (httpx.Response(403, headers={"x-ratelimit-remaining": "9"}), UserError, "forbids"),
        (httpx.Response(410), UserError, "deleted"),
        (httpx.Response(451), UserError, "legal"),
        (httpx.Response(418), UserError, "418"),
        (httpx.Response(200, text="<html>Sign in</html>"), EnvironmentFailed, "did not answer as GitHub does"),
        (httpx.Response(200, json=[]), EnvironmentFailed, "did not answer as GitHub does"),
        (httpx.Response(200, json={"title": " ", "body": "<!-- nothing -->"}), UserError, "is empty"),
    ],
)
def test_a_reply_that_is_no_issue_says_what_to_do(
    response: httpx.Response, kind: type[RepoagentError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        answers(response).read()


def test_with_a_token_a_missing_issue_is_explained_by_its_rights() -> None:
    with pytest.raises(UserError, match="the token may not read it"):
        answers(httpx.Response(404)).read(token="secret")


def test_at_another_host_the_user_is_told_to_name_it() -> None:
    with pytest.raises(UserError, match=r"GITHUB_TOKEN and GH_HOST=git\.acme\.test"):
        answers(httpx.Response(404)).read("https://git.acme.test/a/b/issues/7", token="secret")


def test_a_server_that_stumbles_is_asked_once_more() -> None:
    server = answers(httpx.Response(502), httpx.Response(200, json={"title": "T"}))
    assert server.read().title == "T"
    with pytest.raises(EnvironmentFailed, match="try again later"):
        answers(httpx.Response(502), httpx.Response(503)).read()


def test_without_a_network_the_user_is_told_of_files() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Name or service not known", request=request)

    with pytest.raises(EnvironmentFailed, match="to a file"):
        Server(fail).read()


# --- what is asked twice ----------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_asked_by_its_etag_and_not_sent_again(api_server: ApiServer) -> None:
    api_server.issues[7] = {"title": "T", "body": "first"}
    first, second = api_server.api().get_issue(7), api_server.api().get_issue(7)
    assert first == second
    assert [reply.status for reply in api_server.log] == [200, 304]
    api_server.issues[7]["body"] = "second"
    assert api_server.api().get_issue(7).body == "second"


# --- frozen at the moment somebody asked ------------------------------------------------------------------------------


def test_comments_count_only_as_they_were_and_of_people_who_contributed() -> None:
    def said(name: str, association: str, created: str, updated: str = "") -> dict[str, object]:
        times = {"created_at": created, "updated_at": updated or created}
        return {"user": {"login": name}, "author_association": association, "body": name, **times}

    comments = [
        said("reporter", "NONE", "2026-01-01T00:00:00Z"),
        said("member", "MEMBER", "2026-01-01T00:00:00Z"),
        said("stranger", "NONE", "2026-01-01T00:00:00Z"),
        said("late", "OWNER", "2026-01-03T00:00:00Z"),
        said("edited", "OWNER", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"),
        said("ci[bot]", "NONE", "2026-01-01T00:00:00Z"),
    ]
    issue = {"title": "T", "number": 7, "comments": 6, "user": {"login": "reporter"}, "author_association": "NONE"}
    notes: list[str] = []

    def read(frozen: AskedAt | None) -> list[str]:
        server = answers(httpx.Response(200, json=issue), httpx.Response(200, json=comments))
        reference = parse_reference(URL)
        assert reference
        api = Api(reference.repository, None, httpx.MockTransport(server._answer))
        return [comment.author for comment in fetch_issue(reference, api, notes.append, frozen).comments]

    assert read(AskedAt("2026-01-02T00:00:00Z")) == ["reporter", "member"]
    assert notes == [
        "1 comments of bots were not read",
        "2 comments written or edited after the run was asked for were not read",
        "1 comments of people who have not contributed before were not read",
    ]
    assert read(AskedAt("2026-01-02T00:00:00Z", members_only=False)) == ["reporter", "member", "stranger"]
    assert read(None) == ["reporter", "member", "stranger", "late", "edited"]
