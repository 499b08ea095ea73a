"""The embedded server's speed: `python benchmarks/model/speed.py --rounds 3 > benchmarks/model/recorded.json`.

The wheel's build, and the one that `repoagent model build-native` made where there is one, serve the same weights in
turn: in each round both answer the same questions, so that all meet the same machine. A round is one greedy answer
after a prompt that was not read before, and four sampled answers at once after one that was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import textwrap
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from repoagent.llm.local import native
from repoagent.llm.local.serving import WHEEL, ModelServer, ServerSettings
from repoagent.llm.opening import locate_weights

PROMPT = Path(textwrap.__file__).read_text(encoding="utf-8")[:3800]
"""Some 960 tokens of Python."""
ANSWER = 96
"""Tokens."""
AT_ONCE = 4


@dataclass(frozen=True)
class Round:
    """What one server did in one round."""

    build: str
    reading: float
    """Tokens of the prompt a second."""
    writing: float
    """Tokens of one answer a second."""
    together: float
    """Seconds until four answers were there."""


def main() -> None:
    """Measure, and print what came out as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=None, help="as `repoagent model serve`")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    weights, name = locate_weights(arguments.model)
    builds = {"wheel": WHEEL, **({"native": built} if (built := native.find_native_server()) else {})}
    rounds: list[Round] = []
    with ExitStack() as stack:
        urls = {build: _served(stack, weights, f"{name}-{build}", path) for build, path in builds.items()}
        for number in range(arguments.rounds):
            for build, url in urls.items():
                rounds.append(_round(build, url, number))
                print(rounds[-1], file=sys.stderr, flush=True)
    json.dump(_report(rounds, name, list(builds)), sys.stdout, indent=1)


def _served(stack: ExitStack, weights: Path, name: str, program: Path) -> str:
    settings = ServerSettings(slots=AT_ONCE, slot_context=4096)
    server = stack.enter_context(ModelServer(weights, settings, name=name, program=program))
    return server.running.url.removesuffix("/v1")


def _round(build: str, url: str, number: int) -> Round:
    with httpx.Client(base_url=url, trust_env=False, timeout=600.0) as http:
        alone = _ask(http, f"# {number}\n{PROMPT}", 0, cache_prompt=False)
        shared = f"# again {number}\n{PROMPT}"
        _ask(http, shared, 0, n_predict=1)
        started = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda seed: _ask(http, shared, seed, temperature=0.8), range(AT_ONCE)))
        return Round(
            build,
            round(alone["prompt_per_second"], 1),
            round(alone["predicted_per_second"], 1),
            round(time.monotonic() - started, 1),
        )


def _ask(http: httpx.Client, prompt: str, seed: int, **more: object) -> dict[str, float]:
    body = {"prompt": prompt, "n_predict": ANSWER, "temperature": 0.0, "seed": seed, "ignore_eos": True, **more}
    answer = http.post("/completion", json=body)
    answer.raise_for_status()
    timings: dict[str, float] = answer.json()["timings"]
    return timings


def _report(rounds: Sequence[Round], name: str, builds: Sequence[str]) -> dict[str, object]:
    """All rounds, the medians of each build, and the medians of the ratios within a round."""
    of = {build: [each for each in rounds if each.build == build] for build in builds}
    kinds = ("reading", "writing", "together")
    medians = {
        build: {kind: statistics.median(getattr(each, kind) for each in own) for kind in kinds}
        for build, own in of.items()
    }
    report: dict[str, object] = {
        "on": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} processors",
        "features": [f for f in native.read_cpu_features() if f.startswith(("avx", "amx", "fma"))],
        "model": name,
        "medians": medians,
        "rounds": [asdict(each) for each in rounds],
    }
    if "native" in of:
        pairs = list(zip(of["wheel"], of["native"], strict=True))
        report["native to wheel"] = {
            "reading": round(statistics.median(b.reading / a.reading for a, b in pairs), 2),
            "writing": round(statistics.median(b.writing / a.writing for a, b in pairs), 2),
            "four at once": round(statistics.median(a.together / b.together for a, b in pairs), 2),
        }
    return report


if __name__ == "__main__":
    main()
