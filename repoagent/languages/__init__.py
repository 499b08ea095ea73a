"""The language door: what the program can do with source text, whatever language it is in."""

from repoagent.languages.base import Capability, CodeDefinition, Language
from repoagent.languages.registry import (
    ALL,
    fingerprint,
    has_capability,
    is_among_tests,
    is_test_path,
    language_of,
)

__all__ = [
    "ALL",
    "Capability",
    "CodeDefinition",
    "Language",
    "fingerprint",
    "has_capability",
    "is_among_tests",
    "is_test_path",
    "language_of",
]
