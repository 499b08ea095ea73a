"""Keep the beginning and the end of output that may be endless, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable

Sink = Callable[[bytes], None]
"""Takes output as it comes, in pieces of any size."""


class Output:
    """The first and the last `limit / 2` bytes of what it is fed."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._fed = 0

    def append(self, data: bytes) -> None:
        """Take the next piece."""
        self._fed += len(data)
        room = max(0, self._half - len(self._head))
        self._head += data[:room]
        self._tail += data[room:]
        # Trimmed at twice its size, not at each piece: else a gigabyte in small pieces is copied over and over.
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    @property
    def truncated(self) -> bool:
        """Whether the middle is lost."""
        return self._fed > 2 * self._half

    @property
    def data(self) -> bytes:
        """What was kept, without a mark where the middle was cut."""
        return bytes(self._head + self._tail[-self._half :])

    @property
    def text(self) -> str:
        """What was kept, undecodable bytes replaced, with a line that says how much is missing."""
        head, tail = bytes(self._head), bytes(self._tail[-self._half :])
        if self.truncated:
            missing = f"\n[… {self._fed - len(head) - len(tail)} bytes cut …]\n".encode()
            return (head + missing + tail).decode("utf-8", "replace")
        return (head + tail).decode("utf-8", "replace")


class LineSplitter:
    """Passes on whole lines of what it is fed; a line longer than 2,000 bytes is passed on in pieces."""

    def __init__(self, listener: Callable[[str], None]) -> None:
        self._listener = listener
        self._rest = b""

    def append(self, data: bytes) -> None:
        """Take the next piece."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._pass_on(line)
        while len(self._rest) > 2000:
            self._pass_on(self._rest[:2000])
            self._rest = self._rest[2000:]

    def close(self) -> None:
        """Pass on what came after the last line's end."""
        if self._rest:
            self._pass_on(self._rest)
            self._rest = b""

    def _pass_on(self, line: bytes) -> None:
        self._listener(line.decode("utf-8", "replace").rstrip("\r"))
