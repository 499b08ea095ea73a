"""The texts of a pull request and its commit, from templates, without secrets; text of others is escaped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from repoagent.github.replies import GitHubIssue, Pull
from repoagent.publish import markdown
from repoagent.publish.delivery import Delivery
from repoagent.redaction import list_own_secrets, redact

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_BODY_CHARACTERS = 60_000
"""Characters of a body, at most; GitHub takes 65,536."""


def format_title(delivery: Delivery) -> str:
    """Format the title of the pull request."""
    return redact_secrets(markdown.sanitise_title(delivery.issue.title))


def render_body(
    delivery: Delivery,
    *,
    branch: str,
    remote: str,
    flags: Sequence[str] = (),
    others: Sequence[Pull | GitHubIssue] = (),
    duplicates: Sequence[GitHubIssue] = (),
) -> str:
    """Render the body of the pull request."""
    return render_template(
        "pull_request.md.j2",
        delivery=delivery,
        branch=branch,
        remote=remote,
        flags=flags,
        others=others,
        duplicates=duplicates,
    )


def format_commit_message(delivery: Delivery) -> str:
    """Format the commit message: a subject, what it does, and trailers that say where it came from."""
    result = delivery.result
    trailers = {
        "Repoagent-Issue": f"{delivery.number}",
        "Repoagent-Session": result.session,
        "Repoagent-Model": result.model,
        "Repoagent-Version": delivery.version,
        "Repoagent-Audit": delivery.audit,
    }
    lines = [f"{name}: {markdown.sanitise_title(value, 100)}" for name, value in trailers.items() if value]
    return redact_secrets(
        "\n".join(
            (
                markdown.sanitise_title(delivery.issue.title, 72),
                "",
                markdown.sanitise_title(result.summary),
                "",
                *lines,
                "",
            )
        )
    )


def render_template(template: str, **values: object) -> str:
    """Render a template of this package, without secrets, and cut it to what GitHub takes."""
    text = redact_secrets(_make_environment().get_template(template).render(**values))
    return text if len(text) <= MAX_BODY_CHARACTERS else f"{text[:MAX_BODY_CHARACTERS]}\n\n… cut"


def redact_secrets(text: str) -> str:
    """Replace secrets in `text`: those of this process, and what looks like one."""
    return redact(text, list_own_secrets(os.environ))


@cache
def _make_environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("repoagent.publish"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML; the filters below are the escaping
        keep_trailing_newline=True,
    )
    made.filters |= {
        "shown": markdown.escape_line,
        "code": markdown.format_inline_code,
        "fenced": markdown.format_code_block,
        "flat": lambda text, limit: markdown.flatten(str(text), limit).replace("`", "'"),
    }
    return made
