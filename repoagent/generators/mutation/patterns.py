"""The patterns of change, and how often each is the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from repoagent.generators.mutation import borrowed, calls, conditions, operators, statements, values
from repoagent.generators.mutation.target import MutationProposal, MutationTarget


@dataclass(frozen=True)
class MutationPattern:
    """One kind of change."""

    name: str
    prior: float
    """How often it is the right one: thousands of fixes, see PATTERNS."""
    usual_plausibility: float
    """The plausibility of its mutants in one function together, on average. The prior is shared out among this sum and
    that of the mutants at hand, so that neither the only mutant of a pattern nor the thousandth counts for too much."""
    propose: Callable[[MutationTarget], Iterator[MutationProposal]]


PATTERNS: tuple[MutationPattern, ...] = (
    MutationPattern("variable", 200, 21.7, values.replace_variable),
    MutationPattern("target", 37, 3.7, values.change_assignment_target),
    MutationPattern("elsewhere", 120, 122.1, values.reuse_expression),
    MutationPattern("off by one", 60, 8.1, calls.shift_by_one),
    MutationPattern("argument more", 150, 7.4, calls.add_argument),
    MutationPattern("argument less", 50, 5.2, calls.drop_argument),
    MutationPattern("arguments swapped", 8, 2.2, calls.swap_arguments),
    MutationPattern("keyword", 20, 0.0, calls.change_sort_options),
    MutationPattern("function", 70, 12.0, calls.replace_function),
    MutationPattern("opposite", 20, 0.3, calls.replace_by_opposite),
    MutationPattern("attribute", 104, 44.8, values.replace_attribute),
    MutationPattern("attribute access", 32, 109.0, values.change_attribute_access),
    MutationPattern("self forgotten", 20, 1.1, values.add_self),
    MutationPattern("call around", 117, 137.0, calls.wrap_in_call),
    MutationPattern("call around both", 6, 3.8, calls.wrap_both_sides),
    MutationPattern("method added", 60, 100.1, calls.append_method_call),
    MutationPattern("call removed", 40, 3.1, calls.unwrap_call),
    MutationPattern("number", 97, 11.2, values.change_number),
    MutationPattern("truth", 37, 0.5, values.change_truth_value),
    MutationPattern("string", 50, 13.3, values.change_string),
    MutationPattern("quoted", 6, 0.1, values.unquote_variable),
    MutationPattern("endless", 12, 0.1, statements.end_endless_loop),
    MutationPattern("element", 20, 1.6, values.drop_element),
    MutationPattern("stronger condition", 68, 48.9, conditions.strengthen_condition),
    MutationPattern("weaker condition", 22, 47.7, conditions.weaken_condition),
    MutationPattern("condition", 30, 24.7, conditions.replace_condition),
    MutationPattern("none checked", 30, 2.4, conditions.add_none_check),
    MutationPattern("decided", 12, 5.7, conditions.return_condition),
    MutationPattern("none or empty", 20, 1.6, conditions.exchange_none_and_empty),
    MutationPattern("exception", 12, 4.0, conditions.change_exception),
    MutationPattern("comparison", 60, 2.8, operators.replace_comparison),
    MutationPattern("arithmetic", 40, 2.3, operators.replace_arithmetic),
    MutationPattern("boolean", 20, 0.3, operators.replace_boolean),
    MutationPattern("negation", 25, 4.4, operators.toggle_negation),
    MutationPattern("operand dropped", 40, 1.9, operators.drop_operand),
    MutationPattern("operand added", 30, 31.9, operators.add_operand),
    MutationPattern("operands swapped", 30, 2.4, operators.swap_operands),
    MutationPattern("index", 20, 1.6, calls.change_index),
    MutationPattern("part", 25, 29.4, calls.change_slice),
    MutationPattern("deleted", 15, 7.5, statements.delete_statement),
    MutationPattern("moved", 25, 4.7, statements.move_statement),
    MutationPattern("exits", 25, 13.5, statements.change_exit),
    MutationPattern("inserted", 30, 94.3, statements.insert_statement),
    MutationPattern("guarded", 40, 365.5, statements.guard_statement),
    MutationPattern("defaults", 6, 0.0, statements.replace_mutable_default),
    MutationPattern("yielding", 3, 0.1, statements.change_yield),
    MutationPattern("words", 15, 0.1, values.respell_string),
    MutationPattern("named", 40, 9.1, borrowed.replace_constants_with_variables),
    MutationPattern("class more", 25, 0.9, borrowed.add_classes),
    MutationPattern("option", 60, 0.7, borrowed.add_keyword_arguments),
    MutationPattern("called", 40, 29.5, borrowed.wrap_in_module_calls),
    MutationPattern("own call", 15, 10.1, borrowed.insert_own_method_calls),
    MutationPattern("placeholder", 8, 1.4, borrowed.enclose_placeholders),
)
"""Priors of the patterns inside of one statement follow TSSB-3M, three million fixes of one statement in Python
projects (Richter and Wehrheim, 2022, table 2): an identifier 237 thousand, an operand 174, more arguments 150, another
function 134, a call around 117, another attribute 104, a number 97, a stronger condition 68, a method added 60, an
element 57, fewer arguments 50, a truth value 37, an attribute access 32, an operator 29, a weaker condition 22, a
keyword 20, a sign 15, arguments swapped 8. Where our patterns cut finer, a number is divided; those of operators are
raised, for many of the others' counts are typing errors that no test would have let pass. Patterns of whole statements
are not in that collection: guards, insertions, moves and deletions are those of PAR (Kim et al., 2013) and TBar (Liu et
al., 2019), and their priors are estimates, as are those of the ingredients from further away.

`python benchmarks/repair/usual.py` counts what is usual, `benchmarks/repair/patterns.py` which patterns reach a repair.
"""
