"""Recognise tests that fail because the sandbox lacks something: a network, a package, a fixture of a plug-in.

No change of the code repairs them, so they tell nothing about one.
"""

from __future__ import annotations

import re
from pathlib import Path

from repoagent.domain import Outcome

_SAID = re.compile(r"^E +\S.*$", re.MULTILINE)
"""What pytest says of a failure, beside the source that it shows."""
_UNREACHED = re.compile(
    r"name resolution|Name or service not known|nodename nor servname|No address associated with hostname|getaddrinfo"
    r"|Network is unreachable|\bgaierror\b|\bENOTFOUND\b|\bEAI_AGAIN\b|no such host|\bUnknownHostException\b"
)
_FIXTURE = re.compile(r"^E +fixture '\w+' not found", re.MULTILINE)
_MODULE = re.compile(r"\bModuleNotFoundError: No module named '(\w+)")


def failed_for_environment(outcome: Outcome, root: Path) -> bool:
    """Whether a test failed because it needs a network, or a package that is not installed.

    A module of the project in `root` is no such package.
    """
    said = "\n".join(_SAID.findall(outcome.message)) or outcome.message
    if _UNREACHED.search(said) or _FIXTURE.search(said):
        return True
    return any(not _is_own(name, root) for name in _MODULE.findall(said))


def _is_own(module: str, root: Path) -> bool:
    return any((folder / name).exists() for folder in (root, root / "src") for name in (module, f"{module}.py"))
