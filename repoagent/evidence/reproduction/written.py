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

from repoagent.answers import code_in
from repoagent.domain import Issue, Oracle, Strength
from repoagent.edits import EditRefused
from repoagent.errors import BudgetExceeded, ModelFailed
from repoagent.evidence.reproduction import frameworks
from repoagent.evidence.reproduction.oracle import Run
from repoagent.evidence.reproduction.script import Seen, read_output, write_script
from repoagent.issue.steps import Step
from repoagent.issue.syntax import parse
from repoagent.llm.asking import ask_all
from repoagent.llm.base import Completion, Message, Model, Sampling
from repoagent.prompting import Prompt, Witness, WitnessAgain, WitnessTurned, render, trim_issue

SOURCE = "a script that the model wrote from the issue"
"""What such an oracle names as its source."""
_TOKENS = 700
"""Of one script."""
_AGAIN = 1
"""Times that a model is shown why its script does not run."""
_SHOWN = 600
"""Characters of a failure that are shown."""
_NONE = Oracle(Strength.NONE)


@dataclass(frozen=True)
class Suspect:
    """A function that the issue is probably about."""

    path: str
    name: str
    """Its own name, without the class around it."""
    text: str
    importing: str
    """The statement that imports it or its class; empty where that is not clear."""


@dataclass(frozen=True)
class _Written:
    """A script of the model, with the conversation that led to it."""

    code: str
    asked: tuple[Message, ...]


def written(
    issue: Issue, suspects: Sequence[Suspect], run: Run, model: Model, seed: int = 0, packages: Sequence[str] = ()
) -> Oracle:
    """Let the model write as many scripts as its profile grants, and return the best as an oracle; `Strength.NONE`
    where none holds.

    Raises what `run` raises: SandboxFailed. What the model cannot do for want of budget is left.
    """
    if not model.profile.witnesses or not suspects:
        return _NONE
    first = Message("user", _prompt(issue, suspects, model))
    writer = _Writer(model, run, tuple(packages), seed)
    found = [oracle for each in writer.first(first) if (oracle := writer.turned(each)).strength is not Strength.NONE]
    return max(found, key=lambda oracle: _weight(oracle, suspects), default=_NONE)


@dataclass(frozen=True)
class _Writer:
    model: Model
    run: Run
    packages: tuple[str, ...]
    seed: int

    def first(self, question: Message) -> Iterator[_Written]:
        """Yield the scripts that run to their end on the untouched code, each of them once."""
        attempts = [lambda i=i: self._ask((question,), i) for i in range(self.model.profile.witnesses)]
        answers = [answer for answer in ask_all(attempts) if isinstance(answer, Completion)]
        scripts = {script.code: script for answer in answers if (script := _read(answer, (question,)))}
        for number, script in enumerate(scripts.values()):
            if running := self._running(script, number):
                yield running

    def _running(self, script: _Written, number: int) -> _Written | None:
        for again in range(_AGAIN + 1):
            output = self._seen(script.code)
            if output.ended and not output.raised:
                return script
            if again == _AGAIN:
                break
            other = self._continued(script, WitnessAgain(_failure(output)), number)
            if other is None:
                break
            script = other
        return None

    def turned(self, passing: _Written) -> Oracle:
        """Ask for the script with its assertions inverted, as AssertFlip does, and return it as an oracle that demands
        what is right; `Strength.NONE` where it does not fail today by an assertion of its own."""
        failing = self._continued(passing, WitnessTurned(), 0)
        if failing is None or not _asserts(failing.code) or not _uses(failing.code, self.packages):
            return _NONE
        script = self._script(failing.code)
        output = read_output(self.run(script).output)
        if output.raised != "AssertionError" or not output.here:
            return _NONE
        return Oracle(Strength.WEAK, script, observed=output.text, source=SOURCE)

    def _continued(self, script: _Written, prompt: Prompt, number: int) -> _Written | None:
        """Ask for another script after the last; None where the model writes none."""
        messages = (*script.asked, Message("assistant", f"```python\n{script.code.strip()}\n```"))
        question = (*messages, Message("user", render(prompt)))
        try:
            return _read(self._ask(question, number), question)
        except (ModelFailed, BudgetExceeded):
            return None

    def _ask(self, messages: Sequence[Message], number: int) -> Completion:
        profile = self.model.profile
        temperature = profile.temperature if number else 0.0
        return self.model.chat(messages, Sampling(_TOKENS, temperature, profile.top_p, self.seed + number))

    def _seen(self, code: str) -> Seen:
        return read_output(self.run(self._script(code)).output)

    def _script(self, code: str) -> str:
        # Statement by statement: between them, a framework makes the tables of what was defined.
        steps = [Step(ast.unparse(node)) for node in parse(code).body]
        return write_script(steps, setup=frameworks.setup(code, self.packages))


def _read(answer: Completion, messages: tuple[Message, ...]) -> _Written | None:
    """Return the script in an answer; None where it holds none that parses."""
    try:
        code = code_in(answer, "")
    except EditRefused:
        return None
    return _Written(code, messages) if parse(code).body else None


def _asserts(code: str) -> bool:
    """Return whether a script asserts anything that is not written out as false."""
    found = [node.test for node in ast.walk(parse(code)) if isinstance(node, ast.Assert)]
    return any(not isinstance(test, ast.Constant) for test in found)


def _uses(code: str, packages: Sequence[str]) -> bool:
    """Return whether a script imports the project, as far as that is known."""
    nodes = list(ast.walk(parse(code)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return not packages or bool({name.partition(".")[0] for name in names} & set(packages))


def _failure(output: Seen) -> str:
    return output.text[-_SHOWN:] if output.raised else "it did not end in time"


def _weight(oracle: Oracle, suspects: Sequence[Suspect]) -> tuple[int, int]:
    """Rank oracles: scripts that name more of the suspects are about the right thing; of equals the shorter is
    better."""
    return sum(suspect.name in oracle.script for suspect in suspects), -len(oracle.script)


def _prompt(issue: Issue, suspects: Sequence[Suspect], model: Model) -> str:
    """Write the first question, with as many suspects as fit beside the issue and what follows it."""
    most = min(model.profile.prompt_budget, model.context() - 4 * _TOKENS)
    text = trim_issue(issue, max(most // 2, _LEAST), model.count)
    prompt = ""
    for count in range(len(suspects), -1, -1):
        chosen = suspects[:count]
        imports = "\n".join(dict.fromkeys(filter(None, (suspect.importing for suspect in chosen))))
        prompt = render(Witness(text, tuple((each.path, each.text) for each in chosen), imports))
        if model.count(prompt) <= most:
            break
    return prompt


_LEAST = 200
"""Tokens that the issue is given in any case."""
