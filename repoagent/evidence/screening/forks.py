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

READ = 65_536
OUTPUT = 40_000
"""Bytes that are kept of what a fork prints, and of what it answers."""
FLOOD = 20_000_000
"""Bytes printed above which a fork is stopped."""
FILE = 64 * 1024 * 1024
"""Bytes that a fork may write into one file."""
MEMORY = 1024 * 1024 * 1024
"""Address space that a fork may add to what it starts with."""
SUBREAPER = 36
"""`PR_SET_CHILD_SUBREAPER`: whom orphans come back to."""
SECONDS_OF_OTHERS = 1.0
"""How long the tests that pass may take together, for each variant that mends something."""

HANGING = 0.1
"""Seconds of a processor that a variant may take where the untouched code never ends."""
LEAST = 0.15
"""Seconds of a processor that a variant may take in any case."""
MOST_CALLS = 40
"""Calls whose arguments are noted."""
MOST_INPUTS = 60
"""Lists of arguments that are tried."""
LONGEST_CALL = 500
"""Characters of arguments, and of what is given back for them."""
SECONDS_OF_INPUT = 0.05
"""Seconds of a processor for one list of arguments."""
LONGEST = 3.0
"""Seconds of a processor after which the untouched code is taken never to end."""
PATIENCE = 4.0
"""How much longer than it works a variant may wait, for a processor or for something else."""

Act = Callable[[int], int]
"""Does something in a fork, writes its answer to the file descriptor that it is given, and says how it ended."""


class Spoilt(Exception):
    """An earlier fork has changed something that outlived it."""


class Ended:
    """How a fork ended."""

    def __init__(self) -> None:
        self.said: Dict[str, bytes] = {"output": b"", "answer": b""}
        self.code = 0
        self.timed_out = False
        self.work = 0.0
        """Seconds of a processor."""

    def same_as(self, other: Ended, *, output: bool) -> bool:
        """Return whether both did the same, as far as can be seen."""
        names = ("output", "answer") if output else ("answer",)
        alike = all(self.said[name] == other.said[name] for name in names)
        return alike and (self.code, self.timed_out) == (other.code, other.timed_out)

    @property
    def hangs(self) -> bool:
        """Whether it was stopped because it did not end."""
        return self.timed_out or self.code in (128 + signal.SIGPROF, 128 + signal.SIGXCPU)

    def data(self) -> Any:
        """Parse the answer; None where it cannot be read."""
        try:
            return json.loads(self.said["answer"].decode("utf-8", "replace"))
        except ValueError:
            return None

    def as_json(self) -> Dict[str, object]:
        output = self.said["output"][:OUTPUT].decode("utf-8", "replace")
        return {"output": output, "answer": self.data(), "code": self.code, "timed_out": self.hangs}


# --- forks ------------------------------------------------------------------------------------------------------------


def fork(act: Act, seconds: float, work: float = 0.0) -> Ended:
    """Run `act` in a fork, for at most so many seconds, and so many seconds of a processor unless that is 0; whatever
    it started is dead when this returns."""
    ended = Ended()
    output, answer = os.pipe(), os.pipe()
    started = time.monotonic()
    pid = spawn()
    if pid == 0:
        live(act, output[1], answer[1], work or seconds)
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
            sweep()
            time.sleep(0.05)
    raise Spoilt


def live(act: Act, output: int, answer: int, work: float) -> None:
    """Run `act` in the child of a fork, and end the process."""
    code = 70
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        confine(work)
        sys.stdout, sys.stderr = printer(1), printer(2)
        code = act(answer)
    except BaseException:
        traceback.print_exc()
    finally:
        flush()
        os._exit(code & 0xFF)


def printer(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", "replace", line_buffering=True)


def flush() -> None:
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
        resource.RLIMIT_FSIZE: FILE,
        resource.RLIMIT_AS: address_space() + MEMORY,
    }
    for kind, most in bounds.items():
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def address_space() -> int:
    """Return how many bytes this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def watch(pid: int, pipes: Dict[int, str], ended: Ended, deadline: float) -> None:
    """Read what a fork writes until it ends, and end it at its deadline."""
    read = 0
    status: Optional[int] = None
    while status is None and not ended.timed_out:
        left = deadline - time.monotonic()
        ended.timed_out = left <= 0 or read > FLOOD
        read += take(pipes, ended, max(0.0, min(left, 0.2 if pipes else 0.0003)))
        status = dead(pid, ended)
    status = slay(pid) if status is None else status
    sweep()
    while take(pipes, ended, 0.0) and read < FLOOD:
        read += READ
    for pipe in pipes:
        os.close(pipe)
    ended.code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def take(pipes: Dict[int, str], ended: Ended, seconds: float) -> int:
    """Read once from each pipe that has something, and forget one that has ended; return how many bytes came."""
    ready, _, _ = select.select(list(pipes), [], [], seconds)
    read = 0
    for pipe in ready:
        data = os.read(pipe, READ)
        read += len(data)
        kept = ended.said[pipes[pipe]]
        ended.said[pipes[pipe]] = kept if len(kept) > 4 * OUTPUT else kept + data
        if not data:
            os.close(pipe)
            del pipes[pipe]
    return read


def dead(pid: int, ended: Ended) -> Optional[int]:
    """Return the status of a child that ended; None while it lives."""
    done, status, used = os.wait4(pid, os.WNOHANG)
    if done:
        ended.work = used.ru_utime + used.ru_stime
    return status if done else None


def slay(pid: int) -> int:
    send(signal.SIGKILL, [-pid, pid])
    return os.waitpid(pid, 0)[1]


def send(number: int, pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            continue


def sweep() -> None:
    """Kill all that forks have left behind; they are stopped first, or they multiply faster than they die."""
    for _ in range(200):
        reap()
        left = descendants() if has_children() else []
        if not left:
            return
        send(signal.SIGSTOP, left)
        send(signal.SIGKILL, left)


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


def descendants() -> List[int]:
    """Find every process that comes from this one."""
    parents = dict(filter(None, map(parent_of, filter(str.isdigit, os.listdir("/proc")))))
    found = {os.getpid()}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return sorted(found - {os.getpid()})
        found |= more


def parent_of(pid: str) -> Optional[Tuple[int, int]]:
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
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return


# --- variants ---------------------------------------------------------------------------------------------------------


class Module:
    """The file whose function varies."""

    def __init__(self, path: str, text: str, names: Sequence[str]) -> None:
        self.path = os.path.realpath(path)
        self.text = text
        self.names = names
        """The function's qualified name, part by part."""
        self.live: List[Tuple[int, types.FunctionType]] = []
        """The objects that run it, or a function around it, with the place of that among those functions."""

    def find_live(self) -> None:
        """Look for the function objects once: forks inherit what is found."""
        wanted = list(enumerate(self.codes_in(self.compiled(self.text))))
        for each in gc.get_objects():
            if type(each) is types.FunctionType:  # `isinstance` would ask lazy objects for their class, and wake them
                self.live += [(depth, each) for depth, code in wanted if self.is_of(each.__code__, code)]

    def is_of(self, code: types.CodeType, wanted: types.CodeType) -> bool:
        same = (code.co_name, code.co_firstlineno) == (wanted.co_name, wanted.co_firstlineno)
        return same and os.path.realpath(code.co_filename) == self.path

    def compiled(self, text: str) -> types.CodeType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(text.encode("utf-8", "surrogateescape"), self.path, "exec", dont_inherit=True)

    def codes_in(self, code: types.CodeType) -> List[types.CodeType]:
        """Find the code of the function that varies, behind those of the functions around it."""
        codes = []
        for name in self.names:
            found = [each for each in code.co_consts if isinstance(each, types.CodeType) and each.co_name == name]
            if not found:
                break
            code = found[-1]
            codes += [code] if code.co_flags & 2 else []  # CO_NEWLOCALS: a function's, no class's
        return codes

    def become(self, text: str) -> None:
        """Make the live functions, and what is imported from now on, those of `text`."""
        module = self.compiled(text)
        codes = self.codes_in(module)
        for depth, function in self.live:
            self.bring(module, text, function)
            self.exchange(function, codes[depth], text if depth == 0 else self.text)
        loader: Any = importlib.machinery.SourceFileLoader
        original = loader.get_code

        def get_code(this: Any, name: str) -> Any:
            own = os.path.realpath(this.get_filename(name)) == self.path
            return module if own else original(this, name)

        loader.get_code = get_code

    def bring(self, module: types.CodeType, text: str, function: types.FunctionType) -> None:
        """Give the function's module what the variant defines or imports at module level, and the module lacks."""
        own = function.__globals__
        lacking = [name for name in names_bound(text) if name not in own]
        if lacking:
            scratch = {name: value for name, value in own.items() if name[:2] == "__"}
            exec(module, scratch)
            own.update((name, scratch[name]) for name in lacking if name in scratch)

    def recorded(self, act: Act, answer: int) -> int:
        """Run `act`, and answer with which arguments it calls the function."""
        recorder = Recorder(self)
        stop_after(LONGEST / 2)
        sys.setprofile(recorder)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(BaseException):
            act(nowhere)
        sys.setprofile(None)
        say(answer, list(recorder.seen)[:MOST_CALLS])
        return 0

    def answers(self, inputs: Sequence[str], answer: int) -> int:
        """Answer what the function returns for each of `inputs`, or how it ends."""
        function = self.live[-1][1]
        found = []
        for each in inputs:
            stop_after(SECONDS_OF_INPUT)
            try:
                found.append(given_back(function, ast.literal_eval(each)))
            except BaseException as error:
                found.append("! " + type(error).__name__)
            signal.setitimer(signal.ITIMER_PROF, 0)
        say(answer, found)
        return 0

    def exchange(self, function: types.FunctionType, code: types.CodeType, text: str) -> None:
        """Give a live function the code of the variant, and its defaults where they are others."""
        if code.co_freevars != function.__code__.co_freevars:
            raise ValueError("the variant cannot stand in the place of the function")
        function.__code__ = code
        old, new = self.defaults_in(self.text), self.defaults_in(text)
        if [ast.dump(each) for each in old] != [ast.dump(each) for each in new]:
            values = (eval(compile(ast.Expression(each), self.path, "eval"), function.__globals__) for each in new)
            function.__defaults__ = tuple(values) or None

    def defaults_in(self, text: str) -> List[ast.expr]:
        """Parse the defaults of the positional parameters, as they are written."""
        nodes: List[Any] = [ast.parse(text.encode("utf-8", "surrogateescape"))]
        for name in self.names:
            inner = [each for node in nodes for each in ast.walk(node) if getattr(each, "name", None) == name]
            nodes = [each for each in inner if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
            if nodes and not isinstance(nodes[-1], ast.ClassDef):
                return list(nodes[-1].args.defaults)
        return []


def names_bound(text: str) -> List[str]:
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


def given_back(function: types.FunctionType, arguments: List[Any]) -> str:
    """Call a function, and return what it gives back and what it leaves of its arguments, as text."""
    value = function(*arguments)
    if isinstance(value, types.GeneratorType):
        value = [each for each, _ in zip(value, range(50))]  # noqa: B905 - Python 3.7
    return repr((value, arguments))[:LONGEST_CALL]


class Recorder:
    """A profiler that notes the arguments of a function that can be written down."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.codes = {function.__code__ for _, function in module.live[-1:]}
        self.seen: Dict[str, None] = {}

    def __call__(self, frame: types.FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in self.codes and len(self.seen) < MOST_CALLS:
            count = frame.f_code.co_argcount
            values = [frame.f_locals.get(name) for name in frame.f_code.co_varnames[:count]]
            with suppress(Exception):
                text = repr(values)
                if len(text) < LONGEST_CALL and ast.literal_eval(text) == values:
                    self.seen[text] = None


def varied(calls: Sequence[str]) -> List[str]:
    """List arguments like those that were seen: one of them is changed, or two in the same way."""
    found = dict.fromkeys(calls)
    for call in calls:
        values = ast.literal_eval(call)
        for place, value in enumerate(values):
            for other in neighbours(value, 2):
                found[repr([*values[:place], other, *values[place + 1 :]])] = None
    step = max(1, len(found) // MOST_INPUTS)
    return list(calls)[:MOST_INPUTS] + [each for each in list(found)[::step] if each not in calls][:MOST_INPUTS]


def neighbours(value: Any, depth: int) -> List[Any]:
    """List values near to one, of its type."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value - 1, value * 2, 0, 1, -value, value + 10]
    if isinstance(value, str):
        return ["", value[:-1], value[1:], value + value[:1], value[::-1], value.swapcase(), value + " " + value, "a"]
    if isinstance(value, (list, tuple)) and depth:
        return sequences(value, depth)
    if isinstance(value, dict):
        return [dict(list(value.items())[1:]), dict(list(value.items())[:-1]), {}]
    return []


def sequences(value: Any, depth: int) -> List[Any]:
    kind = type(value)
    found = [kind(), value[:-1], value[1:], value[::-1], value + value[:1], value + value]
    for place in range(min(len(value), 3)):
        found += [value[:place] + kind([other]) + value[place + 1 :] for other in neighbours(value[place], depth - 1)]
    return found


def variant(text: str, changes: Sequence[Tuple[int, int, str]]) -> str:
    """Return `text` with the changes, which are in its order, made."""
    for start, end, new in reversed(changes):
        text = text[:start] + new + text[end:]
    return text


# --- the course of a job ----------------------------------------------------------------------------------------------


class Job:
    """What is to be tried, and what came of it."""

    def __init__(self, data: Dict[str, Any]) -> None:
        self.data = data
        self.module = Module(data["path"], data["text"], data["names"])
        self.deadline = time.monotonic() + data["seconds"]
        self.each: float = data["each"]
        self.results: List[Ended] = []
        self.outcomes: List[Tuple[str, str, float]] = []
        """How single tests ended, with their seconds."""
        self.ended = ""
        self.hangs = False
        """Whether the untouched code is known not to end."""
        self.proven = 0
        """How many results are known not to have been spoilt by an earlier fork."""

    def begin(self, act: Act, judge: Callable[[Ended], bool]) -> None:
        """Try the variants with `act`; or, where that is asked for, with the arguments that `act` calls them with, and
        others like them."""
        self.module.find_live()
        gc.freeze()
        if not self.data["probe"]:
            self.go(act, judge)
            return
        recorded = fork(lambda answer: self.module.recorded(act, answer), self.each, LONGEST).data()
        inputs = varied([each for each in recorded or () if isinstance(each, str)])
        self.go(lambda answer: self.module.answers(inputs, answer), lambda _: False)

    def go(self, act: Act, judge: Callable[[Ended], bool]) -> None:
        """Try the variants with `act` until `judge` has liked enough of them, the time is over, or the untouched code
        no longer ends as it did."""
        first = self.limited(act, HANGING if self.hangs and not self.data["probe"] else self.each)
        work = LONGEST if self.data["probe"] else HANGING if first.hangs else max(LEAST, 4 * first.work)
        second = self.limited(act, work)
        steady = first.same_as(second, output=not first.hangs)
        liked = 0
        for number, changes in enumerate(self.data["variants"], 1):
            liked += judge(self.tried(changes, act, work))
            self.ended = (
                "time" if time.monotonic() > self.deadline else "enough" if liked >= self.data["enough"] else ""
            )
            last = bool(self.ended) or number == len(self.data["variants"])
            if last or number % self.data["checkpoint"] == 0:
                same = self.limited(act, work).same_as(second, output=steady)
                self.ended = self.ended if same else "spoilt"
                self.proven = self.proven if self.ended == "spoilt" else number
            if self.ended:
                return

    def limited(self, act: Act, work: float) -> Ended:
        """Run `act` in a fork, within so many seconds of a processor."""
        return fork(act, min(self.each, PATIENCE * work + 0.5), work)

    def tried(self, changes: Sequence[Tuple[int, int, str]], act: Act, work: float) -> Ended:
        text = variant(self.module.text, changes)

        def run_changed(answer: int) -> int:
            self.module.become(text)
            return act(answer)

        self.results.append(self.limited(run_changed, work))
        return self.results[-1]

    def as_json(self) -> Dict[str, object]:
        results = [each.as_json() for each in self.results]
        return {"results": results, "outcomes": self.outcomes, "ended": self.ended, "proven": self.proven}


def say(answer: int, data: object) -> None:
    os.write(answer, json.dumps(data).encode()[:OUTPUT])


# --- a script ---------------------------------------------------------------------------------------------------------


def try_script(job: Job) -> None:
    script: str = job.data["script"]
    listed = fork(lambda answer: listing(script, answer), job.each).data()
    preload(listed["modules"] if isinstance(listed, dict) else [])
    job.hangs = not isinstance(listed, dict) or listed["hangs"]
    job.begin(lambda _: run_script(script), lambda _: False)


def listing(script: str, answer: int) -> int:
    """Run the script, for some seconds, and answer which modules it imported, and whether it ended."""
    before = set(sys.modules)
    stop_after(LONGEST)
    run_script(script)
    left = signal.setitimer(signal.ITIMER_PROF, 0)[0]
    names = [name for name in list(sys.modules) if name not in before and len(name) < 100]
    say(answer, {"modules": names[:1000], "hangs": left == 0.0})
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


def try_tests(job: Job) -> None:
    import pytest

    pytest.main(job.data["pytest"], plugins=[Plugin(job)])


class Plugin:
    """Forks where pytest would run the tests that it has collected."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.outcomes: Dict[str, str] = {}
        self.failing: List[Any] = []
        self.passing: List[Any] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the worst outcome of a test's setup, call and teardown."""
        if self.outcomes.get(report.nodeid) in (None, "passed") and (report.when == "call" or not report.passed):
            self.outcomes[report.nodeid] = report.outcome

    def pytest_runtestloop(self, session: Any) -> bool:
        """Stand in for pytest's own loop."""
        items = {item.nodeid: item for item in session.items}
        if self.job.data["survey"]:
            self.survey(session.items)
            return True
        self.failing = [items[name] for name in self.job.data["failing"] if name in items]
        others = [items[name] for name in self.job.data["passing"] if name in items]
        if self.failing:
            self.passing = self.quick(others)
            self.job.begin(self.run, self.mends)
        return True

    def survey(self, items: Sequence[Any]) -> None:
        """Run each test in a fork of its own, so that one that never ends holds up no other."""
        for item in items:
            if time.monotonic() > self.job.deadline:
                self.job.ended = "time"
                return
            began = time.monotonic()
            ended = fork(partial(self.single, item), self.job.each, self.job.each)
            outcome = ended.data() if not ended.hangs and isinstance(ended.data(), str) else "hangs"
            self.job.outcomes.append((item.nodeid, outcome, round(time.monotonic() - began, 3)))

    def single(self, item: Any, answer: int) -> int:
        """Run one test, and say how it ended."""
        self.passes(item)
        say(answer, self.outcomes.get(item.nodeid, "skipped"))
        return 0

    def quick(self, items: Sequence[Any]) -> List[Any]:
        """Choose those of the tests that pass which end soon."""
        seconds = fork(lambda answer: self.timed(items, answer), self.job.each).data() or {}
        kept, total = [], 0.0
        for item in sorted((i for i in items if i.nodeid in seconds), key=lambda i: float(seconds[i.nodeid])):
            total += seconds[item.nodeid]
            if total > SECONDS_OF_OTHERS:
                break
            kept.append(item)
        return kept

    def timed(self, items: Sequence[Any], answer: int) -> int:
        """Answer for the tests that pass how long each takes, as far as there is time."""
        found, end = {}, time.monotonic() + self.job.each / 2
        for item in items:
            started = time.monotonic()
            if started > end:
                break
            if self.passes(item):
                found[item.nodeid] = round(time.monotonic() - started, 4)
        say(answer, found)
        return 0

    def run(self, answer: int) -> int:
        """Run the failing tests first; the others only where one of those passes, and until one fails."""
        mended = [item.nodeid for item in self.failing if self.passes(item)]
        broken = next(([i.nodeid] for i in self.passing if not self.passes(i)), []) if mended else []
        say(answer, {"passed": mended, "broken": broken})
        return 0

    def passes(self, item: Any) -> bool:
        """Run one test, and return whether it passed."""
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.outcomes.get(item.nodeid) == "passed"

    def mends(self, ended: Ended) -> bool:
        """Whether every failing test passes, and no other one fails."""
        data = ended.data()
        return isinstance(data, dict) and len(data["passed"]) == len(self.failing) and not data["broken"]


def main(arguments: Sequence[str]) -> None:
    """Do the job that a file describes."""
    with open(arguments[0], encoding="utf-8") as file:
        job = Job(json.load(file))
    os.unlink(arguments[0])
    adopt_orphans()
    try:
        try_script(job) if job.data["script"] else try_tests(job)
    except Spoilt:
        job.ended = "spoilt"
    with open(arguments[1], "w", encoding="utf-8") as out:
        json.dump(job.as_json(), out)


if __name__ == "__main__":
    main(sys.argv[1:])
