"""The index of a repository: what is defined where, and who uses it. It knows no model and no agent."""
