"""Tools that follow: who calls what, what is derived from what, which lines decide about a line."""

from __future__ import annotations

from repoagent.errors import ToolError, UserError
from repoagent.index.flow import slice_function
from repoagent.index.reading.text import split_lines
from repoagent.index.resolving import KIND_LABELS, ResolvedReference, Resolver
from repoagent.toolkit import ToolContext, tool
from repoagent_tools.paths import check_text_file, find_named


@tool
def find_callers(context: ToolContext, name: str) -> str:
    """Find the calls of a function, method or class, by its name or `Class.method`.

    Imports, classes and local variables are followed; what can be told by the name only is marked `by name`. Answers
    path:line, the function around the call, how it is known.
    """
    resolver = Resolver(context.index)
    links = [link for symbol in find_named(context, name) for link in resolver.find_callers(symbol)]
    if not links:
        raise ToolError(
            f"No call of `{name}` is known. find_references shows other uses, search_text those in strings."
        )
    return context.cap("\n".join(map(_format_caller, links)), "Ask for `Class.method` to narrow it down.")


@tool
def find_callees(context: ToolContext, name: str) -> str:
    """Show what a function or method calls, and where that is defined; not what lies outside of the repository.

    Answers line, name, path:line and name of the definition, how it is known.
    """
    resolver = Resolver(context.index)
    links = [link for symbol in find_named(context, name) for link in resolver.find_callees(symbol) if link.targets]
    if not links:
        raise ToolError(f"`{name}` calls nothing that this repository defines. Read it with read_symbol.")
    return context.cap("\n".join(map(_format_callee, links)), "Ask for one method with `Class.method`.")


@tool
def find_subclasses(context: ToolContext, name: str) -> str:
    """Find the classes that are derived from the class `name`, directly or through others.

    Answers path:line and header of each.
    """
    resolver = Resolver(context.index)
    found = dict.fromkeys(below for symbol in find_named(context, name) for below in resolver.find_subclasses(symbol))
    if not found:
        raise ToolError(f"Nothing is derived from `{name}`. find_references shows how it is used.")
    return context.cap("\n".join(f"{s.path}:{s.start} {s.signature}" for s in found), "Ask for a subclass instead.")


@tool
def slice_lines(context: ToolContext, path: str, line: int, forward: bool = False) -> str:
    """Show only those lines of a Python function that decide what `line` of `path` computes.

    With `forward`, those that it has an effect on. Use it where a value is wrong and the function is long.
    """
    path = check_text_file(context, path)
    try:
        numbers = slice_function(context.index, path, line, forward=forward)
    except UserError as error:
        raise ToolError(f"{error} Use view_lines instead.") from error
    lines = split_lines(context.index.read_source(path))
    return context.cap(
        "\n".join(f"{number:5} {lines[number - 1].rstrip()}" for number in numbers), "Ask about another line."
    )


def _format_caller(link: ResolvedReference) -> str:
    use = link.reference
    return f"{use.path}:{use.line} in {use.inside or 'the module'} [{KIND_LABELS[link.how]}]"


def _format_callee(link: ResolvedReference) -> str:
    targets = ", ".join(f"{symbol.path}:{symbol.start} {symbol.qualified}" for symbol in link.targets[:3])
    more = f" and {len(link.targets) - 3} more" if len(link.targets) > 3 else ""
    return f"{link.reference.line:5} {link.reference.name} -> {targets}{more} [{KIND_LABELS[link.how]}]"
