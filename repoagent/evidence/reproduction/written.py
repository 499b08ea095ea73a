"""Generate a reproduction where nothing in an issue can be run: a model writes a script, and only runs are believed.

The model is asked first for what happens today, wrong as it is, and then to invert the assertions: models write tests
that pass far more often than tests that fail for the right reason (AssertFlip, Khatib et al., 2025: with GPT-4o 45.5 %
of SWT-bench Verified; LIBRO, which asks for failing tests, 17.8 %). The script counts only if the first version runs to
its end on the untouched code, and the second fails there by an assertion of its own. What it demands is still a model's
word: such an oracle ranks candidates, and rejects or verifies none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repoagent.domain import Issue, Oracle, Strength
from repoagent.edits import EditRefused
from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.evidence.reproduction import frameworks
from repoagent.evidence.reproduction.oracle import ScriptRunner
from repoagent.evidence.reproduction.script import ScriptOutput, read_output, write_script
from repoagent.issue.steps import SnippetStep
from repoagent.issue.syntax import parse_leniently
from repoagent.languages.python.language import PYTHON
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.llm.parallel import complete_all
from repoagent.prompting import Prompt, Witness, WitnessAgain, WitnessTurned, render, trim_issue

SOURCE = "a script that the model wrote from the issue"
"""What such an oracle names as its source."""
_SCRIPT_TOKENS = 700
"""Of one script."""
_MAX_REPAIRS = 1
"""Times that a model is shown why its script does not run."""
_MAX_FAILURE_CHARACTERS = 600
"""Characters of a failure that are shown."""
_NO_ORACLE = Oracle(Strength.NONE)


@dataclass(frozen=True)
class SuspectFunction:
    """A function that the issue is probably about."""

    path: str
    name: str
    """Its own name, without the class around it."""
    text: str
    import_statement: str
    """The statement that imports it or its class; empty where that is not clear."""


@dataclass(frozen=True)
class _GeneratedScript:
    """A script of the model, with the conversation that led to it."""

    code: str
    messages: tuple[Message, ...]


def generate_reproduction(
    issue: Issue,
    suspects: Sequence[SuspectFunction],
    run: ScriptRunner,
    model: Model,
    seed: int = 0,
    packages: Sequence[str] = (),
) -> Oracle:
    """Let the model write as many scripts as its profile grants, and return the best as an oracle; `Strength.NONE`
    where none holds.

    Raises what `run` raises: SandboxFailed. What the model cannot do for want of budget is left.
    """
    if not model.profile.witnesses or not suspects:
        return _NO_ORACLE
    first = Message("user", _write_prompt(issue, suspects, model))
    writer = _ScriptWriter(model, run, tuple(packages), seed)
    found = [
        oracle
        for each in writer.write_passing_scripts(first)
        if (oracle := writer.invert_assertions(each)).strength is not Strength.NONE
    ]
    return max(found, key=lambda oracle: _rank_oracle(oracle, suspects), default=_NO_ORACLE)


@dataclass(frozen=True)
class _ScriptWriter:
    model: Model
    run: ScriptRunner
    packages: tuple[str, ...]
    seed: int

    def write_passing_scripts(self, question: Message) -> Iterator[_GeneratedScript]:
        """Yield the scripts that run to their end on the untouched code, each of them once."""
        attempts = [lambda i=i: self._ask((question,), i) for i in range(self.model.profile.witnesses)]
        answers = [answer for answer in complete_all(attempts) if isinstance(answer, Completion)]
        scripts = {script.code: script for answer in answers if (script := _parse_script(answer, (question,)))}
        for number, script in enumerate(scripts.values()):
            if running := self._repair_until_running(script, number):
                yield running

    def _repair_until_running(self, script: _GeneratedScript, number: int) -> _GeneratedScript | None:
        for again in range(_MAX_REPAIRS + 1):
            output = self._run_code(script.code)
            if output.has_ended and not output.exception:
                return script
            if again == _MAX_REPAIRS:
                break
            other = self._ask_again(script, WitnessAgain(_format_failure(output), PYTHON), number)
            if other is None:
                break
            script = other
        return None

    def invert_assertions(self, passing: _GeneratedScript) -> Oracle:
        """Ask for the script with its assertions inverted, as AssertFlip does, and return it as an oracle that demands
        what is right; `Strength.NONE` where it does not fail today by an assertion of its own."""
        failing = self._ask_again(passing, WitnessTurned(PYTHON), 0)
        if failing is None or not _has_assertion(failing.code) or not _is_using_project(failing.code, self.packages):
            return _NO_ORACLE
        script = self._write_script(failing.code)
        output = read_output(self.run(script).output)
        if output.exception != "AssertionError" or not output.is_own_exception:
            return _NO_ORACLE
        return Oracle(Strength.WEAK, script, observed=output.text, source=SOURCE)

    def _ask_again(self, script: _GeneratedScript, prompt: Prompt, number: int) -> _GeneratedScript | None:
        """Ask for another script after the last; None where the model writes none."""
        messages = (*script.messages, Message("assistant", f"```{PYTHON.fences[0]}\n{script.code.strip()}\n```"))
        question = (*messages, Message("user", render(prompt)))
        try:
            return _parse_script(self._ask(question, number), question)
        except (ModelFailed, BudgetExceeded):
            return None

    def _ask(self, messages: Sequence[Message], number: int) -> Completion:
        profile = self.model.profile
        temperature = profile.temperature if number else 0.0
        return self.model.chat(messages, Sampling(_SCRIPT_TOKENS, temperature, profile.top_p, self.seed + number))

    def _run_code(self, code: str) -> ScriptOutput:
        return read_output(self.run(self._write_script(code)).output)

    def _write_script(self, code: str) -> str:
        # Statement by statement: between them, a framework makes the tables of what was defined.
        steps = [SnippetStep(ast.unparse(node)) for node in parse_leniently(code).body]
        return write_script(steps, setup=frameworks.write_setup(code, self.packages))


def _parse_script(answer: Completion, messages: tuple[Message, ...]) -> _GeneratedScript | None:
    """Return the script in an answer; None where it holds none that parses."""
    try:
        code = PYTHON.extract_code(answer.text, "", truncated=answer.truncated)
    except EditRefused:
        return None
    return _GeneratedScript(code, messages) if parse_leniently(code).body else None


def _has_assertion(code: str) -> bool:
    """Return whether a script asserts anything that is not written out as false."""
    found = [node.test for node in ast.walk(parse_leniently(code)) if isinstance(node, ast.Assert)]
    return any(not isinstance(test, ast.Constant) for test in found)


def _is_using_project(code: str, packages: Sequence[str]) -> bool:
    """Return whether a script imports the project, as far as that is known."""
    nodes = list(ast.walk(parse_leniently(code)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return not packages or bool({name.partition(".")[0] for name in names} & set(packages))


def _format_failure(output: ScriptOutput) -> str:
    return output.text[-_MAX_FAILURE_CHARACTERS:] if output.exception else "it did not end in time"


def _rank_oracle(oracle: Oracle, suspects: Sequence[SuspectFunction]) -> tuple[int, int]:
    """Rank oracles: scripts that name more of the suspects are about the right thing; of equals the shorter is
    better."""
    return sum(suspect.name in oracle.script for suspect in suspects), -len(oracle.script)


def _write_prompt(issue: Issue, suspects: Sequence[SuspectFunction], model: Model) -> str:
    """Write the first question, with as many suspects as fit beside the issue and what follows it."""
    most = min(model.profile.prompt_budget, model.get_context_size() - 4 * _SCRIPT_TOKENS)
    text = trim_issue(issue, max(most // 2, _MIN_ISSUE_TOKENS), model.count_tokens)
    prompt = ""
    for count in range(len(suspects), -1, -1):
        chosen = suspects[:count]
        imports = "\n".join(dict.fromkeys(filter(None, (suspect.import_statement for suspect in chosen))))
        prompt = render(Witness(text, tuple((each.path, each.text) for each in chosen), imports, PYTHON))
        if model.count_tokens(prompt) <= most:
            break
    return prompt


_MIN_ISSUE_TOKENS = 200
"""Tokens that the issue is given in any case."""
