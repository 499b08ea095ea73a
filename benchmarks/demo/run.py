"""The demo: take the source distribution of a released version with a real bug, and let `repoagent solve` fix it.

What is fetched is pinned by hash and unpacked, never built or imported here. The issue is in `issue.md`; the fix
that upstream released later is not shipped, `demo.toml` only says in which version it came.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx

HERE = Path(__file__).resolve().parent
PLACE = Path(os.environ.get("REPOAGENT_DEMO", ".demo")).absolute()


@dataclass(frozen=True)
class Demo:
    """A released version of a project, and its bug."""

    package: str
    version: str
    file: str
    """The source distribution."""
    sha256: str
    fixed_in: str
    """The release with upstream's fix."""
    seed: int


def main() -> int:
    """Fetch, unpack, solve; the exit code of `repoagent solve`."""
    demo = Demo(**tomllib.loads((HERE / "demo.toml").read_text(encoding="utf-8")))
    print(f"{demo.package} {demo.version}: a real bug, fixed upstream in {demo.fixed_in}\n", flush=True)
    print((HERE / "issue.md").read_text(encoding="utf-8"), flush=True)
    repository = checkout(demo, PLACE)
    session = PLACE / "session"
    shutil.rmtree(session, ignore_errors=True)
    command = ["solve", "--issue", str(HERE / "issue.md"), "--repo", str(repository), "--out", str(session), "--yes"]
    return subprocess.run(
        [sys.executable, "-m", "repoagent", *command, "--seed", str(demo.seed), *sys.argv[1:]], check=False
    ).returncode


def checkout(demo: Demo, place: Path) -> Path:
    """The unpacked source distribution as a git repository of one commit."""
    target = place / f"{demo.package}-{demo.version}"
    if not (target / ".git").is_dir():
        place.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        with tarfile.open(fetch(demo, place)) as archive:
            archive.extractall(place)  # noqa: S202  # pinned by hash above; Python 3.11.2 has no filters
        _commit(target)
    return target


def fetch(demo: Demo, place: Path) -> Path:
    """The source distribution, from the package index that pip is configured for."""
    path = place / demo.file
    if not path.exists():
        try:
            with httpx.Client(follow_redirects=True, timeout=60) as client:
                content = client.get(_address(client, demo)).raise_for_status().content
        except httpx.HTTPError as error:
            sys.exit(
                f"{demo.file} could not be fetched ({error}): is pip's index reached, its certificate known to Python?"
            )
        path.write_bytes(content)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != demo.sha256:
        path.unlink()
        sys.exit(f"{demo.file} has the hash {found}, and {demo.sha256} was expected: try again")
    return path


def _address(client: httpx.Client, demo: Demo) -> str:
    """Where the file lies, by the index's own word (PEP 691)."""
    page = f"{_index()}/{demo.package}/"
    reply = client.get(page, headers={"Accept": "application/vnd.pypi.simple.v1+json"}).raise_for_status()
    for file in reply.json()["files"]:
        if file["filename"] == demo.file:
            return urljoin(str(reply.url), str(file["url"]))
    sys.exit(f"the package index does not have {demo.file}")


def _index() -> str:
    """pip's index: what its environment or configuration says, else what it has built in."""
    configured = subprocess.run(
        [sys.executable, "-P", "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    built_in = [sys.executable, "-P", "-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]
    found = os.environ.get("PIP_INDEX_URL") or configured.stdout.strip()
    return (found or subprocess.run(built_in, capture_output=True, text=True, check=True).stdout.strip()).rstrip("/")


def _commit(directory: Path) -> None:
    identity = ["-c", "user.name=demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all", "--force"],
        [*identity, "commit", "--quiet", "-m", "As released"],
    ):
        subprocess.run(["git", *arguments], cwd=directory, check=True)


if __name__ == "__main__":
    sys.exit(main())
