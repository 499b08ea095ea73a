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
from repoagent.llm.failures import CONTEXT_ADVICE
from repoagent.sandbox.base import Engine

CheckState = Literal["ok", "warn", "fail"]

MIN_DISK_BYTES = 5_000_000_000
"""Below this much free space a run may fail: environments, work trees and weights need it."""
MIN_TOKENS_PER_SECOND = 3.0


@dataclass(frozen=True)
class HealthCheck:
    """The result of one check."""

    name: str
    state: CheckState
    detail: str
    advice: str = ""
    """What to do; empty when all is well."""


@dataclass(frozen=True)
class CheckRequest:
    """What to check."""

    model: str | None = None
    """As `--model`; None for the default."""
    sandbox: str = "auto"
    ask_model: bool = True
    """Whether to start the model and talk to it, which takes from seconds to minutes."""


def run_checks(request: CheckRequest, note: Callable[[str], None] = lambda _line: None) -> Iterator[HealthCheck]:
    """Run all checks and yield each result as soon as it is known; `note` is called before steps that take long."""
    yield _check_python()
    yield _check_git()
    yield from _check_sandboxes(request.sandbox)
    yield _check_disk()
    if request.ask_model:
        yield from _check_model(request.model, note)
    else:
        yield _check_weights(request.model)


def check_model_abilities(
    model: Model, caveats: Sequence[str] = (), note: Callable[[str], None] = lambda _line: None
) -> Iterator[HealthCheck]:
    """Check the abilities of a model; `caveats` are remarks of its client about the server."""
    yield _check_context(model, caveats)
    for name, attempt in (
        ("chat", _check_chat),
        ("repair", _check_repair),
        ("infill", _check_infill),
        ("speed", _check_speed),
    ):
        note(f"trying {name}")
        try:
            yield attempt(model)
        except ModelFailed as error:
            yield HealthCheck(name, "fail", str(error), "see the message")


def is_healthy(checks: list[HealthCheck]) -> bool:
    """Tell whether no check failed; warnings do not count."""
    return all(check.state != "fail" for check in checks)


# --- the machine ------------------------------------------------------------------------------------------------------


def _check_python() -> HealthCheck:
    return HealthCheck("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _check_git() -> HealthCheck:
    from repoagent.process import CommandFailed, run

    try:
        version = run(["git", "--version"], timeout=10).text.split()[2]
    except CommandFailed as error:
        return HealthCheck("git", "fail", str(error), "install git 2.31 or newer")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < (2, 31):
        return HealthCheck("git", "fail", version, "install git 2.31 or newer")
    return HealthCheck("git", "ok", version)


def _check_sandboxes(wanted: str) -> Iterator[HealthCheck]:
    """Check each sandbox engine. One that works is enough, unless the user asks for a certain one."""
    from repoagent.sandbox import list_engines

    found = [_check_sandbox(engine) for engine in list_engines()]
    spare = any(check.state != "fail" and wanted in {"auto", check.name.split()[1]} for check in found)
    for check in found:
        yield HealthCheck(check.name, "warn", check.detail, check.advice) if spare and check.state == "fail" else check


def _check_sandbox(engine: Engine) -> HealthCheck:
    name = f"sandbox {engine.name}"
    try:
        engine.check()
        missing = engine.describe_missing()
    except EnvironmentFailed as error:
        return HealthCheck(name, "fail", str(error), "see the message; one working engine is enough")
    if missing:
        return HealthCheck(
            name,
            "warn",
            f"answers, {missing} is not there yet",
            "nothing to do: the first run builds it, in a minute or two",
        )
    return HealthCheck(name, "ok", "answers")


def _check_disk() -> HealthCheck:
    from repoagent.places import locate_cache_root

    folder = locate_cache_root()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free at {folder}"
    if free >= MIN_DISK_BYTES:
        return HealthCheck("disk", "ok", detail)
    return HealthCheck("disk", "warn", detail, "free some space, or set REPOAGENT_CACHE to a folder on a larger disk")


# --- the model --------------------------------------------------------------------------------------------------------


def _check_weights(spec: str | None) -> HealthCheck:
    from pathlib import Path

    from repoagent.llm.address import is_url
    from repoagent.llm.local.weights import find_weights, load_catalogue

    if spec and is_url(spec):
        return HealthCheck("weights", "ok", f"served at {spec}")
    if spec and spec.endswith(".gguf"):
        state: CheckState = "ok" if Path(spec).is_file() else "fail"
        return HealthCheck("weights", state, spec, "" if state == "ok" else "give the path of a file that exists")
    try:
        weights = find_weights(spec) if spec else load_catalogue()[0]
    except UserError as error:
        return HealthCheck("weights", "fail", str(error), "correct --model")
    if weights.is_present:
        return HealthCheck("weights", "ok", str(weights.path))
    size = f"{weights.name} is not downloaded ({weights.bytes / 1e9:.1f} GB)"
    return HealthCheck("weights", "warn", size, f"`repoagent model pull {weights.name}`, or let the first run fetch it")


def _check_model(spec: str | None, note: Callable[[str], None]) -> Iterator[HealthCheck]:
    from repoagent.llm import open_model

    weights = _check_weights(spec)
    yield weights
    if weights.state == "fail":
        return
    if build := _check_server_build(spec):
        yield build
    note("starting the model")
    started = time.monotonic()
    try:
        with open_model(spec, note=note) as model:
            yield HealthCheck(
                "model", "ok", f"{model.name} at {model.url}, ready after {time.monotonic() - started:.1f} s"
            )
            yield from check_model_abilities(model, model.notes, note)
    except (EnvironmentFailed, UserError) as error:
        yield HealthCheck("model", "fail", str(error), "see the message")


def _check_server_build(spec: str | None) -> HealthCheck | None:
    """Report which llama.cpp serves embedded weights, and whether a native build would be faster."""
    from repoagent.llm.address import is_url
    from repoagent.llm.local import native

    if spec and is_url(spec):
        return None
    if built := native.find_native_server():
        return HealthCheck("llama.cpp", "ok", f"compiled for these processors: {built}")
    if native.can_speed_up():
        return HealthCheck(
            "llama.cpp",
            "ok",
            "prebuilt wheel; `repoagent model build-native` compiles a faster one for these processors",
        )
    return HealthCheck("llama.cpp", "ok", "prebuilt wheel")


def _check_context(model: Model, caveats: Sequence[str]) -> HealthCheck:
    found, needed = model.get_context_size(), model.profile.context
    detail = f"{found:,} tokens for one request; profile {model.profile.id} needs {needed:,}"
    if caveats:
        return HealthCheck(
            "context", "warn", " ".join(caveats), "look up the server's setting: answers are bad with a short context"
        )
    if found >= needed:
        return HealthCheck("context", "ok", detail)
    advice = CONTEXT_ADVICE
    return HealthCheck("context", "fail" if found < 2048 else "warn", detail, advice)


def _check_chat(model: Model) -> HealthCheck:
    answer = model.chat([Message("user", "Reply with the single word READY.")], Sampling(256, temperature=0.0))
    said = answer.text.strip()
    if "ready" in said.lower():
        return HealthCheck("chat", "ok", f"answers after {answer.usage.seconds:.1f} s")
    return HealthCheck(
        "chat", "warn", f"answers {said[:60]!r}", "check the server's chat template: it may not fit this model"
    )


BROKEN_FUNCTION = """\
def last(values):
    index = len(values)
    return values[index]
"""
ACCEPTED_FIXES = (
    BROKEN_FUNCTION.replace("len(values)", "len(values) - 1"),
    BROKEN_FUNCTION.replace("[index]", "[index - 1]"),
    BROKEN_FUNCTION.replace("len(values)", "-1"),
    "def last(values):\n    return values[len(values) - 1]\n",
    "def last(values):\n    return values[-1]\n",
)


def _check_repair(model: Model) -> HealthCheck:
    request = (
        "`last([1, 2, 3])` should return 3, but it raises IndexError: list index out of range. Write the corrected "
        "function in one ```python block.\n\n"
        f"```python\n{BROKEN_FUNCTION}```"
    )
    answer = model.chat([Message("user", request)], Sampling(1024, temperature=0.0))
    if is_repaired(answer.text):
        return HealthCheck("repair", "ok", f"repairs an off-by-one error in {answer.usage.seconds:.1f} s")
    return HealthCheck(
        "repair",
        "warn",
        "did not repair an off-by-one error in a three-line function",
        "use a larger model or a better quantisation",
    )


def is_repaired(answer: str) -> bool:
    """Tell whether `answer` contains one of the accepted fixes; compares syntax trees and executes nothing."""
    accepted = {_normalise_function(fix) for fix in ACCEPTED_FIXES}
    return any(
        _normalise_function(block) in accepted
        for block in re.findall(r"```(?:python|py)?\s*\n(.*?)```", answer, re.DOTALL)
    )


def _normalise_function(code: str) -> str:
    """Dump the first function in `code` without annotations and docstring, and with its variables renamed in order."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return "not Python"
    function = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    return ast.dump(_FixNormaliser().visit(function)) if function else "no function"


class _FixNormaliser(ast.NodeTransformer):
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
        return ast.arg(self._rename(node.arg))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(node.id if node.id == "len" else self._rename(node.id), node.ctx)

    def _rename(self, name: str) -> str:
        return self._names.setdefault(name, f"v{len(self._names)}")


def _check_infill(model: Model) -> HealthCheck:
    if not model.profile.infills:
        return HealthCheck("infill", "ok", "not used with this model")
    answer = model.infill("def add(a, b):\n    return ", "\n", Sampling(16, temperature=0.0, stop=("\n",)))
    if "a + b" in answer.text:
        return HealthCheck("infill", "ok", "fills in the middle")
    advice = "the served file may lack the fill-in-the-middle tokens; runs continue without infilling if it fails"
    return HealthCheck("infill", "warn", f"filled `return ▁` of `add(a, b)` with {answer.text[:40]!r}", advice)


def _check_speed(model: Model) -> HealthCheck:
    """Measure reading and writing with two answers to one long prompt: the second finds the prompt cached."""
    # The time in front keeps a server from having read the prompt in an earlier examination.
    prompt = Message("user", f"{time.time_ns()}\n" + "Count the lines of this text.\n" * 60)
    first = model.chat([prompt], Sampling(1, temperature=0.0))
    second = model.chat([prompt], Sampling(48, temperature=0.0))
    read = _compute_rate(first.usage.prompt_tokens - first.usage.cached_tokens, first.usage.seconds)
    written = _compute_rate(second.usage.completion_tokens, second.usage.seconds)
    detail = f"reads {read:.0f} tokens/s, writes {written:.1f} tokens/s"
    if written >= MIN_TOKENS_PER_SECOND:
        return HealthCheck("speed", "ok", detail)
    return HealthCheck(
        "speed", "warn", detail, "stop other programs that use the processor, or use a server with a GPU: --model URL"
    )


def _compute_rate(tokens: int, seconds: float) -> float:
    return tokens / max(seconds, 1e-3)
