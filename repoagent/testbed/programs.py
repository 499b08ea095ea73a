"""Find the programs that tests call and do not find, and the distribution's packages that have them.

They are read from the messages of tests that failed or were skipped. Only programs of this table are known: any word
may stand before "not found". Those that would make an image larger by a gigabyte are not installed unasked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from repoagent.domain import Report, Status

_PACKAGES = {
    "build-essential": "make gcc g++ cc",
    "curl": "curl",
    "ffmpeg": "ffmpeg ffprobe",
    "file": "file",
    "gettext": "msgfmt xgettext msgmerge msgcat",
    "ghostscript": "gs",
    "git": "git",
    "gnupg": "gpg gpg2",
    "graphviz": "dot neato",
    "imagemagick": "convert magick identify",
    "jq": "jq",
    "libxml2-utils": "xmllint",
    "mercurial": "hg",
    "openssh-client": "ssh ssh-keygen",
    "openssl": "openssl",
    "pandoc": "pandoc",
    "patch": "patch",
    "poppler-utils": "pdftotext pdftoppm pdfinfo",
    "procps": "ps pgrep pkill",
    "rsync": "rsync",
    "sqlite3": "sqlite3",
    "subversion": "svn svnadmin",
    "tesseract-ocr": "tesseract",
    "unzip": "unzip",
    "xsltproc": "xsltproc",
    "zip": "zip",
}
_BY_NAME = {name: package for package, names in _PACKAGES.items() for name in names.split()}
FOR_TESTS = frozenset(_PACKAGES) - {"build-essential"}
"""Packages that are wanted for the programs in them, which nothing is compiled with."""

_TOO_LARGE = {"texlive-latex-extra": "latex pdflatex xelatex lualatex dvipng", "libreoffice": "soffice libreoffice"}
_LARGE_BY_NAME = {name: package for package, names in _TOO_LARGE.items() for name in names.split()}

_WORDS = frozenset({"convert", "file", "identify", "make", "patch"})
"""Names that are words as well: alone, without quotes, they name no program."""


def _join_alternatives(names: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_KNOWN = {*_BY_NAME, *_LARGE_BY_NAME}
_NAMES = _join_alternatives(_KNOWN)
_KIND = r"(?:command|executable|binary|program|tool)"
_GONE = (
    r"(?: '[^'\n]{1,80}')? "
    r"(?:(?:is |was |are |could )?not (?:be )?(?:found|installed|available|run)|cannot be run"
    r"|is (?:missing|unavailable))"
)
_MISSING = (
    re.compile(rf"No such file or directory: '({_NAMES})'"),
    re.compile(rf"(?:^|[ :'])({_NAMES}): (?:command )?not found", re.MULTILINE),
    re.compile(rf"[\"'`]({_NAMES})[\"'`](?: {_KIND})?{_GONE}"),
    re.compile(rf"(?<![\w./=-])({_NAMES}) {_KIND}{_GONE}"),
    re.compile(rf"(?<![\w./=-])({_join_alternatives(_KNOWN - _WORDS)}){_GONE}"),
)
_SILENT = {Status.PASSED}


@dataclass(frozen=True)
class MissingPrograms:
    """What the tests of a run did not find."""

    packages: tuple[str, ...] = ()
    """Those that have it."""
    advice: tuple[str, ...] = ()
    """For a person: what is not installed unasked."""


def find_missing_programs(report: Report) -> MissingPrograms:
    """Find the programs that tests which failed or were skipped say are missing."""
    said = [outcome.message for outcome in report.outcomes if outcome.status not in _SILENT]
    names = {name for text in said for pattern in _MISSING for name in pattern.findall(text)}
    large = sorted({(_LARGE_BY_NAME[name], name) for name in names & _LARGE_BY_NAME.keys()})
    advice = [
        f"tests call `{name}`, which is too large to be installed unasked: "
        f'.repoagent.toml asks for it by `packages = ["{package}"]`'
        for package, name in large
    ]
    return MissingPrograms(tuple(sorted({_BY_NAME[name] for name in names & _BY_NAME.keys()})), tuple(advice))
