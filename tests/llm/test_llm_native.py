"""llama.cpp compiled here: when it is used, what is refused, and how a server runs by a program of its own."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from repoagent.app.doctor import _check_server_build
from repoagent.errors import EnvironmentFailed, ModelFailed, UserError
from repoagent.llm.address import ServerAddress
from repoagent.llm.base import Message, Sampling
from repoagent.llm.local import native, native_build
from repoagent.llm.local.download import pull_weights
from repoagent.llm.local.serving import ModelServer, ServerSettings
from repoagent.llm.local.weights import find_weights
from repoagent.llm.openai import OpenAIModel

HERE = native.NativeBuild(native.get_package_version(), native.read_cpu_features(), "c++")
STAND_IN = '''\
#!{python}
"""Takes the options of llama-server, and serves with the wheel's llama.cpp."""
import sys, threading, xllamacpp
sys.argv += ["", ""]
given = {{name: value for name, value in zip(sys.argv[1:], sys.argv[2:]) if name.startswith("--")}}
known = xllamacpp.CommonParams()
known.model.path, known.model_alias = given["--model"], {{given["--alias"]}}
known.n_parallel, known.n_ctx, known.n_batch = (int(given[n]) for n in ("--parallel", "--ctx-size", "--batch-size"))
known.cpuparams.n_threads, known.cpuparams_batch.n_threads = int(given["--threads"]), int(given["--threads-batch"])
known.hostnames, known.port, known.fit_params = [given["--host"]], int(given["--port"]), given["--fit"] == "on"
server = xllamacpp.Server(known)
threading.Event().wait()
'''


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing built, no server."""
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put(cache: Path, told: str) -> Path:
    folder = cache / "native" / native.PACKAGE
    folder.mkdir(parents=True)
    (folder / "build.json").write_text(told)
    (folder / native.PROGRAM).write_text("")
    return folder / native.PROGRAM


def test_what_was_built_here_is_used_until_it_is_removed(cache: Path) -> None:
    assert native.find_native_server() is None
    built = put(cache, json.dumps(asdict(HERE)))
    assert native.find_native_server() == built
    assert native.remove_native_server()
    assert native.find_native_server() is None
    assert not native.remove_native_server()


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(json.dumps(asdict(replace(HERE, version="2020.1.1"))), id="of another version"),
        pytest.param(json.dumps(asdict(replace(HERE, features=("avx9000",)))), id="for other processors"),
        pytest.param('{"version": 3}', id="told badly"),
        pytest.param("[]", id="told as a list"),
        pytest.param("{", id="cut off"),
    ],
)
def test_what_does_not_fit_is_left_alone(told: str, cache: Path) -> None:
    put(cache, told)
    assert native.find_native_server() is None


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UserError, match=r"cmake and a C\+\+ compiler and make needed and missing"):
        native_build.check_tools()


def packed(folder: Path, *names: str) -> Path:
    archive = folder / "sdist.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 2
            tar.addfile(member, io.BytesIO(b"x\n"))
    return archive


def test_only_llama_cpp_is_unpacked(tmp_path: Path) -> None:
    archive = packed(tmp_path, "x-1/setup.py", "x-1/thirdparty/llama.cpp/CMakeLists.txt")
    assert native_build.unpack_source(archive, tmp_path / "out") == tmp_path / "out/x-1/thirdparty/llama.cpp"
    assert not list((tmp_path / "out").rglob("setup.py"))


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["x-1/setup.py"], id="without it"),
        pytest.param(
            ["x-1/thirdparty/llama.cpp/CMakeLists.txt", "../../thirdparty/llama.cpp/../../../e"], id="outside"
        ),
    ],
)
def test_another_archive_is_refused(names: list[str], tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed):
        native_build.unpack_source(packed(tmp_path, *names), tmp_path / "out")
    assert not (tmp_path / "e").exists()


@pytest.mark.network
def test_the_source_of_the_installed_version_compiles(cache: Path, tmp_path: Path) -> None:
    """The real source, configured for these processors; of its 200 files those of one small library."""
    seen: list[tuple[int, int]] = []
    source = native_build.unpack_source(native_build.fetch_source(tmp_path), tmp_path)
    native_build.compile_server(source, tmp_path / "build", "ggml-base", lambda done, total: seen.append((done, total)))
    assert list((tmp_path / "build").rglob("libggml-base.a"))
    assert seen[-1][0] == seen[-1][1]
    assert "GGML_NATIVE:UNINITIALIZED=ON" in (text := (tmp_path / "build" / "CMakeCache.txt").read_text()) or (
        "GGML_NATIVE:BOOL=ON" in text
    )
    with pytest.raises(EnvironmentFailed, match="could not be compiled"):
        native_build.compile_server(source, tmp_path / "build", "no-such-target")


@pytest.mark.model
def test_a_program_serves_and_ends_with_its_owner(tmp_path: Path) -> None:
    program = tmp_path / "llama-server"
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    weights = pull_weights(find_weights("qwen2.5-coder-0.5b"))
    settings = ServerSettings(slots=1, slot_context=512)
    with ModelServer(weights, settings, name="by-program", program=program) as server:
        assert server.running.program == str(program)
        with OpenAIModel(ServerAddress(server.running.url, "by-program")) as model:
            assert model.get_context_size() == 512
            answer = model.chat((Message("user", "Reply with the single word READY."),), Sampling(8, temperature=0.0))
        assert "ready" in answer.text.lower()
        serving = children(server.running.pid)
        assert len(serving) == 1
    deadline = time.monotonic() + 10
    while (alive := [pid for pid in serving if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive


@pytest.mark.model
def test_a_program_that_ends_at_once_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = pull_weights(find_weights("qwen2.5-coder-0.5b"))
    monkeypatch.setenv("REPOAGENT_CACHE", str(tmp_path))
    program = put(tmp_path, json.dumps(asdict(HERE)))
    program.write_text("#!/bin/sh\necho illegal instruction >&2\nexit 4\n")
    program.chmod(0o755)
    with pytest.raises(ModelFailed, match=r"(?s)build-native --remove.*illegal instruction"):
        ModelServer(weights, name="broken-program").start()
    with pytest.raises(EnvironmentFailed, match="nothing was changed") as caught:
        native_build.check_native_server(program, weights)
    assert "--remove" not in str(caught.value)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def test_the_doctor_says_which_build_serves(cache: Path) -> None:
    before = _check_server_build(None)
    assert before is not None
    assert ("build-native" in before.detail) is native.can_speed_up()
    built = put(cache, json.dumps(asdict(HERE)))
    after = _check_server_build(None)
    assert after is not None
    assert str(built) in after.detail
    assert _check_server_build("http://127.0.0.1:1/v1") is None
