"""Write the pages of the documentation that follow from the code: commands, settings, profiles, the Action, the rooms.

    python -m docs.generate            # writes them
    python -m docs.generate --check    # ends with 1 and names the pages that are not as the code says

The pages are committed, so that whoever reads the repository without building the site has them, and a change of a help
text is seen in review. Nothing here depends on the terminal, the machine or the version of the command-line library:
only names, help texts and defaults are read, and laid out here.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

from docs.rooms import build_figure, build_table, read_floors

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
NOTICE = "<!-- Written by docs/generate.py: change the code that it reads, then run `make docs`. -->\n\n"
_VALUES = {int: "NUMBER", float: "NUMBER", str: "TEXT", Path: "PATH"}


def main() -> int:
    """Write all pages, or with `--check` compare them; the exit code."""
    pages = build_pages()
    stale = [path for path, text in pages.items() if read_page(path) != text]
    if sys.argv[1:] != ["--check"]:
        for path, text in pages.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not as the code says: run `make docs`", file=sys.stderr)
    return 1 if stale else 0


def read_page(path: Path) -> str:
    """The text of a page; empty where there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def build_pages() -> dict[Path, str]:
    """Every generated file with its text."""
    floors = read_floors(ROOT)
    architecture = DOCS / "explanation" / "architecture.md"
    return {
        **build_command_pages(),
        DOCS / "reference" / "settings.md": build_settings(),
        DOCS / "reference" / "model-profiles.md": build_profiles(),
        DOCS / "reference" / "action.md": build_action(),
        DOCS / "explanation" / "rooms.svg": build_figure(floors),
        architecture: fill_block(read_page(architecture), "rooms", build_table(ROOT, floors)),
    }


def fill_block(page: str, name: str, text: str) -> str:
    """`page` with `text` between the two comments that name the block."""
    start, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
    shape = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    return shape.sub(lambda _: f"{start}\n\n{text.strip()}\n\n{end}", page)


# --- commands ---------------------------------------------------------------------------------------------------------


def build_command_pages() -> dict[Path, str]:
    """One page for each command and each group, and one that lists them."""
    import typer

    from repoagent.cli.main import app

    root = typer.main.get_command(app)
    commands: Mapping[str, Any] = root.commands  # type: ignore[attr-defined]  # a group's
    folder = DOCS / "reference" / "commands"
    pages = {folder / f"repoagent-{name}.md": _format_page(name, command) for name, command in commands.items()}
    return {DOCS / "reference" / "commands.md": _format_overview(commands), **pages}


def _format_overview(commands: Mapping[str, Any]) -> str:
    rows = [f"| [`{name}`](commands/repoagent-{name}.md) | {_summarise(commands[name])} |" for name in commands]
    return (
        f"{NOTICE}# Commands\n\nWhat `repoagent --help` and `repoagent COMMAND --help` say, one page for each. "
        "The same exit codes hold everywhere: [exit codes](exit-codes.md).\n\n"
        "| command | what it does |\n|---|---|\n" + "\n".join(rows) + "\n\n"
        "```{toctree}\n:hidden:\n\n" + "\n".join(f"commands/repoagent-{name}" for name in commands) + "\n```\n"
    )


def _format_page(name: str, command: Any) -> str:
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    title = f"{NOTICE}# repoagent {name}\n\n"
    if not inner:
        return title + _format_command(f"repoagent {name}", command)
    rows = [f"| [`{each}`](#repoagent-{name}-{each}) | {_summarise(inner[each])} |" for each in inner]
    parts = [
        f"## repoagent {name} {each}\n\n{_format_command(f'repoagent {name} {each}', inner[each])}" for each in inner
    ]
    table = "| command | what it does |\n|---|---|\n" + "\n".join(rows)
    return f"{title}{_format_text(command.help)}\n\n{table}\n\n" + "\n".join(parts)


def _format_command(path: str, command: Any) -> str:
    """Usage, description, arguments and options of one command, as Markdown."""
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name == "option"]
    kinds = _read_kinds(command)
    usage = " ".join([path, *(["[OPTIONS]"] if options else []), *(_format_argument(each) for each in arguments)])
    parts = [f"```text\n{usage}\n```", _format_text(command.help)]
    if arguments:
        parts.append("Arguments:\n\n" + "\n".join(_format_parameter(_name_argument(a), a) for a in arguments))
    if options:
        parts.append("Options:\n\n" + "\n".join(_format_parameter(_name_option(o, kinds), o) for o in options))
    return "\n\n".join(parts) + "\n"


def _read_kinds(command: Any) -> dict[str, str]:
    """What kind of value each parameter of a command takes, by its annotation."""
    hints = get_type_hints(inspect.unwrap(command.callback))
    return {name: _name_kind(hint) for name, hint in hints.items()}


def _name_kind(hint: object) -> str:
    inner = next((each for each in get_args(hint) if each is not type(None)), hint)
    inner = next(iter(get_args(inner)), inner)
    return _VALUES.get(inner, "VALUE") if isinstance(inner, type) else "VALUE"


def _name_argument(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _format_argument(parameter: Any) -> str:
    name = _name_argument(parameter)
    several = "..." if parameter.nargs != 1 and not name.endswith("...") else ""
    return f"{name}{several}" if parameter.required else f"[{name}{several}]"


def _name_option(parameter: Any, kinds: Mapping[str, str]) -> str:
    names = ", ".join(sorted(parameter.opts, key=len, reverse=True))
    value = "" if parameter.is_flag else parameter.metavar or kinds[parameter.name]
    return f"{names} {value}".strip()


def _format_parameter(name: str, parameter: Any) -> str:
    notes = ["required"] if parameter.required else []
    if not parameter.required and not _is_plain_default(parameter.default):
        notes.append(f"default: `{parameter.default}`")
    if parameter.param_type_name == "option" and getattr(parameter, "multiple", False):
        notes.append("may be repeated")
    if parameter.envvar:
        notes.append(f"or the variable `{parameter.envvar}`")
    tail = f" ({', '.join(notes)})" if notes else ""
    return f"- `{name}`{_join_help(parameter.help)}{tail}"


def _is_plain_default(value: object) -> bool:
    """Whether a default says nothing: none, a switch that is off, an empty text or list."""
    return value is None or value is False or value in {"", ()} or value == []


def _join_help(text: str | None) -> str:
    return f": {_escape(' '.join(text.split()))}" if text else ""


def _format_text(text: str | None) -> str:
    """A docstring as paragraphs."""
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(_escape(" ".join(each.split())) for each in paragraphs)


def _summarise(command: Any) -> str:
    """The first sentence of a help text, for a cell of a table."""
    first = _format_text(command.help).split("\n\n")[0]
    return re.split(r"(?<=[.:;])\s", first)[0].rstrip(".:;").replace("|", "\\|")


def _escape(text: str) -> str:
    """Help texts are no Markdown: names with stars or brackets stay as they are; code in backquotes does, too."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(each if each.startswith("`") else re.sub(r"([*_<\[\]])", r"\\\1", each) for each in parts)


# --- settings and profiles --------------------------------------------------------------------------------------------


def build_settings() -> str:
    """The page of all settings: name, variable, flag, default, meaning."""
    from repoagent.config import PREFIX, Settings

    notes = read_field_docs(Settings)
    lines = []
    for name, field in Settings.model_fields.items():
        default = "worked out" if field.default_factory else "unset" if field.default is None else f"`{field.default}`"
        lines.append(f"## `{name}`\n\n{notes[name]}\n\n- Default: {default}\n- Variable: `{PREFIX}{name.upper()}`")
        if values := get_args(field.annotation) if "Literal" in str(field.annotation) else ():
            lines.append("- One of: " + ", ".join(f"`{each}`" for each in values))
        lines.extend(_format_limits(field.metadata))
    text = "\n".join(lines).replace("\n## ", "\n\n## ")
    head = (
        "# Settings\n\nA setting comes from your configuration file (`~/.config/repoagent/config.toml`), from the "
        "environment, or from a flag of the command; the later wins. `repoagent config` shows every value and where it "
        "came from. Nothing of this is ever read from the repository that is worked on.\n\n"
        'The file is TOML, one line for each setting, for example `max_minutes = 40` or `model = "http://gpu-box:8000/v1#name"`.'
    )
    tail = (
        "## Places\n\n- `REPOAGENT_CACHE` moves what can be made again: models, environments, indexes, clones "
        "(`~/.cache/repoagent`).\n- `REPOAGENT_STATE` moves what cannot: sessions (`~/.local/state/repoagent`).\n"
        "- `GITHUB_TOKEN` or `GH_TOKEN` is the token for GitHub; no sandbox ever sees it."
    )
    return f"{NOTICE}{head}\n\n{text}\n\n{tail}\n"


def _format_limits(metadata: Sequence[object]) -> Iterator[str]:
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    found = [f"{words[key]} {getattr(each, key):,}" for each in metadata for key in words if hasattr(each, key)]
    if found:
        yield f"- Range: {', '.join(found)}"


def build_profiles() -> str:
    """The page of the model profiles: what each field means, and the rows as they are shipped."""
    from repoagent.llm import profiles

    notes = read_field_docs(profiles.Profile)
    path = next((ROOT / "repoagent" / "llm").rglob("profiles.toml"))
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["profile"]
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if key in notes and key != "patterns"]
    numbers = [key for key in keys if all(isinstance(row.get(key, 0), int | float) for row in rows)]
    table = [["profile", *(f"`{key}`" for key in numbers)], ["---"] * (len(numbers) + 1)]
    table += [[f"`{row['id']}`", *(_format_value(row.get(key)) for key in numbers)] for row in rows]
    meanings = "\n".join(f"- `{name}`: {note}" for name, note in notes.items())
    fits = "\n".join(f"- `{row['id']}`: " + ", ".join(f"`{each}`" for each in row["patterns"]) for row in rows)
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in table)
    return (
        f"{NOTICE}# Model profiles\n\nA profile says how a family of models is used. The first row whose pattern fits "
        "the model's name (without case) is taken; an unknown model gets `generic`, which is careful.\n\n"
        f"{text}\n\nAn empty cell means that the row does not set the field.\n\n"
        f"## What the fields mean\n\n{meanings}\n\n## Names that each profile fits\n\n{fits}\n"
    )


def build_action() -> str:
    """The page of the GitHub Action: inputs and outputs of `action.yml`."""
    import yaml

    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    inputs = [
        f"- `{name}`{_join_help(each['description'])}{_note_input(each)}" for name, each in action["inputs"].items()
    ]
    outputs = [f"- `{name}`{_join_help(each['description'])}" for name, each in action["outputs"].items()]
    return (
        f"{NOTICE}# The GitHub Action\n\n{_escape(action['description'])}. The workflow that "
        "[`repoagent github init`](commands/repoagent-github.md) writes sets all of this: see "
        "[GitHub](../how-to/github.md).\n\n## Inputs\n\n"
        + "\n".join(inputs)
        + "\n\n## Outputs\n\n"
        + "\n".join(outputs)
        + "\n"
    )


def _note_input(each: Mapping[str, Any]) -> str:
    if each.get("required"):
        return " (required)"
    return f" (default: `{each['default']}`)" if each.get("default") else ""


def _format_value(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else f"{value:,}"


def read_field_docs(owner: type) -> dict[str, str]:
    """The string below each field of a class, by the field's name; in the order of the class."""
    (body,) = (node.body for node in ast.parse(inspect.getsource(owner)).body if isinstance(node, ast.ClassDef))
    found: dict[str, str] = {}
    for field, note in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = note.value.value if isinstance(note, ast.Expr) and isinstance(note.value, ast.Constant) else ""
            if isinstance(text, str) and text:
                found[field.target.id] = " ".join(text.split())
    return found


if __name__ == "__main__":
    sys.exit(main())
