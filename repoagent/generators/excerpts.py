"""Excerpts of files for a model that may edit several at once: whole functions, and the lines at module level that
they need."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repoagent.domain import Location
from repoagent.edits import EditRefused
from repoagent.edits.encoding import shown
from repoagent.edits.syntax import first_line, last_line, lines_of, parse
from repoagent.index.build import Index

_HEAD = 40
"""Lines at module level of one file that are shown at most."""
_CLASS = 12
"""Lines of a class above its first method that are shown at most."""
_IMPORTED = 4
"""Modules whose names the functions use that are shown at most."""


@dataclass(frozen=True)
class Passages:
    """The excerpts of one file that are shown, and may be changed."""

    path: str
    source: str
    """The text of the whole file."""
    spans: tuple[tuple[int, int], ...]
    """First and last line of each part, in their order, without overlaps."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The parts, as a model is to see them."""
        lines = lines_of(shown(self.source))
        return tuple("".join(lines[first - 1 : last]).rstrip("\n") for first, last in self.spans)


def passages(index: Index, read: Callable[[str], str], places: Sequence[Location], issue: str) -> tuple[Passages, ...]:
    """Collect excerpts of the files of `places` in their order, then of the modules of the repository whose names those
    use.

    A place that names a function or a class is shown whole; one that names a module, as far as its head goes. Files
    that are not Python, or do not parse, are left out.
    """
    paths = list(dict.fromkeys(place.path for place in places if place.path.endswith(".py")))
    texts = {path: read(path) for path in (*paths, *_imported(index, paths))}
    words = frozenset(re.findall(r"\w+", " ".join([issue, *_bodies(texts, places)])))
    found = (_of_file(path, text, places, words) for path, text in texts.items())
    return tuple(each for each in found if each and (each.spans and (each.path in paths or _defines(each, words))))


def _imported(index: Index, paths: Sequence[str]) -> list[str]:
    """List modules of the repository that the files take names from."""
    facts = filter(None, map(index.file, paths))
    targets = (target for each in facts for item in each.imports for target in index.targets(item))
    return [path for path in dict.fromkeys(targets) if path not in paths and path.endswith(".py")][:_IMPORTED]


def _bodies(texts: dict[str, str], places: Sequence[Location]) -> Iterator[str]:
    for place in places:
        if place.symbol and place.path in texts:
            yield "".join(lines_of(texts[place.path])[place.start - 1 : place.end])


def _of_file(path: str, source: str, places: Sequence[Location], words: frozenset[str]) -> Passages | None:
    """Take from one file the definitions of `places`, the heads of their classes, and the file's head; None where it
    does not parse."""
    try:
        tree = parse(source)
    except EditRefused:
        return None
    own = [(place.start, place.end) for place in places if place.path == path and place.symbol]
    around = [span for span in own for span in _class_around(tree, span[0])]
    return Passages(path, source, _joined([*own, *around, *_head(tree, words)]))


def _defines(file: Passages, words: frozenset[str]) -> bool:
    """Return whether an excerpt assigns one of `words`: whether it is shown for more than its imports."""
    names = (n.id for t in file.texts for n in _assigned(t))
    return any(name in words for name in names)


def _assigned(text: str) -> Iterator[ast.Name]:
    try:
        body = parse(text).body
    except EditRefused:
        return
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target for target in targets if isinstance(target, ast.Name))


def _head(tree: ast.Module, words: frozenset[str]) -> list[tuple[int, int]]:
    """Choose statements at module level: those that bind a name which is spoken of or used, and imports, as far as
    there is room."""
    nodes = [
        n for n in tree.body if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Expr)
    ]
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    used = [n for n in nodes if n not in imports and words & {m.id for m in ast.walk(n) if isinstance(m, ast.Name)}]
    found, left = [], _HEAD
    for node in (*used, *imports):
        first, last = first_line(node), last_line(node)
        if last - first < left:
            found.append((first, last))
            left -= last - first + 1
    return found


def _class_around(tree: ast.Module, line: int) -> Iterator[tuple[int, int]]:
    """Yield the lines of the head of the class that holds `line`, down to its first method."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and first_line(node) < line <= last_line(node):
            methods = (first_line(n) for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            yield first_line(node), min(next(methods, line) - 1, first_line(node) + _CLASS)


def _joined(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sort the spans; those that touch become one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)
