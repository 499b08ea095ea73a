"""What is particular to some language: overloads, nesting, what stands above a definition, how it is indented."""

from __future__ import annotations

import pytest

from repoagent.edits.errors import EditRefused
from repoagent.languages import Language, language_of
from tests.languages import samples


def _language(path: str) -> Language:
    found = language_of(path)
    assert found is not None
    return found


JAVA, CPP, GO, RUST, JS, TS = map(_language, ("A.java", "a.cpp", "a.go", "a.rs", "a.js", "a.ts"))
RUBY, CSHARP, PHP, KOTLIN, C = map(_language, ("a.rb", "a.cs", "a.php", "a.kt", "a.c"))


def test_of_overloads_it_is_the_one_that_holds_the_line_and_looks_alike() -> None:
    second = JAVA.find_definition(samples.JAVA, "Basket.total")
    assert "int start" in second.text
    start = samples.JAVA[: samples.JAVA.index("int sum")].count("\n") + 1
    first = JAVA.find_definition(samples.JAVA, "Basket.total", start)
    assert "@Override" in first.text
    changed = samples.JAVA.replace("return start;", "return start + 1;").replace("sum -=", "sum +=")
    assert JAVA.splice_definition(samples.JAVA, "Basket.total", changed, second.first) == samples.JAVA.replace(
        "return start;", "return start + 1;"
    )
    assert JAVA.splice_definition(samples.JAVA, "Basket.total", changed, start) == samples.JAVA.replace(
        "sum -=", "sum +="
    )


def test_a_definition_is_preferred_to_its_prototype() -> None:
    assert C.find_definition(samples.C, "total").text.startswith(
        "static int total(const struct item *items, int count)\n{"
    )
    declared = "static int total(const struct item *items, int count);"
    with pytest.raises(EditRefused, match="only declares"):
        C.splice_definition(samples.C, "total", declared)


def test_methods_of_two_types_are_told_apart() -> None:
    answer = "func (i Item) Size() int {\n\treturn 2\n}\n"
    assert GO.splice_definition(samples.GO, "Item.Size", answer) == samples.GO.replace("return 1\n", "return 2\n")
    with pytest.raises(EditRefused, match=r"does not define Basket\.Size"):
        GO.splice_definition(samples.GO, "Basket.Size", "func Size() int {\n\treturn 2\n}\n")
    with pytest.raises(EditRefused, match=r"does not define Basket\.Size"):
        GO.splice_definition(samples.GO, "Basket.Size", answer)


def test_a_function_inside_of_another_is_found_and_replaced() -> None:
    source = "function outer() {\n  function inner(a) {\n    return a;\n  }\n  return inner(1);\n}\n"
    assert JS.find_definition(source, "outer.inner").first == 2
    answer = "function inner(a) {\n    if (a) {\n        return 2;\n    }\n}\n"
    assert JS.splice_definition(source, "outer.inner", answer) == (
        "function outer() {\n  function inner(a) {\n    if (a) {\n      return 2;\n    }\n  }\n  return inner(1);\n}\n"
    )


@pytest.mark.parametrize(
    ("language", "source", "qualified", "answer", "expected"),
    [
        (
            JAVA,
            "class A {\n    @Override\n    @X(1)\n    public int f() { return 1; }\n}\n",
            "A.f",
            "public int f() { return 2; }",
            "class A {\n    @Override\n    @X(1)\n    public int f() { return 2; }\n}\n",
        ),
        (
            JAVA,
            "class A {\n    @Override\n    public int f() { return 1; }\n}\n",
            "A.f",
            "@Override\n@Y\npublic int f() { return 2; }",
            "class A {\n    @Override\n    @Y\n    public int f() { return 2; }\n}\n",
        ),
        (
            RUST,
            "/// Doc.\n#[a]\n// why\n#[b]\npub fn f() -> i32 { 1 }\n",
            "f",
            "/// Other.\npub fn f() -> i32 { 2 }",
            "/// Doc.\n#[a]\n// why\n#[b]\npub fn f() -> i32 { 2 }\n",
        ),
        (
            RUST,
            "/// Doc.\n#[a]\nfn f() -> i32 { 1 }\n",
            "f",
            "#[c]\nfn f() -> i32 { 2 }",
            "/// Doc.\n#[c]\nfn f() -> i32 { 2 }\n",
        ),
        (
            TS,
            "class A {\n\t/** Doc. */\n\t@Get()\n\tasync f() {\n\t\treturn 1;\n\t}\n}\n",
            "A.f",
            "async f() {\n  return 2;\n}",
            "class A {\n\t/** Doc. */\n\t@Get()\n\tasync f() {\n\t\treturn 2;\n\t}\n}\n",
        ),
        (
            TS,
            "export const f = async (a: number) => a;\n",
            "f",
            "const f = async (a: number) => a + 1;",
            "export const f = async (a: number) => a + 1;\n",
        ),
        (
            CPP,
            "template <class T>\nT f(T a) { return a; }\n",
            "f",
            "T f(T a) { return a + 1; }",
            "template <class T>\nT f(T a) { return a + 1; }\n",
        ),
        (
            CPP,
            "template <class T>\nT f(T a) { return a; }\n",
            "f",
            "template <typename T>\nT f(T a) { return a + 1; }",
            "template <typename T>\nT f(T a) { return a + 1; }\n",
        ),
        (
            CSHARP,
            "class A\n{\n    [X]\n    [Y(1)]\n    public int F() => 1;\n}\n",
            "A.F",
            "public int F() => 2;",
            "class A\n{\n    [X]\n    [Y(1)]\n    public int F() => 2;\n}\n",
        ),
        (
            PHP,
            "<?php\n/** Doc. */\n#[X]\nfunction f() { return 1; }\n",
            "f",
            "<?php\nfunction f() { return 2; }",
            "<?php\n/** Doc. */\n#[X]\nfunction f() { return 2; }\n",
        ),
        (
            KOTLIN,
            "class A {\n    @X\n    @Y(1)\n    private fun f() = 1\n}\n",
            "A.f",
            "private fun f() = 2",
            "class A {\n    @X\n    @Y(1)\n    private fun f() = 2\n}\n",
        ),
        (
            JS,
            "class A {\n  f(a) { return 1; }\n}\n",
            "A.f",
            "async function f(a) { return 2; }",
            "class A {\n  async f(a) { return 2; }\n}\n",
        ),
        (
            JS,
            "module.exports = {\n  f: function (a) {\n    return 1;\n  },\n};\n",
            "f",
            "f: function (a) {\n  return 2;\n}",
            "module.exports = {\n  f: function (a) {\n    return 2;\n  },\n};\n",
        ),
        (
            JS,
            "A.prototype.f = function (a) {\n\treturn 1;\n};\n",
            "f",
            "A.prototype.f = function (a) {\n    return 2;\n};",
            "A.prototype.f = function (a) {\n\treturn 2;\n};\n",
        ),
        (
            RUBY,
            "class A\n\t# Doc.\n\tdef f\n\t\t1\n\tend\nend",
            "A.f",
            "def f\n  2\nend",
            "class A\n\t# Doc.\n\tdef f\n\t\t2\n\tend\nend",
        ),
    ],
)
def test_what_stands_above_stays_unless_the_answer_has_all_of_it(
    language: Language, source: str, qualified: str, answer: str, expected: str
) -> None:
    assert language.splice_definition(source, qualified, answer) == expected
    crlf = language.splice_definition(source.replace("\n", "\r\n"), qualified, answer)
    assert crlf == expected.replace("\n", "\r\n")


def test_the_insides_of_strings_are_not_indented_anew() -> None:
    source = "class A {\n\tf() {\n\t\treturn 1;\n\t}\n}\n"
    answer = "f() {\n    const a = `one\n    two`;\n    return a;\n}\n"
    expected = "class A {\n\tf() {\n\t\tconst a = `one\n    two`;\n\t\treturn a;\n\t}\n}\n"
    assert JS.splice_definition(source, "A.f", answer) == expected


def test_characters_of_several_bytes_shift_nothing() -> None:
    source = '// Grüße 🎉\nfunc F() string { return "ü🎉" }\n\nfunc G() string { return "é" }\n'
    assert GO.splice_definition(source, "G", 'func G() string { return "e" }') == source.replace("é", "e")


def test_bytes_that_are_not_utf8_stay_as_they_are() -> None:
    source = "/* gr\udcfc\udcdfe */\nint f(void) { return 1; }\n"
    assert C.splice_definition(source, "f", "int f(void) { return 2; }") == source.replace("1", "2")
    with pytest.raises(EditRefused, match="ASCII"):
        C.splice_definition(source, "f", 'int f(void) { return puts("é"); }')


def test_an_answer_with_prose_around_its_code_will_do() -> None:
    answer = (
        "Here is the fix:\n\nfunc Total(items []Item, start int) (int, error) {\n\treturn 1, nil\n}\n\nThat is it.\n"
    )
    assert "{\n\treturn 1, nil\n}\n\ntype (" in GO.splice_definition(samples.GO, "Total", answer)


def test_an_answer_that_is_broken_is_refused_with_the_line() -> None:
    with pytest.raises(EditRefused, match="syntax error"):
        JAVA.splice_definition(samples.JAVA, "Basket.Item.size", "int size() { return 1 + ; }")
    with pytest.raises(EditRefused):
        GO.splice_definition(samples.GO, "Total", "func Total(items []Item) int {\n\treturn 1\n")


def test_a_class_without_one_of_its_methods_is_refused() -> None:
    with pytest.raises(EditRefused, match="leaves out methods: empty"):
        RUBY.splice_definition(samples.RUBY, "Shop.Basket", "class Basket\n  def size\n    1\n  end\nend\n")


def test_what_is_broken_elsewhere_in_the_file_does_not_matter() -> None:
    source = "MACRO(a b) }\n\nint f(void) { return 1; }\n"
    assert C.splice_definition(source, "f", "int f(void) { return 2; }") == source.replace("1", "2")
    assert C.find_syntax_errors(source, source.replace("1", "2")) == ()
    assert len(C.find_syntax_errors(source, source.replace("1; }", "1 + }"))) == 1


def test_a_header_is_read_as_the_index_reads_it() -> None:
    header = "namespace a {\nclass B { int f() { return 1; } };\n}\n"
    language = language_of("a.h", header)
    assert language is not None
    assert (language.name, language_of("a.h")) == ("cpp", C)
    assert language.find_definition(header, "a.B.f").first == 2


@pytest.mark.parametrize("path", ["README.md", ".js", "a.pyi", "Makefile", "a.ipynb", "src/"])
def test_other_files_have_no_language(path: str) -> None:
    assert language_of(path) is None
