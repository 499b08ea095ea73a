"""Python: read and changed by its own parser."""
