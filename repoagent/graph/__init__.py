"""The planner graph: from an issue to a judged patch, in steps that each survive a crash."""
