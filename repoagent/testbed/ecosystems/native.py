"""C and C++: CMake with ctest, meson, autotools, and Makefiles with a target `check` or `test`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repoagent.testbed.build_plan import BuildPlan, read_resource
from repoagent.testbed.ecosystems.base import Codebase, PlanContext, make_planner
from repoagent.testbed.override import Override
from repoagent.testbed.running.base import SuiteRunner
from repoagent.testbed.running.native import CMAKE, MESON, MakeRunner, NativeRunner
from repoagent.testbed.tree import Tree

PACKAGES = (
    "autoconf",
    "automake",
    "build-essential",
    "cmake",
    "libtool",
    "meson",
    "ninja-build",
    "pkg-config",
)
"""One set for all, so that all share an image."""

LIBRARIES = {
    "boost": "libboost-all-dev",
    "bzip2": "libbz2-dev",
    "catch2": "catch2",
    "check": "check",
    "cmocka": "libcmocka-dev",
    "curl": "libcurl4-openssl-dev",
    "doctest": "doctest-dev",
    "expat": "libexpat1-dev",
    "fmt": "libfmt-dev",
    "gtest": "libgtest-dev",
    "jpeg": "libjpeg-dev",
    "libarchive": "libarchive-dev",
    "libcurl": "libcurl4-openssl-dev",
    "libevent": "libevent-dev",
    "libuv": "libuv1-dev",
    "libxml": "libxml2-dev",
    "libxml2": "libxml2-dev",
    "lua": "liblua5.4-dev",
    "lz4": "liblz4-dev",
    "ncurses": "libncurses-dev",
    "curses": "libncurses-dev",
    "openssl": "libssl-dev",
    "pcre2": "libpcre2-dev",
    "png": "libpng-dev",
    "readline": "libreadline-dev",
    "sqlite3": "libsqlite3-dev",
    "yaml": "libyaml-dev",
    "zlib": "zlib1g-dev",
    "zstd": "libzstd-dev",
}
"""The distribution's packages for what builds look for most (`find_package`, `pkg_check_modules`, `dependency`)."""

_SOURCES = ("*.c", "*.cc", "*.cpp", "*.cxx", "*.h", "*.hpp")
_TEST = re.compile(
    r"(^|/)(tests?|unit[-_]?tests?|check)/.*\.(c|cc|cpp|cxx)$|(^|[/_-])tests?[^/]*\.(c|cc|cpp|cxx)$", re.IGNORECASE
)
_LOOKED_FOR = re.compile(
    r"find_package\s*\(\s*(\w+)|pkg_(?:check|search)_modules?\s*\(([^)]*)\)|dependency\(\s*'([\w.+-]+)'"
    r"|PKG_CHECK_MODULES\(\s*\[?\w+\]?\s*,([^)]*)\)"
)
_OPTION = re.compile(r"option\s*\(\s*(\w*TEST\w*)\s+(?:\"[^\"]*\"\s+)?OFF\b", re.IGNORECASE)
_UNWANTED = re.compile(
    r"FUZZ|BENCH|COVERAGE|VALGRIND|SANIT|INSTALL|PERF|DISABLE|NO_|SKIP|WITHOUT|LONG|SLOW|NETWORK", re.IGNORECASE
)
_CTEST = re.compile(r"enable_testing|add_test|\bCTest\b|_discover_tests", re.IGNORECASE)
_TARGET = re.compile(r"^(check|test|tests)\s*:(?!=)", re.MULTILINE)


@dataclass(frozen=True)
class _BuildSystem:
    """One of the build systems, as a repository uses it."""

    name: str
    manifests: tuple[str, ...]
    runner: SuiteRunner
    steps: tuple[str, ...]
    why: str


def find(tree: Tree, override: Override) -> Codebase | None:
    """Detect the first of the build systems that has both a build and tests here."""
    tool = next(_detect_build_systems(tree), None)
    if tool is None:
        return None
    sources = tree.find_matching(*_SOURCES)
    manifests = tuple(
        f for f in tree.files if f.rpartition("/")[2] in {*tool.manifests, "CMakeLists.txt", "Makefile.am"}
    )
    return Codebase(
        language="native",
        plan_builds=make_planner(
            tree, "native", manifests, override, lambda context, _origin: (_plan_build(context, tool),)
        ),
        runner=tool.runner,
        tool=tool.name,
        command=tool.name,
        test_files=tuple(f for f in sources if _TEST.search(f)),
        declared=bool(sources),
        override=override,
        packager=tool.why,
    )


def _detect_build_systems(tree: Tree) -> Iterator[_BuildSystem]:
    if tree.has_file("CMakeLists.txt") and re.search(
        r"enable_testing|add_test|CTest|_discover_tests", _read_cmake(tree), re.IGNORECASE
    ):
        options = " ".join(f"-D{name}=ON" for name in _find_test_options(tree))
        configure = f"needed 'configuring' cmake_configure {options}".rstrip()
        yield _BuildSystem(
            "ctest", ("CMakeLists.txt",), NativeRunner(CMAKE), (configure, *_compile(CMAKE.build)), "CMakeLists.txt"
        )
    if tree.has_file("meson.build"):
        steps = ("needed 'configuring' meson setup .repoagent-build", *_compile(MESON.build))
        yield _BuildSystem(
            "meson test", ("meson.build", "meson_options.txt"), NativeRunner(MESON), steps, "meson.build"
        )
    if tree.find_first("configure", "configure.ac"):
        manifests = ("configure", "configure.ac", "Makefile.in")
        runner = MakeRunner("check", build="make -j2")
        yield _BuildSystem(
            "make check", manifests, runner, ("needed 'configuring' autotools", *_compile(runner.build)), "configure"
        )
    makefile = tree.find_first("GNUmakefile", "makefile", "Makefile")
    if match := _TARGET.search(tree.read_text(makefile)):
        runner = MakeRunner(match[1], build="make -j2" if _has_default(tree.read_text(makefile)) else "")
        yield _BuildSystem(f"make {match[1]}", (makefile,), runner, _compile(runner.build), makefile)


def _has_default(makefile: str) -> bool:
    """Whether `make` alone builds something; in some projects it runs the tests, or installs."""
    first = re.search(r"^([A-Za-z][\w.-]*)\s*:(?!=)", makefile, re.MULTILINE)
    return bool(first) and (first[1] if first else "") not in {"check", "test", "tests", "install", "help", "clean"}


def _compile(command: str) -> tuple[str, ...]:
    return ("settle", f"needed 'compiling' sh -c '{command}'") if command else ("settle",)


def _read_cmake(tree: Tree) -> str:
    return "\n".join(tree.read_text(name) for name in tree.find_matching("CMakeLists.txt", "*/CMakeLists.txt")[:100])


def _find_test_options(tree: Tree) -> list[str]:
    """List the options that switch tests on and are off by default, without those for slow or special tests."""
    found = _OPTION.findall(_read_cmake(tree))
    return list(dict.fromkeys(name for name in found if not _UNWANTED.search(name)))


def _plan_build(context: PlanContext, tool: _BuildSystem) -> BuildPlan:
    text = "\n".join(context.tree.read_text(name) for name in [*context.manifests[:100], "configure.ac", "meson.build"])
    libraries = sorted({package for name in _find_libraries(text) if (package := LIBRARIES.get(name))})
    why = [f"{tool.why} says how to build it"]
    why += [f"it looks for libraries, so {', '.join(libraries)} are installed"] if libraries else []
    return context.make_plan(
        name=f"C and C++ by {tool.name}",
        steps=(*tool.steps, "true"),
        packages=(*PACKAGES, *libraries),
        why=tuple(why),
        tools=(read_resource("ecosystems/native.sh"),),
    )


def _find_libraries(text: str) -> Iterator[str]:
    for match in _LOOKED_FOR.finditer(text):
        for name in re.findall(r"[\w.+-]+", " ".join(part for part in match.groups() if part)):
            yield re.sub(r"^(lib)?(z)$", "zlib", re.sub(r"[-_]?[\d.]+$", "", name.lower()) or name.lower())
