from __future__ import annotations

from pathlib import Path

import pytest

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.environment import failed_for_environment

POOL = "HTTPConnectionPool(host='httpbin.org', port=80): Max retries exceeded with url: /get"


@pytest.mark.parametrize(
    "message",
    [
        f"    def test():\n>       get(URL)\n\nE   ConnectionError: {POOL} (Caused by <class 'socket.gaierror'>: -3)",
        "E   socket.gaierror: [Errno -3] Temporary failure in name resolution",
        'Traceback (most recent call last):\n  File "a.py", line 1\nOSError: [Errno 101] Network is unreachable',
        "Error: getaddrinfo ENOTFOUND registry.example",
        "E   ModuleNotFoundError: No module named 'yaml.nodes'",
        "E       fixture 'httpbin' not found\n>       available fixtures: cache",
    ],
)
def test_what_lacks_a_network_or_a_package_failed_outside(message: str, tmp_path: Path) -> None:
    assert failed_for_environment(Outcome("t", Status.FAILED, message=message), tmp_path)


@pytest.mark.parametrize(
    "message",
    [
        "    with raises(gaierror):\n>       get()\nE   Failed: DID NOT RAISE",
        "E   ModuleNotFoundError: No module named 'mine.parts'",
        "E   ModuleNotFoundError: No module named 'other'",
        "E   ConnectionError: the pool is empty",
        "E   assert 1 == 2",
        "",
    ],
)
def test_what_the_code_itself_gets_wrong_did_not(message: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "other.py").write_text("")
    assert not failed_for_environment(Outcome("t", Status.FAILED, message=message), tmp_path)
