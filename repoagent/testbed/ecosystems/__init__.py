"""What each language's tools are: how a repository that uses them is recognised, built and tested."""
