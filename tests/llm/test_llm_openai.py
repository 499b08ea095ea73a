"""The client against servers that say what each kind of server says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from repoagent.errors import ContextFull, ModelFailed, UserError
from repoagent.llm.address import ServerAddress, parse_address
from repoagent.llm.base import Message, Sampling
from repoagent.llm.openai import OpenAIModel

if TYPE_CHECKING:
    from tests.llm.conftest import WrittenServer

HELLO = [Message("user", "hello")]
SHORT = Sampling(16, seed=7, stop=("END",))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://gpu:8000/v1#name", ServerAddress("http://gpu:8000/v1", "name")),
        ("http://gpu:8000", ServerAddress("http://gpu:8000/v1")),
        ("https://host/openai/", ServerAddress("https://host/openai")),
        ("http://gpu:11434/v1/#qwen2.5-coder:7b", ServerAddress("http://gpu:11434/v1", "qwen2.5-coder:7b")),
    ],
)
def test_an_address_is_a_url_and_a_name(text: str, address: ServerAddress) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["gpu:8000", "ftp://gpu/v1", "http://", ""])
def test_what_is_no_url_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(UserError, match="http://HOST:PORT/v1"):
        parse_address(text)


def test_the_only_model_is_taken_without_being_named(written_server: WrittenServer) -> None:
    written_server.serve_models("Qwen/Qwen2.5-Coder-7B-Instruct")
    with OpenAIModel(written_server.url) as model:
        assert (model.name, model.profile.id) == ("Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5-coder-7b")


def test_several_models_and_no_name_lists_them(written_server: WrittenServer) -> None:
    written_server.serve_models("one", "two")
    with pytest.raises(UserError, match=r"#NAME: one, two"):
        OpenAIModel(written_server.url)


def test_a_model_that_is_not_served_is_named_with_those_that_are(written_server: WrittenServer) -> None:
    written_server.serve_models("one", "two")
    with pytest.raises(ModelFailed, match="does not serve `three`; it serves one, two"):
        OpenAIModel(f"{written_server.url}#three")


def test_nobody_there_says_so_and_what_to_do() -> None:
    with pytest.raises(ModelFailed, match=r"no model server answers at http://127.0.0.1:9/v1 .*start it"):
        OpenAIModel("http://127.0.0.1:9")


def test_a_refused_key_names_the_variable(written_server: WrittenServer) -> None:
    written_server.answer("/v1/models", {"error": "who are you"}, 401)
    with pytest.raises(ModelFailed, match="REPOAGENT_API_KEY"):
        OpenAIModel(written_server.url)


KEYS = {
    "no key": ({}, "none"),
    "this program's key": ({"REPOAGENT_API_KEY": "ours", "OPENAI_API_KEY": "theirs"}, "ours"),
    "OpenAI's key is not for others": ({"OPENAI_API_KEY": "theirs"}, "none"),
    "unless the user says so": ({"OPENAI_API_KEY": "theirs", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "theirs"),
}


@pytest.mark.parametrize(("variables", "key"), KEYS.values(), ids=KEYS)
def test_a_key_goes_only_to_whom_it_is_meant_for(
    variables: dict[str, str], key: str, written_server: WrittenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    written_server.serve_models("m")
    written_server.say("hi")
    with OpenAIModel(written_server.url) as model:
        model.chat(HELLO, SHORT)
    assert set(written_server.keys) == {f"Bearer {key}"}


def test_a_chat_carries_sampling_and_brings_text_and_usage(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.say("hi")
    with OpenAIModel(written_server.url) as model:
        completion = model.chat(HELLO, SHORT)
    (body,) = written_server.bodies("/v1/chat/completions")
    assert (body["max_tokens"], body["temperature"], body["seed"], body["stop"]) == (16, 0.8, 7, ["END"])
    assert (completion.text, completion.truncated) == ("hi", False)
    assert (completion.usage.calls, completion.usage.prompt_tokens, completion.usage.completion_tokens) == (1, 5, 2)


@pytest.mark.parametrize(
    ("content", "reasoning", "text"),
    [
        ("<think>hm</think>\n\nyes", None, "yes"),
        ("hm\n</think>\nyes", None, "yes"),
        ("<think>hm, and then it was cut", None, ""),
        ("", "yes", "yes"),
        (None, "hm</think>yes", "yes"),
        ("plain", "hm", "plain"),
    ],
)
def test_thoughts_are_left_out(
    written_server: WrittenServer, content: str | None, reasoning: str | None, text: str
) -> None:
    written_server.serve_models("m")
    written_server.say(content, reasoning_content=reasoning)
    with OpenAIModel(written_server.url) as model:
        assert model.chat(HELLO, SHORT).text == text


def test_an_answer_cut_at_the_limit_says_so(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.say("half of", finish="length")
    with OpenAIModel(written_server.url) as model:
        assert model.chat(HELLO, SHORT).truncated


LLAMA_FULL = {
    "error": {
        "code": 400,
        "message": "request (6030 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "type": "exceed_context_size_error",
    }
}
VLLM_FULL = {
    "object": "error",
    "message": "This model's maximum context length is 4096 tokens. However, you requested 6030 tokens (6014 in ...",
    "type": "BadRequestError",
}


@pytest.mark.parametrize("body", [LLAMA_FULL, VLLM_FULL])
def test_a_full_context_is_told_with_both_numbers(written_server: WrittenServer, body: dict[str, object]) -> None:
    written_server.serve_models("m")
    written_server.answer("/v1/chat/completions", body, 400)
    with OpenAIModel(written_server.url) as model, pytest.raises(ContextFull, match=r"has 6,030 .* gives 4,096 tokens"):
        model.chat(HELLO, SHORT)


def test_a_prompt_that_was_cut_in_silence_is_found_out(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.say("sure!", prompt_tokens=2048)
    with OpenAIModel(written_server.url) as model, pytest.raises(ContextFull, match="gives 2,048 tokens"):
        model.chat([Message("user", "value = 1\n" * 4000)], SHORT)


def test_a_busy_server_is_asked_again(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.answer("/v1/chat/completions", {"error": {"message": "Loading model"}}, 503)
    written_server.say("ready")
    with OpenAIModel(written_server.url) as model:
        assert model.chat(HELLO, SHORT).text == "ready"


def test_another_error_is_told_once_with_the_servers_words(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.answer("/v1/chat/completions", {"error": {"message": "the dog ate it"}}, 500)
    with OpenAIModel(written_server.url) as model, pytest.raises(ModelFailed, match=r"answered 500: .*the dog ate it"):
        model.chat(HELLO, SHORT)
    assert len(written_server.bodies("/v1/chat/completions")) == 1


def test_the_context_is_one_slots_with_llama_cpp(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.answer("/props", {"default_generation_settings": {"n_ctx": 3072}, "total_slots": 4})
    with OpenAIModel(written_server.url) as model:
        assert (model.get_context_size(), model.notes) == (3072, ())


def test_the_context_is_the_maximum_length_with_vllm(written_server: WrittenServer) -> None:
    written_server.serve_models("m", max_model_len=32768)
    with OpenAIModel(written_server.url) as model:
        assert model.get_context_size() == 32768


@pytest.mark.parametrize(
    ("loaded", "parameters", "context"),
    [(8192, "num_ctx 2048", 8192), (None, "stop x\nnum_ctx                        2048", 2048)],
)
def test_the_context_with_ollama_is_what_was_loaded(
    written_server: WrittenServer, loaded: int | None, parameters: str, context: int
) -> None:
    written_server.serve_models("m")
    written_server.answer("/api/version", {"version": "0.13"})
    written_server.answer("/api/ps", {"models": [{"name": "m", "context_length": loaded}] if loaded else []})
    written_server.answer("/api/show", {"parameters": parameters})
    with OpenAIModel(written_server.url) as model:
        assert model.get_context_size() == context


def test_an_unknown_context_is_assumed_and_noted(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    with OpenAIModel(written_server.url) as model:
        assert model.get_context_size() == model.profile.context
        assert "does not report its context" in model.notes[0]


@pytest.mark.parametrize("answer", [{"tokens": [1, 2, 3]}, {"count": 3, "max_model_len": 10}])
def test_tokens_are_counted_by_the_server_and_remembered(
    written_server: WrittenServer, answer: dict[str, object]
) -> None:
    written_server.serve_models("m")
    written_server.answer("/tokenize", answer)
    with OpenAIModel(written_server.url) as model:
        assert [model.count_tokens("a b c"), model.count_tokens("a b c"), model.count_tokens("")] == [3, 3, 0]
    assert len(written_server.bodies("/tokenize")) == 1


def test_without_a_tokenizer_the_count_is_an_upper_estimate(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    with OpenAIModel(written_server.url) as model:
        assert model.count_tokens("x" * 100) == 41
        assert model.count_tokens("y" * 100) == 41
    assert len(written_server.bodies("/tokenize")) == 1


def test_a_hole_is_filled_by_the_endpoint_where_there_is_one(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    timings = {"cache_n": 10, "prompt_n": 4, "predicted_n": 3}
    written_server.answer("/infill", {"content": "a + b", "stop_type": "limit", "timings": timings})
    with OpenAIModel(written_server.url) as model:
        completion = model.infill("return ", "\n", SHORT)
    (body,) = written_server.bodies("/infill")
    assert (body["input_prefix"], body["input_suffix"], body["n_predict"]) == ("return ", "\n", 16)
    assert (completion.text, completion.truncated) == ("a + b", True)
    assert (completion.usage.prompt_tokens, completion.usage.cached_tokens) == (14, 10)


def test_a_hole_is_filled_through_special_tokens_elsewhere(written_server: WrittenServer) -> None:
    written_server.serve_models("qwen2.5-coder-7b")
    choice = {"index": 0, "text": "a + b", "finish_reason": "stop"}
    body = {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]}
    written_server.answer("/v1/completions", body)
    with OpenAIModel(written_server.url) as model:
        texts = [model.infill("return ", "\n", SHORT).text for _ in range(2)]
    assert texts == ["a + b", "a + b"]
    sent = written_server.bodies("/v1/completions")[0]["prompt"]
    assert sent == "<|fim_prefix|>return <|fim_suffix|>\n<|fim_middle|>"
    assert len(written_server.bodies("/infill")) == 1, "the endpoint is looked for once"


def test_a_model_without_such_tokens_cannot_fill_holes(written_server: WrittenServer) -> None:
    written_server.serve_models("gpt")
    with OpenAIModel(written_server.url) as model, pytest.raises(ModelFailed, match="not known to fill in the middle"):
        model.infill("a", "b", SHORT)


def test_a_prefix_that_would_be_cut_in_silence_is_refused(written_server: WrittenServer) -> None:
    written_server.serve_models("m", max_model_len=100)
    with OpenAIModel(written_server.url) as model, pytest.raises(ContextFull, match="gives 100 tokens"):
        model.infill("value = 1\n" * 40, "", SHORT)


def test_a_text_is_scored_by_making_llama_cpp_write_it(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.answer("/tokenize", {"tokens": [64, 488]})
    rows = [{"id": 64, "logprob": -0.5}, {"id": 488, "logprob": -2.0}, {"id": 9, "logprob": -0.25}]
    timings = {"cache_n": 10, "prompt_n": 4, "predicted_n": 3}
    written_server.answer("/infill", {"content": "a +", "completion_probabilities": rows, "timings": timings})
    with OpenAIModel(written_server.url) as model:
        score = model.score("return ", "\n", "a +")
    assert score is not None
    assert (score.logprob, score.usage.completion_tokens) == (-2.75, 3)
    (body,) = written_server.bodies("/infill")
    assert (body["grammar"], body["input_prefix"], body["input_suffix"]) == ("root ::= <[64]> <[488]>", "return ", "\n")


@pytest.mark.parametrize(
    ("status", "answer", "asked"),
    [
        (404, {"error": "no such thing"}, 1),
        (400, {"error": {"message": "failed to parse grammar"}}, 1),
        (200, {"content": "a +"}, 1),
        (200, {"completion_probabilities": [{"id": 7, "logprob": -1.0}, {"id": 9, "logprob": -1.0}]}, 2),
        (200, {"completion_probabilities": [{"id": 64, "logprob": -1.0}]}, 2),
        (200, {"completion_probabilities": [{"id": 64, "logprob": "x"}, [], {"id": 9, "logprob": -1.0}]}, 2),
        (200, {"completion_probabilities": 3}, 2),
    ],
)
def test_who_does_not_tell_scores_gives_none_and_is_asked_once(
    status: int, answer: dict[str, object], asked: int, written_server: WrittenServer
) -> None:
    written_server.serve_models("m")
    written_server.answer("/tokenize", {"tokens": [64]})
    written_server.answer("/infill", answer, status)
    with OpenAIModel(written_server.url) as model:
        assert [model.score("return ", "\n", "a") for _ in range(2)] == [None, None]
    assert len(written_server.bodies("/infill")) == asked


def test_a_text_without_known_tokens_or_with_too_many_is_not_scored(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.answer("/tokenize", {"tokens": [1] * 1000})
    with OpenAIModel(written_server.url) as model:
        assert model.score("return ", "\n", "a") is None
    assert written_server.bodies("/infill") == []


def test_equal_chats_at_the_same_time_are_one_request_to_llama_cpp(written_server: WrittenServer) -> None:
    written_server.serve_models("m")
    written_server.answer("/props", {"default_generation_settings": {"n_ctx": 4096}, "total_slots": 4})
    written_server.answer("/tokenize", {"tokens": [1, 2]})
    choices = [
        {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": f"answer {i}"}}
        for i in range(4)
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102}
    body = {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": choices, "usage": usage}
    written_server.answer("/v1/chat/completions", body)
    with OpenAIModel(written_server.url) as model, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda seed: model.chat(HELLO, Sampling(16, seed=seed)), range(4)))
    assert sorted(answer.text for answer in answers) == [f"answer {i}" for i in range(4)]
    assert [body["n"] for body in written_server.bodies("/v1/chat/completions")] == [4]
    assert sum(answer.usage.prompt_tokens for answer in answers) == 100, "the prompt was read once"
