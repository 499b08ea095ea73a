"""Read a repository's `.repoagent.toml`: how its owner says it is built and tested, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repoagent.errors import UserError
from repoagent.testbed.manifests import text_of
from repoagent.testbed.project import Language, Override

OVERRIDE_FILE = ".repoagent.toml"


def override_of(root: Path) -> Override:
    """What the file in `root` says, if there is one; raises UserError where it asks for more than it may."""
    return read_override(text_of(root / OVERRIDE_FILE))


def read_override(text: str) -> Override:
    """The settings of a `.repoagent.toml` that decide how to build and to test; raises UserError for any other."""
    try:
        found = _Override.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{OVERRIDE_FILE} of the repository is not valid TOML: {error}") from error
    except ValidationError as error:
        raise UserError(_complaint(error)) from error
    return Override(found.python, found.packages, found.build, found.test, found.services, found.language)


class _Override(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    language: Language | None = None
    python: Annotated[str, Field(pattern=r"^(3\.\d{1,2})?$")] = ""
    packages: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]*$")], ...], Field(strict=False)] = ()
    build: Annotated[tuple[str, ...], Field(strict=False)] = ()
    test: str = ""
    services: Annotated[tuple[Literal["postgresql", "redis"], ...], Field(strict=False)] = ()


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return (
            f"{OVERRIDE_FILE} of the repository sets {where}; it may set {', '.join(_Override.model_fields)} only. "
            "Put other settings into your own configuration."
        )
    return (
        f'{OVERRIDE_FILE} of the repository: {where}: {first["msg"]}. It reads `language = "node"`, '
        '`python = "3.11"`, `packages = ["libpq-dev", …]`, `build = ["command", …]`, `test = "command"`, '
        '`services = ["postgresql", "redis"]`.'
    )
