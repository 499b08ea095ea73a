"""Fetch the report that a runner wrote into a file of the sandbox."""

from __future__ import annotations

import secrets

from repoagent.sandbox.base import REPOSITORY, Sandbox

MAX_BYTES = 32 * 1024 * 1024
"""Bytes of the largest report that is read, unless a runner says otherwise."""

PYTEST_OPTIONS = ("-p", "no:cacheprovider", f"--rootdir={REPOSITORY}")
"""Options with which ids are relative to the repository, and nothing is written into it."""


def make_report_path(ending: str = "xml") -> str:
    """Make a new path for each run, so that no old report is read. The code under test can find it and write there."""
    return f"/tmp/repoagent-{secrets.token_hex(8)}.{ending}"  # noqa: S108 - inside the sandbox


def read_report(sandbox: Sandbox, path: str, largest: int = MAX_BYTES) -> bytes | None:
    """Read a report; None where there is none of at most `largest` bytes. Its size is asked first: it may fill the
    disk."""
    size = sandbox.run(("stat", "-c", "%s", path), timeout=30).output.strip()
    if not size.isdigit() or int(size) > largest:
        return None
    try:
        return sandbox.read(path)
    except FileNotFoundError:
        return None


def list_junit_options(path: str) -> tuple[str, ...]:
    """List the options with which the pytest of any environment writes JUnit XML to `path`."""
    return (*PYTEST_OPTIONS, f"--junitxml={path}", "-o", "junit_family=xunit1")
