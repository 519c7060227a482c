"""Every combination of critical values of the facts in some conditions, and where the conditions hold.

A combination is a bit; a condition is two sets of bits, where it holds and where it does not (in neither:
不适用 or 信息不足). Critical values are members, and numbers and dates on and between what they are compared
with, so that nothing else can behave differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import prod
from typing import Any

from engine.expr import tree
from engine.tables import show
from engine.types import BoolT, DateT, EnumT, TextT, Type
from engine.validate.formulas import scope_of
from engine.validate.intervals import End
from engine.validate.terms import LAW_DAY, Opaque, Terms, Variable, ordinal
from engine.values import exact

MAX_POINTS = 4096
OTHER_TEXT = "…"

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}

Truth = tuple[int, int]
Cases = list[tuple[int, Any]]


class Space:
    """The combinations for the variables of `terms`; raises `Opaque` if there are too many."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.program, self.variables = terms, terms.program, terms.variables
        self._truths: dict[int, Truth] = {}
        self._kept: list[tree.Expr] = []
        self._place_points()

    def truth(self, expr: tree.Expr) -> Truth:
        """Where a condition holds and where it does not."""
        key = id(expr)
        if key not in self._truths:
            self._kept.append(expr)
            self._truths[key] = self._truth(expr)
        return self._truths[key]

    def example(self, mask: int) -> str:
        """One combination of a set in words: 「学历 为 本科，工龄 为 5」."""
        lowest = (mask & -mask).bit_length() - 1
        words = []
        for variable in self.variables.values():
            value = next(
                (p for p, m in zip(variable.points, variable.masks, strict=True) if m >> lowest & 1), None
            )
            if variable.is_fact and value is not None:
                words.append(f"{variable.label} 为 {_shown(value, variable.type)}")
        return "，".join(words)

    # --- second pass: points -----------------------------------------------------------------------------

    def _place_points(self) -> None:
        for variable in self.variables.values():
            if not variable.points:
                self._points_of(variable)
        size = prod(len(variable.points) for variable in self.variables.values())
        if size > MAX_POINTS or size == 0:
            raise Opaque
        self.full = (1 << size) - 1
        stride = 1
        for variable in self.variables.values():
            width = stride * len(variable.points)
            repeat = self.full // ((1 << width) - 1)
            block = (1 << stride) - 1
            variable.masks = [(block << (at * stride)) * repeat for at in range(len(variable.points))]
            stride = width

    def _points_of(self, variable: Variable) -> None:
        kind = variable.type
        if variable.key == LAW_DAY:
            variable.points = sorted(self.terms.days)
            return
        group = self._group(variable)
        if isinstance(kind, BoolT):
            for one in group:
                one.points = [True, False]
        elif isinstance(kind, EnumT):
            for one in group:
                members = list(kind.members)
                one.points = members if len(group) > 1 else _distinct(members, one.tests, members.index)
        elif isinstance(kind, TextT):
            variable.points = [*dict.fromkeys(value for _, value in sorted(variable.tests)), OTHER_TEXT]
        else:
            tested = sorted({value for one in group for _, value in one.tests})
            limits = {end for one in group for end in (one.low, one.high) if not isinstance(end, float)}
            for one in group:
                numbers = _between(one, tested, limits, len(group))
                one.points = numbers if len(group) > 1 else _distinct(numbers, one.tests, lambda value: value)

    def _group(self, variable: Variable) -> list[Variable]:
        """The variables compared with each other, directly or through others."""
        found = {variable.key: variable}
        pending = [variable]
        while pending:
            for key in pending.pop().linked:
                if key not in found:
                    found[key] = self.variables[key]
                    pending.append(self.variables[key])
        return list(found.values())

    # --- third pass: truth -------------------------------------------------------------------------------

    def _truth(self, expr: tree.Expr) -> Truth:
        match expr:
            case tree.And(items=items) | tree.Or(items=items):
                holds, fails = (self.full, 0) if isinstance(expr, tree.And) else (0, self.full)
                for item in items:
                    one, two = self.truth(item)
                    if isinstance(expr, tree.And):
                        holds, fails = holds & one, fails | two
                    else:
                        holds, fails = holds | one, fails & two
                return holds, fails
            case tree.Not(operand=operand):
                holds, fails = self.truth(operand)
                return fails, holds
            case tree.Compare(op=op, left=left, right=right, order=order):
                rank: Callable[[Any], Any] = order.members.index if order and order.ordered else ordinal
                return self._compared(self.cases(left), op, self.cases(right), rank)
            case tree.Among(operand=operand, members=members, negated=negated):
                ones = self.cases(operand)
                parts = [self._compared(ones, "==", self.cases(member), ordinal) for member in members]
                holds = fails = 0
                for one, two in parts:
                    holds, fails = holds | one, fails | two
                fails &= ~holds
                return (fails, holds) if negated else (holds, fails)
            case tree.GroundsTrue(name=name) if name in self.program.grounds:
                within = self._all(scope_of(self.program, name))
                holds, fails = 0, self.full
                for _, condition in self.program.grounds[name].grounds:
                    one, two = self.truth(condition)
                    holds, fails = holds | one, fails & two
                return holds & within, fails & within
        holds = fails = 0
        for mask, value in self.cases(expr):
            if value is True:
                holds |= mask
            elif value is False:
                fails |= mask
        return holds, fails

    @staticmethod
    def _compared(ones: Cases, op: str, twos: Cases, rank: Callable[[Any], Any]) -> Truth:
        test = _TESTS[op]
        holds = fails = 0
        ranked = [(mask, rank(value)) for mask, value in twos]
        for mask, value in ones:
            one = rank(value)
            for other, two in ranked:
                if both := mask & other:
                    if test(one, two):
                        holds |= both
                    else:
                        fails |= both
        return holds, fails

    def _all(self, conditions: Iterable[tree.Expr]) -> int:
        within = self.full
        for condition in conditions:
            within &= self.truth(condition)[0]
        return within

    def cases(self, expr: tree.Expr) -> Cases:
        """The values of a part, each with where it has them; 不适用 and 信息不足 are nowhere."""
        match expr:
            case tree.OutcomeConst():
                return []
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                holds, fails = self.truth(condition)
                yes = [(mask & holds, value) for mask, value in self.cases(then)]
                return yes + [(mask & fails, value) for mask, value in self.cases(otherwise)]
            case tree.Rule(name=name) if name in self.program.rules:
                return self._rule_cases(name)
            case tree.Reading(name=name) if ("口径", name) in self.variables:
                choice = self.variables[("口径", name)]
                found: Cases = []
                for mask, option in zip(choice.masks, choice.points, strict=True):
                    formula = self.program.readings[name].options[option]
                    inner = [(self.full, option)] if formula is None else self.cases(formula)
                    found += [(mask & part, value) for part, value in inner]
                return found
            case tree.And() | tree.Or() | tree.Not() | tree.Compare() | tree.Among() | tree.GroundsTrue():
                holds, fails = self.truth(expr)
                return [(holds, True), (fails, False)]
        variable = self.variables.get(expr)
        if variable is not None:
            return list(zip(variable.masks, variable.points, strict=True))
        days = self.variables.get(LAW_DAY)
        if days is None:
            value = self.terms.constant(expr, date.min)
            return [] if value is None else [(self.full, value)]
        dated = [
            (mask, self.terms.constant(expr, day)) for mask, day in zip(days.masks, days.points, strict=True)
        ]
        return [(mask, value) for mask, value in dated if value is not None]

    def _rule_cases(self, name: str) -> Cases:
        rule = self.program.rules[name]
        if rule.decl.period == "一次" or rule.decl.law_day:
            variable = self.variables[tree.Rule(name, type=rule.type, span=rule.formula.span)]
            return list(zip(variable.masks, variable.points, strict=True))
        left = self._all(scope_of(self.program, name))
        found: Cases = []
        for when, then in rule.exceptions:
            holds, _ = self.truth(when)
            found += [(mask & holds & left, value) for mask, value in self.cases(then)]
            left &= ~holds
        return found + [(mask & left, value) for mask, value in self.cases(rule.formula)]


def _shown(value: Any, kind: Type) -> str:
    if isinstance(kind, DateT) and not isinstance(value, date):
        return date.fromordinal(int(value)).isoformat()
    return show(value)


def _distinct(points: list[Any], tests: set[tuple[str, Any]], rank: Callable[[Any], Any]) -> list[Any]:
    """One point of each set that no test tells apart."""
    checks = [(kind, rank(value)) for kind, value in tests]
    found: dict[tuple[bool, ...], Any] = {}
    for value in points:
        at = rank(value)
        key = tuple(
            at >= limit if kind == "ge" else at > limit if kind == "gt" else at == limit
            for kind, limit in checks
        )
        found.setdefault(key, value)
    return list(found.values())


def _between(variable: Variable, tested: list[Any], limits: set[Any], count: int) -> list[Any]:
    """The tested numbers within a variable's range, and `count` numbers in every gap between them.

    `limits` are the ends of all variables compared with each other, so that they have their gaps in common.
    """
    low, high, step = variable.low, variable.high, variable.step
    cuts = sorted({cut for cut in (low, high, *limits, *tested) if low <= cut <= high})
    found = {
        cut for cut in cuts if not isinstance(cut, float) and (step is None or Fraction(cut) % step == 0)
    }
    for one, two in pairwise(cuts):
        inside = _inside(one, two, step, count)
        if len(inside) == count:
            found -= {end for end in (one, two) if end not in tested}
        found.update(inside)
    return sorted(found)


def _inside(low: End, high: End, step: Fraction | None, count: int) -> list[Any]:
    """Up to `count` numbers strictly between two limits."""
    unit = step or Fraction(1)
    if isinstance(low, float):
        top = count * unit if isinstance(high, float) else (-(-Fraction(high) // unit) - 1) * unit
        return [exact(top - at * unit) for at in range(count)]
    start = (Fraction(low) // unit + 1) * unit
    if isinstance(high, float):
        return [exact(start + at * unit) for at in range(count)]
    if step is None:
        width = Fraction(high - low) / (count + 1)
        return [exact(low + (at + 1) * width) for at in range(count)]
    return [exact(start + at * unit) for at in range(count) if start + at * unit < high]
