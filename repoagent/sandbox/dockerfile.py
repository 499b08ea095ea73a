"""Read a repository's Dockerfile, and rewrite it with only what may be built: nothing reaches beyond its containers.

An engine's builder does more for a Dockerfile than to run commands in containers: it fetches addresses with the host's
network (`ADD`), takes files of any image that the engine has (`FROM`, `COPY --from`), and newer builders know flags
that give a command the host's network, its rights or the user's secrets (`RUN --network`, `--security`, `--mount`).
So the file is not handed over as it is. It is read, each image that it names is looked up by whom it is built for, and
what is written anew, an instruction to a line, has images by their identifiers only. A reading that differs from the
engine's could then build something else, but never something that was not looked at.

What only says how the image is started one day (`ENTRYPOINT`, `CMD`, `VOLUME`, `HEALTHCHECK`, `EXPOSE`, labels) is left
out: a sandbox starts its own program, as a user and with places to write that it chooses itself.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repoagent.errors import EnvironmentFailed

SCRATCH = "scratch"
"""The image that is none."""

_KEPT = frozenset({"ARG", "ENV", "RUN", "COPY", "ADD", "WORKDIR", "USER", "SHELL"})
_LEFT_OUT = frozenset({"CMD", "ENTRYPOINT", "EXPOSE", "VOLUME", "HEALTHCHECK", "STOPSIGNAL", "LABEL", "MAINTAINER"})
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*$")
_FROM = re.compile(r"(?:--platform=\S+\s+)?(?P<image>\S+)(?:\s+as\s+(?P<name>\S+))?", re.IGNORECASE)
_STAGE = re.compile(r"[a-z][a-z0-9._-]*")
_IMAGE = re.compile(r"[a-z0-9][\w.:/@-]*")
_FLAG = re.compile(r"--(from|chown|chmod|link)(?:=([\w.:/@-]+))?(?:\s+|$)")
_PLAIN = re.compile(r"[\w./*?+@ \t,~%=-]*")
"""What an `ADD` may consist of: no quote, escape, variable or colon, of which an address could be made."""
_HEREDOC = re.compile(r"(?:^|\s)\d*<<-?[\"']?\w")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^{}]*))?\})")
_MAX_INSTRUCTIONS = 1_000
"""Instructions."""

FindImage = Callable[[str], str]
"""The identifier of an image by its name; raises EnvironmentFailed where the repository may not have it."""


@dataclass(frozen=True)
class Instruction:
    """One of a Dockerfile, with its continued lines as one."""

    name: str
    """In capitals."""
    rest: str


def rewrite_dockerfile(text: str, find: FindImage, arguments: Mapping[str, str], each_stage: Sequence[str] = ()) -> str:
    """Rewrite the Dockerfile `text` with the images that `find` gives, and `each_stage` after every `FROM`.

    `arguments` are values of its `ARG`s. Raises EnvironmentFailed, naming the instruction, for one that is refused.
    """
    stages: list[str] = []
    values: dict[str, str] = {}
    lines: list[str] = []
    for instruction in parse_instructions(text):
        if instruction.name == "FROM":
            lines += [_rewrite_from(instruction.rest, find, values, stages), *each_stage]
            continue
        if instruction.name == "ARG" and not stages:
            values |= _read_arguments(instruction.rest, values, arguments)
        elif instruction.name in _LEFT_OUT:
            continue
        elif not stages or instruction.name not in _KEPT:
            raise _make_refusal(instruction, "it is not known here")
        lines.append(_rewrite_line(instruction, find, stages))
    if not stages:
        raise EnvironmentFailed("the Dockerfile has no FROM")
    return "\n".join(lines) + "\n"


def parse_instructions(text: str) -> tuple[Instruction, ...]:
    """Parse a Dockerfile's instructions; raises EnvironmentFailed for what is none."""
    found = []
    for line in _split_lines(text):
        name, *rest = line.split(None, 1)
        found.append(Instruction(name.upper(), rest[0].strip() if rest else ""))
        if len(found) > _MAX_INSTRUCTIONS:
            raise EnvironmentFailed(f"the Dockerfile has more than {_MAX_INSTRUCTIONS} instructions")
    return tuple(found)


def list_copied_paths(text: str) -> tuple[str, ...]:
    """List the paths that a Dockerfile copies from its context by name; empty for an invalid one."""
    try:
        found = [i.rest for i in parse_instructions(text) if i.name in {"COPY", "ADD"} and "--from" not in i.rest]
    except EnvironmentFailed:
        return ()
    words = (word for rest in found for word in re.split(r"[\s\[\],\"]+", rest) if word and not word.startswith("--"))
    return tuple(dict.fromkeys(word.removeprefix("./") for word in words))


def _split_lines(text: str) -> Iterator[str]:
    """Split into lines without comments, each joined with those that continue it."""
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    if any(ord(character) < ord(" ") and character != "\t" for line in lines for character in line):
        raise EnvironmentFailed("the Dockerfile has control characters")
    escape = _find_escape(lines)
    held = ""
    for line in lines:
        plain = line.strip(" \t")
        if not plain or plain.startswith("#"):
            continue
        held += line if held else plain
        if plain.endswith(escape):
            held = held.rstrip(" \t").removesuffix(escape)
        elif held.strip():
            yield held
            held = ""
    if held.strip():
        yield held


def _find_escape(lines: Sequence[str]) -> str:
    """Find the character that continues a line: directives stand before everything else."""
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.strip())
        if not directive:
            break
        if directive[1].lower() == "escape" and directive[2] == "`":
            return "`"
    return "\\"


def _rewrite_from(rest: str, find: FindImage, values: Mapping[str, str], stages: list[str]) -> str:
    """Rewrite the first line of a stage, which is added to `stages`."""
    instruction = Instruction("FROM", rest)
    match = _FROM.fullmatch(rest)
    if not match:
        raise _make_refusal(instruction, "it reads `FROM image AS name`")
    image = _fill_variables(match["image"].strip("\"'"), values)
    name = (match["name"] or "").lower()
    if name and not _STAGE.fullmatch(name):
        raise _make_refusal(instruction, "a stage is named by small letters, digits, dots and dashes")
    found = _resolve_image(image, instruction, find, stages)
    stages.append(name)
    return f"FROM {found} AS {name}" if name else f"FROM {found}"


def _resolve_image(image: str, instruction: Instruction, find: FindImage, stages: Sequence[str]) -> str:
    """Resolve `image` to a stage, to `scratch`, or to the identifier of an image."""
    if image == SCRATCH or image.lower() in filter(None, stages):
        return image.lower()
    if not _IMAGE.fullmatch(image):
        raise _make_refusal(instruction, "it does not tell from which image, unless some ARG is given")
    return find(image)


def _rewrite_line(instruction: Instruction, find: FindImage, stages: Sequence[str]) -> str:
    rest = instruction.rest
    if instruction.name in {"RUN", "COPY", "ADD"} and _HEREDOC.search(rest):
        raise _make_refusal(instruction, "a text between <<WORD and WORD needs BuildKit, which is not used here")
    if instruction.name == "RUN" and rest.startswith("--"):
        raise _make_refusal(instruction, "flags of RUN need BuildKit, which is not used here")
    if instruction.name in {"COPY", "ADD"}:
        rest = _rewrite_flags(instruction, find, stages)
    if instruction.name == "ADD" and not _PLAIN.fullmatch(rest):
        raise _make_refusal(instruction, "only files of the repository are added; fetch others by RUN")
    if not rest or rest.endswith(("\\", "`")):
        raise _make_refusal(instruction, "it ends in the middle")
    return f"{instruction.name} {rest}"


def _rewrite_flags(instruction: Instruction, find: FindImage, stages: Sequence[str]) -> str:
    """Rewrite the rest of a COPY or an ADD with its flags checked."""
    flags, rest = "", instruction.rest
    while rest.startswith("--"):
        match = _FLAG.match(rest)
        if not match:
            raise _make_refusal(instruction, "of flags only --from, --chown, --chmod and --link are known here")
        name, value, rest = match[1], match[2] or "", rest[match.end() :]
        # Not the stage itself: the engine does not know it by its name yet, and would take an image of that name.
        done = stages[:-1]
        if name == "from" and not (value.isdecimal() and int(value) < len(done)):
            value = _resolve_image(value, instruction, find, done)
        flags += f"--{name}={value} " if name != "link" else ""
    return flags + rest


def _read_arguments(rest: str, values: Mapping[str, str], arguments: Mapping[str, str]) -> dict[str, str]:
    """Get the values of what an `ARG` declares; empty without a default."""
    try:
        words = shlex.split(rest)
    except ValueError:
        return {}
    pairs = (word.partition("=") for word in words)
    return {name: arguments.get(name, _fill_variables(value, values)) for name, _, value in pairs}


def _fill_variables(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables in `text` by their values; unknown ones are empty."""

    def fill_in(match: re.Match[str]) -> str:
        known, otherwise = values.get(match[1] or match[2], ""), match[4] or ""
        if match[3] == "+":
            return otherwise if known else ""
        return known or otherwise

    return _VARIABLE.sub(fill_in, text)


def _make_refusal(instruction: Instruction, why: str) -> EnvironmentFailed:
    shown = f"{instruction.name} {instruction.rest}"[:120]
    return EnvironmentFailed(f"the Dockerfile's `{shown}` is not built: {why}")
