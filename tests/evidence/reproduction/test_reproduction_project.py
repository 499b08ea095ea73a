"""How a name that a snippet does not import is supplied from what the project does itself."""

from __future__ import annotations

import subprocess

import pytest

from repoagent.evidence.reproduction.names import remove_placeholders, write_preamble
from repoagent.evidence.reproduction.project import SnippetProject, build_project
from repoagent.index.build import Index
from repoagent.issue.document import parse_text
from repoagent.issue.snippets import Snippet, read_material

FILES = {
    "shop/__init__.py": "from shop.cart import Cart\n",
    "shop/cart.py": "from shop.prices import Price as P\n\n\nclass Cart:\n    pass\n",
    "shop/prices.py": "import numpy as np\n\n\nclass Price:\n    pass\n\n\ndef free():\n    pass\n",
    "shop/other.py": "import numpy as np\nfrom .prices import free\n\n\ndef twin():\n    pass\n",
    "shop/more.py": "from shop.prices import free\n\n\ndef twin():\n    pass\n",
    "tests/test_shop.py": "def test_free():\n    pass\n\n\ndef lonely():\n    pass\n",
    "setup.py": "",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> SnippetProject:
    root = tmp_path_factory.mktemp("shop")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(("git", "init", "--quiet"), cwd=root, check=True)
    return build_project(Index.build(root))


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("Cart", "from shop import Cart"),
        ("Price", "from shop.prices import Price"),
        ("P", "from shop.prices import Price as P"),
        ("free", "from shop.prices import free"),
        ("np", "import numpy as np"),
        ("twin", ""),
        ("lonely", ""),
        ("unheard_of", ""),
    ],
)
def test_a_name_is_imported_as_the_project_does_it(name: str, statement: str, project: SnippetProject) -> None:
    assert project.find_import(name) == statement


def test_packages_are_those_that_are_no_tests_and_no_tools(project: SnippetProject) -> None:
    assert project.packages == ("shop",)


def snippets(text: str) -> tuple[Snippet, ...]:
    return read_material(parse_text(text)).snippets


def test_what_a_block_below_defines_is_run_before(project: SnippetProject) -> None:
    first, second = snippets("```\nprint(Thing().price)\n```\nwith\n```\nclass Thing(Cart):\n    price = Price()\n```")
    lines = write_preamble(first, [second], "", project).splitlines()
    assert lines == [
        "from shop import Cart",
        "from shop.prices import Price",
        "class Thing(Cart):",
        "    price = Price()",
    ]


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("from my_app.models import Thing", False),
        ("from .models import Thing", False),
        ("from my_app.models import Other", True),
        ("from shop.things import Thing", True),
        ("from json import Thing", True),
    ],
)
def test_an_import_of_the_reporter_s_own_module_gives_way_to_the_block_that_shows_it(
    statement: str, kept: bool, project: SnippetProject
) -> None:
    block, use = snippets(f"```\nclass Thing:\n    pass\n```\n```\n{statement}\nprint(Thing())\n```")
    found = remove_placeholders(use, [block], project)
    assert (statement in found.code) is kept
