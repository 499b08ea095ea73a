"""A filter for bubblewrap that refuses the system calls no test suite needs and most kernel exploits do.

It refuses what Docker's default profile refuses a process without capabilities
(https://docs.docker.com/engine/security/seccomp/): new namespaces, mounts, key rings, which outlive a sandbox, BPF,
performance counters, io_uring, modules, the clock, and other processes' memory.
"""

from __future__ import annotations

import errno
import os
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class _Machine:
    audit: int
    """How the kernel names the architecture to a filter."""
    clone: int
    clone3: int
    refused: tuple[int, ...]


# From the kernel's tables: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h, in the order
# process_vm_readv, process_vm_writev, process_madvise, pidfd_getfd, kcmp; add_key, request_key, keyctl; mount,
# umount2, pivot_root, chroot, open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr; unshare, setns;
# bpf, perf_event_open, userfaultfd, io_uring_setup, io_uring_enter, io_uring_register; init_module, finit_module,
# delete_module, kexec_load, kexec_file_load, reboot; settimeofday, clock_settime, clock_adjtime, adjtimex; swapon,
# swapoff, acct, quotactl, syslog, sethostname, setdomainname, open_by_handle_at, lookup_dcookie, vhangup,
# fanotify_init; on x86-64 iopl and ioperm.
_COMMON = (438, 428, 429, 430, 431, 432, 433, 442, 425, 426, 427, 440)
_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        56,
        435,
        (
            *(310, 311, 312, 248, 249, 250, 165, 166, 155, 161, 272, 308, 321, 298, 323),
            *(175, 313, 176, 246, 320, 169, 164, 227, 305, 159, 167, 168, 163, 179, 103, 170, 171),
            *(304, 212, 153, 300, 172, 173, *_COMMON),
        ),
    ),
    "aarch64": _Machine(
        0xC00000B7,
        220,
        435,
        (
            *(270, 271, 272, 217, 218, 219, 40, 39, 41, 51, 97, 268, 280, 241, 282),
            *(105, 273, 106, 104, 294, 142, 170, 112, 266, 171, 224, 225, 89, 60, 116, 161, 162),
            *(265, 18, 58, 262, *_COMMON),
        ),
    ),
}
_NAMESPACES = 0x7E020080
"""The flags of `clone` that ask for a namespace of any kind."""
_X32 = 0x40000000
"""Numbers from here on are a second set of calls on x86-64, which nothing uses and the table does not name."""

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_UNKNOWN = 0x00050000 | errno.ENOSYS


def compile_filter(machine: str = platform.machine()) -> bytes:
    """Compile the filter to the kernel's form (classic BPF); empty for a processor whose calls are not known here."""
    known = _MACHINES.get(machine)
    return b"".join(_list_instructions(known)) if known else b""


def open_filter_file() -> int | None:
    """Open a file in memory with the filter, for `bwrap --seccomp`; None where there is no filter."""
    if not (written := compile_filter()):
        return None
    handle = os.memfd_create("seccomp")
    os.write(handle, written)
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _list_instructions(machine: _Machine) -> Iterator[bytes]:
    yield _pack_instruction(_LOAD, _ARCHITECTURE)
    yield from _return_unless(_EQUAL, machine.audit, _REFUSE)
    yield _pack_instruction(_LOAD, _NUMBER)
    yield from _return_where(_AT_LEAST, _X32, _UNKNOWN)
    # Its flags lie in memory, where no filter can look; programs fall back to `clone` where it is unknown.
    yield from _return_where(_EQUAL, machine.clone3, _UNKNOWN)
    for number in machine.refused:
        yield from _return_where(_EQUAL, number, _REFUSE)
    yield _pack_instruction(_EQUAL, machine.clone, 0, 3)
    yield _pack_instruction(_LOAD, _FIRST_ARGUMENT)
    yield from _return_where(_ANY_BIT, _NAMESPACES, _REFUSE)
    yield _pack_instruction(_RETURN, _ALLOW)


def _return_where(test: int, value: int, answer: int) -> Iterator[bytes]:
    yield _pack_instruction(test, value, 0, 1)
    yield _pack_instruction(_RETURN, answer)


def _return_unless(test: int, value: int, answer: int) -> Iterator[bytes]:
    yield _pack_instruction(test, value, 1, 0)
    yield _pack_instruction(_RETURN, answer)


def _pack_instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
