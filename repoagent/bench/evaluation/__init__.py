"""Judge patches by the tests of the fix, in the words of the official harness."""
