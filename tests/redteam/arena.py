"""Makes the attacks on the real parts, and says what came of each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from repoagent.action import event, files
from repoagent.action.files import SolveResult
from repoagent.action.gate import GateRules, explain_refusal
from repoagent.action.publish import publish_result
from repoagent.action.runner import ActionRunner
from repoagent.domain import Comment, Issue, Spec
from repoagent.errors import UserError
from repoagent.issue.sanitise import remove_hidden
from repoagent.publish import Delivery, publish
from repoagent.publish.body import format_commit_message, format_title, render_body
from repoagent.publish.comment import IssueProgress, render_comment
from tests.action.leaving import leave
from tests.github.server import TOKEN, ApiServer
from tests.publish.conftest import DELIVERY, Deliver
from tests.redteam.attacks import CANARY, WORDS, Attack


@dataclass(frozen=True)
class Happened:
    """What came of one attack."""

    told: str
    """For a person."""
    leaked: tuple[str, ...] = ()
    """What got out that must not."""
    escaped: tuple[str, ...] = ()
    """What was done that must not be."""


def withstood(attack: Attack, happened: Happened, where: str = "") -> bool:
    """Whether nothing leaked and nothing escaped; noted for the record."""
    about = {name: getattr(attack, name) for name in ("name", "way", "place", "wants")}
    told = re.sub(r"/[\w/.-]*pytest-of-[\w.-]+/pytest-\d+/[\w.-]+", "…", happened.told)
    RECORDED.append({**about, "where": where, **asdict(replace(happened, told=told))})
    return not happened.leaked and not happened.escaped


RECORDED: list[dict[str, object]] = []


# --- text that nobody sees --------------------------------------------------------------------------------------------


def hide(attack: Attack) -> Happened:
    """Whether a model would read the words."""
    in_title, in_comment = attack.place == "issue title", attack.place.startswith("comment")
    raw = Issue(
        attack.payload if in_title else "natural is wrong",
        "" if in_title or in_comment else attack.payload,
        (Comment("eve", attack.payload, "NONE"),) if in_comment else (),
    )
    issue, removed = remove_hidden(raw)
    read = WORDS in issue.text or any(0xE0000 <= ord(character) <= 0xE007F for character in issue.text)
    return Happened(f"removed and told, in {removed.hidden} places", escaped=("the model reads it",) if read else ())


# --- text that others see ---------------------------------------------------------------------------------------------


def show(attack: Attack) -> Happened:
    """What power a text has where it is shown, beyond that of a harmless one."""
    texts, harmless = _texts(attack.place, attack.payload), _texts(attack.place, "natural is wrong")
    gained = sorted({power for name in texts for power in POWERS[name](texts[name]) - POWERS[name](harmless[name])})
    whole = "\n".join(texts.values())
    leaked = [secret for secret in (CANARY, "ghp_", TOKEN) if secret in whole]
    return Happened("shown as plain text", tuple(leaked), tuple(gained))


def _texts(place: str, text: str) -> dict[str, str]:
    """All that is written to GitHub, with `text` at its place."""
    delivery = _delivery(place, text)
    patch = f"+{text}" if place.startswith("patch") else "+x"
    result = replace(delivery.result, patch=patch)
    comment = IssueProgress("unverified", 7, 4711, "https://github.test/run", result=result, patch=patch, stopped=text)
    stopped = replace(comment, state="stopped", notices=(text,))
    return {
        "title": format_title(delivery),
        "message": format_commit_message(delivery),
        "body": render_body(delivery, branch="repoagent/issue-7", remote="https://github.test/a/b", flags=(text,)),
        "comment": render_comment(comment),
        "stopped": render_comment(stopped),
    }


def _delivery(place: str, text: str) -> Delivery:
    result = DELIVERY.result
    changes: Mapping[str, Delivery] = {
        "issue title": replace(DELIVERY, issue=Issue(text, "…")),
        "sentence of the spec": replace(DELIVERY, result=replace(result, spec=Spec((text,), (text,)))),
        "name of a test": replace(DELIVERY, result=replace(result, verified=(text,), unverified=(text,))),
        "summary": replace(DELIVERY, result=replace(result, summary=text)),
        "output of the reproduction": replace(DELIVERY, oracle=replace(DELIVERY.oracle, observed=text, script=text)),
        "patch in the comment": DELIVERY,
    }
    return changes[place]


def powers_of_markdown(text: str) -> set[str]:
    """What GitHub would do for a text beyond showing it: structure, links, images, HTML, mentions, references."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found = {f"{token.type}: {token.tag}" for token in tokens if token.type in {"heading_open", "fence", "table_open"}}
    found |= {f"{token.type} number {n}" for n, token in enumerate(_of(tokens, "heading_open", "tr_open", "fence"))}
    for token in tokens:
        if token.type == "html_block":
            found |= {f"HTML: {tag}" for tag in _TAG.findall(_without_comments(token.content))}
        for child in token.children or ():
            found |= _of_inline(child)
    return found


def _of(tokens: list[Token], *types: str) -> list[Token]:
    return [token for token in tokens if token.type in types]


def _of_inline(token: Token) -> set[str]:
    if token.type == "link_open":
        return {f"link: {token.attrs['href']}"}
    if token.type == "image":
        return {f"image: {token.attrs['src']}"}
    if token.type == "html_inline":
        return {f"HTML: {tag}" for tag in _TAG.findall(_without_comments(token.content))}
    return powers_of_text(token.content) if token.type == "text" else set()


def powers_of_text(text: str) -> set[str]:
    """What words do wherever GitHub shows them."""
    found = {f"mention: {name}" for name in re.findall(r"(?<![\w`])@([A-Za-z][\w/-]*)", text)}
    found |= {f"reference: {name}" for name in re.findall(r"(?<!\w)(?:[\w./-]*#\d+|GH-\d+)", text)}
    found |= {f"address: {name}" for name in re.findall(r"(?:https?://|\bwww\.)\S+", text)}
    found |= {f"unseen: {ord(character):x}" for character in text if not character.isprintable() and character != "\n"}
    return found


def powers_of_line(text: str) -> set[str]:
    """What words do in a title or a message, where orders are read as well."""
    orders = re.findall(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|^::[\w-]+", text, re.MULTILINE)
    return powers_of_text(text) | {f"order: {name}" for name in orders}


def powers_of_message(text: str) -> set[str]:
    """What words do in a commit's message: the above, and trailers that name people."""
    done = subprocess.run(
        ("git", "interpret-trailers", "--parse"), input=text, capture_output=True, text=True, check=True
    )
    trailers = {f"trailer: {line.partition(':')[0]}" for line in done.stdout.splitlines()}
    return trailers | powers_of_line(text) | {f"lines: {text.count(chr(10))}"}


POWERS: Mapping[str, Callable[[str], set[str]]] = {
    "title": powers_of_line,
    "message": powers_of_message,
    "body": powers_of_markdown,
    "comment": powers_of_markdown,
    "stopped": powers_of_markdown,
}
_TAG = re.compile(r"<\s*/?\s*([A-Za-z!?][^\s>]*)")


def _without_comments(markup: str) -> str:
    """HTML without comments that are closed, which show nothing."""
    return re.sub(r"<!--.*?-->", "", markup, flags=re.DOTALL)


# --- changes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forge:
    """A repository on a GitHub of the test's own."""

    server: ApiServer
    deliver: Deliver
    folder: Path

    def change(self, attack: Attack) -> Happened:
        """Publish a change, which must be refused, or stand in a draft with a warning."""
        before = self.server.git("rev-parse", "HEAD")
        published = publish(self.deliver({attack.path: attack.payload or None}), self.server.api(), TOKEN)
        escaped = self._moved(before)
        if attack.way == "flagged":
            drafts = all(pull["draft"] for pull in self.server.pulls)
            escaped += [] if published.flags and drafts else ["nobody is warned"]
            return Happened(f"a draft, with the warning: {'; '.join(published.flags)}", escaped=tuple(escaped))
        escaped += [f"a pull request was {published.kind}"] if published.kind != "refused" else []
        return Happened(f"refused: {' '.join(published.reasons)}", escaped=tuple(escaped))

    def leave(self, attack: Attack) -> Happened:
        """Leave an artefact for the next job."""
        if attack.path == files.RESULT:
            return self._result(attack)
        if attack.path == files.SESSION:
            return self._session(attack)
        if attack.path == "swapped":
            return self._swapped(attack)
        return self._lie() if attack.payload == "lie" else self._patch(attack)

    def ask(self, attack: Attack) -> Happened:
        """Ask for a run."""
        login, kind, way, text = attack.payload.split("|", 3)
        self.server.permissions |= {
            "Codertocat": "write",
            "octocat": "read",
            "helper[bot]": "write",
            "sly[bot]": "write",
        }
        name, payload = _event(way, text)
        try:
            trigger = event.read_trigger(name, payload | {"sender": {"login": login, "type": kind}})
        except UserError as error:
            return Happened(f"refused: {error}")
        why = explain_refusal(trigger, GateRules(), self.server.api())
        return Happened(f"refused: {why}", escaped=() if why else ("a run was started",))

    def _moved(self, before: str) -> list[str]:
        """What was pushed that is not ours to push."""
        branches = [name for name in self.server.branches() if name != self._default]
        foreign = [name for name in branches if not name.startswith("repoagent/issue-7")]
        moved = [] if self.server.git("rev-parse", "HEAD") == before else ["the default branch moved"]
        return [*moved, *(f"the branch {name} was pushed" for name in foreign)]

    @property
    def _default(self) -> str:
        return self.server.git("symbolic-ref", "--short", "HEAD")

    def _result(self, attack: Attack) -> Happened:
        path = self.folder / attack.path
        secret = self.folder / "secret"
        secret.write_text(json.dumps({"delivery": None, "stopped": CANARY}))
        makers: Mapping[str, Callable[[], object]] = {
            "link": lambda: path.symlink_to(secret),
            "pipe": lambda: os.mkfifo(path),
            "large": lambda: path.write_bytes(b" " * 5_000_000),
            "deep": lambda: path.write_text("[" * 100_000),
            "shape": lambda: path.write_text('{"delivery": {"number": "7; true"}, "stopped": ""}'),
        }
        makers[attack.payload]()
        try:
            found = files.read_value(self.folder, attack.path, SolveResult)
        except UserError as error:
            return Happened(f"refused: {error}")
        return Happened("taken", (CANARY,) if CANARY in str(found) else (), ("it was taken",))

    def _session(self, attack: Attack) -> Happened:
        inside, outside = self.folder / "place", self.folder / "out"
        with tarfile.open(self.folder / attack.path, "w:gz") as archive:
            for member in _members(attack.payload, outside):
                archive.addfile(member, BytesIO(b"x" * member.size))
        try:
            files.unpack_session(self.folder, inside)
        except UserError as error:
            written = [str(path) for path in (outside, Path("/out")) if path.exists()]
            return Happened(f"refused: {error}", escaped=tuple(written))
        written = [str(path) for path in (outside, Path("/out")) if path.exists()]
        return Happened("kept inside", escaped=tuple(written))

    def _patch(self, attack: Attack) -> Happened:
        before = self.server.git("rev-parse", "HEAD")
        try:
            published = publish(self.deliver(patch=attack.payload), self.server.api(), TOKEN)
        except UserError as error:
            return Happened(f"refused: {error}", escaped=tuple(self._moved(before)))
        escaped = [*self._moved(before), *([] if published.kind == "refused" else ["it was pushed"])]
        return Happened(f"refused: {' '.join(published.reasons)}", escaped=tuple(escaped))

    def _lie(self) -> Happened:
        """A result that names another issue, another commit and the default branch as its own."""
        before = self.server.git("rev-parse", "HEAD")
        lying = replace(self.deliver(), number=1, base="1" * 40, branch=self._default)
        leave(self.folder, SolveResult(lying))
        self._published(before)
        [pull] = self.server.pulls
        escaped = self._moved(before)
        escaped += [] if pull["body"].startswith("Fixes #7\n") else ["another issue is named"]
        escaped += [] if set(self.server.comments) == {7} else ["another issue was written to"]
        return Happened("what the first job took down holds", escaped=tuple(escaped))

    def _swapped(self, attack: Attack) -> Happened:
        """A verified result whose patch or log is another than the one that was left."""
        before = self.server.git("rev-parse", "HEAD")
        leave(self.folder, SolveResult(self.deliver()))
        log = self.folder / files.LOG_FILE
        text = log.read_text()
        logs = {"log": text.replace("pytest", "true"), "short": text.splitlines(keepends=True)[0], "gone": ""}
        log.write_text(logs.get(attack.payload, text))
        if attack.payload == "patch":
            found = files.read_value(self.folder, files.RESULT, SolveResult)
            assert found
            assert found.delivery
            other = self.deliver({"sizes/words.py": "import os\n"}).result.patch
            result = replace(found.delivery.result, patch=other)
            files.write_value(
                self.folder, files.RESULT, replace(found, delivery=replace(found.delivery, result=result))
            )
        self._published(before)
        told = next(line for line in self.server.comments[7][0]["body"].splitlines() if "is not published" in line)
        escaped = [*self._moved(before), *(["a pull request was opened"] if self.server.pulls else [])]
        return Happened(f"refused: {told}", escaped=tuple(escaped))

    def _published(self, base: str) -> None:
        """Run the job that publishes."""
        given = {"NUMBER": "7", "BASE": base, "TOKEN": TOKEN, "FOLDER": str(self.folder)}
        environment = {f"REPOAGENT_INPUT_{name}": value for name, value in given.items()}
        publish_result(
            ActionRunner({**os.environ, **environment, "GITHUB_REPOSITORY": "acme/rulers", "GITHUB_RUN_ID": "4711"})
        )


def _event(way: str, text: str) -> tuple[str, dict[str, object]]:
    issue = {"number": 7, "title": "x", "body": "x", "state": "open", "user": {"login": "ann", "type": "User"}}
    if way == "label":
        return "issues", {"action": "labeled", "issue": issue, "label": {"name": text}}
    return "issue_comment", {"action": "created", "issue": issue, "comment": {"id": 1, "body": text}}


def _members(payload: str, outside: Path) -> list[tarfile.TarInfo]:
    if payload != "link":
        member = tarfile.TarInfo(payload)
        member.size = 1
        return [member]
    link, through = tarfile.TarInfo("session"), tarfile.TarInfo("session/out")
    link.type, link.linkname, through.size = tarfile.SYMTYPE, str(outside.parent), 1
    return [link, through]


# --- code -------------------------------------------------------------------------------------------------------------


def filled(payload: str, facts: Mapping[str, object]) -> str:
    """A payload with what it needs to know: it knows all that an attacker could guess."""
    return re.sub(r"\{(\w+)(!r)?\}", lambda found: _value(facts[found[1]], found[2]), payload)


def _value(value: object, quoted: str | None) -> str:
    return repr(value) if quoted else str(value)
