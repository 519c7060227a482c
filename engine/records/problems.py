"""One function per mistake in a roster: code, sentence, advice. Places are added by `engine.records.reader`.

E701 a file, E702 a value, E703 and E704 the 标识, E705 the shape of a row, E706 a number that contradicts itself or
another field, W801 a column that no field reads. What only workbooks have is in `engine.records.workbook_problems`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.names import suggest
from engine.values import Number, format_number

DATE_HINT = "日期写作 2021-05-27、2021/5/27、2021.5.27 或 2021年5月27日"
SUPPORTED = "现在支持 Excel 工作簿（.xlsx、.xls）、.ods、CSV（.csv）、JSON（.json）和 YAML（.yaml）"
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Bad:
    """Why a raw cell is no value of its field; `said` goes on after the field's name."""

    code: str
    said: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a record or file; `where` is its locator within the record, `related` other rows."""

    code: str
    said: str
    hint: str = ""
    where: str = ""
    related: tuple[int, ...] = ()


def quoted(raw: Any) -> str:
    """A raw cell in 「」, on one line and cut; groups of values are not spelt out."""
    if isinstance(raw, dict | list):
        return "一组值"
    if raw is None:
        return "空值"
    word = ("true" if raw else "false") if isinstance(raw, bool) else str(raw)
    text = " ".join(word[: 4 * _LONGEST].split())
    return f"「{text[:_LONGEST]}{'…' if len(text) > _LONGEST else ''}」"


def closest(wrong: str, known: Iterable[str]) -> str:
    """是否想写…, for words short enough to be a slip."""
    return suggest(wrong, known) if len(wrong) <= _LONGEST else ""


def listed(words: Sequence[str]) -> str:
    return "、".join(words[:12]) + ("…" if len(words) > 12 else "")


def of(bad: Bad, label: str) -> Problem:
    """The problem of a cell under its heading."""
    return Problem(bad.code, f"「{label}」{bad.said}", bad.hint, label)


# --- E701 files


def bad_file(place: Place, message: str, hint: str = "") -> Diagnostic:
    """E701: a file that cannot be read as a roster at all."""
    return Diagnostic("E701", message, place, hint)


def unsupported(name: str, suffix: str) -> Diagnostic:
    """E701: a kind of file that has no reader."""
    fact = f"暂不能读取 {suffix} 名册" if suffix else "文件名没有后缀，不知道是哪一种名册"
    spreadsheet = suffix in (".xlsm", ".xlsb", ".et", ".ett", ".numbers")
    return bad_file(Place(name), fact, f"{SUPPORTED}" + ("；请另存为 .xlsx" if spreadsheet else ""))


def shape_of_file(fact: str = "") -> Problem:
    return Problem(
        "E701",
        fact or "名册应为记录的列表",
        "写成记录的列表，或 {数据日期: …, 记录: [...], 单位: {...}}；只有一条时可以直接写这条记录",
    )


def no_records() -> Problem:
    return Problem("E701", "名册里没有记录")


def bad_data_date(raw: Any) -> Problem:
    return Problem("E701", f"「数据日期」的值{quoted(raw)}不是日期", DATE_HINT, "数据日期")


def one_field_twice(first: str, second: str) -> str:
    """Two headings of a table that are one column."""
    if first == second:
        return f"列名{quoted(first)}写了两次"
    return f"列{quoted(first)}和{quoted(second)}是同一个字段"


# --- E702 values


def not_member(raw: Any, members: Sequence[str], words: Iterable[str]) -> Bad:
    hint = closest(str(raw), words) if isinstance(raw, str) else ""
    return Bad("E702", f"的值{quoted(raw)}不在选项之中", f"{hint}可填：{listed(members)}")


def not_flag(raw: Any) -> Bad:
    return Bad("E702", f"的值{quoted(raw)}不是「是」或「否」", "填 是 或 否（true、false 也可以）")


def not_date(raw: Any, shaped: bool) -> Bad:
    fact = "不是日历上的日期" if shaped else "不是日期"
    return Bad("E702", f"的值{quoted(raw)}{fact}", _serial_hint(str(raw).strip()) or DATE_HINT)


def _serial_hint(text: str) -> str:
    """A day that a spreadsheet has turned into its number since 1900."""
    if not (len(text) == 5 and text.isascii() and text.isdigit() and 20_000 <= int(text) <= 80_000):
        return ""
    day = date(1899, 12, 30) + timedelta(days=int(text))
    return f"像是电子表格的日期序号，即 {day}；请把单元格设为日期格式，或写成 {day}"


def day_cell(raw: str) -> Bad:
    """A real date in a column that holds no dates: a code or number that a spreadsheet took for a date."""
    return Bad("E702", f"的单元格是日期（{raw}），这一列不是日期", "请把单元格设为文本或常规格式，重新填写")


def not_number(raw: Any, whole: bool) -> Bad:
    """A cell that is no number, with what seems to be meant."""
    text = str(raw) if isinstance(raw, str) else ""
    hint = "写作 12" if whole else "写作 12 或 0.5"
    if (
        any(mark in text for mark in ",，")
        and text.replace(",", "").replace("，", "").replace(".", "").isdecimal()
    ):
        return Bad("E702", f"的值{quoted(raw)}含有千位分隔符", "请去掉逗号，只写数字")
    if text.rstrip().endswith(("%", "％")):
        return Bad("E702", f"的值{quoted(raw)}是百分数，应为数", "请写成小数，如 0.2")
    if text[:1].isdigit() and "e" in text.lower():
        return Bad("E702", f"的值{quoted(raw)}是科学计数法", "请写出全部数字")
    if text[:1].isdigit() and not text[-1:].isdigit():
        hint += "，不写单位"
    return Bad("E702", f"的值{quoted(raw)}不是{'整数' if whole else '数'}", hint)


def too_long(raw: Any, digits: int) -> Bad:
    return Bad("E702", f"的值{quoted(raw)}超过 {digits} 位数字")


def too_fine(raw: Any, decimals: int) -> Bad:
    return Bad("E702", f"的值{quoted(raw)}多于 {decimals} 位小数", f"最多 {decimals} 位小数")


def out_of_range(raw: Any, low: Number | date | None, high: Number | date | None) -> Bad:
    first, last = (("" if end is None else limit(end)) for end in (low, high))
    if low is None or high is None:
        fact = f"小于 {first}" if high is None else f"大于 {last}"
        hint = f"应不小于 {first}" if high is None else f"应不大于 {last}"
        return Bad("E702", f"的值{quoted(raw)}{fact}", hint)
    return Bad("E702", f"的值{quoted(raw)}不在 {first} 到 {last} 之间")


def limit(end: Number | date) -> str:
    return end.isoformat() if isinstance(end, date) else format_number(end)


def unreadable_character(raw: Any, char: str) -> Bad:
    return Bad("E702", f"的值含有不允许的字符 U+{ord(char):04X}", "请删去这个字符，或重新录入这一项")


def number_for_text(raw: Any) -> Bad:
    return Bad("E702", f"的值{quoted(raw)}是数，位数可能已经丢失", "请写成文字，加上引号")


def not_text(raw: Any) -> Bad:
    return Bad("E702", f"的值{quoted(raw)}不是文字", "请加上引号")


def wrong_form(raw: Any, what: str, form: str) -> Bad:
    return Bad("E702", f"的值{quoted(raw)}不是{what}", f"{what}是{form}")


def not_year(label: str, raw: Any) -> Problem:
    return Problem("E702", f"「{label}」里的{quoted(raw)}不是年份", "年份写作 2023", label)


def not_since(label: str, raw: Any) -> Problem:
    return Problem("E702", f"「{label}」里的{quoted(raw)}不是日期", f"按日期填写时，{DATE_HINT}", label)


# --- E703, E704 the 标识


def id_twice(name: str, raw: str, others: Sequence[int], noun: str) -> Problem:
    rows = "、".join(f"第 {row} {noun}" for row in others[:5]) + (" 等" if len(others) > 5 else "")
    return Problem(
        "E703", f"「{name}」{quoted(raw)}重复，另见{rows}", "重复的记录都没有计算", name, tuple(others[:5])
    )


def id_missing(name: str) -> Problem:
    return Problem("E704", f"没有填「{name}」", f"每条记录都要有{name}", name)


# --- E705 the shape of a row


def not_record(raw: Any) -> Problem:
    fact = f"应为一条记录，这里是{quoted(raw)}"
    return Problem("E705", fact, "一条记录写作 {字段: 值, …}")


def not_single(raw: Any) -> Bad:
    return Bad("E705", f"应为一个值，这里是{quoted(raw)}")


def not_dated(label: str) -> Problem:
    return Problem("E705", f"「{label}」不能按日期填写", "", label)


def wrong_shape(label: str, raw: Any, expected: str, hint: str = "") -> Problem:
    return Problem("E705", f"「{label}」应为{expected}，这里是{quoted(raw)}", hint, label)


def written_twice(label: str, what: str = "") -> Problem:
    return Problem("E705", f"「{label}」{what}写了两次", "请只留一个", label)


def two_columns(name: str, first: str, second: str) -> Problem:
    return Problem("E705", f"「{first}」和「{second}」都是字段「{name}」", "请只留一列", second)


def cell_count(found: int, expected: int) -> Problem:
    fact = "多于" if found > expected else "少于"
    return Problem("E705", f"有 {found} 格，{fact}表头的 {expected} 列", "请检查分隔符和引号")


# --- E706 numbers that contradict


def bad_check(raw: Any, what: str) -> Bad:
    return Bad("E706", f"的值{quoted(raw)}校验码不符", f"请核对{what}")


def bad_birth(raw: Any, digits: str) -> Bad:
    return Bad("E706", f"的值{quoted(raw)}中的出生日期「{digits}」不是日历上的日期", "请核对号码")


def disagrees(label: str, raw: str, part: str, says: str, other: str, given: str) -> Problem:
    return Problem(
        "E706",
        f"「{label}」的值{quoted(raw)}里的{part}是 {says}，「{other}」填的是 {given}",
        "请核对这两项",
        label,
    )


# --- units


def unit_twice(kind: str, unit: str) -> Problem:
    return Problem("E705", f"{kind}「{unit}」写了两次", "请合在一处", f"单位.{kind}.{unit}")


def units_differ(name: str, kind: str, unit: str, first: str, second: str, rows: tuple[int, ...]) -> Problem:
    return Problem(
        "E702",
        f"{kind}「{unit}」的「{name}」有不同的值：{first}，{second}",
        f"同一{kind}只有一个值；这一项按未填处理",
        f"单位.{kind}.{unit}.{name}",
        rows,
    )


# --- W801 what no field reads


def unknown_column(label: str, known: Iterable[str], where: str, of_what: str = "本政策的字段") -> Problem:
    return Problem("W801", f"列{quoted(label)}不是{of_what}，没有读取", closest(label, known), where)


def unnamed_column(number: int) -> Problem:
    return Problem("W801", f"第 {number} 列没有列名，没有读取", "请在表头写上列名")


def more_unknown() -> Problem:
    return Problem("W801", "不认识的列太多，其余没有列出")


def unknown_top_key(label: str) -> Problem:
    known = ("数据日期", "记录", "单位")
    return Problem(
        "W801", f"{quoted(label)}不是名册的内容，没有读取", closest(label, known), label[:_LONGEST]
    )


def unknown_unit_kind(label: str, known: Sequence[str]) -> Problem:
    hint = closest(label, known) or (f"可写：{listed(known)}" if known else "本政策没有单位的字段")
    return Problem("W801", f"{quoted(label)}不是本政策的单位，没有读取", hint, f"单位.{label[:_LONGEST]}")
