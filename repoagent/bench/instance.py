"""One task of a benchmark: a repository at a commit, an issue, and the tests that evaluate a patch."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """One file of an instance that brings its own code."""

    path: str
    text: str


@dataclass(frozen=True)
class Instance:
    """A task, as SWE-bench and its relatives describe it."""

    id: str
    """Unique in its dataset, and fit for the name of a directory."""
    repo: str
    """`owner/name`, a URL or a directory; empty where `files` are all there is."""
    base: str
    """The commit that the issue is about; empty with `files`."""
    issue: str
    """The text that the agent gets; the first line is the title."""
    patch: str = ""
    """The reference patch. Never shown to an agent."""
    test_patch: str = ""
    """The tests of the reference fix. Never shown to an agent."""
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    """Test files to run beside those of `test_patch`."""
    tests_from: str = ""
    """The commit that `tests` are taken from before they are run; empty for the base."""
    files: tuple[SourceFile, ...] = ()
    test_command: str = ""
    """Shell command that runs the tests in the sandbox; empty to detect it."""
    difficulty: str = ""
    created: str = ""
    language: str = ""

    @property
    def repository(self) -> str:
        """The name of the repository in statistics."""
        return self.repo or "without repository"

    @property
    def has_tests(self) -> bool:
        """Whether the instance has tests to evaluate a patch."""
        return bool(self.fail_to_pass or self.test_patch or self.tests)


def list_changed_files(patch: str) -> tuple[str, ...]:
    """List the files that a patch changes, creates or deletes, in its order."""
    names: list[str] = []
    for old, new in re.findall(r"^--- (\S.*)\n\+\+\+ (\S.*)$", patch, re.MULTILINE):
        names += [_strip_prefix(new if old == "/dev/null" else old), _strip_prefix(old if new == "/dev/null" else new)]
    names += [name for pair in re.findall(r"^rename from (.+)\nrename to (.+)$", patch, re.MULTILINE) for name in pair]
    names += re.findall(r"^Binary files a/.+ and b/(.+) differ$", patch, re.MULTILINE)
    return tuple(dict.fromkeys(names))


def count_changed_lines(patch: str) -> int:
    """Count the lines that a patch adds plus those it removes."""
    return sum(line[:1] in "+-" and not line.startswith(("+++", "---")) for line in patch.splitlines() if line)


def list_test_files(patch: str) -> tuple[str, ...]:
    """List the test files that exist after a test patch."""
    names = (_strip_prefix(name) for name in re.findall(r"^\+\+\+ (\S.*)$", patch, re.MULTILINE) if name != "/dev/null")
    return tuple(name for name in names if re.search(_TEST, name, re.IGNORECASE) and "conftest.py" not in name)


def remove_files(patch: str, files: Iterable[str]) -> str:
    """Remove the parts of a patch that change any of `files`."""
    unwanted = set(files)
    parts = re.split(r"(?m)^(?=diff --git )", patch)
    return "".join(part for part in parts if not unwanted & set(list_changed_files(part)))


def format_diff(path: str, before: str | None, after: str) -> str:
    """Format the change of one text file as git does; `before` is None for a new file."""
    old = "" if before is None else before
    old_name = "/dev/null" if before is None else f"a/{path}"
    rows = list(difflib.unified_diff(_split_lines(old), _split_lines(after), old_name, f"b/{path}"))
    head = f"diff --git a/{path} b/{path}\n" + ("new file mode 100644\n" if before is None else "")
    return head + "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in rows)


_TEST = r"(^|/)(tests?|testing|__tests__|specs?)/.*\.\w+$|(^|/)test[^/]*\.\w+$|[._-](test|spec)s?\.\w+$"


def _split_lines(text: str) -> list[str]:
    """Split text into lines as git does: at line feeds only."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _strip_prefix(name: str) -> str:
    return re.sub(r"^[ab]/", "", name.split("\t", maxsplit=1)[0].strip())
