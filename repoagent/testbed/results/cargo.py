"""Read what `cargo test` prints; its JSON is not stable yet (https://github.com/rust-lang/rust/issues/49359)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.domain import Outcome, Status
from repoagent.testbed.results.severity import keep_worst

_TARGET = re.compile(
    r"^\s*(?:Running (?:unittests )?(?P<path>\S+)(?: \((?:\S*?(?P<binary>[^/\s]+?)-[0-9a-f]{8,}|.*)\))?"
    r"|Doc-tests (?P<crate>\S+))$"
)
_TEST = re.compile(r"^test (?P<name>.+?)(?: - should panic)? \.\.\. (?P<end>ok|FAILED|ignored)(?:,.*)?$")
_OUTPUT = re.compile(
    r"^---- (?P<name>.+?) stdout ----\n(?P<text>.*?)(?=^---- |^failures:$|\Z)", re.MULTILINE | re.DOTALL
)
_ENDINGS = {"ok": Status.PASSED, "FAILED": Status.FAILED, "ignored": Status.SKIPPED}
_MAX_MESSAGE = 6000


def read_cargo(text: str, *, crates: bool = False) -> tuple[Outcome, ...]:
    """Parse one outcome for each test, named `target::module::test`; the target is the file that cargo compiled.

    With `crates` the compiled crate's name goes before the file, `crate/src/lib.rs`: in a workspace they are many.
    """
    messages = {m["name"]: m["text"].strip()[-_MAX_MESSAGE:] for m in _OUTPUT.finditer(text)}
    return keep_worst(_parse_outcomes(text, messages, crates))


def _parse_outcomes(text: str, messages: dict[str, str], crates: bool) -> Iterator[Outcome]:
    target = ""
    for line in text.splitlines():
        if match := _TARGET.match(line):
            path = f"{match['binary']}/{match['path']}" if crates and match["binary"] else match["path"]
            target = path or f"doc {match['crate']}"
        elif match := _TEST.match(line):
            status = _ENDINGS[match["end"]]
            message = messages.get(match["name"], "") if status is Status.FAILED else ""
            yield Outcome(f"{target}::{match['name']}" if target else match["name"], status, 0.0, message)
