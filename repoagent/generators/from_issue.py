"""Make candidates of what an issue proposes: found in the files that the issue points to, by content and not by number.

A hunk is put where its old lines stand exactly once, whatever their indentation and whatever line it names; nothing of
it is trusted beyond that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from repoagent.domain import FROM_ISSUE, Edit, Issue, Location, WorkItem
from repoagent.edits import EditRefused
from repoagent.edits.layout import get_indent, split_lines
from repoagent.errors import UserError
from repoagent.generators.base import Draft, GeneratorContext, Proposals, Scope, Traits
from repoagent.issue.blocks import Block
from repoagent.issue.document import parse_document
from repoagent.issue.proposals import ProposedChange, ProposedHunk, find_proposals
from repoagent.languages import Language, language_of
from repoagent.languages.python.language import PYTHON
from repoagent.llm.base import Model

_FILES = 8
"""Files of the suspects in which a hunk that names none is looked for."""

Read = Callable[[str], str]
"""The text of a file; raises FileNotFoundError or UserError for a path that is none."""


@dataclass(frozen=True)
class IssueReader:
    """What the issue proposes, as a diff, as code, or in words."""

    name: str = FROM_ISSUE
    traits = Traits(Scope.ISSUE, repeats=False)

    def sample_count(self, model: Model) -> int:  # noqa: ARG002 - no model is asked
        return 1

    def propose(self, item: WorkItem, context: GeneratorContext) -> Proposals:  # noqa: ARG002 - the issue names the place
        workspace = context.workbench.workspace
        found = find_issue_proposals(context.issue, context.suspects)
        return draft_from_issue(found, context.suspects, workspace.list_files(), workspace.read)


def find_issue_proposals(issue: Issue, suspects: Sequence[Location]) -> tuple[ProposedChange, ...]:
    """What an issue proposes; whole functions in Python and in the languages of the suspects."""
    found = (language_of(path) for path in {each.path for each in suspects})
    languages = [language for language in found if language and language is not PYTHON]
    return find_proposals(parse_document(issue), lambda block: any(_has_function(block, each) for each in languages))


def _has_function(block: Block, language: Language) -> bool:
    if block.language not in language.fences:
        return False
    try:
        return bool(language.list_functions(block.text))
    except EditRefused:
        return False


def draft_from_issue(
    proposed: Sequence[ProposedChange], suspects: Sequence[Location], paths: Sequence[str], read: Read
) -> Proposals:
    """A draft for each proposal that fits; `suspects` are looked through first, `paths` are all files there are."""
    made = Proposals()
    for proposal in proposed:
        if proposal.pieces:
            made += Proposals(tuple(_place_fragments(proposal, suspects, read)))
            continue
        try:
            edits = tuple(_apply_proposal(proposal, suspects, paths, read))
        except (EditRefused, RecursionError) as refusal:
            made += Proposals(refused=(f"{proposal.source}: {refusal}",))
            continue
        made += Proposals((Draft(edits, proposal.source),))
    return made


def _place_fragments(proposal: ProposedChange, suspects: Sequence[Location], read: Read) -> Iterator[Draft]:
    """A draft for each piece that stands in no suspicious file, but is nearly what stands there once: first for those
    after whose like, as it stands there, the issue names them."""
    drafts: list[tuple[float, Edit]] = []
    for path in list(dict.fromkeys(location.path for location in suspects))[:_FILES]:
        try:
            text = read(path)
        except (OSError, UserError):
            continue
        own = [each for each in suspects[:_NEAREST] if each.path == path]
        near = {number: _INSIDE for each in own for number in range(each.start, each.end + 1)}
        near |= {number: _MARKED for each in own[:1] for number in each.lines}
        drafts += _find_similar_lines(proposal.pieces, path, text, near)
    ordered = sorted(drafts, key=lambda pair: -pair[0])[:_SHOWN]
    yield from (Draft((edit,), proposal.source) for _, edit in ordered)


_SHOWN = 4
"""Drafts that are made of single lines."""
_LITERAL_ALIKE = 0.5
"""Of two literals that the issue names one after the other."""
_ALIKE = 0.7
"""Of two lines, from 0 to 1: the part of their characters that is common to both."""
_NEAREST = 5
"""Suspects in which a line is likelier to be meant …"""
_INSIDE = 0.2
"""… by so much, …"""
_MARKED = 0.3
"""… and by so much on a suspicious line of the first one."""
_NAMED_BEFORE = 0.4
"""How much likelier it is that a piece shall stand in the place of one that the issue names before."""
_FEW = 3
"""Times that a literal may stand in a file to be replaced each time."""


def _find_similar_lines(
    pieces: Sequence[str], path: str, text: str, near: Mapping[int, float]
) -> Iterator[tuple[float, Edit]]:
    """What pieces may stand in the place of; `near` says of suspicious lines how much likelier they are meant."""
    lines = split_lines(text)
    known = {line.strip() for line in lines}
    for number, piece in enumerate(pieces):
        if piece in text:
            continue
        if _is_literal(piece):
            yield from _replace_literals(pieces[:number], piece, path, text)
            continue
        places = [at for at, line in enumerate(lines) if _extract_head(line.strip()) == _extract_head(piece)]
        named = {line for line in pieces[:number] if line in known}
        extra = {at: (_NAMED_BEFORE if lines[at].strip() in named else 0.0) + near.get(at + 1, 0.0) for at in places}
        marked = [at for at in places if near.get(at + 1) == _MARKED]
        for rate, at in dict.fromkeys(
            filter(None, (_choose_place(lines, piece, extra, some) for some in (places, marked)))
        ):
            ending = lines[at][len(lines[at].rstrip("\r\n")) :]
            changed = [*lines[:at], f"{get_indent(lines[at])}{piece}{ending}", *lines[at + 1 :]]
            yield rate, Edit(path, text, "".join(changed))


def _choose_place(
    lines: Sequence[str], piece: str, extra: Mapping[int, float], places: Sequence[int]
) -> tuple[float, int] | None:
    """The place that a piece is likeliest meant for, and how likely; None where it is like none, or like two."""
    rated = sorted(((_rate_similarity(lines[at].strip(), piece, extra[at]), at) for at in places), reverse=True)
    if not rated or rated[0][0] < _ALIKE or [rate for rate, _ in rated[1:2]] == [rated[0][0]]:
        return None
    return rated[0]


def _replace_literals(before: Sequence[str], piece: str, path: str, text: str) -> Iterator[tuple[float, Edit]]:
    """A literal for the last one that is named before it and stands in the file."""
    found = [other for other in before if _is_literal(other) and 0 < text.count(other) <= _FEW]
    if found and (alike := _measure_similarity(found[-1], piece)) >= _LITERAL_ALIKE:
        yield alike + _NAMED_BEFORE, Edit(path, text, text.replace(found[-1], piece))


def _is_literal(piece: str) -> bool:
    return piece.startswith(("r'", 'r"'))


def _rate_similarity(line: str, piece: str, extra: float) -> float:
    """How likely the piece is to stand in the line's place; 0 where it is too unlike, found out cheaply."""
    return extra + alike if (alike := _measure_similarity(line, piece, _ALIKE - extra)) else 0.0


def _measure_similarity(one: str, other: str, least: float = 0.0) -> float:
    """From 0 to 1; 0 where it is less than `least`, or one is so long that it would take long."""
    import difflib

    if max(len(one), len(other)) > _LONGEST:
        return 0.0
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    possible = min(matcher.real_quick_ratio(), matcher.quick_ratio()) >= least
    return matcher.ratio() if possible else 0.0


_LONGEST = 400
"""Characters of a line that is compared."""


def _extract_head(line: str) -> str:
    """What a statement is about: its keyword, the function that it begins, or what it assigns to."""
    if line.startswith(("def ", "async def ")):
        return line.partition("(")[0]
    target = re.match(r"([\w.\[\]'\", ]+?)\s*[-+*/|&]?=(?!=)", line)
    return target[1] if target else re.split(r"\W", line, maxsplit=1)[0]


def _apply_proposal(
    proposal: ProposedChange, suspects: Sequence[Location], paths: Sequence[str], read: Read
) -> Iterator[Edit]:
    if proposal.function:
        yield _splice_function(proposal.function, suspects, read)
        return
    texts: dict[str, str] = {}
    for hunk in proposal.hunks:
        path, text = _apply_hunk(hunk, suspects, paths, lambda name: texts.get(name) or read(name))
        texts[path] = text
    yield from (Edit(path, read(path), text) for path, text in texts.items())


def _apply_hunk(hunk: ProposedHunk, suspects: Sequence[Location], paths: Sequence[str], read: Read) -> tuple[str, str]:
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
        spans = [(each.start, each.end) for each in suspects if each.path == path and each.symbol]
        if (changed := _replace_lines(text, hunk) or _replace_in_suspects(path, spans, text, hunk)) is not None:
            return path, changed
    raise EditRefused("what it would replace is not in the files that the issue points to, or more than once")


def _replace_lines(text: str, hunk: ProposedHunk) -> str | None:
    """The text with the hunk's new lines in the place of the old ones; None where those are not there just once."""
    lines = split_lines(text)
    old = [line.strip() for line in hunk.before.strip("\n").splitlines()]
    found = [
        at for at in range(len(lines) - len(old) + 1) if [line.strip() for line in lines[at : at + len(old)]] == old
    ]
    if len(found) == 1:
        at = found[0]
        return "".join([*lines[:at], *_indent_lines(hunk, lines[at]), *lines[at + len(old) :]])
    if len(old) == 1 and not found and "\n" not in hunk.after and text.count(hunk.before.strip()) == 1:
        return text.replace(hunk.before.strip(), hunk.after.strip())
    return None


def _replace_in_suspects(path: str, spans: Sequence[tuple[int, int]], text: str, hunk: ProposedHunk) -> str | None:
    """The text with an excerpt of a line replaced in the first of the suspects that holds it, wherever it stands there
    as a word of its own; None where none does, or too many times."""
    before, after = hunk.before.strip(), hunk.after.strip()
    if "\n" in before or "\n" in after:
        return None
    alone = re.compile(rf"(?<!\w){re.escape(before)}(?!\w)")
    lines = split_lines(text)
    for start, end in spans[:_NEAREST]:
        body = "".join(lines[start - 1 : end])
        if found := len(alone.findall(body)):
            changed = "".join([*lines[: start - 1], alone.sub(lambda _: after, body), *lines[end:]])
            return changed if found <= _FEW and _is_sound(path, text, changed) else None
    return None


def _is_sound(path: str, before: str, after: str) -> bool:
    language = language_of(path, before)
    return language is not None and not language.find_syntax_errors(before, after)


def _indent_lines(hunk: ProposedHunk, first: str) -> Iterator[str]:
    """The new lines, indented as the place is and ended as its lines are."""
    head = next(line for line in hunk.before.split("\n") if line.strip())
    shift = len(get_indent(first)) - len(get_indent(head))
    end = "\r\n" if first.endswith("\r\n") else "\n"
    for line in hunk.after.strip("\n").split("\n") if hunk.after.strip() else ():
        kept = get_indent(line)
        moved = get_indent(first)[:1] * shift + kept if shift > 0 else kept[min(-shift, len(kept)) :]
        yield f"{moved}{line.lstrip()}".rstrip() + end


def _splice_function(function: str, suspects: Sequence[Location], read: Read) -> Edit:
    """The most suspicious function that has the name of one in the text, replaced by that."""
    names = _FunctionNames(function)
    for target in suspects:
        language = language_of(target.path)
        if language and target.symbol.rpartition(".")[2] in names.list_in(language):
            source = read(target.path)
            return Edit(target.path, source, language.splice_definition(source, target.symbol, function, target.start))
    raise EditRefused("no function that the issue points to has this name")


@dataclass(frozen=True)
class _FunctionNames:
    """The names of the functions in a text, as each language reads it."""

    text: str
    known: dict[str, frozenset[str]] = field(default_factory=dict)

    def list_in(self, language: Language) -> frozenset[str]:
        """Nothing where the text is not in that language: the next suspect may be in the right one."""
        if language.name not in self.known:
            try:
                self.known[language.name] = language.list_functions(self.text)
            except EditRefused:
                self.known[language.name] = frozenset()
        return self.known[language.name]
