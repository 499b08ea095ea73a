"""A llama.cpp server that was compiled for the processors of this machine, beside the wheel's build that runs on all.

An opt-in, because it needs a compiler and some minutes (`native_build` compiles it); `benchmarks/model/` says what it
brings. It is used only while the package has the version it was compiled from, and only on processors that have all
that it was compiled for.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from repoagent.places import cache_root

PACKAGE = "xllamacpp"
PROGRAM = "llama-server"


@dataclass(frozen=True)
class Build:
    """Describes the compiled server: its source and the processors it was compiled for."""

    version: str
    """Of the package whose source it is."""
    features: tuple[str, ...]
    """Of the processors that it was compiled on."""
    compiler: str


def program() -> Path | None:
    """Find the compiled server; None where there is none, or it is of another version or for other processors."""
    folder = native_folder()
    try:
        build = Build(**json.loads((folder / "build.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    fits = build.version == package_version() and set(build.features) <= set(features())
    return folder / PROGRAM if fits and (folder / PROGRAM).is_file() else None


def gains() -> bool:
    """Tell whether these processors have instructions that the wheel's build does not use."""
    return any(feature.startswith(_UNUSED) for feature in features())


_UNUSED = ("avx512", "avx_vnni", "amx")


def remove() -> bool:
    """Delete the compiled server, so that the wheel's is used again; returns whether there was one."""
    there = native_folder().exists()
    shutil.rmtree(native_folder(), ignore_errors=True)
    return there


def install(built: Path, compiler: str) -> Path:
    """Put the program `built` where `program` looks for it, whole or not at all, and return its new path."""
    fresh = Path(tempfile.mkdtemp(dir=native_folder().parent))
    shutil.copy2(built, fresh / PROGRAM)
    description = Build(package_version(), features(), compiler)
    (fresh / "build.json").write_text(json.dumps(asdict(description)) + "\n", encoding="utf-8")
    remove()
    fresh.replace(native_folder())
    return native_folder() / PROGRAM


def native_folder() -> Path:
    """Return the folder of the compiled server and its description."""
    return cache_root() / "native" / PACKAGE


@cache
def package_version() -> str:
    """Return the installed version of the package that contains llama.cpp."""
    from importlib.metadata import version

    return version(PACKAGE)


@cache
def features() -> tuple[str, ...]:
    """List the features of the processors as the kernel names them; empty where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ()
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return tuple(sorted(match[1].split())) if match else ()
