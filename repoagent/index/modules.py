"""Which file is which module, and which file an import means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from repoagent.index.model import Import

SOURCE_ROOTS = frozenset({"src", "lib", "python", "source"})
"""Folders at the top that hold packages and are none, where they have no `__init__.py`."""


class Modules:
    """The modules among `paths`, by every dotted name they may be imported under."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = [path for path in paths if path.endswith((".py", ".pyi"))]
        packages = (PurePosixPath(path).parent for path in self._paths if _stem(path) == "__init__")
        self._packages = frozenset(str(folder) for folder in packages)
        self._named = {path: _dotted(path, self._depth(path)) for path in self._paths}
        self._files: dict[str, list[str]] = {}
        for path in self._paths:
            for name in self._names(path):
                self._files.setdefault(name, []).append(path)

    def name(self, path: str) -> str:
        """The dotted name `path` is imported under: from its topmost package, else from its source root."""
        return self._named.get(path) or _dotted(path, self._depth(path))

    def files(self, module: str) -> tuple[str, ...]:
        """The files that an absolute `module` may mean; empty for modules that are not in the repository."""
        return tuple(self._files.get(module, ()))

    def targets(self, item: Import) -> tuple[str, ...]:
        """The files that an import reads: the module, or the submodule that is taken from it."""
        module = self.absolute(item)
        submodules = self.files(f"{module}.{item.name}") if item.name not in {"", "*"} else ()
        return submodules or self.files(module)

    def absolute(self, item: Import) -> str:
        """The dotted name of the module that is imported from, relative imports resolved."""
        dots = len(item.module) - len(item.module.lstrip("."))
        if not dots:
            return item.module
        parts = self.name(item.path).split(".")
        package = parts if item.path.endswith(("__init__.py", "__init__.pyi")) else parts[:-1]
        base = package[: len(package) - (dots - 1)]
        return ".".join([*base, *filter(None, [item.module[dots:]])])

    def split(self, dotted: str) -> Iterator[tuple[str, str]]:
        """The ways to read `dotted` as a file and a name inside it, longest module first."""
        parts = dotted.split(".")
        for size in range(len(parts), 0, -1):
            for path in self.files(".".join(parts[:size])):
                yield path, ".".join(parts[size:])

    def _names(self, path: str) -> set[str]:
        return {self.name(path), _dotted(path, 0)} - {""}

    def _depth(self, path: str) -> int:
        """How many leading folders of `path` are not part of its name."""
        folders = PurePosixPath(path).parts[:-1]
        first = (n for n in range(len(folders)) if "/".join(folders[: n + 1]) in self._packages)
        if folders and folders[0] in SOURCE_ROOTS and folders[0] not in self._packages:
            return 1
        return next(first, 0)


def _dotted(path: str, skip: int) -> str:
    parts = list(PurePosixPath(path).with_suffix("").parts[skip:])
    if parts and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def _stem(path: str) -> str:
    return PurePosixPath(path).stem
