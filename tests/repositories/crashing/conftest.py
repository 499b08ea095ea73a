"""Ends every run before it begins."""

raise RuntimeError("no test shall run")
