"""Make the issue's own code an oracle: what it shows on the untouched code, and what it must show after the fix.

No model takes part. A snippet counts only if its run on the untouched code shows the reported behaviour; then the
oracle is, from strong to weak: the value that the issue says is expected (or an assertion in the snippet), the reported
exception gone, the reported output changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from repoagent.domain import Answer, Issue, Oracle, Strength
from repoagent.evidence.reproduction import frameworks
from repoagent.evidence.reproduction.expectation import Case, expected_steps, shows_wrong_output
from repoagent.evidence.reproduction.names import preamble, without_placeholders
from repoagent.evidence.reproduction.project import Project
from repoagent.evidence.reproduction.script import Seen, allowed, read_output, read_steps, write_script, write_steps
from repoagent.evidence.reproduction.values import same_value
from repoagent.issue.claims import find_expected_exceptions
from repoagent.issue.document import parse_document
from repoagent.issue.snippets import read_material
from repoagent.sandbox.base import Finished

Run = Callable[[str], Finished]
"""Runs a script in a fresh sandbox on the untouched code, see `script.run_script`."""

_UNKNOWN = Project()

MOST_SNIPPETS = 6
"""Each costs a run or two."""

_INCOMPLETE = frozenset({"NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "FileNotFoundError"})
"""What a snippet that lacks something raises; taken for the bug only where the issue quotes the message."""

_ORDER = (Strength.STRONG, Strength.CRASH, Strength.WEAK, Strength.NONE)


def reproduce(issue: Issue, run: Run, project: Project = _UNKNOWN) -> Oracle:
    """Find the strongest oracle that the snippets of `issue` give; `Strength.NONE` when none shows the reported
    behaviour.

    `project` is what snippets may use without an import. Raises what `run` raises: SandboxFailed.
    """
    document = parse_document(issue)
    text, material = document.text, read_material(document)
    best = Oracle(Strength.NONE)
    for number, snippet in enumerate(material.snippets[:MOST_SNIPPETS]):
        others = (*reversed(material.snippets[:number]), *material.snippets[number + 1 :])
        found = _try(Case(snippet, others, material, text), run, project)
        best = min(best, found, key=lambda oracle: _ORDER.index(oracle.strength))
        if best.strength is Strength.STRONG:
            break
    return best


def judge(oracle: Oracle, finished: Finished) -> Answer:
    """Judge a run of the oracle's script on changed code; `unknown` when nothing ran or there is no oracle."""
    output = read_output(finished.output)
    if oracle.strength is Strength.NONE or not output.began:
        return "unknown"
    if finished.timed_out or finished.exit_code >= 128:
        return "failed"
    passed = {Strength.STRONG: _strong, Strength.CRASH: _crash, Strength.WEAK: _weak}[oracle.strength]
    return "passed" if passed(oracle, output, finished) else "failed"


def progress(oracle: Oracle, finished: Finished) -> float:
    """Measure how much of what is expected a run of the oracle's script shows, from 0 to 1; 1 is no more than `judge`
    says."""
    steps = read_steps(oracle.expected) if oracle.strength is Strength.STRONG else {}
    if not steps:
        return float(judge(oracle, finished) == "passed")
    output = read_output(finished.output)
    return sum(same_value(output.steps.get(n, ""), text) for n, text in steps.items()) / len(steps)


def _strong(oracle: Oracle, output: Seen, finished: Finished) -> bool:
    if oracle.exception:
        return output.raised == oracle.exception
    if not _clean(output, finished):
        return False
    steps = read_steps(oracle.expected)
    return all(same_value(output.steps.get(n, ""), text) for n, text in steps.items()) if steps else True


def _crash(oracle: Oracle, output: Seen, finished: Finished) -> bool:
    """Return whether the end is clean; another exception is no fix, unless it is one of those that the issue wishes
    for."""
    return output.raised in oracle.expected.split() if output.raised else _clean(output, finished)


def _weak(oracle: Oracle, output: Seen, finished: Finished) -> bool:
    return _clean(output, finished) and output.text != oracle.observed


def _clean(output: Seen, finished: Finished) -> bool:
    return output.ended and not output.raised and finished.exit_code == 0


def _try(case: Case, run: Run, project: Project) -> Oracle:
    case = replace(case, snippet=without_placeholders(case.snippet, case.others, project))
    before = preamble(case.snippet, case.others, case.text, project)
    setup = frameworks.setup(f"{before}\n{case.snippet.code}", project.packages)
    script = write_script(case.snippet.steps, before, setup)
    finished = run(script)
    output = read_output(finished.output)
    if finished.timed_out or not output.began:
        return Oracle(Strength.NONE)
    found = _from_exception(case, output) if output.raised else _from_values(case, output, finished)
    if found.strength is Strength.WEAK and read_output(run(script).output).text != output.text:
        return Oracle(Strength.NONE)  # it differs from run to run by itself
    steps = tuple(step.code for step in case.snippet.steps)
    found = replace(found, script=script, observed=output.text, seconds=allowed(finished))
    return replace(found, source=case.snippet.source, preamble=before, steps=steps)


def _from_exception(case: Case, output: Seen) -> Oracle:
    wished = find_expected_exceptions(case.text)
    if output.raised == "AssertionError" and output.here:
        return Oracle(Strength.STRONG)
    if output.raised in wished or not _reported(case, output):
        return Oracle(Strength.NONE)
    if len(wished) == 1:
        return Oracle(Strength.STRONG, exception=min(wished))
    return Oracle(Strength.CRASH, exception=output.raised, expected="\n".join(sorted(wished)))


def _reported(case: Case, output: Seen) -> bool:
    """Return whether the issue names the exception, and its message too where an incomplete snippet would raise the
    same."""
    named = bool(re.search(rf"\b{re.escape(output.raised)}\b", case.text))
    return named and (output.raised not in _INCOMPLETE or output.message in case.text)


def _from_values(case: Case, output: Seen, finished: Finished) -> Oracle:
    wished = find_expected_exceptions(case.text)
    if not _clean(output, finished):
        return Oracle(Strength.NONE)
    if known := expected_steps(case, output.steps):
        return Oracle(Strength.STRONG, expected=write_steps(known))
    if len(wished) == 1:
        return Oracle(Strength.STRONG, exception=min(wished))
    return Oracle(Strength.WEAK if shows_wrong_output(case, output.steps) else Strength.NONE)
