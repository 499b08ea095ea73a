"""How `pytest -n 2` spreads the tests: what shares something stays in one process, the longest is begun first."""

from __future__ import annotations

import re

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    # One server with small weights for all of them.
    "model": ("tests/llm/test_llm_serving.py", "tests/llm/test_llm_native.py"),
    # `clean` removes what any dead run left behind, and these look at what it removed.
    "clean": ("tests/sandbox/test_sandbox_docker.py", "tests/test_resume_real.py", "tests/cli/test_cli_main.py"),
}
"""Files that get into each other's way, or share what is dear to start: one process runs them one after the other."""

BY_ENGINE = ("tests/sandbox/", "tests/test_hostile_real.py", "tests/redteam/")
"""Where each engine's tests are a group of their own: they share an environment that was built for them."""

LONGEST_FIRST = (
    "model",
    "tests/action/test_action.py",
    "clean",
    "tests/test_solve_real.py",
    "sandbox docker",
    "redteam docker",
    "tests/redteam/test_redteam.py",
    "tests/testbed/test_testbed_image_real.py",
    "tests/testbed/test_testbed_ecosystems_real.py",
    "tests/bench/test_bench_cli.py",
    "sandbox bubblewrap",
    "tests/test_regression_real.py",
    "tests/graph/test_graph_multi_file.py",
    "tests/llm/test_llm_weights.py",
    "tests/index/test_index_languages.py",
    "tests/bench/test_bench_evaluation.py",
    "tests/bench/test_bench_ray.py",
)
"""Groups by how long they take, so that none is begun when there is nothing left to do beside it; the rest follows."""

_ENGINE = re.compile(r"[\[-](docker|bubblewrap)[\]-]")


class FileScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist says nothing of its types
    """Hands out files and groups of files, the longest first."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by how many tests a file has, which says nothing of how long it takes

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    """The group of a test: files that are named together, the tests of one engine, else its file."""
    path = nodeid.partition("::")[0]
    for name, paths in GROUPS.items():
        if path in paths:
            return name
    engine = _ENGINE.search(nodeid) if path.startswith(BY_ENGINE) else None
    return f"{path.split('/')[1]} {engine[1]}" if engine else path


def rank_of(nodeid: str) -> int:
    """Where a test's group stands among the longest."""
    group = group_of(nodeid)
    return LONGEST_FIRST.index(group) if group in LONGEST_FIRST else len(LONGEST_FIRST)
