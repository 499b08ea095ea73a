"""A parser that hangs, dies or wants all memory costs the text that did it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from repoagent.languages.tree_sitter import process
from repoagent.languages.tree_sitter.process import MEMORY, ParserProcess


@pytest.fixture
def parser() -> Iterator[ParserProcess]:
    """A parser with little patience."""
    made = ParserProcess(seconds=1.0)
    yield made
    made.close()


def test_nonsense_that_hangs_the_grammar_is_given_up_and_the_next_text_is_read(parser: ParserProcess) -> None:
    began = time.monotonic()
    assert parser.read("csharp", "<T" * 20_000).failure == "the parser gave up"
    assert time.monotonic() - began < 60
    syntax = parser.read("csharp", "class A { int F() { return 1; } }")
    assert [each.qualified for each in syntax.definitions] == ["A", "A.F"]


def test_a_text_that_takes_all_memory_is_given_up() -> None:
    parser = ParserProcess(seconds=60.0, memory=MEMORY // 16)
    began = time.monotonic()
    assert parser.read("csharp", "<T" * 20_000).failure == "the parser gave up"
    assert time.monotonic() - began < 60
    parser.close()


@pytest.mark.parametrize("piece", ["(", "{", "[", "`${", "a.b(", "class A {"])
@pytest.mark.parametrize("language", ["javascript", "ruby", "cpp"])
def test_deep_nesting_is_read_or_given_up(parser: ParserProcess, language: str, piece: str) -> None:
    syntax = parser.read(language, piece * 3_000)
    assert syntax.failure or syntax.errors


def test_a_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    process.read_syntax.cache_clear()
    first = process.read_syntax("go", "package once")
    assert process.read_syntax("go", "package once") is first
    assert process.read_syntax.cache_info().hits == 1


def test_a_process_that_was_closed_starts_again(parser: ParserProcess) -> None:
    assert not parser.read("go", "package a").failure
    parser.close()
    assert not parser.read("go", "package a").failure
