"""Read this host's settings for the registries of npm, Go, Rust and Maven: addresses for a build, nothing secret.

Their settings are read as text; none of these programs need be here, and none is run.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

MAX_BYTES = 1_000_000
"""Bytes; larger settings are not read."""

_NPM = {"registry", "proxy", "https-proxy", "noproxy", "strict-ssl", "fetch-timeout"}
_GO = ("GOPROXY", "GOPRIVATE", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOFLAGS")


def read_registry_variables(home: Path | None = None) -> dict[str, str]:
    """Build the variables by which the programs themselves, or the build's script, find their registries.

    `CRATES_MIRROR` and `MAVEN_MIRROR` are the script's: cargo and Maven take a mirror from a file only.
    """
    home = home or Path.home()
    mirrors = {"CRATES_MIRROR": _read_crates(home), "MAVEN_MIRROR": _read_maven(home)}
    return {**_read_npm(home), **_read_go(home), **{name: address for name, address in mirrors.items() if address}}


def _read_npm(home: Path) -> dict[str, str]:
    settings: dict[str, str] = {}
    for path in (Path("/etc/npmrc"), Path(os.environ.get("NPM_CONFIG_USERCONFIG") or home / ".npmrc")):
        pairs = (line.partition("=") for line in _read_text(path).splitlines())
        settings |= {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if name.strip() in _NPM}
    for name in _NPM:
        variable = f"npm_config_{name.replace('-', '_')}"
        settings[name] = os.environ.get(variable) or os.environ.get(variable.upper()) or settings.get(name, "")
    return {
        f"npm_config_{name.replace('-', '_')}": _clean_address(value)
        for name, value in settings.items()
        if _clean_address(value)
    }


def _read_go(home: Path) -> dict[str, str]:
    """Read Go's settings from the environment, else what `go env -w` stored."""
    written = dict(line.split("=", 1) for line in _read_text(home / ".config/go/env").splitlines() if "=" in line)
    found = {name: os.environ.get(name) or written.get(name, "") for name in _GO}
    return {
        name: ",".join(filter(None, map(_clean_address, value.split(",")))) for name, value in found.items() if value
    }


def _read_crates(home: Path) -> str:
    folder = Path(os.environ.get("CARGO_HOME") or home / ".cargo")
    try:
        settings = tomllib.loads(_read_text(folder / "config.toml") or _read_text(folder / "config"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return ""
    source = _get_table(settings, "source")
    registry = _get_table(source, str(_get_table(source, "crates-io").get("replace-with"))).get("registry")
    return _clean_address(registry) if isinstance(registry, str) else ""


def _read_maven(home: Path) -> str:
    """Find the first mirror that stands for Central."""
    for mirror in re.findall(r"<mirror>(.*?)</mirror>", _read_text(home / ".m2/settings.xml"), re.DOTALL):
        of, address = (re.search(rf"<{tag}>\s*([^<\s]+)", mirror) for tag in ("mirrorOf", "url"))
        if of and address and re.search(r"\*|central", of[1]):
            return _clean_address(address[1])
    return ""


def _get_table(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace") if path.stat().st_size <= MAX_BYTES else ""
    except OSError:
        return ""


def _clean_address(value: str) -> str:
    """Remove user name and password; empty for an address of this host's disk, or with a variable not filled in."""
    if value.startswith("file:") or "${" in value:
        return ""
    return re.sub(r"://[^/@]*@", "://", value)
