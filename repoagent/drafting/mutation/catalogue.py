"""The patterns of change, and how often each is the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from repoagent.drafting.mutation import calls, conditions, operators, statements, values
from repoagent.drafting.mutation.subject import Proposal, Subject


@dataclass(frozen=True)
class Pattern:
    """One kind of change."""

    name: str
    prior: float
    """Thousands of fixes, see PATTERNS. It is shared out among the mutants of the pattern in one function."""
    propose: Callable[[Subject], Iterator[Proposal]]


PATTERNS: tuple[Pattern, ...] = (
    Pattern("variable", 200, values.variable),
    Pattern("target", 37, values.target),
    Pattern("elsewhere", 120, values.elsewhere),
    Pattern("off by one", 60, calls.off_by_one),
    Pattern("argument more", 150, calls.argument_more),
    Pattern("argument less", 50, calls.argument_less),
    Pattern("arguments swapped", 8, calls.arguments_swapped),
    Pattern("keyword", 20, calls.keyword),
    Pattern("function", 70, calls.function),
    Pattern("attribute", 104, values.attribute),
    Pattern("attribute access", 32, values.attribute_access),
    Pattern("self forgotten", 20, values.self_forgotten),
    Pattern("call around", 117, calls.call_around),
    Pattern("call around both", 6, calls.call_around_both),
    Pattern("method added", 60, calls.method_added),
    Pattern("call removed", 40, calls.call_removed),
    Pattern("number", 97, values.number),
    Pattern("truth", 37, values.truth),
    Pattern("nothing", 12, values.nothing),
    Pattern("string", 50, values.string),
    Pattern("quoted", 6, values.quoted),
    Pattern("endless", 12, statements.endless),
    Pattern("element", 20, values.element),
    Pattern("stronger condition", 68, conditions.stronger),
    Pattern("weaker condition", 22, conditions.weaker),
    Pattern("condition", 30, conditions.replaced),
    Pattern("none or empty", 20, conditions.none_or_empty),
    Pattern("branches", 6, conditions.branches),
    Pattern("exception", 12, conditions.exception),
    Pattern("comparison", 60, operators.comparison),
    Pattern("arithmetic", 40, operators.arithmetic),
    Pattern("boolean", 20, operators.boolean),
    Pattern("negation", 25, operators.negation),
    Pattern("operand dropped", 40, operators.operand_dropped),
    Pattern("operands swapped", 30, operators.operands_swapped),
    Pattern("regrouped", 6, operators.regrouped),
    Pattern("index", 20, calls.index),
    Pattern("part", 25, calls.part),
    Pattern("deleted", 15, statements.deleted),
    Pattern("moved", 25, statements.moved),
    Pattern("exits", 25, statements.exits),
    Pattern("inserted", 30, statements.inserted),
    Pattern("returned", 6, statements.returned),
    Pattern("guarded", 40, statements.guarded),
    Pattern("defaults", 6, statements.defaults),
    Pattern("yielding", 3, statements.yielding),
)
"""Priors of the patterns inside of one statement follow TSSB-3M, three million fixes of one statement in Python
projects (Richter and Wehrheim, 2022, table 2): an identifier 237 thousand, an operand 174, more arguments 150, another
function 134, a call around 117, another attribute 104, a number 97, a stronger condition 68, a method added 60, an
element 57, fewer arguments 50, a truth value 37, an attribute access 32, an operator 29, a weaker condition 22, a
keyword 20, a sign 15, arguments swapped 8. Where our patterns cut finer, a number is divided; those of operators are
raised, for many of the others' counts are typing errors that no test would have let pass. Patterns of whole statements
are not in that collection: guards, insertions, moves and deletions are those of PAR (Kim et al., 2013) and TBar (Liu et
al., 2019), and their priors are estimates.
"""
