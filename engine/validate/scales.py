"""How many digits after the point the values of a formula can need. Over-estimates; None is "no end".

Whole tens count as negative digits, so that 500 × 0.123 needs one digit and not three.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from engine.expr import tree
from engine.program import Program
from engine.types import AnyT, NumberT
from engine.validate.extents import Extent, Origins
from engine.validate.intervals import ZERO_DIGITS, digits_of, most_digits

_ROUNDING = ("四舍五入", "向上取整", "向下取整")
_COUNTING = ("次数", "人数", "个数")


def places(args: tuple[tree.Expr, ...]) -> int:
    """The digits that a rounding function is told to keep."""
    if len(args) < 2 or not isinstance(args[1], tree.Const) or not isinstance(args[1].value, int):
        return 0
    return args[1].value


class Scales:
    """Digits of one program's formulas; `extent` and `result` give those of names and of other policies."""

    def __init__(
        self,
        program: Program,
        origins: Origins,
        extent: Callable[[str], Extent],
        result: Callable[[str, str], Extent],
    ) -> None:
        self.program, self.origins = program, origins
        self.extent, self.result = extent, result

    def of(self, expr: tree.Expr) -> int | None:
        """Digits of a formula."""
        if not isinstance(expr.type, NumberT):
            return ZERO_DIGITS if isinstance(expr.type, AnyT) else 0
        match expr:
            case tree.Const(value=value):
                return most_digits(map(digits_of, self.origins.constants(value)))
            case tree.Field(name=name) | tree.OnDay(field=name) | tree.Param(name=name):
                return self.extent(name).digits
            case tree.ParamYear(name=name) | tree.Group(name=name):
                return self.extent(name).digits
            case tree.Rule(name=name) | tree.Reading(name=name):
                return self.extent(name).digits
            case tree.Use(alias=alias, name=name):
                return self.result(alias, name).digits
            case tree.Column():
                return self.origins.column(expr).digits
            case tree.Lookup():
                return self._lookup(expr)
            case tree.YearOf(series=source) | tree.Latest(source=source):
                return self.origins.item(source).digits
            case tree.Negate(operand=operand):
                return self.of(operand)
            case tree.Arith():
                return self._arith(expr)
            case tree.If(then=then, otherwise=otherwise):
                return most_digits([self.of(then), self.of(otherwise)])
            case tree.Call(function=function, args=args):
                return self._call(function, args)
            case tree.Extreme(args=args):
                return most_digits(map(self.of, args))
            case tree.Aggregate(function=function, value=value):
                return self._aggregate(function, value)
            case tree.Members(function=function, value=value):
                return self._aggregate(function, value)
            case tree.Run():
                return 0
            case tree.Probe(operand=operand, fallback=fallback) if fallback is not None:
                return most_digits([self.of(operand), self.of(fallback)])
        return None

    def _lookup(self, expr: tree.Lookup) -> int | None:
        table = self.program.tables.get(expr.table)
        if table is None:
            return None
        cells = most_digits(map(digits_of, self.origins.cells(table, expr.column)))
        if table.decl.mode != "累进":
            return cells
        return _plus(cells, most_digits([self.of(expr.keys[0]), *map(digits_of, self.origins.limits(table))]))

    def _arith(self, expr: tree.Arith) -> int | None:
        one = self.of(expr.left)
        if expr.op in ("+", "-"):
            return most_digits([one, self.of(expr.right)])
        if expr.op == "*":
            return _plus(one, self.of(expr.right))
        divisors = self.origins.values(expr.right)
        if divisors is None:
            return None
        return _plus(one, most_digits(digits_of(Fraction(1) / value) for value in divisors if value))

    def _call(self, function: str, args: tuple[tree.Expr, ...]) -> int | None:
        if function in _ROUNDING:
            inner = self.of(args[0])
            return places(args) if inner is None else min(inner, places(args))
        return self.of(args[0]) if function == "绝对值" else 0

    def _aggregate(self, function: str, value: tree.Expr | None) -> int | None:
        if value is None or function in _COUNTING:
            return 0
        return None if function == "平均" else self.of(value)


def _plus(one: int | None, two: int | None) -> int | None:
    return None if one is None or two is None else max(ZERO_DIGITS, one + two)
