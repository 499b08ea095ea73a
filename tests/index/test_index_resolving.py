"""What a use of a name means, and how that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from repoagent.index.build import Index
from repoagent.index.model import Symbol
from repoagent.index.resolving import KIND_LABELS, ResolvedReference, Resolver

Indexed = Callable[[Mapping[str, str | bytes]], Index]

FILES: Mapping[str, str | bytes] = {
    "pkg/__init__.py": "from .base import Base as Root\nfrom .tools import *\n",
    "pkg/base.py": """\
class Base:
    limit = 3

    def run(self):
        return self.step()

    def step(self):
        return 1


class Other:
    def run(self):
        pass
""",
    "pkg/tools.py": "def helper():\n    pass\n\ndef lonely_name():\n    pass\n",
    "pkg/use.py": """\
import os
import pkg.base
import pkg.tools as t
from pkg import Root, helper
from pkg.base import Base


class Derived(Root):
    def step(self):
        super().run()
        self.run()
        self.missing()
        return helper()


def direct(other: Base, value):
    made = Derived()
    made.run()
    other.step()
    value.run()
    value.lonely_name()
    t.helper()
    pkg.base.Base().run()
    os.path.join("a")
    len(value)
    Base.step(made)


def shadowing(helper):
    def inner():
        return direct(1, 2)
    from pkg.tools import helper as imported
    imported()
    inner()
    return helper()
""",
    "tests/test_use.py": "from pkg.use import Derived\n\ndef run():\n    Derived().step()\n",
}


@pytest.fixture
def index(indexed: Indexed) -> Index:
    return indexed(FILES)


@pytest.fixture
def resolver(index: Index) -> Resolver:
    return Resolver(index)


def _symbol(index: Index, name: str) -> Symbol:
    (symbol,) = index.resolve(name)
    return symbol


def _links(index: Index, resolver: Resolver, path: str) -> dict[tuple[int, str], tuple[list[str], str]]:
    links = (resolver.resolve(use) for use in index.list_references(path) if use.kind == "call")
    return {(k.reference.line, k.reference.name): ([s.qualified for s in k.targets], k.how) for k in links}


@pytest.mark.parametrize(
    ("line", "name", "targets", "how"),
    [
        (10, "run", ["Base.run"], "class"),
        (11, "run", ["Base.run"], "class"),
        (12, "missing", [], "outside"),
        (13, "helper", ["helper"], "import"),
        (17, "Derived", ["Derived"], "scope"),
        (18, "run", ["Base.run"], "value"),
        (19, "step", ["Base.step"], "value"),
        (20, "run", ["Base.run", "Other.run"], "name"),
        (21, "lonely_name", ["lonely_name"], "unique"),
        (22, "helper", ["helper"], "import"),
        (23, "Base", ["Base"], "import"),
        (23, "run", ["Base.run", "Other.run"], "name"),
        (24, "join", [], "outside"),
        (25, "len", [], "outside"),
        (26, "step", ["Base.step"], "import"),
        (31, "direct", ["direct"], "scope"),
        (33, "imported", ["helper"], "import"),
        (34, "inner", ["shadowing.inner"], "scope"),
        (35, "helper", [], "outside"),
    ],
)
def test_a_use_is_followed_as_far_as_the_source_tells(
    index: Index, resolver: Resolver, line: int, name: str, targets: list[str], how: str
) -> None:
    assert _links(index, resolver, "pkg/use.py")[line, name] == (targets, how)


def test_guesses_are_said_to_be_guesses(index: Index, resolver: Resolver) -> None:
    certain = {how for how in KIND_LABELS if ResolvedReference(index.find_references("helper")[0], (), how).is_certain}
    assert certain == set(KIND_LABELS) - {"unique", "name"}


def test_callers_leave_out_what_means_something_else(index: Index, resolver: Resolver) -> None:
    found = {
        (k.reference.path, k.reference.line, k.how) for k in resolver.find_callers(_symbol(index, "pkg.base.Base.run"))
    }
    assert found == {
        ("pkg/use.py", 10, "class"),
        ("pkg/use.py", 11, "class"),
        ("pkg/use.py", 18, "value"),
        ("pkg/use.py", 20, "name"),
        ("pkg/use.py", 23, "name"),
    }
    helpers = {(k.reference.line, k.how) for k in resolver.find_callers(_symbol(index, "pkg.tools.helper"))}
    assert helpers == {(13, "import"), (22, "import"), (33, "import")}


def test_callees_are_told_once_for_each_meaning(index: Index, resolver: Resolver) -> None:
    called = [(k.reference.name, k.how) for k in resolver.find_callees(_symbol(index, "pkg.use.Derived.step"))]
    assert called == [("super", "outside"), ("run", "class"), ("missing", "outside"), ("helper", "import")]


def test_classes_are_followed_up_and_down(index: Index, resolver: Resolver) -> None:
    base, derived = _symbol(index, "pkg.base.Base"), _symbol(index, "pkg.use.Derived")
    assert resolver.find_bases(derived) == (base,)
    assert resolver.find_subclasses(base) == (derived,)
    assert [s.qualified for s in resolver.find_overrides(_symbol(index, "pkg.base.Base.step"))] == ["Derived.step"]
    member = resolver.find_member(derived, "run")
    assert member is not None and member.qualified == "Base.run"  # noqa: PT018
    assert resolver.find_member(derived, "nothing") is None


def test_classes_that_are_derived_from_each_other_end(indexed: Indexed) -> None:
    index = indexed({"a.py": "class A(B): pass\nclass B(A):\n    def f(self): self.g()\n"})
    resolver = Resolver(index)
    assert {s.name for s in resolver.find_subclasses(_symbol(index, "a.A"))} == {"A", "B"}
    assert _links(index, resolver, "a.py") == {(3, "g"): ([], "outside")}


def test_other_languages_are_followed_by_file_import_and_name(indexed: Indexed) -> None:
    index = indexed(
        {
            "a.js": "import { add } from './b';\nfunction own() { return add(1); }\nown(); far(); many();\n",
            "b.js": "export function add(x) { return x; }\nexport function many() {}\n",
            "c.js": "function far() {}\nfunction many() {}\n",
        }
    )
    links = {name: found for (_, name), found in _links(index, Resolver(index), "a.js").items()}
    assert links == {
        "add": (["add"], "import"),
        "own": (["own"], "scope"),
        "far": (["far"], "unique"),
        "many": (["many", "many"], "name"),
    }


@pytest.mark.parametrize(
    ("files", "path", "targets"),
    [
        ({"a/b.ts": "import x from '../c/d';", "c/d/index.ts": ""}, "a/b.ts", ["c/d/index.ts"]),
        ({"a.ts": "import x from './b.js';", "b.ts": ""}, "a.ts", ["b.ts"]),
        ({"a.ts": "import x from 'b';", "b.ts": ""}, "a.ts", []),
        ({"src/a.c": '#include "x/b.h"\n', "include/x/b.h": ""}, "src/a.c", ["include/x/b.h"]),
        ({"a.c": '#include "b.h"\n', "x/b.h": "", "y/b.h": ""}, "a.c", []),
        (
            {"go/a.go": 'package a\nimport "ex.com/m/util"\n', "go/util/x.go": "package util\n"},
            "go/a.go",
            ["go/util/x.go"],
        ),
        (
            {"src/main/java/x/A.java": "import y.B;\nclass A {}", "src/main/java/y/B.java": "class B {}"},
            "src/main/java/x/A.java",
            ["src/main/java/y/B.java"],
        ),
        ({"src/main.rs": "use crate::a::b::C;\n", "src/a/b.rs": ""}, "src/main.rs", ["src/a/b.rs"]),
        ({"src/a/mod.rs": "use super::b::C;\n", "src/b.rs": ""}, "src/a/mod.rs", ["src/b.rs"]),
        ({"lib/x.rb": "require_relative 'y/z'\n", "lib/y/z.rb": ""}, "lib/x.rb", ["lib/y/z.rb"]),
        ({"a.rb": "require 'y/z'\n", "lib/y/z.rb": ""}, "a.rb", ["lib/y/z.rb"]),
        (
            {"a.php": "<?php\nuse App\\Models\\User;\n", "app/Models/User.php": "<?php\n"},
            "a.php",
            ["app/Models/User.php"],
        ),
    ],
)
def test_an_import_means_a_file(indexed: Indexed, files: dict[str, str], path: str, targets: list[str]) -> None:
    index = indexed(dict(files))
    found = [target for item in index.files[path].imports for target in index.resolve_import(item)]
    assert found == targets
    assert all(path in index.find_importers(target) for target in targets)
