"""What `run.py` measures as processes of their own: `python pieces.py floor|build|find …`."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def floor(tree: str, count: str, what: str) -> None:
    """Parse all Python files below `tree` in `count` processes, with `query` run our query too: the least there is."""
    if count != "1":
        shares = [(sys.executable, __file__, "share", tree, count, str(n), what) for n in range(int(count))]
        processes = [subprocess.Popen(share) for share in shares]
        if any(process.wait() for process in processes):
            raise SystemExit("a share failed")
        return
    share(tree, "1", "0", what)


def share(tree: str, count: str, number: str, what: str) -> None:
    """One share of it."""
    from tree_sitter import Parser, Query, QueryCursor

    from repoagent.index.reading.languages import detect_language, load_grammar, read_query

    language = detect_language("a.py")
    if language is None:
        raise SystemExit("there is no Python")
    gc.disable()
    parser = Parser(load_grammar(language))
    query = Query(load_grammar(language), read_query(language))
    for path in sorted(Path(tree).rglob("*.py"))[int(number) :: int(count)]:
        root = parser.parse(path.read_bytes()).root_node
        if what == "query":
            QueryCursor(query).captures(root)


def build(tree: str, cache: str) -> None:
    """The whole index, into the file `cache`."""
    from repoagent.index.build import Index

    if Index.build(Path(tree), Path(cache)).files.pending:
        raise SystemExit("not all was read")


def find(tree: str, cache: str) -> None:
    """Where something is defined, in a tree of which nothing was read before."""
    from repoagent.index.build import Index

    index = Index.open(Path(tree), Path(cache))
    print(index.find_symbols("get_queryset") or index.find_symbols("main"))


if __name__ == "__main__":
    pieces: dict[str, Callable[..., None]] = {"floor": floor, "share": share, "build": build, "find": find}
    pieces[sys.argv[1]](*sys.argv[2:])
