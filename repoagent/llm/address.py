"""Parse the URLs of model servers that `--model` accepts beside names of embedded models and files of weights."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urldefrag, urlsplit

from repoagent.errors import UserError


@dataclass(frozen=True)
class ServerAddress:
    """An OpenAI-compatible server, and the model to use of it."""

    url: str
    """Of the API, as clients need it: with `/v1` or the path that replaces it."""
    model: str = ""
    """Empty where the server has only one."""

    @property
    def root_url(self) -> str:
        """The URL below which endpoints beside the OpenAI API lie: `/props`, `/infill`, `/tokenize`."""
        return self.url.removesuffix("/v1")


def is_url(text: str) -> bool:
    """Tell whether `text` is the URL of a server."""
    return text.lower().startswith(("http://", "https://"))


def parse_address(text: str) -> ServerAddress:
    """Parse `http://gpu-box:8000/v1#name`; `/v1` is added to a URL without a path. Raises UserError."""
    url, model = urldefrag(text.strip())
    parts = urlsplit(url)
    if not is_url(url) or not parts.hostname:
        raise UserError(
            f"`{text}` is not the URL of a model server: write http://HOST:PORT/v1, with #NAME to choose a model"
        )
    path = parts.path.rstrip("/") or "/v1"
    return ServerAddress(f"{parts.scheme}://{parts.netloc}{path}", model)
