"""Resolve imports of other languages than Python to files: by paths and by the names of packages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from posixpath import dirname, normpath
from typing import Final

from repoagent.index.model import Import
from repoagent.index.reading.languages import detect_language

MAX_TARGETS = 50
"""Files that one import may mean, at most; a package with more is imported as a whole, and means none in particular."""

_SCRIPTS: Final = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")


class PathIndex:
    """Finds files among `paths` by the ends of their paths."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._all = frozenset(paths)
        self._by_name: dict[str, list[str]] = {}
        self._by_folder: dict[str, list[str]] = {}
        for path in sorted(self._all):
            folder, _, name = path.rpartition("/")
            self._by_name.setdefault(name, []).append(path)
            self._by_folder.setdefault(folder, []).append(path)

    def resolve_import(self, item: Import) -> tuple[str, ...]:
        """Find the files that an import reads; empty for what is not of this repository, or cannot be decided."""
        language = detect_language(item.path)
        find = {
            **dict.fromkeys(("javascript", "typescript", "tsx"), self._resolve_script),
            **dict.fromkeys(("java", "kotlin"), self._resolve_jvm),
            **dict.fromkeys(("c", "cpp"), self._resolve_header),
            "go": self._resolve_go,
            "rust": self._resolve_rust,
            "ruby": self._resolve_ruby,
            "php": self._resolve_php,
        }.get(language.name if language else "")
        found = tuple(dict.fromkeys(find(item))) if find else ()
        return found if len(found) <= MAX_TARGETS else ()

    def _resolve_script(self, item: Import) -> Iterator[str]:
        if not item.module.startswith("."):
            return
        base = _join_paths(item.path, item.module)
        stem = base.removesuffix(".js").removesuffix(".jsx").removesuffix(".mjs")
        names = (base, *(stem + ending for ending in _SCRIPTS), *(f"{base}/index{ending}" for ending in _SCRIPTS))
        yield from list(filter(self._all.__contains__, names))[:1]

    def _resolve_header(self, item: Import) -> Iterator[str]:
        near = _join_paths(item.path, item.module)
        if near in self._all:
            yield near
        else:
            found = self._find_by_ending(item.module.split("/"))
            yield from found if len(found) == 1 else ()

    def _resolve_jvm(self, item: Import) -> Iterator[str]:
        parts = item.module.split(".")
        for ending in (".java", ".kt"):
            if item.name != "*":
                yield from self._find_by_ending([*parts, item.name + ending])
            yield from self._find_by_ending([*parts[:-1], parts[-1] + ending])  # a static member, or a nested class
            if item.name == "*":
                yield from (path for path in self._list_folder(parts) if path.endswith(ending))

    def _resolve_go(self, item: Import) -> Iterator[str]:
        parts = item.module.split("/")
        for start in range(len(parts)):
            found = [path for path in self._list_folder(parts[start:]) if path.endswith(".go")]
            if found:
                yield from found
                return

    def _resolve_rust(self, item: Import) -> Iterator[str]:
        parts = [part for part in item.module.split("::") if part]
        if not parts or parts[0] not in {"crate", "self", "super"}:
            return
        base = _find_module_folder(item.path)
        while parts and parts[0] in {"self", "super"}:
            base = dirname(base) if parts.pop(0) == "super" else base
        if parts[:1] == ["crate"]:
            parts, base = parts[1:], _find_crate_folder(item.path)
        for names in ([*parts, item.name], parts):
            stem = "/".join(filter(None, [base, *names]))
            found = [path for path in (f"{stem}.rs", f"{stem}/mod.rs") if path in self._all]
            if found:
                yield found[0]
                return

    def _resolve_ruby(self, item: Import) -> Iterator[str]:
        name = item.module if item.module.endswith(".rb") else f"{item.module}.rb"
        if item.module.startswith("."):
            near = _join_paths(item.path, name)
            yield from [near] if near in self._all else []
        else:
            yield from self._find_by_ending(["lib", *name.split("/")])

    def _resolve_php(self, item: Import) -> Iterator[str]:
        if item.name == "*":
            near = _join_paths(item.path, item.module.lstrip("/"))
            yield from [near] if near in self._all else []
            return
        parts = [*item.module.split("\\"), f"{item.name}.php"]
        for start in range(len(parts)):
            if found := self._find_by_ending(parts[start:]):
                yield from found if len(found) == 1 else ()
                return

    def _find_by_ending(self, parts: Sequence[str]) -> list[str]:
        """Find the files whose path ends with these parts."""
        tail = "/".join(parts)
        named = self._by_name.get(parts[-1].rpartition("/")[2], ())
        return [path for path in named if path == tail or path.endswith(f"/{tail}")]

    def _list_folder(self, parts: Sequence[str]) -> list[str]:
        """List the files in the folders whose path ends with these parts."""
        tail = "/".join(parts)
        folders = (folder for folder in self._by_folder if folder == tail or folder.endswith(f"/{tail}"))
        return [path for folder in folders for path in self._by_folder[folder]]


def _join_paths(path: str, module: str) -> str:
    return normpath(f"{dirname(path)}/{module}" if dirname(path) else module)


def _find_module_folder(path: str) -> str:
    """Find the folder of the modules inside the Rust file `path`."""
    folder, _, name = path.rpartition("/")
    return folder if name in {"mod.rs", "lib.rs", "main.rs"} else path.removesuffix(".rs")


def _find_crate_folder(path: str) -> str:
    """Find the source folder of the crate that `path` is part of."""
    parts = path.split("/")[:-1]
    return "/".join(parts[: parts.index("src") + 1]) if "src" in parts else "/".join(parts)
