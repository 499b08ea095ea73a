"""The policy file of a repository, `.github/repoagent.yml`, read from its default branch and never from a patch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repoagent.errors import UserError

POLICY_PATH = ".github/repoagent.yml"
_MAX_BYTES = 64 * 1024


class _PolicyPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PathRules(_PolicyPart):
    """Glob patterns as in .gitignore, from the root of the repository: `*` within a name, `**` across folders."""

    never: tuple[str, ...] = ()
    """Paths that are never changed."""
    only: tuple[str, ...] = ()
    """If any, the only paths that may be changed."""


class PatchLimits(_PolicyPart):
    files: int = Field(20, ge=1)
    lines: int = Field(500, ge=1)
    """Added and removed together."""
    bytes: int = Field(500_000, ge=1)
    """Size of any one file after the change."""


RequiredEvidence = Literal["verified", "reproduced", "tests"]


class Policy(_PolicyPart):
    """What the maintainers allow. Without a policy file the defaults here hold."""

    version: Literal[1] = 1
    pull_requests: bool = True
    """Whether pull requests may be opened; otherwise the patch is shown in the comment."""
    comments: bool = True
    """Whether the issue may be commented on."""
    paths: PathRules = PathRules()
    limits: PatchLimits = Field(default_factory=lambda: PatchLimits.model_validate({}))
    checks: tuple[RequiredEvidence, ...] = ("verified",)
    """What must be shown before a pull request is opened: `verified` as the report says, `reproduced` by an example
    that failed before, `tests` that ran and broke nowhere."""
    licences: tuple[str, ...] = ()
    """If any, the SPDX names that added files may carry."""
    deleted_files: bool = False
    """Whether files may be deleted."""
    deleted_tests: bool = False
    """Whether lines of tests may be removed."""


def parse_policy(text: str | None) -> Policy:
    """Parse a policy file; None gives the default policy. Raises UserError that names what is wrong."""
    import yaml

    if text is None:
        return Policy()
    if len(text) > _MAX_BYTES:
        raise UserError(f"{POLICY_PATH} is larger than {_MAX_BYTES // 1024} kB: shorten it")
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise UserError(f"{POLICY_PATH} uses aliases: write each value out")
        return Policy.model_validate(yaml.safe_load(text) or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{POLICY_PATH}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{POLICY_PATH} cannot be read as YAML: {str(error).splitlines()[0]}") from error
