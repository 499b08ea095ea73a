"""Turn the code of an issue into an oracle that fails on the untouched code; without any, a larger model writes it."""
