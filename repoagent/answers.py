"""Extract code from the answer of a model."""

from __future__ import annotations

from repoagent.languages.python.language import PYTHON
from repoagent.llm.base import Completion


def extract_code(answer: Completion, name: str) -> str:
    """Extract the last fenced block that defines `name`; else the last block; else the whole answer.

    In a truncated answer only closed blocks count. Raises EditRefused when there is none.
    """
    return PYTHON.extract_code(answer.text, name, truncated=answer.truncated)
