"""Tools that show: files, their outlines, definitions, lines."""

from __future__ import annotations

from fnmatch import fnmatch

from repoagent.errors import ToolError
from repoagent.index.outline import build_outline
from repoagent.index.reading.text import split_lines
from repoagent.toolkit import ToolContext, tool
from repoagent_tools.paths import check_inside, check_text_file, find_symbol_in, suggest_nearest


@tool
def outline(context: ToolContext, path: str, name: str = "") -> str:
    """Show the skeleton of a file, or of the class `name` in it: line numbers, headers, attributes, no bodies.

    Look at this before you read a long file.
    """
    path = check_text_file(context, path)
    facts = context.index.read_facts(path)
    if facts is None or facts.skipped:
        why = facts.skipped if facts else "no language the index knows"
        raise ToolError(f"`{path}` has no outline ({why}). Use view_lines.")
    qualified = find_symbol_in(context, path, name).qualified if name else ""
    text = build_outline(context.index, path, qualified)
    return (
        context.cap(text, "Ask for the outline of one class with `name`.")
        or f"`{path}` defines nothing. Use view_lines."
    )


@tool
def read_symbol(context: ToolContext, path: str, name: str) -> str:
    """Show the source of the function, method or class `name` in the file `path`, with line numbers."""
    path = check_text_file(context, path)
    symbol = find_symbol_in(context, path, name)
    advice = f"Use view_lines from there on, up to line {symbol.end}."
    return context.cap(_number_lines(context, path, symbol.start, symbol.end), advice)


@tool
def view_lines(context: ToolContext, path: str, start: int, end: int) -> str:
    """Show lines `start` to `end` of `path`, numbered from 1."""
    path = check_text_file(context, path)
    last = len(split_lines(context.index.read_source(path)))
    if start < 1 or end < start or start > last:
        raise ToolError(f"`{path}` has lines 1 to {last}; give a `start` and an `end` in this order within them.")
    return context.cap(_number_lines(context, path, start, min(end, last)), "Ask for the lines after these.")


@tool
def list_files(context: ToolContext, folder: str = ".", pattern: str = "*") -> str:
    """List the files below `folder` whose path matches `pattern`, as `*.py` or `*/test_*`, but ignored ones."""
    folder = check_inside(context, folder)
    paths = [item.path for item in context.index.listed if folder == "." or item.path.startswith(f"{folder}/")]
    if not paths:
        folders = {item.path.rpartition("/")[0] for item in context.index.listed}
        raise ToolError(f"There are no files in `{folder}`. {suggest_nearest(folder, sorted(folders))}")
    matching = [path for path in paths if fnmatch(path, pattern) or fnmatch(path.rpartition("/")[2], pattern)]
    if not matching:
        raise ToolError(f"None of {len(paths)} files in `{folder}` matches `{pattern}`. Try `*` or a shorter pattern.")
    return context.cap("\n".join(matching), "List one folder with `folder`, or narrow `pattern`.")


def _number_lines(context: ToolContext, path: str, start: int, end: int) -> str:
    lines = split_lines(context.index.read_source(path))[start - 1 : end]
    return "\n".join(f"{number:5} {line.rstrip()}" for number, line in enumerate(lines, start))
