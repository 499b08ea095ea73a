"""What is read of a Dockerfile, and what a hostile one is not given."""

from __future__ import annotations

import pytest

from repoagent.errors import EnvironmentFailed
from repoagent.sandbox.dockerfile import list_copied_paths, parse_instructions, rewrite_dockerfile

SECRET = "company/secret"


def find(name: str) -> str:
    """Everything is there but what is not the repository's."""
    if name == SECRET:
        raise EnvironmentFailed("not yours")
    return f"<{name}>"


def written(text: str, **arguments: str) -> str:
    return rewrite_dockerfile(text, find, arguments)


REWRITTEN = {
    "an image by its identifier": ("FROM python:3.11\n", "FROM <python:3.11>\n"),
    "an ARG before FROM": ("ARG V=3.11\nFROM python:${V}-slim\n", "ARG V=3.11\nFROM <python:3.11-slim>\n"),
    "an ARG of an ARG": ('ARG A=b\nARG B="$A:1"\nFROM $B\n', 'ARG A=b\nARG B="$A:1"\nFROM <b:1>\n'),
    "an ARG without a value": ("ARG V\nFROM a:${V:-1}${V:+x}\n", "ARG V\nFROM <a:1>\n"),
    "stages": (
        "FROM a AS One\nRUN x\nFROM one\nFROM scratch\nCOPY --from=one --chown=1:1 /x /y\nCOPY --from=0 /x /y\n",
        "FROM <a> AS one\nRUN x\nFROM one\nFROM scratch\nCOPY --from=one --chown=1:1 /x /y\nCOPY --from=0 /x /y\n",
    ),
    "an image that files are taken from": (
        "FROM a\nCOPY --link --from=ghcr.io/u/uv:1 /uv /bin/\n",
        "FROM <a>\nCOPY --from=<ghcr.io/u/uv:1> /uv /bin/\n",
    ),
    "a platform": ("FROM --platform=$BUILDPLATFORM a as b\n", "FROM <a> AS b\n"),
    "lines that go on": (
        "# one\nfrom a\nrun x && \\\n# two\n\n  y \\  \n z\nRUN w",
        "FROM <a>\nRUN x &&   y  z\nRUN w\n",
    ),
    "another escape": ("# escape=`\nFROM a\nRUN x `\n y\n", "FROM <a>\nRUN x  y\n"),
    "Windows' line ends": ("FROM a\r\nRUN x \\\r\n y\r\n", "FROM <a>\nRUN x  y\n"),
    "what is for a start": (
        'FROM a\nUSER u\nVOLUME /d\nHEALTHCHECK CMD x\nENTRYPOINT ["x"]\nCMD y\nEXPOSE 1\nLABEL x=1\nENV A=b',
        "FROM <a>\nUSER u\nENV A=b\n",
    ),
}


@pytest.mark.parametrize(("text", "expected"), REWRITTEN.values(), ids=REWRITTEN.keys())
def test_a_dockerfile_is_written_anew(text: str, expected: str) -> None:
    assert written(text) == expected


def test_a_value_that_is_given_goes_before_that_of_the_file() -> None:
    assert written("ARG V=1\nFROM a:$V\n", V="2") == "ARG V=1\nFROM <a:2>\n"


def test_each_stage_begins_with_what_is_needed_there() -> None:
    anew = rewrite_dockerfile("FROM a AS x\nFROM x\n", find, {}, ["ARG PIP_INDEX_URL"])
    assert anew == "FROM <a> AS x\nARG PIP_INDEX_URL\nFROM x\nARG PIP_INDEX_URL\n"


REFUSED = {
    "somebody's image": f"FROM {SECRET}",
    "somebody's image by a variable": "ARG A=company\nARG B=secret\nFROM $A/${B}",
    "files of somebody's image": f"FROM a\nCOPY --from={SECRET} / /x",
    "the same in quotes": f'FROM a\nCOPY --fr"o"m={SECRET} / /x',
    "the same behind a bar": f"FROM a\nCOPY --fr\\om={SECRET} / /x",
    "the same by a variable": "FROM a\nARG X\nCOPY --from=$X / /x",
    "the same for later": f"FROM a\nONBUILD COPY --from={SECRET} / /x",
    "an image that is not told": "ARG V\nFROM $V",
    "a file of the host's network": "FROM a\nADD http://localhost:8080/x /x",
    "an address by a variable": "FROM a\nENV H=http:\nADD $H//localhost/x /x",
    "the same as JSON": 'FROM a\nADD ["\\u0068ttp://localhost/x", "/x"]',
    "the same in quotes and bars": "FROM a\nADD h\\ttp\\://localhost/x /x",
    "a clone by the engine": "FROM a\nADD git@github.com:a/b.git /x",
    "the host's network": "FROM a\nRUN --network=host x",
    "the same on a line of its own": "FROM a\nRUN \\\n --network=host x",
    "the same behind another escape": "FROM a\nRUN x `\nRUN --network=host x",
    "the host's rights": "FROM a\nRUN --security=insecure x",
    "a secret": "FROM a\nRUN --mount=type=secret,id=x cat /run/secrets/x",
    "a text in the file": "FROM a\nRUN <<EOF\nx\nEOF",
    "a character that hides": "FROM a\nRUN x\x0bRUN --network=host",
    "an end in the middle": "FROM a\nRUN x \\\\",
    "what nobody knows": "FROM a\nINCLUDE x",
    "nothing": "",
    "no image": "RUN x",
    "only ARGs": "ARG X=1",
    "two images": "FROM a b",
    "very much": "FROM a\n" + "RUN x\n" * 1_001,
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_reaches_beyond_its_containers_is_not_built(text: str) -> None:
    with pytest.raises(EnvironmentFailed):
        written(text)


def test_a_stage_does_not_lend_its_name_to_an_image() -> None:
    """The engine knows a stage by its name when it is done; before, the name is an image's."""
    asked: list[str] = []

    def noted(name: str) -> str:
        asked.append(name)
        return f"<{name}>"

    rewrite_dockerfile("FROM a AS secret\nCOPY --from=secret /x /y\nCOPY --from=0 /x /y\n", noted, {})
    assert asked == ["a", "secret", "0"]


def test_files_that_are_copied_by_their_names_are_told() -> None:
    text = 'FROM a AS b\nCOPY ["one.txt", "/x"]\nCOPY --chown=1 ./two/three.txt four /\nCOPY --from=b /five /six\n'
    assert list_copied_paths(text) == ("one.txt", "/x", "two/three.txt", "four", "/")
    assert list_copied_paths("FROM a\x00") == ()


def test_every_line_of_a_real_one_is_read() -> None:
    text = "FROM a\nRUN apt-get update \\\n    && apt-get install -y \\\n        git\nWORKDIR /app\n"
    assert [(i.name, i.rest.split()[0]) for i in parse_instructions(text)] == [
        ("FROM", "a"),
        ("RUN", "apt-get"),
        ("WORKDIR", "/app"),
    ]
