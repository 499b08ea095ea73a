"""Carry out tasks: on this machine, on a Ray cluster, or as a function says (for tests)."""
