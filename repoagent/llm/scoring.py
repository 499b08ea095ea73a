"""Score a text with llama.cpp. Its server reports probabilities only of tokens that it writes, so a grammar makes it
write exactly the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MAX_TOKENS = 400
"""Tokens of a text; each costs as much as one that is sampled."""


def build_forcing_request(tokens: Sequence[int]) -> Mapping[str, object]:
    """Build the request fields that force `tokens` and the end to be written, each with its probability."""
    grammar = "root ::= " + " ".join(f"<[{token}]>" for token in tokens)
    more = {"n_probs": 1, "post_sampling_probs": False, "temperature": 0.0}
    return {"grammar": grammar, "n_predict": len(tokens) + 2, **more}


def sum_logprobs(answer: Mapping[str, object], tokens: Sequence[int]) -> float | None:
    """Sum the log-probabilities of `tokens` and of the end, in nats; None where the answer has other tokens."""
    probabilities = answer.get("completion_probabilities")
    rows = [row for row in probabilities if isinstance(row, dict)] if isinstance(probabilities, list) else []
    values = [float(value) for row in rows if isinstance(value := row.get("logprob"), int | float)]
    written = [row.get("id") for row in rows]
    if written[: len(tokens)] != list(tokens) or len(values) != len(tokens) + 1:
        return None
    return sum(values)
