"""Read what a runner gives to a step, and write what a step answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repoagent.errors import UserError
from repoagent.github.api import Api
from repoagent.github.repository import Repository, read_runner_repository

_MAX_EVENT_BYTES = 10_000_000
"""Bytes."""


@dataclass(frozen=True)
class ActionRunner:
    """The environment of one step."""

    environment: Mapping[str, str]

    def read_input(self, name: str, default: str = "") -> str:
        """Read an input of the action: `max-minutes` is in `REPOAGENT_INPUT_MAX_MINUTES`."""
        return self.environment.get(f"REPOAGENT_INPUT_{name.upper().replace('-', '_')}", "").strip() or default

    def read_number(self, name: str, default: int = 0) -> int:
        """Read an input that is a whole number; raises UserError for any other text."""
        text = self.read_input(name, str(default))
        if not text.isascii() or not text.isdigit() or len(text) > 18:
            raise UserError(f"the input `{name}` is {text[:40]!r}, and must be a whole number")
        return int(text)

    @property
    def event(self) -> Any:
        """The payload of the event, as GitHub wrote it."""
        path = Path(self.environment.get("GITHUB_EVENT_PATH", ""))
        if not path.is_file() or path.stat().st_size > _MAX_EVENT_BYTES:
            raise UserError("GITHUB_EVENT_PATH names no event: this command is for GitHub Actions")
        return json.loads(path.read_bytes())

    @property
    def event_name(self) -> str:
        return self.environment.get("GITHUB_EVENT_NAME", "")

    @property
    def repository(self) -> Repository:
        return read_runner_repository(self.environment)

    @property
    def token(self) -> str:
        """The token for GitHub. Only the steps that publish have one."""
        found = self.environment.get("REPOAGENT_INPUT_TOKEN", "")
        if not found:
            raise UserError("this step needs the input `token`, and `permissions` for it in the workflow")
        return found

    @property
    def api(self) -> Api:
        return Api(self.repository, self.token)

    @property
    def run(self) -> int:
        return int(self.environment.get("GITHUB_RUN_ID") or 0)

    @property
    def run_url(self) -> str:
        return f"{self.repository.url}/actions/runs/{self.run}"

    @property
    def folder(self) -> Path:
        """The folder in which a step leaves what the next job reads."""
        return Path(self.read_input("folder", "repoagent-files")).absolute()

    # --- answers

    def write_outputs(self, **values: str | int | bool) -> None:
        """Set outputs of the step: one line each."""
        lines = []
        for name, value in values.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if "\n" in text or "\r" in text:
                raise ValueError(f"the output {name} has more than one line")
            lines.append(f"{name.replace('_', '-')}={text}\n")
        self._append_to("GITHUB_OUTPUT", "".join(lines))

    def add_summary(self, markdown: str) -> None:
        """Add to the summary of the job."""
        self._append_to("GITHUB_STEP_SUMMARY", f"{markdown}\n")

    def _append_to(self, variable: str, text: str) -> None:
        if path := self.environment.get(variable):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)
