"""Code out of an issue is run where the repository holds Python: without any, nothing is run, and no model is asked."""

from __future__ import annotations

import pytest

from repoagent.domain import Issue, Location
from repoagent.evidence.context import EvaluationContext
from repoagent.evidence.reproduction.find import Reproduction, ReproductionFinder
from repoagent.evidence.workbench import Workbench
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel
from repoagent.sandbox.base import Environment, SandboxLimits
from repoagent.sandbox.fake import FakeEngine
from repoagent.trace import Trace
from repoagent.workspace import Workspace
from tests.conftest import Indexed

ISSUE = Issue("total is wrong", "```python\n>>> from shop import total\n>>> total([])\n1\n```\n\nExpected: `0`\n")


JAVASCRIPT, PYTHON = Location("shop.js", "total", 1, 1), Location("shop.py", "total", 1, 1)


@pytest.mark.parametrize(
    ("targets", "has_python", "is_tried"),
    [
        ((JAVASCRIPT,), False, False),
        ((JAVASCRIPT,), True, True),
        ((PYTHON,), True, True),
        ((JAVASCRIPT, PYTHON), True, True),
        ((), True, True),
    ],
)
def test_code_of_an_issue_is_run_where_there_is_python(
    targets: tuple[Location, ...], has_python: bool, is_tried: bool, indexed: Indexed
) -> None:
    files: dict[str, str | bytes] = {"shop.js": "export function total() {}\n"}
    index = indexed(files | ({"shop.py": "def total(items): return 1\n"} if has_python else {}))
    model = ScriptedModel(lambda _: "", profile=find_profile("qwen3-coder-30b"))
    engine = FakeEngine()
    workbench = Workbench(engine, Workspace(index.root), Trace(), SandboxLimits(), lambda: None, lambda: None)
    context = EvaluationContext(Environment("key", "reference"))
    found = ReproductionFinder(ISSUE, targets, context, workbench, index, model).find()
    assert found == Reproduction()
    assert bool(engine.commands) is is_tried
    for call in model.calls:
        assert "`shop.js`" not in call.prompt
    assert bool(model.calls) is (PYTHON in targets)
