"""The numbers and dates that formulas can give, as intervals, and the digits they need (`Scales`).

Starts from 范围, 小数位, parameters, cells and literals and follows rules, readings and groups.
Always an over-estimate: a value that can occur lies in its interval. Owns no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from datetime import date
from math import inf

from engine.expr import tree
from engine.expr.functions import FUNCTIONS
from engine.policy import NoCell
from engine.program import Program
from engine.types import AnyT, DateT, NumberT
from engine.validate import intervals
from engine.validate.extents import (
    ANYTHING,
    DAYS,
    PLAIN_MODES,
    Extent,
    Origins,
    field_extent,
    param_values,
    values_extent,
)
from engine.validate.formulas import scope_of
from engine.validate.guards import NO_FACTS, Facts, assume, assume_all
from engine.validate.intervals import ALL, COUNT, NONE, Interval, digits_of, hull, meet, most_digits, point
from engine.validate.scales import Scales, places

_SPAN = Interval(-440_000, 440_000)
_YEAR, _MONTH = (365, 366), (28, 31)


class Bounds:
    """Intervals and digits of one program's formulas, each worked out once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.today = DAYS
        self.origins = Origins(program)
        self.scales = Scales(program, self.origins, self.extent, self.result)
        self._names: dict[str, Extent] = {}
        self._intervals: dict[int, tuple[tree.Expr, Interval]] = {}
        self._digits: dict[int, tuple[tree.Expr, int | None]] = {}
        self._uses: dict[int, Bounds] = {}
        for name in program.order:
            self._names[name] = self._name(name)

    # --- asked by the checks ---------------------------------------------------------------------------

    def interval(self, expr: tree.Expr, facts: Facts = NO_FACTS) -> Interval:
        """Where the values of a formula lie, given what is known of parts of it."""
        if facts:
            found = self._interval(expr, facts)
            known = facts.get(expr)
            return found if known is None else meet(found, known)
        kept = self._intervals.get(id(expr))
        if kept is None:
            kept = self._intervals[id(expr)] = (expr, self._interval(expr, facts))
        return kept[1]

    def scale(self, expr: tree.Expr) -> int | None:
        """Digits after the point that values can need; negative for whole tens; None if there is no end."""
        kept = self._digits.get(id(expr))
        if kept is None:
            kept = self._digits[id(expr)] = (expr, self.scales.of(expr))
        return kept[1]

    def extent(self, name: str) -> Extent:
        """Interval and digits of a declared name; anything for one on a circle."""
        return self._names.get(name, ANYTHING)

    def given(self, day: date, known: Mapping[str, Interval], again: Iterable[str]) -> Bounds:
        """The same on one 计算日 with some names known better, and the names `again`, in order, worked out from those."""
        found = copy(self)
        found.today = point(day.toordinal())
        found._intervals, found._digits = {}, {}
        found._names = self._names | {name: Extent(part, None) for name, part in known.items()}
        for name in again:
            found._names[name] = found._name(name)
        return found

    def result(self, alias: str, name: str) -> Extent:
        """Interval and digits of a result of another policy, in any of its versions."""
        found = []
        for version in self.program.uses[alias].versions if alias in self.program.uses else ():
            if name not in version.types:
                continue
            if id(version) not in self._uses:
                self._uses[id(version)] = Bounds(version)
            found.append(self._uses[id(version)].extent(name))
        if not found:
            return ANYTHING
        return Extent(hull(part.interval for part in found), most_digits(part.digits for part in found))

    # --- names -----------------------------------------------------------------------------------------

    def _name(self, name: str) -> Extent:
        """A declaration whose needs are known already."""
        program, policy = self.program, self.program.policy
        if name in policy.fields:
            parts, own = [], [field_extent(policy.fields[name])]
            parts = [program.defaults[name]] if name in program.defaults else []
        elif name in policy.params:
            return values_extent(param_values(policy.params[name]))
        elif name in program.rules:
            return self._rule(name)
        elif name in program.readings:
            parts, own = [expr for expr in program.readings[name].options.values() if expr is not None], []
        elif name in program.groups_by_name:
            group = program.groups_by_name[name]
            if group.formula is None:
                return Extent(COUNT, digits_of(group.step) if group.step else None)
            parts, own = [group.formula], []
        else:
            return ANYTHING
        own += [Extent(self.interval(part), self.scale(part)) for part in parts]
        if not own:
            return ANYTHING
        return Extent(hull(part.interval for part in own), most_digits(part.digits for part in own))

    def _rule(self, name: str) -> Extent:
        rule = self.program.rules[name]
        facts = assume_all(self, scope_of(self.program, name), True)
        within = [self.interval(then, assume(self, when, True, facts)) for when, then in rule.exceptions]
        facts = assume_all(self, [when for when, _ in rule.exceptions], False, facts)
        within.append(self.interval(rule.formula, facts))
        if rule.decl.period == "一次" and isinstance(rule.type, NumberT):
            within.append(point(0))
        digits = [self.scale(rule.formula), *(self.scale(then) for _, then in rule.exceptions)]
        return Extent(hull(within), most_digits(digits))

    # --- intervals -------------------------------------------------------------------------------------

    def _interval(self, expr: tree.Expr, facts: Facts) -> Interval:
        match expr:
            case tree.Const(value=value):
                return hull(map(point, self.origins.constants(value)))
            case tree.OutcomeConst():
                return NONE
            case tree.AsOf():
                return self.today
            case tree.FirstDay():
                return DAYS
            case tree.Field(name=name) | tree.OnDay(field=name) | tree.Param(name=name):
                return self.extent(name).interval
            case tree.ParamYear(name=name) | tree.Group(name=name):
                return self.extent(name).interval
            case tree.Rule(name=name) | tree.Reading(name=name):
                return self.extent(name).interval
            case tree.Use(alias=alias, name=name):
                return self.result(alias, name).interval
            case tree.Column():
                return self.origins.column(expr).interval
            case tree.Lookup():
                return self._lookup(expr)
            case tree.YearOf(series=source) | tree.Latest(source=source):
                return self.origins.item(source).interval
            case tree.Negate(operand=operand):
                return intervals.negate(self.interval(operand, facts))
            case tree.Arith(op=op, left=left, right=right):
                return _ARITHMETIC[op](self.interval(left, facts), self.interval(right, facts))
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                yes = self.interval(then, assume(self, condition, True, facts))
                return hull([yes, self.interval(otherwise, assume(self, condition, False, facts))])
            case tree.Call(function=function, args=args):
                return self._call(function, args, facts)
            case tree.Extreme():
                return self._extreme(expr, facts)
            case tree.Aggregate(function=function, value=value):
                return self._aggregate(function, value)
            case tree.Members(function=function, value=value):
                return self._aggregate(function, value)
            case tree.Run():
                return COUNT
            case tree.Probe(operand=operand, fallback=fallback) if fallback is not None:
                return hull([self.interval(operand, facts), self.interval(fallback, facts)])
        return ALL if not isinstance(expr.type, AnyT) else NONE

    def _lookup(self, expr: tree.Lookup) -> Interval:
        table = self.program.tables.get(expr.table)
        if table is None:
            return ALL
        values = self.origins.cells(table, expr.column)
        if table.decl.mode in PLAIN_MODES:
            return hull(map(point, values))
        return Interval(0 if all(v >= 0 for v in values) else -inf, 0 if all(v <= 0 for v in values) else inf)

    def _call(self, function: str, args: tuple[tree.Expr, ...], facts: Facts) -> Interval:
        first = self.interval(args[0], facts)
        match function:
            case "四舍五入" | "向上取整" | "向下取整":
                run = FUNCTIONS[function].run
                assert run is not None
                return intervals.rounded(first, run, places(args))
            case "绝对值":
                return intervals.magnitude(first)
            case "年":
                return NONE if first.is_empty else Interval(_year(first.low), _year(first.high))
            case "月":
                return Interval(1, 12)
            case "日":
                return Interval(1, 31)
            case "周年" | "周月" | "相差天数":
                days = intervals.add(self.interval(args[1], facts), intervals.negate(first))
                return _periods(meet(days, _SPAN), function)
        return Interval(1, date.max.toordinal())

    def _extreme(self, expr: tree.Extreme, facts: Facts) -> Interval:
        """取大 取小; an argument that can be 不适用 is left out and so gives no limit on the far side."""
        if not all(isinstance(arg.type, NumberT | DateT) for arg in expr.args):
            return ALL
        parts = [self.interval(arg, facts) for arg in expr.args]
        sure = [
            part
            for arg, part in zip(expr.args, parts, strict=True)
            if self._applies(arg) and not part.is_empty
        ]
        if not sure:
            return hull(parts)
        if expr.largest:
            low, is_open = max((part.low, part.low_open) for part in sure)
            return meet(hull(parts), Interval(low, inf, is_open))
        high, closed = min((part.high, not part.high_open) for part in sure)
        return meet(hull(parts), Interval(-inf, high, False, not closed))

    def _applies(self, expr: tree.Expr) -> bool:
        """Whether a formula certainly is not 不适用."""
        if isinstance(expr, tree.Param):
            decl = self.program.policy.params.get(expr.name)
            return decl is not None and not any(isinstance(entry.value, NoCell) for entry in decl.values)
        if isinstance(expr, tree.Const | tree.Field | tree.AsOf | tree.Members | tree.Column):
            return True
        plain = isinstance(expr, tree.Arith | tree.Negate | tree.Call)
        return plain and all(self._applies(part) for part in tree.children(expr))

    def _aggregate(self, function: str, value: tree.Expr | None) -> Interval:
        if value is None or function in ("次数", "人数", "个数"):
            return COUNT
        found = self.interval(value)
        if function != "合计":
            return found
        if found.is_empty:
            return point(0)
        return Interval(0 if found.low >= 0 else -inf, 0 if found.high <= 0 else inf)


_ARITHMETIC = {
    "+": intervals.add,
    "-": lambda one, two: intervals.add(one, intervals.negate(two)),
    "*": intervals.multiply,
    "/": intervals.divide,
}


def _year(day: intervals.End) -> int:
    return date.fromordinal(int(min(max(day, 1), date.max.toordinal()))).year


def _periods(days: Interval, function: str) -> Interval:
    """Full years or months in so many days, with one to spare at both ends because lengths vary."""
    if days.is_empty or function == "相差天数":
        return days
    short, long = _YEAR if function == "周年" else _MONTH
    first, last = int(days.low), int(days.high)
    low = max(0, first // long - 1) if first >= 0 else first // short - 1
    high = min(0, last // long + 1) if last <= 0 else last // short + 1
    return Interval(low, high)
