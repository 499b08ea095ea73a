"""One wrong function in a project of another language, and a test of the project's own that fails for it: a scripted
answer solves it through the whole graph, in a real sandbox, with the project's own tests."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from repoagent.domain import Issue, dump
from repoagent.graph.services import RunChoices
from repoagent.llm.budget import Budget
from repoagent.llm.profiles import find_profile
from repoagent.llm.scripted import ScriptedModel
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.session import Session
from repoagent.workspace import Workspace, resolve_source
from tests.graph.conftest import Bench


@dataclass(frozen=True)
class Project:
    """A project with one wrong function, and what a model says of it."""

    files: dict[str, str]
    path: str
    """The file that is wrong."""
    wrong: str
    right: str
    """What stands in the file once, and what should."""
    issue: Issue
    answer: str
    tests: int
    """How many there are; one of them fails today."""
    title: str
    fence: str


BASKET_JS = """\
// What a basket costs.
import { round } from './money.js';

const  RATE = 0.1 ;   // laid out by hand

/** The sum of all prices. */
export function total(prices) {
  let sum = 0;
  for (let i = 1; i < prices.length; i++) {
    sum += prices[i];
  }
  return round(sum);
}

export class Basket {
\tconstructor(prices) { this.prices = prices }

\ttaxed() { return round(total(this.prices) * (1 + RATE)) }
}
"""
JAVASCRIPT = Project(
    files={
        "package.json": '{ "name": "basket", "type": "module", "scripts": { "test": "node --test" } }\n',
        "money.js": "export const round = (amount) => Math.round(amount * 100) / 100;\n",
        "basket.js": BASKET_JS.replace("\n", "\r\n"),
        "test/basket.test.js": """\
import assert from 'node:assert';
import test from 'node:test';
import { Basket, total } from '../basket.js';

test('an empty basket is free', () => assert.equal(total([]), 0));
test('all prices count', () => assert.equal(total([3, 4]), 7));
test('nothing is taxed with nothing', () => assert.equal(new Basket([]).taxed(), 0));
""",
    },
    path="basket.js",
    wrong="let i = 1;",
    right="let i = 0;",
    issue=Issue(
        "total forgets the first price",
        "`total([3, 4])` in basket.js is 4 rather than 7, and test/basket.test.js fails at 'all prices count'.",
    ),
    answer="""\
The loop begins at the second price.

```javascript
export function total(prices) {
    let sum = 0;
    for (let i = 0; i < prices.length; i++) {
        sum += prices[i];
    }
    return round(sum);
}
```
""",
    tests=3,
    title="JavaScript",
    fence="javascript",
)
GO = Project(
    files={
        "go.mod": "module example.com/basket\n\ngo 1.20\n",
        "basket.go": """\
// Package basket says what a basket costs.
package basket

const   rate = 10 // percent; laid out by hand

// Basket holds prices in cents.
type Basket struct{ Prices []int }

// Total is the sum of all prices.
func (b *Basket) Total() int {
	sum := 0
	for i := 1; i < len(b.Prices); i++ {
		sum += b.Prices[i]
	}
	return sum
}

// Taxed is the same with tax.
func (b *Basket) Taxed() int { return b.Total()*(100+rate)/100 }
""",
        "basket_test.go": """\
package basket

import "testing"

func TestEmpty(t *testing.T) {
	if got := (&Basket{}).Taxed(); got != 0 {
		t.Fatalf("got %d", got)
	}
}

func TestAllPricesCount(t *testing.T) {
	if got := (&Basket{[]int{3, 4}}).Total(); got != 7 {
		t.Fatalf("got %d, want 7", got)
	}
}
""",
    },
    path="basket.go",
    wrong="i := 1;",
    right="i := 0;",
    issue=Issue(
        "Basket.Total forgets the first price",
        "`Total` of a basket of 3 and 4 is 4 rather than 7, and TestAllPricesCount in basket_test.go fails.",
    ),
    answer="""\
```go
func (b *Basket) Total() int {
    sum := 0
    for i := 0; i < len(b.Prices); i++ {
        sum += b.Prices[i]
    }
    return sum
}
```
""",
    tests=2,
    title="Go",
    fence="go",
)


@pytest.mark.network
@pytest.mark.bubblewrap
@pytest.mark.parametrize("project", [pytest.param(JAVASCRIPT, id="javascript"), pytest.param(GO, id="go")])
def test_a_rewritten_function_is_verified_by_the_projects_own_tests(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    bench = make_bench(project, tmp_path)
    result = bench.run()

    assert result.outcome == "verified", (result, bench.events)
    [prompt, *_] = bench.prompts("complete corrected function")
    assert f"in a {project.title} project" in prompt
    assert f"```{project.fence}\n" in prompt
    assert "ython" not in prompt
    assert not bench.prompts("Show a bug"), "no script in Python can show it"
    assert {event["generator"] for event in bench.told("drafted")} == {"rewrite"}, "what needs Python is not asked"

    assert (result.passed, result.broken) == (project.tests, 0)

    user = tmp_path / "user"
    subprocess.run(("git", "apply", "-"), input=result.patch.encode(), cwd=user, check=True)
    whole = project.files[project.path]
    assert (user / project.path).read_bytes() == whole.replace(project.wrong, project.right).encode()
    status = subprocess.run(("git", "status", "--porcelain"), cwd=user, check=True, capture_output=True, text=True)
    assert status.stdout.split() == ["M", project.path]


def make_bench(project: Project, folder: Path) -> Bench:
    """The project on a bench with a real sandbox, every generator switched on."""
    session = Session.create(folder / "sessions", title=project.issue.title)
    session.write("issue.json", dump(project.issue))
    session.write("notices.txt", "")
    make_repository(folder / "user", project.files)
    Workspace.create(resolve_source(str(folder / "user"), None, None, folder / "clones"), session.path / "workspace")
    profile = replace(find_profile("qwen2.5-coder-1.5b"), functions=1, witnesses=1)
    script = lambda prompt: "Proposed:\n- right\n" if prompt.startswith("Read this") else project.answer  # noqa: E731
    model = ScriptedModel(script, lambda _: "wrong", profile=profile)
    return Bench(folder, model, BubblewrapEngine(), session, RunChoices(), Budget())


def make_repository(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    for command in ("init --quiet", "add --all", "-c user.name=A -c user.email=a@b.c commit --quiet -m start"):
        subprocess.run(("git", "-c", "core.autocrlf=false", *command.split()), cwd=folder, check=True)
