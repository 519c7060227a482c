"""One value as text and as JSON, by its declared type (the JSON contract of the command line).

Money is a string with two decimals, whole numbers are integers, other numbers the shortest exact decimal
or 「p/q」.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from engine.types import NumberT, SeriesT, Type
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown, exact, format_number

NOT_APPLICABLE, UNKNOWN = "—", "？"


def is_money(kind: Type | None) -> bool:
    return isinstance(kind, NumberT) and kind.unit.is_money


def json_value(value: Any, kind: Type | None) -> Any:
    """A value (no 不适用 or 信息不足) for JSON; a missing cell of a 记录 is null."""
    if isinstance(value, Fraction) or (isinstance(value, int) and not isinstance(value, bool)):
        number = exact(value)
        if is_money(kind):
            return format_number(number, 2)
        return number if isinstance(number, int) else format_number(number)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Grounds):
        return list(value.holding)
    if isinstance(value, Series):
        item = kind.item if isinstance(kind, SeriesT) else None
        return {str(year): json_value(part, item) for year, part in value.items}
    if isinstance(value, Rows):
        return [{name: json_value(cell, None) for name, cell in row.items()} for row in value.rows]
    if isinstance(value, (NotApplicable, Unknown)):
        return None
    return value


def text_value(value: Any, kind: Type | None = None) -> str:
    """Any outcome as an officer reads it: — 不适用, ？ 信息不足."""
    if value is None or isinstance(value, Unknown):
        return UNKNOWN
    if isinstance(value, NotApplicable):
        return NOT_APPLICABLE
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, (int, Fraction)):
        return format_number(exact(value), 2 if is_money(kind) else None)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Grounds):
        held = "、".join(f"（{label}）" for label in value.holding)
        return held + (UNKNOWN if value.open else "") if held or value.open else "无"
    if isinstance(value, Series):
        item = kind.item if isinstance(kind, SeriesT) else None
        return "、".join(f"{year} {text_value(part, item)}" for year, part in value.items) or "无"
    if isinstance(value, Rows):
        return f"{len(value.rows)} 行"
    return str(value)
