"""Make pytest collect the project's tests: install what imports miss, and an older pytest where the newest one fails.

Runs inside the sandbox while an environment is built, with the environment's own Python (3.7 or newer); it is shipped
there as text and imports the standard library only. Its arguments are pytest options that the project needs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import NamedTuple

ROUNDS = 5
SECONDS = 180
EMPTY = 5
"""Pytest's exit code when there is no test and no error: another version will not find any either."""
OLDER = ("pytest", "pytest<8", "pytest<7", "pytest<6")
"""Tried in this order when nothing at all can be collected."""

DISTRIBUTIONS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cairo": "pycairo",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "gitpython",
    "google": "protobuf",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "nacl": "pynacl",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pkg_resources": "setuptools<81",
    "pytest_django": "pytest-django",
    "ruamel": "ruamel.yaml",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "socks": "pysocks",
    "usb": "pyusb",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""Modules whose distribution has another name. The others are asked for under their own."""

_MISSING = re.compile(
    r"(?:ModuleNotFoundError: No module named|Error importing plugin \"[\w.]+\": No module named) '([\w.]+)'"
)
_COLLECTED = re.compile(r"^(\d+)(?:/\d+)? tests? collected|^\S+\.py(?:::|: )", re.MULTILINE)


class Collection(NamedTuple):
    """How `pytest --collect-only` ended."""

    code: int
    log: str

    @property
    def found(self) -> bool:
        """Whether it found a test; other modules may have failed to import."""
        return self.code in (0, 1, 2) and bool(_COLLECTED.search(self.log))


def main(options: list[str]) -> int:
    """Exit code 0 when tests were collected, 1 when none could be; the build keeps the environment either way."""
    own = own_modules()
    collected = install_missing(options, own)
    for version in OLDER if not collected and collect(options).code != EMPTY else ():
        print(f"repoagent: nothing could be collected, trying {version}", flush=True)
        if install("--upgrade", version) and install_missing(options, own):
            return 0
    if not collected:
        install("--upgrade", "pytest")
    return 0 if collected else 1


def install_missing(options: list[str], own: set[str]) -> bool:
    """Collect, install the modules that are not found, and collect again; whether any test was collected at last."""
    tried: set[str] = set()
    for _ in range(ROUNDS):
        collection = collect(options)
        missing = missing_modules(collection.log) - own - tried
        if not missing:
            break
        tried |= missing
        for module in sorted(missing):
            print(f"repoagent: the tests import {module}, which no manifest names", flush=True)
            install(distribution(module, collection.log))
    if not collection.found:
        print("\n".join(collection.log.splitlines()[-30:]), flush=True)
    return collection.found


def collect(options: list[str]) -> Collection:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    command += ["--continue-on-collection-errors", *options]
    try:
        done = subprocess.run(command, check=False, timeout=SECONDS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return Collection(-1, f"collection took more than {SECONDS} s")
    return Collection(done.returncode, done.stdout.decode("utf-8", "replace"))


def missing_modules(log: str) -> set[str]:
    """Top-level names of the modules that were not found."""
    names = {name.split(".")[0] for name in _MISSING.findall(log)}
    return {name for name in names if not name.startswith("_")}  # parts of C that were not built, never a package


def distribution(module: str, log: str) -> str:
    """What installs `module`; a plug-in that pytest is told of by its short name is called after pytest."""
    if f'Error importing plugin "{module}"' in log and not module.startswith("pytest"):
        return f"pytest-{module.replace('_', '-')}"
    return DISTRIBUTIONS.get(module, module)


def own_modules() -> set[str]:
    """Names that the repository itself defines; what is missing of those is not to be had from an index."""
    names: set[str] = set()
    for _, directories, files in os.walk("."):
        directories[:] = [d for d in directories if not d.startswith(".")]
        names.update(directories)
        names.update(f[:-3] for f in files if f.endswith(".py"))
    return names


def install(*requirements: str) -> bool:
    """As the index was on the day that AS_OF names, where it does."""
    command = ["/opt/uv", "pip", "install", "--quiet", "--python", sys.executable]
    dated = ["--exclude-newer", os.environ["AS_OF"]] if os.environ.get("AS_OF") else []
    return subprocess.call([*command, *dated, *requirements]) == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
