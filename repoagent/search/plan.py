"""What is worked on: the plan, made of the localisation after the reproduction, and what a person makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from repoagent.domain import Location, Plan, PlannedFile, Spec, WorkItem
from repoagent.index.build import Index
from repoagent.languages import Capability, has_capability, is_test_path, language_of


def select_targets(locations: Sequence[Location], index: Index) -> list[Location]:
    """Those that name a function, method or class, of no test: what the generators work on."""
    return [location for location in locations if _is_target(location, index)]


def select_modules(locations: Sequence[Location]) -> list[Location]:
    """Those that name a module, of no test, in a language that can be divided into statements."""
    modules = [each for each in locations if not each.symbol and _is_code(each.path)]
    return [each for each in modules if has_capability(each.path, Capability.STATEMENT_RANGES)]


def make_plan(targets: Sequence[Location], spec: Spec, commands: tuple[str, ...]) -> Plan:
    """The plan to change `targets` so that `spec` holds, judged by `commands`."""
    paths = dict.fromkeys(target.path for target in targets)
    return Plan(tuple(_plan_file(path, targets, spec) for path in paths), commands)


def find_planned(plan: Plan, locations: Sequence[Location], index: Index) -> list[Location]:
    """What the plan names, in its order, with what the localisation knows of it; what does not exist, or is in a
    language that nothing can be written in, is left out."""
    known = {(location.path, location.symbol): location for location in locations}
    writable = [name for name in plan.list_symbols() if language_of(name[0])]
    return [location for name in writable if (location := known.get(name) or _locate(*name, index))]


def add_plan_steps(spec: Spec, plan: Plan, item: WorkItem) -> Spec:
    """The spec, and with it the steps that a person wrote into the plan for the files that are worked on."""
    paths = {item.target.path, *(other.path for other in item.others)}
    planned = [file for file in plan.files if file.path in paths and file.symbols]
    steps = [step for file in planned if file.steps != write_steps(file.symbols[0], spec) for step in file.steps]
    return replace(spec, proposed=(*spec.proposed, *dict.fromkeys(steps))) if steps else spec


def write_steps(symbol: str, spec: Spec) -> tuple[str, ...]:
    """The steps of a plan for one function: what it shall do in the end."""
    bullets = spec.proposed or ("what the issue asks for holds",)
    return tuple(f"Change `{symbol}` so that: {bullet}" for bullet in bullets)


def _plan_file(path: str, targets: Sequence[Location], spec: Spec) -> PlannedFile:
    symbols = tuple(target.symbol for target in targets if target.path == path)
    return PlannedFile(path, "edit", symbols, write_steps(symbols[0], spec))


def _is_target(location: Location, index: Index) -> bool:
    symbol = index.get_symbol(location.path, location.symbol)
    return symbol is not None and (symbol.is_function or symbol.is_type) and _is_code(location.path)


def _is_code(path: str) -> bool:
    return language_of(path) is not None and not is_test_path(path)


def find_missing_capabilities(paths: Iterable[str]) -> dict[str, frozenset[Capability]]:
    """What cannot be done for the languages of files, by path."""
    found = ((path, language_of(path)) for path in paths)
    return {path: frozenset(Capability) - (language.capabilities if language else set()) for path, language in found}


def _locate(path: str, symbol: str, index: Index) -> Location | None:
    found = index.get_symbol(path, symbol)
    return Location(path, symbol, found.start, found.end, reasons=("named in the plan",)) if found else None
