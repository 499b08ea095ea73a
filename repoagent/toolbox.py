"""Gather the tools that a model may call: built in, then from installed packages, then from folders the user trusts."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from repoagent.errors import UserError
from repoagent.toolkit import Tool, is_tool

ENTRY_POINT_GROUP = "repoagent.tools"
"""The entry point group: each names a module, a function or a sequence of functions."""

_BROKEN = (
    *(ImportError, SyntaxError, AttributeError, NameError, LookupError, OSError, RuntimeError, TypeError, ValueError),
    *(ArithmeticError, AssertionError),
)
"""What a broken package or file may raise while it is loaded."""


def gather_tools(trusted: Sequence[Path] = (), *, installed: Iterable[EntryPoint] | None = None) -> Mapping[str, Tool]:
    """Gather the tools by name; of several with one name the last one counts.

    `trusted` are folders whose `*.py` are run ON THIS MACHINE, WITH THE USER'S RIGHTS, to read their tools: pass only
    what the user named, never a folder because it lies in the target repository. `installed` stands in for the entry
    points of the environment. Raises UserError naming the package or file that cannot be loaded.
    """
    found = list(_load_built_in())
    for entry in entry_points(group=ENTRY_POINT_GROUP) if installed is None else installed:
        found += _load_entry(entry)
    for folder in trusted:
        found += _load_folder(folder)
    return {tool.name: tool for tool in found}


def _load_built_in() -> Iterator[Tool]:
    from repoagent_tools import TOOLS

    yield from (Tool(function) for function in TOOLS)


def _load_entry(entry: EntryPoint) -> list[Tool]:
    origin = f"entry point {entry.name} = {entry.value}"
    try:
        loaded = entry.load()
    except _BROKEN as error:
        raise UserError(
            f"The tools of {origin} cannot be loaded ({_format_error(error)}); mend or uninstall the package."
        ) from error
    return _find_tools(loaded, origin)


def _load_folder(folder: Path) -> list[Tool]:
    if not folder.is_dir():
        raise UserError(f"The tool folder `{folder}` does not exist; name a folder with Python files in it.")
    files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    return [tool for file in files for tool in _load_file(file)]


def _load_file(file: Path) -> list[Tool]:
    # A name of its own, so that no file can stand in for a module of this program or of the library.
    name = f"repoagent_trusted_{file.stem}_{abs(hash(file.resolve())):x}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UserError(f"`{file}` is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except _BROKEN as error:
        del sys.modules[name]
        raise UserError(
            f"The tool file `{file}` cannot be loaded ({_format_error(error)}); mend it or move it away."
        ) from error
    return _find_tools(module, str(file))


def _find_tools(loaded: object, origin: str) -> list[Tool]:
    if is_tool(loaded):
        values: Iterable[object] = (loaded,)
    elif isinstance(loaded, list | tuple):
        values = loaded
    else:
        values = vars(loaded).values() if hasattr(loaded, "__dict__") else ()
    tools = [
        Tool(value, origin) for value in dict.fromkeys(value for value in values if is_tool(value)) if callable(value)
    ]
    if not tools:
        raise UserError(f"There is no tool in {origin}; mark its functions with `@tool` from repoagent.toolkit.")
    return tools


def _format_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
