"""Tools that find: definitions, uses, text."""

from __future__ import annotations

from repoagent.errors import ToolError, UserError
from repoagent.index.model import Symbol
from repoagent.index.search import search
from repoagent.toolkit import ToolContext, tool
from repoagent_tools.paths import inside, nearest

MOST = 200


@tool
def find_symbol(context: ToolContext, name: str) -> str:
    """Find where a function, method or class is defined, by its name or `Class.method`.

    Answers one line per definition: path:line, kind, header.
    """
    found = _found(context, name)
    text = "\n".join(f"{s.path}:{s.start} {s.kind} {s.qualified}: {s.signature}" for s in found)
    return context.cap(text, "Ask for `Class.method` to narrow it down.")


@tool
def find_references(context: ToolContext, name: str) -> str:
    """Find where a function, method, class or attribute is used, by its name.

    Matched by name only: uses of other things with the same name are listed too. Answers one line per use: path:line,
    how it is used, the function around it.
    """
    uses = context.index.references(name)
    if not uses:
        raise ToolError(f"Nothing uses `{name}`. {nearest(name, (s.name for s in context.index.symbols()))}")
    lines = [f"{u.path}:{u.line} {u.kind}{f' in {u.inside}' if u.inside else ''}" for u in uses]
    return context.cap(
        "\n".join(lines), f"There are {len(lines)} uses; search_text with a path shows those of one folder."
    )


@tool
def search_text(context: ToolContext, text: str, path: str = "", regex: bool = False) -> str:
    """Search all text files, or those in the folder or file `path`, for `text`.

    Upper and lower case are told apart. With `regex` the text is a Python regular expression. Answers path:line: text.
    """
    if not text:
        raise ToolError("The text to search for is empty. Give a word or a phrase from the code.")
    under = "" if not path or inside(context, path) == "." else inside(context, path)
    try:
        hits = search(context.index, text, regex=regex, under=under, limit=MOST)
    except UserError as error:
        raise ToolError(str(error)) from error
    if not hits:
        raise ToolError(
            f"Nothing holds `{text}`{f' below `{under}`' if under else ''}. Try a shorter text or find_symbol."
        )
    lines = "\n".join(f"{hit.path}:{hit.line}: {hit.text.strip()}" for hit in hits)
    return context.cap(lines, "Search for a longer text, or in one folder with `path`.")


def _found(context: ToolContext, name: str) -> tuple[Symbol, ...]:
    index = context.index
    found = index.find(name) or index.resolve(name) or index.find(".".join(name.split(".")[-2:]))
    if not found:
        raise ToolError(f"Nothing is called `{name}`. {nearest(name, (s.qualified for s in index.symbols()))}")
    return found
