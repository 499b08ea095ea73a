"""What a tool is, to a model and to Python."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Literal

import pytest

from repoagent.errors import ToolError, UserError
from repoagent.index.build import Index
from repoagent.toolkit import Tool, ToolContext, is_tool, tool

CONTEXT = ToolContext(Index.from_files(Path(), ()), Path(), limit=10)


@tool
def repeat(context: ToolContext, text: str, times: int = 2, how: Literal["up", "down"] = "up") -> str:
    """Repeat a text."""
    return context.cap((text.upper() if how == "up" else text) * times, "Ask for less.")


def test_a_marked_function_is_the_same_function() -> None:
    assert is_tool(repeat)
    assert repeat(CONTEXT, "a") == "AA"
    assert pickle.loads(pickle.dumps(repeat)) is repeat  # noqa: S301  # of our own


def test_the_schema_is_that_of_the_signature_without_the_context() -> None:
    assert Tool(repeat).schema == {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "times": {"type": "integer", "default": 2},
            "how": {"type": "string", "enum": ["up", "down"], "default": "up"},
        },
        "required": ["text"],
        "additionalProperties": False,
    }
    assert (Tool(repeat).name, Tool(repeat).description) == ("repeat", "Repeat a text.")


def test_arguments_are_converted_as_models_write_them() -> None:
    assert Tool(repeat).call(CONTEXT, text="b", times="3", how="down") == "bbb"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "text: Field required"),
        ({"text": "a", "times": "many"}, "times: Input should be a valid integer"),
        ({"text": "a", "how": "left"}, "'up' or 'down'"),
        ({"text": "a", "extra": 1}, "extra: Extra inputs"),
        ({"text": "a", "context": "x", "self": 1}, "context: Extra inputs"),
    ],
)
def test_arguments_that_do_not_fit_are_answered_with_the_usage(arguments: dict[str, object], complaint: str) -> None:
    with pytest.raises(ToolError, match=complaint) as raised:
        Tool(repeat).call(CONTEXT, **arguments)
    assert "`repeat` takes: text: str, times: int = 2" in str(raised.value)


def test_long_output_is_cut_at_a_line_and_says_what_to_ask_next() -> None:
    text = "\n".join("line" for _ in range(20))
    assert CONTEXT.cap(text, "Ask for less.") == "line\n" * 8 + "… 12 more lines. Ask for less."
    assert CONTEXT.cap("x" * 100, "Ask for less.") == "x" * 40 + "\n… cut. Ask for less."


def undescribed(context: ToolContext) -> str:
    return ""


def without_context() -> str:
    """Say nothing."""
    return ""


@pytest.mark.parametrize("function", [undescribed, without_context])
def test_what_no_model_could_call_is_refused_by_name(function: object) -> None:
    with pytest.raises(UserError, match=getattr(function, "__name__", "")):
        Tool(function, "somewhere")  # type: ignore[arg-type]  # what the check is for
