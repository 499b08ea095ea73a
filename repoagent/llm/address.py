"""What `--model` may be: the URL of a server, the name of an embedded model, or a file of weights."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from repoagent.errors import UserError


@dataclass(frozen=True)
class Address:
    """An OpenAI-compatible server, and which of its models is meant."""

    url: str
    """Of the API, as clients want it: it ends with `/v1` or whatever stands in its place."""
    model: str = ""
    """Empty where the server has only one."""

    @property
    def root(self) -> str:
        """Where servers have what is not part of the OpenAI API: `/props`, `/infill`, `/tokenize`."""
        return self.url.removesuffix("/v1")


def is_url(text: str) -> bool:
    """Whether `text` names a server."""
    return text.lower().startswith(("http://", "https://"))


def parse_address(text: str) -> Address:
    """`http://gpu-box:8000/v1#name` as an address; `/v1` is added to a URL without a path. Raises UserError."""
    url, model = urldefrag(text.strip())
    parts = urlsplit(url)
    if not is_url(url) or not parts.hostname:
        raise UserError(
            f"`{text}` is not the URL of a model server: write http://HOST:PORT/v1, with #NAME to choose a model"
        )
    path = parts.path.rstrip("/") or "/v1"
    return Address(f"{parts.scheme}://{parts.netloc}{path}", model)
