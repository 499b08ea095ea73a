"""Translate the errors of model servers, which differ in their words, into our own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from repoagent.errors import ContextFull, ModelFailed
from repoagent.llm.probing import make_key_error, make_unreachable_error

if TYPE_CHECKING:
    import openai

CONTEXT_ADVICE = (
    "serve the model with more context (llama.cpp: -c, which all slots share; vLLM: --max-model-len; Ollama: "
    "OLLAMA_CONTEXT_LENGTH)"
)
"""Advice for a short context."""

_CONTEXT_ERROR = re.compile(
    r"context (?:length|size|window)|exceed_context_size|context_length_exceeded", re.IGNORECASE
)
_CONTEXT_SIZE = re.compile(r"(?:context (?:length|size|window)\D{0,12})([\d,]+)", re.IGNORECASE)
_PROMPT_SIZE = re.compile(
    r"(?:requested|request|has|resulted in|prompt)\D{0,12}([\d,]+)(?= ?(?:input )?tokens)", re.IGNORECASE
)


def explain_error(error: openai.APIError, url: str, timeout: float) -> ModelFailed:
    """Translate an error of the OpenAI client into one that says what to do; `timeout` is in seconds."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return ModelFailed(
            f"{url} gave no answer within {timeout:.0f} s: the server is overloaded, or the model too large for it"
        )
    if isinstance(error, openai.APIConnectionError):
        return make_unreachable_error(url, error.__cause__ if isinstance(error.__cause__, Exception) else error)
    if not isinstance(error, openai.APIStatusError):
        return ModelFailed(f"{url} answered what is not an OpenAI answer: {error.message}")
    if error.status_code in {401, 403}:
        return make_key_error(url)
    return read_http_error(error.status_code, error.response.text, url)


def read_http_error(status: int, body: str, url: str) -> ModelFailed:
    """Build the error for an HTTP answer with a status of 400 or more."""
    if status < 500 and _CONTEXT_ERROR.search(body):
        return make_context_error(_find_number(_PROMPT_SIZE, body), _find_number(_CONTEXT_SIZE, body), url)
    return ModelFailed(f"{url} answered {status}: {body.strip()[:300] or 'without a reason'}")


def make_context_error(asked: int | None, context: int | None, url: str) -> ContextFull:
    """Build the error for a prompt that does not fit; the numbers are tokens, None where they are not known."""
    return ContextFull(
        f"the prompt has {_format_tokens(asked)}, {url} gives {_format_tokens(context)} to one request: "
        f"shorten the prompt, or {CONTEXT_ADVICE}"
    )


def _find_number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(found[1].replace(",", "")) if found else None


def _format_tokens(number: int | None) -> str:
    return "too many tokens" if number is None else f"{number:,} tokens"
