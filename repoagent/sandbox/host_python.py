"""Find the host's Python that environments are built with where the host's programs are used (bubblewrap)."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from repoagent import process
from repoagent.errors import EnvironmentFailed


@dataclass(frozen=True)
class HostPython:
    """An interpreter outside any virtual environment."""

    prefix: Path
    """Its installation, which the sandbox must see."""
    version: str

    @property
    def short_version(self) -> str:
        """Major and minor version: `3.11`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def programs(self) -> Path:
        """The folder with its `python3`."""
        return self.prefix / "bin"

    @property
    def identity(self) -> str:
        """A hash that changes when environments built with it may work no longer."""
        return hashlib.sha256(f"{self.prefix}\0{self.version}".encode()).hexdigest()[:10]

    def check(self) -> None:
        """Raise EnvironmentFailed, saying what to install, unless it can make virtual environments."""
        # Isolated: neither the working directory nor PYTHONPATH may stand in for the standard library.
        probe = [str(self.programs / "python3"), "-I", "-c", "import venv, ensurepip"]
        if process.run(probe, timeout=60, check=False).exit_code:
            raise EnvironmentFailed(
                f"the Python at {self.prefix} cannot make virtual environments: on Debian and Ubuntu run "
                "`apt-get install python3-venv`"
            )


def find_host_python() -> HostPython:
    """Find the interpreter this program runs on, or the one its virtual environment was made from."""
    return HostPython(Path(sys.base_prefix).resolve(), sys.version)
