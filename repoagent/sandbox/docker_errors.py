"""Translate what the Docker SDK raises into this program's own errors."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from repoagent.errors import SandboxFailed


@contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Turn the SDK's exceptions into SandboxFailed."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise SandboxFailed(f"{doing} failed: {error.explanation or error}") from error
    except (DockerException, RequestException) as error:
        raise SandboxFailed(
            f"{doing} failed: Docker does not answer at {_get_address()}: "
            "start it (`make engine`) or use `--sandbox bubblewrap`"
        ) from error


def check_socket() -> None:
    """Raise the SDK's exception where nobody listens at a local socket: the SDK itself would leave its end open."""
    from docker.errors import DockerException

    address = _get_address()
    if not address.startswith("unix://"):
        return
    with socket.socket(socket.AF_UNIX) as door:
        try:
            door.connect(address.removeprefix("unix://"))
        except OSError as error:
            raise DockerException(f"{address}: {error}") from error


def _get_address() -> str:
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
