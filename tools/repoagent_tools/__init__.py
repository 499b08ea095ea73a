"""The tools a model works with: each a plain function over the index, none of them able to leave the repository."""

from __future__ import annotations

from repoagent_tools.find import find_references, find_similar, find_symbol, search_code, search_text, show_map
from repoagent_tools.look import list_files, outline, read_symbol, view_lines
from repoagent_tools.testing import run_tests
from repoagent_tools.trace import find_callees, find_callers, find_subclasses, slice_lines

TOOLS = (
    *(show_map, outline, find_symbol, read_symbol, view_lines, list_files),
    *(search_code, search_text, find_references, find_callers, find_callees, find_subclasses),
    *(find_similar, slice_lines, run_tests),
)
