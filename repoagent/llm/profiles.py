"""Profiles of models: which generators pay, how long a prompt may be, how to sample (`profiles.toml`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib.resources import files

from repoagent.search_options import DEFAULT_OPTIONS, SearchOptions


@dataclass(frozen=True)
class FimTokens:
    """The special tokens of fill-in-the-middle, for servers without an endpoint of their own for it."""

    prefix: str
    suffix: str
    middle: str


@dataclass(frozen=True)
class Profile:
    """The settings that suit one family of models."""

    id: str
    patterns: tuple[str, ...]
    """Shell patterns, matched without case against the model's name as the server gives it."""
    context: int
    """Tokens of context that one request should have; `doctor` warns when the server gives less."""
    prompt_budget: int
    """Tokens that one prompt may have; longer ones are worse, not better."""
    temperature: float
    top_p: float
    rewrites: int
    """Samples of whole-function rewriting for each function."""
    infills: int
    """Samples of fill-in-the-middle for each function; 0 where the model was not trained for it."""
    replaces: int
    """Samples of search/replace blocks over all planned places at once; 0 for models that do not hold to the format."""
    mutants: int
    """Mutants of each function that are screened, which costs no token; 0 leaves mutation out."""
    functions: int
    """Functions worked on before anything is widened."""
    retries: int
    """Rounds of showing a failure to the model."""
    retry_on: tuple[str, ...]
    """Exceptions worth a retry; `*` for any."""
    witnesses: int = 0
    """Scripts that the model writes to show the problem, where nothing in the issue can be run; 0 for models whose
    scripts hardly ever hold: of models below 7B no published row, of GPT-4o-mini's tests one in ten fails and passes as
    it should (SWT-bench)."""
    specs: bool = True
    """Whether the model puts an issue into its own words; a small one takes long for it, and adds errors."""
    fim: FimTokens | None = None
    search: SearchOptions = DEFAULT_OPTIONS
    """Thresholds of the search; a profile says only those that differ (`search = { rounds = 2 }`)."""


@cache
def load_profiles() -> tuple[Profile, ...]:
    """Load all profiles of the package, the most specific first, the generic one last."""
    text = files("repoagent.llm").joinpath("profiles.toml").read_text(encoding="utf-8")
    return tuple(_parse_profile(row) for row in tomllib.loads(text)["profile"])


def find_profile(model: str) -> Profile:
    """Find the first profile with a pattern that matches the name of `model`; the generic one matches all."""
    name = model.lower()
    return next(p for p in load_profiles() if any(fnmatch(name, pattern) for pattern in p.patterns))


def _parse_profile(row: dict[str, object]) -> Profile:
    from pydantic import TypeAdapter

    return TypeAdapter(Profile).validate_python(row)
