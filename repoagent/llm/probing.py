"""Find out what a model server is: its kind, its models, and the context of one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from repoagent.errors import ModelFailed, UserError
from repoagent.llm.address import ServerAddress

if TYPE_CHECKING:
    import httpx

ServerKind = Literal["llama.cpp", "vLLM", "Ollama", "other"]


@dataclass(frozen=True)
class ServerFacts:
    """The kind, context and slots of a server."""

    kind: ServerKind
    context: int | None
    """Tokens that one request may have, prompt and answer together; None where the server does not report it."""
    slots: int = 1
    """Answers to one prompt that are sampled together at a profit."""


def list_served_models(http: httpx.Client, address: ServerAddress) -> tuple[str, ...]:
    """List the names of the served models; empty where the server does not report them. Raises ModelFailed."""
    import httpx

    try:
        response = http.get(f"{address.url}/models")
    except httpx.HTTPError as error:
        raise make_unreachable_error(address.url, error) from error
    if response.status_code in {401, 403}:
        raise make_key_error(address.url)
    rows = _read_rows(_read_json(response), "data")
    return tuple(name for row in rows if isinstance(name := row.get("id"), str))


def choose_model(names: tuple[str, ...], address: ServerAddress) -> str:
    """Choose the model of `address`. Raises UserError when it is ambiguous, ModelFailed when it is not served."""
    if address.model:
        if names and address.model not in names:
            raise ModelFailed(f"{address.url} does not serve `{address.model}`; it serves {', '.join(names)}")
        return address.model
    if len(names) == 1:
        return names[0]
    if not names:
        raise UserError(f"{address.url} does not report which models it serves: name one, {address.url}#NAME")
    raise UserError(f"{address.url} serves several models: choose one with {address.url}#NAME: {', '.join(names)}")


def probe_server(http: httpx.Client, address: ServerAddress, model: str) -> ServerFacts:
    """Ask the endpoints by which llama.cpp, vLLM and Ollama describe themselves."""
    props = _request_json(http, "GET", f"{address.root_url}/props")
    if isinstance(settings := props.get("default_generation_settings"), dict):
        # The context given here is one slot's, not the whole server's.
        return ServerFacts(
            "llama.cpp", _parse_number(settings.get("n_ctx")), _parse_number(props.get("total_slots")) or 1
        )
    for row in _read_rows(_request_json(http, "GET", f"{address.url}/models"), "data"):
        if row.get("id") == model and "max_model_len" in row:
            return ServerFacts("vLLM", _parse_number(row["max_model_len"]))
    if "version" in _request_json(http, "GET", f"{address.root_url}/api/version"):
        return ServerFacts("Ollama", _read_ollama_context(http, address, model))
    return ServerFacts("other", None)


def make_unreachable_error(url: str, error: Exception) -> ModelFailed:
    """Build the error for a server that does not answer."""
    return ModelFailed(
        f"no model server answers at {url} ({error}): start it, correct --model, or leave --model away to use the "
        "embedded model"
    )


def make_key_error(url: str) -> ModelFailed:
    """Build the error for a server that refuses the API key."""
    return ModelFailed(f"{url} refused the API key: set REPOAGENT_API_KEY to the one it expects")


def _read_ollama_context(http: httpx.Client, address: ServerAddress, model: str) -> int | None:
    """Read the context of the loaded model, else of its Modelfile; Ollama reports its own default nowhere."""
    for row in _read_rows(_request_json(http, "GET", f"{address.root_url}/api/ps"), "models"):
        if model in {row.get("name"), row.get("model")} and (found := _parse_number(row.get("context_length"))):
            return found
    shown = _request_json(http, "POST", f"{address.root_url}/api/show", {"model": model})
    for line in str(shown.get("parameters", "")).splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx":
            return _parse_number(value)
    return None


def _request_json(http: httpx.Client, method: str, url: str, body: dict[str, str] | None = None) -> dict[str, object]:
    import httpx

    try:
        response = http.request(method, url, json=body) if body else http.request(method, url)
    except httpx.HTTPError:
        return {}
    return _read_json(response)


def _read_json(response: httpx.Response) -> dict[str, object]:
    try:
        value = response.json() if response.is_success else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _read_rows(answer: dict[str, object], key: str) -> list[dict[str, object]]:
    rows = answer.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _parse_number(value: object) -> int | None:
    try:
        return int(str(value).strip()) or None
    except ValueError:
        return None
