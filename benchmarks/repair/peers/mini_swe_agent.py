"""Lets mini-swe-agent work on an instance: `repoagent bench run --agent "python …/mini_swe_agent.py …"`.

As its documentation has it for SWE-bench and local models: `mini-extra swebench` with `swebench_backticks.yaml` (the
configuration for models without tool calls), `model_class: litellm_textbased`, `api_base` and `cost_tracking`; and, in
its favour, 2,048 tokens an answer, because without a limit a small model may write one until its time is over. Its
container is the environment that our test bed builds, with the repository in `/testbed` and without network; building
it does not count.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))  # run as a script

from benchmarks.repair.peers.common import Clock, Job, hand_in, job, parser, run

INSIDE = "/work/repo"
"""Where the test bed's environments expect the repository."""
PROGRAMS = "/opt/environment/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where they have their programs."""


def main() -> None:
    """Build, run, hand in."""
    options = parser(__doc__ or "")
    options.add_argument("--mini", type=Path, required=True, help="its `mini-extra`")
    options.add_argument("--repoagent", default="repoagent")
    arguments = options.parse_args()
    work = job(arguments)
    image = _image(work, arguments.repoagent)
    try:
        clock = Clock(work.seconds)
        _run(work, arguments, image)
        hand_in(work, *_submitted(work), clock.spent)
    finally:
        _docker("rmi", "--force", image)


def _image(work: Job, repoagent: str) -> str:
    """An image with what the tests need and the repository in /testbed."""
    command = (repoagent, "testbed", "build", "--sandbox", "docker", "--json", "--repo", str(work.tree))
    ended = subprocess.run(
        [*command, "--as-of", work.row["created_at"][:10]], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(f"there is no environment for it to work in:\n{ended.stderr[-2000:]}")
    key = json.loads(ended.stdout)["key"]
    container, image = f"peer-{uuid.uuid4().hex[:12]}", f"peer-{uuid.uuid4().hex[:12]}:latest"
    _docker("create", "--name", container, "--user", "root", f"repoagent-env:{key}", "true")
    try:
        _docker("cp", f"{work.tree}/.", f"{container}:{INSIDE}")
        link = work.folder / "testbed"
        link.unlink(missing_ok=True)
        link.symlink_to(INSIDE)
        _docker("cp", str(link), f"{container}:/testbed")
        changes = ("USER root", "ENTRYPOINT []", f"ENV PATH={PROGRAMS}")
        _docker("commit", *(word for change in changes for word in ("--change", change)), container, image)
    finally:
        _docker("rm", "--force", container)
    return image


def _run(work: Job, arguments: argparse.Namespace, image: str) -> None:
    data = work.folder / "dataset"
    data.mkdir(exist_ok=True)
    row = {"instance_id": work.instance, "problem_statement": work.issue, "image_name": image}
    (data / "test.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    config = {
        "run": {"env_startup_command": "git config --global --add safe.directory '*'"},
        "agent": {"wall_time_limit_seconds": int(work.seconds)},
        "environment": {"run_args": ["--rm", "--network", "none"]},
        "model": {
            "model_class": "litellm_textbased",
            "model_name": "openai/local",
            "cost_tracking": "ignore_errors",
            "model_kwargs": {"api_base": work.server, "api_key": "none", "temperature": 0.0, "max_tokens": 2048},
        },
    }
    local = work.folder / "local.yaml"
    local.write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
    command = [str(arguments.mini), "swebench", "--subset", str(data), "--split", "test", "-o", str(work.folder)]
    more = {"MSWEA_CONFIGURED": "true", "HF_HUB_OFFLINE": "1"}
    # It looks at its own limit between two steps only; one step more shall not count as a failure of ours.
    run(
        [*command, "-c", "swebench_backticks.yaml", "-c", str(local), "--redo-existing"],
        work.seconds + 120,
        work.folder / "log.txt",
        work.folder,
        more,
    )


def _submitted(work: Job) -> tuple[str, str]:
    """Its patch, and how it ended in its own words."""
    predictions = work.folder / "preds.json"
    found = json.loads(predictions.read_text(encoding="utf-8")) if predictions.exists() else {}
    patch = found.get(work.instance, {}).get("model_patch") or ""
    trajectory = work.folder / work.instance / f"{work.instance}.traj.json"
    if not trajectory.exists():
        sys.exit(f"it never came to work, which says nothing about it: see {work.folder / 'log.txt'}")
    info = json.loads(trajectory.read_text(encoding="utf-8"))["info"]
    return patch, f"{info['exit_status']} after {info['model_stats']['api_calls']} calls"


def _docker(*arguments: str) -> None:
    subprocess.run(["docker", *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
