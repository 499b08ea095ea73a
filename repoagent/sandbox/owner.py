"""Name the process that made something, so that what dead runs left can be told from what live ones use."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

LABEL = "org.repoagent"
"""Marks the containers and images of this program."""

OWNER_LABEL = "org.repoagent.owner"
"""Names the process that made a container."""


@dataclass(frozen=True)
class Owner:
    """A process of some machine, told apart from a later one of the same number."""

    host: str
    boot: str
    """The kernel's identifier of this boot."""
    pid: int
    started: int
    """Clock ticks from boot to the process's start."""

    @classmethod
    def from_this_process(cls) -> Owner:
        """Describe this process."""
        return cls(_get_host(), _read_boot(), os.getpid(), _read_start(os.getpid()) or 0)

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Parse an owner as `str` writes it; None for anything else."""
        try:
            host, boot, pid, started = text.split(".")
            return cls(host, boot, int(pid), int(started))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.host}.{self.boot}.{self.pid}.{self.started}"

    @property
    def is_dead(self) -> bool:
        """Whether it surely runs no more; False for a process of another machine, of which nothing is known here."""
        if self.host != _get_host():
            return False
        return self.boot != _read_boot() or _read_start(self.pid) != self.started


def _get_host() -> str:
    return socket.gethostname().replace(".", "-")


def _read_boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _read_start(pid: int) -> int | None:
    """Read when a process started, field 22 of /proc/PID/stat; counted from the last parenthesis, as a program's name
    may hold spaces."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])
