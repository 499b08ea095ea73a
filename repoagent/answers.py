"""Find the code in what a model wrote around it."""

from __future__ import annotations

from repoagent.languages.python.language import PYTHON
from repoagent.llm.base import Completion


def code_in(answer: Completion, name: str) -> str:
    """The fenced block that defines `name`, the last of several; else the last block; else the whole answer.

    Of an answer that was cut off, only a block that was closed is whole; raises EditRefused when there is none.
    """
    return PYTHON.extract_code(answer.text, name, truncated=answer.truncated)
