"""A parser that fails by itself is asked once more."""

from __future__ import annotations

import ast

import pytest

from repoagent import python_ast


@pytest.mark.parametrize(("failures", "parsed"), [(0, True), (1, True), (2, False)])
def test_an_interpreter_that_fails_is_asked_once_more(
    failures: int, parsed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [SystemError("AST constructor recursion depth mismatch")] * failures
    original = ast.parse

    def parse(source: str) -> ast.Module:
        if left:
            raise left.pop()
        return original(source)

    monkeypatch.setattr(ast, "parse", parse)
    if parsed:
        assert len(python_ast.parse_python("a = 1").body) == 1
    else:
        with pytest.raises(ValueError, match="recursion depth mismatch"):
            python_ast.parse_python("a = 1")


def test_what_is_no_python_is_said_as_ever() -> None:
    with pytest.raises(SyntaxError):
        python_ast.parse_python("def f(:")
