"""Environments that stand on an image of somebody's, with the real engine."""

from __future__ import annotations

import io
import re
import secrets
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import docker
import pytest

from repoagent.errors import EnvironmentFailed, SandboxFailed, UserError
from repoagent.sandbox import base_image, docker_build
from repoagent.sandbox.base import Dockerfile, Environment, SandboxLimits
from repoagent.sandbox.bubblewrap import BubblewrapEngine
from repoagent.sandbox.docker import DockerEngine
from repoagent.sandbox.host_network import read_host_network
from repoagent.testbed.build_plan import CommitInfo, UserOverrides
from repoagent.testbed.ecosystems.finding import detect_codebases, list_build_plans
from repoagent.testbed.runner import Testbed
from repoagent.trace import Trace

pytestmark = [pytest.mark.docker, pytest.mark.network]
IMAGE = f"repoagent-test-image-{secrets.token_hex(4)}"
"""Other runs of these tests may use the same engine."""
# Its Python, with a package that no index has, is not where the distribution puts one.
READY = f"""\
FROM {base_image.name_image()}
RUN python3 -m venv --without-pip /opt/theirs && mkdir /opt/own && echo 'answer = 42' > /opt/own/theirs_alone.py
RUN echo /opt/own > $(echo /opt/theirs/lib/python3*/site-packages)/own.pth
ENV PATH=/opt/theirs/bin:$PATH
"""
LACKING = {
    "setpriv": ("rm /usr/bin/setpriv", "it has no setpriv: install coreutils, findutils and util-linux in it"),
    "tar": (
        "printf '#!/bin/sh\\necho bsdtar 3.6' > /bin/tar; chmod 755 /bin/tar",
        "it has no GNU tar: install tar and coreutils in it",
    ),
    "volume": ("true\nVOLUME /data", "has volumes (/data), which tests could fill without a bound: name one that"),
    "python": ("rm -f /usr/bin/python3* /usr/local/bin/python3*", "the image has no python3 in its PATH: name one"),
}
"""What is done to an image, and what is said of it then."""
TEST = """\
import os
import theirs_alone


def test_it():
    assert (theirs_alone.answer, os.getuid() == 0) == (42, False)
"""


# What a Dockerfile may say about how it is started, and what its commands find while it is built.
OWN = f"""\
ARG PYTHON={base_image.name_image().rpartition("-")[0].rpartition("py")[2]}
FROM repoagent-base:py${{PYTHON}}-{base_image.name_image().rpartition("-")[2]} AS made
COPY tests/../given.txt /opt/own/given.txt
RUN env | sort > /opt/own/variables; ls -A /var/run/docker.sock > /opt/own/socket 2>/dev/null; \\
    cat /proc/net/dev > /opt/own/network
FROM scratch AS nothing
FROM made
COPY --from=made /opt/own/given.txt /opt/own/again.txt
RUN echo 'answer = 42' > /opt/own/theirs_alone.py && \\
    echo /opt/own > $(python3 -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/own.pth
ENV LD_PRELOAD=/nowhere.so PATH=/opt/own:$PATH HOME=/root
LABEL org.repoagent.owner=nobody.boot.1.1
VOLUME /opt/own
USER nobody
WORKDIR /opt/own
HEALTHCHECK --interval=1s CMD touch /tmp/healthy
ENTRYPOINT ["/bin/false"]
"""
OTHER = 'language = "other"\ntest = "true"\n'
ONLY = '[project]\nname = "it"\nversion = "1"\nrequires-python = "==3.11.*"\n[tool.setuptools]\npy-modules = []\n'


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """The engine, with the images that the tests name."""
    with pytest.MonkeyPatch.context() as patch, closing(docker.from_env()) as client:
        patch.setenv("REPOAGENT_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = DockerEngine()
        made.prepare(lambda _line: None)
        lacking = {tag: f"FROM {base_image.name_image()}\nRUN {step}\n" for tag, (step, _) in LACKING.items()}
        images = {"ready": READY, **lacking}
        for tag, text in images.items():
            client.images.build(fileobj=_context(text), custom_context=True, tag=f"{IMAGE}:{tag}", rm=True)
        before = {kept.key for kept in made.list_cached()}
        yield made
        for key in new_images(made, before):
            made.discard(key)
        for tag in images:
            client.images.remove(f"{IMAGE}:{tag}", force=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(TEST)
    return tmp_path


def prepare(engine: DockerEngine | BubblewrapEngine, root: Path, image: str = "") -> Testbed:
    return Testbed.prepare(
        engine,
        root,
        origin=CommitInfo(),
        trace=Trace(),
        timeout=300,
        named=UserOverrides(image=image and f"{IMAGE}:{image}"),
    )


def test_an_image_that_is_named_is_where_the_tests_run(engine: DockerEngine, root: Path) -> None:
    bed = prepare(engine, root, "ready")
    assert bed.plan_name == f"the Python of the image {IMAGE}:ready"
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


@pytest.mark.parametrize(("tag", "complaint"), [(tag, said) for tag, (_, said) in LACKING.items()], ids=LACKING)
def test_what_an_image_lacks_is_said(tag: str, complaint: str, engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=re.escape(complaint)):
        prepare(engine, root, tag)


def test_an_image_that_is_not_there_is_named(engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=f"there is no image {IMAGE}:none"):
        prepare(engine, root, "none")


# --- the repository's own -------------------------------------------------------------------------------------------


def own(root: Path, dockerfile: str, said: str = OTHER) -> Path:
    files = {"Dockerfile": dockerfile, "given.txt": "given", "pyproject.toml": ONLY, ".repoagent.toml": said}
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def on_its_own(engine: DockerEngine, root: Path) -> Environment:
    """The environment on the repository's own image alone, whether others would work or not."""
    last = list_build_plans(detect_codebases(root), CommitInfo(), engine.list_pythons())[-1]
    assert last.recipe.base.dockerfile
    return engine.build(last.recipe, root, lambda _line: None, timeout=300)


def test_what_a_repository_s_dockerfile_makes_is_taken_where_nothing_else_works(
    engine: DockerEngine, root: Path
) -> None:
    bed = prepare(engine, own(root, OWN, f'{OTHER}build = ["test -e /opt/own"]\n'))
    engine.discard(bed.environment.key)
    assert bed.plan_name == "the tools of the image of Dockerfile"


def test_tests_run_on_an_image_of_the_repository_s_as_on_any(engine: DockerEngine, root: Path) -> None:
    environment = on_its_own(engine, own(root, OWN, ""))
    bed = Testbed.attach(engine, environment, root, detect_codebases(root))
    with ExitStack() as after:
        after.callback(engine.discard, environment.key)
        sandbox = after.enter_context(bed.open())
        assert bed.run(sandbox).passed == {"tests/test_it.py::test_it"}
        look = (
            "id -u; cat /opt/own/given.txt /opt/own/again.txt; echo; ls /tmp/healthy; touch /opt/own/x; "
            "grep -c ' /opt/own ' /proc/self/mountinfo; echo ${LD_PRELOAD-none}; grep -c : /proc/net/dev"
        )
        answers = sandbox.run(["sh", "-c", f"{{ {look}; }} 2>/dev/null"], timeout=30).output.split()
        variables = sandbox.run(["cat", "/opt/own/variables"], timeout=30).output
        assert sandbox.run(["cat", "/opt/own/socket"], timeout=30).output == ""
        below = {kept.key: kept for kept in engine.list_cached()}
        engine.discard(below[bed.environment.key].below)
        assert below[bed.environment.key] in engine.list_cached(), "what something stands on stays below it"
    chain = [below[bed.environment.key]]
    while chain[-1].below:
        chain.append(below[chain[-1].below])
    assert [kept.kind for kept in chain] == ["environment", "toolchain", "dockerfile", "base"]
    assert all(kept.bytes > 0 for kept in chain)
    assert answers == ["1000", "givengiven", "0", "none", "1"]
    assert all(f"{name}=" in variables for name in read_host_network().environment)


HOSTILE = {
    "an image of somebody's": (f"FROM {IMAGE}:ready", "what is in it could be sent away"),
    "files of somebody's image": (
        f"FROM {base_image.name_image()}\nCOPY --from={IMAGE}:ready / /x",
        "could be sent away",
    ),
    "files of an image that is named as the stage is": (
        f"FROM {base_image.name_image()} AS {IMAGE}\nCOPY --from={IMAGE} / /x",
        f"starts from {IMAGE}, which is neither in the engine nor can be pulled: ",
    ),
    "an image that nobody gives": (
        "FROM repoagent-test-none:1",
        "the Dockerfile starts from repoagent-test-none:1, which is neither in the engine nor can be pulled: ",
    ),
    "an image of the host's own registry": (
        "FROM localhost:5000/x",
        "localhost:5000 is not known to give to everybody",
    ),
    "an image of a company's registry": (
        f"FROM {base_image.name_image()}\nCOPY --from=images.company.example/secret:1 / /x",
        "images.company.example is not known to give to everybody",
    ),
    "a file above the repository": (f"FROM {base_image.name_image()}\nCOPY ../../etc/shadow /x", "could not be built"),
    "the host's network": (f"FROM {base_image.name_image()}\nRUN --network=host true", "need BuildKit"),
    "a command that fails": (f"FROM {base_image.name_image()}\nRUN echo so it ends; exit 3", "so it ends"),
    "nothing to run": ("FROM scratch\nCOPY given.txt /x", "it needs /bin/sh"),
    "no Python": (
        f"FROM {base_image.name_image()}\nRUN rm -f /usr/bin/python3* /usr/local/bin/python3*",
        "has no python3",
    ),
}


@pytest.mark.parametrize(("dockerfile", "complaint"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_a_dockerfile_does_not_get(dockerfile: str, complaint: str, engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match=re.escape(complaint)) as caught:
        on_its_own(engine, own(root, dockerfile, ""))
    assert not isinstance(caught.value, SandboxFailed), "another way could still be tried"


def test_an_image_that_was_once_given_to_everybody_is_stood_upon(engine: DockerEngine, root: Path) -> None:
    text = f"FROM {IMAGE}:setpriv\nCOPY . /theirs\nRUN true\n"
    with closing(docker.from_env()) as client:
        docker_build.note_public(str(client.images.get(f"{IMAGE}:setpriv").id))
        made, again = (
            docker_build.build_image(
                client, Dockerfile(text), own(root, text), SandboxLimits(), lambda _line: None, timeout=120
            )
            for _ in range(2)
        )
    assert made in {kept.key for kept in engine.list_cached()}
    assert again == made, "its commands are not run again"


def test_a_dockerfile_that_does_not_end_is_given_up_and_leaves_nothing(engine: DockerEngine, root: Path) -> None:
    with closing(docker.from_env()) as client:
        text = f"FROM {base_image.name_image()}\nRUN echo begun; exec sleep 4711\n"
        with pytest.raises(EnvironmentFailed, match="it was not done after"):
            docker_build.build_image(
                client, Dockerfile(text), own(root, text), SandboxLimits(), lambda _line: None, timeout=3
            )
        assert ended(lambda: not [c for c in client.containers.list() if "4711" in str(c.attrs["Config"]["Cmd"])])


@pytest.mark.bubblewrap
def test_bubblewrap_has_no_images(engine: DockerEngine, root: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="use `--sandbox docker`"):
        prepare(BubblewrapEngine(), root, "ready")


FLOODS = f"""\
FROM {base_image.name_image()}
RUN printf '#!/bin/bash\\n[ "$1" != -c ] || {{ read -r line; exec cat /dev/zero; }}\\nexec /bin/dash "$@"' \\
    > /bin/other && \\
    chmod 755 /bin/other && ln -sf other /bin/sh
"""


def test_a_shell_of_the_repository_s_that_answers_without_end_is_heard_no_further(
    engine: DockerEngine, root: Path
) -> None:
    with pytest.raises(SandboxFailed, match="is no answer"):
        on_its_own(engine, own(root, FLOODS))


WATCHES = f"""\
FROM {base_image.name_image()}
RUN mv /bin/mkdir /bin/mkdir.real && printf '#!/bin/sh\\n\
[ -e /seen ] || grep -E "^(Uid|Cap(Eff|Bnd)|NoNewPrivs)" /proc/self/status > /seen\\n\
[ -e /limit ] || cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max > /limit 2>/dev/null\\n\
exec mkdir.real "$@"' > /bin/mkdir && chmod 755 /bin/mkdir
"""


def test_the_programs_that_complete_an_image_have_no_more_rights_than_they_need(
    engine: DockerEngine, root: Path
) -> None:
    """They are the image's own, and run as root of their container."""
    environment = on_its_own(engine, own(root, WATCHES))
    try:
        with engine.open(environment, root) as sandbox:
            seen = sandbox.run(["cat", "/seen", "/limit"], timeout=30).output.split()
    finally:
        engine.discard(environment.key)
    needed = sum(1 << number for number in (0, 1, 3, 4, 5, 6, 7))  # as numbered in capabilities(7)
    status = dict(zip(seen[5:-1:2], seen[6:-1:2], strict=True))
    assert {name: int(value, 16) for name, value in status.items()} == {
        "CapEff:": needed,
        "CapBnd:": needed,
        "NoNewPrivs:": 1,
    }
    assert seen[:2] == ["Uid:", "0"]
    assert seen[-1] == "1024"


def new_images(engine: DockerEngine, before: set[str]) -> list[str]:
    """What Dockerfiles of the tests made, that with most below it first."""
    found = {kept.key: kept for kept in engine.list_cached()}
    # Its use is noted in the cache of this run.
    made = [kept for kept in found.values() if kept.key not in before and kept.kind == "dockerfile" and kept.used]
    below = {kept.key for kept in made}
    upon = [kept.key for kept in found.values() if kept.below in below and kept.key not in before]
    return [*upon, *(kept.key for kept in made)]


def ended(condition: Callable[[], bool]) -> bool:
    """Whether it holds within a minute."""
    deadline = time.monotonic() + 60
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds


def _context(text: str) -> io.BytesIO:
    """A build context with a Dockerfile alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(text.encode())
        archive.addfile(member, io.BytesIO(text.encode()))
    packed.seek(0)
    return packed
