"""Choose the Python that a project is tested with: one that it supports, and that was common when it was committed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from repoagent.testbed.age import SETTLED, is_old

RELEASED = {
    "3.7": date(2018, 6, 27),
    "3.8": date(2019, 10, 14),
    "3.9": date(2020, 10, 5),
    "3.10": date(2021, 10, 4),
    "3.11": date(2022, 10, 24),
    "3.12": date(2023, 10, 2),
    "3.13": date(2024, 10, 7),
    "3.14": date(2025, 10, 7),
}
"""When each version came out (https://devguide.python.org/versions/)."""

SETTLED_BY_NAME = timedelta(days=150)
"""SETTLED for a version that the project itself names: what the project needs has wheels for it earlier."""


@dataclass(frozen=True)
class PythonRequirement:
    """What a project says about Python."""

    requires: str = ""
    """A version specifier: `>=3.8,<3.12`."""
    named: tuple[str, ...] = ()
    """Versions that classifiers, tox or workflows name."""


def rank_pythons(wanted: PythonRequirement, available: Sequence[str], committed: date) -> tuple[str, ...]:
    """Order the versions in `available` that the project allows, the most promising first; all, if it allows none.

    For code of today that is the order of `available`, versions that the project names first. For old code it is the
    newest version that was settled on the day of the commit.
    """
    allowed = [version for version in available if _is_allowed(wanted.requires, version)] or list(available)

    def rank_version(version: str) -> tuple[bool, bool, int]:
        age = SETTLED_BY_NAME if version in wanted.named else SETTLED
        settled = RELEASED.get(version, date.max) <= (committed - age if is_old(committed) else date.max)
        place = -_get_minor(version) if is_old(committed) and settled else available.index(version)
        if is_old(committed) and not settled:
            place = _get_minor(version)
        return not settled, bool(wanted.named) and version not in wanted.named, place

    return tuple(sorted(allowed, key=rank_version))


def find_versions(text: str) -> tuple[str, ...]:
    """Find the versions of Python 3 in `text`, written `3.9`, `py39` or `Python :: 3.9`."""
    found = re.findall(r"(?<![\d.])3\.(\d{1,2})(?![\d])|\bpy3(\d{1,2})\b", text)
    return tuple(dict.fromkeys(f"3.{plain or short}" for plain, short in found))


def _is_allowed(requires: str, version: str) -> bool:
    """Whether some patch release of `version` is allowed; an invalid specifier forbids nothing."""
    try:
        specifiers = SpecifierSet(requires)
    except InvalidSpecifier:
        return True
    return any(specifiers.contains(f"{version}.{patch}", prereleases=True) for patch in (0, 1, 4, 9, 20))


def _get_minor(version: str) -> int:
    return int(version.partition(".")[2])
