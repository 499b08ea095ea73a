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
from repoagent.evidence.reproduction.expectation import ReproductionCase, find_expected_outputs, shows_wrong_output
from repoagent.evidence.reproduction.names import remove_placeholders, write_preamble
from repoagent.evidence.reproduction.project import SnippetProject
from repoagent.evidence.reproduction.script import (
    ScriptOutput,
    compute_time_limit,
    read_output,
    read_steps,
    write_script,
    write_steps,
)
from repoagent.evidence.reproduction.values import is_same_value
from repoagent.issue.claims import find_expected_exceptions
from repoagent.issue.document import parse_document
from repoagent.issue.snippets import read_material
from repoagent.sandbox.base import CommandResult

ScriptRunner = Callable[[str], CommandResult]
"""Runs a script in a fresh sandbox on the untouched code, see `script.run_script`."""

_UNKNOWN_PROJECT = SnippetProject()

MAX_SNIPPETS = 6
"""Each costs a run or two."""

_INCOMPLETE_ERRORS = frozenset({"NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "FileNotFoundError"})
"""What a snippet that lacks something raises; taken for the bug only where the issue quotes the message."""

_STRENGTH_ORDER = (Strength.STRONG, Strength.CRASH, Strength.WEAK, Strength.NONE)


def reproduce(issue: Issue, run: ScriptRunner, project: SnippetProject = _UNKNOWN_PROJECT) -> Oracle:
    """Find the strongest oracle that the snippets of `issue` give; `Strength.NONE` when none shows the reported
    behaviour.

    `project` is what snippets may use without an import. Raises what `run` raises: SandboxFailed.
    """
    document = parse_document(issue)
    text, material = document.text, read_material(document)
    best = Oracle(Strength.NONE)
    for number, snippet in enumerate(material.snippets[:MAX_SNIPPETS]):
        others = (*reversed(material.snippets[:number]), *material.snippets[number + 1 :])
        found = _try_snippet(ReproductionCase(snippet, others, material, text), run, project)
        best = min(best, found, key=lambda oracle: _STRENGTH_ORDER.index(oracle.strength))
        if best.strength is Strength.STRONG:
            break
    return best


def judge(oracle: Oracle, finished: CommandResult) -> Answer:
    """Judge a run of the oracle's script on changed code; `unknown` when nothing ran or there is no oracle."""
    output = read_output(finished.output)
    if oracle.strength is Strength.NONE or not output.has_begun:
        return "unknown"
    if finished.timed_out or finished.exit_code >= 128:
        return "failed"
    passed = {Strength.STRONG: _is_expected_result, Strength.CRASH: _is_crash_gone, Strength.WEAK: _is_output_changed}[
        oracle.strength
    ]
    return "passed" if passed(oracle, output, finished) else "failed"


def measure_progress(oracle: Oracle, finished: CommandResult) -> float:
    """Measure how much of what is expected a run of the oracle's script shows, from 0 to 1; 1 is no more than `judge`
    says."""
    steps = read_steps(oracle.expected) if oracle.strength is Strength.STRONG else {}
    if not steps:
        return float(judge(oracle, finished) == "passed")
    output = read_output(finished.output)
    return sum(is_same_value(output.steps.get(n, ""), text) for n, text in steps.items()) / len(steps)


def _is_expected_result(oracle: Oracle, output: ScriptOutput, finished: CommandResult) -> bool:
    if oracle.exception:
        return output.exception == oracle.exception
    if not _is_clean_end(output, finished):
        return False
    steps = read_steps(oracle.expected)
    return all(is_same_value(output.steps.get(n, ""), text) for n, text in steps.items()) if steps else True


def _is_crash_gone(oracle: Oracle, output: ScriptOutput, finished: CommandResult) -> bool:
    """Return whether the end is clean; another exception is no fix, unless it is one of those that the issue wishes
    for."""
    return output.exception in oracle.expected.split() if output.exception else _is_clean_end(output, finished)


def _is_output_changed(oracle: Oracle, output: ScriptOutput, finished: CommandResult) -> bool:
    return _is_clean_end(output, finished) and output.text != oracle.observed


def _is_clean_end(output: ScriptOutput, finished: CommandResult) -> bool:
    return output.has_ended and not output.exception and finished.exit_code == 0


def _try_snippet(case: ReproductionCase, run: ScriptRunner, project: SnippetProject) -> Oracle:
    case = replace(case, snippet=remove_placeholders(case.snippet, case.others, project))
    before = write_preamble(case.snippet, case.others, case.text, project)
    setup = frameworks.write_setup(f"{before}\n{case.snippet.code}", project.packages)
    script = write_script(case.snippet.steps, before, setup)
    finished = run(script)
    output = read_output(finished.output)
    if finished.timed_out or not output.has_begun:
        return Oracle(Strength.NONE)
    found = _build_exception_oracle(case, output) if output.exception else _build_value_oracle(case, output, finished)
    if found.strength is Strength.WEAK and read_output(run(script).output).text != output.text:
        return Oracle(Strength.NONE)  # it differs from run to run by itself
    steps = tuple(step.code for step in case.snippet.steps)
    found = replace(found, script=script, observed=output.text, seconds=compute_time_limit(finished))
    return replace(found, source=case.snippet.source, preamble=before, steps=steps)


def _build_exception_oracle(case: ReproductionCase, output: ScriptOutput) -> Oracle:
    wished = find_expected_exceptions(case.text)
    if output.exception == "AssertionError" and output.is_own_exception:
        return Oracle(Strength.STRONG)
    if output.exception in wished or not _is_reported(case, output):
        return Oracle(Strength.NONE)
    if len(wished) == 1:
        return Oracle(Strength.STRONG, exception=min(wished))
    return Oracle(Strength.CRASH, exception=output.exception, expected="\n".join(sorted(wished)))


def _is_reported(case: ReproductionCase, output: ScriptOutput) -> bool:
    """Return whether the issue names the exception, and its message too where an incomplete snippet would raise the
    same."""
    named = bool(re.search(rf"\b{re.escape(output.exception)}\b", case.text))
    return named and (output.exception not in _INCOMPLETE_ERRORS or output.message in case.text)


def _build_value_oracle(case: ReproductionCase, output: ScriptOutput, finished: CommandResult) -> Oracle:
    wished = find_expected_exceptions(case.text)
    if not _is_clean_end(output, finished):
        return Oracle(Strength.NONE)
    if known := find_expected_outputs(case, output.steps):
        return Oracle(Strength.STRONG, expected=write_steps(known))
    if len(wished) == 1:
        return Oracle(Strength.STRONG, exception=min(wished))
    return Oracle(Strength.WEAK if shows_wrong_output(case, output.steps) else Strength.NONE)
