"""Statistics of yes/no results that hold for few instances."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

LEVEL = 0.95


@dataclass(frozen=True)
class Rate:
    """A rate with its 95 % confidence interval."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """Between 0 and 1; 0 of nothing."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (Wilson 1927), which holds for few instances and for rates near 0 and 1."""
        if not self.total:
            return 0.0, 1.0
        z, n, p = NormalDist().inv_cdf(0.5 + LEVEL / 2), self.total, self.value
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
        return max(0.0, low) if self.hits else 0.0, min(1.0, high) if self.hits < n else 1.0

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits} of {self.total} = {self.value:.1%} [{low:.1%}, {high:.1%}]"


def compute_mcnemar(only_one: int, only_other: int) -> float:
    """Compute the p-value of McNemar's exact (binomial) test that two runs are equally good.

    The arguments count the instances that only one of the runs resolves.
    """
    n, k = only_one + only_other, min(only_one, only_other)
    if n == 0:
        return 1.0
    tail = sum(math.comb(n, i) for i in range(k + 1))
    return min(1.0, 2 * tail / (1 << n))


def compute_quantile(values: list[float], share: float) -> float:
    """Interpolate the quantile of `values` at `share` (0 to 1); 0 without values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
