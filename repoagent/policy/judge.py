"""Judge a change: what is refused whoever asks for it, and what a reviewer should look at twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repoagent.policy.changes import FileChange
from repoagent.policy.globs import find_match
from repoagent.policy.rules import POLICY_PATH, Policy
from repoagent.policy.suspicious import find_suspicions
from repoagent.redaction import find_secrets

PROTECTED_PATHS = (
    "/.github/workflows",
    "/.github/actions",
    f"/{POLICY_PATH}",
    "/.github/CODEOWNERS",
    "/.github/dependabot.*",
    "/CODEOWNERS",
    "/docs/CODEOWNERS",
    "action.yml",
    "action.yaml",
    "/.gitlab-ci.yml",
    "/.circleci",
    "/Jenkinsfile",
    "/azure-pipelines.yml",
    "/.travis.yml",
    "/.repoagent.toml",
    ".git",
    ".gitmodules",
    ".gitattributes",
    ".envrc",
    "/.vscode",
    "/.devcontainer",
    "/.husky",
    "/.pre-commit-config.yaml",
)
"""Paths that are never changed, whatever the policy says: they run code outside of tests, or say who must review."""

TEST_PATTERNS = ("tests", "test", "test_*.py", "*_test.py", "conftest.py", "*.test.*", "*.spec.*")


@dataclass(frozen=True)
class Judgement:
    """What speaks against a change."""

    refusals: tuple[str, ...] = ()
    """Why the change is not published, one sentence each; empty where it may be."""
    flags: tuple[str, ...] = ()
    """What a reviewer should look at, one phrase each."""


def judge_changes(changes: Sequence[FileChange], policy: Policy) -> Judgement:
    """Judge a change by the policy; the order of files does not matter."""
    refusals = [*_check_size(changes, policy)]
    for change in changes:
        refusals += [*_check_path(change, policy), *_check_kind(change, policy), *_check_content(change, policy)]
    flags = [flag for change in changes for flag in find_suspicions(change)]
    return Judgement(tuple(dict.fromkeys(refusals)), tuple(dict.fromkeys(flags)))


def is_test(path: str) -> bool:
    """Whether a file is a test, by its name."""
    return bool(find_match(path, TEST_PATTERNS))


def _check_size(changes: Sequence[FileChange], policy: Policy) -> Iterator[str]:
    lines = sum(len(change.added) + change.removed for change in changes)
    if not changes:
        yield "The patch changes nothing."
    if len(changes) > policy.limits.files:
        yield f"It changes {len(changes)} files; {policy.limits.files} are allowed."
    if lines > policy.limits.lines:
        yield f"It changes {lines} lines; {policy.limits.lines} are allowed."


def _check_path(change: FileChange, policy: Policy) -> Iterator[str]:
    if find_match(change.path, PROTECTED_PATHS):
        yield f"`{change.path}` is never changed by a generated patch: it runs code or says who must review."
    elif pattern := find_match(change.path, policy.paths.never):
        yield f"`{change.path}` is never changed: the policy's `paths.never` has `{pattern}`."
    elif policy.paths.only and not find_match(change.path, policy.paths.only):
        yield f"`{change.path}` is not among the policy's `paths.only`."
    if not change.path.isprintable():
        yield f"The name of a file holds characters that do not show: `{change.path!a}`."


def _check_kind(change: FileChange, policy: Policy) -> Iterator[str]:
    if {change.mode_before, change.mode_after} & {"120000", "160000"}:
        yield f"`{change.path}` is a link or a submodule."
    if change.mode_after == "100755" and change.mode_before != "100755":
        yield f"`{change.path}` would become executable."
    if change.binary:
        yield f"`{change.path}` is binary."
    if change.bytes_after > policy.limits.bytes:
        yield f"`{change.path}` would have {change.bytes_after:,} bytes; {policy.limits.bytes:,} are allowed."
    if change.is_deleted and not policy.deleted_files:
        yield f"`{change.path}` would be deleted; the policy does not allow that."
    elif change.removed and is_test(change.path) and not policy.deleted_tests:
        yield f"`{change.path}` is a test that would lose {change.removed} lines; the policy does not allow that."


def _check_content(change: FileChange, policy: Policy) -> Iterator[str]:
    text = "\n".join(change.added)
    for secret in find_secrets(text):
        line = text.count("\n", 0, secret.start) + 1
        yield f"`{change.path}` would hold what looks like a secret ({secret.kind}, added line {line})."
    if _INVISIBLE.search(text):
        yield f"`{change.path}` would hold characters that do not show, or that reverse the order of text."
    if policy.licences:
        for name in sorted({*_SPDX.findall(text)} - set(policy.licences)):
            yield f"`{change.path}` would carry the licence {name}, which the policy does not allow."


_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]{1,80}?)\s*(?:\*/|-->|$)", re.MULTILINE)
