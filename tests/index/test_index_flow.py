"""What happens inside one Python function."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoagent.errors import UserError
from repoagent.index.build import Index
from repoagent.index.flow import Flow, Use, analyse_function, slice_function

Indexed = Callable[[Mapping[str, str | bytes]], Index]

SAMPLE = """\
def price(self, items: list, *rates, limit=10, **more):
    total = 0
    for item in items:
        if item.free:
            continue
        total += item.cost * self.rate
    else:
        done = True
    shop = Shop(total)
    with open(limit) as file, lock:
        text = file.read()
    try:
        shop.sell(text)
    except (ValueError, OSError) as error:
        raise Sold(error) from error
    finally:
        log(done)
    if total > limit:
        return shop
    return None
"""


def _flow(source: str, first: int = 1) -> Flow:
    flow = analyse_function(source, first)
    assert flow is not None
    return flow


def _arriving(flow: Flow, name: str) -> dict[int, list[int]]:
    """For each line that reads `name` the lines whose value may arrive there."""
    return {use.line: [b.line for b in bindings] for use, bindings in flow.chains.items() if use.name == name}


def test_scopes_are_told_apart() -> None:
    flow = _flow(SAMPLE)
    assert flow.parameters == ("self", "items", "limit", "rates", "more")
    assert flow.locals == {*flow.parameters, "total", "item", "done", "shop", "file", "text", "error"}
    assert set(flow.free) == {"Shop", "open", "lock", "ValueError", "OSError", "Sold", "log"}
    assert flow.attributes == ("rate",)


def test_bindings_carry_how_and_what_they_were_made_of() -> None:
    kinds = {(b.name, b.kind, b.value) for b in _flow(SAMPLE).bindings}
    assert {
        ("items", "parameter", "list"),
        ("item", "loop", ""),
        ("shop", "assignment", "Shop"),
        ("file", "with", "open"),
        ("error", "except", ""),
    } <= kinds


def test_definitions_reach_their_uses_through_branches_and_loops() -> None:
    flow = _flow(SAMPLE)
    assert _arriving(flow, "total") == {6: [2, 6], 9: [2, 6], 18: [2, 6]}
    assert _arriving(flow, "error") == {15: [14]}
    assert _arriving(flow, "done") == {17: [8]}


def test_a_later_assignment_hides_an_earlier_one() -> None:
    flow = _flow("def f(x):\n    x = 1\n    if x:\n        x = 2\n    return x\n")
    assert _arriving(flow, "x") == {3: [2], 5: [2, 4]}


def test_what_decides_and_what_leaves_is_told() -> None:
    flow = _flow(SAMPLE)
    assert [(c.kind, c.line, c.end, c.test) for c in flow.controls] == [
        ("for", 3, 8, "items"),
        ("if", 4, 5, "item.free"),
        ("with", 10, 11, "open(limit), lock"),
        ("try", 12, 17, ""),
        ("except", 14, 15, "(ValueError, OSError)"),
        ("if", 18, 19, "total > limit"),
    ]
    assert [(e.kind, e.line, e.value) for e in flow.exits] == [
        ("continue", 5, ""),
        ("raise", 15, "Sold(error)"),
        ("return", 19, "shop"),
        ("return", 20, "None"),
    ]


def test_a_backward_slice_holds_what_decides_about_a_line_and_no_more() -> None:
    flow = _flow(SAMPLE)
    assert flow.slice_backward(9) == (1, 2, 3, 6, 9)
    assert flow.slice_backward(11) == (1, 10, 11)


def test_a_forward_slice_holds_what_a_line_has_an_effect_on() -> None:
    assert _flow(SAMPLE).slice_forward(10) == (10, 11, 13)


def test_lines_are_those_of_the_file() -> None:
    flow = _flow("    def f(self):\n        a = 1\n        return a\n", 40)
    assert flow.slice_backward(42) == (41, 42)


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ("return [y for y in x if y]", {"x"}),
        ("return lambda y: x + y", {"x"}),
        ("return {k: v for k, v in x.items()}", {"x"}),
        ("def g(y):\n        return x + y\n    return g", {"x", "g"}),
        ("if (n := len(x)):\n        return n", {"x", "n"}),
        ("match x:\n        case [a, *rest]:\n            return a, rest", {"x", "a", "rest"}),
        ("x += 1\n    return x", {"x"}),
        ("del x", set()),
        ("global z\n    z = x", {"x"}),
    ],
)
def test_names_of_inner_scopes_are_no_uses_of_this_one(body: str, uses: set[str]) -> None:
    assert {use.name for use in _flow(f"def f(x):\n    {body}\n").chains} == uses


@pytest.mark.parametrize("source", ["", "x = 1", "def f(:\n", "class A: pass", "def f(): pass\ndef g(): pass", "\0"])
def test_what_is_not_one_function_has_no_flow(source: str) -> None:
    assert analyse_function(source) is None


def test_a_generated_function_is_too_large() -> None:
    assert analyse_function("def f():\n" + "    x = 1\n" * 5_000) is None


@pytest.mark.timeout(20)
def test_many_branches_end_soon() -> None:
    body = "".join(f"    if x{n}:\n        y = {n}\n" for n in range(400))
    flow = _flow(f"def f():\n{body}    return y\n")
    assert len(_arriving(flow, "y")[802]) == 400


def test_slices_are_made_inside_of_functions_only(indexed: Indexed) -> None:
    index = indexed({"a.py": "X = 1\n\ndef f(a):\n    b = a\n    c = 2\n    return b\n", "a.js": "let x = 1\n"})
    assert slice_function(index, "a.py", 6) == (3, 4, 6)
    assert slice_function(index, "a.py", 4, forward=True) == (4, 6)
    for path, line in (("a.py", 1), ("a.js", 1), ("gone.py", 1)):
        with pytest.raises(UserError, match="is in no Python function"):
            slice_function(index, path, line)


# --- whatever comes ---------------------------------------------------------------------------------------------------

_names = st.sampled_from("abc")


@st.composite
def _blocks(draw: st.DrawFn, depth: int = 0) -> str:
    pad = "    " * (depth + 1)
    lines = []
    for _ in range(draw(st.integers(1, 3))):
        one, other = draw(_names), draw(_names)
        kind = draw(st.integers(0, 6 if depth < 2 else 1))
        inner = draw(_blocks(depth + 1)) if kind > 1 else ""
        lines.append(
            [
                f"{pad}{one} = {other}\n",
                f"{pad}return {one}\n",
                f"{pad}if {one}:\n{inner}",
                f"{pad}while {one}:\n{inner}{pad}    break\n",
                f"{pad}for {one} in {other}:\n{inner}",
                f"{pad}try:\n{inner}{pad}except {one}:\n{pad}    pass\n",
                f"{pad}with {one} as {other}:\n{inner}",
            ][kind]
        )
    return "".join(lines)


@given(_blocks())
@settings(max_examples=150, deadline=None)
def test_every_read_of_a_local_is_in_the_chains_and_slices_hold_their_line(body: str) -> None:
    source = f"def f(a):\n{body}"
    flow = _flow(source)
    names = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    reads = {Use(n.lineno, n.id) for n in names if n.id in flow.locals}
    assert reads == set(flow.chains)
    for use, bindings in flow.chains.items():
        assert all(binding.name == use.name for binding in bindings)
        assert use.line in flow.slice_backward(use.line)
        assert {binding.line for binding in bindings} <= set(flow.slice_backward(use.line))
