"""The images that a repository says how to make: found in its files, none of which is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repoagent.sandbox.base import Dockerfile
from repoagent.sandbox.fake import FakeEngine
from repoagent.testbed.build_plan import BuildPlan, CommitInfo, add_packages
from repoagent.testbed.ecosystems.finding import detect_codebases, list_build_plans
from repoagent.testbed.override import OwnImage
from repoagent.testbed.own_image import find_own_images
from repoagent.testbed.tree import read_tree

DEVCONTAINER = """\
{
    // What a person works in.
    "name": "it", /* a comment, "too" */
    "build": {"dockerfile": "Dockerfile", "context": "..", "target": "dev",
              "args": {"V": "3", "HERE": "${localEnv:HOME}"}},
    "onCreateCommand": ["pip", "install", "a b"],
    "postCreateCommand": {"one": "make one", "two": ["make", "two"], "three": 3},
}
"""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def ways(root: Path, image: str = "") -> tuple[BuildPlan, ...]:
    return list_build_plans(detect_codebases(root, image), CommitInfo(), FakeEngine().list_pythons())


def test_a_devcontainer_is_read_with_its_comments(tmp_path: Path) -> None:
    write(tmp_path, {".devcontainer/devcontainer.json": DEVCONTAINER, ".devcontainer/Dockerfile": "FROM a AS dev\n"})
    assert find_own_images(read_tree(tmp_path)) == (
        OwnImage(
            ".devcontainer/devcontainer.json",
            Dockerfile("FROM a AS dev\n", "", (("V", "3"),), "dev"),
            ("pip install 'a b'", "make one", "make two"),
        ),
    )


def test_a_devcontainer_may_name_an_image(tmp_path: Path) -> None:
    write(tmp_path, {".devcontainer.json": json.dumps({"image": "python:3.11"}), "Dockerfile": "FROM b\n"})
    assert find_own_images(read_tree(tmp_path)) == (
        OwnImage(".devcontainer.json", Dockerfile("FROM python:3.11\n")),
        OwnImage("Dockerfile", Dockerfile("FROM b\n")),
    )


def test_the_same_image_is_made_once(tmp_path: Path) -> None:
    said = json.dumps({"build": {"dockerfile": "../Dockerfile", "context": ".."}})
    write(tmp_path, {".devcontainer/devcontainer.json": said, "Dockerfile": "FROM b\n"})
    assert [own.source for own in find_own_images(read_tree(tmp_path))] == [".devcontainer/devcontainer.json"]


OUTSIDE = {
    "no object": "[1]",
    "no JSON": "{",
    "nothing of it": '{"dockerComposeFile": "compose.yaml"}',
    "a file above": '{"build": {"dockerfile": "../../Dockerfile"}}',
    "a file of the host": '{"build": {"dockerfile": "/etc/passwd"}}',
    "a context above": '{"build": {"dockerfile": "Dockerfile", "context": "../.."}}',
    "a context of the host": '{"build": {"dockerfile": "Dockerfile", "context": "/etc"}}',
    "a context behind a link": '{"build": {"dockerfile": "Dockerfile", "context": "out"}}',
    "a file behind a link": '{"build": {"dockerfile": "link"}}',
    "numbers": '{"build": {"dockerfile": 1, "context": 2}, "image": 3, "postCreateCommand": 4}',
}


@pytest.mark.parametrize("text", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_what_does_not_lie_in_the_repository_is_not_taken(text: str, tmp_path: Path) -> None:
    write(tmp_path, {"Dockerfile": "FROM host\n", "host/x": ""})
    root = write(
        tmp_path / "repository", {".devcontainer/devcontainer.json": text, ".devcontainer/Dockerfile": "FROM a\n"}
    )
    (root / ".devcontainer/out").symlink_to(tmp_path / "host")
    (root / ".devcontainer/link").symlink_to(tmp_path / "Dockerfile")
    assert find_own_images(read_tree(root)) == ()


def test_images_of_its_own_are_the_last_ways(tmp_path: Path) -> None:
    write(tmp_path, {"setup.py": "", "tests/test_it.py": "", "Dockerfile": "FROM a\n"})
    *others, last = ways(tmp_path)
    assert last.name == "the Python of the image of Dockerfile"
    assert last.recipe.base.dockerfile == Dockerfile("FROM a\n")
    assert others
    assert all(way.recipe.base.dockerfile is None for way in others)
    assert all(way.recipe.base.dockerfile is None for way in ways(tmp_path, "mine")), "the user's image goes first"


def test_in_every_language(tmp_path: Path) -> None:
    said = '{"image": "a", "postCreateCommand": "x; y"}'
    write(tmp_path, {"go.mod": "module x\n", "x_test.go": "", ".devcontainer.json": said})
    last = ways(tmp_path)[-1]
    assert last.name == "the tools of the image of .devcontainer.json"
    assert last.recipe.key.startswith("go-")
    assert "optional 'command of .devcontainer.json' sh -c 'x; y'" in last.recipe.script


def test_what_decides_about_an_image_changes_the_key_of_what_stands_on_it(tmp_path: Path) -> None:
    files = {"Dockerfile": "FROM a\nCOPY deep/list.txt /x\nCOPY . /app\n", "deep/list.txt": "a", "source.txt": ""}
    write(tmp_path, {**files, "setup.py": "", "tests/test_it.py": ""})
    keys = [ways(tmp_path)[-1].recipe.key]
    changes = [{"deep/list.txt": "b"}, {"Dockerfile": files["Dockerfile"] + "RUN x\n"}, {"source.txt": "changed"}]
    for change in changes:
        write(tmp_path, change)
        keys.append(ways(tmp_path)[-1].recipe.key)
    assert len(set(keys)) == 3
    assert keys[-1] == keys[-2], "sources change all day"


def test_packages_that_the_build_asks_for_are_laid_upon_the_same_image(tmp_path: Path) -> None:
    write(tmp_path, {"setup.py": "", "tests/test_it.py": "", "Dockerfile": "FROM a\n"})
    own, named = ways(tmp_path)[-1], ways(tmp_path, "mine")[0]
    assert add_packages(own, ["libpq-dev"]).recipe.base.dockerfile == own.recipe.base.dockerfile
    assert add_packages(named, ["libpq-dev"]).recipe.base.image == "mine"
