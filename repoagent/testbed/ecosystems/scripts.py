"""Find the test runner and its options in package.json's scripts; they are read as text, never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repoagent.testbed.reading import get_table
from repoagent.testbed.tree import Tree

_MAX_DEPTH = 5
_MAX_LENGTH = 4000
_CALL = re.compile(
    r"^(?:npm(?: run| run-script)?|yarn(?: run)?|pnpm(?: run)?)(?: (?:-s|--silent|--if-present))* ([\w:.-]+)$"
)
_PROGRAM = re.compile(r"^(?:.*/)?(jest|vitest|_?mocha|ava)(?:\.[cm]?js)?$")
_ASSIGNED = re.compile(r"^\w+=.*$")
_CONFIGURED = (
    ("vitest", ("vitest.config.ts", "vitest.config.js", "vitest.config.mts", "vitest.config.mjs")),
    ("jest", ("jest.config.js", "jest.config.ts", "jest.config.cjs", "jest.config.mjs", "jest.config.json")),
    ("mocha", (".mocharc.js", ".mocharc.json", ".mocharc.yml", ".mocharc.yaml", ".mocharc.cjs", "test/mocha.opts")),
)
_PLACEHOLDER = "no test specified"


@dataclass(frozen=True)
class RunnerScript:
    """How a project runs its tests."""

    kind: str
    """`jest`, `vitest`, `mocha`, `ava`, `node --test`, or `npm test` for anything else."""
    command: str
    """One shell command with the project's own options; empty where there is none."""


def find_runner(package: Mapping[str, object], tree: Tree) -> RunnerScript:
    """Find the runner that the script `test` calls, else one that is installed or configured."""
    scripts = get_table(package, "scripts")
    whole = expand_script(scripts, "test")
    for part in _split_commands(whole):
        if script := _read_script(part):
            return script
    if kind := _find_installed_runner(package, tree):
        return RunnerScript(kind, kind)
    if "test" in scripts and _PLACEHOLDER not in whole:
        return RunnerScript("npm test", "npm test")
    return (
        RunnerScript("node --test", "node --test")
        if "node:test" in _read_test_sources(tree)
        else RunnerScript("npm test", "")
    )


def expand_script(scripts: Mapping[str, object], name: str, depth: int = 0) -> str:
    """Expand the script `name`: the scripts that it calls are written out."""
    text = scripts.get(name)
    if not isinstance(text, str) or depth > _MAX_DEPTH:
        return ""
    parts = (_expand_part(scripts, part.strip(), depth) for part in re.split(r"&&|;", text[:_MAX_LENGTH]))
    return " && ".join(parts)[:_MAX_LENGTH]


def _expand_part(scripts: Mapping[str, object], part: str, depth: int) -> str:
    match = _CALL.match(part)
    name = match[1] if match else ""
    name = "test" if name == "t" else name
    return expand_script(scripts, name, depth + 1) if name in scripts else part


def _split_commands(whole: str) -> Iterator[list[str]]:
    for part in re.split(r"&&|\|\||;", whole):
        try:
            yield shlex.split(part)
        except ValueError:
            continue


def _read_script(words: list[str]) -> RunnerScript | None:
    """Read a command from its runner on: a coverage tool around it is left out, variables are kept."""
    for place, word in enumerate(words):
        if match := _PROGRAM.match(word):
            return RunnerScript(match[1].removeprefix("_"), _extract_command(words, place))
        if word == "--test" and "node" in words[:place]:
            return RunnerScript("node --test", _extract_command(words, words.index("node")))
    return None


def _extract_command(words: list[str], place: int) -> str:
    variables = [word for word in words[:place] if _ASSIGNED.match(word) and not word.startswith("-")]
    by_node = "node" in words[:place] and ("/" in words[place] or words[place].endswith("js"))
    start = words.index("node") if by_node else place
    assigned = [f"{name}={shlex.quote(value)}" for name, _, value in (v.partition("=") for v in variables)]
    return " ".join([*assigned, shlex.join(words[start:])])


def _find_installed_runner(package: Mapping[str, object], tree: Tree) -> str:
    known = {**get_table(package, "dependencies"), **get_table(package, "devDependencies")}
    configured = next((kind for kind, names in _CONFIGURED if tree.find_first(*names)), "")
    listed = next((kind for kind in ("vitest", "jest", "mocha", "ava") if kind in known), "")
    return ("jest" if "jest" in package else configured) or listed


def _read_test_sources(tree: Tree) -> str:
    names = tree.find_matching("*.test.*js", "*.test.ts", "test/*.*js", "tests/*.*js", "test.*js")
    return "\n".join(tree.read_text(name) for name in names[:20])
