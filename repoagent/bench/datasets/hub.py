"""Datasets by their name on the Hugging Face hub, through `datasets`, and short names for those known here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.errors import EnvironmentFailed, UserError


@dataclass(frozen=True)
class Known:
    """Where a benchmark lies on the hub."""

    path: str
    split: str = "test"
    config: str | None = None


KNOWN = {
    "swe-bench": Known("SWE-bench/SWE-bench"),
    "swe-bench-lite": Known("SWE-bench/SWE-bench_Lite"),
    "swe-bench-verified": Known("SWE-bench/SWE-bench_Verified"),
    "swe-bench-multilingual": Known("SWE-bench/SWE-bench_Multilingual"),
    "swe-bench-multimodal": Known("SWE-bench/SWE-bench_Multimodal", "dev"),
    "swe-bench-pro": Known("ScaleAI/SWE-bench_Pro"),
    "swe-bench-live": Known("SWE-bench-Live/SWE-bench-Live", "verified"),
    "swe-rebench": Known("nebius/SWE-rebench"),
    "swe-smith": Known("SWE-bench/SWE-smith", "train"),
    "swe-gym": Known("SWE-Gym/SWE-Gym", "train"),
    "multi-swe-bench": Known("ByteDance-Seed/Multi-SWE-bench", "train"),
    "humanevalfix": Known("bigcode/humanevalpack", config="python"),
}
"""The benchmarks that have a short name."""


def read_hub(name: str, split: str | None) -> Iterator[object]:
    """The rows of a dataset on the hub, or in a directory that `datasets` can read.

    Raises UserError without the extra and for a name or split that is not there, EnvironmentFailed where the hub
    cannot be reached.
    """
    known = KNOWN.get(name.lower(), Known(name))
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"{name} is no file here; datasets of the hub need an extra: pip install 'repoagent[datasets]'"
        ) from error
    try:
        yield from datasets.load_dataset(known.path, known.config, split=split or known.split)
    except (ValueError, FileNotFoundError) as error:
        raise UserError(f"the dataset {known.path} cannot be had: {error}") from error
    except (OSError, RuntimeError) as error:
        raise EnvironmentFailed(
            f"the hub does not answer for {known.path} ({error}): try later, or download it and name the file"
        ) from error
