"""Decide which major versions a range of npm's allows (https://github.com/npm/node-semver); enough of it to choose a
Node."""

from __future__ import annotations

import re

_PART = re.compile(r"(?P<sign>>=|<=|>|<|=|\^|~)?\s*v?(?P<major>\d+|[xX*])(?:\.(?P<minor>\d+|[xX*]))?(?:\.[\w.*+-]+)?")


def is_major_allowed(wanted: str, major: int) -> bool:
    """Whether some release of `major` satisfies the range; an unreadable range forbids nothing."""
    choices = [choice.strip() for choice in wanted.split("||")]
    return not wanted.strip() or any(_is_choice_allowed(choice, major) for choice in choices)


def _is_choice_allowed(choice: str, major: int) -> bool:
    spread = re.sub(r"(\S+)\s+-\s+(\S+)", r">=\1 <=\2", choice)
    return all(_is_part_allowed(part, major) for part in _PART.finditer(spread))


def _is_part_allowed(part: re.Match[str], major: int) -> bool:
    if not part["major"].isdigit():
        return True
    bound = int(part["major"][:6])
    partly = (part["minor"] or "0").isdigit() and int((part["minor"] or "0")[:6]) > 0
    match part["sign"] or "=":
        case ">=":
            return major >= bound
        case ">":
            return major > bound or (partly and major == bound)
        case "<":
            return major < bound or (partly and major == bound)
        case "<=":
            return major <= bound
        case _:
            return major == bound
