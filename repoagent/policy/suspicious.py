"""Find additions that are seldom part of a small fix, and that an attacker would make, for the reviewer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.policy.changes import FileChange
from repoagent.policy.globs import find_match


def find_suspicions(change: FileChange) -> Iterator[str]:
    """Yield what to look at in the change of one file, one phrase each, with the first line that shows it."""
    if manifest := find_match(change.path, _MANIFESTS):
        yield f"`{change.path}` decides what is installed or run on building (`{manifest}`)"
    for what, shape in _SHAPES.items():
        line = next((line for line in change.added if shape.search(line[:2000])), None)
        if line is not None:
            yield f"`{change.path}` {what}: `{_shorten_line(line)}`"


_MANIFESTS = (
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "requirements*.txt",
    "*.lock",
    "package.json",
    "package-lock.json",
    "Makefile",
    "Dockerfile*",
    "build.gradle*",
    "pom.xml",
    "Cargo.toml",
    "build.rs",
    "go.mod",
    "Gemfile",
    "*.gemspec",
    "composer.json",
    "sitecustomize.py",
    "usercustomize.py",
    "*.pth",
    "conftest.py",
    ".npmrc",
    "pip.conf",
)

_SHAPES = {
    "reaches the network": re.compile(
        r"\b(?:requests|httpx|urllib|urllib3|aiohttp|socket|http\.client|smtplib|ftplib|paramiko|telnetlib)\b"
        r"|\bfetch\s*\(|XMLHttpRequest|WebSocket|net\.Dial|https?://",
    ),
    "runs text as code": re.compile(
        r"\b(?:eval|exec|compile|execfile|__import__)\s*\(|new Function\b|\bFunction\s*\(|pickle\.loads?"
        r"|marshal\.loads?|yaml\.(?:unsafe_)?load\s*\(|importlib\.import_module",
    ),
    "starts programs": re.compile(
        r"\bsubprocess\b|os\.(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*)|child_process|pty\.spawn|shell\s*=\s*True"
        r"|Runtime\.getRuntime|ProcessBuilder|exec\.Command",
    ),
    "decodes hidden data": re.compile(
        r"b64decode|base64\.|\bunhexlify|fromhex\s*\(|zlib\.decompress|codecs\.decode|\batob\s*\(|[A-Za-z0-9+/]{120,}"
        r"|(?:\\x[0-9a-fA-F]{2}){12,}",
    ),
    "reads the environment or credentials": re.compile(
        r"os\.environ|getenv|process\.env|/proc/|\.ssh\b|\.netrc|\.aws\b|keyring|GITHUB_TOKEN|id_rsa",
    ),
    "weakens checks": re.compile(
        r"verify\s*=\s*False|CERT_NONE|_create_unverified_context|pytest\.mark\.(?:skip|xfail)|unittest\.skip|# *noqa"
        r"|# *nosec|# *type: *ignore|eslint-disable|assert\s+True\b|except\s*:\s*pass",
    ),
    "is hooked into installing": re.compile(
        r"(?:pre|post)install|cmdclass|\bentry_points\b|setup_requires|install_requires"
    ),
}


def _shorten_line(line: str) -> str:
    text = " ".join(line.split()).replace("`", "'")
    return text if len(text) <= 80 else f"{text[:79]}…"
