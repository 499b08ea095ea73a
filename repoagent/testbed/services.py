"""Start the servers that a project's tests talk to, PostgreSQL and Redis, beside them in the same sandbox."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from repoagent.errors import SandboxFailed
from repoagent.sandbox.base import CommandResult, Sandbox
from repoagent.testbed.reading import get_table, read_text

_STARTING = 60.0
"""Seconds that the servers get to start, on top of the tests' time."""
_NAME = re.compile(r"[A-Za-z_]\w{0,62}")
_FAILED = 97


@dataclass(frozen=True)
class Service:
    """A server, as the distribution has it."""

    name: str
    packages: tuple[str, ...]
    images: tuple[str, ...]
    """Images that workflows and compose files name for it, without registry and version."""
    program: str
    """Pattern of the path of its program."""
    start: str
    """POSIX shell that leaves it running and ready, as an unprivileged user, its files below $TMPDIR."""
    variables: Mapping[str, str]
    """What clients find it by, on the sandbox's own loopback."""


SERVICES = {
    "postgresql": Service(
        "postgresql",
        ("postgresql", "postgresql-contrib"),
        ("postgres", "postgresql", "postgis"),
        "/usr/lib/postgresql/*/bin/initdb",
        """
programs=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
$programs/initdb -D $TMPDIR/postgresql -U "$PGUSER" --auth=trust --no-sync --encoding=UTF8 --locale=C.UTF-8
$programs/pg_ctl -D $TMPDIR/postgresql -w -t 50 -l $TMPDIR/postgresql.log \\
  -o "-h 127.0.0.1 -p 5432 -k /tmp -c fsync=off -c shared_buffers=32MB -c jit=off" start
[ "$PGDATABASE" = postgres ] || $programs/createdb -h 127.0.0.1 -U "$PGUSER" "$PGDATABASE"
""",
        {
            "PGHOST": "127.0.0.1",
            "PGPORT": "5432",
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": "5432",
        },
    ),
    "redis": Service(
        "redis",
        ("redis-server",),
        ("redis", "valkey"),
        "/usr/bin/redis-server",
        """
mkdir -p $TMPDIR/redis
redis-server --bind 127.0.0.1 --port 6379 --save '' --appendonly no --daemonize yes --dir $TMPDIR/redis \\
  --logfile $TMPDIR/redis/log
round=0; until redis-cli -h 127.0.0.1 ping | grep -q PONG; do
  round=$((round + 1)); [ $round -lt 200 ] || { cat $TMPDIR/redis/log; exit 1; }; sleep 0.05
done
""",
        {
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": "6379",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
        },
    ),
}


@dataclass(frozen=True)
class ServiceRequest:
    """A service that a project's tests need, and what its workflow sets for it."""

    name: str
    settings: tuple[tuple[str, str], ...] = ()
    """POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, where they are plain names."""
    declared: bool = False
    """Whether the tests are not to be run without it; else they are where it cannot be had."""

    @property
    def start(self) -> str:
        """Shell that starts it, or passes over it where that is allowed and it is not there."""
        start = f"{{ {self.service.start.strip()}\n}}"
        return start if self.declared else f"if ls {self.service.program} >/dev/null 2>&1; then {start}; fi"

    @property
    def service(self) -> Service:
        """How the distribution has it."""
        return SERVICES[self.name]

    @property
    def variables(self) -> dict[str, str]:
        """The variables by which tests find it."""
        if self.name != "postgresql":
            return dict(self.service.variables)
        given = dict(self.settings)
        user, password = given.get("POSTGRES_USER", "postgres"), given.get("POSTGRES_PASSWORD", "postgres")
        database = given.get("POSTGRES_DB", user)
        return {
            **self.service.variables,
            "PGUSER": user,
            "PGPASSWORD": password,
            "PGDATABASE": database,
            "POSTGRES_USER": user,
            "POSTGRES_PASSWORD": password,
            "POSTGRES_DB": database,
            "DATABASE_URL": f"postgresql://{user}:{password}@127.0.0.1:5432/{database}",
        }


def find_services(root: Path, declared: Sequence[str]) -> tuple[ServiceRequest, ...]:
    """Find the services that tests of the project in `root` need: those declared, else those that its workflows or
    compose files start."""
    if declared:
        return tuple(ServiceRequest(name, declared=True) for name in dict.fromkeys(declared))
    found: dict[str, ServiceRequest] = {}
    for path in _list_files(root):
        for image, settings in _list_containers(_parse_yaml(read_text(path))):
            for service in SERVICES.values():
                if image in service.images:
                    found.setdefault(service.name, ServiceRequest(service.name, settings))
    return tuple(found.values())


def list_packages(services: Sequence[ServiceRequest]) -> tuple[str, ...]:
    """List the distribution's packages that have the services."""
    return tuple(package for wish in services for package in wish.service.packages)


def _list_files(root: Path) -> list[Path]:
    workflows = root / ".github" / "workflows"
    found = sorted(workflows.glob("*.y*ml"))[:20] if workflows.is_dir() and not workflows.is_symlink() else []
    names = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")
    return [*found, *(root / name for name in names)]


def _parse_yaml(text: str) -> object:
    try:
        parsed: object = yaml.safe_load(text) if "services" in text and "&" not in text else None
    except (yaml.YAMLError, ValueError, RecursionError):  # anchors are left out: a few of them make gigabytes
        return None
    return parsed


def _list_containers(parsed: object) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """List the images that a workflow's jobs or a compose file start, without registry and version, and their
    settings."""
    groups = [get_table(parsed, "services")]
    groups += [get_table(job, "services") for job in get_table(parsed, "jobs").values()]
    for container in (each for group in groups for each in group.values() if isinstance(each, Mapping)):
        image = str(container.get("image", "")).partition("@")[0].rpartition("/")[2].partition(":")[0]
        yield image, _read_settings(container.get("env") or container.get("environment"))


def _read_settings(environment: object) -> tuple[tuple[str, str], ...]:
    if isinstance(environment, list):
        environment = dict(line.split("=", 1) for line in environment if isinstance(line, str) and "=" in line)
    values = environment.items() if isinstance(environment, Mapping) else ()
    wanted = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}
    return tuple(sorted((str(k), str(v)) for k, v in values if k in wanted and _NAME.fullmatch(str(v))))


@dataclass
class ServedSandbox:
    """A sandbox in which servers run beside each command that gets variables; satisfies `Sandbox`.

    All that a command started ends with it, and the servers are no exception: each run of the tests has new ones.
    """

    sandbox: Sandbox
    services: Sequence[ServiceRequest]
    _nonce: str = field(default_factory=lambda: secrets.token_hex(8))

    def run(
        self, command: Sequence[str], *, timeout: float, environment: Mapping[str, str] | None = None
    ) -> CommandResult:
        """Start the servers and run `command`; raises SandboxFailed, with their output, where they do not start."""
        if environment is None or not self.services:
            return self.sandbox.run(command, timeout=timeout, environment=environment)
        variables = {name: value for wish in self.services for name, value in wish.variables.items()}
        finished = self.sandbox.run(
            ("sh", "-c", self._build_script(), "sh", *command),
            timeout=timeout + _STARTING,
            environment={**variables, **environment},
        )
        self._check(finished)
        return finished

    def write(self, files: Mapping[str, bytes | None]) -> None:
        """As the sandbox below."""
        self.sandbox.write(files)

    def read(self, path: str) -> bytes:
        """As the sandbox below."""
        return self.sandbox.read(path)

    def reset(self) -> None:
        """As the sandbox below."""
        self.sandbox.reset()

    def interact(self, command: Sequence[str] = ("/bin/bash",), environment: Mapping[str, str] | None = None) -> int:
        """Start the servers, and let a person work beside them."""
        variables = {name: value for wish in self.services for name, value in wish.variables.items()}
        asked = ("sh", "-c", self._build_script(), "sh", *command) if self.services else command
        return self.sandbox.interact(asked, {**variables, **(environment or {})})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.sandbox.__exit__(kind, error, traceback)

    def _build_script(self) -> str:
        starts = "\n".join(wish.start for wish in self.services)
        # The tests take the shell's place: nothing of this is left for them to read.
        return f"""
log=$(mktemp /tmp/services-XXXXXX)
sh -c {shlex.quote(_make_program(starts))} >$log 2>&1 </dev/null ||
  {{ echo {self._nonce}; tail -n 20 $log; exit {_FAILED}; }}
exec "$@"
"""

    def _check(self, finished: CommandResult) -> None:
        if finished.exit_code == _FAILED and finished.output.startswith(self._nonce):
            names = " and ".join(wish.name for wish in self.services)
            said = finished.output.removeprefix(self._nonce).strip()
            raise SandboxFailed(f"{names} did not start beside the tests:\n{said[-1000:]}")


def _make_program(starts: str) -> str:
    return f"set -eu; export TMPDIR=$(mktemp -d /tmp/services-XXXXXX)\n{starts}"
