"""What a condition that holds (or does not) says of the numbers and dates in it: `若 x == 0`, `x != 0 且`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Protocol

from engine.expr import tree
from engine.program import Program
from engine.types import DateT, NumberT
from engine.validate.formulas import scope_of
from engine.validate.intervals import Interval, meet

Facts = Mapping[tree.Expr, Interval]
NO_FACTS: Facts = {}
MAX_RULES = 8

_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class Intervals(Protocol):
    """What gives the intervals of formulas (`engine.validate.ranges.Bounds`)."""

    @property
    def program(self) -> Program: ...
    def interval(self, expr: tree.Expr, facts: Facts = NO_FACTS) -> Interval: ...


def assume(
    bounds: Intervals, condition: tree.Expr, holds: bool, facts: Facts = NO_FACTS, depth: int = 0
) -> Facts:
    """`facts` with what one more condition says."""
    match condition:
        case tree.Not(operand=operand):
            return assume(bounds, operand, not holds, facts, depth)
        case tree.And(items=items) if holds:
            return assume_all(bounds, items, True, facts, depth)
        case tree.Or(items=items) if not holds:
            return assume_all(bounds, items, False, facts, depth)
        case tree.Rule(name=name) if depth < MAX_RULES and name in bounds.program.rules:
            rule = bounds.program.rules[name]
            if not rule.exceptions:
                facts = assume_all(bounds, scope_of(bounds.program, name), True, facts, depth + 1)
                return assume(bounds, rule.formula, holds, facts, depth + 1)
        case tree.Compare(op=op, left=left, right=right):
            if isinstance(left.type, NumberT | DateT) and isinstance(right.type, NumberT | DateT):
                sign = op if holds else _OPPOSITE[op]
                facts = _compared(bounds, left, sign, right, facts)
                return _compared(bounds, right, _FLIP[sign], left, facts)
    return facts


def assume_all(
    bounds: Intervals, conditions: Iterable[tree.Expr], holds: bool, facts: Facts = NO_FACTS, depth: int = 0
) -> Facts:
    """`facts` with what several conditions, all holding or all not, say."""
    for condition in conditions:
        facts = assume(bounds, condition, holds, facts, depth)
    return facts


def _compared(bounds: Intervals, term: tree.Expr, op: str, other: tree.Expr, facts: Facts) -> Facts:
    if isinstance(term, tree.Const):
        return facts
    limit = bounds.interval(other, facts)
    if limit.is_empty:
        return facts
    match op:
        case "==":
            found = limit
        case "<" | "<=":
            found = Interval(-inf, limit.high, False, limit.high_open or op == "<")
        case ">" | ">=":
            found = Interval(limit.low, inf, limit.low_open or op == ">")
        case _:
            found = Interval(nonzero=limit.is_point and limit.low == 0)
    known = facts.get(term)
    return {**facts, term: found if known is None else meet(known, found)}
