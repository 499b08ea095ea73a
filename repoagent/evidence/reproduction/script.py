"""Turn a snippet into a script whose output can be read step by step, and read it.

The script announces its begin, each step, an exception that ends it, and its end, always with the same words: what
comes between is what an interpreter session would have shown. Without the first line nothing ran: never success.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from repoagent.issue.steps import SnippetStep
from repoagent.issue.syntax import parse_leniently
from repoagent.sandbox.base import ENVIRONMENT, CommandResult, Sandbox

MARK = "=== repoagent: "
"""What every announcement begins with."""
BEGIN = "=== repoagent: begin ==="
END = "=== repoagent: end ==="
MAX_SECONDS = 30.0
"""How long a script may run."""

_STEP = "=== repoagent: step {} ==="
_STEP_LINE = re.compile(r"=== repoagent: step (\d+) ===\n")
_RAISED_LINE = re.compile(r"=== repoagent: raised (\S+) (here|below) ===\n")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_SCRIPT_HEADER = f'''\
import sys as _repoagent_sys

def _repoagent_raised(kind, error, trace, _hook=_repoagent_sys.excepthook):
    last = trace
    while last and last.tb_next:
        last = last.tb_next
    place = "here" if last and last.tb_frame.f_code.co_filename == "<string>" else "below"
    _repoagent_sys.stdout.flush()
    print("\\n=== repoagent: raised", kind.__name__, place, "===", flush=True)
    _hook(kind, error, trace)

def _repoagent_step(number):
    globals().get("_repoagent_prepare", int)()
    print("=== repoagent: step", number, "===", flush=True)

def _repoagent_show(value):
    if value is not None:
        print(repr(value), flush=True)

def _repoagent_test(case):
    import unittest
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    for _, text in result.errors + result.failures:
        name, _, message = text.strip().splitlines()[-1].partition(":")
        name = name.rpartition(".")[2]
        if name == "AssertionError":
            raise AssertionError(message)
        raise type(name, (Exception,), {{}})(message)

_repoagent_sys.excepthook = _repoagent_raised
print("{BEGIN}", flush=True)
'''


@dataclass(frozen=True)
class ScriptOutput:
    """What a script's run showed."""

    has_begun: bool = False
    has_ended: bool = False
    steps: Mapping[int, str] = field(default_factory=dict)
    """Output by step, counted from 1, of the steps that printed anything."""
    exception: str = ""
    """Class name of the exception that ended it."""
    is_own_exception: bool = False
    """Whether the exception was raised by the snippet's own code."""
    message: str = ""
    """The last line of the traceback."""

    @property
    def text(self) -> str:
        """The output without the announcements."""
        return "\n".join([*self.steps.values(), *([self.message] if self.exception else [])])


def write_script(steps: Sequence[SnippetStep], preamble: str = "", setup: str = "") -> str:
    """Write a script that runs `steps` after `setup` of a framework and `preamble` (imports and earlier code, whose
    output is not looked at).

    Bare expressions are printed as an interpreter would. Tests that a snippet defines but does not call are called.
    """
    tree = parse_leniently("\n".join([preamble, *(step.code for step in steps)]))
    lines = [ast.unparse(node) for node in tree.body if _is_future(node)]
    lines += [_SCRIPT_HEADER, *([setup] if setup else ()), *map(ast.unparse, _parse_statements(preamble))]
    for number, step in enumerate(steps, 1):
        lines += [f"_repoagent_step({number})", *map(_print_expression, _parse_statements(step.code))]
    return "\n".join([*lines, *_call_tests(tree), f'print("\\n{END}", flush=True)', ""])


def run_script(sandbox: Sandbox, script: str, timeout: float = MAX_SECONDS) -> CommandResult:
    """Run `script` with the environment's Python in the repository of `sandbox`."""
    command = (f"{ENVIRONMENT}/venv/bin/python", "-W", "ignore", "-c", script)
    variables = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "Agg"}
    return sandbox.run(command, timeout=timeout, environment=variables)


def compute_time_limit(before: CommandResult) -> float:
    """Return the seconds that a run on changed code may take, by one on the untouched code.

    A change that makes it much slower hangs, or as good as; one that makes it end is not waited for longer than what
    never ended.
    """
    return before.seconds if before.timed_out else min(MAX_SECONDS, _MIN_SECONDS + 5 * before.seconds)


_MIN_SECONDS = 5.0


def read_output(output: str) -> ScriptOutput:
    """Read the output of a script; memory addresses in it are made equal."""
    text = _ADDRESS.sub("0x…", output.replace("\r\n", "\n"))
    _, begin, text = text.partition(f"{BEGIN}\n")
    text, end, _ = text.partition(END)
    shown, raised, here, trace = _split_exception(text)
    message = trace.strip().splitlines()[-1:] or [""]
    return ScriptOutput(bool(begin), bool(end), _parse_steps(shown), raised, here, message[0])


def _split_exception(text: str) -> tuple[str, str, bool, str]:
    """Return the output before an exception, its class, whether the snippet itself raised it, and the traceback."""
    match = _RAISED_LINE.search(text)
    if match is None:
        return text, "", False, ""
    return text[: match.start()], match[1], match[2] == "here", text[match.end() :]


def write_steps(outputs: Mapping[int, str]) -> str:
    """Write outputs by step, as a script announces them; `read_steps` is the way back."""
    return "\n".join(f"{_STEP.format(number)}\n{text}" for number, text in sorted(outputs.items()))


def read_steps(text: str) -> Mapping[int, str]:
    """Read the outputs that `write_steps` wrote."""
    return _parse_steps(text)


def _parse_steps(text: str) -> dict[int, str]:
    parts = _STEP_LINE.split(text)
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    return {int(number): tidy for number, output in pairs if (tidy := _tidy(output))}


def _tidy(output: str) -> str:
    return "\n".join(line.rstrip() for line in output.strip("\n").splitlines()).rstrip()


def _parse_statements(code: str) -> list[ast.stmt]:
    """Return the statements of `code`; imports from the future stand at the head of the script already."""
    return [node for node in parse_leniently(code).body if not _is_future(node)]


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _print_expression(node: ast.stmt) -> str:
    text = ast.unparse(node)
    return f"_repoagent_show({text})" if isinstance(node, ast.Expr) else text


def _call_tests(tree: ast.Module) -> list[str]:
    """Write calls of the tests without parameters that nothing calls, and of the test cases."""
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test")]
    functions = [f"{t.name}()" for t in tests if t.name not in called and not ast.unparse(t.args)]
    return [*functions, *(f"_repoagent_test({node.name})" for node in tree.body if is_test_case(node))]


def is_test_case(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    """Return whether it is a class of `unittest` with tests."""
    if not isinstance(node, ast.ClassDef) or not any(ast.unparse(base).endswith("TestCase") for base in node.bases):
        return False
    return any(isinstance(n, ast.FunctionDef) and n.name.startswith("test") for n in node.body)
