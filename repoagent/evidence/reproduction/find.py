"""Find what reproduces an issue, from what proves most to what proves least: the issue's own example, the documentation
that the code contradicts, a script that a model writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repoagent.domain import Issue, Location, Oracle, Strength
from repoagent.edits import EditRefused
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.documented import DocumentedFunction, reproduce_documentation
from repoagent.evidence.reproduction.oracle import ScriptRunner, reproduce
from repoagent.evidence.reproduction.project import build_project
from repoagent.evidence.reproduction.script import MAX_SECONDS, run_script
from repoagent.evidence.reproduction.tracing import trace_lines
from repoagent.evidence.reproduction.written import SuspectFunction, generate_reproduction
from repoagent.evidence.workbench import Workbench
from repoagent.index.build import Index
from repoagent.languages import Capability, has_capability
from repoagent.languages.python.syntax import Function, locate_definition, split_docstring, split_lines
from repoagent.llm.base import Model

_MENTIONS_DOCUMENTATION = re.compile(r"\bdoc(?:string|umentation|umented|s\b)|\bexamples?\b", re.IGNORECASE)
_DOCUMENTED = 10
"""Suspects whose documentation is read."""
_DOCUMENTED_SECONDS = 10.0
"""Seconds that all documented examples of a function may take together."""
_NONE = Oracle(Strength.NONE)


@dataclass(frozen=True)
class Reproduction:
    """What shows the problem on the untouched code."""

    oracle: Oracle = _NONE
    passing_examples: Oracle = _NONE
    """Where nothing shows the problem: the documented examples that hold today, which must hold afterwards."""
    executed: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """The lines of functions of the repository that it executes, by path; empty where that is not known."""


@dataclass(frozen=True)
class ReproductionFinder:
    """Looks for a reproduction, in the sandboxes of a workbench."""

    issue: Issue
    targets: Sequence[Location]
    """The functions and classes that may have to change, the most suspicious first."""
    context: EvaluationContext
    workbench: Workbench
    index: Index
    model: Model
    seed: int = 0

    def find(self) -> Reproduction:
        """The strongest reproduction there is. Raises SandboxFailed and EnvironmentFailed."""
        if not any(has_capability(path, Capability.SNIPPET_REPRODUCTION) for path in self.index.files):
            return Reproduction()
        run, run_briefly = self._make_runner(MAX_SECONDS), self._make_runner(_DOCUMENTED_SECONDS)
        project = build_project(self.index)
        oracle = reproduce(self.issue, run, project)
        if oracle.strength in (Strength.WEAK, Strength.NONE):
            contradicted = reproduce_documentation(self._find_documented(), run_briefly)
            oracle = contradicted if contradicted.strength is Strength.STRONG else oracle
        passing = _NONE
        if oracle.strength is Strength.NONE:
            passing = reproduce_documentation(self._find_documented(), run_briefly, today="passed")
            suspects = [self._make_suspect(each) for each in self._runnable[: self.model.profile.functions]]
            oracle = generate_reproduction(self.issue, suspects, run, self.model, self.seed, project.packages)
        return Reproduction(oracle, passing, self._trace_lines(oracle))

    @property
    def _runnable(self) -> list[Location]:
        """The targets that code out of an issue can be run against."""
        return [each for each in self.targets if has_capability(each.path, Capability.SNIPPET_REPRODUCTION)]

    def _make_runner(self, seconds: float) -> ScriptRunner:
        """What runs a script on the untouched code for at most so many seconds, each time in a fresh sandbox."""
        where = self.context.environment
        return lambda script: self.workbench.run_fresh(where, (), lambda box: run_script(box, script, seconds))

    def _find_documented(self) -> list[DocumentedFunction]:
        """The functions that the issue names, where it speaks of documentation: elsewhere an example may be out of
        date."""
        if not _MENTIONS_DOCUMENTATION.search(self.issue.text):
            return []
        named = [t for t in self._runnable[:_DOCUMENTED] if t.symbol.rpartition(".")[2] in self.issue.text]
        return [function for location in named if (function := describe_function(self.index, location))]

    def _make_suspect(self, location: Location) -> SuspectFunction:
        lines = split_lines(self.index.read_source(location.path))[location.start - 1 : location.end]
        outer, _, name = location.symbol.rpartition(".")
        module = self.index.derive_module_name(location.path)
        importing = f"from {module} import {(outer or name).partition('.')[0]}" if module else ""
        return SuspectFunction(location.path, name, "".join(lines).rstrip(), importing)

    def _trace_lines(self, oracle: Oracle) -> Mapping[str, frozenset[int]]:
        if oracle.strength is Strength.NONE:
            return {}
        lines = self.workbench.run_fresh(
            self.context.environment, (), lambda box: trace_lines(box, oracle.script, oracle.seconds)
        )
        return {path: lines[path] for path in lines if path in self.index.files}


def describe_function(index: Index, location: Location) -> DocumentedFunction | None:
    """A function with its documentation; None where it has none, cannot be imported, or is none."""
    module, source = index.derive_module_name(location.path), index.read_source(location.path)
    try:
        _, text = split_docstring(source, location.symbol, location.start)
        function = locate_definition(source, location.symbol, location.start).node
    except EditRefused:
        return None
    if not isinstance(function, Function):
        return None
    parameters = tuple(argument.arg for argument in function.args.args)
    return DocumentedFunction(module, location.symbol, parameters, text) if text and module else None
