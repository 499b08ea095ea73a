"""Read a repository's `.repoagent.toml`: how its owner says it is built and tested, and nothing else."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repoagent.errors import UserError
from repoagent.sandbox.base import Dockerfile
from repoagent.testbed.reading import read_text

OVERRIDE_FILE = ".repoagent.toml"

BuildLanguage = Literal["python", "node", "go", "rust", "java", "native", "other"]
"""Whose tools build and test a repository; `other` means only the commands that its owner gives."""


@dataclass(frozen=True)
class OwnImage:
    """An image that the repository itself says how to make."""

    source: str
    """The file that says so."""
    dockerfile: Dockerfile
    steps: tuple[str, ...] = ()
    """Shell commands that come after, in the repository; any may fail."""


@dataclass(frozen=True)
class Override:
    """The settings in the target repository's `.repoagent.toml`; their commands run in the sandbox only."""

    python: str = ""
    """Version of Python; empty to choose one."""
    packages: tuple[str, ...] = ()
    """The distribution's packages that build or tests need."""
    build: tuple[str, ...] = ()
    """Shell commands that replace the installation steps; empty to work them out."""
    test: str = ""
    """Shell command that runs the tests; empty to work it out."""
    services: tuple[str, ...] = ()
    """Servers that the tests need, of those in `services`; empty to work it out."""
    language: BuildLanguage | None = None
    """Whose tools build and test the repository; None to find out. With `other`, only the commands given here do."""
    image: str = ""
    """A container image that has what the tests need; empty to build one. Only a user names one, never the repository:
    its build could send away what is in an image of the host's. Nothing else is tried then."""
    own: OwnImage | None = None
    """An image of the repository's own that is built upon, where nothing else could be built."""

    @property
    def inherited_image(self) -> str:
        """The image that has what the tests need, for a person; empty where none is meant to."""
        return f"the image {self.image}" if self.image else f"the image of {self.own.source}" if self.own else ""


def load_override(root: Path) -> Override:
    """Read the settings of the repository in `root`; empty without the file. Raises UserError for what it may not
    set."""
    return parse_override(read_text(root / OVERRIDE_FILE))


def parse_override(text: str) -> Override:
    """Parse the text of a `.repoagent.toml`; raises UserError for invalid TOML and for any setting it may not have."""
    try:
        found = _OverrideFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{OVERRIDE_FILE} of the repository is not valid TOML: {error}") from error
    except ValidationError as error:
        raise UserError(_explain_error(error)) from error
    return Override(found.python, found.packages, found.build, found.test, found.services, found.language)


class _OverrideFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    language: BuildLanguage | None = None
    python: Annotated[str, Field(pattern=r"^(3\.\d{1,2})?$")] = ""
    packages: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]*$")], ...], Field(strict=False)] = ()
    build: Annotated[tuple[str, ...], Field(strict=False)] = ()
    test: str = ""
    services: Annotated[tuple[Literal["postgresql", "redis"], ...], Field(strict=False)] = ()


def _explain_error(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return (
            f"{OVERRIDE_FILE} of the repository sets {where}; it may set {', '.join(_OverrideFile.model_fields)} only. "
            "Put other settings into your own configuration."
        )
    return (
        f'{OVERRIDE_FILE} of the repository: {where}: {first["msg"]}. It reads `language = "node"`, '
        '`python = "3.11"`, `packages = ["libpq-dev", …]`, `build = ["command", …]`, `test = "command"`, '
        '`services = ["postgresql", "redis"]`.'
    )
