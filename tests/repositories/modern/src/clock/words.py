"""Times in words."""


def spoken(hour):
    """The hour as one says it."""
    return f"{hour % 12} o'clock"
