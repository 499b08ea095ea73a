"""What is known of each language's tools: how to see that a repository uses them, how it is built and tested then."""
