"""How often patches of each confidence were right: `python benchmarks/repair/calibration.py RECORD.json…`.

Reads what the repair benchmarks recorded, whose hidden tests judge, and counts rows that tell the confidence of their
patch; by the record's name and arm, and together. Rows without a patch claim nothing, and do not count.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from repoagent.bench.reporting.statistics import Rate
from repoagent.domain import Confidence


@dataclass(frozen=True)
class Claim:
    """What a run said of its patch, and whether it was right."""

    source: str
    confidence: str
    correct: bool


def main() -> None:
    """Print the table."""
    claims = [claim for name in sys.argv[1:] for claim in _claims(Path(name))]
    print("| record and arm | confidence | right |\n|---|---|---|")
    for source in sorted({claim.source for claim in claims}):
        _print(source, [claim for claim in claims if claim.source == source])
    _print("**all**", claims)


def _claims(record: Path) -> Iterator[Claim]:
    for row in json.loads(record.read_text(encoding="utf-8"))["rows"]:
        if row.get("confidence"):
            yield Claim(f"{record.stem}, {row['arm']}", row["confidence"], row["correct"])


def _print(source: str, claims: Sequence[Claim]) -> None:
    for level in Confidence:
        if own := [claim for claim in claims if claim.confidence == level]:
            print(f"| {source} | {level} | {Rate(sum(claim.correct for claim in own), len(own))} |")


if __name__ == "__main__":
    main()
