"""Excerpts of files for a model that may edit several at once: whole functions, and the lines at module level that
they need."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from repoagent.domain import Location
from repoagent.edits import EditRefused
from repoagent.edits.encoding import make_readable
from repoagent.index.build import Index
from repoagent.languages import Capability, has_capability, language_of
from repoagent.languages.python.syntax import find_first_line, find_last_line, parse, split_lines

_MAX_HEAD_LINES = 40
"""Lines at module level of one file that are shown at most."""
_MAX_CLASS_LINES = 12
"""Lines of a class above its first method that are shown at most."""
_MAX_IMPORTED_MODULES = 4
"""Modules whose names the functions use that are shown at most."""


@dataclass(frozen=True)
class FileExcerpts:
    """The excerpts of one file that are shown, and may be changed."""

    path: str
    source: str
    """The text of the whole file."""
    spans: tuple[tuple[int, int], ...]
    """First and last line of each part, in their order, without overlaps."""

    @property
    def fence(self) -> str:
        """What a block of its language is marked with."""
        language = language_of(self.path, self.source)
        return language.fences[0] if language else ""

    @property
    def texts(self) -> tuple[str, ...]:
        """The parts, as a model is to see them."""
        lines = split_lines(make_readable(self.source))
        return tuple("".join(lines[first - 1 : last]).rstrip("\n") for first, last in self.spans)


def collect_file_excerpts(
    index: Index, read: Callable[[str], str], places: Sequence[Location], issue: str
) -> tuple[FileExcerpts, ...]:
    """Collect excerpts of the files of `places` in their order, then of the modules of the repository whose names those
    use.

    A place that names a function or a class is shown whole; one that names a module, as far as its head goes, where
    its language can be divided into statements. Files in no known language, or that do not parse, are left out.
    """
    paths = list(dict.fromkeys(place.path for place in places if language_of(place.path)))
    texts = {path: read(path) for path in (*paths, *_find_imported_modules(index, paths))}
    words = frozenset(re.findall(r"\w+", " ".join([issue, *_read_bodies(texts, places)])))
    found = (_excerpt_file(path, text, places, words) for path, text in texts.items())
    return tuple(
        each for each in found if each and (each.spans and (each.path in paths or _has_known_assignment(each, words)))
    )


def _find_imported_modules(index: Index, paths: Sequence[str]) -> list[str]:
    """List modules of the repository that the files take names from."""
    facts = filter(None, map(index.read_facts, paths))
    targets = (target for each in facts for item in each.imports for target in index.resolve_import(item))
    others = (path for path in dict.fromkeys(targets) if path not in paths)
    return [path for path in others if has_capability(path, Capability.STATEMENT_RANGES)][:_MAX_IMPORTED_MODULES]


def _read_bodies(texts: dict[str, str], places: Sequence[Location]) -> Iterator[str]:
    for place in places:
        if place.symbol and place.path in texts:
            yield "".join(split_lines(texts[place.path])[place.start - 1 : place.end])


def _excerpt_file(path: str, source: str, places: Sequence[Location], words: frozenset[str]) -> FileExcerpts | None:
    """Take from one file the definitions of `places`, the heads of their classes, and the file's head; None where it
    does not parse."""
    own = [(place.start, place.end) for place in places if place.path == path and place.symbol]
    if not has_capability(path, Capability.STATEMENT_RANGES):
        return FileExcerpts(path, source, _merge_spans(own))
    try:
        tree = parse(source)
    except EditRefused:
        return None
    around = [span for span in own for span in _find_class_head(tree, span[0])]
    return FileExcerpts(path, source, _merge_spans([*own, *around, *_choose_head(tree, words)]))


def _has_known_assignment(file: FileExcerpts, words: frozenset[str]) -> bool:
    """Return whether an excerpt assigns one of `words`: whether it is shown for more than its imports."""
    names = (n.id for t in file.texts for n in _find_assigned_names(t))
    return any(name in words for name in names)


def _find_assigned_names(text: str) -> Iterator[ast.Name]:
    try:
        body = parse(text).body
    except EditRefused:
        return
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target for target in targets if isinstance(target, ast.Name))


def _choose_head(tree: ast.Module, words: frozenset[str]) -> list[tuple[int, int]]:
    """Choose statements at module level: those that bind a name which is spoken of or used, and imports, as far as
    there is room."""
    nodes = [
        n for n in tree.body if not isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Expr)
    ]
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    used = [n for n in nodes if n not in imports and words & {m.id for m in ast.walk(n) if isinstance(m, ast.Name)}]
    found, left = [], _MAX_HEAD_LINES
    for node in (*used, *imports):
        first, last = find_first_line(node), find_last_line(node)
        if last - first < left:
            found.append((first, last))
            left -= last - first + 1
    return found


def _find_class_head(tree: ast.Module, line: int) -> Iterator[tuple[int, int]]:
    """Yield the lines of the head of the class that holds `line`, down to its first method."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and find_first_line(node) < line <= find_last_line(node):
            methods = (find_first_line(n) for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
            yield find_first_line(node), min(next(methods, line) - 1, find_first_line(node) + _MAX_CLASS_LINES)


def _merge_spans(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sort the spans; those that touch become one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)
