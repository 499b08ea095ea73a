from __future__ import annotations

import pytest

from repoagent.edits.errors import EditRefused
from repoagent.languages import ALL, Capability, Language, language_of
from tests.languages.samples import SAMPLES, Sample

CASES = [pytest.param(language_of(sample.path), sample, id=name) for name, sample in SAMPLES.items()]
OTHERS = [case for case in CASES if case.id != "python"]


def _change(sample: Sample, change: tuple[str, str]) -> str:
    assert sample.source.count(change[0]) == 1, change
    return sample.source.replace(*change)


def test_every_language_has_a_sample() -> None:
    assert [language.name for language in ALL] == list(SAMPLES)


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_sample_parses(language: Language, sample: Sample) -> None:
    assert {sample.function, sample.type, sample.method} <= {each.qualified for each in language.parse(sample.source)}
    assert language.find_syntax_errors("", sample.source) == ()
    assert language.find_mistakes(sample.source) == () or language.name == "python"


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_definitions_are_found_with_their_lines(language: Language, sample: Sample) -> None:
    lines = sample.source.splitlines(keepends=True)
    for qualified, kind in ((sample.function, "function"), (sample.type, "class"), (sample.method, "function")):
        found = language.find_definition(sample.source, qualified)
        assert (found.qualified, found.kind) == (qualified, kind)
        assert found.text == "".join(lines[found.first - 1 : found.last])
        assert qualified.rpartition(".")[2] in found.text
        assert language.find_definition(sample.source, qualified, found.last) == found
    inner, outer = (language.find_definition(sample.source, name) for name in (sample.method, sample.type))
    assert inner.text in outer.text or inner.first > outer.last
    with pytest.raises(EditRefused, match="there is no function or class nowhere"):
        language.find_definition(sample.source, "nowhere")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_rewritten_function_changes_what_it_changes_and_nothing_else(
    language: Language, sample: Sample, end: str
) -> None:
    for qualified, answer, change in (
        (sample.function, sample.function_answer, sample.function_change),
        (sample.method, sample.method_answer, sample.method_change),
    ):
        source = sample.source.replace("\n", end)
        start = language.find_definition(sample.source, qualified, _line(sample, change[0])).first
        spliced = language.splice_definition(source, qualified, answer, start)
        assert spliced == _change(sample, change).replace("\n", end)
        assert language.splice_definition("\ufeff" + source, qualified, answer, start) == "\ufeff" + spliced


def _line(sample: Sample, text: str) -> int:
    return sample.source[: sample.source.index(text) + len(text)].count("\n") + 1


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_whole_type_may_be_the_answer_for_its_method(language: Language, sample: Sample) -> None:
    changed = _change(sample, sample.method_change)
    found = language.find_definition(changed, sample.method)
    start = language.find_definition(sample.source, sample.method).first
    assert language.splice_definition(sample.source, sample.method, changed, start) == changed
    assert language.splice_definition(sample.source, sample.method, found.text, start) == changed


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_rewritten_type_is_put_in_its_place(language: Language, sample: Sample) -> None:
    changed = _change(sample, sample.method_change)
    new = language.find_definition(changed, sample.type).text
    spliced = language.splice_definition(sample.source, sample.type, new)
    inside = language.find_definition(sample.source, sample.type).text.count(sample.method_change[0])
    assert spliced == (changed if inside else sample.source)


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_an_answer_that_means_the_same_leaves_the_text_as_it_was(language: Language, sample: Sample) -> None:
    start = language.find_definition(sample.source, sample.function, _line(sample, sample.function_change[0])).first
    old, new = sample.function_change
    answer = sample.function_answer.replace(new, old) if new in sample.function_answer else sample.source
    assert language.splice_definition(sample.source, sample.function, answer, start) == sample.source


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_the_fingerprint_tells_meaning_from_layout(language: Language, sample: Sample) -> None:
    own = language.fingerprint(sample.source)
    assert language.fingerprint(_change(sample, sample.same)) == own
    assert language.fingerprint(sample.source.replace("\n", "\r\n")) == own
    assert language.fingerprint(_change(sample, sample.other)) != own
    assert language.fingerprint(_change(sample, sample.method_change)) != own


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_text_that_parses_worse_is_refused(language: Language, sample: Sample) -> None:
    broken = _change(sample, sample.broken)
    problems = language.find_syntax_errors(sample.source, broken)
    assert len(problems) == 1
    assert "line" in problems[0]
    with pytest.raises(EditRefused):
        language.parse(broken)


@pytest.mark.parametrize(("language", "sample"), OTHERS)
def test_a_file_that_was_broken_before_in_the_same_way_is_accepted(language: Language, sample: Sample) -> None:
    broken = _change(sample, sample.broken)
    assert language.find_syntax_errors(broken, broken) == ()
    assert language.find_syntax_errors(broken, broken + "\n") == ()
    assert language.find_syntax_errors(broken, sample.source) == ()


@pytest.mark.parametrize("fence", ["usual", "none", "with a name", "open"])
@pytest.mark.parametrize(("language", "sample"), CASES)
def test_code_is_found_in_an_answer(language: Language, sample: Sample, fence: str) -> None:
    mark = {"usual": sample.fence, "none": "", "with a name": f"{sample.fence} {sample.path}", "open": sample.fence}[
        fence
    ]
    answer = f"It is wrong.\n\n```\nother\n```\n\n```{mark}\n{sample.function_answer}\n"
    answer += "" if fence == "open" else "```\n\nRun it:\n```bash\nmake test\n```\n"
    name = sample.function.rpartition(".")[2]
    assert language.extract_code(answer, name).strip() == sample.function_answer.strip()
    assert language.extract_code(sample.function_answer, name) == sample.function_answer


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_an_answer_that_was_cut_off_is_refused_unless_a_block_is_whole(language: Language, sample: Sample) -> None:
    name = sample.function.rpartition(".")[2]
    closed, opened = f"```\n{sample.function_answer}```\n", f"```\n{sample.function_answer}"
    assert language.extract_code(closed + opened[:30], name, truncated=True) == sample.function_answer
    with pytest.raises(EditRefused, match="not complete"):
        language.extract_code(opened, name, truncated=True)


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_what_is_no_definition_is_refused(language: Language, sample: Sample) -> None:
    another = sample.method_answer if language.name != "python" else ""  # there, the only function is taken for it
    for answer in ("", "I do not know.", another):
        with pytest.raises(EditRefused):
            language.splice_definition(sample.source, sample.function, answer)


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_an_answer_that_leaves_out_code_is_refused(language: Language, sample: Sample) -> None:
    mark = "#" if language.name in {"python", "ruby"} else "//"
    loop = next(
        line
        for line in sample.function_answer.splitlines()
        if line.strip().startswith(("for", "items.each", "const sum"))
    )
    indent = loop[: len(loop) - len(loop.lstrip())]
    answer = sample.function_answer.replace(loop, f"{indent}{mark} ... rest of the code\n{loop}")
    with pytest.raises(EditRefused, match="leaves out code"):
        language.splice_definition(sample.source, sample.function, answer)


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_documentation_is_split_off_where_it_is_inside(language: Language, sample: Sample) -> None:
    text, documentation = language.split_documentation(sample.source, sample.function)
    whole = language.find_definition(sample.source, sample.function).text
    assert (text, documentation) == (whole, "") if language.name != "python" else documentation == "Sum up."


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_capabilities_say_what_is_lacking(language: Language, sample: Sample) -> None:
    assert language.capabilities == (frozenset(Capability) if language.name == "python" else frozenset())
    assert language.comment in ("#", "//")
    assert language.title[:1].isupper()
    assert sample.fence in language.fences
    assert sample.path.endswith(language.endings)
