"""Turn the issue's own code into an oracle that fails on the untouched code, without a model."""
