"""Put a system with a given Python together from a distribution's packages, where no registry has an image."""

from __future__ import annotations

import hashlib
import os
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from repoagent import process
from repoagent.errors import EnvironmentFailed
from repoagent.sandbox.base import ProgressListener

_UBUNTU = "http://archive.ubuntu.com/ubuntu"
_KEYRING = (
    f"{_UBUNTU}/pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb",
    "36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8",
)
"""Ubuntu's own keys, which Debian does not carry; believed by this hash alone, the way there is plain HTTP."""


@dataclass(frozen=True)
class Release:
    """A release of a distribution that has a Python among its packages."""

    suite: str
    packages: tuple[str, ...]
    ubuntu: bool = False


RELEASES = {
    "3.11": Release("bookworm", ("python3", "python3-venv")),
    "3.12": Release("noble", ("python3.12",), ubuntu=True),
    "3.13": Release("trixie", ("python3",)),
    "3.10": Release("jammy", ("python3.10", "python3-distutils"), ubuntu=True),
    "3.9": Release("bullseye", ("python3", "python3-distutils")),
    "3.8": Release("focal", ("python3.8", "python3-distutils"), ubuntu=True),
    "3.7": Release("bionic", ("python3.7", "python3-distutils", "setpriv"), ubuntu=True),
}
"""By Python's version, the one first that is preferred where a project does not mind."""


def build_system(python: str, target: Path, progress: ProgressListener) -> None:
    """Write a tar archive of a system with Python `python`, git and apt to `target`; about a minute.

    Raises EnvironmentFailed, saying what to do, where mmdebstrap is not there and cannot be installed.
    """
    _require_mmdebstrap(python, progress)
    release = RELEASES[python]
    progress(f"putting a base image with Python {python} together from packages of {release.suite} (about a minute)")
    # The newest release has no essential package with `useradd` any more.
    packages = ",".join((*release.packages, "git", "ca-certificates", "passwd"))
    command = ["mmdebstrap", "--variant=apt", f"--include={packages}"]
    if release.ubuntu:
        command += ["--components=main,universe", f"--keyring={_download_keyring(target.parent)}"]
    sources = [f"{_UBUNTU}"] if release.ubuntu else []
    process.run([*command, release.suite, str(target), *sources], timeout=1800)


def _require_mmdebstrap(python: str, progress: ProgressListener) -> None:
    if shutil.which("mmdebstrap"):
        return
    packages = ["mmdebstrap", "debian-archive-keyring"]
    if os.geteuid() or not shutil.which("apt-get"):
        raise EnvironmentFailed(
            f"there is no base image with Python {python}: `docker pull python:{python}-slim`, or install mmdebstrap "
            f"(`apt-get install {' '.join(packages)}`), or use `--sandbox bubblewrap`"
        )
    progress("installing mmdebstrap")
    process.run(["apt-get", "update"], timeout=600, check=False)
    process.run(["apt-get", "install", "-y", "--no-install-recommends", *packages], timeout=600)


def _download_keyring(folder: Path) -> Path:
    """Download Ubuntu's keys into `folder`, verify them, and return the file."""
    address, wanted = _KEYRING
    package = folder / "keyring.deb"
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - a constant, and checked below
            package.write_bytes(answer.read())
    except (urllib.error.URLError, OSError) as error:
        raise EnvironmentFailed(f"Ubuntu's archive keys cannot be had from {address}: {error}") from error
    if hashlib.sha256(package.read_bytes()).hexdigest() != wanted:
        raise EnvironmentFailed(f"{address} is not what it was when this program was written: it is not used")
    process.run(["dpkg-deb", "-x", str(package), str(folder / "keys")], timeout=60)
    keyring = folder / "keys/usr/share/keyrings/ubuntu-archive-keyring.gpg"
    # mmdebstrap works as another user where this is not root, and may have to read it.
    for path in (folder, *keyring.parents):
        if path.is_relative_to(folder):
            path.chmod(0o755)
    return keyring
