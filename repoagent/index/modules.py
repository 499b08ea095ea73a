"""Map files to modules, and imports to files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repoagent.index.linking import PathIndex
from repoagent.index.model import Import

SOURCE_ROOTS = frozenset({"src", "lib", "python", "source"})
"""Folders at the top that hold packages without being packages, where they have no `__init__.py`."""


class Modules:
    """Finds the modules among `paths` by every dotted name that they may be imported under."""

    def __init__(self, paths: Iterable[str]) -> None:
        every = list(paths)
        self._paths = [path for path in every if path.endswith((".py", ".pyi"))]
        self._others = PathIndex(every)
        self._packages = frozenset(path.rpartition("/")[0] for path in self._paths if _get_stem(path) == "__init__")
        self._name_by_path = {
            path: _format_module_name(path, self._count_skipped_folders(path)) for path in self._paths
        }
        self._files: dict[str, list[str]] = {}
        for path in self._paths:
            for name in self._list_names(path):
                self._files.setdefault(name, []).append(path)

    def derive_module_name(self, path: str) -> str:
        """Derive the dotted name that `path` is imported under: from its topmost package, else from its source root."""
        return self._name_by_path.get(path) or _format_module_name(path, self._count_skipped_folders(path))

    def find_module_files(self, module: str) -> tuple[str, ...]:
        """Find the files that an absolute `module` may mean; empty for modules that are not in the repository."""
        return tuple(self._files.get(module, ()))

    def resolve_import(self, item: Import) -> tuple[str, ...]:
        """Find the files that an import reads: the module, or the submodule that is taken from it."""
        if not item.path.endswith((".py", ".pyi", ".ipynb")):
            return self._others.resolve_import(item)
        module = self.resolve_module_name(item)
        submodules = self.find_module_files(f"{module}.{item.name}") if item.name not in {"", "*"} else ()
        return submodules or self.find_module_files(module)

    def resolve_module_name(self, item: Import) -> str:
        """Resolve the module that is imported from, also by a relative import, to its absolute dotted name."""
        dots = len(item.module) - len(item.module.lstrip("."))
        if not dots:
            return item.module
        parts = self.derive_module_name(item.path).split(".")
        package = parts if item.path.endswith(("__init__.py", "__init__.pyi")) else parts[:-1]
        base = package[: len(package) - (dots - 1)]
        return ".".join([*base, *filter(None, [item.module[dots:]])])

    def list_mentions(self, path: str) -> tuple[str, ...]:
        """List names of which every import of `path` holds at least one."""
        if path.endswith((".py", ".pyi")):
            name = self.derive_module_name(path).rpartition(".")[2]
            return (name, ".") if _get_stem(path) == "__init__" else (name,)
        folder = path.rpartition("/")[0].rpartition("/")[2]
        return tuple(dict.fromkeys(filter(None, (_get_stem(path), folder, path.rpartition("/")[2]))))

    def split_dotted(self, dotted: str) -> Iterator[tuple[str, str]]:
        """Split `dotted` into the longest module that it starts with, as each file it may be, and the rest."""
        module, rest = dotted, ""
        while module:
            if module in self._files:
                yield from ((path, rest) for path in self._files[module])
                return
            module, _, last = module.rpartition(".")
            rest = f"{last}.{rest}" if rest else last

    def _list_names(self, path: str) -> set[str]:
        return {self.derive_module_name(path), _format_module_name(path, 0)} - {""}

    def _count_skipped_folders(self, path: str) -> int:
        """Count the leading folders of `path` that are not part of its name."""
        folders = path.split("/")[:-1]
        if folders and folders[0] in SOURCE_ROOTS and folders[0] not in self._packages:
            return 1
        above = ""
        for depth, folder in enumerate(folders):
            above = f"{above}/{folder}" if above else folder
            if above in self._packages:
                return depth
        return 0


def _format_module_name(path: str, skip: int) -> str:
    parts = path.rpartition(".")[0].split("/")[skip:]
    if parts and parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def _get_stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]
