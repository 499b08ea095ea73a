"""Lets Agentless work on an instance: `repoagent bench run --agent "python …/agentless.py …"`.

The steps and options of its README_swebench.md: files, related elements, four samples of edit locations, repair with
ten samples for each, majority vote over what was made when the time is over. Left out, as in its own ablations:
retrieval, which needs OpenAI's embeddings, and the runs of tests, which need the official images.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # run as a script

from benchmarks.repair.peers.common import Clock, Job, hand_in, job, parser, run

SETS, SAMPLES = 4, 10
MODEL = ("--model", "gpt-4o-2024-05-13", "--backend", "openai", "--dataset", "princeton-nlp/SWE-bench_Verified")
"""A name that its options know; the server answers with what it has."""


def main() -> None:
    """Localise, repair, vote, hand in."""
    options = parser(__doc__ or "")
    options.add_argument("--agentless", type=Path, required=True, help="its repository")
    options.add_argument("--python", type=Path, required=True, help="with its requirements")
    options.add_argument("--context", type=int, default=32768, help="tokens that the server takes")
    arguments = options.parse_args()
    work = job(arguments)
    results = work.folder / "results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    _prepare(work, arguments, results)
    clock = Clock(work.seconds)
    steps = list(_steps(work, arguments, results, clock))
    told = [f"{name} {'done' if ok else 'failed' if clock.left else 'stopped'}" for name, ok in steps]
    hand_in(work, _voted(work, arguments, results), ", ".join(told), clock.spent)


def _prepare(work: Job, arguments: argparse.Namespace, results: Path) -> None:
    """Its structure of the repository, which it takes from PROJECT_FILE_LOC, and the row of its dataset."""
    make = (
        "import json, sys; from get_repo_structure.get_repo_structure import create_structure as made; "
        "json.dump({'structure': made(sys.argv[1])}, open(sys.argv[2], 'w'))"
    )
    # It takes the folder's name for that of the repository, and lists the root's files below it.
    named = results / work.row["repo"].partition("/")[2]
    named.symlink_to(work.tree, target_is_directory=True)
    command = [str(arguments.python), "-c", make, str(named), str(results / f"{work.instance}.json")]
    more = {"PYTHONPATH": str(arguments.agentless)}
    made = run(command, 600, work.folder / "log.txt", arguments.agentless, more)
    named.unlink()
    if not made:
        sys.exit(f"it never came to work, which says nothing about it: see {work.folder / 'log.txt'}")
    place = {name: work.row[name] for name in ("repo", "base_commit")}
    row = {"instance_id": work.instance, "problem_statement": work.issue, **place}
    (results / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")


def _steps(work: Job, arguments: argparse.Namespace, results: Path, clock: Clock) -> Iterator[tuple[str, bool]]:
    """Each step's name, and whether it came to its end in time; after one that did not, nothing can follow."""
    for name, command in (*_localisation(results), *_repairs(results)):
        if clock.left <= 0:
            return
        ok = _step(work, arguments, results, command, clock.left)
        yield name, ok
        if not ok and not name.startswith("repair"):
            return


def _localisation(results: Path) -> tuple[tuple[str, list[str]], ...]:
    def localise(name: str, *options: str, start: str = "") -> tuple[str, list[str]]:
        begin = ["--start_file", str(results / start / "loc_outputs.jsonl")] if start else []
        folder = ["--output_folder", str(results / name)]
        return name, ["agentless/fl/localize.py", *options, *folder, *begin, *MODEL]

    return (
        localise("files", "--file_level", "--num_threads", "1", "--skip_existing"),
        localise(
            "elements",
            *("--related_level", "--top_n", "3", "--compress_assign", "--compress", "--skip_existing"),
            start="files",
        ),
        localise(
            "lines",
            *("--fine_grain_line_level", "--top_n", "3", "--compress", "--temperature", "0.8"),
            *("--num_samples", str(SETS), "--skip_existing"),
            start="elements",
        ),
        localise("merged", "--merge", "--top_n", "3", "--num_samples", str(SETS), start="lines"),
    )


def _repairs(results: Path) -> Iterator[tuple[str, list[str]]]:
    for number in range(SETS):
        places = results / "merged" / f"loc_merged_{number}-{number}_outputs.jsonl"
        options = ("--loc_interval", "--top_n=3", "--context_window=10", "--max_samples", str(SAMPLES))
        folder = ("--output_folder", str(results / f"repair_{number}"))
        kind = ("--cot", "--diff_format", "--gen_and_process", "--num_threads", "1")
        command = ["agentless/repair/repair.py", "--loc_file", str(places), *folder, *options, *kind, *MODEL]
        yield f"repair {number + 1}", command


def _step(work: Job, arguments: argparse.Namespace, results: Path, command: list[str], seconds: float) -> bool:
    here = Path(__file__).parent / "agentless_offline.py"
    more = {
        "PYTHONPATH": str(arguments.agentless),
        "PROJECT_FILE_LOC": str(results),
        "OPENAI_BASE_URL": work.server,
        "OPENAI_API_KEY": "none",
        "AGENTLESS_ROWS": str(results / "rows.jsonl"),
        "AGENTLESS_CONTEXT": str(arguments.context),
    }
    return run(
        [str(arguments.python), str(here), *command], seconds, work.folder / "log.txt", arguments.agentless, more
    )


def _voted(work: Job, arguments: argparse.Namespace, results: Path) -> str:
    """The patch of its own majority vote over the repairs that came to their end; empty where none did."""
    folders = [
        each for each in sorted(results.glob("repair_*")) if (each / f"output_{SAMPLES - 1}_processed.jsonl").exists()
    ]
    if not folders:
        return ""
    voted = results / "all_preds.jsonl"
    command = ["agentless/repair/rerank.py", "--patch_folder", ",".join(map(str, folders))]
    options = ["--num_samples", str(SAMPLES * len(folders)), "--deduplicate", "--output_file", str(voted)]
    if not _step(work, arguments, results, [*command, *options], 300):
        return ""
    lines = [json.loads(line) for line in voted.read_text(encoding="utf-8").splitlines() if line.strip()]
    return str(lines[0].get("model_patch") or "") if lines else ""


if __name__ == "__main__":
    main()
