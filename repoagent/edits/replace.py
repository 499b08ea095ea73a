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
from repoagent.edits.layout import choose_line_end, get_indent, split_lines

_MIN_LIKENESS = 0.9
"""How much of two passages must be equal for one to be taken for the other."""
_MIN_MARGIN = 0.05
"""How much more alike the best place must be than the second best."""
_MAX_PASSAGE_LINES = 400
"""Lines of a passage."""
_MAX_TEXT_LINES = 20_000
"""Lines of a text that is searched for the passage that is most alike."""


@dataclass(frozen=True)
class PassageSpan:
    """Where a passage was found."""

    start: int
    """Index of its first line."""
    end: int
    """Index behind its last line."""

    def has_any_line(self, lines: Sequence[range]) -> bool:
        """Return whether it touches one of `lines`, which are counted from 1."""
        return any(self.start + 1 < each.stop and each.start <= self.end for each in lines)


def replace_passage(source: str, passage: str, replacement: str, likely_lines: Sequence[range] = ()) -> str:
    """Return `source` with `passage` replaced; both are whole lines.

    `likely_lines` are the lines, counted from 1, that the passage is likely to be found in. The replacement is indented
    as the passage is in the source, and its lines end as those around them. Raises EditRefused where the passage is
    empty, found nowhere, or found at several places.
    """
    lines = split_lines(source)
    wanted, new = _strip_lines(passage), _strip_lines(replacement)
    if not any(map(str.strip, wanted)):
        raise EditRefused("the passage to be replaced is empty")
    if len(wanted) > _MAX_PASSAGE_LINES:
        raise EditRefused(f"the passage to be replaced has {len(wanted)} lines")
    place = _find_place([line.rstrip("\r\n") for line in lines], wanted, likely_lines)
    end = choose_line_end(lines, place.start)
    shifted = _shift_lines(new, wanted, lines[place.start : place.end])
    return "".join([*lines[: place.start], *(line + end for line in shifted), *lines[place.end :]])


def _strip_lines(text: str) -> list[str]:
    """Return the lines without their ends, and without blank lines around them."""
    lines = [line.rstrip("\r\n") for line in split_lines(text)]
    while lines and not lines[0].strip():
        lines = lines[1:]
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _find_place(lines: Sequence[str], wanted: Sequence[str], likely_lines: Sequence[range]) -> PassageSpan:
    for rung in (_find_exact, _find_without_trailing_blanks, _find_shifted, _find_without_layout):
        if found := list(rung(lines, wanted)):
            return _choose_only(found, likely_lines)
    return _find_most_alike(lines, wanted, likely_lines)


def _choose_only(found: Sequence[PassageSpan], likely_lines: Sequence[range]) -> PassageSpan:
    likely = [place for place in found if place.has_any_line(likely_lines)] or found
    if len(likely) > 1:
        places = ", ".join(str(place.start + 1) for place in likely[:5])
        raise EditRefused(f"the passage to be replaced is found at lines {places}: quote more lines around it")
    return likely[0]


# --- rungs ------------------------------------------------------------------------------------------------------------


def _find_exact(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[PassageSpan]:
    return _find_equal(lines, wanted, lambda line: line)


def _find_without_trailing_blanks(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[PassageSpan]:
    return _find_equal(lines, wanted, str.rstrip)


def _find_shifted(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[PassageSpan]:
    """Find places that are equal but for the indentation, which differs by the same in all lines."""
    shapes = _strip_common_indent(wanted)
    for place in _find_equal(lines, wanted, str.strip):
        if _strip_common_indent(lines[place.start : place.end]) == shapes:
            yield place


def _find_without_layout(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[PassageSpan]:
    """Find places that are equal but for blanks anywhere, and for blank lines."""
    kept = [(number, _remove_blanks(line)) for number, line in enumerate(lines) if line.strip()]
    shapes = [_remove_blanks(line) for line in wanted if line.strip()]
    for at in range(len(kept) - len(shapes) + 1):
        if [shape for _, shape in kept[at : at + len(shapes)]] == shapes:
            yield PassageSpan(kept[at][0], kept[at + len(shapes) - 1][0] + 1)


def _find_equal(lines: Sequence[str], wanted: Sequence[str], shape: Callable[[str], str]) -> Iterator[PassageSpan]:
    shapes, own = [shape(line) for line in wanted], [shape(line) for line in lines]
    for at in range(len(own) - len(shapes) + 1):
        if own[at] == shapes[0] and own[at : at + len(shapes)] == shapes:
            yield PassageSpan(at, at + len(shapes))


def _strip_common_indent(lines: Sequence[str]) -> list[str]:
    """Return the lines without what all of them are indented by."""
    least = _find_common_indent(lines)
    return [line[len(least) :].rstrip() if line.strip() else "" for line in lines]


def _find_common_indent(lines: Sequence[str]) -> str:
    return min((get_indent(line) for line in lines if line.strip()), key=len, default="")


def _remove_blanks(line: str) -> str:
    return "".join(line.split())


def _find_most_alike(lines: Sequence[str], wanted: Sequence[str], likely_lines: Sequence[range]) -> PassageSpan:
    """Find the only place that is nearly the passage; raise EditRefused with what is nearest where there is none."""
    if len(lines) > _MAX_TEXT_LINES:
        raise EditRefused("the passage to be replaced is not in the file")
    ratios = sorted(_measure_likeness(lines, wanted), key=lambda pair: -pair[0])
    best = ratios[0] if ratios else (0.0, PassageSpan(0, 0))
    apart = [ratio for ratio, place in ratios if abs(place.start - best[1].start) >= len(wanted)]
    if best[0] >= _MIN_LIKENESS and (
        best[0] - max(apart, default=0.0) >= _MIN_MARGIN or best[1].has_any_line(likely_lines)
    ):
        return best[1]
    near = " / ".join(line.strip() for line in lines[best[1].start : best[1].end][:3])
    raise EditRefused(f"the passage to be replaced is not in the file; nearest is: {near[:160]}")


def _measure_likeness(lines: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[float, PassageSpan]]:
    """Measure how much each passage of as many lines is alike, where its first estimate is not hopeless."""
    matcher = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2("\n".join(line.strip() for line in wanted))
    for at in range(len(lines) - len(wanted) + 1):
        matcher.set_seq1("\n".join(line.strip() for line in lines[at : at + len(wanted)]))
        if matcher.real_quick_ratio() >= _MIN_ESTIMATE and matcher.quick_ratio() >= _MIN_ESTIMATE:
            yield matcher.ratio(), PassageSpan(at, at + len(wanted))


_MIN_ESTIMATE = 0.6


def _shift_lines(new: Sequence[str], wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    """Indent the replacement by as much more or less as the passage is in the source."""
    quoted, real = _find_common_indent(wanted), _find_common_indent(found)
    if quoted == real:
        return list(new)
    return [real + line[len(quoted) :] if line.startswith(quoted) and line.strip() else line for line in new]
