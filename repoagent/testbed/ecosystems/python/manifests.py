"""Read Python manifests (pyproject.toml, setup.cfg, setup.py, tox.ini, pytest.ini) as data; nothing is executed.

A manifest that cannot be read counts as empty: the build will show what is wrong with it, in the project's own words.
"""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repoagent.testbed.ecosystems.python.project import DEFAULT_PATTERNS, PytestConfig
from repoagent.testbed.reading import get_strings, get_table, read_text


@dataclass(frozen=True)
class Manifests:
    """The manifests of one repository, parsed."""

    pyproject: Mapping[str, object]
    setup_cfg: configparser.ConfigParser
    setup_py: Mapping[str, object]
    """Literal keyword arguments of the call to `setup`."""
    setup_imports: tuple[str, ...]
    """Top-level names of the modules that `setup.py` imports."""
    extensions: bool
    """Whether `setup.py` speaks of extension modules."""
    tox: configparser.ConfigParser
    pytest: PytestConfig


def read_manifests(root: Path) -> Manifests:
    """Read what lies in `root`."""
    pyproject, setup_cfg, tox = (
        _read_toml(root / "pyproject.toml"),
        _read_ini(root / "setup.cfg"),
        _read_ini(root / "tox.ini"),
    )
    setup_py = read_text(root / "setup.py")
    return Manifests(
        pyproject=pyproject,
        setup_cfg=setup_cfg,
        setup_py=read_setup_arguments(setup_py),
        setup_imports=list_imports(setup_py),
        extensions=re.search(r"\b(Extension|ext_modules|cythonize|build_ext|get_extensions)\b", setup_py) is not None,
        tox=tox,
        pytest=_read_pytest(root, pyproject),
    )


def list_imports(source: str) -> tuple[str, ...]:
    """List the top-level names of the modules that `source` imports, anywhere in it, sorted."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return tuple(sorted(found))


def read_setup_arguments(source: str) -> dict[str, object]:
    """Read the keyword arguments of `setup(...)` in a setup.py that are literals, or names of module-level literals."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    names = _collect_literals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _get_called_name(node) == "setup":
            return {
                k.arg: value
                for k in node.keywords
                if k.arg and (value := _evaluate_literal(k.value, names)) is not None
            }
    return {}


def _get_called_name(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _collect_literals(tree: ast.Module) -> dict[str, object]:
    names: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = _evaluate_literal(node.value, names)
    return names


def _evaluate_literal(node: ast.expr, names: Mapping[str, object]) -> object:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Dict):
        pairs = ((k, _evaluate_literal(v, names)) for k, v in zip(node.keys, node.values, strict=True))
        return {k.value: v for k, v in pairs if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None
    return value


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _read_ini(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(read_text(path))
    except configparser.Error:
        return configparser.ConfigParser(interpolation=None)
    return parser


def _read_pytest(root: Path, pyproject: Mapping[str, object]) -> PytestConfig:
    """Read pytest's configuration from the first file that has any, in pytest's own order."""
    for name, section in (("pytest.ini", "pytest"), (".pytest.ini", "pytest")):
        if (root / name).is_file():
            return _parse_pytest_options(dict(_get_section(_read_ini(root / name), section)))
    for options in (
        get_table(pyproject, "tool", "pytest", "ini_options"),
        get_table(pyproject, "tool", "pytest"),
        _get_section(_read_ini(root / "tox.ini"), "pytest"),
        _get_section(_read_ini(root / "setup.cfg"), "tool:pytest"),
    ):
        if options:
            return _parse_pytest_options(options)
    return PytestConfig()


def _get_section(parser: configparser.ConfigParser, name: str) -> Mapping[str, object]:
    return dict(parser[name]) if parser.has_section(name) else {}


def _parse_pytest_options(options: Mapping[str, object]) -> PytestConfig:
    return PytestConfig(
        testpaths=_split_words(options.get("testpaths")),
        patterns=_split_words(options.get("python_files")) or DEFAULT_PATTERNS,
        addopts=_split_words(options.get("addopts")),
    )


def _split_words(value: object) -> tuple[str, ...]:
    if not isinstance(value, str):
        return get_strings(value)
    try:
        return tuple(shlex.split(value, comments=True))
    except ValueError:
        return ()
