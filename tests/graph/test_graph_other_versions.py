"""Sessions that another version of the program began: what can be read is read, what cannot is said in one sentence."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from repoagent.app.graph_run import FORMAT
from repoagent.domain import Candidate, Oracle, Result, load
from repoagent.errors import UserError
from tests.graph.conftest import RIGHT, MakeBench

OLD_CANDIDATE = {
    "id": "c1",
    "generator": "rewrite",
    "target": {"path": "m.py", "symbol": "f", "start": 1, "end": 2, "score": 0.0, "reasons": [], "lines": []},
    "patch": {"text": "+x\n", "files": ["m.py"]},
    "drawn": ["0/rewrite/m.py::f#0"],
    "answer": "",
    "parent": "",
    "verdict": {"gate": [], "oracle": "passed", "fixed": [], "broken": [], "passed": 3, "failure": ""},
    "likelihood": 0.4,
    "agreement": 0.3,
    "appraisal": {"suspicion": "", "naturalness": 1.0},
}
"""As version 0.1 wrote it."""


def test_a_session_of_another_version_says_that_it_cannot_be_resumed(bench: MakeBench) -> None:
    made = bench(RIGHT)
    made.run()
    with closing(sqlite3.connect(made.session.path / "checkpoint.sqlite")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        connection.execute("PRAGMA user_version = 0")  # as before there were formats
    with pytest.raises(UserError, match="begun by another version of repoagent and cannot be resumed") as refused:
        made.run()
    assert str(made.session.path) in str(refused.value)
    assert made.session.has_artefact("report.json")


def test_what_an_older_version_wrote_about_a_run_can_still_be_read() -> None:
    candidate = load(Candidate, json.dumps(OLD_CANDIDATE))
    assert (candidate.id, candidate.votes, candidate.verdict and candidate.verdict.passed) == ("c1", 0, 3)
    oracle = load(Oracle, json.dumps({"strength": "strong", "script": "s", "before": "import m", "steps": ["f()"]}))
    assert (oracle.strength, oracle.steps) == ("strong", ("f()",))


def test_a_report_without_codes_can_still_be_read(bench: MakeBench) -> None:
    made = bench(RIGHT)
    made.run()
    report = json.loads(made.session.read("report.json"))
    assert len(report.pop("codes")) == sum(len(report[name]) for name in ("verified", "unverified", "notes"))
    assert load(Result, json.dumps(report)).facts == ()
