"""What of an edited plan is worked on."""

from __future__ import annotations

from repoagent.domain import Plan, PlannedFile
from repoagent.search.plan import find_planned
from tests.conftest import Indexed


def test_what_does_not_exist_or_nothing_can_be_written_in_is_left_out(indexed: Indexed) -> None:
    source = "def f(x): ...\n"
    index = indexed({"stub.pyi": source, "module.py": source})
    names = (("stub.pyi", "f"), ("module.py", "g"), ("gone.py", "f"), ("module.py", "f"))
    plan = Plan(tuple(PlannedFile(path, "edit", (name,), ()) for path, name in names), ())
    assert [str(found) for found in find_planned(plan, (), index)] == ["module.py:1 f"]
