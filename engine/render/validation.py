"""What a spreadsheet lets be typed into the cells of a field: drop-down lists, ranges, decimals, with Chinese prompts.

A cell that passes is read without a diagnostic; what only the reader sees (check characters, 对照) is left to it.
"""

from __future__ import annotations

from datetime import date
from typing import Any, assert_never

from engine.policy import FieldDecl
from engine.records.formats import FORMS
from engine.records.record_schema import type_words
from engine.render.sheet_writer import FIRST_DAY, SAFE_DIGITS
from engine.types import AnyT, BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, TextT, Type
from engine.values import Number, format_number

Options = dict[str, Any]

#: The limits of the file format: titles, messages, and a list written in place.
TITLE, MESSAGE, LIST = 32, 255, 255
LAST_DAY = date(2999, 12, 31)
_MOST = 10**SAFE_DIGITS - 1


def options_of(decl: FieldDecl, kind: Type, first: str, lists: dict[tuple[str, ...], str]) -> Options:
    """The validation of a column whose first cell is `first`; `lists` has the places of lists too long to stand here."""
    said = _said(decl, kind)
    messages = {
        "input_title": decl.name[:TITLE],
        "input_message": said[:MESSAGE],
        "error_title": "请改正"[:TITLE],
        "error_message": f"「{decl.name}」：{said}"[:MESSAGE],
    }
    return _rule(decl, kind, first, lists) | messages


def _said(decl: FieldDecl, kind: Type) -> str:
    """What may stand in a cell."""
    match kind:
        case BoolT():
            return "填 是 或 否"
        case DateT():
            return type_words(decl) if decl.type == kind else "日期" + "，写作 2021-05-27"
        case EnumT(members):
            return "从列表中选：" + "、".join(members)
    return type_words(decl)


def _rule(decl: FieldDecl, kind: Type, first: str, lists: dict[tuple[str, ...], str]) -> Options:
    match kind:
        case EnumT(members):
            return {"validate": "list", "source": lists.get(members) or list(members)}
        case BoolT():
            return {"validate": "list", "source": ["是", "否"]}
        case DateT():
            low, high = decl.range or (None, None)
            first_day = max(low, FIRST_DAY) if isinstance(low, date) else FIRST_DAY
            last_day = high if isinstance(high, date) else LAST_DAY
            return {"validate": "date", "criteria": "between", "minimum": first_day, "maximum": last_day}
        case NumberT():
            return _number(decl, first)
        case TextT() if decl.format:
            count = sum(length for _, length in FORMS[decl.format])
            return {"validate": "custom", "value": f"=LEN({first})={count}"}
        case TextT() | AnyT() | SeriesT() | RecordsT():
            return {"validate": "any"}
    assert_never(kind)


def _number(decl: FieldDecl, first: str) -> Options:
    low, high = (end if not isinstance(end, date) else None for end in decl.range or (None, None))
    if decl.integer:
        return {"validate": "integer", **_between(low, high)}
    if decl.decimals is None:
        return {"validate": "decimal", **_between(low, high)}
    parts = [f"ISNUMBER({first})", f"ROUND({first},{decl.decimals})={first}"]
    parts += [f"{first}>={_written(low)}"] if low is not None else []
    parts += [f"{first}<={_written(high)}"] if high is not None else []
    return {"validate": "custom", "value": f"=AND({','.join(parts)})"}


def _between(low: Number | None, high: Number | None) -> Options:
    """Open ends at 15 digits, which is what a spreadsheet holds."""
    return {
        "criteria": "between",
        "minimum": _limit(-_MOST if low is None else low),
        "maximum": _limit(_MOST if high is None else high),
    }


def _limit(end: Number) -> int | float:
    return end if isinstance(end, int) else float(end)


def _written(end: Number) -> str:
    text = format_number(end)
    return text if "/" not in text else f"({text})"


def needs_place(members: tuple[str, ...]) -> bool:
    """Whether a list of options is too long, or holds a comma, to be written into the validation itself."""
    return len(",".join(members).encode("utf-16-le")) // 2 > LIST or any(
        "," in word or '"' in word for word in members
    )
