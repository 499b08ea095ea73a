"""Is the more natural candidate right? `python benchmarks/repair/naturalness.py ROWS.jsonl SESSIONS > OUT.json`.

ROWS are those of HumanEvalFix; SESSIONS is what `humanevalfix.py --sessions` kept of them. Of each problem up to six
candidates are looked at that passed all that is visible: the one that was chosen, and those that are likeliest without
the model's opinion. The hidden tests say which are right; nothing that is asked here is heard by a run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.repair.bench import Problem
from benchmarks.repair.humanevalfix import read_problems
from repoagent.domain import Candidate, Spec, load
from repoagent.generators import DraftTask
from repoagent.llm import open_model
from repoagent.llm.base import Model
from repoagent.ranking.likelihood import score_change
from repoagent.sandbox import choose_engine
from repoagent.sandbox.base import Engine, Environment, SandboxLimits
from repoagent.testbed.build_plan import CommitInfo
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace
from repoagent.workspace import Workspace

MOST = 6
"""Candidates of a problem."""
EDGES = (-8.0, -4.0, 0.0, 4.0, 8.0)
"""Of the classes that are counted, in nats."""


@dataclass(frozen=True)
class Seen:
    """One candidate."""

    problem: str
    generator: str
    votes: int
    likelihood: float
    naturalness: float | None
    right: bool
    chosen: bool


def main() -> None:
    """Look at every problem of which there is a session, and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("sessions", type=Path)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    arguments = parser.parse_args()
    engine, started = choose_engine("bubblewrap"), time.monotonic()
    found: list[Seen] = []
    with open_model(arguments.model) as model:
        for problem in read_problems(arguments.rows):
            for session in sorted(arguments.sessions.glob(f"{problem.name.replace('/', '-')}/*/"))[-1:]:
                found += _seen(problem, session, model, engine)
    head = {"model": arguments.model, "seconds": round(time.monotonic() - started), "table": table(found)}
    json.dump({**head, "found": [asdict(each) for each in found]}, sys.stdout, indent=1)


def table(found: list[Seen]) -> dict[str, str]:
    """How many are right, by how natural they are; and of the problems with right and wrong ones, how often the most
    natural is right, and the likeliest."""
    lines: dict[str, str] = {}
    for low, high in zip((-1e9, *EDGES), (*EDGES, 1e9), strict=True):
        own = [each for each in found if each.naturalness is not None and low <= each.naturalness < high]
        lines[f"from {low:g} to {high:g}"] = f"{sum(each.right for each in own)} of {len(own)}"
    by_problem = [[each for each in found if each.problem == name] for name in dict.fromkeys(s.problem for s in found)]
    mixed = [own for own in by_problem if len({each.right for each in own}) > 1]
    natural = sum(max(own, key=lambda each: each.naturalness or 0.0).right for own in mixed)
    likeliest = sum(max(own, key=lambda each: each.likelihood).right for own in mixed)
    return {**lines, "most natural": f"{natural} of {len(mixed)}", "likeliest": f"{likeliest} of {len(mixed)}"}


def _seen(problem: Problem, session: Path, model: Model, engine: Engine) -> Iterator[Seen]:
    if not (session / "report.json").exists():
        return
    chosen = json.loads((session / "report.json").read_text(encoding="utf-8"))["chosen"]
    workspace = Workspace.open(session / "workspace")
    environment = _environment(engine, workspace.root)
    texts = [path.read_text(encoding="utf-8") for path in sorted((session / "candidates").glob("*.json"))]
    passed = [c for c in (load(Candidate, text) for text in texts) if c.verdict and c.verdict.oracle == "passed"]
    passed.sort(key=lambda c: (c.id != chosen, -c.pattern_prior - c.votes))
    score = lru_cache(model.score)
    for candidate in passed[:MOST]:
        (edit,) = workspace.parse_edits(candidate.patch)
        after = edit.after or ""
        task = DraftTask(problem.issue, Spec((), ()), candidate.target, edit.before or "", "", "", seed=0, samples=1)
        with engine.open(environment, workspace.root, SandboxLimits()) as sandbox:
            sandbox.write({edit.path: after.encode()})
            right = sandbox.run(problem.judge, timeout=20).exit_code == 0
        natural = score_change(task, after, model, score)
        known = (candidate.generator, candidate.votes, candidate.pattern_prior, natural)
        yield Seen(problem.name, *known, right, candidate.id == chosen)


def _environment(engine: Engine, root: Path) -> Environment:
    testbed = Testbed.prepare(engine, root, origin=CommitInfo(), trace=Trace(), timeout=900)
    return testbed.environment


if __name__ == "__main__":
    main()
