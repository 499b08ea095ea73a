"""Events: on the disk at once, readable after a crash, and never in the way of a run."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from repoagent.trace import Event, Trace, read_events


def test_what_was_emitted_is_read_back(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "events.jsonl")
    trace.emit("node.started", node="survey")
    trace.emit("odd", text="ü \ud800\n\u2028\x85", none=None, names=["a"], share=0.5, yes=True)
    first, second = read_events(tmp_path / "events.jsonl")
    assert (first.kind, first.data) == ("node.started", {"node": "survey"})
    assert second.data == {"text": "ü ?\n\u2028\x85", "none": None, "names": ["a"], "share": 0.5, "yes": True}
    assert first.at <= second.at
    assert trace.lost == 0


def test_a_missing_file_holds_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events.jsonl") == []


@pytest.mark.parametrize(
    "torn",
    [
        b'{"at": 1.0, "kind": "node.st',
        b'{"at": 1.0}',
        b"[]",
        b"3",
        b"\xff\xfe\x00",
        b"",
        b'{"kind": 1, "at": {}}',
        b'{"kind": "x"}',
    ],
)
def test_a_line_that_a_crash_cut_is_left_out(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    Trace(path).emit("first")
    with path.open("ab") as file:
        file.write(torn)
    assert [event.kind for event in read_events(path)] == ["first"]


@pytest.mark.parametrize("torn", [b'{"at": 1.0, "kind": "node.st', b"\xff"])
def test_what_follows_a_torn_line_is_not_lost_with_it(torn: bytes, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(torn)
    Trace(path).emit("resumed")
    assert [event.kind for event in read_events(path)] == ["resumed"]


def test_where_nothing_can_be_written_listeners_are_told_all_the_same(tmp_path: Path) -> None:
    heard: list[Event] = []
    trace = Trace(tmp_path / "missing" / "events.jsonl", (heard.append,))
    trace.emit("one")
    trace.emit("two")
    assert [event.kind for event in heard] == ["one", "two"]
    assert trace.lost == 2


def test_a_full_disk_loses_events_and_no_run() -> None:
    trace = Trace(Path("/dev/full"))
    trace.emit("one")
    assert trace.lost == 1


def test_without_a_path_only_listeners_hear() -> None:
    heard: list[Event] = []
    Trace(None, (heard.append,)).emit("one", number=1)
    assert [(event.kind, event.data) for event in heard] == [("one", {"number": 1})]


def test_threads_do_not_tear_each_other_s_lines(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "events.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: trace.emit("n", number=n, text="x" * 5000), range(80)))
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["number"] for line in lines) == list(range(80))
