"""Find what looks like a secret, and remove it from text that leaves this machine or is kept.

The patterns are those that issuers document for their tokens, and that detect-secrets and secretlint look for; words
that merely look random are left alone, as code is full of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Secret:
    """A stretch of text that looks like a secret."""

    kind: str
    start: int
    end: int


def find_secrets(text: str) -> tuple[Secret, ...]:
    """Find the secrets in `text`, in order; of those that overlap, the first."""
    found = [
        Secret(kind, match.start("value"), match.end("value"))
        for kind, shape in _SHAPES.items()
        for match in shape.finditer(text)
        if not _PLACEHOLDER.search(match["value"])
    ]
    kept: list[Secret] = []
    for secret in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or secret.start >= kept[-1].end:
            kept.append(secret)
    return tuple(kept)


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Replace the secrets in `text`: those of `known` value, and those recognised by their shape."""
    for value in sorted(set(known), key=len, reverse=True):
        text = text.replace(value, "[redacted]")
    for secret in reversed(find_secrets(text)):
        text = f"{text[: secret.start]}[redacted {secret.kind}]{text[secret.end :]}"
    return text


def list_own_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """List the values of variables that are named like secrets and have at least 8 characters."""
    return tuple(value for name, value in environment.items() if len(value) >= 8 and _SECRET_NAME.search(name))


_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY", re.IGNORECASE)
_PLACEHOLDER = re.compile(
    r"example|placeholder|redacted|dummy|changeme|your[-_]|x{6}|\*{3}|\.{3}|<|\$\{", re.IGNORECASE
)

_SHAPES = {
    "GitHub token": re.compile(r"(?P<value>\b(?:gh[opsur]_[A-Za-z0-9]{30,255}|github_pat_\w{36,255}))"),
    "GitLab token": re.compile(r"(?P<value>\bglpat-[\w-]{20,})"),
    "AWS key": re.compile(r"(?P<value>\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b)"),
    "Anthropic key": re.compile(r"(?P<value>\bsk-ant-[\w-]{24,})"),
    "OpenAI key": re.compile(r"(?P<value>\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,})"),
    "Hugging Face token": re.compile(r"(?P<value>\bhf_[A-Za-z0-9]{30,})"),
    "Slack token": re.compile(r"(?P<value>\bxox[abeoprs]-[A-Za-z0-9-]{10,})"),
    "Slack webhook": re.compile(r"(?P<value>hooks\.slack\.com/services/[\w/]{20,})"),
    "Stripe key": re.compile(r"(?P<value>\b[rs]k_live_[A-Za-z0-9]{16,})"),
    "Google key": re.compile(r"(?P<value>\bAIza[\w-]{35})"),
    "PyPI token": re.compile(r"(?P<value>\bpypi-[\w-]{50,})"),
    "npm token": re.compile(r"(?P<value>\bnpm_[A-Za-z0-9]{36})"),
    "SendGrid key": re.compile(r"(?P<value>\bSG\.[\w-]{20,}\.[\w-]{20,})"),
    "JSON web token": re.compile(r"(?P<value>\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"),
    "private key": re.compile(
        r"(?P<value>-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^-]{0,8000}-----END [A-Z ]{0,20}PRIVATE KEY-----)?)"
    ),
    "password in a URL": re.compile(r"://[^/\s:@]{1,100}:(?P<value>[^/\s:@\"'{}]{3,200})@"),
    "bearer token": re.compile(r"\b[Bb]earer\s+(?P<value>[A-Za-z0-9._~+/-]{20,}=*)"),
    "assigned secret": re.compile(
        r"(?i)\b[\w-]{0,40}(?:password|passwd|secret|api_?key|access_?key|auth_?token)[\w-]{0,20}[\"']?\s{0,5}[:=]\s{0,5}"
        r"[\"'](?P<value>[^\s\"']{12,200})[\"']"
    ),
}
