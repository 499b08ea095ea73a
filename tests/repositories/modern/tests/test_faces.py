"""Imports a module that imports the words."""

from clock.faces import face


def test_face():
    assert face(1) == "(1 o'clock)"
