"""Make candidates of what an issue proposes: found in the files that the issue points to, by content and not by number.

A hunk is put where its old lines stand exactly once, whatever their indentation and whatever line it names; nothing of
it is trusted beyond that.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from repoagent.domain import Edit, Location
from repoagent.drafting.base import Draft, Drafted
from repoagent.edits import EditRefused, splice_definition
from repoagent.edits.layout import indent_of, lines_of
from repoagent.errors import UserError
from repoagent.intake.proposals import Hunk, Proposal

NAME = "issue"
"""Of the generator, in reports."""
_FILES = 8
"""Files of the suspects in which a hunk that names none is looked for."""

Read = Callable[[str], str]
"""The text of a file; raises FileNotFoundError or UserError for a path that is none."""


def drafted(proposals: Sequence[Proposal], suspects: Sequence[Location], paths: Sequence[str], read: Read) -> Drafted:
    """A draft for each proposal that fits; `suspects` are looked through first, `paths` are all files there are."""
    made = Drafted()
    for proposal in proposals:
        try:
            edits = tuple(_edits(proposal, suspects, paths, read))
        except (EditRefused, RecursionError) as refusal:
            made += Drafted(refused=(f"{proposal.source}: {refusal}",))
            continue
        made += Drafted((Draft(edits, proposal.source),))
    return made


def _edits(proposal: Proposal, suspects: Sequence[Location], paths: Sequence[str], read: Read) -> Iterator[Edit]:
    if proposal.function:
        yield _spliced(proposal.function, suspects, read)
        return
    texts: dict[str, str] = {}
    for hunk in proposal.hunks:
        path, text = _replaced(hunk, suspects, paths, lambda name: texts.get(name) or read(name))
        texts[path] = text
    yield from (Edit(path, read(path), text) for path, text in texts.items())


def _replaced(hunk: Hunk, suspects: Sequence[Location], paths: Sequence[str], read: Read) -> tuple[str, str]:
    """The only file in which the hunk fits, and its new text."""
    near = list(dict.fromkeys(location.path for location in suspects))[:_FILES]
    if ".." in hunk.path:
        raise EditRefused("it names a path outside of the repository")
    named = [path for path in paths if path == hunk.path or path.endswith(f"/{hunk.path}")] if hunk.path else near
    for path in named:
        try:
            text = read(path)
        except (OSError, UserError):
            continue
        if (changed := _with(text, hunk)) is not None:
            return path, changed
    raise EditRefused("what it would replace is not in the files that the issue points to, or more than once")


def _with(text: str, hunk: Hunk) -> str | None:
    """The text with the hunk's new lines in the place of the old ones; None where those are not there just once."""
    lines = lines_of(text)
    old = [line.strip() for line in hunk.before.strip("\n").splitlines()]
    found = [
        at for at in range(len(lines) - len(old) + 1) if [line.strip() for line in lines[at : at + len(old)]] == old
    ]
    if len(found) == 1:
        at = found[0]
        return "".join([*lines[:at], *_moved(hunk, lines[at]), *lines[at + len(old) :]])
    if len(old) == 1 and not found and "\n" not in hunk.after and text.count(hunk.before.strip()) == 1:
        return text.replace(hunk.before.strip(), hunk.after.strip())
    return None


def _moved(hunk: Hunk, first: str) -> Iterator[str]:
    """The new lines, indented as the place is and ended as its lines are."""
    head = next(line for line in hunk.before.split("\n") if line.strip())
    shift = len(indent_of(first)) - len(indent_of(head))
    end = "\r\n" if first.endswith("\r\n") else "\n"
    for line in hunk.after.strip("\n").split("\n") if hunk.after.strip() else ():
        kept = indent_of(line)
        moved = indent_of(first)[:1] * shift + kept if shift > 0 else kept[min(-shift, len(kept)) :]
        yield f"{moved}{line.lstrip()}".rstrip() + end


def _spliced(function: str, suspects: Sequence[Location], read: Read) -> Edit:
    """The most suspicious function that has the name of one in the text, replaced by that."""
    names = {node.name for node in ast.walk(_parsed(function)) if isinstance(node, ast.FunctionDef)}
    target = next((each for each in suspects if each.symbol.rpartition(".")[2] in names), None)
    if target is None:
        raise EditRefused("no function that the issue points to has this name")
    source = read(target.path)
    return Edit(target.path, source, splice_definition(source, target.symbol, function, target.start))


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError) as error:
        raise EditRefused("it is no Python") from error
