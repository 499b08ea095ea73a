"""Tools that find: definitions, uses, text, code that is about something."""

from __future__ import annotations

from repoagent.errors import ToolError, UserError
from repoagent.index.repomap import build_repository_map
from repoagent.index.search import search_by_words, search_lines
from repoagent.index.similar import find_clones
from repoagent.toolkit import ToolContext, tool
from repoagent_tools.paths import check_inside, find_named

MAX_HITS = 200


@tool
def find_symbol(context: ToolContext, name: str) -> str:
    """Find where a function, method, class or constant is defined, by its name or `Class.method`.

    Answers one line per definition: path:line, kind, header.
    """
    found = find_named(context, name)
    text = "\n".join(f"{s.path}:{s.start} {s.kind} {s.qualified}: {s.signature}" for s in found)
    return context.cap(text, "Ask for `Class.method` to narrow it down.")


@tool
def find_references(context: ToolContext, name: str) -> str:
    """Find where a function, method, class or attribute is used, by its name.

    Matched by name only: uses of other things with the same name are listed too; find_callers tells them apart. Answers
    one line per use: path:line, how it is used, the function around it.
    """
    uses = context.index.find_references(name)
    if not uses:
        like = ", ".join(context.index.suggest_names(name)) or "nothing is called like it"
        raise ToolError(f"Nothing uses `{name}`. Did you mean {like}? Else try search_text.")
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
    under = _normalise_folder(context, path)
    try:
        hits = search_lines(context.index, text, regex=regex, under=under, limit=MAX_HITS)
    except UserError as error:
        raise ToolError(str(error)) from error
    if not hits:
        raise ToolError(
            f"Nothing holds `{text}`{f' below `{under}`' if under else ''}. Try a shorter text or find_symbol."
        )
    lines = "\n".join(f"{hit.path}:{hit.line}: {hit.text.strip()}" for hit in hits)
    return context.cap(lines, "Search for a longer text, or in one folder with `path`.")


@tool
def search_code(context: ToolContext, question: str, path: str = "") -> str:
    """Find the functions that are about something, from a description in words, best first.

    Rare words count most, so use words that the code would use. Answers path:line, function, the words it shares.
    """
    found = search_by_words(context.index, question, under=_normalise_folder(context, path))
    if not found:
        raise ToolError("No function shares a word with this. Use names that the code would use, or search_text.")
    lines = (f"{p.path}:{p.start} {p.symbol or '(top of the file)'}: {', '.join(p.words)}" for p in found)
    return context.cap("\n".join(lines), "Read the best with read_symbol.")


@tool
def find_similar(context: ToolContext, path: str, start: int, end: int) -> str:
    """Find code that looks like lines `start` to `end` of `path`: where else the same mistake may be.

    Names of variables and literals do not matter. Answers likeness, path:first-last line, function.
    """
    try:
        found = find_clones(context.index, check_inside(context, path), start, end)
    except UserError as error:
        raise ToolError(f"{error} Use find_references or search_text instead.") from error
    if not found:
        raise ToolError("Nothing looks like these lines. Ask about fewer lines: the ones that are wrong.")
    lines = (f"{c.likeness:.0%} {c.unit.path}:{c.lines[0]}-{c.lines[1]} {c.unit.symbol}" for c in found)
    return context.cap("\n".join(lines), "Ask about more lines to narrow it down.")


@tool
def show_map(context: ToolContext, mentioned: list[str], path: str = "") -> str:
    """Show the most used definitions of the repository, or of the folder or file `path`: signatures without bodies.

    `mentioned` are names or files that you care about; an empty list is fine. A good first look at a repository.
    """
    found = build_repository_map(context.index, context.limit, mentioned, _normalise_folder(context, path))
    if not found.text:
        raise ToolError("No definitions are there. Try list_files, or leave `path` out.")
    more = f"\n… {found.left_out} more definitions. Ask for one folder with `path`." if found.left_out else ""
    return found.text + more


def _normalise_folder(context: ToolContext, path: str) -> str:
    plain = check_inside(context, path) if path else "."
    return "" if plain == "." else plain
