"""Any other language: packages, build and test as the repository's owner gives them in `.repoagent.toml`."""

from __future__ import annotations

from repoagent.errors import UserError
from repoagent.testbed.build_plan import BuildPlan
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, make_planner
from repoagent.testbed.override import OVERRIDE_FILE, Override
from repoagent.testbed.running.base import BY_SCRIPT
from repoagent.testbed.running.command import CommandRunner
from repoagent.testbed.tree import Tree


def find(tree: Tree, override: Override) -> Codebase | None:
    """Take the owner's own commands, only where asked to; raises UserError where the test command is missing then."""
    if override.language != "other":
        return None
    if not override.test:
        raise UserError(f'{OVERRIDE_FILE} of the repository: `language = "other"` needs `test = "command"` as well')
    return Codebase(
        language="other",
        plan_builds=make_planner(
            tree, "other", (OVERRIDE_FILE,), override, lambda context, _origin: (_plan_build(context),)
        ),
        runner=CommandRunner(override.test, BY_SCRIPT),
        tool="command",
        command=override.test,
        declared=True,
        override=override,
    )


def _plan_build(context: PlanContext) -> BuildPlan:
    why = (".repoagent.toml names no language that is known",)
    return context.make_plan("the repository's own commands", ("settle",), why=why)
