"""What a tool is: a plain function marked by `@tool`, whose signature and docstring are what the model sees."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from repoagent.errors import ToolError, UserError
from repoagent.index.build import Index

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

ToolFunction = TypeVar("ToolFunction", bound=Callable[..., str])

CHARACTERS_PER_TOKEN = 4
"""A rough mean for code, good enough to limit an output."""

_MARK = "__repoagent_tool__"


@dataclass(frozen=True)
class ToolContext:
    """What a tool may use: the first parameter of every tool, which the model never sees."""

    index: Index
    root: Path
    """The root of the repository. Nothing outside of it is shown."""
    run_tests: Callable[[Sequence[str]], str] | None = None
    """Runs tests by id in a sandbox (no id for all tests) and returns a report for a model; None without a sandbox."""
    limit: int = 2000
    """Tokens of one output, at most."""

    def cap(self, text: str, advice: str) -> str:
        """Cut `text` at a line to the limit; where something was cut, `advice` says what to ask for instead."""
        max_characters = self.limit * CHARACTERS_PER_TOKEN
        if len(text) <= max_characters:
            return text
        kept = text[:max_characters].rpartition("\n")[0] or text[:max_characters]
        left = text.count("\n", len(kept))
        return f"{kept}\n… {left} more lines. {advice}" if left else f"{kept}\n… cut. {advice}"


def tool(function: ToolFunction) -> ToolFunction:
    """Mark `function(context, …) -> str` as a tool and return it unchanged.

    Its docstring tells the model what it does; the parameters after the first become the JSON schema.
    """
    setattr(function, _MARK, True)
    return function


def is_tool(value: object) -> bool:
    """Whether `value` is a function marked by `@tool`."""
    return callable(value) and getattr(value, _MARK, False) is True


@dataclass(frozen=True)
class Tool:
    """A marked function, with what a model must know to call it."""

    function: Callable[..., str]
    origin: str = "built in"
    """Where it was found, for people."""

    def __post_init__(self) -> None:
        if not self.description:
            raise UserError(f"The tool `{self.name}` ({self.origin}) has no docstring; say there what it does.")
        if not list(inspect.signature(self.function).parameters)[:1]:
            raise UserError(f"The tool `{self.name}` ({self.origin}) must take a ToolContext as its first parameter.")

    @property
    def name(self) -> str:
        """The name by which the model calls it."""
        return str(getattr(self.function, "__name__", "tool"))

    @property
    def description(self) -> str:
        """The function's docstring."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def schema(self) -> Mapping[str, object]:
        """The JSON schema of the arguments, an object without additional properties."""
        schema = self._arguments.model_json_schema()
        return {
            "type": "object",
            "properties": {name: _drop_title(entry) for name, entry in schema.get("properties", {}).items()},
            "required": schema.get("required", []),
            "additionalProperties": False,
        }

    def call(self, context: ToolContext, /, **arguments: object) -> str:
        """Call the tool and return its answer; raises ToolError, which the model can act on, for invalid arguments."""
        from pydantic import ValidationError

        try:
            checked = self._arguments.model_validate(arguments)
        except ValidationError as error:
            raise ToolError(f"{_describe_errors(error)} `{self.name}` takes: {self._usage}.") from error
        values = {name: getattr(checked, name) for name in type(checked).model_fields}
        return self.function(context, **values)

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        from pydantic import ConfigDict, create_model

        fields = {p.name: (p.annotation, ... if p.default is p.empty else p.default) for p in self._parameters}
        try:
            # create_model's overloads know no fields that are only known at run time.
            return create_model(self.name, __config__=ConfigDict(extra="forbid"), **fields)  # type: ignore[call-overload, no-any-return]
        except (TypeError, ValueError, NameError) as error:
            message = f"The parameters of the tool `{self.name}` ({self.origin}) cannot be described: {error}"
            raise UserError(message) from error

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        try:
            signature = inspect.signature(self.function, eval_str=True)
        except NameError as error:
            raise UserError(
                f"The tool `{self.name}` ({self.origin}) has an annotation that is not known at run time ({error}); "
                "import it outside of `if TYPE_CHECKING`."
            ) from error
        return list(signature.parameters.values())[1:]

    @property
    def _usage(self) -> str:
        return ", ".join(str(parameter) for parameter in self._parameters) or "no arguments"


def _drop_title(entry: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if key != "title"}


def _describe_errors(error: ValidationError) -> str:
    parts = [f"{'.'.join(str(place) for place in fault['loc'])}: {fault['msg']}" for fault in error.errors()[:3]]
    return f"The arguments do not fit ({'; '.join(parts)})."
