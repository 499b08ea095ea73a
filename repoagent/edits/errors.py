"""Why an edit cannot be made."""

from repoagent.errors import RepoagentError


class EditRefused(RepoagentError):
    """What the model wrote cannot become an edit; the message is short enough to be shown to it."""
