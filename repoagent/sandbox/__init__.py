"""Sandboxes, in which a repository's code can do no harm: the protocols, the engines, and the choice between them."""

from __future__ import annotations

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.sandbox.base import (
    ENVIRONMENT,
    REPOSITORY,
    CommandResult,
    Engine,
    Environment,
    ImageKeeper,
    ProgressListener,
    Recipe,
    Sandbox,
    SandboxLimits,
    SandboxMaker,
)

__all__ = [
    "ENVIRONMENT",
    "REPOSITORY",
    "CommandResult",
    "Engine",
    "Environment",
    "ImageKeeper",
    "ProgressListener",
    "Recipe",
    "Sandbox",
    "SandboxLimits",
    "SandboxMaker",
    "choose_engine",
    "list_engines",
]


def choose_engine(preference: str | None) -> Engine:
    """Choose an engine that works here: the one named, or for None Docker where it answers, else bubblewrap.

    Raises EnvironmentFailed, saying what to install, where none works, and UserError for a name that is none.
    """
    known = {engine.name: engine for engine in list_engines()}
    if preference is None:
        return _choose_first(list(known.values()))
    if preference not in known:
        raise UserError(f"there is no sandbox `{preference}`: choose one of {', '.join(sorted(known))}")
    known[preference].check()
    return known[preference]


def list_engines() -> list[Engine]:
    """List all engines, whether they work here or not, the preferred one first."""
    from repoagent.sandbox.bubblewrap import BubblewrapEngine
    from repoagent.sandbox.docker import DockerEngine

    return [DockerEngine(), BubblewrapEngine()]


def _choose_first(candidates: list[Engine]) -> Engine:
    complaints = []
    for engine in candidates:
        try:
            engine.check()
        except EnvironmentFailed as error:
            complaints.append(f"{engine.name}: {error}")
        else:
            return engine
    raise EnvironmentFailed(
        "no sandbox works here; start a Docker engine (`make engine`) or run `apt-get install bubblewrap`\n"
        + "\n".join(complaints)
    )
