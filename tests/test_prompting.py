from __future__ import annotations

import dataclasses

import pytest
from jinja2 import meta

from repoagent.domain import Issue
from repoagent.languages.python.language import PYTHON
from repoagent.prompting import PROMPTS, Infill, Prompt, Retry, environment, render, trim_issue


@pytest.mark.parametrize("kind", PROMPTS, ids=lambda kind: kind.template)
def test_the_fields_of_a_prompt_are_the_variables_of_its_template(kind: type[Prompt]) -> None:
    loader = environment().loader
    assert loader is not None
    source = loader.get_source(environment(), f"{kind.template}.md.j2")[0]
    variables = meta.find_undeclared_variables(environment().parse(source))
    assert variables == {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # a dataclass


def test_every_template_has_a_dataclass() -> None:
    templates = {name.removesuffix(".md.j2") for name in environment().list_templates() if name.endswith(".j2")}
    assert templates == {kind.template for kind in PROMPTS}


def test_what_a_model_or_an_issue_wrote_is_not_evaluated_as_a_template() -> None:
    assert "{{ 7 * 7 }}" in render(Retry("{{ 7 * 7 }} {% raw %}", "function", "f", PYTHON))


def test_an_infill_header_is_python_comments_and_imports() -> None:
    text = render(Infill(("import os",), "It breaks", ("should: work",), PYTHON))
    assert text == "import os\n\n# FIXME It breaks\n# should: work\n"


def words(text: str) -> int:
    return len(text.split())


def test_trimming_keeps_title_and_example_and_drops_environment_tables() -> None:
    noise = "\n\n".join(f"Paragraph {n} says nothing of use to anybody at all." for n in range(20))
    body = f"```python\nf()\n\ng()\n```\n\nExpected 1, got 2.\n\nVersion: 3 Platform: x\n\n{noise}"
    trimmed = trim_issue(Issue("Title", body), 30, words)
    assert trimmed.startswith("# Title\n\n```python\nf()\n\ng()\n```\n\nExpected 1, got 2.")
    assert "Platform" not in trimmed
    assert words(trimmed) <= 30


def test_an_issue_that_fits_is_left_alone() -> None:
    assert trim_issue(Issue("a b", "c"), 4, words) == "# a b\n\nc\n"
