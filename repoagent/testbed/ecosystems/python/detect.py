"""Work out how a Python project is packaged and what its tests need, from its manifests; none of it is executed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from repoagent.testbed.ecosystems.python.hints import REQUIREMENT, guess_requirements
from repoagent.testbed.ecosystems.python.manifests import Manifests, read_manifests
from repoagent.testbed.ecosystems.python.project import Packager, PytestConfig, PythonProject, RequirementGroup
from repoagent.testbed.ecosystems.python.pythons import PythonRequirement, find_versions
from repoagent.testbed.override import OVERRIDE_FILE, load_override
from repoagent.testbed.reading import get_strings, get_table, read_text
from repoagent.testbed.services import find_services
from repoagent.testbed.tree import list_files

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


def detect_project(root: Path) -> PythonProject:
    """Describe the Python project in `root` by its manifests. Raises UserError when its `.repoagent.toml` asks for more
    than it may."""
    manifests = read_manifests(root)
    files = list_files(root)
    tests = _find_test_files(files, manifests.pytest)
    override = load_override(root)
    groups = _choose_groups(manifests, files)
    return PythonProject(
        packager=_detect_packager(root, manifests),
        manifests=_find_manifests(files),
        groups=groups if _has_test_requirements(groups) else (*groups, *guess_requirements(root, manifests, files)),
        source=_find_source_folder(files),
        pytest=manifests.pytest,
        test_files=tests or _find_unconventional_tests(files),
        unconventional=not tests,
        released=(root / "PKG-INFO").is_file(),
        override=override,
        python=_read_python_requirement(root, manifests),
        native=_list_compiled_languages(files, manifests),
        build_requires=_read_build_requirements(manifests),
        services=find_services(root, override.services),
        runner="django" if _RUNNER_OF_DJANGO in files and "django/__init__.py" in files else "pytest",
    )


def _detect_packager(root: Path, manifests: Manifests) -> Packager:
    if get_table(manifests.pyproject, "project") or get_table(manifests.pyproject, "build-system"):
        return "pyproject"
    if get_table(manifests.pyproject, "tool", "poetry"):
        return "pyproject"
    if (root / "setup.py").is_file():
        return "setup.py"
    return "setup.cfg" if manifests.setup_cfg.has_section("metadata") else "none"


def _find_manifests(files: Iterable[str]) -> tuple[str, ...]:
    return tuple(f for f in files if f in _MANIFESTS or _is_requirements(f))


def _is_requirements(path: str) -> bool:
    """Whether pip can be given this file: in the root, below `requirements/`, or beside the tests."""
    directory, _, name = path.rpartition("/")
    if directory in {"requirements", "reqs"}:
        return name.endswith((".txt", ".pip"))
    return directory in {"", "test", "tests"} and fnmatch(name, "*req*.txt")


def _find_source_folder(files: Iterable[str]) -> str:
    packaged = any(fnmatch(f, "src/*/__init__.py") or fnmatch(f, "src/*.py") for f in files)
    return "src" if packaged else ""


def _find_test_files(files: Iterable[str], pytest: PytestConfig) -> tuple[str, ...]:
    python = [f for f in files if f.endswith(".py") and any(fnmatch(_get_file_name(f), p) for p in pytest.patterns)]
    below = tuple(f"{path.strip('./')}/" for path in pytest.testpaths if path.strip("./"))
    inside = [f for f in python if f.startswith(below) or f + "/" in below]
    return tuple(inside if below and inside else python)


def _find_unconventional_tests(files: Iterable[str]) -> tuple[str, ...]:
    """`test.py`, `tests.py`, or what lies below a directory of that name: old projects of unittest's."""
    named = tuple(f for f in files if _get_file_name(f) in {"test.py", "tests.py"})
    below = (
        f for f in files if f.startswith(("test/", "tests/")) and f.endswith(".py") and _get_file_name(f)[0] != "_"
    )
    return named or tuple(f for f in below if _get_file_name(f) != "conftest.py")


def _get_file_name(path: str) -> str:
    return path.rpartition("/")[2]


def _choose_groups(manifests: Manifests, files: Iterable[str]) -> tuple[RequirementGroup, ...]:
    """Choose what the tests need: groups named for tests, else those named for developers, besides requirements.txt."""
    named = [*_list_extras(manifests), *_list_requirement_files(files), *_list_dependency_groups(manifests.pyproject)]
    general = [group for label, group in named if label == "requirements.txt"]
    chosen = [group for label, group in named if _FOR_TESTS.search(label)]
    chosen = chosen or [group for label, group in named if _FOR_DEVELOPERS.search(label)]
    return tuple(dict.fromkeys([*general, *chosen, *_list_other_requirements(manifests)]))


def _has_test_requirements(groups: Iterable[RequirementGroup]) -> bool:
    """Whether any group adds to what the project itself needs."""
    return any(group.name != "file requirements.txt" for group in groups)


def _list_extras(manifests: Manifests) -> list[tuple[str, RequirementGroup]]:
    cfg = manifests.setup_cfg
    names = [
        *get_table(manifests.pyproject, "project", "optional-dependencies"),
        *get_table(manifests.pyproject, "tool", "poetry", "extras"),
        *(cfg["options.extras_require"] if cfg.has_section("options.extras_require") else ()),
        *get_table(manifests.setup_py, "extras_require"),
    ]
    safe = [name for name in dict.fromkeys(names) if re.fullmatch(r"[\w.-]+", name)]
    return [(name, RequirementGroup(f"extra {name}", ("install_extra", name))) for name in safe]


def _list_requirement_files(files: Iterable[str]) -> list[tuple[str, RequirementGroup]]:
    names = [f for f in files if _is_requirements(f)]
    return [(_get_label(name), RequirementGroup(f"file {name}", ("install_file", "-r", name))) for name in names]


def _get_label(path: str) -> str:
    """The file's name without its ending; `tests/requirements.txt` is for tests by where it lies."""
    stem = path.rpartition(".")[0].replace("/", "-")
    return path if path == "requirements.txt" else stem


def _list_dependency_groups(pyproject: Mapping[str, object]) -> list[tuple[str, RequirementGroup]]:
    """PEP 735 groups with their includes resolved, and the groups of Poetry and PDM, which came before them."""
    standard = get_table(pyproject, "dependency-groups")
    groups = {name: _resolve_group(standard, name) for name in standard}
    for name, value in get_table(pyproject, "tool", "pdm", "dev-dependencies").items():
        groups.setdefault(name, _select_plain(get_strings(value)))
    for name in get_table(pyproject, "tool", "poetry", "group"):
        groups.setdefault(name, tuple(get_table(pyproject, "tool", "poetry", "group", name, "dependencies")))
    if old := get_table(pyproject, "tool", "poetry", "dev-dependencies"):
        groups.setdefault("dev", tuple(old))
    return [(name, RequirementGroup(f"group {name}", ("install", *needs))) for name, needs in groups.items() if needs]


def _resolve_group(groups: Mapping[str, object], name: str, seen: frozenset[str] = frozenset()) -> tuple[str, ...]:
    entries = groups.get(name)
    if name in seen or not isinstance(entries, list):
        return ()
    found = list(_select_plain(get_strings(entries)))
    for entry in entries:
        include = get_table(entry).get("include-group")
        if isinstance(include, str):
            found += _resolve_group(groups, include, seen | {name})
    return tuple(found)


def _list_other_requirements(manifests: Manifests) -> list[RequirementGroup]:
    """`tests_require` of setuptools, the dependencies of tox's test environment and of hatch's."""
    tox, hatch = manifests.tox, get_table(manifests.pyproject, "tool", "hatch", "envs")
    sources = {
        "tests_require": get_strings(manifests.setup_py.get("tests_require")),
        "tox": get_strings(tox.get("testenv", "deps", fallback="")),
        "hatch": tuple(d for name in ("default", "test", "hatch-test") for d in _read_hatch_environment(hatch, name)),
    }
    return [
        RequirementGroup(name, ("install", *needs)) for name, raw in sources.items() if (needs := _select_plain(raw))
    ]


def _read_hatch_environment(environments: Mapping[str, object], name: str) -> tuple[str, ...]:
    environment = get_table(environments, name)
    return get_strings(environment.get("dependencies")) + get_strings(environment.get("extra-dependencies"))


def _select_plain(requirements: Iterable[str]) -> tuple[str, ...]:
    """Keep the requirements that are a name with a version: no addresses, options, `factor: dep` lines,
    placeholders."""
    return tuple(r for r in requirements if REQUIREMENT.fullmatch(r))


# --- what the build needs ---------------------------------------------------------------------------------------------


def _read_python_requirement(root: Path, manifests: Manifests) -> PythonRequirement:
    """Read which Pythons the project supports; workflows count last, because they often name versions only tried."""
    classifiers = _read_classifiers(manifests)
    workflows = sorted((root / ".github/workflows").glob("*.y*ml")) if (root / ".github/workflows").is_dir() else []
    named = (
        find_versions(read_text(root / ".python-version"))
        or find_versions("\n".join(c for c in classifiers if c.startswith("Programming Language :: Python :: 3.")))
        or find_versions(manifests.tox.get("tox", "envlist", fallback=""))
        or find_versions("\n".join(read_text(path) for path in workflows))
    )
    return PythonRequirement(_read_requires_python(manifests), named)


def _read_requires_python(manifests: Manifests) -> str:
    poetry = get_table(manifests.pyproject, "tool", "poetry", "dependencies").get("python")
    found = (
        get_table(manifests.pyproject, "project").get("requires-python")
        or manifests.setup_cfg.get("options", "python_requires", fallback="")
        or manifests.setup_py.get("python_requires")
        or poetry
    )
    text = found if isinstance(found, str) else ""
    return re.sub(r"\^(\d+)\.(\d+)(\.\d+)?", r">=\1.\2,<4", text)


def _read_classifiers(manifests: Manifests) -> tuple[str, ...]:
    project = get_table(manifests.pyproject, "project")
    return (
        get_strings(project.get("classifiers"))
        or get_strings(manifests.setup_cfg.get("metadata", "classifiers", fallback=""))
        or get_strings(manifests.setup_py.get("classifiers"))
    )


def _list_compiled_languages(files: Iterable[str], manifests: Manifests) -> tuple[str, ...]:
    """List the languages that a build compiles: their sources lie in the tree, and the build names extensions."""
    found = {language for f in files if (language := _COMPILED.get(f.rpartition(".")[2])) and not _is_beside_sources(f)}
    backend = str(get_table(manifests.pyproject, "build-system").get("build-backend", ""))
    builds = backend.startswith(("mesonpy", "scikit_build", "maturin")) or manifests.extensions
    return tuple(sorted(found)) if builds or "cython" in found else ()


def _is_beside_sources(path: str) -> bool:
    return any(part in {"tests", "test", "docs", "doc", "examples", "benchmarks"} for part in path.split("/")[:-1])


def _read_build_requirements(manifests: Manifests) -> tuple[str, ...]:
    """Read the build requirements in pyproject.toml, else setuptools and what `setup.py` imports."""
    said = _select_plain(get_strings(get_table(manifests.pyproject, "build-system").get("requires")))
    imported = tuple(_BUILD_TOOLS[name] for name in manifests.setup_imports if name in _BUILD_TOOLS)
    return tuple(dict.fromkeys((*(said or ("setuptools", "wheel")), *imported)))
