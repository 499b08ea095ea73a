"""The language door: what the program can do with source text, whatever language it is in."""

from repoagent.languages.base import Capabilities, CodeDefinition, Language
from repoagent.languages.registry import ALL, language_of

__all__ = ["ALL", "Capabilities", "CodeDefinition", "Language", "language_of"]
