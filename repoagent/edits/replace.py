"""Replace a passage of a text that somebody quoted from memory: as exactly as it can be found, and never a wrong one.

The rungs of the ladder, from the exact passage down to the one that is most alike. A rung counts only where it finds
one place: two equal places are a reason to refuse, not to guess, unless a line that is known to be meant lies in one.
Without such leniency a ninefold of edits fails to apply (Aider's notes on unified diffs, 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from repoagent.edits.errors import EditRefused
from repoagent.edits.layout import end_near, indent_of, lines_of

_ALIKE = 0.9
"""How much of two passages must be equal for one to be taken for the other."""
_MARGIN = 0.05
"""How much more alike the best place must be than the second best."""
_LONGEST = 400
"""Lines of a passage."""
_LONGEST_TEXT = 20_000
"""Lines of a text that is searched for the passage that is most alike."""


@dataclass(frozen=True)
class Place:
    """Where a passage was found."""

    start: int
    """Index of its first line."""
    end: int
    """Index behind its last line."""

    def holds(self, lines: Sequence[range]) -> bool:
        """Return whether it touches one of `lines`, which are counted from 1."""
        return any(self.start + 1 < each.stop and each.start <= self.end for each in lines)


def replace_passage(source: str, passage: str, replacement: str, likely_lines: Sequence[range] = ()) -> str:
    """Return `source` with `passage` replaced; both are whole lines.

    `likely_lines` are the lines, counted from 1, that the passage is likely to be found in. The replacement is indented
    as the passage is in the source, and its lines end as those around them. Raises EditRefused where the passage is
    empty, found nowhere, or found at several places.
    """
    lines = lines_of(source)
    wanted, new = _lines(passage), _lines(replacement)
    if not any(map(str.strip, wanted)):
        raise EditRefused("the passage to be replaced is empty")
    if len(wanted) > _LONGEST:
        raise EditRefused(f"the passage to be replaced has {len(wanted)} lines")
    place = _place([line.rstrip("\r\n") for line in lines], wanted, likely_lines)
    end = end_near(lines, place.start)
    shifted = _shifted(new, wanted, lines[place.start : place.end])
    return "".join([*lines[: place.start], *(line + end for line in shifted), *lines[place.end :]])


def _lines(text: str) -> list[str]:
    """Return the lines without their ends, and without blank lines around them."""
    lines = [line.rstrip("\r\n") for line in lines_of(text)]
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _place(lines: Sequence[str], wanted: Sequence[str], likely_lines: Sequence[range]) -> Place:
    for rung in (_exactly, _without_trailing_blanks, _shifted_alike, _without_layout):
        if found := list(rung(lines, wanted)):
            return _only(found, likely_lines)
    return _most_alike(lines, wanted, likely_lines)


def _only(found: Sequence[Place], likely_lines: Sequence[range]) -> Place:
    likely = [place for place in found if place.holds(likely_lines)] or found
    if len(likely) > 1:
        places = ", ".join(str(place.start + 1) for place in likely[:5])
        raise EditRefused(f"the passage to be replaced is found at lines {places}: quote more lines around it")
    return likely[0]


# --- rungs ------------------------------------------------------------------------------------------------------------


def _exactly(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[Place]:
    return _equal(lines, wanted, lambda line: line)


def _without_trailing_blanks(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[Place]:
    return _equal(lines, wanted, str.rstrip)


def _shifted_alike(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[Place]:
    """Find places that are equal but for the indentation, which differs by the same in all lines."""
    shapes = _relative(wanted)
    for place in _equal(lines, wanted, str.strip):
        if _relative(lines[place.start : place.end]) == shapes:
            yield place


def _without_layout(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[Place]:
    """Find places that are equal but for blanks anywhere, and for blank lines."""
    kept = [(number, _dense(line)) for number, line in enumerate(lines) if line.strip()]
    shapes = [_dense(line) for line in wanted if line.strip()]
    for at in range(len(kept) - len(shapes) + 1):
        if [shape for _, shape in kept[at : at + len(shapes)]] == shapes:
            yield Place(kept[at][0], kept[at + len(shapes) - 1][0] + 1)


def _equal(lines: Sequence[str], wanted: Sequence[str], shape: Callable[[str], str]) -> Iterator[Place]:
    shapes, own = [shape(line) for line in wanted], [shape(line) for line in lines]
    for at in range(len(own) - len(shapes) + 1):
        if own[at] == shapes[0] and own[at : at + len(shapes)] == shapes:
            yield Place(at, at + len(shapes))


def _relative(lines: Sequence[str]) -> list[str]:
    """Return the lines without what all of them are indented by."""
    least = _common(lines)
    return [line[len(least) :].rstrip() if line.strip() else "" for line in lines]


def _common(lines: Sequence[str]) -> str:
    return min((indent_of(line) for line in lines if line.strip()), key=len, default="")


def _dense(line: str) -> str:
    return "".join(line.split())


def _most_alike(lines: Sequence[str], wanted: Sequence[str], likely_lines: Sequence[range]) -> Place:
    """Find the only place that is nearly the passage; raise EditRefused with what is nearest where there is none."""
    if len(lines) > _LONGEST_TEXT:
        raise EditRefused("the passage to be replaced is not in the file")
    ratios = sorted(_ratios(lines, wanted), key=lambda pair: -pair[0])
    best = ratios[0] if ratios else (0.0, Place(0, 0))
    apart = [ratio for ratio, place in ratios if abs(place.start - best[1].start) >= len(wanted)]
    if best[0] >= _ALIKE and (best[0] - max(apart, default=0.0) >= _MARGIN or best[1].holds(likely_lines)):
        return best[1]
    near = " / ".join(line.strip() for line in lines[best[1].start : best[1].end][:3])
    raise EditRefused(f"the passage to be replaced is not in the file; nearest is: {near[:160]}")


def _ratios(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[float, Place]]:
    """Measure how much each passage of as many lines is alike, where its first estimate is not hopeless."""
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2("\n".join(line.strip() for line in wanted))
    for at in range(len(lines) - len(wanted) + 1):
        matcher.set_seq1("\n".join(line.strip() for line in lines[at : at + len(wanted)]))
        if matcher.real_quick_ratio() >= _HOPELESS and matcher.quick_ratio() >= _HOPELESS:
            yield matcher.ratio(), Place(at, at + len(wanted))


_HOPELESS = 0.6


def _shifted(new: Sequence[str], wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Indent the replacement by as much more or less as the passage is in the source."""
    quoted, real = _common(wanted), _common(found)
    if quoted == real:
        return list(new)
    return [real + line[len(quoted) :] if line.startswith(quoted) and line.strip() else line for line in new]
