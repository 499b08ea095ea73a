"""The real llama.cpp server with real weights: what it answers, who shares it, and when it ends."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.domain import Issue, Location, Spec, Strength
from repoagent.errors import ContextFull, ModelFailed, UserError
from repoagent.evidence.reproduction.script import BEGIN, END
from repoagent.evidence.reproduction.written import SuspectFunction, generate_reproduction
from repoagent.generators import DraftTask
from repoagent.generators.rewrite_part import LONG, draft_parts
from repoagent.llm import open_model
from repoagent.llm.base import Message, Sampling
from repoagent.llm.local.download import pull_weights
from repoagent.llm.local.serving import ModelServer, RunningServer, ServerSettings, count_physical_cores, list_servers
from repoagent.llm.local.weights import find_weights
from repoagent.llm.openai import OpenAIModel
from repoagent.sandbox.base import CommandResult

GREEDY = Sampling(16, temperature=0.0)


@pytest.mark.model
def test_it_answers_a_chat(small_model: OpenAIModel) -> None:
    answer = small_model.chat([Message("user", "Reply with the single word READY.")], GREEDY)
    assert "ready" in answer.text.lower()
    assert answer.usage.prompt_tokens > answer.usage.completion_tokens > 0


@pytest.mark.model
def test_it_fills_a_hole(small_model: OpenAIModel) -> None:
    sampling = Sampling(8, temperature=0.0, stop=("\n",))
    completion = small_model.infill("def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n", sampling)
    assert completion.text.strip() == "a + b"
    assert completion.usage.prompt_tokens > 10


@pytest.mark.model
def test_it_counts_tokens_and_tells_one_slots_context(small_model: OpenAIModel) -> None:
    assert small_model.count_tokens("def f(x):") == 4
    assert (small_model.name, small_model.get_context_size()) == ("qwen2.5-coder-0.5b", small_model.profile.context)
    assert not small_model.notes


@pytest.mark.model
def test_a_prompt_that_is_too_long_is_told_with_both_numbers(small_model: OpenAIModel) -> None:
    with pytest.raises(ContextFull, match=r"has [56],\d{3} tokens, .* gives 4,096 tokens"):
        small_model.chat([Message("user", "one two three four five\n" * 1000)], GREEDY)


@pytest.mark.model
def test_the_likelier_text_has_the_better_score(small_model: OpenAIModel) -> None:
    before, behind = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n"
    scores = [small_model.score(before, behind, text) for text in ("a + b", "a <= b", "a + b\n    return a")]
    known = [score.logprob for score in scores if score]
    assert len(known) == 3
    assert 0 > known[0] > max(known[1:])
    assert all(score.usage.completion_tokens for score in scores if score)


@pytest.mark.model
def test_equal_questions_at_once_read_the_prompt_once(small_model: OpenAIModel) -> None:
    prompt = [Message("user", f"{time.time_ns()} Name a colour. " * 8)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda seed: small_model.chat(prompt, Sampling(8, 1.0, seed=seed)), range(4)))
    read = sorted(answer.usage.prompt_tokens for answer in answers)
    assert read[:3] == [0, 0, 0]
    assert read[3] > 100
    assert 0 not in [answer.usage.completion_tokens for answer in answers]


@pytest.mark.model
def test_a_second_user_joins_and_the_server_outlives_the_first() -> None:
    weights = pull_weights(find_weights("qwen2.5-coder-0.5b"))
    first = ModelServer(weights, ServerSettings(slots=1, slot_context=768), name="shared")
    second = ModelServer(weights, ServerSettings(slots=4, slot_context=512), name="shared")
    try:
        pid = first.start().pid
        assert second.start().pid == pid, "the second one needs no more than the first one has"
        first.stop()
        time.sleep(1.5)
        assert pid in [server.pid for server in list_servers()]
    finally:
        first.stop()
        second.stop()
    assert gone_within(pid, 10.0)


@pytest.mark.parametrize(
    ("wanted", "suits"),
    [
        (ServerSettings(slots=9, threads=9, slot_context=1000), True),
        (ServerSettings(slot_context=1001), False),
        (ServerSettings(slot_context=1000, port=8000), True),
        (ServerSettings(slot_context=1000, port=8001), False),
    ],
)
def test_a_server_suits_who_needs_no_more_than_it_has(wanted: ServerSettings, suits: bool) -> None:
    running = RunningServer("http://127.0.0.1:8000/v1", 1, "m", "m.gguf", ServerSettings(slot_context=1000), 0.0, "")
    assert running.can_serve(wanted) is suits


OWNER = """
import sys, time
from pathlib import Path
from repoagent.llm.local.serving import ModelServer, ServerSettings
with ModelServer(Path(sys.argv[1]), ServerSettings(slots=1, slot_context=512), name="owned") as server:
    print(server.running.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.model
def test_a_killed_owner_takes_its_server_along() -> None:
    weights = pull_weights(find_weights("qwen2.5-coder-0.5b"))
    with subprocess.Popen([sys.executable, "-c", OWNER, str(weights)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert pid in [server.pid for server in list_servers()]
        owner.send_signal(signal.SIGKILL)
    assert gone_within(pid, 10.0)
    assert pid not in [server.pid for server in list_servers()]


def test_weights_that_are_none_are_told_with_the_servers_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model at all" * 100)
    with pytest.raises(ModelFailed, match=r"ended while it was loading: (?s:.*)broken-.*\.log"):
        ModelServer(broken).start()
    assert not list((tmp_path / "cache" / "servers").glob("*.lease"))


@pytest.mark.parametrize("spec", ["/nowhere/model.gguf", "model.gguf"])
def test_a_file_that_is_not_there_is_told(spec: str) -> None:
    with pytest.raises(UserError, match="is not a file"), open_model(spec):
        pass


def test_a_state_file_of_a_dead_server_is_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path))
    folder = tmp_path / "servers"
    folder.mkdir()
    (folder / "dead.json").write_text('{"url": "http://127.0.0.1:9/v1", "pid": 1}', encoding="utf-8")
    (folder / "dead.lease").touch()
    assert list_servers() == []
    assert list(folder.iterdir()) == []


def test_modules_in_the_working_directory_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('HOSTILE')", encoding="utf-8")
    (tmp_path / "xllamacpp.py").write_text("raise SystemExit('HOSTILE')", encoding="utf-8")
    (tmp_path / "broken.gguf").write_bytes(b"no weights")
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFailed) as caught:
        ModelServer(tmp_path / "broken.gguf").start()
    assert "HOSTILE" not in str(caught.value)


def test_there_is_at_least_one_core() -> None:
    assert 1 <= count_physical_cores() <= (os.cpu_count() or 1)


def gone_within(pid: int, seconds: float) -> bool:
    """Whether process `pid` ends in that time; a zombie has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.model
def test_a_part_of_a_long_function_is_written_again_in_its_place(small_model: OpenAIModel) -> None:
    """What the answer is worth is no matter here: that it fits where it was asked for, or is refused with a reason."""
    steps = "".join(f"    total = total + values[{n}] * {n}  # step {n}\n" for n in range(40))
    source = f"def weigh(values):\n    total = 1\n{steps}    return total\n"
    issue = Issue("weigh adds one too much", "`weigh` begins with total 1, and should begin with 0.")
    assert small_model.count_tokens(source) > LONG
    task = DraftTask(issue, Spec((), ()), Location("m.py", "weigh", 1, source.count("\n")), source, "", "", 0, 2)
    drafted = draft_parts(task, small_model)
    assert len(drafted.drafts) + len(drafted.refused) == 2
    for draft in drafted.drafts:
        after = draft.edits[0].after or ""
        assert [node.name for node in ast.parse(after).body if isinstance(node, ast.FunctionDef)][-1] == "weigh"
        assert after != source


@pytest.mark.model
def test_a_script_is_written_from_an_issue(small_model: OpenAIModel) -> None:
    """That what the model writes comes as far as being run; nothing of it is run here."""
    scripts: list[str] = []

    def run(script: str) -> CommandResult:
        scripts.append(script)
        return CommandResult(0, f"{BEGIN}\n{END}\n", 0.1)

    issue = Issue("weigh([1]) is 2", "`weigh` begins with 1 and should begin with 0.")
    text = "def weigh(values):\n    return 1 + sum(values)"
    suspects = (SuspectFunction("scales.py", "weigh", text, "from scales import weigh"),)
    with OpenAIModel(small_model.url, profile=replace(small_model.profile, witnesses=1)) as granted:
        oracle = generate_reproduction(issue, suspects, run, granted, packages=("scales",))
    assert oracle.strength is Strength.NONE  # its turned version passes too, as this sandbox says
    assert scripts
    assert all("weigh" in script and ast.parse(script).body for script in scripts)
