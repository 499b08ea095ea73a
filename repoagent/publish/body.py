"""The texts of a pull request and its commit, from templates, without secrets; text of others is escaped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from repoagent.github.replies import Issue, Pull
from repoagent.publish import markdown
from repoagent.publish.delivery import Delivery
from repoagent.redaction import own_secrets, redact

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST = 60_000
"""Characters of a body, at most; GitHub takes 65,536."""


def title_of(delivery: Delivery) -> str:
    """Format the title of the pull request."""
    return clean(markdown.title(delivery.issue.title))


def body_of(
    delivery: Delivery,
    *,
    branch: str,
    remote: str,
    flags: Sequence[str] = (),
    others: Sequence[Pull | Issue] = (),
    duplicates: Sequence[Issue] = (),
) -> str:
    """Render the body of the pull request."""
    return rendered(
        "pull_request.md.j2",
        delivery=delivery,
        branch=branch,
        remote=remote,
        flags=flags,
        others=others,
        duplicates=duplicates,
    )


def message_of(delivery: Delivery) -> str:
    """Format the commit message: a subject, what it does, and trailers that say where it came from."""
    result = delivery.result
    trailers = {
        "Repoagent-Issue": f"{delivery.number}",
        "Repoagent-Session": result.session,
        "Repoagent-Model": result.model,
        "Repoagent-Version": delivery.version,
        "Repoagent-Audit": delivery.audit,
    }
    lines = [f"{name}: {markdown.title(value, 100)}" for name, value in trailers.items() if value]
    return clean(
        "\n".join((markdown.title(delivery.issue.title, 72), "", markdown.title(result.summary), "", *lines, ""))
    )


def rendered(template: str, **values: object) -> str:
    """Render a template of this package, without secrets, and cut it to what GitHub takes."""
    text = clean(_environment().get_template(template).render(**values))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n\n… cut"


def clean(text: str) -> str:
    """Replace secrets in `text`: those of this process, and what looks like one."""
    return redact(text, own_secrets(os.environ))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("repoagent.publish"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML; the filters below are the escaping
        keep_trailing_newline=True,
    )
    made.filters |= {
        "shown": markdown.shown,
        "code": markdown.code,
        "fenced": markdown.fenced,
        "flat": lambda text, limit: markdown.one_line(str(text), limit).replace("`", "'"),
    }
    return made
