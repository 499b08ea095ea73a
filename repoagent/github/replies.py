"""GitHub's replies, as far as they are read here; other fields are ignored."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class GitHubReply(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class User(GitHubReply):
    login: str = ""
    type: str = "User"

    @property
    def is_bot(self) -> bool:
        return self.type == "Bot" or self.login.endswith("[bot]")


class Label(GitHubReply):
    name: str | None = ""


class GitHubIssue(GitHubReply):
    title: str
    number: int = 0
    body: str | None = None
    html_url: str = ""
    comments: int = 0
    state: str = "open"
    user: User | None = None
    author_association: str = ""
    labels: tuple[Label, ...] = ()
    updated_at: str = ""
    pull_request: object = None


class GitHubComment(GitHubReply):
    id: int = 0
    user: User | None = None
    """None where the account is gone."""
    body: str | None = None
    html_url: str = ""
    author_association: str = ""
    created_at: str = ""
    updated_at: str = ""

    @property
    def is_by_bot(self) -> bool:
        return self.user is not None and self.user.is_bot


class Permission(GitHubReply):
    permission: str
    """`admin`, `write`, `read`, `none`; `maintain` is given as `write`, `triage` as `read`."""
    role_name: str = ""


class RepositoryFacts(GitHubReply):
    full_name: str
    default_branch: str
    private: bool = False
    archived: bool = False
    has_issues: bool = True
    permissions: dict[str, bool] = {}


class GitHubCommit(GitHubReply):
    sha: str


class Branch(GitHubReply):
    name: str
    commit: GitHubCommit
    protected: bool = False


class Ref(GitHubReply):
    ref: str = ""
    sha: str = ""


class Pull(GitHubReply):
    number: int
    html_url: str
    state: str = "open"
    draft: bool | None = False
    title: str = ""
    body: str | None = None
    user: User | None = None
    head: Ref = Ref()
    base: Ref = Ref()


class _Source(GitHubReply):
    issue: GitHubIssue | None = None


class TimelineEvent(GitHubReply):
    """One entry of an issue's timeline."""

    event: str = ""
    source: _Source | None = None


class Content(GitHubReply):
    content: str = ""
    encoding: str = ""


class SearchResult(GitHubReply):
    items: tuple[GitHubIssue, ...] = ()
