"""Compile llama.cpp's own server for the processors of this machine.

The source is that of the installed wheel, from its source distribution; what was built is installed only after it has
answered a prompt.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from repoagent import process
from repoagent.errors import EnvironmentFailed, ModelFailed, UserError
from repoagent.llm.address import ServerAddress
from repoagent.llm.base import Message, Sampling
from repoagent.llm.local import native
from repoagent.llm.local.folders import make_folder
from repoagent.llm.local.serving import ModelServer, ServerSettings
from repoagent.llm.local.sources import find_pip_command
from repoagent.llm.local.weights import NoteCallback, ProgressCallback
from repoagent.llm.openai import OpenAIModel
from repoagent.places import locate_cache_root

_SOURCE = "thirdparty/llama.cpp"
"""Of llama.cpp, in the package's source distribution."""
_FETCH_SECONDS = 900.0
_CONFIGURE_SECONDS = 300.0
_OPTIONS = {
    "CMAKE_BUILD_TYPE": "Release",
    "BUILD_SHARED_LIBS": "OFF",
    "GGML_NATIVE": "ON",
    "GGML_CCACHE": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
}
_BUILD_STEP = re.compile(r"^\[\s*(?:(\d+)/(\d+)|(\d+)%)\]")
"""How ninja and make count."""


def build_native_server(
    weights: Path,
    *,
    note: NoteCallback = lambda _line: None,
    progress: ProgressCallback = lambda _done, _total: None,
) -> Path:
    """Fetch the source, compile it, try the server with `weights`, and install it.

    Returns the path of the program. Raises UserError or EnvironmentFailed; an earlier build is then left in its place.
    """
    check_tools()
    with _make_build_folder() as folder:
        note(f"fetching the source of llama.cpp ({native.PACKAGE} {native.get_package_version()})")
        source = unpack_source(fetch_source(folder), folder)
        note("compiling; this takes minutes")
        built = compile_server(source, folder / "build", progress=progress)
        note("trying the new server")
        check_native_server(built, weights)
        return native.install_native_server(built, _find_compiler())


def unpack_source(archive: Path, folder: Path) -> Path:
    """Unpack llama.cpp, and nothing else, from a source distribution into `folder`; returns its folder."""
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, [m for m in tar.getmembers() if f"/{_SOURCE}/" in m.name], filter="data")
    except tarfile.TarError as error:
        raise EnvironmentFailed(f"{archive.name} cannot be unpacked: {error}") from error
    found = next(iter(folder.glob(f"*/{_SOURCE}")), None)
    if found is None or not (found / "CMakeLists.txt").is_file():
        raise EnvironmentFailed(f"{archive.name} does not hold the source of llama.cpp")
    return found


def compile_server(
    source: Path, into: Path, target: str = native.PROGRAM, progress: ProgressCallback = lambda _d, _t: None
) -> Path:
    """Configure and compile `target` in the folder `into`; returns the path of the server, whatever `target` is.

    Raises EnvironmentFailed with the compiler's last error.
    """
    header = Path(__file__).with_name("native.h")
    flags = f'-include "{header}"'
    options = [f"-D{name}={value}" for name, value in {**_OPTIONS, "CMAKE_CXX_FLAGS": flags}.items()]
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    log = make_folder(locate_cache_root() / "logs") / "build-native.log"
    log.write_bytes(b"")
    configure = ("cmake", "-S", str(source), "-B", str(into), *generator, *options)
    process.run(configure, timeout=_CONFIGURE_SECONDS)
    _run_build(("cmake", "--build", str(into), "--target", target, "--parallel", str(_count_jobs())), log, progress)
    return into / "bin" / native.PROGRAM


def _run_build(command: Sequence[str], log: Path, progress: ProgressCallback) -> None:
    """Run a build and report its steps to `progress`."""
    with (
        log.open("a", encoding="utf-8") as kept,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running,
    ):
        try:
            for line in running.stdout or ():
                kept.write(line)
                if step := _BUILD_STEP.match(line):
                    progress(int(step[1] or step[3]), int(step[2] or 100))
        except BaseException:
            running.terminate()
            raise
    if running.returncode:
        raise EnvironmentFailed(f"llama.cpp could not be compiled: {_find_last_error(log)}\n(all of it: {log})")


def _find_last_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "error" in line.lower()] or lines
    return " ".join(errors[-1:])[:300]


def check_native_server(built: Path, weights: Path) -> None:
    """Let the server answer a prompt of a few hundred tokens, at which a wrong compilation crashes.

    Raises EnvironmentFailed where it does not.
    """
    prompt = " ".join(f"Line {number} is empty." for number in range(60)) + " Say READY."
    name = "build-native-trial"
    try:
        with (
            ModelServer(weights, ServerSettings(slots=1, slot_context=1024), name=name, program=built) as server,
            OpenAIModel(ServerAddress(server.running.url, name)) as model,
        ):
            said = model.chat((Message("user", prompt),), Sampling(8, temperature=0.0)).text
    except ModelFailed as error:
        raise EnvironmentFailed(f"the compiled server does not work here, and nothing was changed: {error}") from error
    if not said.strip():
        raise EnvironmentFailed("the compiled server gives an empty answer; nothing was changed")


def fetch_source(folder: Path) -> Path:
    """Download the source distribution of the installed package into `folder`; returns the archive."""
    options = (
        "--no-deps",
        f"--no-binary={native.PACKAGE}",
        "--no-cache-dir",
        "--no-input",
        "--disable-pip-version-check",
    )
    requirement = f"{native.PACKAGE}=={native.get_package_version()}"
    process.run((*find_pip_command(), "download", *options, "--dest", str(folder), requirement), timeout=_FETCH_SECONDS)
    found = next(iter(folder.glob("*.tar.gz")), None)
    if found is None:
        raise EnvironmentFailed(f"the package index has no source of {requirement}")
    return found


def check_tools() -> None:
    """Raise UserError where this system lacks the tools to compile llama.cpp."""
    import platform

    if platform.system() != "Linux":
        raise UserError("only Linux is supported: the wheels for other systems are built for their processors already")
    missing = [
        name for name, there in (("cmake", shutil.which("cmake")), ("a C++ compiler", _find_compiler())) if not there
    ]
    if not shutil.which("ninja") and not shutil.which("make"):
        missing.append("make")
    if missing:
        raise UserError(
            f"{' and '.join(missing)} needed and missing: on Debian or Ubuntu `apt-get install cmake g++ make`"
        )


def _find_compiler() -> str:
    return os.environ.get("CXX") or next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), "")


def _count_jobs() -> int:
    return max(1, len(os.sched_getaffinity(0)))


@contextmanager
def _make_build_folder() -> Iterator[Path]:
    """Make a temporary folder on the disk of the cache."""
    with tempfile.TemporaryDirectory(prefix=".building-", dir=make_folder(native.get_native_folder().parent)) as name:
        yield Path(name)
