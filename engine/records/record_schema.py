"""A policy's 字段 as JSON Schema (Draft 2020-12) of one record, for editors to complete and check rosters by.

It says what the typed reader says, but for what a schema cannot see: days that are on no calendar, check characters,
facts given twice, 对照, the 范围 of dates (and of numbers written as texts, unless its ends are whole and not negative),
how a JSON number is written (decimals, exponents, its length), numbers of more than 40 digits: there it accepts more.
Headings, words and 格式 in forms that are equal only by NFKC it takes in half and full width, the reader in any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, assert_never

from engine.names import normalize
from engine.policy import FieldDecl, Policy
from engine.records.formats import FORMS, MOBILE
from engine.records.schema_numbers import D, number_pattern
from engine.records.typed import FORBIDDEN, SAFE_DIGITS, member_words
from engine.types import AnyT, BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, TextT, Type, describe
from engine.values import Number, format_number

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
BLANK = r"^\s*$"
_YEAR = f"(?:[1１][8-9８-９]|[2２]{D}){D}{D}"
_MONTH, _DAY = (
    "(?:[0０]?[1-9１-９]|[1１][0-2０-２])",
    f"(?:[0０]?[1-9１-９]|[12１２]{D}|[3３][01０１])",
)
_DATE = (
    f"{_YEAR}(?:[-－]{_MONTH}[-－]{_DAY}|[/／]{_MONTH}[/／]{_DAY}|[.．]{_MONTH}[.．]{_DAY}"
    f"|年{_MONTH}月{_DAY}日)"
)
_PARTS = "、,，;；\\n"


def record_schema(policy: Policy) -> Schema:
    """One record of a roster. Columns that no field reads are allowed: the reader warns of them once."""
    properties: Schema = {}
    wide: Schema = {}
    for decl in policy.fields.values():
        words = dict.fromkeys((decl.name, *map(normalize, decl.headings)))
        schema = field_schema(decl, decl.name == policy.meta.identifier)
        for word in words:
            properties.setdefault(word, schema)
        if isinstance(decl.type, SeriesT):
            named = "|".join(map(re.escape, words))
            wide[f"^(?:1[89]|2[0-9])[0-9]{{2}}(?:年度|年)?(?:{named})$"] = {
                "description": f"一年的{decl.name}",
                "anyOf": cell_forms(decl, decl.type.item),
            }
    return {
        "$schema": DIALECT,
        "title": f"{policy.meta.title}：名册的一条记录",
        "description": f"按政策 {policy.meta.id} 的字段生成；空白和 null 表示没有填写",
        "type": "object",
        "properties": properties,
        "patternProperties": wide,
        "required": _required(policy),
        "$defs": {
            "blank": {"type": "string", "pattern": BLANK},
            "date": {"pattern": rf"^\s*{_DATE}\s*$"},
            "year": {"pattern": rf"^\s*{_YEAR}年?\s*$"},
        },
    }


def _required(policy: Policy) -> list[str]:
    """The 标识, unless it may stand under another heading."""
    decl = policy.fields.get(policy.meta.identifier)
    return [decl.name] if decl is not None and not decl.headings else []


def field_schema(decl: FieldDecl, is_id: bool = False) -> Schema:
    """A field in every way it may be written: undated, by date, by year, as rows."""
    found: Schema = {"description": description(decl)}
    match decl.type:
        case SeriesT(item):
            years = {
                "type": "object",
                "propertyNames": {"$ref": "#/$defs/year"},
                "additionalProperties": {"anyOf": cell_forms(decl, item)},
            }
            found["anyOf"] = [*_missing(), years]
        case RecordsT():
            found["anyOf"] = [*_missing(), *_rows(decl)]
        case _ if is_id:
            found["anyOf"] = [
                form | {"allOf": [{"pattern": r"\S"}]} if form.get("type") == "string" else form
                for form in cell_forms(decl, decl.type)[2:]
            ]
        case _:
            cell = cell_forms(decl, decl.type)
            dated = {
                "type": "object",
                "description": "按日期填写，每个值从那一天起有效",
                "propertyNames": {"$ref": "#/$defs/date"},
                "additionalProperties": {"anyOf": cell},
            }
            found["anyOf"] = [*cell, dated]
    return found


def _missing() -> list[Schema]:
    return [{"type": "null"}, {"$ref": "#/$defs/blank"}]


def _rows(decl: FieldDecl) -> list[Schema]:
    """记录: a list of mappings; with one column also of single cells, or one text."""
    columns: Schema = {}
    for column in decl.columns:
        for word in dict.fromkeys((column.name, *map(normalize, column.headings))):
            columns.setdefault(
                word, {"description": description(column), "anyOf": cell_forms(column, column.type)}
            )
    row: Schema = {"type": "object", "properties": columns}
    if len(decl.columns) != 1:
        return [{"type": "array", "items": row}]
    only = decl.columns[0]
    part = rf"\s*(?:{word_pattern(only, only.type, f'[^{FORBIDDEN}{_PARTS}]*')})?\s*"
    return [
        {"type": "array", "items": {"anyOf": [*cell_forms(only, only.type), row]}},
        {"type": "string", "pattern": f"^{part}(?:[{_PARTS}]{part})*$"},
    ]


def cell_forms(decl: FieldDecl, kind: Type) -> list[Schema]:
    """The ways of writing one cell; the first two are the ways of leaving it out."""
    text: Schema = {"type": "string", "pattern": rf"^\s*(?:{word_pattern(decl, kind)})\s*$"}
    match kind:
        case EnumT(members):
            words = list(dict.fromkeys((*members, *(alias for alias, _ in decl.aliases))))
            figures = [int(word) for word in words if word.isdecimal() and str(int(word)) == word]
            return [*_missing(), {"enum": [*words, *figures]}, text]
        case NumberT():
            number: Schema = {"type": "integer" if decl.integer else "number"}
            low, high = decl.range or (None, None)
            number |= {} if low is None else {"minimum": _figure(low)}
            number |= {} if high is None else {"maximum": _figure(high)}
            return [*_missing(), number, text]
        case BoolT():
            return [*_missing(), {"type": "boolean"}, {"enum": ["是", "否"]}, text]
        case DateT():
            return [*_missing(), text]
        case TextT():
            most = 10**SAFE_DIGITS - 1
            ends = {"": (-most, most), MOBILE: (13 * 10**9, 2 * 10**10 - 1)}.get(decl.format)
            number = {"type": "number", "minimum": ends[0], "maximum": ends[1]} if ends else {}
            return [*_missing(), text, *([number] if number else [])]
        case AnyT() | SeriesT() | RecordsT():
            return [*_missing(), text]
    assert_never(kind)


def word_pattern(decl: FieldDecl, kind: Type, free: str = f"[^{FORBIDDEN}]*") -> str:
    """A cell as text without surrounding blanks; `free` is any text."""
    match kind:
        case EnumT():
            return "|".join(map(_either_width, member_words(kind, decl.aliases)))
        case NumberT():
            return number_pattern(decl.range or (None, None), decl.decimals)
        case BoolT():
            return f"是|否|{_any_case('true')}|{_any_case('false')}"
        case DateT():
            return _DATE
        case TextT() if decl.format:
            return _form(FORMS[decl.format])
    return free


def _either_width(word: str) -> str:
    """A word with every character in either width."""
    return "".join(
        f"[{re.escape(char)}{chr(ord(char) + 0xFEE0)}]" if "!" <= char <= "~" else re.escape(char)
        for char in word
    )


def _any_case(word: str) -> str:
    return "".join(
        f"[{char}{char.upper()}{chr(ord(char) + 0xFEE0)}{chr(ord(char.upper()) + 0xFEE0)}]" for char in word
    )


def _form(form: tuple[tuple[str, int], ...]) -> str:
    """The characters of a 格式 in either width, letters of either case."""
    found = ""
    for chars, count in form:
        cases = dict.fromkeys((chars, chars.lower()))
        inside = "".join(dict.fromkeys((*cases, *map(_widened, cases))))
        found += f"[{inside}]{{{count}}}"
    return found


def _widened(chars: str) -> str:
    return "".join(char if char == "-" else chr(ord(char) + 0xFEE0) for char in chars)


def _figure(end: Number | date) -> int | float:
    """A limit as a JSON number."""
    assert not isinstance(end, date)
    return end if isinstance(end, int) else float(end)


def description(decl: FieldDecl) -> str:
    """What an editor shows of a field."""
    parts = [type_words(decl)]
    if decl.aliases:
        parts.append("也可写 " + "、".join(f"{alias}（{member}）" for alias, member in decl.aliases))
    if decl.headings:
        parts.append("列名也可写 " + "、".join(decl.headings))
    if decl.yearly:
        parts.append("属于数据日期所在的年度")
    if decl.owner:
        parts.append(f"属于{decl.owner}，同一{decl.owner}只有一个值")
    if decl.provider:
        parts.append(f"由{decl.provider}提供")
    if decl.article:
        parts.append(decl.article)
    if decl.note:
        parts.append(" ".join(decl.note.split()))
    return "；".join(parts)


def type_words(decl: FieldDecl) -> str:
    if isinstance(decl.type, EnumT):
        return "选项：" + "、".join(decl.type.members)
    if isinstance(decl.type, RecordsT):
        return "记录，栏目：" + "、".join(column.name for column in decl.columns)
    if isinstance(decl.type, SeriesT) and isinstance(decl.type.item, EnumT):
        return "逐年填写，选项：" + "、".join(decl.type.item.members)
    words = decl.format or ("整数" if decl.integer else describe(decl.type))
    if isinstance(decl.type, NumberT) and decl.decimals and not decl.integer:
        words += f"，最多 {decl.decimals} 位小数"
    return words + _range_words(decl.range or (None, None))


def _range_words(ends: Iterable[Number | date | None]) -> str:
    low, high = (
        None if end is None else end.isoformat() if isinstance(end, date) else format_number(end)
        for end in ends
    )
    if low is None and high is None:
        return ""
    if low is None or high is None:
        return f"，不小于 {low}" if high is None else f"，不大于 {high}"
    return f"，{low} 到 {high}"
