"""Report the results of runs, with confidence intervals."""
