"""Ingredients from further away: what the issue names, what the file imports and calls, what the class does elsewhere.

Most ingredients of a fix stand in the same file already (Barr et al., 2014; Martinez et al., 2014), and an issue often
names the one that is missing.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence

from repoagent.edits.syntax import Function
from repoagent.generators.mutation.target import Change, Proposal, Subject

_UNTOLD = 0.1
"""How fit an ingredient is that the issue does not name."""
_MOST_CLASSES = 40
_MOST_CALLED = 30
_MOST_OPTIONS = 30


def named(subject: Subject) -> Iterator[Proposal]:
    """A variable for a constant."""
    for node in subject.expressions:
        if not isinstance(node, ast.Constant) or isinstance(subject.parent(node), ast.Expr | ast.JoinedStr):
            continue
        near = subject.scope.near(node.lineno)
        for name in subject.scope.names_at(node.lineno):
            if name not in ("self", "cls"):
                yield subject.put(node, name, 1.0 if name in near else 0.4)


def classes(subject: Subject) -> Iterator[Proposal]:
    """`isinstance` of a class more, and an exception more that is caught: those that the issue or the file names."""
    known = _classes(subject)
    for call in (n for n in subject.expressions if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)):
        if call.func.id in ("isinstance", "issubclass") and len(call.args) == 2:  # type: ignore[attr-defined]  # a name, see above
            yield from _one_more(subject, call.args[1], known)
    for handler in (n for n in ast.walk(subject.function) if isinstance(n, ast.ExceptHandler) and n.type):
        if handler.type is not None:
            yield from _one_more(subject, handler.type, [name for name in known if name.endswith(_RAISED)])


_RAISED = ("Error", "Exception", "Warning", "Exit", "Iteration", "Interrupt")


def option(subject: Subject) -> Iterator[Proposal]:
    """A keyword argument more: as another call gives it, or as the issue writes it."""
    every = _keywords(subject)
    for call in (n for n in subject.expressions if isinstance(n, ast.Call)):
        given = {each.arg for each in call.keywords}
        if None in given:
            continue
        end = subject.span(call)[1] - 1
        written = subject.source[:end].rstrip()
        comma = "" if written.endswith(("(", ",")) else ", "
        for name, value, fit in _options(subject, call, every):
            if name not in given:
                yield Proposal((Change(end, end, f"{comma}{name}={value}"),), call.lineno, fit)


def called(subject: Subject) -> Iterator[Proposal]:
    """A function of a module around an expression, `re.escape(x)`, and around a parameter before all else."""
    functions = _called(subject)
    for node in subject.expressions:
        above = subject.parent(node)
        value = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call)
        if value and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and isinstance(above, _TAKES):
            if isinstance(above, ast.Call) and node is above.func:
                continue
            text = subject.text(node)
            yield from (subject.put(node, f"{f}({text})", fit) for f, fit in functions if not text.startswith(f"{f}("))
    yield from _at_first(subject, functions)


_TAKES = ast.Call | ast.Assign | ast.Return | ast.Compare | ast.BinOp | ast.keyword | ast.Subscript | ast.Tuple


def own_call(subject: Subject) -> Iterator[Proposal]:
    """A statement that another method of the class consists of, and that takes nothing of its own: `self.reset()`."""
    texts = [text for text in _own_calls(subject) if text not in subject.scope.text]
    for node in subject.statements:
        span = subject.own_lines(node)
        block = subject.block_of(node)
        if span is None:
            continue
        for text, fit in ((t, 1.0 if any(word in subject.told.words for word in _words(t)) else 0.5) for t in texts):
            indent = subject.indent(node)
            if node is block[0]:
                yield Proposal((Change(span[0], span[0], f"{indent}{text}\n"),), node.lineno, fit)
            ends = isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue)
            if node is block[-1] and not ends and subject.source[span[0] : span[1]].endswith("\n"):
                yield Proposal((Change(span[1], span[1], f"{indent}{text}\n"),), node.lineno, fit)
            if isinstance(node, ast.Return) and node is not block[0]:
                yield Proposal((Change(span[0], span[0], f"{indent}{text}\n"),), node.lineno, fit)


def repeated(subject: Subject) -> Iterator[Proposal]:
    """A condition once more with another string or attribute: `"P" in x or "Q" in x`."""
    for node in subject.expressions:
        above = subject.parent(node)
        asked = (isinstance(above, ast.If | ast.While | ast.IfExp) and node is above.test) or isinstance(
            above, ast.BoolOp | ast.Return
        )
        if not asked or not isinstance(node, ast.Compare | ast.Call):
            continue
        outer = {ast.And: "and", ast.Or: "or"}[type(above.op)] if isinstance(above, ast.BoolOp) else ""
        text = subject.text(node)
        for other, fit in _varied(subject, node):
            for word in ("or", "and"):
                joined = f"{text} {word} {other}"
                yield subject.put(node, f"({joined})" if outer not in ("", word) else joined, fit)


def placeholder(subject: Subject) -> Iterator[Proposal]:
    """What a string has filled in put in brackets or quotes, and a word in quotes that the issue has in quotes."""
    for node in subject.expressions:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        start, end = subject.span(node)
        text = subject.source[start:end]
        if len(text) > _LONGEST_STRING:
            continue
        for found in re.finditer(r"%[sdr]|\{\w*\}", text):
            for opening, closing in _brackets(text):
                yield _wrapped(node, start, found, opening, closing)
        for found in re.finditer(r"(?<=[=:, ])[A-Za-z_]+(?=[,; ]|['\"]$)", text):
            if found[0] in subject.told.words:
                quote = '"' if not text.endswith('"') else "'"
                yield _wrapped(node, start, found, quote, quote)


_LONGEST_STRING = 200


# --- helpers ----------------------------------------------------------------------------------------------------------


def _classes(subject: Subject) -> Sequence[str]:
    """Names of classes that the issue or the file names, those of the issue first."""
    found: dict[str, None] = {}
    for node in ast.walk(subject.scope.module):
        if isinstance(node, ast.ClassDef):
            found[node.name] = None
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {(alias.asname or alias.name): None for alias in node.names}
        elif isinstance(node, ast.Name) and node.id[:1].isupper():
            found[node.id] = None
    local = [name for name in found if name[:1].isupper() and not name.isupper()]
    built_in = [name for name in subject.told.words if isinstance(getattr(builtins, name, None), type)]
    return sorted({*local, *built_in}, key=lambda name: (name not in subject.told.words, name))[:_MOST_CLASSES]


def _one_more(subject: Subject, node: ast.expr, known: Sequence[str]) -> Iterator[Proposal]:
    inner = subject.text(node)
    bare = inner[1:-1].rstrip().rstrip(",") if isinstance(node, ast.Tuple) and inner.startswith("(") else inner
    present = re.findall(r"\w+", bare)
    for name in known:
        if name not in present:
            yield subject.put(node, f"({bare}, {name})", 1.0 if name in subject.told.words else _UNTOLD)


def _keywords(subject: Subject) -> Sequence[tuple[ast.Call, str, str]]:
    """Every call of the file with each of its keywords, and the text of that value where it is a simple one."""
    calls = (node for node in ast.walk(subject.scope.module) if isinstance(node, ast.Call))
    found = (
        (call, each) for call in calls for each in call.keywords if isinstance(each.value, ast.Constant | ast.Name)
    )
    return [(call, each.arg, ast.unparse(each.value)) for call, each in found if each.arg]


def _options(
    subject: Subject, call: ast.Call, every: Sequence[tuple[ast.Call, str, str]]
) -> Sequence[tuple[str, str, float]]:
    """Names and values of keywords, and how fit they are: of the same function most of all."""
    function = _last_name(call.func)
    found: dict[tuple[str, str], float] = {}
    for other, name, text in every:
        near = subject.function.lineno <= other.lineno <= (subject.function.end_lineno or 0)
        same = _last_name(other.func) == function
        if other is not call and (near or same):
            found[name, text] = max(found.get((name, text), 0.0), 1.0 if same else 0.5)
    for name, text in subject.told.options:
        found[name, text] = max(found.get((name, text), 0.0), 0.7)
    ordered = sorted(found.items(), key=lambda item: -item[1])[:_MOST_OPTIONS]
    return [(name, text, fit) for (name, text), fit in ordered]


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _called(subject: Subject) -> Sequence[tuple[str, float]]:
    """Functions of modules that take one argument, as the file calls them or the issue names them."""
    modules = {
        alias.asname or alias.name
        for node in subject.scope.module.body
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    found: dict[str, float] = {}
    for node in (n for n in ast.walk(subject.scope.module) if isinstance(n, ast.Call)):
        text = _dotted(node.func)
        if len(node.args) == 1 and "." in text and text.partition(".")[0] in modules:
            found[text] = max(found.get(text, 0.0), 0.3)
    for text in subject.told.dotted:
        if text.partition(".")[0] in modules:
            found[text] = 1.0
    for text in found:
        if text.rpartition(".")[2] in subject.told.words:
            found[text] = 1.0
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_MOST_CALLED]


def _dotted(node: ast.expr) -> str:
    """`os.path.join` of such an expression; empty for others."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _at_first(subject: Subject, functions: Sequence[tuple[str, float]]) -> Iterator[Proposal]:
    first = next((n for n in subject.function.body if n in subject.statements), None)
    span = subject.own_lines(first) if first is not None else None
    if first is None or span is None:
        return
    for name in (n for n in subject.scope.parameters if n not in ("self", "cls")):
        for function, fit in functions:
            text = f"{subject.indent(first)}{name} = {function}({name})\n"
            yield Proposal((Change(span[0], span[0], text),), first.lineno, fit)


def _own_calls(subject: Subject) -> Sequence[str]:
    """`self.a.b()` as a statement of other methods, and own methods that take nothing."""
    owner, parameters = subject.scope.owner, subject.scope.parameters
    if owner is None or not parameters or parameters[0] not in ("self", "cls"):
        return ()
    first = parameters[0]
    found: dict[str, None] = {}
    for node in ast.walk(owner):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            text, bare = _dotted(node.value.func), not (node.value.args or node.value.keywords)
            if bare and text.partition(".")[0] in ("self", "cls"):
                found[f"{first}.{text.partition('.')[2]}()"] = None
    for node in owner.body:
        if isinstance(node, Function) and len(node.args.args) == 1 and not node.name.startswith("__"):
            found.setdefault(f"{first}.{node.name}()", None)
    return [text for text in found if text != f"{first}.{subject.function.name}()"][:_MOST_CALLED]


def _words(text: str) -> Sequence[str]:
    return re.findall(r"\w+", text)


def _varied(subject: Subject, node: ast.expr) -> Iterator[tuple[str, float]]:
    """The text of a condition with one string or attribute replaced, and how fit that is."""
    start, text = subject.span(node)[0], subject.text(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            at, end = (place - start for place in subject.span(inner))
            for other in _strings_like(subject, inner.value):
                yield text[:at] + repr(other) + text[end:], 1.0 if other in subject.told.words else 0.3
        elif isinstance(inner, ast.Attribute):
            end = subject.span(inner)[1] - start
            for other in _attributes_like(subject, inner.attr):
                yield text[: end - len(inner.attr)] + other + text[end:], 1.0 if other in subject.told.words else 0.3


def _strings_like(subject: Subject, value: str) -> Sequence[str]:
    """Strings of the issue and the function that might stand beside `value`."""
    like = [
        word for word in sorted(subject.told.words) if len(word) == len(value) and word.isupper() == value.isupper()
    ]
    own = [
        n.value
        for n in ast.walk(subject.function)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.isidentifier() == value.isidentifier()
    ]
    return [each for each in dict.fromkeys((*like, *own)) if each != value and len(each) <= 40][:12]


def _attributes_like(subject: Subject, name: str) -> Sequence[str]:
    """What the file asks objects for whose name begins as `name` does: `get_lookup` for `get_transform`."""
    head = name.partition("_")[0]
    every = (n.attr for n in ast.walk(subject.scope.module) if isinstance(n, ast.Attribute))
    told = (word for word in sorted(subject.told.words) if "_" in word)
    like = dict.fromkeys(each for each in (*every, *told) if each.partition("_")[0] == head and "_" in each)
    return [each for each in like if each != name][:8]


def _brackets(text: str) -> Sequence[tuple[str, str]]:
    """Those that may stand in a literal; LaTeX's own where it holds a backslash, which is doubled unless it is raw."""
    pairs = [("(", ")"), ("[", "]"), ("'", "'"), ('"', '"'), ("{", "}")]
    slash = "\\" if "r" in text[:2].lower() else "\\\\"
    large = [(f"{slash}left(", f"{slash}right)")] if "\\" in text else []
    return [pair for pair in (*large, *pairs) if not text.endswith(pair[0])]


def _wrapped(node: ast.Constant, start: int, found: re.Match[str], opening: str, closing: str) -> Proposal:
    first, last = start + found.start(), start + found.end()
    return Proposal((Change(first, first, opening), Change(last, last, closing)), node.lineno)
