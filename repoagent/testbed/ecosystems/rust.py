"""Rust: cargo, with the distribution's compiler."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repoagent.testbed.checks import Check
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, ways_of
from repoagent.testbed.override import Override
from repoagent.testbed.reading import table
from repoagent.testbed.running.cargo import Cargo
from repoagent.testbed.tree import Tree
from repoagent.testbed.ways import Setup, resource

_MANIFESTS = (
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    ".cargo/config",
    "rust-toolchain",
    "rust-toolchain.toml",
)
_MOST_READ = 1000


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect a Rust package or workspace by `Cargo.toml` in the root."""
    manifest = tree.toml("Cargo.toml")
    if not tree.has("Cargo.toml") and override.language != "rust":
        return None
    members = tree.matching("*/Cargo.toml")
    return Codebase(
        language="rust",
        ways=ways_of(
            tree, "rust", (*_MANIFESTS, *members), override, lambda context, _origin: (_way(context, manifest),)
        ),
        runner=Cargo(bool(table(manifest, "workspace").get("members"))),
        tool="cargo test",
        command="cargo test",
        test_files=_test_files(tree),
        declared=True,
        override=override,
        checks=(Check("cargo check", "cargo check --offline --quiet --all-targets --message-format short"),),
        packager="Cargo.toml",
    )


def _test_files(tree: Tree) -> tuple[str, ...]:
    """Find integration tests, and sources with tests inside."""
    sources = tree.matching("*.rs")[:_MOST_READ]
    tests = [f for f in sources if f.startswith("tests/") or "/tests/" in f]
    inside = [f for f in sources if f not in tests and "#[test]" in tree.text(f)]
    return tuple(sorted([*(f for f in tests if "#[test]" in tree.text(f)), *inside]))


def _way(context: PlanContext, manifest: Mapping[str, object]) -> Setup:
    edition = table(manifest, "package").get("edition")
    return context.make_plan(
        name="Rust of the distribution",
        steps=tuple(_steps(context.tree)),
        packages=("cargo", "rustc", "pkg-config"),
        why=(f"Cargo.toml names edition {edition}",) if isinstance(edition, str) else ("it has a Cargo.toml",),
        newest=True,
        tools=(resource("ecosystems/rust.sh"),),
    )


def _steps(tree: Tree) -> Iterator[str]:
    locked = "--locked" if tree.has("Cargo.lock") else ""
    yield f"needed 'the crates: they come from crates.io or its mirror, or lie in vendor/' crates {locked}"
    yield "settle"
    yield "optional 'compiling all tests' cargo test --offline --quiet --no-run"
    yield "true"
