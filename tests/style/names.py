"""Count how the code names things, and hold the counts: they may only get better.

`python tests/style/names.py` prints the counts, `--list repoagent/index` what stands behind them below a path,
`--packages` a table of packages, `--update` writes the counts down once they got better.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
COUNTS = HERE / "counts.json"
FUNCTION_ROOTS = ("repoagent", "tools", "prompts")
CLASS_ROOTS = (*FUNCTION_ROOTS, "benchmarks")

MAX_MEDIAN_LINES = 9
PREDICATES = frozenset({"is", "has", "can", "should", "needs", "may", "was", "does"})
PROPERTIES = frozenset({"property", "cached_property", "functools.cached_property"})
VISITORS = ("visit_", "leave_", "generic_visit")
# Entry points are named by convention.
APART = frozenset({"main"})


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method where it is defined."""

    path: str
    line: int
    qualified_name: str
    lines: int
    is_property: bool
    is_fixture: bool

    @property
    def name(self) -> str:
        """The name without its owners."""
        return self.qualified_name.rpartition(".")[2]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name, without underscores around it."""
        return tuple(word for word in self.name.split("_") if word)

    @property
    def is_named_freely(self) -> bool:
        """Whether the rules for functions apply: values, dunders, visitors, fixtures and entry points are apart."""
        dunder = self.name.startswith("__") and self.name.endswith("__")
        apart = self.is_property or self.is_fixture or dunder or self.name in APART
        return bool(self.words) and not apart and not self.name.startswith((*VISITORS, "from_"))


@dataclass(frozen=True, slots=True)
class Owner:
    """A class, or an alias of a type, where it is defined."""

    path: str
    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What is held: the first two may only fall, the third may only rise."""

    participle_functions: int
    class_names_with_several_owners: int
    verb_first_percent: int


@dataclass(frozen=True, slots=True)
class Names:
    """All names of a tree."""

    functions: tuple[Function, ...]
    owners: tuple[Owner, ...]
    verbs: frozenset[str]
    verbs_with_object: frozenset[str]

    @property
    def free_functions(self) -> tuple[Function, ...]:
        """The functions that the rules apply to."""
        return tuple(each for each in self.functions if each.is_named_freely)

    @property
    def participles(self) -> tuple[Function, ...]:
        """Functions that are named by a bare participle."""
        return tuple(each for each in self.free_functions if is_participle(each.words))

    @property
    def verbless(self) -> tuple[Function, ...]:
        """Functions whose first word is neither a verb in its base form nor a predicate."""
        return tuple(each for each in self.free_functions if not self.is_verb_first(each.words))

    @property
    def shared_classes(self) -> dict[str, tuple[Owner, ...]]:
        """Class names that are defined more than once."""
        owners: dict[str, list[Owner]] = defaultdict(list)
        for owner in self.owners:
            owners[owner.name].append(owner)
        return {name: tuple(found) for name, found in sorted(owners.items()) if len(found) > 1}

    @property
    def median_lines(self) -> float:
        """The median length of a function, in lines, its signature included."""
        return statistics.median(each.lines for each in self.functions)

    @property
    def verb_share(self) -> float:
        """The share of functions that begin with a verb, in percent."""
        return 100 * (1 - len(self.verbless) / len(self.free_functions))

    @property
    def counts(self) -> Counts:
        """What is held."""
        return Counts(len(self.participles), len(self.shared_classes), int(self.verb_share))

    def is_verb_first(self, words: Sequence[str]) -> bool:
        """Whether a name begins with a verb or a predicate; what may be a noun, too, needs an object."""
        first, *rest = (word.lower() for word in words)
        if first in self.verbs_with_object:
            return bool(rest) and rest[0] != "of"  # `name_of`: the word before was a noun
        return first in self.verbs or (first in PREDICATES and bool(rest))


def is_participle(words: Sequence[str]) -> bool:
    """Whether a name is one participle and nothing else."""
    word = words[0].lower()
    if len(words) != 1 or word in read_words("no_participles.txt"):
        return False
    return word in read_words("irregular_participles.txt") or (len(word) > 3 and word.endswith(("ed", "ing")))


@cache
def read_words(name: str) -> frozenset[str]:
    """Read a list of words beside this file, one a line; a line that begins with `#` is a remark."""
    lines = (HERE / name).read_text().splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def read_names(root: Path) -> Names:
    """Read every name below a root; `verbs.txt` beside this file says what a verb is."""
    words = read_words("verbs.txt")
    functions, owners = list[Function](), list[Owner]()
    for folder in CLASS_ROOTS:
        for path in sorted((root / folder).rglob("*.py")):
            tree, name = ast.parse(path.read_bytes()), path.relative_to(root).as_posix()
            owners.extend(_find_owners(tree, name))
            if folder in FUNCTION_ROOTS:
                functions.extend(_find_functions(tree, name))
    return Names(
        functions=tuple(functions),
        owners=tuple(owners),
        verbs=frozenset(word for word in words if not word.endswith(" …")),
        verbs_with_object=frozenset(word.removesuffix(" …") for word in words if word.endswith(" …")),
    )


def compare_counts(recorded: Counts, counted: Counts) -> list[str]:
    """Say what got worse and what got better, one sentence each."""
    sentences = []
    for name, falling in (
        ("participle_functions", True),
        ("class_names_with_several_owners", True),
        ("verb_first_percent", False),
    ):
        before, now = getattr(recorded, name), getattr(counted, name)
        if before != now:
            worse = (now > before) == falling
            sentences.append(f"{name}: {'worse' if worse else 'better'}, {now} where {before} is written down")
    return sentences


def read_counts() -> Counts:
    """Read the counts that are written down."""
    return Counts(**json.loads(COUNTS.read_text()))


def _find_owners(tree: ast.Module, path: str) -> Iterator[Owner]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield Owner(path, node.lineno, node.name)
    for node in tree.body:
        target = _find_target(node)
        if target and target.lstrip("_")[:1].isupper() and not target.isupper():
            yield Owner(path, node.lineno, target)


def _find_target(node: ast.stmt) -> str:
    """The name that a statement of a module assigns, or nothing."""
    if isinstance(node, ast.Assign):
        target: ast.expr = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return ""
    return target.id if isinstance(target, ast.Name) else ""


def _find_functions(node: ast.AST, path: str, owner: str = "") -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        name = owner
        if isinstance(child, ast.ClassDef):
            name = f"{owner}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{owner}{child.name}."
            decorators = [ast.unparse(each) for each in child.decorator_list]
            yield Function(
                path=path,
                line=child.lineno,
                qualified_name=name[:-1],
                lines=(child.end_lineno or child.lineno) - child.lineno + 1,
                is_property=any(each in PROPERTIES or each.endswith(".setter") for each in decorators),
                is_fixture=any("fixture" in each for each in decorators),
            )
        yield from _find_functions(child, path, name)


def _list_offenders(names: Names, below: str) -> None:
    print(f"# bare participles below {below}")
    for each in names.participles:
        if each.path.startswith(below):
            print(f"{each.path}:{each.line}\t{each.qualified_name}")
    print("\n# class names with several owners")
    for name, owners in names.shared_classes.items():
        if any(owner.path.startswith(below) for owner in owners):
            print(name + "\t" + "  ".join(f"{owner.path}:{owner.line}" for owner in owners))
    print("\n# functions that begin with no verb (of `verbs.txt`; `word …` there counts with an object only)")
    participles = set(names.participles)
    for each in names.verbless:
        if each.path.startswith(below) and each not in participles:
            print(f"{each.path}:{each.line}\t{each.qualified_name}")


def _list_packages(names: Names) -> None:
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    participles, verbless = set(names.participles), set(names.verbless)
    for each in names.free_functions:
        row = rows["/".join(each.path.split("/")[:2])]
        row[0] += 1
        row[1] += each in participles
        row[2] += each not in verbless
    for owners in names.shared_classes.values():
        for package in {"/".join(owner.path.split("/")[:2]) for owner in owners}:
            rows[package][3] += 1
    print(f"{'package':32}{'functions':>10}{'participle':>11}{'verb first':>11}{'shared classes':>15}")
    for package, (functions, participle, verb, classes) in sorted(rows.items()):
        share = f"{verb / functions:.0%}" if functions else "-"
        print(f"{package:32}{functions:10}{participle:11}{share:>11}{classes:15}")


def main() -> int:
    """Print, list or write down the counts of a tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=HERE.parents[1], help="the tree to read")
    parser.add_argument("--list", metavar="PATH", help="list what could be named better below this path")
    parser.add_argument("--packages", action="store_true", help="count by package")
    parser.add_argument("--update", action="store_true", help="write the counts down, if none got worse")
    parser.add_argument("--force", action="store_true", help="write them down even so")
    options = parser.parse_args()
    names = read_names(options.root)
    if options.list is not None:
        _list_offenders(names, options.list)
        return 0
    if options.packages:
        _list_packages(names)
    print(
        f"{len(names.functions)} functions, {len(names.free_functions)} named freely: "
        f"{len(names.participles)} by a bare participle, {names.verb_share:.1f} % begin with a verb, "
        f"median {names.median_lines:g} lines; {len(names.shared_classes)} class names with several owners"
    )
    if options.update:
        worse = [each for each in compare_counts(read_counts(), names.counts) if "worse" in each]
        if worse and not options.force:
            print("\n".join(worse), file=sys.stderr)
            return 1
        COUNTS.write_text(json.dumps(asdict(names.counts), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
