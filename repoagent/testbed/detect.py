"""Work out how a Python project is packaged and what its tests need, from its manifests; none of it is executed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from repoagent.testbed.hints import REQUIREMENT, hinted
from repoagent.testbed.manifests import Manifests, read_manifests
from repoagent.testbed.override import OVERRIDE_FILE, override_of
from repoagent.testbed.project import Group, Packager, Project, Pytest
from repoagent.testbed.pythons import Wanted, versions_in
from repoagent.testbed.reading import strings, table, text_of
from repoagent.testbed.services import wished
from repoagent.testbed.tree import files_in

_MANIFESTS = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", ".pytest.ini", "PKG-INFO", OVERRIDE_FILE}
)
_FOR_TESTS = re.compile(r"(^|[-_.])(all[-_]?)?(unit)?tests?(ing)?([-_.]|$)|(^|[-_.])pytest([-_.]|$)", re.IGNORECASE)
_FOR_DEVELOPERS = re.compile(r"(^|[-_.])dev(el|elop|elopment|elopers?)?([-_.]|$)", re.IGNORECASE)
_RUNNER_OF_DJANGO = "tests/runtests.py"
_COMPILED = {
    "c": "c",
    "cc": "c++",
    "cpp": "c++",
    "cxx": "c++",
    "pyx": "cython",
    "f": "fortran",
    "f90": "fortran",
    "rs": "rust",
}
_BUILD_TOOLS = {
    "Cython": "cython",
    "numpy": "numpy",
    "scipy": "scipy",
    "pkg_resources": "setuptools",
    "cffi": "cffi",
    "pybind11": "pybind11",
    "setuptools_scm": "setuptools-scm",
    "versioneer": "versioneer",
    "extension_helpers": "extension-helpers",
    "jinja2": "jinja2",
    "setuptools_rust": "setuptools-rust",
    "pbr": "pbr",
}


def detect(root: Path) -> Project:
    """Describe the Python project in `root` by its manifests. Raises UserError when its `.repoagent.toml` asks for more
    than it may."""
    manifests = read_manifests(root)
    files = files_in(root)
    tests = _test_files(files, manifests.pytest)
    override = override_of(root)
    groups = _groups(manifests, files)
    return Project(
        packager=_packager(root, manifests),
        manifests=_manifest_files(files),
        groups=groups if _for_tests(groups) else (*groups, *hinted(root, manifests, files)),
        source=_source(files),
        pytest=manifests.pytest,
        test_files=tests or _unconventional(files),
        unconventional=not tests,
        released=(root / "PKG-INFO").is_file(),
        override=override,
        wanted=_wanted(root, manifests),
        native=_native(files, manifests),
        build_requires=_build_requires(manifests),
        services=wished(root, override.services),
        runner="django" if _RUNNER_OF_DJANGO in files and "django/__init__.py" in files else "pytest",
    )


def _packager(root: Path, manifests: Manifests) -> Packager:
    if table(manifests.pyproject, "project") or table(manifests.pyproject, "build-system"):
        return "pyproject"
    if table(manifests.pyproject, "tool", "poetry"):
        return "pyproject"
    if (root / "setup.py").is_file():
        return "setup.py"
    return "setup.cfg" if manifests.setup_cfg.has_section("metadata") else "none"


def _manifest_files(files: Iterable[str]) -> tuple[str, ...]:
    return tuple(f for f in files if f in _MANIFESTS or _is_requirements(f))


def _is_requirements(path: str) -> bool:
    """Whether pip can be given this file: in the root, below `requirements/`, or beside the tests."""
    directory, _, name = path.rpartition("/")
    if directory in {"requirements", "reqs"}:
        return name.endswith((".txt", ".pip"))
    return directory in {"", "test", "tests"} and fnmatch(name, "*req*.txt")


def _source(files: Iterable[str]) -> str:
    packaged = any(fnmatch(f, "src/*/__init__.py") or fnmatch(f, "src/*.py") for f in files)
    return "src" if packaged else ""


def _test_files(files: Iterable[str], pytest: Pytest) -> tuple[str, ...]:
    python = [f for f in files if f.endswith(".py") and any(fnmatch(_name(f), p) for p in pytest.patterns)]
    below = tuple(f"{path.strip('./')}/" for path in pytest.testpaths if path.strip("./"))
    inside = [f for f in python if f.startswith(below) or f + "/" in below]
    return tuple(inside if below and inside else python)


def _unconventional(files: Iterable[str]) -> tuple[str, ...]:
    """`test.py`, `tests.py`, or what lies below a directory of that name: old projects of unittest's."""
    named = tuple(f for f in files if _name(f) in {"test.py", "tests.py"})
    below = (f for f in files if f.startswith(("test/", "tests/")) and f.endswith(".py") and _name(f)[0] != "_")
    return named or tuple(f for f in below if _name(f) != "conftest.py")


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _groups(manifests: Manifests, files: Iterable[str]) -> tuple[Group, ...]:
    """Choose what the tests need: groups named for tests, else those named for developers, besides requirements.txt."""
    named = [*_extras(manifests), *_requirement_files(files), *_dependency_groups(manifests.pyproject)]
    general = [group for label, group in named if label == "requirements.txt"]
    chosen = [group for label, group in named if _FOR_TESTS.search(label)]
    chosen = chosen or [group for label, group in named if _FOR_DEVELOPERS.search(label)]
    return tuple(dict.fromkeys([*general, *chosen, *_other_requirements(manifests)]))


def _for_tests(groups: Iterable[Group]) -> bool:
    """Whether any group adds to what the project itself needs."""
    return any(group.name != "file requirements.txt" for group in groups)


def _extras(manifests: Manifests) -> list[tuple[str, Group]]:
    cfg = manifests.setup_cfg
    names = [
        *table(manifests.pyproject, "project", "optional-dependencies"),
        *table(manifests.pyproject, "tool", "poetry", "extras"),
        *(cfg["options.extras_require"] if cfg.has_section("options.extras_require") else ()),
        *table(manifests.setup_py, "extras_require"),
    ]
    safe = [name for name in dict.fromkeys(names) if re.fullmatch(r"[\w.-]+", name)]
    return [(name, Group(f"extra {name}", ("install_extra", name))) for name in safe]


def _requirement_files(files: Iterable[str]) -> list[tuple[str, Group]]:
    names = [f for f in files if _is_requirements(f)]
    return [(_label(name), Group(f"file {name}", ("install_file", "-r", name))) for name in names]


def _label(path: str) -> str:
    """The file's name without its ending; `tests/requirements.txt` is for tests by where it lies."""
    stem = path.rpartition(".")[0].replace("/", "-")
    return path if path == "requirements.txt" else stem


def _dependency_groups(pyproject: Mapping[str, object]) -> list[tuple[str, Group]]:
    """PEP 735 groups with their includes resolved, and the groups of Poetry and PDM, which came before them."""
    standard = table(pyproject, "dependency-groups")
    groups = {name: _resolved(standard, name) for name in standard}
    for name, value in table(pyproject, "tool", "pdm", "dev-dependencies").items():
        groups.setdefault(name, _plain(strings(value)))
    for name in table(pyproject, "tool", "poetry", "group"):
        groups.setdefault(name, tuple(table(pyproject, "tool", "poetry", "group", name, "dependencies")))
    if old := table(pyproject, "tool", "poetry", "dev-dependencies"):
        groups.setdefault("dev", tuple(old))
    return [(name, Group(f"group {name}", ("install", *needs))) for name, needs in groups.items() if needs]


def _resolved(groups: Mapping[str, object], name: str, seen: frozenset[str] = frozenset()) -> tuple[str, ...]:
    entries = groups.get(name)
    if name in seen or not isinstance(entries, list):
        return ()
    found = list(_plain(strings(entries)))
    for entry in entries:
        include = table(entry).get("include-group")
        if isinstance(include, str):
            found += _resolved(groups, include, seen | {name})
    return tuple(found)


def _other_requirements(manifests: Manifests) -> list[Group]:
    """`tests_require` of setuptools, the dependencies of tox's test environment and of hatch's."""
    tox, hatch = manifests.tox, table(manifests.pyproject, "tool", "hatch", "envs")
    sources = {
        "tests_require": strings(manifests.setup_py.get("tests_require")),
        "tox": strings(tox.get("testenv", "deps", fallback="")),
        "hatch": tuple(d for name in ("default", "test", "hatch-test") for d in _hatch(hatch, name)),
    }
    return [Group(name, ("install", *needs)) for name, raw in sources.items() if (needs := _plain(raw))]


def _hatch(environments: Mapping[str, object], name: str) -> tuple[str, ...]:
    environment = table(environments, name)
    return strings(environment.get("dependencies")) + strings(environment.get("extra-dependencies"))


def _plain(requirements: Iterable[str]) -> tuple[str, ...]:
    """Keep the requirements that are a name with a version: no addresses, options, `factor: dep` lines,
    placeholders."""
    return tuple(r for r in requirements if REQUIREMENT.fullmatch(r))


# --- what the build needs ---------------------------------------------------------------------------------------------


def _wanted(root: Path, manifests: Manifests) -> Wanted:
    """Read which Pythons the project supports; workflows count last, because they often name versions only tried."""
    classifiers = _classifiers(manifests)
    workflows = sorted((root / ".github/workflows").glob("*.y*ml")) if (root / ".github/workflows").is_dir() else []
    named = (
        versions_in(text_of(root / ".python-version"))
        or versions_in("\n".join(c for c in classifiers if c.startswith("Programming Language :: Python :: 3.")))
        or versions_in(manifests.tox.get("tox", "envlist", fallback=""))
        or versions_in("\n".join(text_of(path) for path in workflows))
    )
    return Wanted(_requires_python(manifests), named)


def _requires_python(manifests: Manifests) -> str:
    poetry = table(manifests.pyproject, "tool", "poetry", "dependencies").get("python")
    found = (
        table(manifests.pyproject, "project").get("requires-python")
        or manifests.setup_cfg.get("options", "python_requires", fallback="")
        or manifests.setup_py.get("python_requires")
        or poetry
    )
    text = found if isinstance(found, str) else ""
    return re.sub(r"\^(\d+)\.(\d+)(\.\d+)?", r">=\1.\2,<4", text)


def _classifiers(manifests: Manifests) -> tuple[str, ...]:
    project = table(manifests.pyproject, "project")
    return (
        strings(project.get("classifiers"))
        or strings(manifests.setup_cfg.get("metadata", "classifiers", fallback=""))
        or strings(manifests.setup_py.get("classifiers"))
    )


def _native(files: Iterable[str], manifests: Manifests) -> tuple[str, ...]:
    """List the languages that a build compiles: their sources lie in the tree, and the build names extensions."""
    found = {language for f in files if (language := _COMPILED.get(f.rpartition(".")[2])) and not _beside(f)}
    backend = str(table(manifests.pyproject, "build-system").get("build-backend", ""))
    builds = backend.startswith(("mesonpy", "scikit_build", "maturin")) or manifests.extensions
    return tuple(sorted(found)) if builds or "cython" in found else ()


def _beside(path: str) -> bool:
    return any(part in {"tests", "test", "docs", "doc", "examples", "benchmarks"} for part in path.split("/")[:-1])


def _build_requires(manifests: Manifests) -> tuple[str, ...]:
    """Read the build requirements in pyproject.toml, else setuptools and what `setup.py` imports."""
    said = _plain(strings(table(manifests.pyproject, "build-system").get("requires")))
    imported = tuple(_BUILD_TOOLS[name] for name in manifests.setup_imports if name in _BUILD_TOOLS)
    return tuple(dict.fromkeys((*(said or ("setuptools", "wheel")), *imported)))
