"""Read datasets from the Hugging Face hub, with short names for well-known benchmarks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.errors import EnvironmentFailed, UserError


@dataclass(frozen=True)
class HubDataset:
    """The location of a benchmark on the hub."""

    path: str
    split: str = "test"
    config: str | None = None


HUB_DATASETS = {
    "swe-bench": HubDataset("SWE-bench/SWE-bench"),
    "swe-bench-lite": HubDataset("SWE-bench/SWE-bench_Lite"),
    "swe-bench-verified": HubDataset("SWE-bench/SWE-bench_Verified"),
    "swe-bench-multilingual": HubDataset("SWE-bench/SWE-bench_Multilingual"),
    "swe-bench-multimodal": HubDataset("SWE-bench/SWE-bench_Multimodal", "dev"),
    "swe-bench-pro": HubDataset("ScaleAI/SWE-bench_Pro"),
    "swe-bench-live": HubDataset("SWE-bench-Live/SWE-bench-Live", "verified"),
    "swe-rebench": HubDataset("nebius/SWE-rebench"),
    "swe-smith": HubDataset("SWE-bench/SWE-smith", "train"),
    "swe-gym": HubDataset("SWE-Gym/SWE-Gym", "train"),
    "multi-swe-bench": HubDataset("ByteDance-Seed/Multi-SWE-bench", "train"),
    "humanevalfix": HubDataset("bigcode/humanevalpack", config="python"),
}
"""Benchmarks by their short names."""


def read_hub(name: str, split: str | None) -> Iterator[object]:
    """Read the rows of a dataset on the hub, or in a directory that `datasets` can read.

    Raises UserError without the extra and for an unknown name or split, EnvironmentFailed where the hub cannot be
    reached.
    """
    known = HUB_DATASETS.get(name.lower(), HubDataset(name))
    try:
        import datasets
    except ImportError as error:
        raise UserError(
            f"{name} is not a file here; datasets on the hub need an extra: pip install 'repoagent[datasets]'"
        ) from error
    try:
        yield from datasets.load_dataset(known.path, known.config, split=split or known.split)
    except (ValueError, FileNotFoundError) as error:
        raise UserError(f"the dataset {known.path} cannot be loaded: {error}") from error
    except (OSError, RuntimeError) as error:
        raise EnvironmentFailed(
            f"the hub does not answer for {known.path} ({error}): try later, or download it and name the file"
        ) from error
