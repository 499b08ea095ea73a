"""The blocks that an issue's document consists of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Role = Literal["expected", "actual", ""]
"""Whether something shows what is wanted, or what happens; empty where the issue says neither."""


class BlockKind(Enum):
    """What a block holds."""

    TITLE = "title"
    AUTHOR = "author"
    """The line that names who wrote a comment."""
    HEADING = "heading"
    PROSE = "prose"
    """Sentences; quotations among them."""
    FORM = "form"
    """A comment of HTML: what the tracker's form says to the reporter."""
    CODE = "code"
    SESSION = "session"
    """What was typed at an interpreter's prompt, and what it answered."""
    TRACEBACK = "traceback"
    DIFF = "diff"
    OUTPUT = "output"
    """What a program printed, or anything else that is neither prose nor code."""


class Layout(Enum):
    """How a block stands out from the text around it."""

    TEXT = "text"
    """Not at all: it is lines of the text."""
    FENCED = "fenced"
    INDENTED = "indented"
    """By four spaces, after an empty line."""
    BARE = "bare"
    """By what it says only: prompts, a diff's lines, statements of Python that parse."""


@dataclass(frozen=True)
class Section:
    """What the heading above a block says about it; all empty where there is none."""

    title: str = ""
    role: Role = ""
    is_environment: bool = False
    """Whether it lists versions, platforms and the like."""


@dataclass(frozen=True)
class Block:
    """Some lines of an issue that are of one kind."""

    kind: BlockKind
    text: str
    """Without fences and common indentation, tabs expanded."""
    start: int
    """The first of its lines in the document's text, counted from 0, fences included; …"""
    end: int
    """… and the line after the last."""
    layout: Layout = Layout.TEXT
    language: str = ""
    """As a fence names it, in lower case; `pycon` and `python` for sessions and code without any fence."""
    section: Section = Section()
    role: Role = ""
    """Of text what its section says; of code what the words right before it say."""
    comment: int = 0
    """The number of the comment that it is from, 0 for title and body."""

    @property
    def is_set_apart(self) -> bool:
        """Whether it stands apart from the text, rather than being lines of it."""
        return self.layout is not Layout.TEXT
