"""A repository's files as data: their names, and the text of those that are asked for; nothing in it is run."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path

from repoagent.testbed.reading import read_text

_SKIPPED = frozenset(
    {".git", ".hg", ".tox", ".nox", ".venv", "venv", "env", "node_modules", "build", "dist", "__pycache__", "target"}
)
_MAX_FILES = 20_000
_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_SPARE_COMMA = re.compile(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])')


@dataclass(frozen=True)
class Tree:
    """The regular files of a repository, without what tools leave behind."""

    root: Path
    files: tuple[str, ...]
    """Relative to the root, sorted; at most some 20,000."""

    def has_file(self, path: str) -> bool:
        """Whether there is a file of that name."""
        return path in self._names

    def find_first(self, *paths: str) -> str:
        """Find the first of `paths` that exists; empty where none does."""
        return next((path for path in paths if self.has_file(path)), "")

    def read_text(self, path: str) -> str:
        """Read the file's text; empty where it is missing, no regular file, or too large for a manifest."""
        return read_text(self.root / path) if self.has_file(path) else ""

    def read_json(self, path: str) -> Mapping[str, object]:
        """Parse the object in a JSON file, comments and a trailing comma allowed; empty where there is none."""
        text = self.read_text(path)
        plain = _COMMENT.sub(lambda match: match[1] or "", text)
        for form in (text, _SPARE_COMMA.sub(lambda match: match[1] or "", plain)):
            try:
                found = json.loads(form)
            except (ValueError, RecursionError):
                continue
            return found if isinstance(found, dict) else {}
        return {}

    def read_toml(self, path: str) -> Mapping[str, object]:
        """Parse a TOML file; empty where there is none."""
        try:
            return tomllib.loads(self.read_text(path))
        except (tomllib.TOMLDecodeError, RecursionError):
            return {}

    def find_matching(self, *patterns: str) -> tuple[str, ...]:
        """Find the files that match one of `patterns`; `*` stands for slashes as well."""
        return tuple(f for f in self.files if any(fnmatch(f, pattern) for pattern in patterns))

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.files)


def read_tree(root: Path) -> Tree:
    """List what lies below `root`."""
    return Tree(root, list_files(root))


def list_files(root: Path) -> tuple[str, ...]:
    """List the regular files below `root`, sorted, without what tools leave behind."""
    found: list[str] = []
    for directory, directories, names in os.walk(root):
        directories[:] = sorted(d for d in directories if d not in _SKIPPED and not d.endswith(".egg-info"))
        found += (Path(directory, name).relative_to(root).as_posix() for name in names)
        if len(found) > _MAX_FILES:
            break
    return tuple(sorted(found))
