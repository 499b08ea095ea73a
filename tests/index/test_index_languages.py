"""What is read of files in every language: definitions, uses, imports; and what is not read, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoagent.index import pool
from repoagent.index.build import Index
from repoagent.index.model import FileFacts
from repoagent.index.reading.languages import LANGUAGES, detect_language
from repoagent.index.reading.read import decode_text
from repoagent.index.reading.text import split_lines
from tests.index.conftest import LANGUAGES as SAMPLES
from tests.index.conftest import facts_of

# fmt: off
DEFINED: dict[str, set[str]] = {
    "web/shop.js": {
        "class Basket", "method Basket.constructor", "method Basket.add", "method Basket.size", "function total",
        "function shown", "function print", "variable LIMIT", "variable Basket.kind",
    },
    "web/money.ts": {
        "interface Money", "method Money.plus", "type Amounts", "enum Side", "module ledger", "function ledger.post",
        "class Account", "method Account.close", "method Account.plus", "function format", "function format2",
        "variable Account.entries", "variable Account.count",
    },
    "web/view.tsx": {"type Props", "function Price", "function Total"},
    "go/shop.go": {
        "struct Basket", "interface Item", "method Item.Price", "type Cents", "method Basket.Add", "function NewBasket",
        "variable Limit", "variable count",
    },
    "native/shop.rs": {
        "struct Basket", "enum Side", "trait Priced", "method Priced.price", "method Priced.dear", "method Basket.add",
        "method Side.price", "module inner", "type inner.Amounts", "function inner.helper", "macro total", "struct Raw",
        "variable LIMIT", "variable COUNT",
    },
    "jvm/Shop.java": {
        "class Shop", "method Shop.Shop", "method Shop.add", "enum Shop.Side", "method Shop.Side.left",
        "interface Shop.Visitor", "method Shop.Visitor.visit", "class Shop.Line", "method Shop.Line.twice",
        "interface Shop.Tested", "variable Shop.LIMIT", "variable Shop.items", "variable Shop.Side.DEBIT",
        "variable Shop.Side.CREDIT",
    },
    "native/shop.h": {
        "macro SHOP_H", "macro LIMIT", "macro MAX", "type basket_t", "struct basket_t.basket", "enum side",
        "function basket_add", "variable side.DEBIT", "variable side.CREDIT",
    },
    "native/shop.c": {
        "struct raw", "function basket_add", "function find_item", "variable total", "variable names",
    },
    "native/shop.cpp": {
        "module shop", "class shop.Basket", "method shop.Basket.Basket", "method shop.Basket.~Basket",
        "method shop.Basket.add", "method shop.Basket.size", "method shop.Basket.operator==", "struct shop.Line",
        "enum shop.Side", "type shop.Amounts", "function shop.total", "method shop.Counter.next", "variable shop.limit",
        "variable shop.Basket.items", "variable shop.Line.amount", "variable shop.Side.Debit",
        "variable shop.Side.Credit",
    },
    "jvm/Shop.cs": {
        "module Shop", "class Shop.Basket", "method Shop.Basket.Basket", "method Shop.Basket.Add",
        "method Shop.Basket.Size", "type Shop.Basket.Changed", "interface Shop.IPriced", "method Shop.IPriced.Price",
        "struct Shop.Line", "class Shop.Entry", "enum Shop.Side", "variable Shop.Basket.Limit",
        "variable Shop.Basket.items", "variable Shop.Line.Amount", "variable Shop.Side.Debit",
        "variable Shop.Side.Credit",
    },
    "web/shop.rb": {
        "module Shop", "class Shop.Basket", "method Shop.Basket.initialize", "method Shop.Basket.add",
        "method Shop.Basket.count!", "function total", "variable Shop.LIMIT",
    },
    "web/shop.php": {
        "interface Priced", "method Priced.price", "trait Counted", "class Basket", "method Basket.__construct",
        "method Basket.add", "enum Side", "function total", "variable LIMIT", "variable Counted.count",
        "variable Basket.KIND", "variable Basket.items", "variable Side.Debit",
    },
    "jvm/Shop.kt": {
        "class Basket", "method Basket.add", "method Basket.empty", "class Priced", "method Priced.price", "class Line",
        "class Side", "class Registry", "method Registry.register", "type Amounts", "function total",
        "function describe", "variable LIMIT", "variable Basket.items", "variable Side.DEBIT", "variable Side.CREDIT",
    },
    "notebook.ipynb": {
        "cell cell 1", "cell cell 2", "cell cell 3", "function total", "class Basket", "method Basket.add",
        "variable LIMIT",
    },
}
# fmt: on


def _read(path: str) -> FileFacts:
    return facts_of(path, (SAMPLES / path).read_bytes())


@pytest.mark.parametrize("path", DEFINED)
def test_definitions_carry_kind_and_qualified_name(path: str) -> None:
    facts = _read(path)
    assert {f"{s.kind} {s.qualified}" for s in (*facts.symbols, *facts.variables)} == DEFINED[path]


def test_every_language_has_a_sample() -> None:
    languages = {language.name for path in DEFINED if (language := detect_language(path))}
    assert languages == {language.name for language in LANGUAGES} - {"python"}


@pytest.mark.parametrize(
    ("path", "name", "signature", "docstring", "bases"),
    [
        ("web/shop.js", "Basket", "class Basket extends base.Container", "A basket of things.", ("base.Container",)),
        (
            "web/money.ts",
            "Account",
            "abstract class Account<T extends Money> extends Base<T> implements Money",
            "",
            ("Base", "Money"),
        ),
        (
            "web/money.ts",
            "Money",
            "interface Money extends Comparable<Money>",
            "An amount in one currency.",
            ("Comparable",),
        ),
        ("web/view.tsx", "Price", "function Price({ money }: Props)", "Shows an amount.", ()),
        (
            "go/shop.go",
            "Basket.Add",
            "func (b *Basket) Add(item Item) error",
            "Add puts one thing into the basket.",
            (),
        ),
        ("native/shop.rs", "Basket", "pub struct Basket<T>", "A basket of things.", ()),
        ("native/shop.rs", "Priced", "pub trait Priced: Clone", "", ("Clone",)),
        (
            "jvm/Shop.java",
            "Shop",
            "public class Shop<T extends Item> extends Container<T> implements Priced, Closeable",
            "A basket of things.",
            ("Container", "Priced", "Closeable"),
        ),
        (
            "native/shop.c",
            "basket_add",
            "int basket_add(basket_t *basket, struct item *item)",
            "Adds one thing.",
            (),
        ),
        (
            "native/shop.cpp",
            "shop.Basket",
            "class Basket : public Container<T>, private money::Purse",
            "A basket of things.",
            ("Container", "money.Purse"),
        ),
        (
            "jvm/Shop.cs",
            "Shop.Basket",
            "public class Basket<T> : Container<T>, IPriced where T : Item",
            "<summary>A basket of things.</summary>",
            ("Container", "IPriced"),
        ),
        ("web/shop.rb", "Shop.Basket", "class Basket < Money::Container", "A basket of things.", ("Money.Container",)),
        (
            "web/shop.php",
            "Basket",
            r"abstract class Basket extends Container implements Priced, \Countable",
            "A basket of things.",
            ("Container", "Priced", "Countable"),
        ),
        (
            "jvm/Shop.kt",
            "Basket",
            "open class Basket<T : Item>(val owner: String) : Container<T>(owner), Priced",
            "A basket of things.",
            ("Container", "Priced"),
        ),
    ],
)
def test_headers_comments_and_bases_are_told(
    path: str, name: str, signature: str, docstring: str, bases: tuple[str, ...]
) -> None:
    symbol = next(s for s in _read(path).symbols if s.qualified == name)
    assert (symbol.signature, symbol.docstring, symbol.bases) == (signature, docstring, bases)


@pytest.mark.parametrize(
    ("path", "imports"),
    [
        (
            "web/shop.js",
            [
                ("./money.js", "format", "show"),
                ("./money.js", "default", "base"),
                ("./log", "", "log"),
                ("./round", "round", "round"),
            ],
        ),
        ("web/money.ts", [("./currency", "Currency", "Currency"), ("./round", "*", "*")]),
        ("go/shop.go", [("fmt", "", "fmt"), ("example.com/shop/money", "", "money")]),
        (
            "native/shop.rs",
            [
                ("std::collections", "HashMap", "HashMap"),
                ("crate::money", "Money", "Money"),
                ("crate::money", "convert", "exchange"),
            ],
        ),
        (
            "jvm/Shop.java",
            [
                ("com.example.money", "Money", "Money"),
                ("com.example.money.Rates", "convert", "convert"),
                ("java.util", "*", "*"),
            ],
        ),
        ("native/shop.c", [("stdio.h", "*", "*"), ("shop.h", "*", "*")]),
        ("jvm/Shop.cs", [("System", "*", "*"), ("Example.Accounts", "Money", "Money"), ("Example.Rates", "*", "*")]),
        ("web/shop.rb", [("json", "", ""), ("./money", "", "")]),
        ("web/shop.php", [("Example\\Money", "Money", "Money"), ("Example", "Rates", "R"), ("money.php", "*", "*")]),
        ("jvm/Shop.kt", [("com.example.money", "Money", "Money"), ("com.example.rates", "convert", "exchange")]),
    ],
)
def test_imports_are_told_with_their_aliases(path: str, imports: list[tuple[str, str, str]]) -> None:
    assert [(item.module, item.name, item.alias) for item in _read(path).imports] == imports


@pytest.mark.parametrize(
    ("path", "use"),
    [
        ("web/shop.js", ("total", "call", "Basket.add")),
        ("web/view.tsx", ("Price", "call", "Total")),
        ("web/money.ts", ("Money", "type", "ledger.post")),
        ("go/shop.go", ("Errorf", "call", "Basket.Add")),
        ("native/shop.rs", ("exchange", "call", "Basket.add")),
        ("jvm/Shop.java", ("convert", "call", "Shop.add")),
        ("native/shop.c", ("MAX", "call", "basket_add")),
        ("native/shop.cpp", ("push_back", "call", "shop.Basket.add")),
        ("jvm/Shop.cs", ("Convert", "call", "Shop.Basket.Add")),
        ("web/shop.rb", ("convert", "call", "Shop.Basket.add")),
        ("web/shop.php", ("notify", "call", "Basket.add")),
        ("jvm/Shop.kt", ("exchange", "call", "Basket.add")),
        ("notebook.ipynb", ("total", "call", "Basket.add")),
    ],
)
def test_uses_carry_kind_and_the_definition_around(path: str, use: tuple[str, str, str]) -> None:
    assert use in {(r.name, r.kind, r.inside) for r in _read(path).references}


@pytest.mark.parametrize("path", DEFINED)
def test_a_definition_is_no_use_of_itself(path: str) -> None:
    keywords = {
        "class",
        "interface",
        "enum",
        "trait",
        "type",
        "record",
        "module",
        "object",
    }  # C says `struct x` of uses
    lines = split_lines(decode_text(path, (SAMPLES / path).read_bytes()))
    for use in _read(path).references:
        if use.kind != "import":
            before, after = lines[use.line - 1][: use.column], lines[use.line - 1][use.column :]
            assert after.startswith(use.name)
            assert before.split()[-1:] not in [[word] for word in keywords]


@pytest.mark.parametrize(
    ("asked", "importers"),
    [
        ("web/money.ts", {"web/view.tsx", "web/shop.js"}),
        ("native/shop.h", {"native/shop.c"}),
    ],
)
def test_who_imports_a_file_is_known_across_languages(samples: Index, asked: str, importers: set[str]) -> None:
    assert importers <= samples.find_importers(asked) | {"web/shop.js"}
    assert samples.find_importers(asked) <= importers


def test_a_notebook_is_shown_by_cell(samples: Index) -> None:
    text = samples.read_source("notebook.ipynb")
    assert text.startswith("# %% cell 1 (markdown)\n# # Sums\n# of prices\n# %% cell 2 (code)\n# %matplotlib inline\n")
    cell = samples.find_enclosing("notebook.ipynb", 5)
    assert cell is not None and cell.name == "cell 2"  # noqa: PT018
    symbol = samples.get_symbol("notebook.ipynb", "Basket.add")
    assert symbol is not None
    assert samples.read_definition(symbol) == "def add(self):\n        return total([1, 2])"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"cells": 3}', b'{"cells": [3]}', b'{"cells": [{"source": [1, null]}]}', b"\xff\xfe"],
)
def test_what_is_no_notebook_is_skipped_or_shown_as_it_is(content: bytes) -> None:
    facts = facts_of("a.ipynb", content)
    assert facts.skipped in {"no notebook", ""}
    assert isinstance(decode_text("a.ipynb", content), str)


# --- what is not read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("node_modules/x/index.js", "function f() {}", "vendored"),
        ("src/vendor/lib.go", "package lib", "vendored"),
        ("static/jquery.min.js", "function f() {}", "minified"),
        ("static/app.js", "var a;" + "x" * 5000, "minified"),
        ("api/shop_pb2.py", "x = 1", "generated"),
        ("gen.go", "// Code generated by stringer; DO NOT EDIT.\npackage gen\n", "generated"),
        ("gen.ts", "/** @generated */\nexport const a = 1;\n", "generated"),
        ("data.py", "x = '" + "a" * 300_000 + "'\n", ""),
        ("generated.py", "# names are generated below\nx = 1\n", ""),
    ],
)
def test_vendored_minified_and_generated_files_are_skipped_and_said_so(
    indexed: Callable[[Mapping[str, str | bytes]], Index], path: str, content: str, reason: str
) -> None:
    index = indexed({path: content})
    assert index.files[path].skipped == reason


def test_a_header_with_classes_is_read_as_cpp() -> None:
    facts = facts_of("shop.h", b"#pragma once\nnamespace shop {\nclass Basket { int size(); };\n}\n")
    assert {s.qualified for s in facts.symbols} == {"shop", "shop.Basket", "shop.Basket.size"}


# --- whatever comes ---------------------------------------------------------------------------------------------------

_PATHS = sorted(path for path in DEFINED)


@pytest.mark.parametrize("path", _PATHS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_truncated_and_damaged_sources_never_raise(path: str, data: st.DataObject) -> None:
    content = (SAMPLES / path).read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(0, len(content)))
    junk = data.draw(st.binary(max_size=20))
    damaged = content[:start] + junk + content[end:]
    facts = facts_of(path, damaged)
    lines = split_lines(decode_text(path, damaged))
    for symbol in (*facts.symbols, *facts.variables):
        assert 1 <= symbol.start <= symbol.end <= len(lines)
        assert symbol.end_column <= len(lines[symbol.end - 1])
    assert all(1 <= r.line <= max(len(lines), 1) for r in facts.references)


@pytest.mark.parametrize("language", [language.name for language in LANGUAGES])
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace"))))
@settings(max_examples=40, deadline=None)
def test_random_bytes_never_raise(language: str, content: bytes) -> None:
    suffix = next(each.suffixes[0] for each in LANGUAGES if each.name == language)
    assert facts_of(f"a{suffix}", content).path == f"a{suffix}"


@pytest.mark.timeout(120)
def test_nonsense_that_hangs_a_parser_costs_that_file_alone(
    indexed: Callable[[Mapping[str, str | bytes]], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`<T<T<T…` keeps the parser for C# busy for minutes; nothing else hangs on any of these."""
    pieces = ("(", "[", "{", "a.b(", "x = {", "<T", "*", "if x {")
    suffixes = [language.suffixes[0] for language in LANGUAGES]
    files = {f"{n}{suffix}": piece * 20_000 for suffix in suffixes for n, piece in enumerate(pieces)}
    monkeypatch.setattr(pool, "FILE_TIMEOUT_SECONDS", 12.0)
    index = indexed({**files, "good.cs": "class Good { }\n" + "// comment\n" * 1000})
    gave_up = {path for path, facts in index.files.items() if facts.skipped == "the parser gave up"}
    assert gave_up <= {"5.cs", "7.kt"}
    assert index.find_symbols("Good")


def test_samples_are_where_they_are_looked_for() -> None:
    assert {str(Path(path)) for path in DEFINED} <= {str(p.relative_to(SAMPLES)) for p in SAMPLES.rglob("*")}
