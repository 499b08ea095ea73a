"""Validate the published rows of SWE-bench and its relatives, and convert them to instances."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from repoagent.bench.instance import Instance, SourceFile, format_diff

RawRow = Mapping[str, Any]
"""A row as it was read, unchecked."""


class RowError(Exception):
    """An invalid row; names the field and its error."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"field {field}: {message}")
        self.field = field
        self.message = message


def convert_row(row: RawRow) -> Instance:
    """Convert a row of any known kind to an instance. Raises RowRefused."""
    try:
        return _find_row_kind(row).model_validate(dict(row)).build_instance()
    except ValidationError as error:
        first = error.errors()[0]
        raise RowError(".".join(str(part) for part in first["loc"]) or "row", first["msg"]) from error


def find_row_id(row: object) -> str:
    """Return the id of a row, for messages; empty where it has none."""
    keys = ("instance_id", "task_id", "id")
    known = row if isinstance(row, Mapping) else {}
    return next((str(known[key])[:200] for key in keys if isinstance(known.get(key), str | int)), "")


# --- types of fields --------------------------------------------------------------------------------------------------


def _parse_list(value: object) -> object:
    """Parse a list that was stored as a string of JSON or Python; other values are returned unchanged."""
    if value is None or value == "":
        return []
    if not isinstance(value, str):
        return value
    for read in (json.loads, ast.literal_eval):
        try:
            return read(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return value


def _replace_null(value: object) -> object:
    return "" if value is None else value


def _replace_separators(value: object) -> object:
    return re.sub(r"[/:\s]+", "_", value) if isinstance(value, str) else value


InstanceId = Annotated[
    str, BeforeValidator(_replace_separators), StringConstraints(pattern=r"^[A-Za-z0-9][\w.+=@-]{0,199}$")
]
OptionalText = Annotated[str, BeforeValidator(_replace_null), StringConstraints(max_length=20_000_000)]
TestNames = Annotated[tuple[str, ...], BeforeValidator(_parse_list)]
CommitName = Annotated[str, StringConstraints(pattern=r"^[\w.][\w./~^-]{0,199}$")]


# --- kinds of rows ----------------------------------------------------------------------------------------------------


class SweRow(BaseModel):
    """SWE-bench with Lite, Verified, Multilingual and Multimodal; SWE-bench Pro, -Live, SWE-rebench, SWE-Gym, and what
    `bench mine` writes."""

    instance_id: InstanceId
    repo: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    base_commit: CommitName
    problem_statement: Annotated[str, StringConstraints(min_length=1, max_length=1_000_000)]
    patch: OptionalText = ""
    test_patch: OptionalText = ""
    fail_to_pass: TestNames = Field((), validation_alias=AliasChoices("FAIL_TO_PASS", "fail_to_pass"))
    pass_to_pass: TestNames = Field((), validation_alias=AliasChoices("PASS_TO_PASS", "pass_to_pass"))
    selected_test_files_to_run: TestNames = ()
    difficulty: OptionalText = ""
    created_at: object = ""
    language: OptionalText = Field("", validation_alias=AliasChoices("language", "repo_language", "lang"))
    requirements: OptionalText = ""
    interface: OptionalText = ""
    test_command: OptionalText = ""

    def build_instance(self) -> Instance:
        """Convert the row; requirements and interface of SWE-bench Pro are added to the issue."""
        return Instance(
            self.instance_id,
            self.repo,
            self.base_commit,
            _join_sections(self.problem_statement, ("Requirements", self.requirements), ("Interface", self.interface)),
            self.patch,
            self.test_patch,
            self.fail_to_pass,
            self.pass_to_pass,
            tuple(name for name in self.selected_test_files_to_run if "." in name),
            test_command=self.test_command,
            difficulty=self.difficulty,
            created=str(self.created_at or ""),
            language=self.language,
        )


class SmithRow(BaseModel):
    """SWE-smith: `patch` makes the bug, and the branch called as the instance has it."""

    instance_id: InstanceId
    repo: Annotated[str, StringConstraints(min_length=1)]
    problem_statement: Annotated[str, StringConstraints(min_length=1)]
    patch: OptionalText
    fail_to_pass: TestNames = Field((), validation_alias="FAIL_TO_PASS")
    pass_to_pass: TestNames = Field((), validation_alias="PASS_TO_PASS")

    def build_instance(self) -> Instance:
        """Convert the row; the failing tests come from the commit before the branch's tip, which removed them."""
        files = dict.fromkeys(name.partition("::")[0] for name in self.fail_to_pass + self.pass_to_pass)
        return Instance(
            self.instance_id,
            self.repo,
            self.instance_id,
            self.problem_statement,
            reverse_patch(self.patch),
            fail_to_pass=self.fail_to_pass,
            pass_to_pass=self.pass_to_pass,
            tests=tuple(files),
            tests_from=f"{self.instance_id}~1",
        )


class _BaseCommit(BaseModel):
    sha: CommitName


class _ResolvedIssue(BaseModel):
    number: int
    title: OptionalText = ""
    body: OptionalText = ""


class MultiRow(BaseModel):
    """Multi-SWE-bench."""

    org: str
    repo: str
    number: int
    base: _BaseCommit
    resolved_issues: tuple[_ResolvedIssue, ...] = Field(min_length=1)
    fix_patch: OptionalText
    test_patch: OptionalText = ""
    f2p_tests: dict[str, object] = Field(default_factory=dict)
    n2p_tests: dict[str, object] = Field(default_factory=dict)
    p2p_tests: dict[str, object] = Field(default_factory=dict)
    lang: OptionalText = ""

    def build_instance(self) -> Instance:
        """Convert the row; a test that is new in the fix counts as one that failed."""
        issue = "\n\n".join(f"{each.title}\n\n{each.body}".strip() for each in self.resolved_issues)
        return Instance(
            f"{self.org}__{self.repo}-{self.number}",
            f"{self.org}/{self.repo}",
            self.base.sha,
            issue,
            self.fix_patch,
            self.test_patch,
            tuple(self.f2p_tests) + tuple(self.n2p_tests),
            tuple(self.p2p_tests),
            language=self.lang,
        )


class FixRow(BaseModel):
    """HumanEvalFix for Python: the hidden tests judge, the examples of the docstring are there as a test file."""

    task_id: InstanceId
    declaration: str
    buggy_solution: str
    canonical_solution: str
    test: str
    example_test: OptionalText = ""
    entry_point: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*$")]
    docstring: OptionalText = ""
    bug_type: OptionalText = ""

    def build_instance(self) -> Instance:
        """Convert the row to one function in `solution.py`."""
        broken, right = self.declaration + self.buggy_solution, self.declaration + self.canonical_solution
        files = [SourceFile("solution.py", broken)]
        if self.example_test.strip():
            files.append(SourceFile("test_example.py", self._write_test(self.example_test, "example")))
        return Instance(
            f"HumanEvalFix-{self.task_id}",
            "",
            "",
            self._write_issue(),
            format_diff("solution.py", broken, right),
            format_diff("test_hidden.py", None, self._write_test(self.test, "hidden")),
            ("test_hidden.py::test_hidden",),
            files=tuple(files),
            difficulty=self.bug_type,
            language="python",
        )

    def _write_issue(self) -> str:
        title = f"Fix the bug in `{self.entry_point}` of `solution.py`"
        return f"{title}\n\nIt does not do what it shall:\n\n{self.docstring}"

    def _write_test(self, code: str, name: str) -> str:
        body = re.sub(rf"(?m)^check\({self.entry_point}\)\s*$", "", code.strip())
        return f"from solution import *\n\n\n{body.strip()}\n\n\ndef test_{name}():\n    check({self.entry_point})\n"


def _find_row_kind(row: RawRow) -> type[SweRow | SmithRow | MultiRow | FixRow]:
    if "buggy_solution" in row:
        return FixRow
    if "fix_patch" in row:
        return MultiRow
    return SmithRow if str(row.get("repo", "")).startswith("swesmith/") else SweRow


def _join_sections(statement: str, *sections: tuple[str, str]) -> str:
    return "\n\n".join([statement, *(f"## {title}\n\n{text}" for title, text in sections if text.strip())])


def reverse_patch(patch: str) -> str:
    """Build the inverse of `patch`."""
    return "".join(_reverse_part(part) for part in re.split(r"(?m)^(?=diff --git )", patch) if part.strip())


_REVERSED_PREFIXES = {
    "--- ": "+++ ",
    "+++ ": "--- ",
    "new file mode": "deleted file mode",
    "deleted file mode": "new file mode",
}


def _reverse_part(part: str) -> str:
    lines: list[str] = []
    for line in part.splitlines(keepends=True):
        hunk = re.match(r"@@ (-\S+) (\+\S+) @@(.*)", line, re.DOTALL)
        if hunk:
            lines.append(f"@@ -{hunk[2][1:]} +{hunk[1][1:]} @@{hunk[3]}")
        elif line.startswith(("--- a/", "--- /dev/null")):
            lines.append("+++ " + line[4:].replace("a/", "b/", 1))
        elif line.startswith(("+++ b/", "+++ /dev/null")):
            lines.insert(len(lines) - 1, "--- " + line[4:].replace("b/", "a/", 1))
        elif mode := next((old for old in ("new file mode", "deleted file mode") if line.startswith(old)), ""):
            lines.append(_REVERSED_PREFIXES[mode] + line[len(mode) :])
        else:
            lines.append({"+": "-", "-": "+"}.get(line[:1], line[:1]) + line[1:])
    return "".join(lines)
