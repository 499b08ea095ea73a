"""The tools for other agents and editors, by the Model Context Protocol."""
