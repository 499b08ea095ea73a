"""How likely llama.cpp finds a text: its server tells the probabilities of what it writes, and not of what it reads, so
it is made to write the text, token by token, by a grammar that allows nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LONGEST = 400
"""Tokens of a text; each costs as much as one that is drawn."""


def forcing(tokens: Sequence[int]) -> Mapping[str, object]:
    """What a request says so that `tokens` are written, and the end, each with its probability among all others."""
    grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
    more = {"n_probs": 1, "post_sampling_probs": False, "temperature": 0.0}
    return {"grammar": grammar, "n_predict": len(tokens) + 2, **more}


def logprob(answer: Mapping[str, object], tokens: Sequence[int]) -> float | None:
    """The sum of the logarithms, the end's included; None where the answer tells of other tokens than `tokens`."""
    told = answer.get("completion_probabilities")
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    values = [float(value) for row in rows if isinstance(value := row.get("logprob"), int | float)]
    written = [row.get("id") for row in rows]
    if written[: len(tokens)] != list(tokens) or len(values) != len(tokens) + 1:
        return None
    return sum(values)
