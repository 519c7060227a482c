"""What the declarations themselves allow: intervals and digits of fields, parameters and cells, and where
columns come from. Formulas are followed in `engine.validate.ranges`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import inf

from engine.expr import tree
from engine.policy import Band, FieldDecl, ParamDecl, ParamName
from engine.program import Program, Table
from engine.types import DateT, NumberT, SeriesT, Type
from engine.validate.formulas import formulas
from engine.validate.intervals import ALL, Interval, digits_of, hull, meet, most_digits, point
from engine.values import Number

DAYS = Interval(date(1800, 1, 1).toordinal(), date(2999, 12, 31).toordinal())
YEARS = Interval(1800, 2999)
MAX_VALUES = 200

#: 方式 in which a table gives one of its cells as it is.
PLAIN_MODES = ("唯一", "首个")


@dataclass(frozen=True, slots=True)
class Extent:
    """Interval and digits after the point (negative: whole tens …; None: no end) of one name."""

    interval: Interval
    digits: int | None


ANYTHING = Extent(ALL, None)


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
        return ANYTHING
    low, high = (whole(limit) for limit in decl.range or (None, None))
    written = Interval(-inf if low is None else low, inf if high is None else high)
    digits = 0 if decl.integer or isinstance(kind, DateT) else decl.decimals
    return Extent(meet(DAYS, written) if isinstance(kind, DateT) else written, digits)


def values_extent(values: list[Number]) -> Extent:
    return Extent(hull(map(point, values)), most_digits(map(digits_of, values)))


def param_values(decl: ParamDecl) -> list[Number]:
    """Every number (or day) a parameter ever has."""
    dated = [*decl.values, *(value for _, value in decl.by_year or ())]
    return [value for value in (whole(entry.value) for entry in dated) if value is not None]


class Origins:
    """Where the columns, cells and limits of one program come from."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._columns: dict[int, FieldDecl | None] = {}
        for formula in formulas(program):
            if any(isinstance(node, tree.Column) for node in tree.walk(formula.expr)):
                self._scan(formula.expr, ())

    def column(self, node: tree.Column) -> Extent:
        """What a column, 值 or 年份 can be where it stands."""
        if node.name == "年份":
            return Extent(YEARS, 0)
        decl = self._columns.get(id(node))
        return field_extent(decl) if decl else ANYTHING

    def item(self, source: tree.Expr) -> Extent:
        """What one year's value of a series can be."""
        decl = self._field(source)
        return field_extent(decl) if decl else ANYTHING

    def cells(self, table: Table, column: str) -> list[Number]:
        """Every number in a column, a 参数 with all its values."""
        return [value for row in table.rows for value in self.constants(row.cells.get(column))]

    def limits(self, table: Table) -> list[Number]:
        """Every limit of the first key's bands."""
        bands = [part for row in table.rows for part in row.matches[0] or () if isinstance(part, Band)]
        return [value for band in bands for limit in (band.low, band.high) for value in self.constants(limit)]

    def constants(self, constant: object) -> list[Number]:
        """The numbers that a cell or limit can stand for."""
        if isinstance(constant, ParamName):
            decl = self.program.policy.params.get(constant.name)
            return param_values(decl) if decl else []
        value = whole(constant)
        return [] if value is None else [value]

    def values(self, expr: tree.Expr) -> list[Number] | None:
        """All values a formula can have, if they are few and written out."""
        found: list[Number] | None = None
        match expr:
            case tree.Const(value=value):
                found = self.constants(value)
            case tree.Param(name=name) | tree.ParamYear(name=name):
                decl = self.program.policy.params.get(name)
                found = param_values(decl) if decl else None
            case tree.Lookup(table=name, column=column) if name in self.program.tables:
                table = self.program.tables[name]
                found = self.cells(table, column) if table.decl.mode in PLAIN_MODES else None
            case tree.If(then=then, otherwise=otherwise):
                yes, no = self.values(then), self.values(otherwise)
                found = None if yes is None or no is None else yes + no
        return found if found is not None and len(found) <= MAX_VALUES else None

    def _scan(self, node: tree.Expr, scopes: tuple[Mapping[str, FieldDecl | None], ...]) -> None:
        match node:
            case tree.Column(name=name):
                self._columns[id(node)] = next((s[name] for s in reversed(scopes) if name in s), None)
            case tree.Aggregate(source=source) | tree.Select(source=source) | tree.Run(source=source):
                self._scan(source, scopes)
                for part in tree.children(node)[1:]:
                    self._scan(part, (*scopes, self._columns_of(source)))
            case tree.FirstDay(field=name, condition=condition):
                self._scan(condition, (*scopes, {"值": self.program.policy.fields.get(name)}))
            case _:
                for part in tree.children(node):
                    self._scan(part, scopes)

    def _columns_of(self, source: tree.Expr) -> Mapping[str, FieldDecl | None]:
        decl = self._field(source)
        if decl is None:
            return {}
        if isinstance(decl.type, SeriesT):
            return {"值": decl, "年份": None}
        return {column.name: column for column in decl.columns}

    def _field(self, source: tree.Expr, depth: int = 0) -> FieldDecl | None:
        """The field that a series or rows come from."""
        match source:
            case tree.Field(name=name):
                return self.program.policy.fields.get(name)
            case tree.Select(source=inner):
                return self._field(inner, depth)
            case tree.Rule(name=name) if depth < 100 and name in self.program.rules:
                return self._field(self.program.rules[name].formula, depth + 1)
        return None
