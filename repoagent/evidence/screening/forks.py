"""Try many variants of one function in one process: what they need is imported once, and each gets a fork of its own.

Runs inside the sandbox, with the environment's own Python (3.7 or newer); it is shipped there as text and imports the
standard library only, and pytest where tests are to be run. Its arguments are the file that holds the job and the one
that the answer goes to. In a fork the code of the live function objects is exchanged, so that whoever refers to them
sees the variant, and what is imported later is compiled from it. What a fork says of itself may be a lie of the code
under test: it only serves to choose what is tested again in the ordinary way.
"""

from __future__ import annotations

import ast
import ctypes
import gc
import importlib
import importlib.machinery
import io
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
import types
import warnings
from contextlib import suppress
from functools import partial
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

READ_BYTES = 65_536
MAX_OUTPUT = 40_000
"""Bytes that are kept of what a fork prints, and of what it answers."""
MAX_PRINTED = 20_000_000
"""Bytes printed above which a fork is stopped."""
MAX_FILE_SIZE = 64 * 1024 * 1024
"""Bytes that a fork may write into one file."""
MAX_ADDED_MEMORY = 1024 * 1024 * 1024
"""Address space that a fork may add to what it starts with."""
SET_CHILD_SUBREAPER = 36
"""`PR_SET_CHILD_SUBREAPER`: whom orphans come back to."""
MAX_SECONDS_OF_OTHERS = 1.0
"""How long the tests that pass may take together, for each variant that mends something."""

HANGING_SECONDS = 0.1
"""Seconds of a processor that a variant may take where the untouched code never ends."""
MIN_SECONDS = 0.15
"""Seconds of a processor that a variant may take in any case."""
MAX_CALLS = 40
"""Calls whose arguments are noted."""
MAX_INPUTS = 60
"""Lists of arguments that are tried."""
MAX_CALL_LENGTH = 500
"""Characters of arguments, and of what is given back for them."""
INPUT_SECONDS = 0.05
"""Seconds of a processor for one list of arguments."""
MAX_SECONDS = 3.0
"""Seconds of a processor after which the untouched code is taken never to end."""
PATIENCE_FACTOR = 4.0
"""How much longer than it works a variant may wait, for a processor or for something else."""

ForkAction = Callable[[int], int]
"""Does something in a fork, writes its answer to the file descriptor that it is given, and says how it ended."""


class SandboxSpoilt(Exception):
    """An earlier fork has changed something that outlived it."""


class ForkResult:
    """How a fork ended."""

    def __init__(self) -> None:
        self.streams: Dict[str, bytes] = {"output": b"", "answer": b""}
        self.code = 0
        self.timed_out = False
        self.work = 0.0
        """Seconds of a processor."""

    def is_same_as(self, other: ForkResult, *, output: bool) -> bool:
        """Return whether both did the same, as far as can be seen."""
        names = ("output", "answer") if output else ("answer",)
        alike = all(self.streams[name] == other.streams[name] for name in names)
        return alike and (self.code, self.timed_out) == (other.code, other.timed_out)

    @property
    def is_hanging(self) -> bool:
        """Whether it was stopped because it did not end."""
        return self.timed_out or self.code in (128 + signal.SIGPROF, 128 + signal.SIGXCPU)

    def parse_answer(self) -> Any:
        """Parse the answer; None where it cannot be read."""
        try:
            return json.loads(self.streams["answer"].decode("utf-8", "replace"))
        except ValueError:
            return None

    def serialise(self) -> Dict[str, object]:
        output = self.streams["output"][:MAX_OUTPUT].decode("utf-8", "replace")
        return {"output": output, "answer": self.parse_answer(), "code": self.code, "timed_out": self.is_hanging}


# --- forks ------------------------------------------------------------------------------------------------------------


def fork(act: ForkAction, seconds: float, work: float = 0.0) -> ForkResult:
    """Run `act` in a fork, for at most so many seconds, and so many seconds of a processor unless that is 0; whatever
    it started is dead when this returns."""
    ended = ForkResult()
    output, answer = os.pipe(), os.pipe()
    started = time.monotonic()
    pid = spawn()
    if pid == 0:
        run_child(act, output[1], answer[1], work or seconds)
    os.close(output[1])
    os.close(answer[1])
    watch(pid, {output[0]: "output", answer[0]: "answer"}, ended, started + seconds)
    return ended


def spawn() -> int:
    """Call `os.fork`, after killing those who fill the table of processes."""
    for _ in range(50):
        try:
            return os.fork()
        except OSError:
            kill_descendants()
            time.sleep(0.05)
    raise SandboxSpoilt


def run_child(act: ForkAction, output: int, answer: int, work: float) -> None:
    """Run `act` in the child of a fork, and end the process."""
    code = 70
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        confine(work)
        sys.stdout, sys.stderr = open_printer(1), open_printer(2)
        code = act(answer)
    except BaseException:
        traceback.print_exc()
    finally:
        flush_streams()
        os._exit(code & 0xFF)


def open_printer(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "replace", line_buffering=True)


def flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()


def confine(work: float) -> None:
    """Set bounds that hold for one fork, whatever the sandbox allows for all of them."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, work)
    bounds = {
        resource.RLIMIT_CPU: int(work) + 2,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: MAX_FILE_SIZE,
        resource.RLIMIT_AS: measure_address_space() + MAX_ADDED_MEMORY,
    }
    for kind, most in bounds.items():
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def measure_address_space() -> int:
    """Return how many bytes this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def watch(pid: int, pipes: Dict[int, str], ended: ForkResult, deadline: float) -> None:
    """Read what a fork writes until it ends, and end it at its deadline."""
    read = 0
    status: Optional[int] = None
    while status is None and not ended.timed_out:
        left = deadline - time.monotonic()
        ended.timed_out = left <= 0 or read > MAX_PRINTED
        read += read_pipes(pipes, ended, max(0.0, min(left, 0.2 if pipes else 0.0003)))
        status = poll_child(pid, ended)
    status = kill_child(pid) if status is None else status
    kill_descendants()
    while read_pipes(pipes, ended, 0.0) and read < MAX_PRINTED:
        read += READ_BYTES
    for pipe in pipes:
        os.close(pipe)
    ended.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def read_pipes(pipes: Dict[int, str], ended: ForkResult, seconds: float) -> int:
    """Read once from each pipe that has something, and forget one that has ended; return how many bytes came."""
    ready, _, _ = select.select(list(pipes), [], [], seconds)
    read = 0
    for pipe in ready:
        data = os.read(pipe, READ_BYTES)
        read += len(data)
        kept = ended.streams[pipes[pipe]]
        ended.streams[pipes[pipe]] = kept if len(kept) > 4 * MAX_OUTPUT else kept + data
        if not data:
            os.close(pipe)
            del pipes[pipe]
    return read


def poll_child(pid: int, ended: ForkResult) -> Optional[int]:
    """Return the status of a child that ended; None while it lives."""
    done, status, used = os.wait4(pid, os.WNOHANG)
    if done:
        ended.work = used.ru_utime + used.ru_stime
    return status if done else None


def kill_child(pid: int) -> int:
    send_signal(signal.SIGKILL, [-pid, pid])
    return os.waitpid(pid, 0)[1]


def send_signal(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


def kill_descendants() -> None:
    """Kill all that forks have left behind; they are stopped first, or they multiply faster than they die."""
    for _ in range(200):
        reap()
        left = find_descendants() if has_children() else []
        if not left:
            return
        send_signal(signal.SIGSTOP, left)
        send_signal(signal.SIGKILL, left)


def has_children() -> bool:
    """Return whether any child is left: an orphan is one, too, where this process is the one that orphans come back
    to."""
    try:
        with open("/proc/self/task/{0}/children".format(os.getpid()), encoding="ascii") as file:
            return bool(file.read().strip())
    except OSError:
        return True


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except OSError:
        return


def find_descendants() -> List[int]:
    """Find every process that comes from this one."""
    parents = dict(filter(None, map(read_parent, filter(str.isdigit, os.listdir("/proc")))))
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found - {os.getpid()})
        found |= more


def read_parent(pid: str) -> Optional[Tuple[int, int]]:
    """Return a process and its parent; None for one that is gone."""
    try:
        with open("/proc/" + pid + "/stat", encoding="utf-8", errors="replace") as file:
            words = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] == "Z" else (int(pid), int(words[1]))


def adopt_orphans() -> None:
    """Become the one that orphans come back to; where that cannot be, they are left for the sandbox to kill."""
    try:
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return


# --- variants ---------------------------------------------------------------------------------------------------------


class VariedModule:
    """The file whose function varies."""

    def __init__(self, path: str, text: str, names: Sequence[str]) -> None:
        self.path = os.path.realpath(path)
        self.text = text
        self.names = names
        """The function's qualified name, part by part."""
        self.live_functions: List[Tuple[int, types.FunctionType]] = []
        """The objects that run it, or a function around it, with the place of that among those functions."""

    def find_live_functions(self) -> None:
        """Look for the function objects once: forks inherit what is found."""
        wanted = list(enumerate(self.find_codes(self.compile_text(self.text))))
        for each in gc.get_objects():
            if type(each) is types.FunctionType:  # `isinstance` would ask lazy objects for their class, and wake them
                self.live_functions += [(depth, each) for depth, code in wanted if self.is_code_of(each.__code__, code)]

    def is_code_of(self, code: types.CodeType, wanted: types.CodeType) -> bool:
        same = (code.co_name, code.co_firstlineno) == (wanted.co_name, wanted.co_firstlineno)
        return same and os.path.realpath(code.co_filename) == self.path

    def compile_text(self, text: str) -> types.CodeType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(text.encode("utf-8", "surrogateescape"), self.path, "exec", dont_inherit=True)

    def find_codes(self, code: types.CodeType) -> List[types.CodeType]:
        """Find the code of the function that varies, behind those of the functions around it."""
        codes = []
        for name in self.names:
            found = [each for each in code.co_consts if isinstance(each, types.CodeType) and each.co_name == name]
            if not found:
                break
            code = found[-1]
            codes += [code] if code.co_flags & 2 else []  # CO_NEWLOCALS: a function's, no class's
        return codes

    def apply_text(self, text: str) -> None:
        """Make the live functions, and what is imported from now on, those of `text`."""
        module = self.compile_text(text)
        codes = self.find_codes(module)
        for depth, function in self.live_functions:
            self.add_missing_names(module, text, function)
            self.exchange_code(function, codes[depth], text if depth == 0 else self.text)
        loader: Any = importlib.machinery.SourceFileLoader
        original = loader.get_code

        def get_code(this: Any, name: str) -> Any:
            own = os.path.realpath(this.get_filename(name)) == self.path
            return module if own else original(this, name)

        loader.get_code = get_code

    def add_missing_names(self, module: types.CodeType, text: str, function: types.FunctionType) -> None:
        """Give the function's module what the variant defines or imports at module level, and the module lacks."""
        own = function.__globals__
        lacking = [name for name in find_bound_names(text) if name not in own]
        if lacking:
            scratch = {name: value for name, value in own.items() if name[:2] == "__"}
            exec(module, scratch)
            own.update((name, scratch[name]) for name in lacking if name in scratch)

    def record_calls(self, act: ForkAction, answer: int) -> int:
        """Run `act`, and answer with which arguments it calls the function."""
        recorder = CallRecorder(self)
        stop_after(MAX_SECONDS / 2)
        sys.setprofile(recorder)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(BaseException):
            act(nowhere)
        sys.setprofile(None)
        write_answer(answer, list(recorder.calls)[:MAX_CALLS])
        return 0

    def answer_inputs(self, inputs: Sequence[str], answer: int) -> int:
        """Answer what the function returns for each of `inputs`, or how it ends."""
        function = self.live_functions[-1][1]
        found = []
        for each in inputs:
            stop_after(INPUT_SECONDS)
            try:
                found.append(call_function(function, ast.literal_eval(each)))
            except BaseException as error:
                found.append("! " + type(error).__name__)
            signal.setitimer(signal.ITIMER_PROF, 0)
        write_answer(answer, found)
        return 0

    def exchange_code(self, function: types.FunctionType, code: types.CodeType, text: str) -> None:
        """Give a live function the code of the variant, and its defaults where they are others."""
        if code.co_freevars != function.__code__.co_freevars:
            raise ValueError("the variant cannot stand in the place of the function")
        function.__code__ = code
        old, new = self.parse_defaults(self.text), self.parse_defaults(text)
        if [ast.dump(each) for each in old] != [ast.dump(each) for each in new]:
            values = (eval(compile(ast.Expression(each), self.path, "eval"), function.__globals__) for each in new)
            function.__defaults__ = tuple(values) or None

    def parse_defaults(self, text: str) -> List[ast.expr]:
        """Parse the defaults of the positional parameters, as they are written."""
        nodes: List[Any] = [ast.parse(text.encode("utf-8", "surrogateescape"))]
        for name in self.names:
            inner = [each for node in nodes for each in ast.walk(node) if getattr(each, "name", None) == name]
            nodes = [each for each in inner if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
            if nodes and not isinstance(nodes[-1], ast.ClassDef):
                return list(nodes[-1].args.defaults)
        return []


def find_bound_names(text: str) -> List[str]:
    """List what a module's own statements define, import or assign."""
    found: List[str] = []
    for node in ast.parse(text.encode("utf-8", "surrogateescape")).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found += [alias.asname or alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return found


def call_function(function: types.FunctionType, arguments: List[Any]) -> str:
    """Call a function, and return what it gives back and what it leaves of its arguments, as text."""
    value = function(*arguments)
    if isinstance(value, types.GeneratorType):
        value = [each for each, _ in zip(value, range(50))]  # noqa: B905 - Python 3.7
    return repr((value, arguments))[:MAX_CALL_LENGTH]


class CallRecorder:
    """A profiler that notes the arguments of a function that can be written down."""

    def __init__(self, module: VariedModule) -> None:
        self.module = module
        self.codes = {function.__code__ for _, function in module.live_functions[-1:]}
        self.calls: Dict[str, None] = {}

    def __call__(self, frame: types.FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in self.codes and len(self.calls) < MAX_CALLS:
            count = frame.f_code.co_argcount
            values = [frame.f_locals.get(name) for name in frame.f_code.co_varnames[:count]]
            with suppress(Exception):
                text = repr(values)
                if len(text) < MAX_CALL_LENGTH and ast.literal_eval(text) == values:
                    self.calls[text] = None


def vary_calls(calls: Sequence[str]) -> List[str]:
    """List arguments like those that were seen: one of them is changed, or two in the same way."""
    found = dict.fromkeys(calls)
    for call in calls:
        values = ast.literal_eval(call)
        for place, value in enumerate(values):
            for other in list_neighbours(value, 2):
                found[repr([*values[:place], other, *values[place + 1 :]])] = None
    step = max(1, len(found) // MAX_INPUTS)
    return list(calls)[:MAX_INPUTS] + [each for each in list(found)[::step] if each not in calls][:MAX_INPUTS]


def list_neighbours(value: Any, depth: int) -> List[Any]:
    """List values near to one, of its type."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value - 1, value * 2, 0, 1, -value, value + 10]
    if isinstance(value, str):
        return ["", value[:-1], value[1:], value + value[:1], value[::-1], value.swapcase(), value + " " + value, "a"]
    if isinstance(value, (list, tuple)) and depth:
        return vary_sequence(value, depth)
    if isinstance(value, dict):
        return [dict(list(value.items())[1:]), dict(list(value.items())[:-1]), {}]
    return []


def vary_sequence(value: Any, depth: int) -> List[Any]:
    kind = type(value)
    found = [kind(), value[:-1], value[1:], value[::-1], value + value[:1], value + value]
    for place in range(min(len(value), 3)):
        found += [
            value[:place] + kind([other]) + value[place + 1 :] for other in list_neighbours(value[place], depth - 1)
        ]
    return found


def apply_changes(text: str, changes: Sequence[Tuple[int, int, str]]) -> str:
    """Return `text` with the changes, which are in its order, made."""
    for start, end, new in reversed(changes):
        text = text[:start] + new + text[end:]
    return text


# --- the course of a job ----------------------------------------------------------------------------------------------


class ScreeningJob:
    """What is to be tried, and what came of it."""

    def __init__(self, data: Dict[str, Any]) -> None:
        self.data = data
        self.module = VariedModule(data["path"], data["text"], data["names"])
        self.deadline = time.monotonic() + data["seconds"]
        self.variant_seconds: float = data["each"]
        self.results: List[ForkResult] = []
        self.outcomes: List[Tuple[str, str, float]] = []
        """How single tests ended, with their seconds."""
        self.ending = ""
        self.is_hanging = False
        """Whether the untouched code is known not to end."""
        self.proven_count = 0
        """How many results are known not to have been spoilt by an earlier fork."""

    def start(self, act: ForkAction, judge: Callable[[ForkResult], bool]) -> None:
        """Try the variants with `act`; or, where that is asked for, with the arguments that `act` calls them with, and
        others like them."""
        self.module.find_live_functions()
        gc.freeze()
        if not self.data["probe"]:
            self.try_variants(act, judge)
            return
        recorded = fork(
            lambda answer: self.module.record_calls(act, answer), self.variant_seconds, MAX_SECONDS
        ).parse_answer()
        inputs = vary_calls([each for each in recorded or () if isinstance(each, str)])
        self.try_variants(lambda answer: self.module.answer_inputs(inputs, answer), lambda _: False)

    def try_variants(self, act: ForkAction, judge: Callable[[ForkResult], bool]) -> None:
        """Try the variants with `act` until `judge` has liked enough of them, the time is over, or the untouched code
        no longer ends as it did."""
        first = self.run_limited(
            act, HANGING_SECONDS if self.is_hanging and not self.data["probe"] else self.variant_seconds
        )
        work = (
            MAX_SECONDS
            if self.data["probe"]
            else HANGING_SECONDS
            if first.is_hanging
            else max(MIN_SECONDS, 4 * first.work)
        )
        second = self.run_limited(act, work)
        steady = first.is_same_as(second, output=not first.is_hanging)
        liked = 0
        for number, changes in enumerate(self.data["variants"], 1):
            liked += judge(self.try_variant(changes, act, work))
            self.ending = (
                "time" if time.monotonic() > self.deadline else "enough" if liked >= self.data["enough"] else ""
            )
            last = bool(self.ending) or number == len(self.data["variants"])
            if last or number % self.data["checkpoint"] == 0:
                same = self.run_limited(act, work).is_same_as(second, output=steady)
                self.ending = self.ending if same else "spoilt"
                self.proven_count = self.proven_count if self.ending == "spoilt" else number
            if self.ending:
                return

    def run_limited(self, act: ForkAction, work: float) -> ForkResult:
        """Run `act` in a fork, within so many seconds of a processor."""
        return fork(act, min(self.variant_seconds, PATIENCE_FACTOR * work + 0.5), work)

    def try_variant(self, changes: Sequence[Tuple[int, int, str]], act: ForkAction, work: float) -> ForkResult:
        text = apply_changes(self.module.text, changes)

        def run_changed(answer: int) -> int:
            self.module.apply_text(text)
            return act(answer)

        self.results.append(self.run_limited(run_changed, work))
        return self.results[-1]

    def serialise(self) -> Dict[str, object]:
        results = [each.serialise() for each in self.results]
        return {"results": results, "outcomes": self.outcomes, "ended": self.ending, "proven": self.proven_count}


def write_answer(answer: int, data: object) -> None:
    os.write(answer, json.dumps(data).encode()[:MAX_OUTPUT])


# --- a script ---------------------------------------------------------------------------------------------------------


def try_script(job: ScreeningJob) -> None:
    script: str = job.data["script"]
    listed = fork(lambda answer: list_modules(script, answer), job.variant_seconds).parse_answer()
    preload(listed["modules"] if isinstance(listed, dict) else [])
    job.is_hanging = not isinstance(listed, dict) or listed["hangs"]
    job.start(lambda _: run_script(script), lambda _: False)


def list_modules(script: str, answer: int) -> int:
    """Run the script, for some seconds, and answer which modules it imported, and whether it ended."""
    before = set(sys.modules)
    stop_after(MAX_SECONDS)
    run_script(script)
    left = signal.setitimer(signal.ITIMER_PROF, 0)[0]
    names = [name for name in list(sys.modules) if name not in before and len(name) < 100]
    write_answer(answer, {"modules": names[:1000], "hangs": left == 0.0})
    return 0


def run_script(script: str) -> int:
    """Run a script as `python -c` would."""
    sys.argv = ["-c"]
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    try:
        exec(compile(script, "<string>", "exec"), module.__dict__)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        trace = error.__traceback__
        sys.excepthook(type(error), error, trace.tb_next if trace else None)
        return 1
    return 0


def stop_after(work: float) -> None:
    """Raise SystemExit after so many seconds of a processor."""

    def stop(*_: object) -> None:
        raise SystemExit

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, work)


def preload(names: Sequence[str]) -> None:
    """Import once what every fork needs."""
    for name in names:
        with suppress(BaseException):
            importlib.import_module(name)


# --- tests ------------------------------------------------------------------------------------------------------------


def try_tests(job: ScreeningJob) -> None:
    import pytest

    pytest.main(job.data["pytest"], plugins=[ForkingPlugin(job)])


class ForkingPlugin:
    """Forks where pytest would run the tests that it has collected."""

    def __init__(self, job: ScreeningJob) -> None:
        self.job = job
        self.outcomes: Dict[str, str] = {}
        self.failing_items: List[Any] = []
        self.passing_items: List[Any] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the worst outcome of a test's setup, call and teardown."""
        if self.outcomes.get(report.nodeid) in (None, "passed") and (report.when == "call" or not report.passed):
            self.outcomes[report.nodeid] = report.outcome

    def pytest_runtestloop(self, session: Any) -> bool:
        """Stand in for pytest's own loop."""
        items = {item.nodeid: item for item in session.items}
        if self.job.data["survey"]:
            self.survey_tests(session.items)
            return True
        self.failing_items = [items[name] for name in self.job.data["failing"] if name in items]
        others = [items[name] for name in self.job.data["passing"] if name in items]
        if self.failing_items:
            self.passing_items = self.select_quick_items(others)
            self.job.start(self.run_tests, self.is_mended)
        return True

    def survey_tests(self, items: Sequence[Any]) -> None:
        """Run each test in a fork of its own, so that one that never ends holds up no other."""
        for item in items:
            if time.monotonic() > self.job.deadline:
                self.job.ending = "time"
                return
            began = time.monotonic()
            ended = fork(partial(self.run_single, item), self.job.variant_seconds, self.job.variant_seconds)
            outcome = (
                ended.parse_answer() if not ended.is_hanging and isinstance(ended.parse_answer(), str) else "hangs"
            )
            self.job.outcomes.append((item.nodeid, outcome, round(time.monotonic() - began, 3)))

    def run_single(self, item: Any, answer: int) -> int:
        """Run one test, and say how it ended."""
        self.run_item(item)
        write_answer(answer, self.outcomes.get(item.nodeid, "skipped"))
        return 0

    def select_quick_items(self, items: Sequence[Any]) -> List[Any]:
        """Choose those of the tests that pass which end soon."""
        seconds = fork(lambda answer: self.time_tests(items, answer), self.job.variant_seconds).parse_answer() or {}
        kept, total = [], 0.0
        for item in sorted((i for i in items if i.nodeid in seconds), key=lambda i: float(seconds[i.nodeid])):
            total += seconds[item.nodeid]
            if total > MAX_SECONDS_OF_OTHERS:
                break
            kept.append(item)
        return kept

    def time_tests(self, items: Sequence[Any], answer: int) -> int:
        """Answer for the tests that pass how long each takes, as far as there is time."""
        found, end = {}, time.monotonic() + self.job.variant_seconds / 2
        for item in items:
            started = time.monotonic()
            if started > end:
                break
            if self.run_item(item):
                found[item.nodeid] = round(time.monotonic() - started, 4)
        write_answer(answer, found)
        return 0

    def run_tests(self, answer: int) -> int:
        """Run the failing tests first; the others only where one of those passes, and until one fails."""
        mended = [item.nodeid for item in self.failing_items if self.run_item(item)]
        broken = next(([i.nodeid] for i in self.passing_items if not self.run_item(i)), []) if mended else []
        write_answer(answer, {"passed": mended, "broken": broken})
        return 0

    def run_item(self, item: Any) -> bool:
        """Run one test, and return whether it passed."""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.outcomes.get(item.nodeid) == "passed"

    def is_mended(self, ended: ForkResult) -> bool:
        """Whether every failing test passes, and no other one fails."""
        data = ended.parse_answer()
        return isinstance(data, dict) and len(data["passed"]) == len(self.failing_items) and not data["broken"]


def main(arguments: Sequence[str]) -> None:
    """Do the job that a file describes."""
    with open(arguments[0], encoding="utf-8") as file:
        job = ScreeningJob(json.load(file))
    os.unlink(arguments[0])
    adopt_orphans()
    try:
        try_script(job) if job.data["script"] else try_tests(job)
    except SandboxSpoilt:
        job.ending = "spoilt"
    with open(arguments[1], "w", encoding="utf-8") as out:
        json.dump(job.serialise(), out)


if __name__ == "__main__":
    main(sys.argv[1:])
