"""The small parts below the engines, and the fake: no engine is needed here."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from repoagent.errors import EnvironmentFailed, SandboxFailed, ToolError
from repoagent.sandbox import archive, host_network
from repoagent.sandbox.base import CommandResult, Engine, Recipe
from repoagent.sandbox.docker_stream import ReceivedOutput, Stream
from repoagent.sandbox.fake import FakeEngine
from repoagent.sandbox.host_registries import read_registry_variables
from repoagent.sandbox.output import LineSplitter, Output
from repoagent.sandbox.owner import Owner

# --- output ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 3, 10, 1000])
def test_output_keeps_the_head_and_the_tail(piece: int) -> None:
    data = bytes(range(65, 91)) * 10
    output = Output(20)
    for start in range(0, len(data), piece):
        output.append(data[start : start + piece])
    assert output.truncated
    assert output.text == "ABCDEFGHIJ\n[… 240 bytes cut …]\nQRSTUVWXYZ"


def test_short_output_is_kept_whole() -> None:
    output = Output(20)
    output.append(b"0123456789")
    output.append(b"0123456789")
    assert (output.text, output.truncated) == ("01234567890123456789", False)


def test_lines_are_passed_on_whole_and_endless_ones_in_pieces() -> None:
    seen: list[str] = []
    lines = LineSplitter(seen.append)
    for data in (b"on", b"e\r\ntwo\nth", b"ree", b"x" * 5000):
        lines.append(data)
    lines.close()
    assert seen[:2] == ["one", "two"]
    assert "".join(seen[2:]) == "three" + "x" * 5000
    assert max(map(len, seen)) == 2000


# --- the Docker connection ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1, 7, 8, 9, 100])
def test_frames_are_taken_apart_wherever_they_are_cut(piece: int) -> None:
    ours, theirs = socket.socketpair()
    stream = Stream(ours)
    framed = b"".join(
        bytes([kind, 0, 0, 0, 0, 0, 0, len(text)]) + text for kind, text in ((1, b"out"), (2, b""), (2, b"err!"))
    )
    output = errors = b""
    for start in range(0, len(framed), piece):
        theirs.sendall(framed[start : start + piece])
        received = stream.receive(1)
        output, errors = output + received.output, errors + received.errors
    theirs.close()
    assert (output, errors) == (b"out", b"err!")
    assert stream.receive(1).ended
    assert not (stream.send(b"x") and stream.send(b"x"))
    stream.close()


def test_silence_is_not_the_end() -> None:
    ours, theirs = socket.socketpair()
    stream = Stream(ours)
    assert stream.receive(0.01) == ReceivedOutput()
    stream.close()
    theirs.close()


# --- archives -------------------------------------------------------------------------------------------------------


def test_a_repository_is_packed_without_git_sockets_and_special_modes(tmp_path: Path) -> None:
    (tmp_path / "vendored" / ".git").mkdir(parents=True)
    (tmp_path / "vendored" / ".git" / "HEAD").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "program").write_text("x")
    (tmp_path / "program").chmod(0o4755)
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / ".git").write_text("gitdir: elsewhere")
    with archive.pack_repository(tmp_path) as packed, tarfile.open(fileobj=packed) as opened:
        members = {member.name: member for member in opened}
    assert sorted(members) == ["empty", "link", "program", "vendored"]
    assert members["program"].mode == 0o755
    assert members["link"].linkname == "/etc/passwd"


def test_a_missing_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="gone is not a directory"):
        archive.pack_repository(tmp_path / "gone")


@pytest.mark.parametrize(("path", "name"), [("a.py", "a.py"), ("./a//b.py", "a/b.py"), ("a..b", "a..b")])
def test_paths_inside_the_repository_are_made_plain(path: str, name: str) -> None:
    assert archive.check_inside(path) == name


# --- owners ---------------------------------------------------------------------------------------------------------


def test_an_owner_survives_being_written_down() -> None:
    owner = Owner.from_this_process()
    assert Owner.parse(str(owner)) == owner
    assert not owner.is_dead


@pytest.mark.parametrize("text", ["", "a.b.c.d", "vm.boot.1", "x"])
def test_what_is_no_owner_is_nobody(text: str) -> None:
    assert Owner.parse(text) is None


def test_an_owner_is_dead_when_its_number_was_taken_over_its_boot_is_over_or_it_ended() -> None:
    owner = Owner.from_this_process()
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    assert replace(owner, started=owner.started - 1).is_dead
    assert replace(owner, boot="another").is_dead
    assert replace(owner, pid=ended.pid).is_dead
    assert not replace(owner, host="elsewhere", boot="another").is_dead


# --- the host's network ---------------------------------------------------------------------------------------------


def test_a_build_gets_indexes_and_proxies_but_no_password_and_no_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = https://me:word@index.example/simple\ntimeout = 7\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///srv/simple https://token@more.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/srv/wheels")
    monkeypatch.delenv("PIP_DEFAULT_TIMEOUT", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:word@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "localhost,.example")
    monkeypatch.setenv("SECRET_TOKEN", "word")
    found = host_network.read_host_network().environment
    assert found["PIP_INDEX_URL"] == "https://index.example/simple"
    assert found["PIP_EXTRA_INDEX_URL"] == "https://more.example/simple"
    assert found["PIP_DEFAULT_TIMEOUT"] == "7"
    assert found["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert found["no_proxy"] == "localhost,.example"
    assert not any("word" in value or "token" in value or "/srv" in value for value in found.values())
    assert not any("FIND_LINKS" in name or "SECRET" in name for name in found)


def test_the_registries_of_other_languages_are_passed_on_without_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GOPROXY", "GOFLAGS", "CARGO_HOME", "NPM_CONFIG_USERCONFIG", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        ".npmrc": "registry = https://me:word@npm.example/\n//npm.example/:_authToken=word\nproxy=${WORD}\n",
        ".config/go/env": "GOPROXY=https://me:word@go.example,file:///srv/word,direct\nGOROOT=/word\n",
        ".cargo/config.toml": '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+https://c.example/"\n',
        ".m2/settings.xml": "<mirror><mirrorOf>*</mirrorOf><url>https://me:word@m.example/</url></mirror><password>word",
    }
    for name, text in settings.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_registry_variables(tmp_path)
    assert found["npm_config_registry"] == "https://npm.example/"
    assert found["GOPROXY"] == "https://go.example,direct"
    assert found["CRATES_MIRROR"] == "sparse+https://c.example/"
    assert found["MAVEN_MIRROR"] == "https://m.example/"
    assert not any("word" in value.lower() for value in found.values())


@pytest.mark.parametrize("text", ["[", "[[", "<mirror><mirror>", "\0"])
def test_settings_that_make_no_sense_say_nothing(text: str, tmp_path: Path) -> None:
    for name in (".npmrc", ".cargo/config.toml", ".m2/settings.xml", ".config/go/env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert {"CRATES_MIRROR", "MAVEN_MIRROR"}.isdisjoint(read_registry_variables(tmp_path))


def test_a_pip_in_the_working_directory_is_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pip.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    host_network.read_host_network()
    assert not (tmp_path / "ran").exists()


def test_the_hosts_certificates_are_named_by_every_variable_that_programs_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("certificates")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    found = host_network.read_host_network()
    assert found.certificates == bundle
    with tarfile.open(fileobj=io.BytesIO(found.pack_files())) as packed:
        assert packed.getnames() == [host_network.CERTIFICATES.lstrip("/")]
    for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"):
        assert found.environment[name] == host_network.CERTIFICATES


# --- the fake -------------------------------------------------------------------------------------------------------


def write_a_report(command: Sequence[str], files: MutableMapping[str, bytes]) -> CommandResult:
    files["/tmp/report.xml"] = b"<tests/>"
    return CommandResult(len(command), files["a.py"].decode(), 0.0)


def test_the_fake_plays_commands_over_files_in_memory(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("old")
    engine = FakeEngine(write_a_report)
    environment = engine.build(Recipe("key", "script"), tmp_path, lambda _: None, timeout=5)
    assert engine.find("key") == environment
    with engine.open(environment, tmp_path) as sandbox:
        sandbox.write({"a.py": b"new", "b.py": b"", "c.py": None})
        assert sandbox.run(["x", "y"], timeout=3, environment={"A": "b"}) == CommandResult(2, "new", 0.0)
        assert sandbox.read("/tmp/report.xml") == b"<tests/>"
        assert sandbox.read("/work/repo/b.py") == b""
        with pytest.raises(FileNotFoundError):
            sandbox.read("c.py")
        with pytest.raises(ToolError):
            sandbox.write({"../x": b""})
    assert (tmp_path / "a.py").read_text() == "old"
    assert [(asked.command, asked.timeout, asked.environment) for asked in engine.commands] == [
        (("x", "y"), 3, {"A": "b"})
    ]
    assert [built.recipe.script for built in engine.builds] == ["script"]
    with pytest.raises(SandboxFailed):
        sandbox.run(["x"], timeout=1)


def test_the_fake_breaks_when_told(tmp_path: Path) -> None:
    engine: Engine = FakeEngine(broken=EnvironmentFailed("down"))
    with pytest.raises(EnvironmentFailed, match="down"):
        engine.check()
