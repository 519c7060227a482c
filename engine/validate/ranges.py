"""What numbers and dates a formula can give (intervals) and how many digits they can need (scales).

Starts from 范围, 小数位, parameters, cells and literals and follows rules, readings and groups through the typed tree.
Always an over-estimate: a value that can occur lies in its interval. Owns no message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import inf

from engine.expr import tree
from engine.expr.functions import FUNCTIONS
from engine.policy import FieldDecl, NoCell, ParamDecl, ParamName
from engine.program import Program, Row, Table
from engine.types import AnyT, DateT, NumberT, SeriesT, Type
from engine.validate import intervals
from engine.validate.formulas import formulas, scope_of
from engine.validate.intervals import ALL, COUNT, NONE, ZERO_DIGITS, Interval, digits_of, hull, meet, most_digits, point
from engine.values import Number

DAYS = Interval(date(1800, 1, 1).toordinal(), date(2999, 12, 31).toordinal())
YEARS = Interval(1800, 2999)
MAX_VALUES = 200

Facts = Mapping[tree.Expr, Interval]
NO_FACTS: Facts = {}
_FLIP = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Extent:
    """Interval and scale of one name."""

    interval: Interval
    digits: int | None


_ANY = Extent(ALL, None)


def whole(constant: object) -> Number | None:
    """A constant as a number on the line (a date as its day), or None."""
    if isinstance(constant, bool):
        return None
    if isinstance(constant, int | Fraction):
        return constant
    return constant.toordinal() if isinstance(constant, date) else None


def field_extent(decl: FieldDecl) -> Extent:
    """What 类型, 范围 and 小数位 of a field (of a series: of one year's value) allow."""
    kind: Type = decl.type.item if isinstance(decl.type, SeriesT) else decl.type
    if not isinstance(kind, NumberT | DateT):
        return _ANY
    base = DAYS if isinstance(kind, DateT) else ALL
    low, high = decl.range or (None, None)
    lowest, highest = whole(low), whole(high)
    written = Interval(-inf if lowest is None else lowest, inf if highest is None else highest)
    digits = 0 if decl.integer or isinstance(kind, DateT) else decl.decimals
    return Extent(meet(base, written), digits)


def param_values(decl: ParamDecl) -> list[Number]:
    """Every number (or day) a parameter ever has."""
    dated = [*decl.values, *(value for _, value in decl.by_year or ())]
    return [value for value in (whole(entry.value) for entry in dated) if value is not None]


class Bounds:
    """Intervals and scales of one program's formulas; everything is worked out once, when first asked for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._names: dict[str, Extent] = {}
        self._open: set[str] = set()
        self._intervals: dict[int, Interval] = {}
        self._digits: dict[int, int | None] = {}
        self._columns: dict[int, FieldDecl | None] = {}
        self._uses: dict[int, Bounds] = {}
        for formula in formulas(program):
            self._scan(formula.expr, ())

    # --- asked by the checks ---------------------------------------------------------------------------

    def interval(self, expr: tree.Expr, facts: Facts = NO_FACTS) -> Interval:
        """Where the values of a formula lie, given what is known of parts of it."""
        if facts:
            found = self._interval(expr, facts)
            known = facts.get(expr)
            return found if known is None else meet(found, known)
        key = id(expr)
        if key not in self._intervals:
            self._intervals[key] = self._interval(expr, facts)
        return self._intervals[key]

    def scale(self, expr: tree.Expr) -> int | None:
        """Digits after the point that values can need; negative for whole tens; None if there is no end."""
        key = id(expr)
        if key not in self._digits:
            self._digits[key] = self._scale(expr)
        return self._digits[key]

    def extent(self, name: str) -> Extent:
        """Interval and scale of a declared name."""
        if name not in self._names:
            if name in self._open:
                return _ANY
            self._open.add(name)
            self._names[name] = self._name(name)
            self._open.discard(name)
        return self._names[name]

    def assume(self, condition: tree.Expr, holds: bool, facts: Facts = NO_FACTS, depth: int = 0) -> Facts:
        """`facts` with what a condition that holds (or does not) says of numbers and dates."""
        match condition:
            case tree.Not(operand=operand):
                return self.assume(operand, not holds, facts, depth)
            case tree.And(items=items) if holds:
                return self._all(items, True, facts, depth)
            case tree.Or(items=items) if not holds:
                return self._all(items, False, facts, depth)
            case tree.Rule(name=name) if depth < 8 and name in self.program.rules:
                rule = self.program.rules[name]
                if not rule.exceptions:
                    facts = self._all([*scope_of(self.program, name)], True, facts, depth + 1)
                    return self.assume(rule.formula, holds, facts, depth + 1)
            case tree.Compare(op=op, left=left, right=right):
                if isinstance(left.type, NumberT | DateT) and isinstance(right.type, NumberT | DateT):
                    sign = op if holds else _OPPOSITE[op]
                    facts = self._compared(left, sign, right, facts)
                    return self._compared(right, _FLIP[sign], left, facts)
        return facts

    # --- facts -----------------------------------------------------------------------------------------

    def _all(self, items: Iterable[tree.Expr], holds: bool, facts: Facts, depth: int) -> Facts:
        for item in items:
            facts = self.assume(item, holds, facts, depth)
        return facts

    def _compared(self, term: tree.Expr, op: str, other: tree.Expr, facts: Facts) -> Facts:
        if isinstance(term, tree.Const):
            return facts
        limit = self.interval(other, facts)
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

    # --- columns of aggregates -------------------------------------------------------------------------

    def _scan(self, node: tree.Expr, scopes: tuple[Mapping[str, FieldDecl | None], ...]) -> None:
        match node:
            case tree.Column(name=name):
                self._columns[id(node)] = next((s[name] for s in reversed(scopes) if name in s), None)
            case tree.Aggregate(source=source) | tree.Select(source=source) | tree.Run(source=source):
                self._scan(source, scopes)
                inner = (*scopes, self._columns_of(source))
                for part in tree.children(node)[1:]:
                    self._scan(part, inner)
            case tree.FirstDay(field=name, condition=condition):
                self._scan(condition, (*scopes, {"值": self.program.policy.fields.get(name)}))
            case _:
                for part in tree.children(node):
                    self._scan(part, scopes)

    def _columns_of(self, source: tree.Expr) -> Mapping[str, FieldDecl | None]:
        decl = self._origin(source)
        if decl is None:
            return {}
        if isinstance(decl.type, SeriesT):
            return {"值": decl, "年份": None}
        return {column.name: column for column in decl.columns}

    def _origin(self, source: tree.Expr, depth: int = 0) -> FieldDecl | None:
        """The field that a series or rows come from."""
        match source:
            case tree.Field(name=name):
                return self.program.policy.fields.get(name)
            case tree.Select(source=inner):
                return self._origin(inner, depth)
            case tree.Rule(name=name) if depth < 80 and name in self.program.rules:
                return self._origin(self.program.rules[name].formula, depth + 1)
        return None

    # --- names -----------------------------------------------------------------------------------------

    def _name(self, name: str) -> Extent:
        program, policy = self.program, self.program.policy
        if name in policy.fields:
            own = field_extent(policy.fields[name])
            default = program.defaults.get(name)
            if default is None:
                return own
            return Extent(hull([own.interval, self.interval(default)]), most_digits([own.digits, self.scale(default)]))
        if name in policy.params:
            return _values_extent(param_values(policy.params[name]))
        parts: list[tree.Expr] = []
        if name in program.rules:
            rule = program.rules[name]
            parts = [rule.formula, *(then for _, then in rule.exceptions)]
            facts = self._all(scope_of(program, name), True, NO_FACTS, 0)
            found = [self.interval(rule.formula, facts), *(self.interval(part) for part in parts[1:])]
            if rule.decl.period == "一次" and isinstance(rule.type, NumberT):
                found.append(point(0))
            return Extent(hull(found), most_digits(map(self.scale, parts)))
        if name in program.readings:
            parts = [expr for expr in program.readings[name].options.values() if expr is not None]
        elif name in program.groups_by_name:
            group = program.groups_by_name[name]
            if group.formula is None:
                return Extent(COUNT, digits_of(group.step) if group.step else None)
            parts = [group.formula]
        if not parts:
            return _ANY
        return Extent(hull(map(self.interval, parts)), most_digits(map(self.scale, parts)))

    def _result(self, alias: str, name: str) -> Extent:
        """A result of another policy, in any of its versions."""
        found = []
        for version in self.program.uses[alias].versions if alias in self.program.uses else ():
            if id(version) not in self._uses:
                self._uses[id(version)] = Bounds(version)
            found.append(self._uses[id(version)].extent(name))
        if not found:
            return _ANY
        return Extent(hull(part.interval for part in found), most_digits(part.digits for part in found))

    def cell_values(self, table: Table, column: str) -> list[Number]:
        """Every number in a column, a 参数 with all its values."""
        found: list[Number] = []
        for row in table.rows:
            found += self._constants(row, column)
        return found

    def _constants(self, row: Row, column: str) -> list[Number]:
        cell = row.cells.get(column)
        if isinstance(cell, ParamName):
            decl = self.program.policy.params.get(cell.name)
            return param_values(decl) if decl else []
        value = whole(cell)
        return [] if value is None else [value]

    def values(self, expr: tree.Expr) -> list[Number] | None:
        """All values a formula can have, if they are few and written out."""
        found: list[Number] | None = None
        match expr:
            case tree.Const(value=value):
                number = whole(value)
                return [] if number is None else [number]
            case tree.Param(name=name) | tree.ParamYear(name=name):
                decl = self.program.policy.params.get(name)
                found = param_values(decl) if decl else None
            case tree.Lookup(table=table, column=column) if table in self.program.tables:
                rows = self.program.tables[table]
                found = self.cell_values(rows, column) if rows.decl.mode in ("唯一", "首个") else None
            case tree.If(then=then, otherwise=otherwise):
                yes, no = self.values(then), self.values(otherwise)
                found = None if yes is None or no is None else yes + no
        return found if found is not None and len(found) <= MAX_VALUES else None

    # --- intervals -------------------------------------------------------------------------------------

    def _interval(self, expr: tree.Expr, facts: Facts) -> Interval:
        match expr:
            case tree.Const(value=value):
                number = whole(value)
                return NONE if number is None else point(number)
            case tree.OutcomeConst():
                return NONE
            case tree.AsOf():
                return DAYS
            case tree.Field(name=name) | tree.OnDay(field=name) | tree.Param(name=name) | tree.ParamYear(name=name):
                return self.extent(name).interval
            case tree.Rule(name=name) | tree.Reading(name=name) | tree.Group(name=name):
                return self.extent(name).interval
            case tree.Use(alias=alias, name=name):
                return self._result(alias, name).interval
            case tree.Column(name=name):
                decl = self._columns.get(id(expr))
                return YEARS if name == "年份" else (field_extent(decl).interval if decl else ALL)
            case tree.Lookup(table=table, column=column):
                return self._lookup(table, column)
            case tree.YearOf(series=source) | tree.Latest(source=source):
                decl = self._origin(source)
                return field_extent(decl).interval if decl else ALL
            case tree.Negate(operand=operand):
                return intervals.negate(self.interval(operand, facts))
            case tree.Arith(op=op, left=left, right=right):
                return self._arith(op, self.interval(left, facts), self.interval(right, facts))
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                yes = self.interval(then, self.assume(condition, True, facts))
                return hull([yes, self.interval(otherwise, self.assume(condition, False, facts))])
            case tree.Call(function=function, args=args):
                return self._call(function, args, facts)
            case tree.Extreme(largest=largest, args=args):
                return self._extreme(largest, args, facts)
            case tree.Aggregate(function=function, value=value) | tree.Members(function=function, value=value):
                return self._aggregate(function, value)
            case tree.Run():
                return COUNT
            case tree.FirstDay():
                return DAYS
            case tree.Probe(operand=operand, fallback=fallback) if fallback is not None:
                return hull([self.interval(operand, facts), self.interval(fallback, facts)])
        return ALL if not isinstance(expr.type, AnyT) else NONE

    @staticmethod
    def _arith(op: str, left: Interval, right: Interval) -> Interval:
        match op:
            case "+":
                return intervals.add(left, right)
            case "-":
                return intervals.add(left, intervals.negate(right))
            case "*":
                return intervals.multiply(left, right)
        return intervals.divide(left, right)

    def _lookup(self, name: str, column: str) -> Interval:
        table = self.program.tables.get(name)
        if table is None:
            return ALL
        if isinstance(table.columns.get(column), DateT):
            return DAYS
        values = self.cell_values(table, column)
        if table.decl.mode in ("唯一", "首个"):
            return hull(map(point, values))
        return Interval(0 if all(v >= 0 for v in values) else -inf, 0 if all(v <= 0 for v in values) else inf)

    def _call(self, function: str, args: tuple[tree.Expr, ...], facts: Facts) -> Interval:
        first = self.interval(args[0], facts) if args else ALL
        match function:
            case "四舍五入" | "向上取整" | "向下取整":
                run = FUNCTIONS[function].run
                assert run is not None
                return intervals.rounded(first, run, _places(args))
            case "绝对值":
                return intervals.magnitude(first)
            case "年" if not first.is_empty:
                return Interval(*(date.fromordinal(int(_within(end))).year for end in (first.low, first.high)))
            case "月":
                return Interval(1, 12)
            case "日":
                return Interval(1, 31)
            case "周年" | "周月" | "相差天数" if len(args) == 2:
                span = intervals.add(self.interval(args[1], facts), intervals.negate(first))
                return _periods(meet(span, Interval(-440_000, 440_000)), function)
        return Interval(1, date.max.toordinal())

    def _extreme(self, largest: bool, args: tuple[tree.Expr, ...], facts: Facts) -> Interval:
        """取大 取小; an argument that can be 不适用 is left out and so gives no limit on the far side."""
        if not all(isinstance(arg.type, NumberT | DateT) for arg in args):
            return ALL
        parts = [self.interval(arg, facts) for arg in args]
        sure = [part for arg, part in zip(args, parts, strict=True) if self._applies(arg) and not part.is_empty]
        whole_range = hull(parts)
        if not sure or whole_range.is_empty:
            return whole_range
        if largest:
            low, low_open = max((part.low, part.low_open) for part in sure)
            return meet(whole_range, Interval(low, inf, low_open))
        high, closed = min((part.high, not part.high_open) for part in sure)
        return meet(whole_range, Interval(-inf, high, False, not closed))

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
        if function == "合计" and not found.is_empty:
            return Interval(0 if found.low >= 0 else -inf, 0 if found.high <= 0 else inf)
        return Interval(0, 0) if function == "合计" else found

    # --- scales ----------------------------------------------------------------------------------------

    def _scale(self, expr: tree.Expr) -> int | None:
        if not isinstance(expr.type, NumberT):
            return ZERO_DIGITS if isinstance(expr.type, AnyT) else 0
        match expr:
            case tree.Const(value=value):
                number = whole(value)
                return ZERO_DIGITS if number is None else digits_of(number)
            case tree.Field(name=name) | tree.OnDay(field=name) | tree.Param(name=name) | tree.ParamYear(name=name):
                return self.extent(name).digits
            case tree.Rule(name=name) | tree.Reading(name=name) | tree.Group(name=name):
                return self.extent(name).digits
            case tree.Use(alias=alias, name=name):
                return self._result(alias, name).digits
            case tree.Column(name=name):
                decl = self._columns.get(id(expr))
                return 0 if name == "年份" else (field_extent(decl).digits if decl else None)
            case tree.Lookup(table=table, keys=keys, column=column) if table in self.program.tables:
                found = self.program.tables[table]
                cells = most_digits(map(digits_of, self.cell_values(found, column)))
                return _plus(cells, self._band_digits(found, keys[0])) if found.decl.mode == "累进" else cells
            case tree.YearOf(series=source) | tree.Latest(source=source):
                decl = self._origin(source)
                return field_extent(decl).digits if decl else None
            case tree.Negate(operand=operand):
                return self.scale(operand)
            case tree.Arith(op=op, left=left, right=right):
                return self._arith_scale(op, left, right)
            case tree.If(then=then, otherwise=otherwise):
                return most_digits([self.scale(then), self.scale(otherwise)])
            case tree.Call(function=function, args=args):
                return self._call_scale(function, args)
            case tree.Extreme(args=args):
                return most_digits(map(self.scale, args))
            case tree.Aggregate(function=function, value=value) | tree.Members(function=function, value=value):
                if value is None or function in ("次数", "人数", "个数"):
                    return 0
                return None if function == "平均" else self.scale(value)
            case tree.Run():
                return 0
            case tree.Probe(operand=operand, fallback=fallback) if fallback is not None:
                return most_digits([self.scale(operand), self.scale(fallback)])
        return None

    def _arith_scale(self, op: str, left: tree.Expr, right: tree.Expr) -> int | None:
        one = self.scale(left)
        if op in "+-":
            return most_digits([one, self.scale(right)])
        if op == "*":
            return _plus(one, self.scale(right))
        divisors = self.values(right)
        if divisors is None:
            return None
        return _plus(one, most_digits(digits_of(Fraction(1) / value) for value in divisors if value))

    def _call_scale(self, function: str, args: tuple[tree.Expr, ...]) -> int | None:
        if function in ("四舍五入", "向上取整", "向下取整"):
            inner, places = self.scale(args[0]), _places(args)
            return places if inner is None else min(inner, places)
        return self.scale(args[0]) if function == "绝对值" else 0

    def _band_digits(self, table: Table, key: tree.Expr) -> int | None:
        """Digits of a key's part within a band."""
        limits: list[Number] = []
        for row in table.rows:
            for band in row.matches[0] or ():
                for limit in (getattr(band, "low", None), getattr(band, "high", None)):
                    if isinstance(limit, ParamName) and limit.name in self.program.policy.params:
                        limits += param_values(self.program.policy.params[limit.name])
                    elif (value := whole(limit)) is not None:
                        limits.append(value)
        return most_digits([self.scale(key), *map(digits_of, limits)])


def _values_extent(values: list[Number]) -> Extent:
    return Extent(hull(map(point, values)), most_digits(map(digits_of, values)))


def _plus(one: int | None, two: int | None) -> int | None:
    return None if one is None or two is None else max(ZERO_DIGITS, one + two)


def _places(args: tuple[tree.Expr, ...]) -> int:
    if len(args) < 2 or not isinstance(args[1], tree.Const) or not isinstance(args[1].value, int):
        return 0
    return args[1].value


def _within(day: float | Number) -> float | Number:
    return min(max(day, 1), date.max.toordinal())


def _periods(days: Interval, function: str) -> Interval:
    """Full years or months in so many days, with one to spare at both ends because lengths vary."""
    if days.is_empty or function == "相差天数":
        return days
    short, long = (365, 366) if function == "周年" else (28, 31)
    first, last = int(days.low), int(days.high)
    low = max(0, first // long - 1) if first >= 0 else first // short - 1
    high = min(0, last // long + 1) if last <= 0 else last // short + 1
    return Interval(low, high)
