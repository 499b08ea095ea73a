"""Open the model that `--model` names: connect to its server, or serve embedded weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from repoagent.errors import UserError
from repoagent.llm.address import ServerAddress, is_url, parse_address
from repoagent.llm.local.download import pull_weights
from repoagent.llm.local.weights import NoteCallback, ProgressCallback, find_weights, load_catalogue
from repoagent.llm.profiles import find_profile

if TYPE_CHECKING:
    from repoagent.llm.local.serving import ServerSettings
    from repoagent.llm.openai import OpenAIModel


@contextmanager
def open_model(
    spec: str | None = None,
    *,
    settings: ServerSettings | None = None,
    timeout: float = 600.0,
    progress: ProgressCallback = lambda _done, _total: None,
    note: NoteCallback = lambda _line: None,
) -> Iterator[OpenAIModel]:
    """Open the model that `spec` names; it is closed at the end of the `with` block.

    `spec` is a server's URL (`http://gpu-box:8000/v1#name`), the name of an embedded model, a `.gguf` file, or None for
    the default embedded model. Embedded weights are pulled when they are missing, and served by a child process that
    ends with its last user. `settings` apply to such a server, `timeout` (seconds) to one answer. Raises UserError,
    EnvironmentFailed.
    """
    from repoagent.llm.openai import OpenAIModel

    if spec and is_url(spec):
        with OpenAIModel(parse_address(spec), timeout=timeout) as model:
            yield model
        return
    weights, name = locate_weights(spec, progress=progress, note=note)
    with (
        _serve_weights(weights, name, settings) as url,
        OpenAIModel(ServerAddress(url, name), timeout=timeout) as model,
    ):
        yield model


def locate_weights(
    spec: str | None,
    *,
    progress: ProgressCallback = lambda _done, _total: None,
    note: NoteCallback = lambda _line: None,
) -> tuple[Path, str]:
    """Find the file of weights that `spec` names, and the name to serve it under; an embedded model is pulled."""
    if spec and _is_path(spec):
        path = _find_file(spec)
        return path, path.name.removesuffix(".gguf")
    weights = find_weights(spec) if spec else load_catalogue()[0]
    return pull_weights(weights, progress=progress, note=note), weights.name


def check_model_spec(spec: str) -> None:
    """Raise UserError where `spec` cannot name a model. Nothing is pulled, started or contacted."""
    if is_url(spec):
        parse_address(spec)
    elif _is_path(spec):
        _find_file(spec)
    else:
        find_weights(spec)


def choose_server_settings(name: str) -> ServerSettings:
    """Choose slots and context that suit the model called `name`."""
    from repoagent.llm.local.serving import ServerSettings

    return ServerSettings(slot_context=find_profile(name).context)


def _is_path(spec: str) -> bool:
    return spec.endswith(".gguf") or "/" in spec


def _find_file(spec: str) -> Path:
    path = Path(spec).expanduser()
    if not path.is_file():
        raise UserError(f"{path} is not a file: --model takes a .gguf file, an embedded model's name or a server's URL")
    return path


@contextmanager
def _serve_weights(weights: Path, name: str, settings: ServerSettings | None) -> Iterator[str]:
    from repoagent.llm.local.serving import ModelServer

    with ModelServer(weights, settings or choose_server_settings(name), name=name) as server:
        yield server.running.url
