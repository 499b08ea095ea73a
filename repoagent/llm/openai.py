"""A client for every model server with the OpenAI API: llama.cpp, vLLM, SGLang, Ollama, gateways.

What the API lacks (the real context, fill-in-the-middle, counting tokens) comes from the server's own endpoints where
it has them, else from fallbacks.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

from repoagent.domain import Usage
from repoagent.errors import ModelFailed
from repoagent.llm import scoring
from repoagent.llm.address import ServerAddress, parse_address
from repoagent.llm.base import Completion, Message, Sampling, Score
from repoagent.llm.batching import RequestBatcher
from repoagent.llm.failures import explain_error, make_context_error, read_http_error
from repoagent.llm.probing import choose_model, list_served_models, make_unreachable_error, probe_server
from repoagent.llm.profiles import Profile, find_profile

if TYPE_CHECKING:
    import httpx
    import openai
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
    from openai.types.chat.chat_completion import Choice

T = TypeVar("T")

CONNECT_SECONDS = 5.0
MAX_ATTEMPTS = 3
"""Attempts of a request before a refused connection or a busy server counts as a failure."""
CHARACTERS_PER_TOKEN = 2.5
"""For an upper estimate: code has 3 to 4 characters in a token, rarely less than this."""
READ_CHARACTERS_PER_TOKEN = 6.0
"""More visible characters than this for each token read mean that the server truncated the prompt."""

_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


class OpenAIModel:
    """A model behind an OpenAI-compatible server. Safe to call from several threads."""

    def __init__(self, address: ServerAddress | str, *, timeout: float = 600.0, profile: Profile | None = None) -> None:
        """Connect and choose the model; `timeout` is in seconds, for one answer.

        Raises ModelFailed when no server answers or it lacks the model, UserError when the choice is ambiguous.
        """
        self._address = parse_address(address) if isinstance(address, str) else address
        self._timeout = timeout
        self._name = choose_model(list_served_models(self._http, self._address), self._address)
        self._profile = profile or find_profile(self._name)
        self._facts = probe_server(self._http, self._address, self._name)
        self._together = RequestBatcher(self._request_chat, self._facts.slots)
        self._has_infill: bool | None = None
        self._has_tokenize: bool | None = None
        self._has_scores = True
        self._counted = lru_cache(maxsize=1024)(self._count_uncached)
        self._one_infill = Lock()

    @property
    def name(self) -> str:
        return self._name

    @property
    def profile(self) -> Profile:
        return self._profile

    @property
    def url(self) -> str:
        """Of the API."""
        return self._address.url

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks about this server for a person."""
        if self._facts.context is None:
            return (f"{self.url} does not report its context; {self.profile.context:,} tokens are assumed",)
        return ()

    def get_context_size(self) -> int:
        return self._facts.context or self._profile.context

    def chat(self, messages: Sequence[Message], sampling: Sampling) -> Completion:
        return self._together.chat(messages, sampling)

    def infill(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        self._check_fits(prefix, suffix, sampling)
        if self._has_infill is not False:
            # One after the other, so that each goes on in the slot that has read the beginning they share.
            with self._one_infill:
                completion = self._infill_by_endpoint(prefix, suffix, sampling)
            self._has_infill = completion is not None
            if completion is not None:
                return completion
        return self._infill_by_tokens(prefix, suffix, sampling)

    def score(self, prefix: str, suffix: str, text: str) -> Score | None:
        """Score with llama.cpp's `/infill`; None for other servers, and for texts that are too long."""
        tokens = self._tokenize(text) if self._has_scores else ()
        if not tokens or len(tokens) > scoring.MAX_TOKENS:
            return None
        self._check_fits(prefix, suffix, Sampling(len(tokens) + 1))
        body = {"input_prefix": prefix, "input_suffix": suffix, **scoring.build_forcing_request(tokens)}
        started = time.monotonic()
        with self._one_infill:
            status, answer, _ = self._post("/infill", body)
        self._has_scores = status < 400 and "completion_probabilities" in answer
        logprob = scoring.sum_logprobs(answer, tokens) if self._has_scores else None
        return None if logprob is None else Score(logprob, _read_infill_usage(answer, time.monotonic() - started))

    def count_tokens(self, text: str) -> int:
        return self._counted(text) if text else 0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- requests -----------------------------------------------------------------------------------------------------

    @cached_property
    def _client(self) -> openai.OpenAI:
        import openai

        # A loopback server is never behind the proxy that the environment names.
        http = openai.DefaultHttpxClient(trust_env=not self._is_local, timeout=self._timeout)
        return openai.OpenAI(base_url=self.url, api_key=_choose_api_key(self.url), max_retries=0, http_client=http)

    @cached_property
    def _http(self) -> httpx.Client:
        import httpx

        return httpx.Client(
            timeout=httpx.Timeout(self._timeout, connect=CONNECT_SECONDS),
            headers={"Authorization": f"Bearer {_choose_api_key(self.url)}"},
            trust_env=not self._is_local,
        )

    @property
    def _is_local(self) -> bool:
        return re.match(r"https?://(127\.|localhost\b|\[::1\])", self.url) is not None

    def _request_chat(self, messages: Sequence[Message], sampling: Sampling, number: int) -> list[Completion]:
        """Request `number` answers to one prompt, which the server reads once."""
        started = time.monotonic()
        answer = self._retry(lambda: self._create_chat(messages, sampling, number))
        if len(answer.choices) != number:
            raise ModelFailed(f"{self.url} gave {len(answer.choices)} answers instead of {number}: is it a chat model?")
        usage = _read_usage(answer, time.monotonic() - started)
        self._check_whole_prompt_was_read(sum(_count_visible(m.content) for m in messages), usage)
        shares = [usage] if number == 1 else self._split_usage(usage, answer.choices)
        return [
            Completion(_read_answer(choice.message), share, choice.finish_reason == "length")
            for choice, share in zip(answer.choices, shares, strict=True)
        ]

    def _split_usage(self, usage: Usage, choices: Sequence[Choice]) -> list[Usage]:
        """Split the usage of a request: the prompt goes to the first answer, the time to all in equal parts."""
        seconds = usage.seconds / len(choices)
        written = [self.count_tokens(choice.message.content or "") for choice in choices]
        first = Usage(1, usage.prompt_tokens, usage.cached_tokens, written[0], seconds)
        return [first, *(Usage(calls=1, completion_tokens=tokens, seconds=seconds) for tokens in written[1:])]

    def _create_chat(self, messages: Sequence[Message], sampling: Sampling, number: int) -> ChatCompletion:
        from openai import omit

        turns: list[ChatCompletionMessageParam] = [_convert_message(message) for message in messages]
        return self._client.chat.completions.create(
            model=self.name,
            messages=turns,
            n=omit if number == 1 else number,
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=omit if sampling.seed is None else sampling.seed,
            stop=list(sampling.stop) or omit,
        )

    def _retry(self, request: Callable[[], T]) -> T:
        """Make a request, again when the server cannot be reached or is busy, but not when it is slow."""
        import openai

        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return request()
            except openai.APIError as error:
                if attempt == MAX_ATTEMPTS or not _is_transient(error):
                    raise explain_error(error, self.url, self._timeout) from error
            time.sleep(0.5 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    # --- fill-in-the-middle -------------------------------------------------------------------------------------------

    def _infill_by_endpoint(self, prefix: str, suffix: str, sampling: Sampling) -> Completion | None:
        """Fill in with llama.cpp's `/infill`; None where the server lacks the endpoint, or the model the tokens."""
        body = {
            "input_prefix": prefix,
            "input_suffix": suffix,
            "n_predict": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
            **({} if sampling.seed is None else {"seed": sampling.seed}),
        }
        started = time.monotonic()
        status, answer, text = self._post("/infill", body)
        if status in {404, 405, 501} or (status < 400 and "content" not in answer):
            return None
        if status >= 400:
            raise read_http_error(status, text, self._address.root_url)
        usage = _read_infill_usage(answer, time.monotonic() - started)
        return Completion(str(answer["content"]), usage, answer.get("stop_type") == "limit")

    def _infill_by_tokens(self, prefix: str, suffix: str, sampling: Sampling) -> Completion:
        """Fill in with a plain completion that uses the special tokens of the model."""
        from openai import omit

        fim = self._profile.fim
        if fim is None:
            raise ModelFailed(f"`{self.name}` is not known to fill in the middle: use a Qwen-Coder model for that")
        whole = f"{fim.prefix}{prefix}{fim.suffix}{suffix}{fim.middle}"
        # Ollama would wrap those tokens into its template; it has a parameter instead.
        ollama = self._facts.kind == "Ollama"
        started = time.monotonic()
        answer = self._retry(
            lambda: self._client.completions.create(
                model=self.name,
                prompt=prefix if ollama else whole,
                suffix=suffix if ollama else omit,
                max_tokens=sampling.max_tokens,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                seed=omit if sampling.seed is None else sampling.seed,
                stop=list(sampling.stop) or omit,
            )
        )
        counted = answer.usage
        usage = Usage(
            calls=1,
            prompt_tokens=counted.prompt_tokens if counted else 0,
            completion_tokens=counted.completion_tokens if counted else 0,
            seconds=time.monotonic() - started,
        )
        choice = answer.choices[0]
        return Completion(choice.text, usage, choice.finish_reason == "length")

    def _check_fits(self, prefix: str, suffix: str, sampling: Sampling) -> None:
        # llama.cpp cuts a prefix that is too long for /infill without a word.
        needed = self.count_tokens(prefix) + self.count_tokens(suffix) + sampling.max_tokens
        if needed > self.get_context_size():
            raise make_context_error(needed, self.get_context_size(), self.url)

    # --- counting -----------------------------------------------------------------------------------------------------

    def _tokenize(self, text: str) -> tuple[int, ...]:
        """Tokenize `text` into token ids; empty where the server cannot."""
        _, answer, _ = self._post("/tokenize", {"content": text, "add_special": False, "parse_special": False})
        tokens = answer.get("tokens")
        return tuple(token for token in tokens if isinstance(token, int)) if isinstance(tokens, list) else ()

    def _count_uncached(self, text: str) -> int:
        if self._has_tokenize is not False:
            # llama.cpp reads `content`, vLLM `prompt`; each leaves the other alone.
            body = {"content": text, "model": self.name, "prompt": text, "add_special_tokens": False}
            _, answer, _ = self._post("/tokenize", body)
            counted, tokens = answer.get("count"), answer.get("tokens")
            self._has_tokenize = isinstance(counted, int) or isinstance(tokens, list)
            if isinstance(counted, int):
                return counted
            if isinstance(tokens, list):
                return len(tokens)
        return int(len(text.encode("utf-8", "replace")) / CHARACTERS_PER_TOKEN) + 1

    def _check_whole_prompt_was_read(self, visible: int, usage: Usage) -> None:
        """Raise ContextFull where the server read far fewer tokens than the prompt has: some truncate silently."""
        min_tokens = int(visible / READ_CHARACTERS_PER_TOKEN)
        if 0 < usage.prompt_tokens < min_tokens:
            raise make_context_error(min_tokens, usage.prompt_tokens, self.url)

    def _post(self, path: str, body: dict[str, object]) -> tuple[int, dict[str, object], str]:
        import httpx

        try:
            response = self._http.post(self._address.root_url + path, json=body)
        except httpx.TimeoutException as error:
            raise ModelFailed(f"{self.url} gave no answer within {self._timeout:.0f} s") from error
        except httpx.HTTPError as error:
            raise make_unreachable_error(self._address.root_url, error) from error
        try:
            answer = response.json()
        except ValueError:
            answer = {}
        return response.status_code, answer if isinstance(answer, dict) else {}, response.text


def _choose_api_key(url: str) -> str:
    """Choose the key for the server at `url`; OpenAI's key is sent only to OpenAI or to OPENAI_BASE_URL."""
    meant = {"api.openai.com", urlsplit(os.environ.get("OPENAI_BASE_URL", "")).hostname}
    general = os.environ.get("OPENAI_API_KEY") if urlsplit(url).hostname in meant else None
    return os.environ.get("REPOAGENT_API_KEY") or general or "none"


def _convert_message(message: Message) -> ChatCompletionMessageParam:
    match message.role:
        case "system":
            return {"role": "system", "content": message.content}
        case "user":
            return {"role": "user", "content": message.content}
        case "assistant":
            return {"role": "assistant", "content": message.content}


def _is_transient(error: openai.APIError) -> bool:
    """Tell whether a retry may help."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.status_code in {429, 502, 503}
    return isinstance(error, openai.APIConnectionError) and not isinstance(error, openai.APITimeoutError)


def _read_answer(message: object) -> str:
    """Read the answer without the model's thoughts; some servers put the whole answer under reasoning."""
    text = _strip_thoughts(getattr(message, "content", None) or "")
    if text.strip():
        return text
    for field in ("reasoning_content", "reasoning"):
        if isinstance(hidden := getattr(message, field, None), str) and hidden.strip():
            return _strip_thoughts(hidden)
    return text


def _strip_thoughts(text: str) -> str:
    # Templates that open the thought themselves leave only its end in the answer.
    spoken = _THOUGHT.sub("", text).rpartition("</think>")[2]
    return text if spoken == text else spoken.lstrip("\n")


def _count_visible(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _read_usage(answer: ChatCompletion, seconds: float) -> Usage:
    counted = answer.usage
    if counted is None:
        return Usage(calls=1, seconds=seconds)
    details = counted.prompt_tokens_details
    cached = details.cached_tokens if details and details.cached_tokens else _read_timing(answer.model_extra, "cache_n")
    return Usage(1, counted.prompt_tokens, cached, counted.completion_tokens, seconds)


def _read_infill_usage(answer: dict[str, object], seconds: float) -> Usage:
    cached, read = _read_timing(answer, "cache_n"), _read_timing(answer, "prompt_n")
    return Usage(1, cached + read, cached, _read_timing(answer, "predicted_n"), seconds)


def _read_timing(answer: dict[str, object] | None, name: str) -> int:
    timings = (answer or {}).get("timings")
    value = timings.get(name) if isinstance(timings, dict) else None
    return value if isinstance(value, int) else 0
