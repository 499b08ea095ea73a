"""The tools a model works with: each a plain function over the index, none of them able to leave the repository."""

from __future__ import annotations

from repoagent_tools.find import find_references, find_symbol, search_text
from repoagent_tools.look import list_files, outline, read_symbol, view_lines
from repoagent_tools.testing import run_tests

TOOLS = (outline, find_symbol, read_symbol, find_references, search_text, view_lines, list_files, run_tests)
