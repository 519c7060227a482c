"""What varies in a condition: the facts it asks for, and what each is compared with.

Rules, 口径 and 若 are followed to the facts behind them. In exact mode only facts given by people count and
anything else raises `Opaque`; otherwise a part that is not understood may be anything in its interval.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import inf
from typing import Any

from engine.expr import tree
from engine.policy import NoCell, ParamDecl, Undecided
from engine.program import Program
from engine.types import AnyT, BoolT, DateT, EnumT, NumberT, TextT, Type
from engine.validate.formulas import scope_of
from engine.validate.intervals import End
from engine.validate.ranges import Bounds
from engine.values import Number, exact

MAX_DEPTH = 60
LAW_DAY = "依据日"

_KINDS = {"==": ("eq",), "!=": ("eq",), "<": ("ge",), ">=": ("ge",), ">": ("gt",), "<=": ("gt",)}
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class Opaque(Exception):
    """A condition that ranges and enums do not decide, or with too many combinations."""


@dataclass(slots=True)
class Variable:
    """A fact that varies: `tests` are the values, `linked` the other facts that it is compared with."""

    key: Hashable
    label: str
    type: Type
    low: End = -inf
    high: End = inf
    step: Fraction | None = None
    is_fact: bool = True
    tests: set[tuple[str, Any]] = field(default_factory=set)
    linked: set[Hashable] = field(default_factory=set)
    points: list[Any] = field(default_factory=list)
    masks: list[int] = field(default_factory=list)


class Terms:
    """The variables of some conditions; raises `Opaque` if one is not decided by ranges and enums."""

    def __init__(
        self, program: Program, bounds: Bounds, conditions: Iterable[tree.Expr], exact_only: bool
    ) -> None:
        self.program, self.bounds, self.exact_only = program, bounds, exact_only
        self.variables: dict[Hashable, Variable] = {}
        self.days: set[date] = set()
        self._series: dict[str, tree.Expr] = {}
        for condition in conditions:
            self._visit(condition, 0)

    @property
    def facts(self) -> set[Hashable]:
        """Everything that varies but the law's day and the choice of readings."""
        return {key for key, variable in self.variables.items() if variable.is_fact}

    def _visit(self, expr: tree.Expr, depth: int) -> None:
        """Variables of a condition."""
        if depth > MAX_DEPTH:
            raise Opaque
        match expr:
            case tree.And(items=items) | tree.Or(items=items):
                for item in items:
                    self._visit(item, depth + 1)
            case tree.Not(operand=operand):
                self._visit(operand, depth + 1)
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                for part in (condition, then, otherwise):
                    self._visit(part, depth + 1)
            case tree.Compare(op=op, left=left, right=right, order=order):
                self._compare(self._leaves(left, depth + 1), op, self._leaves(right, depth + 1), order)
            case tree.Among(operand=operand, members=members):
                ones = self._leaves(operand, depth + 1)
                for member in members:
                    self._compare(ones, "==", self._leaves(member, depth + 1), None)
            case _:
                self._leaves(expr, depth + 1)

    def _leaves(self, expr: tree.Expr, depth: int) -> list[tree.Expr | Variable]:
        """What a value comes from: constants, parameters and variables, through rules, readings and 若."""
        if depth > MAX_DEPTH:
            raise Opaque
        program = self.program
        match expr:
            case tree.Const(value=value):
                if value is None:
                    raise Opaque
                return [expr]
            case tree.OutcomeConst():
                return []
            case tree.Param(name=name) if name in program.policy.params:
                self._dated(program.policy.params[name])
                return [expr]
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                self._visit(condition, depth + 1)
                return [*self._leaves(then, depth + 1), *self._leaves(otherwise, depth + 1)]
            case tree.Rule(name=name) if name in program.rules:
                return self._rule_leaves(name, depth)
            case tree.GroundsTrue(name=name) if name in program.grounds:
                for condition in [
                    *scope_of(program, name),
                    *(part for _, part in program.grounds[name].grounds),
                ]:
                    self._visit(condition, depth + 1)
                return []
            case tree.Reading(name=name) if name in program.readings:
                options = [option for option in program.readings[name].options.values() if option is not None]
                self._choice(name)
                if not options:
                    return [self.variables[("口径", name)]]
                return [leaf for option in options for leaf in self._leaves(option, depth + 1)]
            case tree.And() | tree.Or() | tree.Not() | tree.Compare() | tree.Among():
                self._visit(expr, depth)
                return []
        if self._is_constant(expr):
            for node in tree.walk(expr):
                if isinstance(node, tree.Param):
                    self._dated(program.policy.params[node.name])
            return [expr]
        return [self._term(expr)]

    def _rule_leaves(self, name: str, depth: int) -> list[tree.Expr | Variable]:
        rule = self.program.rules[name]
        if rule.decl.period == "一次" or rule.decl.law_day:
            return [self._term(tree.Rule(name, type=rule.type, span=rule.formula.span))]
        for condition in [*scope_of(self.program, name), *(when for when, _ in rule.exceptions)]:
            self._visit(condition, depth + 1)
        outcomes = [rule.formula, *(then for _, then in rule.exceptions)]
        return [leaf for outcome in outcomes for leaf in self._leaves(outcome, depth + 1)]

    def _is_constant(self, expr: tree.Expr) -> bool:
        """Arithmetic on literals and parameters."""
        parts = (tree.Const, tree.Param, tree.Arith, tree.Negate)
        return all(isinstance(node, parts) and not isinstance(node.type, AnyT) for node in tree.walk(expr))

    def _dated(self, decl: ParamDecl) -> None:
        if len(decl.values) > 1 or any(entry.since for entry in decl.values):
            self.days.update(entry.since or date.min for entry in decl.values)
            self.variables.setdefault(LAW_DAY, Variable(LAW_DAY, LAW_DAY, DateT(), is_fact=False))

    def _choice(self, name: str) -> None:
        reading = self.program.readings[name]
        if ("口径", name) not in self.variables:
            chosen = EnumT(tuple(reading.options), False, name)
            found = Variable(("口径", name), name, chosen, is_fact=False)
            found.tests = {("eq", option) for option in reading.options}
            self.variables[("口径", name)] = found

    def _term(self, expr: tree.Expr) -> Variable:
        """The variable that stands for a fact, or (unless exact) for a part that is not understood."""
        kind = expr.type
        if not isinstance(kind, BoolT | NumberT | DateT | EnumT | TextT):
            raise Opaque
        if self.exact_only and not isinstance(expr, tree.Field | tree.AsOf):
            self._check_exact(expr)
        key: Hashable = expr
        found = self.variables.get(key)
        if found is None:
            interval = self.bounds.interval(expr)
            if interval.is_empty:
                raise Opaque
            digits = (
                0 if isinstance(kind, DateT) else self.bounds.scale(expr) if isinstance(kind, NumberT) else 0
            )
            step = None if digits is None else Fraction(1, 10 ** max(0, digits))
            found = Variable(key, _label(expr), kind, interval.low, interval.high, step)
            if isinstance(kind, BoolT):
                found.tests = {("eq", True)}
            self.variables[key] = found
        return found

    def _check_exact(self, expr: tree.Expr) -> None:
        """A series at one year is a fact too, as long as the condition asks for one year only."""
        if not isinstance(expr, tree.YearOf) or not isinstance(expr.series, tree.Field):
            raise Opaque
        first = self._series.setdefault(expr.series.name, expr)
        if first != expr:
            raise Opaque

    def _compare(
        self, ones: list[tree.Expr | Variable], op: str, twos: list[tree.Expr | Variable], order: EnumT | None
    ) -> None:
        """Notes on each variable what it is compared with."""
        for left in ones:
            for right in twos:
                if isinstance(left, Variable) and isinstance(right, Variable):
                    if left is not right:
                        self._link(left, right)
                elif isinstance(left, Variable) and not isinstance(right, Variable):
                    self._test(left, op, right)
                elif isinstance(right, Variable) and not isinstance(left, Variable):
                    self._test(right, _FLIP[op], left)

    def _test(self, variable: Variable, op: str, constant: tree.Expr) -> None:
        for value in self._constants(constant):
            variable.tests |= {(kind, ordinal(value)) for kind in _KINDS[op]}

    @staticmethod
    def _link(left: Variable, right: Variable) -> None:
        if isinstance(left.type, TextT) or left.step != right.step:
            raise Opaque
        left.linked.add(right.key)
        right.linked.add(left.key)

    def _constants(self, expr: tree.Expr) -> list[Any]:
        """Every value of a constant part on any law's day."""
        days = sorted(self.days) or [date.min]
        return list(dict.fromkeys(v for v in (self.constant(expr, day) for day in days) if v is not None))

    def constant(self, expr: tree.Expr, day: date) -> Any:
        """A part made of literals and parameters on one law's day; None if undecided."""
        match expr:
            case tree.Const(value=value):
                return value
            case tree.Param(name=name):
                value = None
                for entry in self.program.policy.params[name].values:
                    if (entry.since or date.min) <= day:
                        value = entry.value
                return None if isinstance(value, Undecided | NoCell) else value
            case tree.Negate(operand=operand):
                value = self.constant(operand, day)
                return None if value is None else -value
            case tree.Arith(op=op, left=left, right=right):
                one, two = self.constant(left, day), self.constant(right, day)
                return None if one is None or two is None else _arithmetic(op, one, two)
        raise Opaque


def ordinal(value: Any) -> Any:
    """A date as its day's number, anything else as it is."""
    return value.toordinal() if isinstance(value, date) else value


def _label(expr: tree.Expr) -> str:
    match expr:
        case tree.AsOf():
            return "计算日"
        case tree.YearOf(series=tree.Field(name=name)):
            return f"{name}[…]"
    return getattr(expr, "name", "") or getattr(expr, "field", "") or "…"


def _arithmetic(op: str, one: Number, two: Number) -> Number | None:
    match op:
        case "+":
            return one + two
        case "-":
            return one - two
        case "*":
            return one * two
    return exact(Fraction(one) / two) if two else None
