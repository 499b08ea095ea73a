"""Run one step of the Action: `python -m repoagent.action begin|solve|publish|preflight`."""

from __future__ import annotations

import os
import sys

from repoagent.action.runner import ActionRunner
from repoagent.errors import EnvironmentFailed, RepoagentError


def main(arguments: list[str], runner: ActionRunner) -> int:
    """Run a step and return the exit code. An error of ours becomes an annotation and a line of the summary."""
    from repoagent.publish.markdown import escape_line, flatten

    try:
        return _run_step(arguments[0] if len(arguments) == 1 else "", runner)
    except RepoagentError as error:
        print(f"::error title=repoagent::{_escape_data(flatten(str(error), 2000))}")
        runner.add_summary(f"**Failed**: {escape_line(str(error), 2000)}")
        return 5 if isinstance(error, EnvironmentFailed) else 2


def _run_step(name: str, runner: ActionRunner) -> int:
    if name == "begin":
        from repoagent.action.begin import begin_run

        return begin_run(runner)
    if name == "solve":
        from repoagent.action.solve import solve

        return solve(runner)
    if name == "publish":
        from repoagent.action.publish import publish_result

        return publish_result(runner)
    if name == "preflight":
        return _run_preflight(runner)
    print("usage: python -m repoagent.action begin|solve|publish|preflight", file=sys.stderr)
    return 2


def _run_preflight(runner: ActionRunner) -> int:
    from repoagent.action.preflight import check_github
    from repoagent.publish.markdown import escape_line

    needs = list(check_github(runner.api, runner.read_input("label", "repoagent")))
    lines = [f"- {need.name}: {escape_line(need.problem or need.note, 600) or 'ok'}" for need in needs]
    runner.add_summary("\n".join(["### Preflight", "", *lines]))
    print("\n".join(f"{need.name}: {need.problem or need.note or 'ok'}" for need in needs))
    return 1 if any(need.problem for need in needs) else 0


def _escape_data(text: str) -> str:
    """Escape the data of a workflow command as the runner reads it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], ActionRunner(os.environ)))
