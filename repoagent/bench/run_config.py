"""What a run was asked for, as it is kept in the run's store."""

from __future__ import annotations

from dataclasses import dataclass, field

from repoagent import __version__
from repoagent.bench.datasets import InstanceFilter
from repoagent.bench.store import ResultStore
from repoagent.bench.task import Agent
from repoagent.config import Settings
from repoagent.domain import load
from repoagent.errors import UserError


@dataclass(frozen=True)
class RunConfig:
    """The request of a run; stored in it, so that its directory is enough to continue."""

    dataset: str
    settings: Settings
    agent: Agent = field(default_factory=Agent)
    choice: InstanceFilter = field(default_factory=InstanceFilter)
    split: str | None = None
    repo: str | None = None
    """Repository of issue files that do not name one."""
    mirrors: str = ""
    keep: bool = False
    name: str = ""
    """Name in reports and predictions; by default agent and model."""

    @property
    def label(self) -> str:
        """The name of the run in reports and predictions."""
        model = self.settings.model.rpartition("#")[2].rpartition("/")[2] or self.settings.model
        return self.name or (f"repoagent-{__version__}+{model}" if self.agent.name == "repoagent" else str(self.agent))


def read_run_config(store: ResultStore) -> RunConfig:
    """Read the request of a run. Raises UserError where it has none."""
    known = store.read_value("config")
    if known is None:
        raise UserError(f"{store.folder} was never started: start it with `repoagent bench run`")
    return load(RunConfig, known)
