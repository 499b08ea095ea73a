"""Run a project's tests by the runner it uses."""
