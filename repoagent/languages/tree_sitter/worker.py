"""Reads texts in a process of its own, for `process`: `python -m repoagent.languages.tree_sitter.worker SECONDS BYTES`.

Each line of standard input is a language and a text, as JSON; each is answered with a line of JSON. A text that takes
more than SECONDS of the processor, or more memory than BYTES, ends the process: by the kernel, for no handler of Python
runs while the parser does.
"""

from __future__ import annotations

import json
import resource
import signal
import sys

from repoagent.languages.tree_sitter.syntax import read_syntax


def main() -> None:
    """Answer what is asked on standard input."""
    seconds, size = float(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for line in sys.stdin.buffer:
        language, text = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = json.dumps(read_syntax(language, text))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
