"""What a build inherits of the host's way to package indexes: addresses, proxies and certificates, nothing secret."""

from __future__ import annotations

import ast
import io
import os
import ssl
import sys
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from repoagent import process
from repoagent.sandbox.base import UV
from repoagent.sandbox.host_registries import read_registry_variables

CERTIFICATES = "/opt/ca-certificates.pem"
"""Where the host's certificates lie during a build."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
_BUNDLES = (
    "PIP_CERT",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
)


@dataclass(frozen=True)
class HostNetwork:
    """Variables for the build's script, and the certificates they name."""

    environment: Mapping[str, str] = field(default_factory=dict)
    certificates: Path | None = None
    """The host's bundle, to be laid at CERTIFICATES."""

    def pack_files(self, uv: Path | None = None) -> bytes:
        """Pack the certificates, and the program `uv`, as a tar archive to unpack at the root of a file system."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for source, target, mode in ((self.certificates, CERTIFICATES, 0o644), (uv, UV, 0o755)):
                if source:
                    data = source.read_bytes()
                    entry = tarfile.TarInfo(target.lstrip("/"))
                    entry.size, entry.mode = len(data), mode
                    archive.addfile(entry, io.BytesIO(data))
        return packed.getvalue()


def find_uv() -> Path:
    """Find this installation's own `uv`: one program without libraries, which runs in every image of the same
    processor."""
    from uv import find_uv_bin

    return Path(find_uv_bin())


def read_host_network() -> HostNetwork:
    """Read this host's settings for package indexes.

    Passed on are pip's `index-url`, `extra-index-url`, `trusted-host`, `proxy` and `timeout`, the proxy variables and
    the certificate bundle, for pip and for uv, and the registries of other languages. User names and passwords are cut
    out of every address, because the script that will see them is hostile; folders of this host (`find-links`,
    `file://`) are left out, because they are not there.
    """
    settings = _read_pip_settings()
    pip = _build_pip_variables(settings)
    environment = {**pip, **_build_uv_variables(pip), **read_registry_variables(), **_read_proxies(os.environ)}
    certificates = _find_bundle(settings)
    if certificates:
        environment.update(dict.fromkeys(_BUNDLES, CERTIFICATES))
    return HostNetwork(environment, certificates)


def _read_pip_settings() -> dict[str, str]:
    """Read `pip config list` by option; a variable wins over the `install` section, and that over `global`."""
    # Without -P the working directory, which may be a hostile repository, would be searched for `pip`.
    command = [sys.executable, "-P", "-m", "pip", "config", "list"]
    listed = process.run(command, timeout=60, cwd=Path("/"), check=False)
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.text.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in found:
            found[section][option] = _unquote_value(value)
    return {**found["global"], **found["install"], **found[":env:"]}


def _unquote_value(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value


def _build_pip_variables(settings: Mapping[str, str]) -> dict[str, str]:
    addresses = {
        "PIP_INDEX_URL": " ".join(_select_remote(settings.get("index-url", ""))),
        "PIP_EXTRA_INDEX_URL": " ".join(_select_remote(settings.get("extra-index-url", ""))),
        "PIP_PROXY": " ".join(_select_remote(settings.get("proxy", ""))),
        "PIP_TRUSTED_HOST": settings.get("trusted-host", ""),
        "PIP_DEFAULT_TIMEOUT": settings.get("timeout", settings.get("default-timeout", "")),
    }
    return {name: value for name, value in addresses.items() if value}


def _build_uv_variables(pip: Mapping[str, str]) -> dict[str, str]:
    """Translate pip's settings for uv, which reads none of them; of several indexes it takes the best, as pip does."""
    found = {
        "UV_DEFAULT_INDEX": pip.get("PIP_INDEX_URL", ""),
        "UV_INDEX": pip.get("PIP_EXTRA_INDEX_URL", ""),
        "UV_INDEX_STRATEGY": "unsafe-best-match" if "PIP_EXTRA_INDEX_URL" in pip else "",
        "UV_INSECURE_HOST": pip.get("PIP_TRUSTED_HOST", ""),
        "UV_HTTP_TIMEOUT": pip.get("PIP_DEFAULT_TIMEOUT", ""),
    }
    return {name: value for name, value in found.items() if value}


def _select_remote(addresses: str) -> Iterator[str]:
    return (remove_secrets(address) for address in addresses.split() if "://" in address and "file:" not in address)


def remove_secrets(address: str) -> str:
    """Remove user name and password from an address."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _read_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    names = [*_PROXIES, *(name.lower() for name in _PROXIES)]
    found = {name: environment[name] for name in names if environment.get(name)}
    return {
        name: remove_secrets(value) if "://" in value else value.rpartition("@")[2] for name, value in found.items()
    }


def _find_bundle(settings: Mapping[str, str]) -> Path | None:
    """Find the bundle that this host's programs trust: the first that is named and exists, else the system's."""
    named = [os.environ.get(name, "") for name in _BUNDLES] + [settings.get("cert", "")]
    system = [ssl.get_default_verify_paths().cafile or "", "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]
    return next((Path(path) for path in [*named, *system] if path and Path(path).is_file()), None)
