"""Makes every attack of `tests/redteam`, counts what leaked and what escaped: `python benchmarks/redteam/run.py`.

Writes `recorded.json` and the table in `README.md` beside it. Both engines are needed. Ends with 1 where anything
leaked, escaped, or could not be made.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MARK = "<!-- recorded -->"
Row = Mapping[str, object]


def main() -> int:
    """Make the attacks, and record them."""
    record = HERE / "recorded.json"
    command = (sys.executable, "-m", "pytest", "-q", "tests/redteam")
    environment = {**os.environ, "REPOAGENT_REDTEAM_RECORD": str(record)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    rows: list[Row] = json.loads(record.read_text(encoding="utf-8"))
    page = HERE / "README.md"
    words = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(f"{words}{MARK}\n\n{table(rows)}", encoding="utf-8")
    return 1 if ended or any(row["leaked"] or row["escaped"] for row in rows) else 0


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, below their sums."""
    leaked, escaped = (sum(bool(row[name]) for row in rows) for name in ("leaked", "escaped"))
    attacks = len({(row["way"], row["name"]) for row in rows})
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    head = (
        f"{datetime.now(UTC).date()}, {machine}: {attacks} attacks, {len(rows)} times made (those in a sandbox in both"
    )
    lines = [f"{head} engines): **{leaked} leaked, {escaped} escaped.**", ""]
    lines += ["| attack | stands in | wants to | what happened | leaked | escaped |", "|---|---|---|---|---:|---:|"]
    lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    where = f"{row['place']}, {row['where']}" if row["where"] else row["place"]
    cells = (row["name"], where, row["wants"], f"`{_plain(str(row['told']))}`")
    counts = (len(list(row[name])) for name in ("leaked", "escaped"))  # type: ignore[call-overload]  # lists, in JSON
    return f"| {' | '.join(map(str, cells))} | {' | '.join(map(str, counts))} |"


def _plain(text: str) -> str:
    flat = " ".join(text.replace("`", "'").replace("|", "/").split())
    return flat if len(flat) <= 110 else flat[:109] + "…"


if __name__ == "__main__":
    raise SystemExit(main())
