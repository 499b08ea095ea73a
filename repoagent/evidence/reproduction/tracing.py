"""Trace which lines of the repository a script executes, by running it once more with a tracer in front."""

from __future__ import annotations

import json
from collections.abc import Mapping

from repoagent.evidence.reproduction.script import MAX_SECONDS, run_script
from repoagent.sandbox.base import Sandbox

_SLOWDOWN = 3
"""Times that a script may take with the tracer what it may take without: one that is cut off before it reaches what is
wrong would accuse the others."""
_GRACE_SECONDS = 10.0
"""Seconds after which a script that does not heed its alarm is ended from outside."""

TRACE_FILE = ".repoagent-executed.json"
"""Where the tracer writes what was executed."""

_MAX_SCRIPT_CHARACTERS = 100_000
"""Characters of a script; the system takes no longer argument."""
_MAX_ANSWER_BYTES = 5_000_000
"""Bytes of an answer that are read."""

_TRACER = """\
import atexit as _a, json as _j, os as _o, signal as _g, sys as _s, threading as _t
_root, _calls, _lines = _o.getcwd() + _o.sep, {}, {}
def _line(frame, event, _):
    if event == "line":
        _lines[frame.f_code.co_filename].add(frame.f_lineno)
    return _line
def _call(frame, event, _):
    code = frame.f_code
    if not code.co_filename.startswith(_root) or code.co_name == "<module>" or not code.co_flags & 2:
        return None
    count = _calls[code] = _calls.get(code, 0) + 1
    _lines.setdefault(code.co_filename, set()).add(code.co_firstlineno)
    return _line if count <= 100 else None
def _write():
    _s.settrace(None)
    with open(_root + "FILE", "w") as file:
        _j.dump({path[len(_root):]: sorted(lines) for path, lines in _lines.items()}, file)
def _end(*_):
    _write()
    _o._exit(1)
_a.register(_write)
_g.signal(_g.SIGALRM, _end)
_g.setitimer(_g.ITIMER_REAL, LIMIT)
_t.settrace(_call)
_s.settrace(_call)
exec(compile(SCRIPT, "<string>", "exec"), {"__name__": "__main__"})
"""
# `co_flags & 2` (CO_NEWLOCALS) leaves out the bodies of classes, which run on import; after a hundred calls of a
# function its lines are known well enough.


def trace_lines(sandbox: Sandbox, script: str, seconds: float = MAX_SECONDS) -> Mapping[str, frozenset[int]]:
    """Trace the lines inside of functions of the repository that `script` executes, by path; empty where they are not
    known.

    Of a script that does not end, those of its beginning; `seconds` is what it may take without the tracer. Definitions
    that run on import are left out. What the sandbox answers is data of code that is not trusted.
    """
    if len(script) > _MAX_SCRIPT_CHARACTERS:
        return {}
    limit = _SLOWDOWN * seconds
    tracer = _TRACER.replace("FILE", TRACE_FILE).replace("LIMIT", repr(limit)).replace("SCRIPT", repr(script))
    run_script(sandbox, tracer, limit + _GRACE_SECONDS)
    try:
        data = sandbox.read(TRACE_FILE)
    except FileNotFoundError:
        return {}
    return _parse_lines(data) if len(data) <= _MAX_ANSWER_BYTES else {}


def _parse_lines(data: bytes) -> dict[str, frozenset[int]]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    pairs = ((path, lines) for path, lines in found.items() if isinstance(lines, list))
    return {path: frozenset(line for line in lines if isinstance(line, int)) for path, lines in pairs}
