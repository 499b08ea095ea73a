"""What an issue says outright: traceback frames, names, paths, calls in its snippets, quoted messages.

After the composition of SWE-bench Lite's issues (Agentless' annotations): a stack trace in one of five, the buggy
function's name in one of three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from repoagent.domain import Issue
from repoagent.issue.blocks import Layout
from repoagent.issue.document import IssueDocument, parse_document
from repoagent.issue.lines import find_inputs

T = TypeVar("T")


@dataclass(frozen=True)
class IssueFrame:
    """One line of a traceback, as it was on the reporter's machine."""

    file: str
    line: int
    """0 where it is not told."""
    function: str
    """Empty where it is not told."""


@dataclass(frozen=True)
class CodeLink:
    """A line of a file that the text links to on the web."""

    file: str
    line: int
    is_permanent: bool
    """Whether it names a commit: of a branch, the line has moved since."""


@dataclass(frozen=True)
class IssueSignals:
    """What was found, each kind in the order of the text, without repetition."""

    text: str
    code: str
    """The fenced and indented blocks, one after the other."""
    frames: tuple[IssueFrame, ...]
    """Of the last traceback in the text first; each from the bottom up."""
    links: tuple[CodeLink, ...]
    paths: tuple[str, ...]
    dotted_names: tuple[str, ...]
    """`package.module.name`, `Class.method`; with what the snippets import put in front."""
    quoted_names: tuple[str, ...]
    """Identifiers in backticks."""
    called_names: tuple[str, ...]
    """Names called in the snippets."""
    messages: tuple[str, ...]
    """Constant fragments of quoted texts and exception messages, longest first."""


def read_signals(issue: Issue) -> IssueSignals:
    """The clues in `issue`."""
    document = parse_document(issue)
    text, code = document.text, _join_code(document)
    prose = "\n".join(block.text for block in document.blocks if block.layout is not Layout.FENCED)
    return IssueSignals(
        text=text,
        code=code,
        frames=_find_frames(text),
        links=_remove_repeated(_build_link(match) for match in _LINK.finditer(text)),
        paths=_remove_repeated(path.lstrip("./") for path in _PATH.findall(text)),
        dotted_names=_remove_repeated([*_find_imported(code), *_DOTTED.findall(text)]),
        quoted_names=_remove_repeated(name for span in _TICKS.findall(prose) for name in _NAME.findall(span)),
        called_names=_remove_repeated(_CALL.findall(code)),
        messages=_find_messages(text),
    )


def _join_code(document: IssueDocument) -> str:
    """Return the fenced blocks and what was typed into sessions, one after the other."""
    fenced = [block.text for block in document.blocks if block.layout is Layout.FENCED]
    return "\n".join([*fenced, *find_inputs(document.text)])


_TICKS = re.compile(r"`{1,2}([^`\n]{1,200})`{1,2}")
_NAME = re.compile(r"[A-Za-z_]\w{2,}")
_DOTTED = re.compile(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){1,8}")
_CALL = re.compile(r"\b([A-Za-z_]\w{2,80})[ \t]?\(")
_PATH = re.compile(r"[\w./-]{0,200}\w\.pyi?\b")


_LINK = re.compile(
    r"/(?:blob|tree|blame)/(?P<ref>[^\s/#?]{1,100})/(?P<path>[\w./-]{1,300}\.pyx?)(?:\?[^\s#]{0,40})?#L(?P<line>\d{1,7})\b"
)
"""As GitHub, GitLab and their like write them; of a branch with slashes in its name the rest stands before the path."""
_COMMIT = re.compile(r"[0-9a-f]{12,64}")


def _build_link(match: re.Match[str]) -> CodeLink:
    return CodeLink(match["path"], int(match["line"]), bool(_COMMIT.fullmatch(match["ref"])))


# --- tracebacks -------------------------------------------------------------------------------------------------------

_FRAME = re.compile(
    r'File "(?P<f1>[^"\n]{1,300})", line (?P<l1>\d{1,7})(?:, in (?P<n1>[\w.<>]+))?'
    r"|^(?:[>E] {1,6})?(?P<f2>[^\s:\"']{1,300}\.py):(?P<l2>\d{1,7}): (?:in (?P<n2>[\w.<>]+))?"
    r"|^(?P<f3>[^\s:\"']{1,300}\.py) in (?P<n3>[\w.<>]+)\("
    r"|^File (?P<f4>[^\s:\"']{1,300}\.py):(?P<l4>\d{1,7}), in (?P<n4>[\w.<>]+)",
    re.MULTILINE,
)


def _find_frames(text: str) -> tuple[IssueFrame, ...]:
    found = [_build_frame(match) for match in _FRAME.finditer(text)]
    return _remove_repeated(reversed(found))


def _build_frame(match: re.Match[str]) -> IssueFrame:
    def group(letter: str) -> str:
        return next((value for n in "1234" if (value := match.groupdict().get(letter + n))), "")

    function = group("n")
    return IssueFrame(group("f").replace("\\", "/"), int(group("l") or 0), "" if "<" in function else function)


# --- names and messages -----------------------------------------------------------------------------------------------

_FROM = re.compile(
    r"^[^\w\n]{0,40}from[ \t]{1,8}([\w.]{1,200})[ \t]{1,8}import[ \t]{1,8}\(?([\w, \t]{1,500})", re.MULTILINE
)
_ALIAS = re.compile(r"^[^\w\n]{0,40}import[ \t]{1,8}([\w.]{1,200})[ \t]{1,8}as[ \t]{1,8}(\w{1,80})", re.MULTILINE)
_MAX_ALIASES = 40
"""Each costs a search of all snippets."""


def _find_imported(code: str) -> list[str]:
    """What snippets take from modules: `from a import b` gives `a.b`, and `import a.b as c` makes `c.d` `a.b.d`."""
    names = [
        f"{module}.{name.split()[0]}"
        for module, listed in _FROM.findall(code)
        for name in listed.split(",")
        if name.strip()
    ]
    for module, alias in _remove_repeated(_ALIAS.findall(code))[:_MAX_ALIASES]:
        names += [f"{module}.{rest}" for rest in re.findall(rf"\b{alias}\.([A-Za-z_][\w.]*\w)", code)]
    return names


_QUOTED = re.compile(r"(?<!\w)(?:\"([^\"\n]{12,300})\"|'([^'\n]{12,300})')")
_RAISED = re.compile(r"^[E ]{0,8}[\w.]{0,200}(?:Error|Exception|Warning|Failure):[ \t]{1,8}(.{8,400})$", re.MULTILINE)
_VARIABLE = re.compile(r"['\"`][^'\"`]*['\"`]|\S*[\d<>\[\]{}()=/\\]\S*")


def _find_messages(text: str) -> tuple[str, ...]:
    quoted = [a or b for a, b in _QUOTED.findall(text)]
    raised = _RAISED.findall(text)
    fragments = _remove_repeated(fragment for message in [*raised, *quoted] for fragment in _split_message(message))
    return tuple(sorted(fragments, key=len, reverse=True)[:20])


def _split_message(message: str) -> list[str]:
    """What of a message can stand in the code as it is: not the values that were put into it."""
    pieces = (piece.strip(" .,:;!?") for piece in _VARIABLE.split(message))
    return [piece for piece in pieces if len(piece) >= 12 and piece.count(" ") >= 1]


def _remove_repeated(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
