"""Every error this package raises on purpose, by who is to act on it.

    RepoagentError
    ├── ToolError            the model acts: it reads the message, which ends with what to try next
    ├── UserError            the user acts: one line on stderr, exit code 2
    │   └── StaleSession     … the session's artefacts were changed behind the run's back
    ├── EnvironmentFailed    the machine or a service acts up: exit code 5
    │   ├── SandboxFailed    … the engine, image or container died; never shown as command output
    │   └── ModelFailed      … the model server cannot be reached, or answers nonsense
    │       └── ContextFull  … the prompt does not fit into the served context
    └── BudgetExceeded       nobody acts: the run finishes with what it has, exit code 6

A message says what is wrong and what to do next, in one or two sentences, without a traceback.
"""

from __future__ import annotations


class RepoagentError(Exception):
    """The root of the tree."""


class ToolError(RepoagentError):
    """A tool could not do what the model asked; the message tells the model what to try instead."""


class UserError(RepoagentError):
    """The request cannot be carried out as given; the message tells the user what to change."""


class StaleSession(UserError):
    """An artefact on which later steps are based has changed since."""


class EnvironmentFailed(RepoagentError):
    """Something that this run needs is missing or broken; the message tells how to mend it."""


class SandboxFailed(EnvironmentFailed):
    """The sandbox itself failed (engine down, image gone, container killed), not the command in it."""


class ModelFailed(EnvironmentFailed):
    """The model server cannot be reached, refused the request, or answered what cannot be used."""


class ContextFull(ModelFailed):
    """The prompt is longer than the context the server gives to one request."""


class BudgetExceeded(RepoagentError):
    """The tokens, the time or the calls allowed for this run are spent."""
