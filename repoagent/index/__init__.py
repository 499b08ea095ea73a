"""What is defined where, and who uses it: an index of a repository that knows no model and no agent."""
