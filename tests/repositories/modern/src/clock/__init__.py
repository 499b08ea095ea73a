"""Times of day."""

from clock.words import spoken

__all__ = ["spoken"]
