"""Select tasks of a dataset: by id, repository, difficulty, at random, by a slice."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoagent.bench.instance import Instance
from repoagent.errors import UserError


@dataclass(frozen=True)
class InstanceFilter:
    """Which tasks to select; by default all."""

    ids: tuple[str, ...] = ()
    repos: tuple[str, ...] = ()
    """`owner/name`, or the beginning of it."""
    difficulty: str = ""
    """A regular expression to search in the difficulty."""
    match: str = ""
    """A regular expression to search in the id."""
    seed: int | None = None
    """Shuffles before slicing; None leaves the order of the dataset."""
    part: str = ""
    """`10`, `10:20`, `::5`, as Python slices, after filters and shuffle."""


def select_instances(instances: Sequence[Instance], choice: InstanceFilter) -> tuple[Instance, ...]:
    """Select the tasks of `choice`. Raises UserError for an unknown id or an invalid slice."""
    found = [each for each in _select_ids(instances, choice.ids) if _is_selected(each, choice)]
    if choice.seed is not None:
        random.Random(choice.seed).shuffle(found)  # noqa: S311 - to be repeated, not to be secret
    return tuple(found[_parse_slice(choice.part)])


def _select_ids(instances: Sequence[Instance], ids: Iterable[str]) -> list[Instance]:
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return list(instances)
    known = {each.id: each for each in instances}
    if missing := [name for name in wanted if name not in known]:
        raise UserError(f"the dataset has no instance {', '.join(missing[:5])}: see `repoagent bench dataset`")
    return [known[name] for name in wanted]


def _is_selected(instance: Instance, choice: InstanceFilter) -> bool:
    return (
        (not choice.repos or instance.repo.startswith(choice.repos))
        and _is_match(choice.difficulty, instance.difficulty)
        and _is_match(choice.match, instance.id)
    )


def _is_match(pattern: str, text: str) -> bool:
    try:
        return not pattern or re.search(pattern, text) is not None
    except re.error as error:
        raise UserError(f"{pattern!r} is not a regular expression: {error}") from error


def _parse_slice(part: str) -> slice:
    if not re.fullmatch(r"(-?\d*)(:-?\d*){0,2}", part):
        raise UserError(f"{part!r} is not a slice: write 10, 10:20 or ::5")
    bounds = [int(bound) if bound else None for bound in part.split(":")]
    if len(bounds) == 3 and bounds[2] == 0:
        raise UserError(f"{part!r} is not a slice: its step is 0")
    return slice(*bounds)
