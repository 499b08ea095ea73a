"""Runs a script of Agentless without network: `python agentless_offline.py SCRIPT OPTION…`, with Agentless's Python.

Its dataset is the rows of AGENTLESS_ROWS instead of one from the hub, its prompts are held to AGENTLESS_CONTEXT tokens
instead of GPT-4o's, and tokens are counted by characters, because tiktoken fetches its tables.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from pathlib import Path

ANSWER = 1100
"""Tokens left for an answer: it asks for 1,024 at most in repair."""


class _Counted:
    """An encoding as far as Agentless uses one."""

    def encode(self, text: str) -> range:
        """As many elements as `text` has tokens, roughly."""
        return range(len(text) * 2 // 7)


def main() -> None:
    """Put the replacements in place, and run the script as itself."""
    sys.path.pop(0)  # this script's own folder, which has an `agentless` too
    rows = [json.loads(line) for line in Path(os.environ["AGENTLESS_ROWS"]).read_text(encoding="utf-8").splitlines()]
    _replace("datasets", load_dataset=lambda *_, **__: rows)
    _replace("tiktoken", encoding_for_model=lambda *_: _Counted(), get_encoding=lambda *_: _Counted())
    _replace("agentless.fl.FL", MAX_CONTEXT_LENGTH=int(os.environ["AGENTLESS_CONTEXT"]) - ANSWER)
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _replace(module: str, **what: object) -> None:
    found = importlib.import_module(module)
    for name, value in what.items():
        setattr(found, name, value)


if __name__ == "__main__":
    main()
