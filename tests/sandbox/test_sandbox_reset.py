"""A sandbox that is reset is as good as new, whatever was done in it: each attack is followed by a look around."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoagent.errors import SandboxFailed
from repoagent.sandbox.base import Engine, Environment, Sandbox
from repoagent.sandbox.pool import SandboxPool
from tests.sandbox.conftest import SMALL, leftovers, make_repository

LOOK = r"""
import os, pathlib, resource, socket, sys

def listed(folder):
    found = []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found.append((str(path), oct(status.st_mode), int(status.st_mtime) if path.is_file() else 0, content))
    return found

print([(folder, oct(os.stat(folder).st_mode), os.listxattr(folder)) for folder in ("/work/repo", "/tmp", "/dev/shm")])
print(listed("/work/repo"), listed("/tmp"), listed("/dev/shm"), os.listdir("/work"))
print(listed("/opt/environment/venv/lib") == [], sys.path, sorted(os.environ))
print([line for name in ("shm", "sem", "msg") for line in open(f"/proc/sysvipc/{name}").readlines()[1:]])
print(len([name for name in os.listdir("/proc") if name.isdigit()]))
print([resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU)])
print(os.statvfs("/tmp").f_bavail > 100, os.statvfs("/work/repo").f_bavail > 100, os.umask(0), os.nice(0))
with socket.create_server(("127.0.0.1", 8123), reuse_port=False) as server:
    print("port is free")
"""

CLIENT = """
import socket
server = socket.socket(); server.bind(("127.0.0.1", 8123)); server.listen()
client = socket.create_connection(("127.0.0.1", 8123))
accepted, _ = server.accept()
accepted.close(); client.close()
"""
SEGMENT = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.shmget(4711, 4096, 0o1666), libc.semget(4711, 3, 0o1666), libc.msgget(4711, 0o1666))
print(libc.mq_open(b"/left", 0o102, 0o666, None))
"""
DAEMON = """
import os, signal, socket, time
for number in (1, 2, 3, 13, 15):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        server = socket.create_server(("127.0.0.1", 8123))
        while True:
            try:
                open("/tmp/still-here", "a").write("x"); open("/work/repo/package/__init__.py", "w").write("evil = 1")
            except OSError:
                pass
            time.sleep(0.01)
    os._exit(0)
time.sleep(0.3)
"""
FORKS = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
MANY = "for n in range(20000): open(f'/tmp/{n}', 'w')"
DEEP = """
import os
for _ in range(1500):
    os.mkdir('d'); os.chdir('d')
os.chmod('.', 0)
"""
BESIDE = """
mkdir -p $HOME/.config
for f in /tmp/evil $HOME/.config/evil /dev/shm/evil; do echo evil > $f; done
"""
ODD = r"""
mkdir -p '/tmp/.hidden' '/tmp/..evil' "$(printf '/tmp/new\nline')"
touch -- '/tmp/-rf' "$(printf '\377')" .e '/tmp/ '
"""
PACKAGES = """
for f in $(find /opt /usr/lib/python3* -type d -name '*-packages'); do echo evil > $f/evil.pth; done
rm -rf /opt/environment; echo evil > /opt/environment/venv/bin/python3; mv /opt/environment /opt/x
"""
FULL = "for f in /tmp/big big /dev/shm/big; do head -c 1G /dev/zero > $f; done"
SHADOW = "echo 'raise SystemExit' > sitecustomize.py; cp sitecustomize.py $HOME; mkdir -p $HOME/.local/lib"
SLEEPERS = "setsid nohup sleep 500 >/dev/null 2>&1 & (trap '' TERM HUP; sleep 500) &"
SPY = "for p in /proc/[0-9]*; do cat $p/mem; echo 1 > $p/oom_score_adj; echo evil > $p/fd/1; done"
CLOSED = "chmod 0 package tracked.txt; mkdir -p /tmp/a/b/c; chmod 0 /tmp/a/b /tmp/a; chmod 0 ."


def python(script: str) -> list[str]:
    return ["python3", "-c", script]


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


LASTING = {
    "writes beside the tree": shell(BESIDE),
    "changes the tree": shell("echo evil > package/__init__.py; rm tracked.txt; ln -s /etc/passwd tracked.txt"),
    "leaves a pipe": shell("mkfifo pipe"),
    "odd names": shell(ODD),
    "removes its tree": shell("rm -rf /work/repo; rm -rf ./*"),
    "fills the disk": shell(FULL),
}
"""What can be seen afterwards in the same sandbox."""

ATTACKS = {
    **LASTING,
    "closes its tree": shell(CLOSED),
    "sets attributes": python("import os; os.setxattr('/work/repo', 'user.evil', b'1'); os.chmod('.', 0o7777)"),
    "site-packages": shell(PACKAGES),
    "takes all inodes": python(MANY),
    "limits": shell("ulimit -n 16; ulimit -f 1; ulimit -t 5; umask 777; renice 10 $$"),
    "shadows modules": shell(SHADOW),
    "leaves queues and segments": python(SEGMENT),
    "leaves a daemon with a port": python(DAEMON),
    "leaves a port that waits": python(CLIENT),
    "leaves sleepers": shell(SLEEPERS),
    "a fork bomb": python(FORKS),
    "deep folders": python(DEEP),
    "kills what it can": shell("kill -9 -1"),
    "stops what it can": shell("kill -STOP -1; kill -STOP 1"),
    "spies on the others": shell(SPY),
}


@pytest.fixture(scope="module")
def pool(engine: Engine) -> Iterator[SandboxPool]:
    with SandboxPool(engine) as made:
        yield made


@pytest.fixture(scope="module")
def untouched(engine: Engine, environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository, and what is seen in a sandbox of it that nobody used before."""
    repository = make_repository(tmp_path_factory.mktemp("attacked") / "repository")
    with engine.open(environment, repository, SMALL) as sandbox:
        return repository, look(sandbox)


def look(sandbox: Sandbox) -> str:
    finished = sandbox.run(["python3", "-I", "-c", LOOK], timeout=60)
    assert finished.exit_code == 0, finished.output
    assert "port is free" in finished.output
    return finished.output


@pytest.mark.parametrize("attack", LASTING.values(), ids=LASTING.keys())
def test_a_look_around_sees_what_an_attack_left(
    attack: list[str], engine: Engine, environment: Environment, untouched: tuple[Path, str]
) -> None:
    repository, before = untouched
    with engine.open(environment, repository, SMALL) as sandbox:
        sandbox.run(attack, timeout=5)
        assert sandbox.run(["python3", "-I", "-c", LOOK], timeout=60).output != before


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_does_not_touch_who_comes_next(
    attack: list[str], pool: SandboxPool, environment: Environment, untouched: tuple[Path, str]
) -> None:
    repository, before = untouched
    with pool.open(environment, repository, SMALL) as sandbox:
        sandbox.run(attack, timeout=5)
    with pool.open(environment, repository, SMALL) as sandbox:
        assert look(sandbox) == before


def test_a_reset_undoes_what_was_written_from_outside(sandbox: Sandbox) -> None:
    sandbox.write({"tracked.txt": b"changed", "package/__init__.py": None, "new/file": b"x"})
    sandbox.reset()
    listed = sandbox.run(["sh", "-c", "cat tracked.txt package/__init__.py; ls"], timeout=30).output
    assert listed == "from the host\nanswer = 42\ngenerated\nlink.txt\npackage\nrun.sh\ntracked.txt\n"


def test_a_sandbox_is_opened_once_for_many_uses(engine: Engine, environment: Environment, repository: Path) -> None:
    before = leftovers(engine)
    made = set()
    with SandboxPool(engine) as pool:
        for _ in range(3):
            with pool.open(environment, repository, SMALL) as sandbox:
                assert sandbox.run(["sh", "-c", "ls /tmp; pwd"], timeout=30).output == "home\n/work/repo\n"
                sandbox.run(["touch", "/tmp/left"], timeout=30)
                made |= leftovers(engine) - before
    assert len(made) == (1 if engine.name == "docker" else 3)  # bubblewrap's scratch folders are new each time
    assert leftovers(engine) == before


def test_a_changed_repository_is_copied_anew(pool: SandboxPool, environment: Environment, repository: Path) -> None:
    with pool.open(environment, repository, SMALL) as sandbox:
        assert sandbox.read("tracked.txt") == b"from the host\n"
    (repository / "tracked.txt").write_text("from the HOST\n")
    with pool.open(environment, repository, SMALL) as sandbox:
        assert sandbox.read("tracked.txt") == b"from the HOST\n"


def test_a_sandbox_that_was_left_is_out_of_reach(pool: SandboxPool, environment: Environment, repository: Path) -> None:
    with pool.open(environment, repository, SMALL) as sandbox:
        pass
    with pytest.raises(SandboxFailed, match="was left"):
        sandbox.run(["true"], timeout=30)
