"""`python -m repoagent` is `repoagent`."""

from repoagent.cli.main import main

if __name__ == "__main__":
    main()
