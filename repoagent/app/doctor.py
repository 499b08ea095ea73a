"""`repoagent doctor`: check everything that a run needs, and advise what to do about each problem.

Most reports of "the model acts like a chatbot" come down to a context that is shorter than expected, a server that
misreads the model, or a broken quantisation. So the model is not only contacted: it answers a chat, repairs one
function, and fills one hole.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from repoagent.errors import EnvironmentFailed, ModelFailed, UserError
from repoagent.llm.base import Message, Model, Sampling
from repoagent.llm.failures import MORE_CONTEXT
from repoagent.sandbox.base import Engine

State = Literal["ok", "warn", "fail"]

DISK_BYTES = 5_000_000_000
"""Below this much free space a run may fail: environments, work trees and weights need it."""
SLOW_TOKENS_PER_SECOND = 3.0


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    state: State
    detail: str
    advice: str = ""
    """What to do; empty when all is well."""


@dataclass(frozen=True)
class Request:
    """What to check."""

    model: str | None = None
    """As `--model`; None for the default."""
    sandbox: str = "auto"
    ask_model: bool = True
    """Whether to start the model and talk to it, which takes from seconds to minutes."""


def examine(request: Request, note: Callable[[str], None] = lambda _line: None) -> Iterator[Check]:
    """Run all checks and yield each result as soon as it is known; `note` is called before steps that take long."""
    yield _python()
    yield _git()
    yield from _sandboxes(request.sandbox)
    yield _disk()
    if request.ask_model:
        yield from _model(request.model, note)
    else:
        yield _weights(request.model)


def try_model(
    model: Model, caveats: Sequence[str] = (), note: Callable[[str], None] = lambda _line: None
) -> Iterator[Check]:
    """Check the abilities of a model; `caveats` are remarks of its client about the server."""
    yield _context(model, caveats)
    for name, attempt in (("chat", _chat), ("repair", _repair), ("infill", _infill), ("speed", _speed)):
        note(f"trying {name}")
        try:
            yield attempt(model)
        except ModelFailed as error:
            yield Check(name, "fail", str(error), "see the message")


def healthy(checks: list[Check]) -> bool:
    """Tell whether no check failed; warnings do not count."""
    return all(check.state != "fail" for check in checks)


# --- the machine ------------------------------------------------------------------------------------------------------


def _python() -> Check:
    return Check("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _git() -> Check:
    from repoagent.process import CommandFailed, run

    try:
        version = run(["git", "--version"], timeout=10).text.split()[2]
    except CommandFailed as error:
        return Check("git", "fail", str(error), "install git 2.31 or newer")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < (2, 31):
        return Check("git", "fail", version, "install git 2.31 or newer")
    return Check("git", "ok", version)


def _sandboxes(wanted: str) -> Iterator[Check]:
    """Check each sandbox engine. One that works is enough, unless the user asks for a certain one."""
    from repoagent.sandbox import engines

    found = [_sandbox(engine) for engine in engines()]
    spare = any(check.state != "fail" and wanted in {"auto", check.name.split()[1]} for check in found)
    for check in found:
        yield Check(check.name, "warn", check.detail, check.advice) if spare and check.state == "fail" else check


def _sandbox(engine: Engine) -> Check:
    name = f"sandbox {engine.name}"
    try:
        engine.check()
        missing = engine.missing()
    except EnvironmentFailed as error:
        return Check(name, "fail", str(error), "see the message; one working engine is enough")
    if missing:
        return Check(
            name,
            "warn",
            f"answers, {missing} is not there yet",
            "nothing to do: the first run builds it, in a minute or two",
        )
    return Check(name, "ok", "answers")


def _disk() -> Check:
    from repoagent.places import cache_root

    folder = cache_root()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    if free >= DISK_BYTES:
        return Check("disk", "ok", detail)
    return Check("disk", "warn", detail, "free some space, or set REPOAGENT_CACHE to a folder on a larger disk")


# --- the model --------------------------------------------------------------------------------------------------------


def _weights(spec: str | None) -> Check:
    from pathlib import Path

    from repoagent.llm.address import is_url
    from repoagent.llm.weights import catalogue, find

    if spec and is_url(spec):
        return Check("weights", "ok", f"served at {spec}")
    if spec and spec.endswith(".gguf"):
        state: State = "ok" if Path(spec).is_file() else "fail"
        return Check("weights", state, spec, "" if state == "ok" else "give the path of a file that exists")
    try:
        weights = find(spec) if spec else catalogue()[0]
    except UserError as error:
        return Check("weights", "fail", str(error), "correct --model")
    if weights.present:
        return Check("weights", "ok", str(weights.path))
    size = f"{weights.name} is not downloaded ({weights.bytes / 1e9:.1f} GB)"
    return Check("weights", "warn", size, f"`repoagent model pull {weights.name}`, or let the first run fetch it")


def _model(spec: str | None, note: Callable[[str], None]) -> Iterator[Check]:
    from repoagent.llm import open_model

    weights = _weights(spec)
    yield weights
    if weights.state == "fail":
        return
    if build := _build(spec):
        yield build
    note("starting the model")
    started = time.monotonic()
    try:
        with open_model(spec, note=note) as model:
            yield Check("model", "ok", f"{model.name} at {model.url}, ready after {time.monotonic() - started:.1f} s")
            yield from try_model(model, model.notes, note)
    except (EnvironmentFailed, UserError) as error:
        yield Check("model", "fail", str(error), "see the message")


def _build(spec: str | None) -> Check | None:
    """Report which llama.cpp serves embedded weights, and whether a native build would be faster."""
    from repoagent.llm import native
    from repoagent.llm.address import is_url

    if spec and is_url(spec):
        return None
    if built := native.program():
        return Check("llama.cpp", "ok", f"compiled for these processors: {built}")
    if native.gains():
        return Check(
            "llama.cpp",
            "ok",
            "prebuilt wheel; `repoagent model build-native` compiles a faster one for these processors",
        )
    return Check("llama.cpp", "ok", "prebuilt wheel")


def _context(model: Model, caveats: Sequence[str]) -> Check:
    found, needed = model.context(), model.profile.context
    detail = f"{found:,} tokens for one request; profile {model.profile.id} needs {needed:,}"
    if caveats:
        return Check(
            "context", "warn", " ".join(caveats), "look up the server's setting: answers are bad with a short context"
        )
    if found >= needed:
        return Check("context", "ok", detail)
    advice = MORE_CONTEXT
    return Check("context", "fail" if found < 2048 else "warn", detail, advice)


def _chat(model: Model) -> Check:
    answer = model.chat([Message("user", "Reply with the single word READY.")], Sampling(256, temperature=0.0))
    said = answer.text.strip()
    if "ready" in said.lower():
        return Check("chat", "ok", f"answers after {answer.usage.seconds:.1f} s")
    return Check(
        "chat", "warn", f"answers {said[:60]!r}", "check the server's chat template: it may not fit this model"
    )


BROKEN = """\
def last(values):
    index = len(values)
    return values[index]
"""
FIXED = (
    BROKEN.replace("len(values)", "len(values) - 1"),
    BROKEN.replace("[index]", "[index - 1]"),
    BROKEN.replace("len(values)", "-1"),
    "def last(values):\n    return values[len(values) - 1]\n",
    "def last(values):\n    return values[-1]\n",
)


def _repair(model: Model) -> Check:
    request = (
        "`last([1, 2, 3])` should return 3, but it raises IndexError: list index out of range. Write the corrected "
        "function in one ```python block.\n\n"
        f"```python\n{BROKEN}```"
    )
    answer = model.chat([Message("user", request)], Sampling(1024, temperature=0.0))
    if is_repaired(answer.text):
        return Check("repair", "ok", f"repairs an off-by-one error in {answer.usage.seconds:.1f} s")
    return Check(
        "repair",
        "warn",
        "did not repair an off-by-one error in a three-line function",
        "use a larger model or a better quantisation",
    )


def is_repaired(answer: str) -> bool:
    """Tell whether `answer` contains one of the accepted fixes; compares syntax trees and executes nothing."""
    accepted = {_shape(fix) for fix in FIXED}
    return any(_shape(block) in accepted for block in re.findall(r"```(?:python|py)?\s*\n(.*?)```", answer, re.DOTALL))


def _shape(code: str) -> str:
    """Dump the first function in `code` without annotations and docstring, and with its variables renamed in order."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return "not Python"
    function = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    return ast.dump(_Plain().visit(function)) if function else "no function"


class _Plain(ast.NodeTransformer):
    """Removes what may differ between equal fixes: annotations, docstring, names of variables."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(self._renamed(node.arg))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(node.id if node.id == "len" else self._renamed(node.id), node.ctx)

    def _renamed(self, name: str) -> str:
        return self._names.setdefault(name, f"v{len(self._names)}")


def _infill(model: Model) -> Check:
    if not model.profile.infills:
        return Check("infill", "ok", "not used with this model")
    answer = model.infill("def add(a, b):\n    return ", "\n", Sampling(16, temperature=0.0, stop=("\n",)))
    if "a + b" in answer.text:
        return Check("infill", "ok", "fills in the middle")
    advice = "the served file may lack the fill-in-the-middle tokens; runs continue without infilling if it fails"
    return Check("infill", "warn", f"filled `return ▁` of `add(a, b)` with {answer.text[:40]!r}", advice)


def _speed(model: Model) -> Check:
    """Measure reading and writing with two answers to one long prompt: the second finds the prompt cached."""
    # The time in front keeps a server from having read the prompt in an earlier examination.
    prompt = Message("user", f"{time.time_ns()}\n" + "Count the lines of this text.\n" * 60)
    first = model.chat([prompt], Sampling(1, temperature=0.0))
    second = model.chat([prompt], Sampling(48, temperature=0.0))
    read = _rate(first.usage.prompt_tokens - first.usage.cached_tokens, first.usage.seconds)
    written = _rate(second.usage.completion_tokens, second.usage.seconds)
    detail = f"reads {read:.0f} tokens/s, writes {written:.1f} tokens/s"
    if written >= SLOW_TOKENS_PER_SECOND:
        return Check("speed", "ok", detail)
    return Check(
        "speed", "warn", detail, "stop other programs that use the processor, or use a server with a GPU: --model URL"
    )


def _rate(tokens: int, seconds: float) -> float:
    return tokens / max(seconds, 1e-3)
