"""What hostile code tries, in each engine, and what it gets: a table of attempts and their only answer."""

from __future__ import annotations

import os
import platform
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from repoagent.errors import EnvironmentFailed, SandboxFailed, ToolError
from repoagent.sandbox import archive, seccomp
from repoagent.sandbox.base import Engine, Environment, Sandbox
from tests.sandbox.conftest import SMALL

CALLS = {
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "init_module": (175, 105),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "clock_settime": (227, 112),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "sethostname": (170, 161),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
}
"""System calls and their numbers on x86-64 and ARM64; with all arguments zero they would do no harm."""

CALL = """
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall({number}, {arguments}), errno.errorcode.get(ctypes.get_errno()))
"""

ATTEMPTS = {
    "a user namespace by clone": "unshare --user true",
    "a mount namespace": "unshare --mount true",
    "a device": "mknod /tmp/disk b 8 0",
    "the kernel's log": "dmesg || cat /dev/kmsg",
    "the kernel's memory": "head -c 1 /proc/kcore",
    "the kernel's settings": "echo 1 > /proc/sys/kernel/panic || echo 1 > /proc/sys/vm/drop_caches",
    "the machine's trigger": "echo b > /proc/sysrq-trigger",
    "control groups": "mkdir /sys/fs/cgroup/evil || echo 0 > /sys/fs/cgroup/cgroup.procs",
    "hardware": "echo 1 > /sys/class/block/*/uevent || echo mem > /sys/power/state",
    "a file of root's user": "cp /bin/sh /tmp/sh && chown 0:0 /tmp/sh",
    "memory of the first process": "head -c 1 /proc/1/mem || head -c 1 /proc/1/environ",
    "the first process": "kill -9 1",
    "another user": "setpriv --reuid 0 true || su -c true || su sandbox -c true",
    "more processes": "ulimit -Hu unlimited && ulimit -u unlimited && prlimit --nproc=100000:100000 true && false",
    "a lower out-of-memory score": "echo -1000 > /proc/self/oom_score_adj",
    "a higher priority": "renice -n -10 $$",
    "raw packets": "python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'",
    "packets of the link": "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
    "a new interface": "ip link add evil type dummy",
    "the cloud's metadata": "python3 -c 'import socket; socket.create_connection((\"169.254.169.254\", 80), 2)'",
    "the Docker gateway": "python3 -c 'import socket; socket.create_connection((\"172.17.0.1\", 22), 2)'",
    "a name": "python3 -c 'import socket; socket.getaddrinfo(\"example.org\", 80)'",
    "the engine's socket": "ls /run/docker.sock || ls /var/run/docker.sock || ls /run/podman || ls /run/containerd",
}
"""Shell commands that must fail."""


def call(name: str, arguments: str = "0, 0, 0, 0, 0") -> str:
    number = CALLS[name][platform.machine() == "aarch64"]
    return CALL.format(number=number, arguments=arguments)


@pytest.mark.parametrize("name", CALLS)
def test_a_system_call_that_no_tests_need_is_refused(name: str, shared: Sandbox) -> None:
    told = shared.run(["python3", "-c", call(name)], timeout=30).output
    assert told in {"-1 EPERM\n", "-1 ENOSYS\n"}


def test_system_calls_are_filtered_in_every_process(shared: Sandbox) -> None:
    status = shared.run(["sh", "-c", "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status"], timeout=30).output
    assert status.split() == ["NoNewPrivs:", "1", "Seccomp:", "2"]


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_an_attempt_fails(attempt: str, shared: Sandbox) -> None:
    finished = shared.run(["sh", "-c", attempt], timeout=60)
    assert finished.exit_code, finished.output
    assert not finished.timed_out


def test_a_program_of_root_s_gives_nobody_root_s_rights(sandbox: Sandbox) -> None:
    script = "cp /bin/sh /tmp/sh; chmod 6755 /tmp/sh; /tmp/sh -p -c 'id -u; grep CapEff /proc/self/status'"
    user, _, capabilities = sandbox.run(["sh", "-c", script], timeout=30).output.split()
    assert user != "0"
    assert int(capabilities, 16) == 0


@dataclass(frozen=True)
class Mounted:
    """A line of /proc/self/mountinfo."""

    place: str
    root: str
    """What of the file system is there."""
    kind: str
    """Of the file system."""
    writable: bool

    @classmethod
    def parse(cls, line: str) -> Mounted:
        fields, _, system = line.partition(" - ")
        _, _, _, root, place, options, *_ = fields.split()
        return cls(place, root, system.split()[0], "rw" in options.split(","))

    @property
    def masks(self) -> bool:
        """Whether it shows nothing but the kernel's own, closed or emptied: engines differ in what they hide so."""
        if self.kind == "proc":
            return self.place == f"/proc{self.root}" and not self.writable
        empty = self.kind in {"tmpfs", "devtmpfs"} and (self.root == "/null" or not self.writable)
        return empty and self.place.startswith(("/proc/", "/sys/firmware", "/sys/devices/"))


KERNEL = {"/proc": "proc", "/dev": "tmpfs", "/dev/pts": "devpts"}
DOCKER = {
    **KERNEL,
    "/": "overlay",
    "/dev/mqueue": "mqueue",
    "/dev/shm": "tmpfs",
    "/sys": "sysfs",
    "/sys/fs/cgroup": "tmpfs|cgroup2",
    "/work": "tmpfs",
    "/tmp": "tmpfs",
    "/mnt/input": "tmpfs",
}
"""All that is mounted in a container, and the kinds of the file systems, beside what is of the engine's."""
FILES = {"/etc/hostname": "hostname", "/etc/hosts": "hosts", "/etc/resolv.conf": "resolv.conf"}
"""The engine writes them for each container."""
INIT = {"/sbin/docker-init", "/usr/sbin/docker-init"}

ETC = (
    *("alternatives", "ca-certificates", "group", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("nsswitch.conf", "passwd", "pki/ca-trust/extracted", "pki/tls/certs", "ssl/certs", "ssl/openssl.cnf"),
)
DEVICES = {f"/dev/{name}" for name in ("full", "null", "random", "tty", "urandom", "zero")}
SCRATCH = {"/tmp": "tmp", "/dev/shm": "shm", "/work/repo": "repository"}


def undeclared_in_docker(mounts: list[Mounted]) -> list[Mounted]:
    def declared(mount: Mounted) -> bool:
        if mount.place in FILES:
            return not mount.writable and mount.root.endswith(f"/{FILES[mount.place]}") and "/containers/" in mount.root
        if mount.place in INIT:
            return not mount.writable and mount.root.endswith(("/tini-static", "/docker-init", "/tini", "/catatonit"))
        if mount.place.startswith("/sys/fs/cgroup/"):
            return mount.kind == "cgroup" and not mount.writable
        whole = mount.root == "/" or mount.kind == "cgroup2"
        return mount.masks or (whole and mount.kind in DOCKER.get(mount.place, "").split("|"))

    return [mount for mount in mounts if not declared(mount)]


def undeclared_in_bubblewrap(mounts: list[Mounted]) -> list[Mounted]:
    prefix = str(Path(sys.base_prefix).resolve())
    system = {str(path) for path in [*Path("/").glob("lib*"), Path("/bin"), Path("/sbin")] if not path.is_symlink()}
    read_only = {"/usr", "/opt/environment", prefix, *system, *(f"/etc/{name}" for name in ETC)}
    hosts = [Mounted.parse(line).place for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    # What the host has mounted below comes with it, as in a container whose own files are mounted one by one.
    below = {place for place in hosts for above in read_only if place.startswith(f"{above}/")}

    def declared(mount: Mounted) -> bool:
        if mount.place in SCRATCH:
            return mount.root.endswith(f"/{SCRATCH[mount.place]}") and "/scratch/" in mount.root
        if mount.place in {"/etc/passwd", "/etc/group", "/etc/hosts"}:
            return not mount.writable and "/scratch/" in mount.root
        if mount.place in read_only | below | {"/"}:
            return not mount.writable
        return mount.masks or mount.place in DEVICES or KERNEL.get(mount.place) == mount.kind

    return [mount for mount in mounts if not declared(mount)]


def test_nothing_is_mounted_but_what_is_declared(engine: Engine, shared: Sandbox) -> None:
    told = shared.run(["cat", "/proc/self/mountinfo"], timeout=30).output.splitlines()
    mounts = [Mounted.parse(line) for line in told]
    docker = engine.name == "docker"
    assert (undeclared_in_docker if docker else undeclared_in_bubblewrap)(mounts) == []
    expected = {*DOCKER, *FILES} if docker else {*KERNEL, *SCRATCH, *DEVICES, "/", "/usr", "/opt/environment"}
    assert expected - {mount.place for mount in mounts} == set()


@pytest.mark.parametrize(
    "line",
    [
        "1 2 8:1 /usr/share/host /usr/share/host ro,relatime - ext4 /dev/sda rw",
        "1 2 8:1 /lib/host /lib/host ro,relatime - ext4 /dev/sda rw",
        "1 2 8:1 /root/.ssh /opt/environment/ssh ro,relatime - ext4 /dev/sda rw",
        "1 2 8:1 / /opt ro,relatime - ext4 /dev/sda rw",
        "1 2 0:9 / /proc/host ro,relatime - ext4 /dev/sda rw",
        "1 2 0:9 / /run rw,relatime - tmpfs tmpfs rw",
        "1 2 0:9 /docker.sock /run/docker.sock ro,relatime - tmpfs tmpfs rw",
        "1 2 0:9 /etc/hosts /etc/hosts ro,relatime - ext4 /dev/sda rw",
        "1 2 8:1 /home/user /tmp rw,relatime - ext4 /dev/sda rw",
        "1 2 0:9 /1 /proc/1 rw,relatime - proc proc rw",
    ],
)
def test_what_is_not_declared_is_seen(line: str) -> None:
    """That the test above can fail, of either engine."""
    mount = Mounted.parse(line)
    assert undeclared_in_docker([mount]) == [mount]
    assert undeclared_in_bubblewrap([mount]) == [mount]


def test_ten_gigabytes_of_output_cost_little_memory_and_end_in_time(shared: Sandbox) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    finished = shared.run(["sh", "-c", "yes 'all tests passed' | head -c 10000000000"], timeout=25)
    assert finished.seconds < 60
    assert finished.truncated
    assert len(finished.output) < 2 * SMALL.output_bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


# --- files, in and out ----------------------------------------------------------------------------------------------


READS = {
    "a link to a file of the host": ("ln -s {secret} it", FileNotFoundError),
    "a link up and out": ("ln -s ../../../../../../../..{secret} it", FileNotFoundError),
    "a link to a folder": ("ln -s / it", FileNotFoundError),
    "a circle of links": ("ln -s it2 it; ln -s it it2", FileNotFoundError),
    "a pipe that nobody writes to": ("mkfifo it", FileNotFoundError),
    "a device that never ends": ("ln -s /dev/zero it", FileNotFoundError),
    "a socket": ("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"it\")'", FileNotFoundError),
    "a terabyte of nothing": ("truncate -s 70M it", ToolError),
    "a closed file": ("echo x > it; chmod 0 it", FileNotFoundError),
}


@pytest.mark.parametrize(("script", "error"), READS.values(), ids=READS.keys())
def test_what_is_no_small_file_of_the_sandbox_is_not_read(
    script: str, error: type[Exception], sandbox: Sandbox, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word")
    assert sandbox.run(["sh", "-c", script.format(secret=secret)], timeout=30).exit_code == 0
    with pytest.raises(error):
        sandbox.read("it")


def test_the_users_that_a_sandbox_knows_are_not_the_hosts(sandbox: Sandbox) -> None:
    sandbox.run(["ln", "-s", "/etc/passwd", "it"], timeout=30)
    assert sandbox.read("it") != Path("/etc/passwd").read_bytes()


def test_files_are_not_written_through_links(sandbox: Sandbox, tmp_path: Path) -> None:
    script = f"ln -s {tmp_path} folder; ln -s /tmp/elsewhere file; mkdir /tmp/inside; ln -s /tmp/inside inner"
    sandbox.run(["sh", "-c", script], timeout=30)
    with suppress(SandboxFailed):  # the folder is not there, inside
        sandbox.write({"folder/evil": b"x"})
    sandbox.write({"file": b"x", "inner/evil": b"x"})
    assert list(tmp_path.iterdir()) == [tmp_path / "repository"]
    listed = sandbox.run(["sh", "-c", "ls /tmp /tmp/inside"], timeout=30).output
    assert "elsewhere" not in listed


def test_a_hostile_tree_is_copied_as_it_lies_and_leads_nowhere(
    engine: Engine, environment: Environment, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("word")
    (repository / "out").symlink_to("/etc")
    (repository / "up").symlink_to(tmp_path)
    os.mkfifo(repository / "pipe")
    (repository / "new\nline -rf ; $(id)").write_text("odd")
    (repository / "-rf").write_text("odd")
    with engine.open(environment, repository, SMALL) as sandbox:
        listed = sandbox.run(
            ["sh", "-c", "ls -d -- * | cat; cat up/secret; test -e pipe || echo none"], timeout=30
        ).output
    assert "word" not in listed
    assert "new\nline -rf ; $(id)" in listed
    assert listed.endswith("none\n")


def test_a_giant_file_that_takes_no_room_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(EnvironmentFailed, match=r"sparse .* larger than .* GiB"):
        archive.pack_repository(tmp_path)


# --- the filter -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_whole_instructions_and_ends_by_allowing(machine: str) -> None:
    written = seccomp.compile_filter(machine)
    assert len(written) % 8 == 0
    assert written[-8:] == bytes.fromhex("060000000000ff7f")


def test_a_processor_that_is_not_known_has_no_filter() -> None:
    assert seccomp.compile_filter("vax") == b""
