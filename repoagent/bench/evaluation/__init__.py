"""Evaluate patches with the tests of the fix, in the terms of the official harness."""
