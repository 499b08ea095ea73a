"""Run one step of the Action: `python -m repoagent.action begin|solve|publish|preflight`."""

from __future__ import annotations

import os
import sys

from repoagent.action.runner import Runner
from repoagent.errors import EnvironmentFailed, RepoagentError


def main(arguments: list[str], runner: Runner) -> int:
    """Run a step and return the exit code. An error of ours becomes an annotation and a line of the summary."""
    from repoagent.publish.markdown import one_line, shown

    try:
        return _step(arguments[0] if len(arguments) == 1 else "", runner)
    except RepoagentError as error:
        print(f"::error title=repoagent::{_escaped(one_line(str(error), 2000))}")
        runner.summarise(f"**Failed**: {shown(str(error), 2000)}")
        return 5 if isinstance(error, EnvironmentFailed) else 2


def _step(name: str, runner: Runner) -> int:
    if name == "begin":
        from repoagent.action.begin import begin

        return begin(runner)
    if name == "solve":
        from repoagent.action.solve import solve

        return solve(runner)
    if name == "publish":
        from repoagent.action.publish import publish_found

        return publish_found(runner)
    if name == "preflight":
        return _preflight(runner)
    print("usage: python -m repoagent.action begin|solve|publish|preflight", file=sys.stderr)
    return 2


def _preflight(runner: Runner) -> int:
    from repoagent.action.preflight import of_github
    from repoagent.publish.markdown import shown

    needs = list(of_github(runner.api, runner.given("label", "repoagent")))
    lines = [f"- {need.name}: {shown(need.problem or need.note, 600) or 'ok'}" for need in needs]
    runner.summarise("\n".join(["### Preflight", "", *lines]))
    print("\n".join(f"{need.name}: {need.problem or need.note or 'ok'}" for need in needs))
    return 1 if any(need.problem for need in needs) else 0


def _escaped(text: str) -> str:
    """Escape the data of a workflow command as the runner reads it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Runner(os.environ)))
