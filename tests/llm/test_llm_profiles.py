"""Which profile a model gets by its name."""

from __future__ import annotations

import pytest

from repoagent.llm.profiles import find_profile, load_profiles


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-0.5b"),
        ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-1.5b"),
        ("Qwen/Qwen2.5-Coder-3B-Instruct", "qwen2.5-coder-3b"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "qwen2.5-coder-7b"),
        ("qwen2.5-coder:7b", "qwen2.5-coder-7b"),
        ("qwen2.5-coder:latest", "qwen2.5-coder-7b"),
        ("qwen2.5-coder:14b-instruct-q8_0", "qwen2.5-coder-14b"),
        ("Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", "qwen2.5-coder-32b"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct-FP8", "qwen3-coder-30b-a3b"),
        ("qwen3-coder:30b", "qwen3-coder-30b-a3b"),
        ("Qwen/Qwen3.5-27B", "qwen3.x-27b"),
        ("qwen3.6:27b", "qwen3.x-27b"),
        ("Qwen3.8-27B-Q4_K_M.gguf", "qwen3.x-27b"),
        ("mistralai/Devstral-Small-2-24B-Instruct-2512", "devstral-small-2"),
        ("something-else", "generic"),
    ],
)
def test_a_name_finds_its_profile(name: str, profile: str) -> None:
    assert find_profile(name).id == profile


def test_the_generic_profile_stands_last() -> None:
    assert load_profiles()[-1].patterns == ("*",)
    assert len({profile.id for profile in load_profiles()}) == len(load_profiles())


@pytest.mark.parametrize("profile", load_profiles(), ids=lambda profile: profile.id)
def test_a_prompt_and_an_answer_fit_into_the_context(profile: object) -> None:
    found = next(p for p in load_profiles() if p is profile)
    assert found.prompt_budget + 1000 <= found.context
    assert bool(found.fim) or not found.infills


def test_small_models_are_shown_mechanical_mistakes_only() -> None:
    small = find_profile("qwen2.5-coder-1.5b")
    assert {"SyntaxError", "NameError", "TypeError"} <= set(small.retry_on)
    assert not {"*", "AssertionError"} & set(small.retry_on)
