"""Find out which runner wrote a text, and read it."""

from __future__ import annotations

import re
from collections.abc import Callable

from repoagent.domain import Outcome
from repoagent.testbed.results.cargo import read_cargo
from repoagent.testbed.results.go import read_go
from repoagent.testbed.results.tap import read_tap
from repoagent.testbed.results.unittest_text import read_unittest

Reader = Callable[[str], tuple[Outcome, ...]]

_SIGNS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"^-{70}\nRan \d+ tests? in ", re.MULTILINE), read_unittest),
    (re.compile(r"^test result: (ok|FAILED)\. \d+ passed", re.MULTILINE), read_cargo),
    (re.compile(r'^\{"Time":"[^"\n]*","Action":"', re.MULTILINE), read_go),
    (re.compile(r"^(TAP version \d+|1\.\.\d+)$", re.MULTILINE), read_tap),
)


def sniff(text: str) -> tuple[Outcome, ...]:
    """Parse the output of whichever runner wrote `text`; empty where no runner is recognised, or several are."""
    found = [reader for sign, reader in _SIGNS if sign.search(text)]
    return found[0](text) if len(found) == 1 else ()
