"""The typed tree: formulas with every name resolved, the one thing that all readers (interpreter, SQL, words) read.

Every node has its type and its span in the formula's text. A reader is one pass over these classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.source import Span
from engine.types import EnumT, Type


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    type: Type
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Const(_Typed):
    """A literal: int, Fraction, date, bool, or str (text or enum member)."""

    value: Any


@dataclass(frozen=True, slots=True)
class OutcomeConst(_Typed):
    """A branch that is 不适用 or 信息不足."""

    word: str


@dataclass(frozen=True, slots=True)
class AsOf(_Typed):
    """计算日."""


@dataclass(frozen=True, slots=True)
class Field(_Typed):
    """A fact of the record, or of its unit."""

    name: str


@dataclass(frozen=True, slots=True)
class Param(_Typed):
    """A 参数 on the law's day."""

    name: str


@dataclass(frozen=True, slots=True)
class ParamYear(_Typed):
    """A 逐年 参数 at a year."""

    name: str
    year: Expr


@dataclass(frozen=True, slots=True)
class Rule(_Typed):
    name: str


@dataclass(frozen=True, slots=True)
class Reading(_Typed):
    """The value of a 口径: of its chosen formula, or the chosen reading's name."""

    name: str


@dataclass(frozen=True, slots=True)
class GroundsTrue(_Typed):
    """Whether any ground of a 情形 holds."""

    name: str


@dataclass(frozen=True, slots=True)
class Group(_Typed):
    """The figure of the record's (or group's) own group, of a 分配 the own share."""

    name: str


@dataclass(frozen=True, slots=True)
class Use(_Typed):
    """A result of another policy."""

    alias: str
    name: str


@dataclass(frozen=True, slots=True)
class Column(_Typed):
    """A 记录's column, 值 or 年份, inside an aggregate; `depth` 0 is the innermost aggregate."""

    name: str


@dataclass(frozen=True, slots=True)
class Lookup(_Typed):
    """A table's figure; `column` is "" for a table of one figure."""

    table: str
    keys: tuple[Expr, ...]
    column: str


@dataclass(frozen=True, slots=True)
class YearOf(_Typed):
    """A series at a year."""

    series: Expr
    year: Expr


@dataclass(frozen=True, slots=True)
class Negate(_Typed):
    operand: Expr


@dataclass(frozen=True, slots=True)
class Arith(_Typed):
    op: Literal["+", "-", "*", "/"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare(_Typed):
    """`order` is the enum whose ranks decide, or None."""

    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr
    order: EnumT | None


@dataclass(frozen=True, slots=True)
class And(_Typed):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or(_Typed):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not(_Typed):
    operand: Expr


@dataclass(frozen=True, slots=True)
class Among(_Typed):
    operand: Expr
    members: tuple[Expr, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class If(_Typed):
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Call(_Typed):
    """A plain function of values (`engine.expr.functions`): strict in every argument."""

    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Extreme(_Typed):
    """取大 or 取小."""

    largest: bool
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Aggregate(_Typed):
    """次数 合计 最大 最小 平均 over a 来源; `value` is None for 次数, `condition` None for all."""

    function: str
    source: Expr
    value: Expr | None
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Members(_Typed):
    """人数 合计 个数 最大 最小 平均 over the members of a group."""

    function: str
    value: Expr | None
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Select(_Typed):
    """选取: the part of a series or of rows that meets the condition."""

    source: Expr
    condition: Expr


@dataclass(frozen=True, slots=True)
class Latest(_Typed):
    """最近: the value of the last year present."""

    source: Expr


@dataclass(frozen=True, slots=True)
class Run(_Typed):
    """连续 段数 滚动段数; `length` None for 连续; `first_year` only for 段数."""

    function: str
    source: Expr
    condition: Expr
    length: Expr | None
    first_year: Expr | None


@dataclass(frozen=True, slots=True)
class OnDay(_Typed):
    """取值: a field on another day."""

    field: str
    day: Expr


@dataclass(frozen=True, slots=True)
class FirstDay(_Typed):
    """首日: the first day on which the condition over 值 holds."""

    field: str
    condition: Expr


@dataclass(frozen=True, slots=True)
class Probe(_Typed):
    """有值 适用于 缺省 不适用时: functions of an outcome."""

    function: str
    operand: Expr
    fallback: Expr | None


Expr = (
    Const
    | OutcomeConst
    | AsOf
    | Field
    | Param
    | ParamYear
    | Rule
    | Reading
    | GroundsTrue
    | Group
    | Use
    | Column
    | Lookup
    | YearOf
    | Negate
    | Arith
    | Compare
    | And
    | Or
    | Not
    | Among
    | If
    | Call
    | Extreme
    | Aggregate
    | Members
    | Select
    | Latest
    | Run
    | OnDay
    | FirstDay
    | Probe
)


def children(node: Expr) -> tuple[Expr, ...]:
    """The parts of a node, left to right."""
    match node:
        case ParamYear(year=year):
            return (year,)
        case Lookup(keys=keys):
            return keys
        case YearOf(series=series, year=year):
            return (series, year)
        case Negate(operand=x) | Not(operand=x):
            return (x,)
        case Arith(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case And(items=items) | Or(items=items):
            return items
        case Among(operand=operand, members=members):
            return (operand, *members)
        case If(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Call(args=args) | Extreme(args=args):
            return args
        case Aggregate(source=source, value=value, condition=condition):
            return tuple(x for x in (source, value, condition) if x is not None)
        case Members(value=value, condition=condition):
            return tuple(x for x in (value, condition) if x is not None)
        case Select(source=source, condition=condition):
            return (source, condition)
        case Latest(source=source):
            return (source,)
        case Run(source=source, condition=condition, length=length, first_year=first_year):
            return tuple(x for x in (source, condition, length, first_year) if x is not None)
        case OnDay(day=day):
            return (day,)
        case FirstDay(condition=condition):
            return (condition,)
        case Probe(operand=operand, fallback=fallback):
            return (operand,) if fallback is None else (operand, fallback)
    return ()


def walk(root: Expr) -> list[Expr]:
    """Every node of a tree, parents before children."""
    found: list[Expr] = []
    pending = [root]
    while pending:
        node = pending.pop()
        found.append(node)
        pending.extend(reversed(children(node)))
    return found
