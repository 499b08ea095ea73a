"""A module without any packaging."""


def half(number):
    """Half of it."""
    return number // 2
