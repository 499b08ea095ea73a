"""What generators do with a function of any language: whole definitions and search/replace blocks in all of them, the
rest where the language can do it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoagent.domain import Attempt, Edit, Issue, Location, Spec
from repoagent.evidence.gate import compute_candidate_key, find_problems
from repoagent.generators import GENERATORS, DraftTask, Replacer, Retrier, Rewriter
from repoagent.generators.excerpts import collect_file_excerpts
from repoagent.generators.from_issue import draft_from_issue, find_issue_proposals
from repoagent.generators.surroundings import describe_surroundings
from repoagent.issue.proposals import ProposedChange, ProposedHunk
from repoagent.languages import Capability, Language, language_of
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel
from repoagent.ranking.likelihood import score_change
from repoagent.search.plan import find_missing_capabilities, select_modules, select_targets
from tests.conftest import Indexed
from tests.languages.samples import SAMPLES, Sample

CASES = [pytest.param(language_of(sample.path), sample, id=name) for name, sample in SAMPLES.items()]
OTHERS = [case for case in CASES if case.id != "python"]
PROFILE = find_profile("qwen2.5-coder-1.5b")


def make_task(language: Language, sample: Sample, source: str = "") -> DraftTask:
    found = language.find_definition(sample.source, sample.function)
    line = sample.source[: sample.source.index(sample.function_change[0])].count("\n") + 1
    found = language.find_definition(sample.source, sample.function, line)
    target = Location(sample.path, sample.function, found.first, found.last)
    return DraftTask(
        Issue("the sum is wrong", ""), Spec((), ()), target, source or sample.source, "around", "", 7, samples=1
    )


def write_answer(sample: Sample) -> str:
    return f"It subtracts.\n\n```{sample.fence}\n{sample.function_answer}```\n"


def change(sample: Sample) -> str:
    return sample.source.replace(*sample.function_change)


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_whole_function_is_asked_for_in_its_language_and_put_in_its_place(language: Language, sample: Sample) -> None:
    model = ScriptedModel([write_answer(sample)], profile=PROFILE)
    [draft] = Rewriter().draft(make_task(language, sample), model).drafts
    assert draft.edits == (Edit(sample.path, sample.source, change(sample)),)
    prompt = model.calls[0].prompt
    assert f"a {language.title} project" in prompt
    assert prompt.count(f"```{language.fences[0]}\n") == 2
    assert language is language_of("m.py") or "ython" not in prompt


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_a_second_attempt_is_made_at_a_whole_function_alone(language: Language, sample: Sample) -> None:
    model = ScriptedModel([write_answer(sample)], profile=PROFILE)
    task = make_task(language, sample)
    again = replace(task, previous=Attempt(write_answer(sample), "it does not compile"))
    [draft] = Retrier().draft(again, model).drafts
    assert draft.edits[0].after == change(sample)
    assert f"```{language.fences[0]}\n{sample.function_answer}```" in model.calls[0].prompt
    part = replace(task, previous=Attempt("x = 1\n", "it does not compile"))
    assert Retrier().draft(part, model).refused == ("only a whole definition is asked for again",)


@pytest.mark.parametrize(("language", "sample"), OTHERS)
def test_a_long_function_is_asked_for_as_a_whole_where_it_cannot_be_divided(language: Language, sample: Sample) -> None:
    long = sample.same[1] + f"{language.comment} {'word ' * 2000}\n"
    source = sample.source.replace(sample.same[0], long, 1)
    model = ScriptedModel(lambda _: write_answer(sample), profile=PROFILE)
    task = make_task(language, sample, source)
    target = language.find_definition(source, sample.function, task.target.start)
    task = replace(task, target=replace(task.target, start=target.first, end=target.last))
    assert Capability.STATEMENT_RANGES not in language.capabilities
    Rewriter().draft(task, model)
    assert all("by correcting one function" in call.prompt for call in model.calls)
    assert len(model.calls) == 1


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_blocks_are_asked_for_in_the_language_of_each_file(
    language: Language, sample: Sample, indexed: Indexed
) -> None:
    index = indexed({sample.path: sample.source})
    task = make_task(language, sample)
    files = collect_file_excerpts(index, index.read_source, (task.target,), "the sum")
    assert [file.path for file in files] == [sample.path]
    old = next(line for line in sample.source.splitlines() if sample.function_change[0] in line)
    new = old.replace(*sample.function_change)
    block = f"### {sample.path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"
    other = f"### new/other{language.endings[0]}\n<<<<<<< SEARCH\n=======\nx\n>>>>>>> REPLACE\n"
    model = ScriptedModel([block + other], profile=PROFILE)
    [draft] = Replacer().draft(replace(task, files=files, listed=frozenset({sample.path})), model).drafts
    assert draft.edits[0].after == change(sample)
    assert draft.edits[1] == Edit(f"new/other{language.endings[0]}", None, "x\n")
    assert f"a {language.title} project" in model.calls[0].prompt
    assert f"```{language.fences[0]}\n" in model.calls[0].prompt


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_the_model_is_asked_how_likely_a_change_is(language: Language, sample: Sample) -> None:
    asked: list[str] = []

    def score(before: str, _behind: str, text: str) -> None:
        asked.append(before + text)

    model = ScriptedModel([], profile=PROFILE)
    assert score_change(make_task(language, sample), change(sample), model, score) is None
    assert f"{language.comment} FIXME the sum is wrong" in asked[0]


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_what_an_issue_proposes_is_read_in_the_language_of_the_suspects(language: Language, sample: Sample) -> None:
    task = make_task(language, sample)

    def draft(proposal: ProposedChange) -> str | None:
        made = draft_from_issue([proposal], [task.target], [sample.path], lambda _: sample.source)
        return made.drafts[0].edits[0].after if made.drafts else None

    assert draft(ProposedChange("it", function=sample.function_answer)) == change(sample)
    old, new = sample.function_change
    assert draft(ProposedChange("it", (ProposedHunk(old, new),))) == change(sample)
    assert draft(ProposedChange("it", function="nothing of that kind")) is None
    issue = Issue("the sum is wrong", f"It should be:\n\n```{sample.fence}\n{sample.function_answer}```\n")
    [proposal] = [each for each in find_issue_proposals(issue, [task.target]) if each.function]
    assert draft(proposal) == change(sample)
    elsewhere = Location("a.cs" if sample.path.endswith(".go") else "a.go", "f", 1, 2)
    unrelated = [each for each in find_issue_proposals(issue, [elsewhere]) if each.function]
    assert bool(unrelated) is (language.name == "python")


@pytest.mark.parametrize(("language", "sample"), CASES)
def test_the_gate_reads_every_language(language: Language, sample: Sample) -> None:
    def make_edit(after: str, path: str = sample.path) -> tuple[Edit, ...]:
        return (Edit(path, sample.source, after),)

    other, same = sample.source.replace(*sample.other, 1), sample.source.replace(*sample.same, 1)
    assert find_problems(make_edit(other)) == ()
    assert find_problems(make_edit(same)) == ("it changes no code",)
    assert any("yntax" in each for each in find_problems(make_edit(sample.source.replace(*sample.broken, 1))))
    lines = "".join(f"{language.comment} {n}\n" for n in range(200))
    assert any("lines of" in each for each in find_problems(make_edit(other + lines)))
    assert compute_candidate_key(make_edit(sample.source)) == compute_candidate_key(make_edit(same))
    assert compute_candidate_key(make_edit(sample.source)) != compute_candidate_key(make_edit(other))


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("basket.test.js", True),
        ("src/__tests__/basket.ts", True),
        ("basket_test.go", True),
        ("src/test/java/shop/BasketTest.java", True),
        ("tests/data.json", True),
        ("tests/helper.go", True),
        ("test/Helper.java", True),
        ("node_tests/server.js", True),
        ("testcases/data.c", True),
        ("integration_tests/common.rs", True),
        ("src/basket.js", False),
        ("basket.go", False),
        ("data.json", False),
    ],
)
def test_a_patch_changes_no_test_of_any_language(path: str, refused: bool) -> None:
    assert (f"it edits the tests in {path}" in find_problems([Edit(path, "a\n", "b\n")])) is refused


def test_files_in_no_known_language_are_compared_by_their_text() -> None:
    assert find_problems([Edit("data.json", "1  # one", "1")]) == ()
    assert compute_candidate_key([Edit("a.txt", "", "1")]) != compute_candidate_key([Edit("a.txt", "", "1 ")])


def test_targets_are_of_any_language_and_modules_where_they_can_be_divided(indexed: Indexed) -> None:
    files = {sample.path: sample.source for sample in SAMPLES.values()}
    tests = {
        "shop.test.ts": SAMPLES["typescript"].source,
        "shop_test.go": SAMPLES["go"].source,
        "notes.md": "# total\n",
    }
    index = indexed({**files, **tests})
    places = [Location(sample.path, sample.function, 1, 2) for sample in SAMPLES.values()]
    others = [Location(path, "total", 1, 2) for path in tests]
    assert select_targets([*places, *others], index) == places
    modules = [Location(path, "", 1, 2) for path in (*files, *tests)]
    assert [each.path for each in select_modules(modules)] == [SAMPLES["python"].path]


def test_what_a_language_lacks_is_known_by_path() -> None:
    missing = find_missing_capabilities(["a.py", "a.go", "a.unheard"])
    assert missing == {"a.py": frozenset(), "a.go": frozenset(Capability), "a.unheard": frozenset(Capability)}
    needing = {each.name: set(each.traits.needs) for each in GENERATORS if each.traits.needs}
    assert needing == {
        "mutation": {Capability.MUTATION, Capability.IN_PROCESS_SCREENING},
        "infill": {Capability.INFILLING_HOLES},
    }


def test_surroundings_are_written_as_the_language_writes_them(indexed: Indexed) -> None:
    files = {
        "a.js": "import { round } from './b.js';\n\nclass A {\n  f() { return round(1); }\n  g() { return 2; }\n}\n",
        "b.js": "export function round(x) { return x; }\n",
        "a.py": "from b import rounded\nclass A:\n    def f(self):\n        return rounded(1)\n    def g(self): pass\n",
        "b.py": 'def rounded(x):\n    """Round."""\n    return x\n',
    }
    index = indexed(files)
    assert describe_surroundings(index, Location("a.py", "A.f", 3, 4)).splitlines() == [
        "class A:",
        "    def g(self): ...",
        "def rounded(x): ...  # in b.py  # Round.",
    ]
    assert describe_surroundings(index, Location("a.js", "A.f", 4, 4)).splitlines() == [
        "class A",
        "    g()",
        "function round(x)  // in b.js",
    ]
