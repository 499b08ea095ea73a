"""Check paths and names as a model gives them, and suggest the nearest that exist."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from repoagent.errors import ToolError
from repoagent.index.likeness import rank_similar_names
from repoagent.index.model import Symbol
from repoagent.toolkit import ToolContext


def check_text_file(context: ToolContext, path: str) -> str:
    """Return `path` in its plain form, if it is a text file of the repository; raises ToolError otherwise."""
    plain = check_inside(context, path)
    if context.index.is_text(plain):
        return plain
    if any(item.path == plain for item in context.index.listed):
        raise ToolError(f"`{plain}` is binary or too large to show. Try search_text, or another file.")
    raise ToolError(
        f"There is no file `{plain}`. {suggest_nearest(plain, (item.path for item in context.index.listed))}"
    )


def check_inside(context: ToolContext, path: str) -> str:
    """Return `path` relative to the repository, `.` for its root; raises ToolError if it leads out, also by a link."""
    asked = PurePosixPath(path.strip())
    if asked.is_absolute() or ".." in asked.parts or "\0" in path:
        raise ToolError(f"`{path}` leads out of the repository. Give a path relative to its root, without `..`.")
    root = context.root.resolve()
    if not _resolve_path(root / asked).is_relative_to(root):
        raise ToolError(f"`{path}` is a link that leads out of the repository. Look at another file; try list_files.")
    return str(asked)


def find_symbol_in(context: ToolContext, path: str, name: str) -> Symbol:
    """Find the symbol `name` (qualified or bare) of `path`; raises ToolError with the nearest names."""
    facts = context.index.read_facts(path)
    symbols = facts.symbols if facts else ()
    exact = context.index.get_symbol(path, name)
    bare = [symbol for symbol in symbols if f".{symbol.qualified}".endswith(f".{name}")]
    if exact or len(bare) == 1:
        return exact or bare[0]
    if bare:
        choices = ", ".join(symbol.qualified for symbol in bare[:10])
        raise ToolError(f"`{path}` has several `{name}`: {choices}. Ask for one of these.")
    raise ToolError(f"`{path}` defines no `{name}`. {suggest_nearest(name, [symbol.qualified for symbol in symbols])}")


def find_named(context: ToolContext, name: str) -> tuple[Symbol, ...]:
    """Find the symbols with the bare, qualified or dotted `name`; raises ToolError with the nearest names."""
    index = context.index
    found = index.find_symbols(name) or index.resolve(name) or index.find_symbols(".".join(name.split(".")[-2:]))
    if not found:
        like = ", ".join(index.suggest_names(name))
        raise ToolError(f"Nothing is called `{name}`. {f'Did you mean {like}?' if like else 'Try search_text.'}")
    return found


def suggest_nearest(name: str, known: Iterable[str]) -> str:
    """Write a sentence with up to five names like `name`, or what to do where there are none."""
    tails: dict[str, list[str]] = {}
    for item in dict.fromkeys(known):
        tails.setdefault(_get_tail(item), []).append(item)
    found = [item for tail in rank_similar_names(_get_tail(name), tails) for item in tails[tail]][:5]
    return f"Did you mean {', '.join(found)}?" if found else "Try search_text or list_files."


def _get_tail(name: str) -> str:
    return name.rpartition("/")[2] if "/" in name else name.removesuffix(".py").rpartition(".")[2]


def _resolve_path(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as error:
        raise ToolError(f"`{path.name}` cannot be followed. Look at another file; try list_files.") from error
