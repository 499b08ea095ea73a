"""Pictures of clocks."""

from clock.words import spoken


def face(hour):
    """A line of text."""
    return f"({spoken(hour)})"
