"""The changes of a patch, as git sees them in the trees before and after."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FileChange:
    """The change of one file. A rename is a file that is deleted and one that is new."""

    path: str
    mode_before: str
    """As git writes it: `100644`, `100755`, `120000` for a link, `160000` for a submodule; `000000` for none."""
    mode_after: str
    added: tuple[str, ...] = ()
    """The added lines, without their ends."""
    removed: int = 0
    """Number of removed lines."""
    binary: bool = False
    bytes_after: int = 0

    @property
    def is_new(self) -> bool:
        return self.mode_before == "000000"

    @property
    def is_deleted(self) -> bool:
        return self.mode_after == "000000"
