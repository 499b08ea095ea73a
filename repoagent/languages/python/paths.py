"""Which files hold tests, in Python."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_FOLDERS = re.compile(r"(\w+_)?(tests|testcases|test_cases)")


def is_test_path(path: str) -> bool:
    """Whether a file holds tests.

    Its own name tells, or a folder `tests`, `testcases` or `…_tests`; a folder `test` only at the top, for packages
    have modules that help with tests in one (`django/test/client.py`).
    """
    name = PurePosixPath(path)
    folders = name.parts[:-1]
    named = name.name == "conftest.py" or name.match("test_*.py") or name.match("*_test.py")
    return named or any(map(_FOLDERS.fullmatch, folders)) or folders[:1] == ("test",)
