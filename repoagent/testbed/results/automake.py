"""Read what the test harness of Automake prints (https://www.gnu.org/software/automake/manual/html_node/Tests.html)."""

from __future__ import annotations

import re

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.severity import keep_worst

_LINE = re.compile(r"^(PASS|FAIL|SKIP|XFAIL|XPASS|ERROR): (\S.*)$", re.MULTILINE)
_SUMMARY = re.compile(r"^# TOTAL: +\d+|^Testsuite summary for ", re.MULTILINE)
_ENDINGS = {
    "PASS": Status.PASSED,
    "XFAIL": Status.PASSED,
    "SKIP": Status.SKIPPED,
    "FAIL": Status.FAILED,
    "XPASS": Status.FAILED,
    "ERROR": Status.ERROR,
}


def read_automake(text: str) -> tuple[Outcome, ...]:
    """Parse one outcome for each test by its name; none where no summary says that Automake ran them."""
    if not _SUMMARY.search(text):
        return ()
    return keep_worst(Outcome(name.strip(), _ENDINGS[word]) for word, name in _LINE.findall(text))
