"""Every threshold of the search for a patch, in one value that a model's profile changes and a benchmark sweeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchOptions:
    """When to go on, when to stop, and whom to believe. Seconds are limits, not estimates."""

    # --- what is tried ------------------------------------------------------------------------------------------------
    rounds: int = 3
    """Times that the planned functions are gone through, with fresh samples each time; more than once only where a run
    can tell right from wrong."""
    retries_per_round: int = 1
    """Failed candidates of one round that are shown to the model again."""
    near_misses_per_round: int = 2
    """Failed candidates of one round that are mutated."""
    max_near_misses: int = 6
    """Failed candidates of a run that are mutated."""
    near_miss_share: int = 4
    """One part in so many of the profile's mutants is spent on each of them."""
    combined_from: int = 8
    """Best candidates that are looked at for combinations."""
    max_combinations: int = 6
    """Combinations of a run."""

    # --- when it is enough --------------------------------------------------------------------------------------------
    agreed_share: float = 0.6
    """The share of all votes that must do the same as the leader, for no more to be drafted."""
    repeated_share: float = 0.5
    """The same where equal patches were drawn."""
    likely_ratio: float = 4.0
    """Nats by which the model must find the code likelier with a candidate than without, for that to count as a sample
    of its own. Of 240 candidates for 62 problems of HumanEvalFix that passed all that is visible, 62 of the 64 that
    came up to this were right, and 123 of the other 176 (`benchmarks/repair/naturalness.py`)."""

    # --- whom to believe ----------------------------------------------------------------------------------------------
    compared: int = 40
    """Candidates of a run that are compared by what they do."""
    compare_seconds: float = 12.0
    """That the comparison of the candidates for one function may take."""
    mutants_vote: float = 1.5
    """What all mutants of one function count together, where a sample of a model counts 1."""
    likely_vote: float = 2.0
    """What a candidate counts more that the model finds far likelier than what stands there."""
    infill_vote: float = 0.5
    """What one sample of a filled-in line counts: it often says what stood there."""
    scored: int = 12
    """Best candidates that are scored by the model and looked at for overfitting."""
    score_seconds: float = 12.0
    """That the model may be asked for scores, each time."""

    # --- mutation -----------------------------------------------------------------------------------------------------
    survivors: int = 12
    """Mutants of one function that are tested in the ordinary way."""
    compared_mutants: int = 60
    """Mutants that are compared with one another."""
    compare_mutants_seconds: float = 15.0
    """That this may take."""
    partial_progress: float = 0.5
    """The part of what is asked that a mutant must do to be drafted where none does all."""
    partial_mutants: int = 3
    """Mutants that do a part and are drafted."""
    mutated_again: int = 8
    """Mutants that mend a part, and are mutated once more where none mends all."""
    enough_mutants: int = 40
    """Mutants that do all that is asked, after which no more are tried."""

    # --- the end ------------------------------------------------------------------------------------------------------
    reductions: int = 8
    """Runs spent on making one patch smaller."""
    reviews: int = 4
    """Candidates that get a last run; where all of them fail there, the last one is delivered with what is known of
    it."""


DEFAULT_OPTIONS = SearchOptions()
