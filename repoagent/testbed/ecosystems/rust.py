"""Rust: cargo, with the distribution's compiler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repoagent.testbed.build_plan import BuildPlan, read_resource
from repoagent.testbed.checks import ProjectCheck
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, make_planner
from repoagent.testbed.override import Override
from repoagent.testbed.reading import get_table
from repoagent.testbed.running.cargo import CargoRunner
from repoagent.testbed.tree import Tree

_MANIFESTS = (
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain",
    "rust-toolchain.toml",
)
_MAX_READ = 1000


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect a Rust package or workspace by `Cargo.toml` in the root."""
    manifest = tree.read_toml("Cargo.toml")
    if not tree.has_file("Cargo.toml") and override.language != "rust":
        return None
    members = tree.find_matching("*/Cargo.toml")
    return Codebase(
        language="rust",
        plan_builds=make_planner(
            tree, "rust", (*_MANIFESTS, *members), override, lambda context, _origin: (_plan_build(context, manifest),)
        ),
        runner=CargoRunner(bool(get_table(manifest, "workspace").get("members"))),
        tool="cargo test",
        command="cargo test",
        test_files=_find_test_files(tree),
        declared=True,
        override=override,
        checks=(ProjectCheck("cargo check", "cargo check --offline --quiet --all-targets --message-format short"),),
        packager="Cargo.toml",
    )


def _find_test_files(tree: Tree) -> tuple[str, ...]:
    """Find integration tests, and sources with tests inside."""
    sources = tree.find_matching("*.rs")[:_MAX_READ]
    tests = [f for f in sources if f.startswith("tests/") or "/tests/" in f]
    inside = [f for f in sources if f not in tests and "#[test]" in tree.read_text(f)]
    return tuple(sorted([*(f for f in tests if "#[test]" in tree.read_text(f)), *inside]))


def _plan_build(context: PlanContext, manifest: Mapping[str, object]) -> BuildPlan:
    edition = get_table(manifest, "package").get("edition")
    return context.make_plan(
        name="Rust of the distribution",
        steps=tuple(_list_steps(context.tree)),
        packages=("cargo", "rustc", "pkg-config"),
        why=(f"Cargo.toml names edition {edition}",) if isinstance(edition, str) else ("it has a Cargo.toml",),
        newest=True,
        tools=(read_resource("ecosystems/rust.sh"),),
    )


def _list_steps(tree: Tree) -> Iterator[str]:
    locked = "--locked" if tree.has_file("Cargo.lock") else ""
    yield f"needed 'the crates: they come from crates.io or its mirror, or lie in vendor/' crates {locked}"
    yield "settle"
    yield "optional 'compiling all tests' cargo test --offline --quiet --no-run"
    yield "true"
