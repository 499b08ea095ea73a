"""Environments that stand on an image of somebody's, with the real engine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import docker
import pytest

from repoagent.errors import EnvironmentFailed, UserError
from repoagent.sandbox import base_image
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.docker import DockerEngine
from repoagent.testbed.runner import Testbed
from repoagent.testbed.ways import Named, Origin
from repoagent.trace import Trace

pytestmark = [pytest.mark.docker, pytest.mark.network]
IMAGE = "repoagent-test-image"
# Its Python, with a package that no index has, is not where the distribution puts one.
READY = f"""\
FROM {base_image.tag()}
RUN python3 -m venv --without-pip /opt/theirs && mkdir /opt/own && echo 'answer = 42' > /opt/own/theirs_alone.py
RUN echo /opt/own > $(echo /opt/theirs/lib/python3*/site-packages)/own.pth
ENV PATH=/opt/theirs/bin:$PATH
"""
BARE = f"FROM {base_image.tag()}\nRUN rm /usr/bin/setpriv\n"
TEST = """\
import os
import theirs_alone


def test_it():
    assert (theirs_alone.answer, os.getuid() == 0) == (42, False)
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """The engine, with the images that the tests name."""
    with pytest.MonkeyPatch.context() as patch, closing(docker.from_env()) as client:
        patch.setenv("REPOAGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = DockerEngine()
        made.prepare(lambda _line: None)
        for tag, text in (("ready", READY), ("bare", BARE)):
            client.images.build(fileobj=_context(text), custom_context=True, tag=f"{IMAGE}:{tag}", rm=True)
        yield made
        for tag in ("ready", "bare"):
            client.images.remove(f"{IMAGE}:{tag}", force=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TEST)
    return tmp_path


def prepare(engine: DockerEngine | BubblewrapEngine, root: Path, image: str = "") -> Testbed:
    return Testbed.prepare(
        engine, root, origin=Origin(), trace=Trace(), timeout=300, named=Named(image=image and f"{IMAGE}:{image}")
    )


def test_an_image_that_is_named_is_where_the_tests_run(engine: DockerEngine, root: Path) -> None:
    bed = prepare(engine, root, "ready")
    assert bed.setup == f"the Python of the image {IMAGE}:ready"
    report = bed.run_fresh()
    assert report.passed == {"tests/test_it.py::test_it"}, report.log
    assert prepare(engine, root, "ready").environment == bed.environment
    engine.discard(bed.environment.key)


def test_the_repository_says_how_to_build_there_and_can_name_no_image(engine: DockerEngine, root: Path) -> None:
    (root / ".repoagent.toml").write_text('build = ["touch /opt/environment/built-by-them"]\n')
    bed = prepare(engine, root, "ready")
    with bed.open() as sandbox:
        assert sandbox.run(["ls", "/opt/environment/built-by-them"], timeout=30).exit_code == 0
        assert bed.run(sandbox).passed == {"tests/test_it.py::test_it"}
    engine.discard(bed.environment.key)
    (root / ".repoagent.toml").write_text(f'image = "{IMAGE}:ready"\n')
    with pytest.raises(UserError, match="sets image"):
        prepare(engine, root)


def test_what_an_image_lacks_is_said(engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="it has no setpriv"):
        prepare(engine, root, "bare")


def test_an_image_that_is_not_there_is_named(engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=f"there is no image {IMAGE}:none"):
        prepare(engine, root, "none")


@pytest.mark.bubblewrap
def test_bubblewrap_has_no_images(engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="use `--sandbox docker`"):
        prepare(BubblewrapEngine(), root, "ready")


def _context(text: str) -> io.BytesIO:
    """A build context with a Dockerfile alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    packed.seek(0)
    return packed
