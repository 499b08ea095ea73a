from __future__ import annotations

import pytest

from repoagent.evidence.behaviour import measure_behavioural_agreement

A, B, C = ("1", "2", "3"), ("1", "2", "4"), ("9", "9", "9")


@pytest.mark.parametrize(
    ("outputs", "weights", "shares"),
    [
        ([A, A, C], [1, 1, 1], [2 / 3, 2 / 3, 1 / 3]),
        ([A, B, C], [1, 1, 1], [5 / 9, 5 / 9, 1 / 3]),  # all but one input alike
        ([A, C], [1, 3], [1 / 4, 3 / 4]),
        ([("1", "!E"), ("1", "!E"), ("1", "5")], [1, 1, 1], [1, 1, 1]),  # the second input is none
        ([(), A, A], [1, 1, 1], [1 / 3, 2 / 3, 2 / 3]),  # of the first nothing is known
        ([(), ()], [1, 1], [1 / 2, 1 / 2]),
        ([A], [0], [0]),
        ([], [], []),
    ],
)
def test_the_share_of_the_weight_that_does_the_same(
    outputs: list[tuple[str, ...]], weights: list[float], shares: list[float]
) -> None:
    assert measure_behavioural_agreement(outputs, weights) == pytest.approx(shares)
