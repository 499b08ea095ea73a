"""Detect, build and run a project's tests, in a sandbox."""
