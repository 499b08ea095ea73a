"""Find out what a model server is: its kind, its models, and the context of one request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from repoagent.errors import ModelFailed, UserError
from repoagent.llm.address import Address

if TYPE_CHECKING:
    import httpx

Kind = Literal["llama.cpp", "vLLM", "Ollama", "other"]


@dataclass(frozen=True)
class Facts:
    """The kind, context and slots of a server."""

    kind: Kind
    context: int | None
    """Tokens that one request may have, prompt and answer together; None where the server does not report it."""
    slots: int = 1
    """Answers to one prompt that are sampled together at a profit."""


def served_models(http: httpx.Client, address: Address) -> tuple[str, ...]:
    """List the names of the served models; empty where the server does not report them. Raises ModelFailed."""
    import httpx

    try:
        response = http.get(f"{address.url}/models")
    except httpx.HTTPError as error:
        raise unreachable(address.url, error) from error
    if response.status_code in {401, 403}:
        raise refused_key(address.url)
    rows = _rows(_json(response), "data")
    return tuple(name for row in rows if isinstance(name := row.get("id"), str))


def choose_model(names: tuple[str, ...], address: Address) -> str:
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


def probe(http: httpx.Client, address: Address, model: str) -> Facts:
    """Ask the endpoints by which llama.cpp, vLLM and Ollama describe themselves."""
    props = _ask(http, "GET", f"{address.root}/props")
    if isinstance(settings := props.get("default_generation_settings"), dict):
        # The context given here is one slot's, not the whole server's.
        return Facts("llama.cpp", _number(settings.get("n_ctx")), _number(props.get("total_slots")) or 1)
    for row in _rows(_ask(http, "GET", f"{address.url}/models"), "data"):
        if row.get("id") == model and "max_model_len" in row:
            return Facts("vLLM", _number(row["max_model_len"]))
    if "version" in _ask(http, "GET", f"{address.root}/api/version"):
        return Facts("Ollama", _ollama_context(http, address, model))
    return Facts("other", None)


def unreachable(url: str, error: Exception) -> ModelFailed:
    """Build the error for a server that does not answer."""
    return ModelFailed(
        f"no model server answers at {url} ({error}): start it, correct --model, or leave --model away to use the "
        "embedded model"
    )


def refused_key(url: str) -> ModelFailed:
    """Build the error for a server that refuses the API key."""
    return ModelFailed(f"{url} refused the API key: set REPOAGENT_API_KEY to the one it expects")


def _ollama_context(http: httpx.Client, address: Address, model: str) -> int | None:
    """Read the context of the loaded model, else of its Modelfile; Ollama reports its own default nowhere."""
    for row in _rows(_ask(http, "GET", f"{address.root}/api/ps"), "models"):
        if model in {row.get("name"), row.get("model")} and (found := _number(row.get("context_length"))):
            return found
    shown = _ask(http, "POST", f"{address.root}/api/show", {"model": model})
    for line in str(shown.get("parameters", "")).splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "num_ctx":
            return _number(value)
    return None


def _ask(http: httpx.Client, method: str, url: str, body: dict[str, str] | None = None) -> dict[str, object]:
    import httpx

    try:
        response = http.request(method, url, json=body) if body else http.request(method, url)
    except httpx.HTTPError:
        return {}
    return _json(response)


def _json(response: httpx.Response) -> dict[str, object]:
    try:
        value = response.json() if response.is_success else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _rows(answer: dict[str, object], key: str) -> list[dict[str, object]]:
    rows = answer.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _number(value: object) -> int | None:
    try:
        return int(str(value).strip()) or None
    except ValueError:
        return None
