"""A compiled formula: the SQL of its value, of the reason why it does not apply, and of what is missing.

    value    `sql`, NULL unless there is one; a number is sql / (den × over)
    不适用    `na`, the number of its reason, NULL unless it is so; "" if it never is
    信息不足  neither; `facts` gives the SQL list of what is missing (NULL or empty unless it is so), None if nothing ever is

Bounds are of the whole number in `sql`; what would need more than 38 digits is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.expr import tree
from engine.policy import Policy
from engine.types import EnumT, Type
from engine.values import Number


class Nothing:
    """The type of `NOTHING`, which stands where there is no constant."""

    __slots__ = ()


NOTHING = Nothing()
Facts = Callable[[], str] | None


#: The number of a row of a 记录 from 1, kept in the row.
NUMBER = "·第"


@dataclass(frozen=True, slots=True)
class Pack:
    """A series of few members as whole numbers with one bit a year: that of `year` lowest, older years above it.

    A year's member is its rank + 1, whose bits are that year's in `planes`, the lowest first; 0 where there is none.
    `present` has the bits of the years that hold something. Valid where `fits`; `rest` is the list of the series that do
    not fit, `written` the text of the whole list, for where it is rarely needed.
    """

    year: int
    years: int
    planes: tuple[str, ...]
    present: str
    fits: str
    rest: str
    written: str

    @property
    def every(self) -> int:
        """The bits of all years."""
        return (1 << self.years) - 1


@dataclass(frozen=True, slots=True)
class Term:
    kind: Type
    sql: str
    na: str = ""
    facts: Facts = None
    den: int = 1
    over: str = ""
    low: int = 0
    high: int = 0
    over_high: int = 1
    const: Any = NOTHING
    pack: Pack | None = None
    name: str = ""
    #: `na` as far as 适用 alone gives it
    closed: str = ""
    #: the 字段 whose rows these are, if each has its number in it (`NUMBER`)
    rows_of: str = ""

    @property
    def is_const(self) -> bool:
        return self.const is not NOTHING

    @property
    def open(self) -> bool:
        """Whether it may be 信息不足."""
        return self.facts is not None

    @property
    def sure(self) -> bool:
        """Whether it always has a value."""
        return self.facts is None and not self.na

    @property
    def value(self) -> Number:
        """A constant number."""
        found: Number = self.const
        return found

    def outcome(self, na: str = "", facts: Facts = None) -> Term:
        return replace(self, na=na, facts=facts, const=NOTHING if na or facts else self.const)


class CannotCompile(Exception):
    """A construct that has no exact form in SQL; caught where the statement is made, and told with its place."""

    def __init__(self, said: str, hint: str = "", node: tree.Expr | None = None) -> None:
        super().__init__(said)
        self.said, self.hint, self.node = said, hint, node
        self.place: Place | None = None


def told_uncompiled(policy: Policy, error: CannotCompile) -> Diagnostic:
    """E793: a construct without an exact form in SQL."""
    place = error.place or Place(policy.source.name)
    return Diagnostic(
        "E793", f"{error.said}，不能批量计算", place, error.hint or "请用 --engine interpreter 逐人计算"
    )


def same_members(one: Type, two: Type) -> bool:
    """Whether two enums number their members alike."""
    return isinstance(one, EnumT) and isinstance(two, EnumT) and one.members == two.members


def ordinal(day: date) -> int:
    return day.toordinal()


def parts_of(number: Number) -> tuple[int, int]:
    fraction = Fraction(number)
    return fraction.numerator, fraction.denominator
