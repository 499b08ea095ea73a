"""The Action's own YAML, held against GitHub's schemas, actionlint and zizmor; each of them finds a planted mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repoagent.action.setup import WorkflowOptions, render_workflow
from tests.action.linters import Actionlint, against_schema, against_zizmor

ROOT = Path(__file__).parents[2]
WRITTEN = {
    "as it is": WorkflowOptions("acme/repoagent", ref="1" * 40),
    "a GPU box": WorkflowOptions(
        "acme/fork", "2" * 40, "fix-it", "http://gpu-box:8000/v1#Qwen/Qwen3-Coder", "self-hosted, gpu", 200
    ),
}
"""Workflows as `repoagent github init` writes them, pinned to a commit."""
FILES = ("action.yml", ".github/workflows/agent.yml", ".github/workflows/publish.yml", *WRITTEN)
WORKFLOWS = FILES[1:]


@pytest.fixture
def place(tmp_path: Path) -> Callable[[str], Path]:
    """A file of the project, or a workflow as it is written, where a linter expects one."""

    def made(name: str) -> Path:
        text = render_workflow(WRITTEN[name]) if name in WRITTEN else (ROOT / name).read_text()
        path = tmp_path / ("action.yml" if name == "action.yml" else f".github/workflows/{Path(name).name}.yml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return made


Place = Callable[[str], Path]


@pytest.fixture(scope="session")
def actionlint(request: pytest.FixtureRequest) -> Actionlint:
    assert request.config.cache is not None
    return Actionlint.fetched(request.config.cache.mkdir("actionlint-1.7.7"))


@pytest.mark.parametrize("name", FILES)
def test_it_fits_the_official_schema(name: str, place: Place) -> None:
    assert against_schema(place(name)) == []


@pytest.mark.parametrize("name", FILES)
def test_zizmor_finds_nothing(name: str, place: Place) -> None:
    assert against_zizmor(place(name)) == []


@pytest.mark.network
def test_actionlint_finds_nothing(place: Place, actionlint: Actionlint) -> None:
    assert actionlint.against(*map(place, WORKFLOWS)) == [[] for _ in WORKFLOWS]


def test_a_workflow_that_takes_repoagent_from_a_branch_is_called_unpinned_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "repoagent.yml"
    path.write_text(render_workflow(WorkflowOptions("acme/repoagent")))
    assert {found.partition(":")[0] for found in against_zizmor(path)} == {"unpinned-uses"}


# --- they can say no --------------------------------------------------------------------------------------------------


def planted(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("action.yml", "using: composite", "using: composit", "runs"),
        ("as it is", "    needs: begin\n", "    need: begin\n", "jobs.agent"),
        (".github/workflows/agent.yml", "runs-on: ${{", "run-on: ${{", "jobs.agent"),
        (".github/workflows/publish.yml", "    timeout-minutes: 15", "    timeout-minutes: [15]", "timeout-minutes"),
    ],
)
def test_the_schema_finds_what_is_wrong(name: str, old: str, new: str, said: str, place: Place) -> None:
    assert any(said in found for found in against_schema(planted(place(name), old, new)))


MISTAKES = (
    ("as it is", "needs.begin.outputs.go ==", "needs.beginn.outputs.go ==", '"beginn" is not defined'),
    (".github/workflows/agent.yml", "steps.solve.outputs", "steps.solved.outputs", '"solved" is not defined'),
    (".github/workflows/publish.yml", "inputs.label }}", "inputs.lable }}", '"lable" is not defined'),
)


@pytest.mark.network
def test_actionlint_finds_what_is_wrong(place: Place, actionlint: Actionlint) -> None:
    found = actionlint.against(*(planted(place(name), old, new) for name, old, new, _ in MISTAKES))
    for (*_, said), told in zip(MISTAKES, found, strict=True):
        assert any(said in line for line in told), told


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("action.yml", '"$REPOAGENT_STEP"', '"${{ inputs.step }}"', "template-injection"),
        (
            ".github/workflows/agent.yml",
            "actions/cache@5a3ec84eff668545956fd18022155c47e93e2684",
            "actions/cache@v4",
            "unpinned-uses",
        ),
        (".github/workflows/publish.yml", "@08c6903cd8c0fde910a37f88322edcfb5dd907a8", "@v5", "unpinned-uses"),
        ("as it is", "    needs: begin\n", "    needs: begin\n    secrets: inherit\n", "secrets-inherit"),
    ],
)
def test_zizmor_finds_what_is_wrong(name: str, old: str, new: str, said: str, place: Place) -> None:
    assert any(found.startswith(said) for found in against_zizmor(planted(place(name), old, new)))
