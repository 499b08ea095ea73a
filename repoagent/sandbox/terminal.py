"""Join the terminal of this process with one inside a sandbox, for a person who works there."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

Resize = Callable[[int, int], object]
"""Called with rows and columns, at first and whenever they change."""


def join_terminals(other: socket.socket | IO[bytes], resize: Resize) -> None:
    """Pass on bytes both ways until the other side ends; where this side is no terminal, its input ends first."""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    with _set_raw(keyboard), _follow_size(screen, resize):
        _pass_on(other.fileno(), keyboard, screen)


def _pass_on(other: int, keyboard: int, screen: int) -> None:
    sources = [other, keyboard]
    while True:
        readable, _, _ = select.select(sources, [], [])
        if keyboard in readable:
            typed = os.read(keyboard, 65536)
            # A terminal inside takes this byte, at the beginning of a line, for the end of input.
            _write_bytes(other, typed or b"\x04")
            sources = sources if typed else [other]
        if other in readable:
            shown = _read_bytes(other)
            if not shown:
                return
            _write_bytes(screen, shown)


def _read_bytes(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except OSError:  # what a terminal says whose other end is gone
        return b""


def _write_bytes(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


@contextmanager
def _set_raw(keyboard: int) -> Iterator[None]:
    """Make the keyboard raw: every key goes to the other side, the interrupt key as well."""
    if not os.isatty(keyboard):
        yield
        return
    before = termios.tcgetattr(keyboard)
    tty.setraw(keyboard)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSANOW, before)


@contextmanager
def _follow_size(screen: int, resize: Resize) -> Iterator[None]:
    if not os.isatty(screen):
        yield
        return

    def follow_size(*_: object) -> None:
        rows, columns, _x, _y = struct.unpack("HHHH", fcntl.ioctl(screen, termios.TIOCGWINSZ, bytes(8)))
        resize(rows, columns)

    before = signal.signal(signal.SIGWINCH, follow_size)
    try:
        follow_size()
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
