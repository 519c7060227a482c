"""A roster to be filled in, as a workbook: 花名册, a sheet for every 逐年 and 记录 field and unit, and 填写说明.

Owns the layout and the words of the guide. Filled in within its validations, it is read back without a diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.app.template import Template
from engine.policy import FieldDecl
from engine.records.raw import DATA_DATE
from engine.records.record_schema import description
from engine.records.workbook_joined import VALUE, YEARS
from engine.records.workbook_scan import column_letters
from engine.records.workbook_source import GUIDE
from engine.render.sheet_writer import FIRST_DAY, Book
from engine.render.table import clean, cut
from engine.render.validation import LAST_DAY, needs_place, options_of
from engine.source import display_width
from engine.types import DateT, EnumT, NumberT, RecordsT, SeriesT, Type

PEOPLE, LISTS = "花名册", "选项"
LAST_ROW = 1_048_575
LONGEST_NAME = 31

#: A column: heading, field, type of its cells, note of its heading.
Column = tuple[str, FieldDecl, Type, str]

_GUIDE = (
    "「{people}」一人一行，从表头下一行填起；不要改动表头，可以增删不用的列。",
    "不知道的留空：空白是「没有填写」，计算时按信息不足处理，不会当作零或「否」。",
    "号码类的列是文本格式，日期写作 2021-05-27；合计行、空行不影响读取。",
)
_JOINED = (
    "逐年、记录的工作表按标识和「{people}」对应，一人可以有多行；"
    "工作表在而某人没有行，表示这个人没有记录；还不掌握的，请把整个工作表删去。"
)


class _Sheets:
    """The sheets of one template under way."""

    def __init__(self, book: Book, template: Template) -> None:
        self.book, self.template = book, template
        self.guide: list[tuple[str, str, str]] = []
        taken = {decl.name for decl in template.policy.fields.values()}
        self.people = next(name for name in (PEOPLE, "人员", "第一表") if name not in taken)
        self.listed = next(name for name in (LISTS, "选项表", "列表") if name not in taken)
        self.lists: dict[tuple[str, ...], str] = {}
        self.formats: dict[str, Any] = {}

    def format_of(self, kind: Type) -> Any:
        match kind:
            case DateT():
                return self.book.day
            case NumberT():
                return None
        return self.book.text

    def add(self, name: str, columns: Sequence[Column], data_date: bool = False) -> None:
        """One sheet: headings with notes, formats and validations of whole columns."""
        sheet = self.book.book.add_worksheet(name[:LONGEST_NAME])
        header = 0
        if data_date:
            header = 1
            sheet.write_string(0, 0, DATA_DATE, self.book.head)
            sheet.write_blank(0, 1, None, self.book.day)
            sheet.data_validation(0, 1, 0, 1, _DATA_DATE)
            self.guide.append((name, DATA_DATE, _DATA_DATE["input_message"]))
        for at, (heading, decl, kind, note) in enumerate(columns):
            width = max(display_width(heading) + 4, 13 if isinstance(kind, DateT) else 10)
            sheet.set_column(at, at, min(width, 40), self.format_of(kind))
            sheet.write_string(header, at, heading, self.book.head)
            sheet.write_comment(header, at, cut(clean(note), 1_000), {"x_scale": 2, "y_scale": 1.5})
            first = f"{column_letters(at)}{header + 2}"
            sheet.data_validation(header + 1, at, LAST_ROW, at, options_of(decl, kind, first, self.lists))
            self.guide.append((name, heading, note))
        sheet.freeze_panes(header + 1, 1)

    def keep_lists(self, columns: Iterable[Column]) -> list[tuple[str, ...]]:
        """Lists of options that need a sheet of their own, with their places."""
        kinds = (kind for _, _, kind, _ in columns if isinstance(kind, EnumT))
        long = list(dict.fromkeys(kind.members for kind in kinds if needs_place(kind.members)))
        for at, members in enumerate(long):
            letters = column_letters(at)
            self.lists[members] = f"='{self.listed}'!${letters}$1:${letters}${len(members)}"
        return long


_DATA_DATE: dict[str, Any] = {
    "validate": "date",
    "criteria": "between",
    "minimum": FIRST_DAY,
    "maximum": LAST_DAY,
    "input_title": DATA_DATE,
    "input_message": "一年的事实（如本年的天数）属于这一天所在的年度；不填则按计算日",
    "error_title": "请改正",
    "error_message": "填日期，写作 2024-12-31",
}


def column(decl: FieldDecl, heading: str = "", note: str = "") -> Column:
    return (heading or decl.name, decl, decl.type, note or description(decl))


def sheet_columns(identifier: FieldDecl, decl: FieldDecl) -> list[Column]:
    """标识, then 年份 and 值, or the 栏目."""
    key = column(identifier, note=f"和第一个工作表的{identifier.name}一致")
    if isinstance(decl.type, RecordsT):
        return [key, *(column(part) for part in decl.columns)]
    assert isinstance(decl.type, SeriesT)
    year = FieldDecl(
        name=YEARS[0], key=decl.key, type=NumberT(), integer=True, decimals=0, range=(1900, 2999)
    )
    return [key, column(year), (VALUE, decl, decl.type.item, description(decl))]


def write_template(template: Template, path: Path) -> None:
    """The workbook; equal templates give equal bytes."""
    policy = template.policy
    title = f"{policy.meta.title} 花名册"
    with Book(path, policy.meta.effective, title, streaming=False) as book:
        _fill(_Sheets(book, template), template)


def _fill(sheets: _Sheets, template: Template) -> None:
    """Every sheet, then the guide, then the lists that stand nowhere else."""
    book, identifier = sheets.book, template.policy.fields[template.policy.meta.identifier]
    parts: list[tuple[str, list[Column]]] = [
        (sheets.people, [column(decl) for decl in template.columns]),
        *((decl.name, sheet_columns(identifier, decl)) for decl in template.sheets),
        *((unit.name, [column(unit), *map(column, facts)]) for unit, facts in template.units),
    ]
    long = sheets.keep_lists(part for _, columns in parts for part in columns)
    for name, columns in parts:
        sheets.add(name, columns, data_date=name == sheets.people and template.yearly)
    _guide(book, sheets)
    if long:
        listed = book.book.add_worksheet(sheets.listed)
        for at, members in enumerate(long):
            for row, member in enumerate(members):
                listed.write_string(row, at, member)
        listed.hide()


def _guide(book: Book, sheets: _Sheets) -> None:
    """填写说明: what to fill in where."""
    policy = sheets.template.policy
    sheet = book.book.add_worksheet(GUIDE)
    named = "，".join(text for text in (policy.meta.id, policy.meta.number) if text)
    lines = [
        f"{policy.meta.title}（{named}）",
        f"用于计算：{'、'.join(sheets.template.results) or '全部结果'}",
    ]
    lines += [line.format(people=sheets.people) for line in _GUIDE]
    lines += [_JOINED.format(people=sheets.people)] if sheets.template.sheets else []
    row = 0
    for row, line in enumerate(lines):
        sheet.merge_range(row, 0, row, 2, clean(line), book.wrapped)
        sheet.set_row(row, 18 * (1 + display_width(line) // 118))
    row += 2
    for at, (heading, width) in enumerate((("工作表", 18), ("列", 30), ("怎样填", 80))):
        sheet.set_column(at, at, width)
        sheet.write_string(row, at, heading, book.head)
    for words in sheets.guide:
        row += 1
        for at, text in enumerate(words):
            sheet.write_string(row, at, clean(text), book.wrapped)
