"""What every real engine promises, asked of each of them."""

from __future__ import annotations

import os
import resource
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoagent.errors import EnvironmentFailed, ToolError
from repoagent.sandbox.base import Engine, Environment, Recipe, Sandbox, SandboxLimits
from tests.sandbox.conftest import SMALL, forget, leftovers, make_repository

MARK = f"600.{os.getpid()}"
"""Told by its seconds from what other processes of tests leave running meanwhile."""

BOMB = f"""
import os  # {MARK}
while True:
    try:
        os.fork()
    except OSError:
        pass
"""

LEFTOVER = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            {close}
            time.sleep({mark})
        os._exit(0)
print("started", flush=True)
{then}
"""


def python(script: str) -> list[str]:
    return ["python3", "-c", script]


# --- commands -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "exit_code", "output"),
    [
        (["true"], 0, ""),
        (["sh", "-c", "exit 3"], 3, ""),
        (["sh", "-c", "kill -9 $$"], 137, ""),
        (["sh", "-c", "echo one; echo two >&2; echo three"], 0, "one\ntwo\nthree\n"),
        (["printf", "%s|", "a b", "$HOME", "*"], 0, "a b|$HOME|*|"),
        (["printf", "\\377"], 0, "\N{REPLACEMENT CHARACTER}"),
        (["pwd"], 0, "/work/repo\n"),
        (["./run.sh"], 0, "ran\n"),
        (["cat"], 0, ""),
    ],
)
def test_a_commands_exit_code_and_output_are_told(
    shared: Sandbox, command: list[str], exit_code: int, output: str
) -> None:
    finished = shared.run(command, timeout=30)
    assert (finished.exit_code, finished.output, finished.timed_out, finished.truncated) == (
        exit_code,
        output,
        False,
        False,
    )


def test_a_program_that_does_not_exist_is_a_failed_command(shared: Sandbox) -> None:
    finished = shared.run(["no-such-program"], timeout=30)
    assert finished.exit_code == 127
    assert "not found" in finished.output


def test_the_environments_python_comes_first(shared: Sandbox) -> None:
    finished = shared.run(python("import sys; print(sys.prefix)"), timeout=30)
    assert finished.output == "/opt/environment/venv\n"


def test_a_command_gets_its_variables_and_none_of_the_hosts(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "of-the-host")
    finished = shared.run(["env"], timeout=30, environment={"GIVEN": "a=b c"})
    found = dict(line.split("=", 1) for line in finished.output.splitlines())
    assert found["GIVEN"] == "a=b c"
    assert found["PYTHONHASHSEED"] == "0"
    assert found["HOME"].startswith("/tmp/")
    assert set(found) <= {
        *("GIVEN", "HOME", "USER", "LOGNAME", "LANG", "PATH", "PYTHONHASHSEED", "GIT_CEILING_DIRECTORIES"),
        *("PWD", "HOSTNAME", "SHLVL", "OLDPWD", "_"),
    }


def test_home_and_tmp_last_from_one_command_to_the_next(sandbox: Sandbox) -> None:
    sandbox.run(["sh", "-c", "echo kept > /tmp/file; echo kept > $HOME/file"], timeout=30)
    assert sandbox.read("/tmp/file") == b"kept\n"
    assert sandbox.run(["sh", "-c", "cat $HOME/file"], timeout=30).output == "kept\n"


def test_a_gigabyte_of_output_is_cut_and_costs_little_memory(shared: Sandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    script = "import sys\nfor _ in range(16000): sys.stdout.write('x' * 65535 + '\\n')\nprint('the end')"
    finished = shared.run(python(script), timeout=100)
    assert finished.exit_code == 0
    assert finished.truncated
    assert len(finished.output) < 2 * SMALL.output_bytes
    assert finished.output.startswith("xxx")
    assert finished.output.endswith("the end\n")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


# --- files ----------------------------------------------------------------------------------------------------------


def test_the_repository_is_a_copy_without_git(sandbox: Sandbox, repository: Path) -> None:
    listed = sandbox.run(["sh", "-c", "find . | sort"], timeout=30).output.split()
    assert [*listed] == [
        *(".", "./generated", "./generated/version.py", "./link.txt", "./package", "./package/__init__.py"),
        *("./run.sh", "./tracked.txt"),
    ]
    sandbox.run(["sh", "-c", "rm -rf package; echo changed > tracked.txt; mkdir new"], timeout=30)
    assert (repository / "package" / "__init__.py").exists()
    assert (repository / "tracked.txt").read_text() == "from the host\n"
    assert not (repository / "new").exists()


def test_what_the_build_added_is_in_every_copy_and_what_it_changed_is_not(shared: Sandbox) -> None:
    assert shared.read("generated/version.py") == b"version = 7\n"
    assert shared.read("tracked.txt") == b"from the host\n"


def test_files_are_written_read_and_deleted(sandbox: Sandbox) -> None:
    sandbox.write({"deep/er/new.bin": b"\x00\xff", "tracked.txt": None, "never/was.txt": None})
    assert sandbox.read("deep/er/new.bin") == b"\x00\xff"
    assert sandbox.read("/work/repo/deep/er/new.bin") == b"\x00\xff"
    with pytest.raises(FileNotFoundError):
        sandbox.read("tracked.txt")


@pytest.mark.parametrize("path", ["missing", "package", "/proc/1/environ", ""])
def test_what_is_no_readable_file_is_not_found(shared: Sandbox, path: str) -> None:
    with pytest.raises(FileNotFoundError):
        shared.read(path)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_nothing_is_written_outside_the_repository(shared: Sandbox, path: str) -> None:
    with pytest.raises(ToolError):
        shared.write({path: b"x"})


def test_links_that_a_command_left_do_not_lead_out_of_the_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("of the host")
    sandbox.run(["sh", "-c", f"ln -s {target} file; ln -s {tmp_path} folder"], timeout=30)
    with pytest.raises(FileNotFoundError):
        sandbox.read("file")
    sandbox.write({"file": b"written"})
    assert sandbox.read("file") == b"written"
    assert target.read_text() == "of the host"
    assert not (tmp_path / "written").exists()


def test_a_rewritten_module_of_the_same_size_is_not_taken_from_the_compiled_one(sandbox: Sandbox) -> None:
    seen = []
    for value in (b"1", b"2", b"3"):
        sandbox.write({"package/value.py": b"x = " + value})
        seen.append(sandbox.run(python("from package.value import x; print(x)"), timeout=30).output)
    assert seen == ["1\n", "2\n", "3\n"]


def test_the_environment_and_the_system_cannot_be_written(shared: Sandbox) -> None:
    for folder in ("/opt/environment", "/opt/environment/venv/bin", "/usr/bin", "/etc", "/", "/dev", "/work"):
        finished = shared.run(["touch", f"{folder}/mark"], timeout=30)
        assert finished.exit_code, folder


# --- isolation ------------------------------------------------------------------------------------------------------


def test_a_command_is_nobody_and_can_become_nobody_else(shared: Sandbox) -> None:
    script = "id -u; id -g; id -G; grep -E '^(CapPrm|CapEff|CapAmb|NoNewPrivs)' /proc/self/status"
    user, group, groups, *status = shared.run(["sh", "-c", script], timeout=30).output.splitlines()
    assert "0" not in (user, group)
    assert groups == group
    assert {line.split()[0]: int(line.split()[1], 16) for line in status} == {
        "CapPrm:": 0,
        "CapEff:": 0,
        "CapAmb:": 0,
        "NoNewPrivs:": 1,
    }
    assert shared.run(python("import os; os.setuid(0)"), timeout=30).exit_code


def test_there_is_no_network_but_loopback(shared: Sandbox) -> None:
    # An address for documentation: the attempt could do no harm even if a packet left.
    script = """
import errno, socket
print([name for _, name in socket.if_nameindex()])
try:
    socket.create_connection(("192.0.2.1", 80), 3)
except OSError as error:
    print(error.errno == errno.ENETUNREACH)
try:
    socket.getaddrinfo("example.org", 80)
except OSError:
    print("no names")
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname(), 3)
    print("loopback")
"""
    assert shared.run(python(script), timeout=60).output == "['lo']\nTrue\nno names\nloopback\n"


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/root/.bashrc", "/var/run/docker.sock", "/proc/1/environ", "/proc/1/mem"]
)
def test_the_hosts_files_cannot_be_read(shared: Sandbox, path: str) -> None:
    assert shared.run(["cat", path], timeout=30).exit_code


def test_a_file_of_the_host_is_not_there(shared: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word")
    assert shared.run(["cat", str(secret)], timeout=30).exit_code
    assert str(secret.parent) not in shared.run(["sh", "-c", "cat /proc/*/cmdline"], timeout=30).output


def test_a_command_inherits_no_open_file_of_the_host(shared: Sandbox) -> None:
    script = "import os; print([fd for fd in range(3, 100) if os.path.exists(f'/proc/self/fd/{fd}')])"
    assert shared.run(python(script), timeout=30).output == "[]\n"


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("close", ["pass", "os.closerange(0, 100)"])
@pytest.mark.parametrize("then", ["", "time.sleep(600)"])
def test_nothing_that_a_command_started_outlives_it(shared: Sandbox, close: str, then: str) -> None:
    finished = shared.run(python(LEFTOVER.format(close=close, then=then, mark=MARK)), timeout=2)
    assert finished.timed_out == bool(then)
    assert finished.exit_code == (137 if then else 0)
    assert finished.output == "started\n"
    assert finished.seconds < 10
    assert "time.sleep" not in shared.run(["sh", "-c", "cat /proc/*/cmdline"], timeout=30).output
    assert MARK not in host_processes()


def test_a_command_that_closes_its_output_is_waited_for(sandbox: Sandbox) -> None:
    script = "import os, time; os.closerange(0, 3); time.sleep(1); open('done', 'w').close(); os._exit(5)"
    assert sandbox.run(python(script), timeout=30).exit_code == 5
    assert sandbox.read("done") == b""


def test_a_fork_bomb_is_contained(sandbox: Sandbox) -> None:
    finished = sandbox.run(python(BOMB), timeout=3)
    assert finished.timed_out
    assert finished.seconds < 20
    assert sandbox.run(["echo", "alive"], timeout=30).output == "alive\n"
    assert MARK not in host_processes()


def test_a_memory_bomb_is_a_failed_command(sandbox: Sandbox) -> None:
    finished = sandbox.run(python("x = []\nwhile True: x.append(bytearray(16 << 20))"), timeout=60)
    assert finished.exit_code
    assert not finished.timed_out
    assert sandbox.run(["echo", "alive"], timeout=30).output == "alive\n"


@pytest.mark.parametrize("place", ["/work/repo", "/tmp"])
def test_a_command_that_fills_the_disk_fails(sandbox: Sandbox, place: str) -> None:
    script = (
        f"i=0; while head -c 50000000 /dev/zero > {place}/f$i; do i=$((i + 1)); [ $i -lt 100 ] || sleep 1; done; exit 1"
    )
    finished = sandbox.run(["sh", "-c", script], timeout=60)
    assert finished.exit_code
    assert not finished.timed_out
    sandbox.run(["sh", "-c", f"rm -f {place}/f*"], timeout=30)
    assert sandbox.run(["echo", "alive"], timeout=30).output == "alive\n"


def test_leaving_the_sandbox_leaves_nothing(engine: Engine, environment: Environment, repository: Path) -> None:
    before = leftovers(engine)
    with engine.open(environment, repository, SMALL) as sandbox:
        # Deeper than Python can recurse, and closed to its owner.
        deep = "import os\nfor _ in range(1500):\n  os.mkdir('d'); os.chdir('d')\nos.chmod('.', 0)"
        assert sandbox.run(python(deep), timeout=60).exit_code == 0
        assert len(leftovers(engine) - before) == 1
    assert leftovers(engine) == before


# --- environments ---------------------------------------------------------------------------------------------------


def test_an_environment_is_found_by_its_key_and_built_once(
    engine: Engine, environment: Environment, repository: Path
) -> None:
    assert engine.find(environment.key) == environment
    assert engine.find("never-built") is None
    again = engine.build(Recipe(environment.key, "exit 1"), repository, lambda _: None, timeout=60)
    assert again == environment


def test_a_failing_build_ends_with_its_log_and_leaves_nothing(engine: Engine, repository: Path) -> None:
    recipe = Recipe(f"test-{secrets.token_hex(4)}", "echo first; echo it broke >&2; false; echo never")
    lines: list[str] = []
    before = leftovers(engine)
    with pytest.raises(EnvironmentFailed, match=r"exit code 1(.|\n)*it broke"):
        engine.build(recipe, repository, lines.append, timeout=60)
    assert lines == ["first", "it broke"]
    assert engine.find(recipe.key) is None
    assert leftovers(engine) == before


def test_a_build_that_takes_too_long_is_ended(engine: Engine, repository: Path) -> None:
    recipe = Recipe(f"test-{secrets.token_hex(4)}", "sleep 600")
    started = time.monotonic()
    with pytest.raises(EnvironmentFailed, match="not done after 1 s"):
        engine.build(recipe, repository, lambda _: None, timeout=1)
    assert time.monotonic() - started < 20


def test_a_build_is_unprivileged_and_sees_no_secret(
    engine: Engine, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "of-the-host")
    lines: list[str] = []
    script = "env; id -u; grep CapEff /proc/self/status; cat /etc/shadow; false"
    recipe = Recipe(f"test-{secrets.token_hex(4)}", script)
    with pytest.raises(EnvironmentFailed):
        engine.build(recipe, repository, lines.append, timeout=60)
    assert not any("of-the-host" in line or line.startswith("root:") for line in lines)
    assert "0" not in lines
    assert "CapEff:\t0000000000000000" in lines


@pytest.fixture
def new_key(engine: Engine) -> Iterator[str]:
    key = f"test-{secrets.token_hex(4)}"
    yield key
    forget(engine, key)


@pytest.mark.network
def test_a_build_installs_from_the_package_index(engine: Engine, tmp_path: Path, new_key: str) -> None:
    repository = make_repository(tmp_path / "installed")
    script = "python3 -m venv /opt/environment/venv && /opt/environment/venv/bin/pip install --no-input iniconfig"
    environment = engine.build(Recipe(new_key, script), repository, lambda _: None, timeout=300)
    with engine.open(environment, repository, SandboxLimits()) as sandbox:
        finished = sandbox.run(python("import iniconfig; print(iniconfig.__file__)"), timeout=30)
        assert finished.output.startswith("/opt/environment/venv/")
        log = sandbox.read("/opt/environment/build.log")
    assert b"iniconfig" in log


# --- looking from outside -------------------------------------------------------------------------------------------


def host_processes() -> str:
    """The command lines of all processes of this machine but the tests' own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(line for line in found if "pytest" not in line)
