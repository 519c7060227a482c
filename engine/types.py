"""Types of values, and when one may stand for another. No values, no positions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from engine.units import BARE, Unit


@dataclass(frozen=True, slots=True)
class BoolT:
    pass


@dataclass(frozen=True, slots=True)
class NumberT:
    unit: Unit = BARE


@dataclass(frozen=True, slots=True)
class DateT:
    pass


@dataclass(frozen=True, slots=True)
class TextT:
    pass


@dataclass(frozen=True, slots=True)
class EnumT:
    """Members in order, low to high when `ordered`; `name` is for messages only."""

    members: tuple[str, ...]
    ordered: bool = False
    name: str = field(default="", compare=False)

    def rank(self, member: str) -> int:
        return self.members.index(member)


@dataclass(frozen=True, slots=True)
class SeriesT:
    """Year → item."""

    item: Type


@dataclass(frozen=True, slots=True)
class RecordsT:
    """Rows of named columns."""

    columns: tuple[tuple[str, Type], ...]

    def column(self, name: str) -> Type | None:
        return dict(self.columns).get(name)


@dataclass(frozen=True, slots=True)
class AnyT:
    """The type of what could not be checked, and of a branch 不适用 or 信息不足: it fits everywhere."""


Type = BoolT | NumberT | DateT | TextT | EnumT | SeriesT | RecordsT | AnyT

BOOL, DATE, TEXT, ANYTYPE = BoolT(), DateT(), TextT(), AnyT()


def describe(kind: Type) -> str:
    """How a message calls a type."""
    match kind:
        case BoolT():
            return "是否"
        case NumberT(unit):
            return "数" if unit.is_bare or unit.top == "*" else f"数（{unit}）"
        case DateT():
            return "日期"
        case TextT():
            return "文字"
        case EnumT(members, _, name):
            return (
                f"选项「{name}」"
                if name
                else f"选项（{'、'.join(members[:6])}{'…' if len(members) > 6 else ''}）"
            )
        case SeriesT(item):
            return f"逐年的{describe(item)}"
        case RecordsT():
            return "记录"
        case AnyT():
            return "任意"
    assert_never(kind)
