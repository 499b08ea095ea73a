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

from repoagent.places import locate_cache_root

PACKAGE = "xllamacpp"
PROGRAM = "llama-server"


@dataclass(frozen=True)
class NativeBuild:
    """Describes the compiled server: its source and the processors it was compiled for."""

    version: str
    """Of the package whose source it is."""
    features: tuple[str, ...]
    """Of the processors that it was compiled on."""
    compiler: str


def find_native_server() -> Path | None:
    """Find the compiled server; None where there is none, or it is of another version or for other processors."""
    folder = get_native_folder()
    try:
        build = NativeBuild(**json.loads((folder / "build.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    fits = build.version == get_package_version() and set(build.features) <= set(read_cpu_features())
    return folder / PROGRAM if fits and (folder / PROGRAM).is_file() else None


def can_speed_up() -> bool:
    """Tell whether these processors have instructions that the wheel's build does not use."""
    return any(feature.startswith(_UNUSED_FEATURES) for feature in read_cpu_features())


_UNUSED_FEATURES = ("avx512", "avx_vnni", "amx")


def remove_native_server() -> bool:
    """Delete the compiled server, so that the wheel's is used again; returns whether there was one."""
    there = get_native_folder().exists()
    shutil.rmtree(get_native_folder(), ignore_errors=True)
    return there


def install_native_server(built: Path, compiler: str) -> Path:
    """Put the program `built` where `find_native_server` looks for it, whole or not at all, and return its new path."""
    fresh = Path(tempfile.mkdtemp(dir=get_native_folder().parent))
    shutil.copy2(built, fresh / PROGRAM)
    description = NativeBuild(get_package_version(), read_cpu_features(), compiler)
    (fresh / "build.json").write_text(json.dumps(asdict(description)) + "\n", encoding="utf-8")
    remove_native_server()
    fresh.replace(get_native_folder())
    return get_native_folder() / PROGRAM


def get_native_folder() -> Path:
    """Return the folder of the compiled server and its description."""
    return locate_cache_root() / "native" / PACKAGE


@cache
def get_package_version() -> str:
    """Return the installed version of the package that contains llama.cpp."""
    from importlib.metadata import version

    return version(PACKAGE)


@cache
def read_cpu_features() -> tuple[str, ...]:
    """List the features of the processors as the kernel names them; empty where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ()
    match = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.MULTILINE)
    return tuple(sorted(match[1].split())) if match else ()
