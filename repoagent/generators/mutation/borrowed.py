"""Ingredients from further away: what the issue names, what the file imports and calls, what the class does elsewhere.

Most ingredients of a fix stand in the same file already (Barr et al., 2014; Martinez et al., 2014), and an issue often
names the one that is missing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence

from repoagent.generators.mutation.target import MutationProposal, MutationTarget, TextChange
from repoagent.languages.python.syntax import Function

_UNNAMED_PLAUSIBILITY = 0.1
"""How plausible an ingredient is that the issue does not name."""
_MAX_CLASSES = 40
_MAX_CALLED = 30
_MAX_OPTIONS = 30


def replace_constants_with_variables(target: MutationTarget) -> Iterator[MutationProposal]:
    """Put a variable in the place of a constant."""
    for node in target.expressions:
        if not isinstance(node, ast.Constant) or isinstance(target.get_parent(node), ast.Expr | ast.JoinedStr):
            continue
        near = target.scope.find_near_names(node.lineno)
        for name in target.scope.find_names(node.lineno):
            if name not in ("self", "cls"):
                yield target.replace(node, name, 1.0 if name in near else 0.4)


def add_classes(target: MutationTarget) -> Iterator[MutationProposal]:
    """Add a class to an `isinstance` or to an `except`: one that the issue or the file names."""
    known = _find_class_names(target)
    for call in (n for n in target.expressions if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)):
        if call.func.id in ("isinstance", "issubclass") and len(call.args) == 2:  # type: ignore[attr-defined]  # a name, see above
            yield from _add_class(target, call.args[1], known)
    for handler in (n for n in ast.walk(target.function) if isinstance(n, ast.ExceptHandler) and n.type):
        if handler.type is not None:
            yield from _add_class(target, handler.type, [name for name in known if name.endswith(_EXCEPTION_SUFFIXES)])


_EXCEPTION_SUFFIXES = ("Error", "Exception", "Warning", "Exit", "Iteration", "Interrupt")


def add_keyword_arguments(target: MutationTarget) -> Iterator[MutationProposal]:
    """Add a keyword argument to a call, as another call gives it or as the issue writes it."""
    every = _find_keyword_arguments(target)
    for call in (n for n in target.expressions if isinstance(n, ast.Call)):
        given = {each.arg for each in call.keywords}
        if None in given:
            continue
        end = target.get_span(call)[1] - 1
        written = target.source[:end].rstrip()
        comma = "" if written.endswith(("(", ",")) else ", "
        for name, value, plausibility in _rank_keyword_arguments(target, call, every):
            if name not in given:
                yield MutationProposal((TextChange(end, end, f"{comma}{name}={value}"),), call.lineno, plausibility)


def wrap_in_module_calls(target: MutationTarget) -> Iterator[MutationProposal]:
    """Call a function of a module on an expression, `re.escape(x)`, and on a parameter before all else."""
    functions = _rank_module_functions(target)
    for node in target.expressions:
        above = target.get_parent(node)
        value = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
        if value and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and isinstance(above, _VALUE_CONTEXTS):
            if isinstance(above, ast.Call) and node is above.func:
                continue
            text = target.get_text(node)
            yield from (
                target.replace(node, f"{f}({text})", plausibility)
                for f, plausibility in functions
                if not text.startswith(f"{f}(")
            )
    yield from _convert_parameters_first(target, functions)


_VALUE_CONTEXTS = ast.Call | ast.Assign | ast.Return | ast.Compare | ast.BinOp | ast.keyword | ast.Subscript | ast.Tuple


def insert_own_method_calls(target: MutationTarget) -> Iterator[MutationProposal]:
    """Insert a call without arguments that is a statement of another method of the class: `self.reset()`."""
    texts = [text for text in _find_own_method_calls(target) if text not in target.scope.text]
    for node in target.statements:
        span = target.find_own_lines(node)
        block = target.find_block(node)
        if span is None:
            continue
        for text, plausibility in (
            (t, 1.0 if any(word in target.vocabulary.words for word in _split_words(t)) else 0.5) for t in texts
        ):
            indent = target.get_indent(node)
            if node is block[0]:
                yield MutationProposal((TextChange(span[0], span[0], f"{indent}{text}\n"),), node.lineno, plausibility)
            ends = isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue)
            if node is block[-1] and not ends and target.source[span[0] : span[1]].endswith("\n"):
                yield MutationProposal((TextChange(span[1], span[1], f"{indent}{text}\n"),), node.lineno, plausibility)
            if isinstance(node, ast.Return) and node is not block[0]:
                yield MutationProposal((TextChange(span[0], span[0], f"{indent}{text}\n"),), node.lineno, plausibility)


def enclose_placeholders(target: MutationTarget) -> Iterator[MutationProposal]:
    """Put what a string has filled in into brackets or quotes, and a word into quotes that the issue quotes."""
    for node in target.expressions:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        start, end = target.get_span(node)
        text = target.source[start:end]
        if len(text) > _MAX_STRING_LENGTH:
            continue
        for found in re.finditer(r"%[sdr]|\{\w*\}", text):
            for opening, closing in _list_brackets(text):
                yield _enclose_match(node, start, found, opening, closing)
        for found in re.finditer(r"(?<=[=:, ])[A-Za-z_]+(?=[,; ]|['\"]$)", text):
            if found[0] in target.vocabulary.words:
                quote = '"' if not text.endswith('"') else "'"
                yield _enclose_match(node, start, found, quote, quote)


_MAX_STRING_LENGTH = 200


# --- helpers ----------------------------------------------------------------------------------------------------------


def _find_class_names(target: MutationTarget) -> Sequence[str]:
    """List the names of classes that the issue or the file uses, those of the issue first."""
    found: dict[str, None] = {}
    for node in ast.walk(target.scope.module):
        if isinstance(node, ast.ClassDef):
            found[node.name] = None
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {(alias.asname or alias.name): None for alias in node.names}
        elif isinstance(node, ast.Name) and node.id[:1].isupper():
            found[node.id] = None
    local = [name for name in found if name[:1].isupper() and not name.isupper()]
    built_in = [name for name in target.vocabulary.words if isinstance(getattr(builtins, name, None), type)]
    return sorted({*local, *built_in}, key=lambda name: (name not in target.vocabulary.words, name))[:_MAX_CLASSES]


def _add_class(target: MutationTarget, node: ast.expr, known: Sequence[str]) -> Iterator[MutationProposal]:
    """Add to a class, or to a tuple of classes, each of `known` that is not in it."""
    inner = target.get_text(node)
    bare = inner[1:-1].rstrip().rstrip(",") if isinstance(node, ast.Tuple) and inner.startswith("(") else inner
    present = re.findall(r"\w+", bare)
    for name in known:
        if name not in present:
            yield target.replace(
                node, f"({bare}, {name})", 1.0 if name in target.vocabulary.words else _UNNAMED_PLAUSIBILITY
            )


def _find_keyword_arguments(target: MutationTarget) -> Sequence[tuple[ast.Call, str, str]]:
    """List every call of the file with each of its keywords, and the text of the value where that is a simple one."""
    calls = (node for node in ast.walk(target.scope.module) if isinstance(node, ast.Call))
    found = (
        (call, each) for call in calls for each in call.keywords if isinstance(each.value, ast.Constant | ast.Name)
    )
    return [(call, each.arg, ast.unparse(each.value)) for call, each in found if each.arg]


def _rank_keyword_arguments(
    target: MutationTarget, call: ast.Call, every: Sequence[tuple[ast.Call, str, str]]
) -> Sequence[tuple[str, str, float]]:
    """List names and values of keywords with their plausibility; those of the same function come first."""
    function = _get_last_name(call.func)
    found: dict[tuple[str, str], float] = {}
    for other, name, text in every:
        near = target.function.lineno <= other.lineno <= (target.function.end_lineno or 0)
        same = _get_last_name(other.func) == function
        if other is not call and (near or same):
            found[name, text] = max(found.get((name, text), 0.0), 1.0 if same else 0.5)
    for name, text in target.vocabulary.options:
        found[name, text] = max(found.get((name, text), 0.0), 0.7)
    ordered = sorted(found.items(), key=lambda item: -item[1])[:_MAX_OPTIONS]
    return [(name, text, plausibility) for (name, text), plausibility in ordered]


def _get_last_name(node: ast.expr) -> str:
    """Return the last part of a dotted name; empty for other expressions."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _rank_module_functions(target: MutationTarget) -> Sequence[tuple[str, float]]:
    """List functions of modules that take one argument, as the file calls them or the issue names them, with their
    plausibility."""
    modules = {
        alias.asname or alias.name
        for node in target.scope.module.body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    found: dict[str, float] = {}
    for node in (n for n in ast.walk(target.scope.module) if isinstance(n, ast.Call)):
        text = _format_dotted_name(node.func)
        if len(node.args) == 1 and "." in text and text.partition(".")[0] in modules:
            found[text] = max(found.get(text, 0.0), 0.3)
    for text in target.vocabulary.dotted_names:
        if text.partition(".")[0] in modules:
            found[text] = 1.0
    for text in found:
        if text.rpartition(".")[2] in target.vocabulary.words:
            found[text] = 1.0
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MAX_CALLED]


def _format_dotted_name(node: ast.expr) -> str:
    """Return `os.path.join` for such an expression; empty for others."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _convert_parameters_first(
    target: MutationTarget, functions: Sequence[tuple[str, float]]
) -> Iterator[MutationProposal]:
    """Assign each parameter anew at the start of the function, as `name = function(name)`."""
    first = next((n for n in target.function.body if n in target.statements), None)
    span = target.find_own_lines(first) if first is not None else None
    if first is None or span is None:
        return
    for name in (n for n in target.scope.parameters if n not in ("self", "cls")):
        for function, plausibility in functions:
            text = f"{target.get_indent(first)}{name} = {function}({name})\n"
            yield MutationProposal((TextChange(span[0], span[0], text),), first.lineno, plausibility)


def _find_own_method_calls(target: MutationTarget) -> Sequence[str]:
    """List calls such as `self.a.b()` that are statements of other methods, and calls of own methods that take
    nothing."""
    owner, parameters = target.scope.owner, target.scope.parameters
    if owner is None or not parameters or parameters[0] not in ("self", "cls"):
        return ()
    first = parameters[0]
    found: dict[str, None] = {}
    for node in ast.walk(owner):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text, bare = _format_dotted_name(node.value.func), not (node.value.args or node.value.keywords)
            if bare and text.partition(".")[0] in ("self", "cls"):
                found[f"{first}.{text.partition('.')[2]}()"] = None
    for node in owner.body:
        if isinstance(node, Function) and len(node.args.args) == 1 and not node.name.startswith("__"):
            found.setdefault(f"{first}.{node.name}()", None)
    return [text for text in found if text != f"{first}.{target.function.name}()"][:_MAX_CALLED]


def _split_words(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text)


def _list_brackets(text: str) -> Sequence[tuple[str, str]]:
    """List the pairs that may stand in a literal; LaTeX's own where it holds a backslash, which is doubled unless it is
    raw."""
    pairs = [("(", ")"), ("[", "]"), ("'", "'"), ('"', '"'), ("{", "}")]
    slash = "\\" if "r" in text[:2].lower() else "\\\\"
    large = [(f"{slash}left(", f"{slash}right)")] if "\\" in text else []
    return [pair for pair in (*large, *pairs) if not text.endswith(pair[0])]


def _enclose_match(
    node: ast.Constant, start: int, found: re.Match[str], opening: str, closing: str
) -> MutationProposal:
    first, last = start + found.start(), start + found.end()
    return MutationProposal((TextChange(first, first, opening), TextChange(last, last, closing)), node.lineno)
