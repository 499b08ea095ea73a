"""The tools for other agents and editors, over the Model Context Protocol."""
