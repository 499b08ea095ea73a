"""Measure how far candidates behave alike: of several that the tests let pass, the one that most of the likely others
agree with, input by input, is the best guess.

This is minimum Bayes risk decoding; AlphaCode, too, chooses by behaviour on generated inputs (Li et al., 2022).
"""

from __future__ import annotations

from collections.abc import Sequence


def measure_behavioural_agreement(outputs: Sequence[Sequence[str]], weights: Sequence[float]) -> list[float]:
    """Measure for each candidate the share of the candidates' weight that does the same, on average over the inputs;
    from 0 to 1.

    `outputs` are by candidate and by input; one that begins with `!` is an exception. Inputs for which most of the
    weight raises are left out: the function is not made for them. A candidate without outputs agrees with itself alone.
    """
    rows = list(zip(outputs, weights, strict=True))
    total = sum(weights) or 1.0
    number = max(map(len, outputs), default=0)
    counted = [
        i for i in range(number) if sum(w for row, w in rows if row[i : i + 1] and row[i][0] == "!") <= total / 2
    ]
    return [_sum_agreeing_weight(row, weight, rows, counted) / total for row, weight in rows]


def _sum_agreeing_weight(
    own: Sequence[str], weight: float, rows: Sequence[tuple[Sequence[str], float]], counted: Sequence[int]
) -> float:
    """Sum the weight of the candidates that do the same as `own`, on average over the inputs that count."""
    if not own or not counted:
        return weight
    return sum(w for index in counted for row, w in rows if row[index : index + 1] == own[index : index + 1]) / len(
        counted
    )
