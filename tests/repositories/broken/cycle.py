"""Works all the same."""


def turns(distance, circumference):
    """How often a wheel turns."""
    return distance / circumference
