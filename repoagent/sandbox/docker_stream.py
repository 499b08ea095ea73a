"""The hijacked connection that the Docker API gives for an attach: bytes in, frames out."""

from __future__ import annotations

import io
import select
import socket
from dataclasses import dataclass
from typing import IO, cast


@dataclass(frozen=True)
class ReceivedOutput:
    """What came over a connection."""

    output: bytes = b""
    """Of standard output."""
    errors: bytes = b""
    """Of standard error."""
    ended: bool = False
    """Whether nothing more will come."""


class Stream:
    """Standard input, output and error of a process in a container, without a terminal."""

    def __init__(self, hijacked: object) -> None:
        # The SDK gives a raw reader around the socket on some transports, the socket itself on others.
        self._hijacked = cast("io.IOBase", hijacked)
        self._socket = cast("socket.socket", getattr(hijacked, "_sock", hijacked))
        self._header = bytearray()
        self._left = 0

    def send(self, data: bytes) -> bool:
        """Send to standard input; False where the other side is gone."""
        self._socket.settimeout(30)
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def send_file(self, file: IO[bytes]) -> None:
        """Send a whole file; ends early where the other side answers before it has all, is gone, or stalls."""
        pending = b""
        while pending or (pending := file.read(1 << 18)):
            readable, writable, _ = select.select([self._socket], [self._socket], [], 30)
            if readable or not writable:
                return
            self._socket.settimeout(30)
            try:
                pending = pending[self._socket.send(pending) :]
            except OSError:
                return

    def receive(self, timeout: float) -> ReceivedOutput:
        """Receive what comes within `timeout` seconds, as soon as anything does."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            data = self._socket.recv(262144)
        except TimeoutError:
            return ReceivedOutput()
        except OSError:
            return ReceivedOutput(ended=True)
        return self._parse_frames(data) if data else ReceivedOutput(ended=True)

    def close(self) -> None:
        """End the connection."""
        # The socket stays open as long as the reader around it does.
        self._hijacked.close()
        self._socket.close()

    def _parse_frames(self, data: bytes) -> ReceivedOutput:
        """Parse the frames' contents; a frame is its kind, three zeros, four bytes of length, and as many bytes as
        that."""
        parts: dict[int, list[bytes]] = {1: [], 2: []}
        while data:
            if not self._left:
                missing = 8 - len(self._header)
                self._header += data[:missing]
                data = data[missing:]
                if len(self._header) < 8:
                    break
                self._left = int.from_bytes(self._header[4:], "big")
                self._kind = self._header[0]
                self._header.clear()
            parts.setdefault(self._kind, []).append(data[: self._left])
            data, self._left = data[self._left :], max(0, self._left - len(data))
        return ReceivedOutput(b"".join(parts[1]), b"".join(parts[2]))
