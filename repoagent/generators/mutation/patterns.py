"""The patterns of change, and how often each is the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from repoagent.generators.mutation import borrowed, calls, conditions, operators, statements, values
from repoagent.generators.mutation.target import Proposal, Subject


@dataclass(frozen=True)
class Pattern:
    """One kind of change."""

    name: str
    prior: float
    """How often it is the right one: thousands of fixes, see PATTERNS."""
    usual: float
    """The plausibility of its mutants in one function together, on average. The prior is shared out among this sum and
    that of the mutants at hand, so that neither the only mutant of a pattern nor the thousandth counts for too much."""
    propose: Callable[[Subject], Iterator[Proposal]]


PATTERNS: tuple[Pattern, ...] = (
    Pattern("variable", 200, 21.7, values.variable),
    Pattern("target", 37, 3.7, values.target),
    Pattern("elsewhere", 120, 122.1, values.elsewhere),
    Pattern("off by one", 60, 8.1, calls.off_by_one),
    Pattern("argument more", 150, 7.4, calls.argument_more),
    Pattern("argument less", 50, 5.2, calls.argument_less),
    Pattern("arguments swapped", 8, 2.2, calls.arguments_swapped),
    Pattern("keyword", 20, 0.0, calls.keyword),
    Pattern("function", 70, 12.0, calls.function),
    Pattern("opposite", 20, 0.3, calls.opposite),
    Pattern("attribute", 104, 44.8, values.attribute),
    Pattern("attribute access", 32, 109.0, values.attribute_access),
    Pattern("self forgotten", 20, 1.1, values.self_forgotten),
    Pattern("call around", 117, 137.0, calls.call_around),
    Pattern("call around both", 6, 3.8, calls.call_around_both),
    Pattern("method added", 60, 100.1, calls.method_added),
    Pattern("call removed", 40, 3.1, calls.call_removed),
    Pattern("number", 97, 11.2, values.number),
    Pattern("truth", 37, 0.5, values.truth),
    Pattern("nothing", 12, 4.9, values.nothing),
    Pattern("string", 50, 13.3, values.string),
    Pattern("quoted", 6, 0.1, values.quoted),
    Pattern("endless", 12, 0.1, statements.endless),
    Pattern("element", 20, 1.6, values.element),
    Pattern("stronger condition", 68, 48.9, conditions.stronger),
    Pattern("weaker condition", 22, 47.7, conditions.weaker),
    Pattern("condition", 30, 24.7, conditions.replaced),
    Pattern("none checked", 30, 2.4, conditions.none_checked),
    Pattern("decided", 12, 5.7, conditions.decided),
    Pattern("none or empty", 20, 1.6, conditions.none_or_empty),
    Pattern("branches", 6, 1.5, conditions.branches),
    Pattern("exception", 12, 4.0, conditions.exception),
    Pattern("comparison", 60, 2.8, operators.comparison),
    Pattern("arithmetic", 40, 2.3, operators.arithmetic),
    Pattern("boolean", 20, 0.3, operators.boolean),
    Pattern("negation", 25, 4.4, operators.negation),
    Pattern("operand dropped", 40, 1.9, operators.operand_dropped),
    Pattern("operand added", 30, 31.9, operators.operand_added),
    Pattern("operands swapped", 30, 2.4, operators.operands_swapped),
    Pattern("regrouped", 6, 0.1, operators.regrouped),
    Pattern("index", 20, 1.6, calls.index),
    Pattern("part", 25, 29.4, calls.part),
    Pattern("deleted", 15, 7.5, statements.deleted),
    Pattern("moved", 25, 4.7, statements.moved),
    Pattern("exits", 25, 13.5, statements.exits),
    Pattern("inserted", 30, 94.3, statements.inserted),
    Pattern("returned", 6, 4.5, statements.returned),
    Pattern("guarded", 40, 365.5, statements.guarded),
    Pattern("defaults", 6, 0.0, statements.defaults),
    Pattern("yielding", 3, 0.1, statements.yielding),
    Pattern("words", 15, 0.1, values.words),
    Pattern("named", 40, 9.1, borrowed.named),
    Pattern("class more", 25, 0.9, borrowed.classes),
    Pattern("option", 60, 0.7, borrowed.option),
    Pattern("called", 40, 29.5, borrowed.called),
    Pattern("own call", 15, 10.1, borrowed.own_call),
    Pattern("repeated", 25, 1.9, borrowed.repeated),
    Pattern("placeholder", 8, 1.4, borrowed.placeholder),
)
"""Priors of the patterns inside of one statement follow TSSB-3M, three million fixes of one statement in Python
projects (Richter and Wehrheim, 2022, table 2): an identifier 237 thousand, an operand 174, more arguments 150, another
function 134, a call around 117, another attribute 104, a number 97, a stronger condition 68, a method added 60, an
element 57, fewer arguments 50, a truth value 37, an attribute access 32, an operator 29, a weaker condition 22, a
keyword 20, a sign 15, arguments swapped 8. Where our patterns cut finer, a number is divided; those of operators are
raised, for many of the others' counts are typing errors that no test would have let pass. Patterns of whole statements
are not in that collection: guards, insertions, moves and deletions are those of PAR (Kim et al., 2013) and TBar (Liu et
al., 2019), and their priors are estimates, as are those of the ingredients from further away. `python
benchmarks/repair/usual.py` counts what is usual.
"""
