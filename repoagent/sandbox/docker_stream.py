"""The hijacked connection that the Docker API gives for an attach or an exec: bytes in, frames out."""

from __future__ import annotations

import io
import select
import socket
from typing import IO, cast

from repoagent.sandbox.output import Sink


class Stream:
    """Standard input and output of a process in a container, without a terminal."""

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

    def feed(self, file: IO[bytes], sink: Sink) -> None:
        """Send a whole file, and take what comes back meanwhile; ends early where the other side is gone or stalls."""
        pending = b""
        while pending or (pending := file.read(65536)):
            readable, writable, _ = select.select([self._socket], [self._socket], [], 30)
            if not readable and not writable:
                return
            if readable:
                data = self.receive(0)
                if data == b"":
                    return
                sink(data or b"")
            if writable:
                self._socket.settimeout(30)
                try:
                    pending = pending[self._socket.send(pending) :]
                except OSError:
                    return

    def receive(self, timeout: float) -> bytes | None:
        """What came: None for nothing within `timeout` seconds, empty at the end."""
        self._socket.settimeout(max(timeout, 0.001))
        try:
            data = self._socket.recv(262144)
        except TimeoutError:
            return None
        except OSError:
            return b""
        return (self._payload(data) or None) if data else b""

    def close(self) -> None:
        """End the connection."""
        # The socket stays open as long as the reader around it does.
        self._hijacked.close()
        self._socket.close()

    def _payload(self, data: bytes) -> bytes:
        """The frames' contents; each frame is 8 bytes, the last four of them its length, and as many bytes as that."""
        parts: list[bytes] = []
        while data:
            if not self._left:
                missing = 8 - len(self._header)
                self._header += data[:missing]
                data = data[missing:]
                if len(self._header) == 8:
                    self._left = int.from_bytes(self._header[4:], "big")
                    self._header.clear()
            parts.append(data[: self._left])
            data, self._left = data[self._left :], max(0, self._left - len(data))
        return b"".join(parts)
