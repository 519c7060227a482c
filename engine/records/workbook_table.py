"""One sheet → its headings and rows: title rows above, blank rows, totals and merged cells sorted out, cells as raw
cells. Knows nothing of which sheet means what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from engine.names import normalize
from engine.records import workbook_problems as problems
from engine.records.problems import Bad
from engine.records.raw import DayText, NumberText
from engine.records.typed import SAFE_DIGITS
from engine.records.workbook_file import Sheet
from engine.records.workbook_scan import column_letters

#: Headings stand within so many rows from the first that holds something.
TOP = 20
#: Before this day a cell's number means different days in different programs (they count a 29 February 1900).
FIRST_DAY = date(1900, 3, 1)
_TOTALS = frozenset(("合计", "总计", "小计", "共计"))

Cells = list[Any]


def raw_cell(value: Any) -> Any:
    """A cell as calamine gives it → None, text, `NumberText`, `DayText`, a truth value, or the `Bad` that says why not."""
    if value.__class__ is str:
        return value.strip() or None
    if value.__class__ is float:
        return _number(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        if value.time() != time():
            return problems.time_cell(value.isoformat(" ", "minutes"))
        value = value.date()
    if isinstance(value, date):
        text = value.isoformat()
        return DayText(text) if value >= FIRST_DAY else problems.early_day(text)
    if isinstance(value, time | timedelta):
        return problems.time_cell(str(value))
    return _number(float(value)) if isinstance(value, int) else None


def _number(value: float) -> Any:
    """The shortest decimal that is this number: what was typed, as long as no digits were lost."""
    if value.is_integer() and abs(value) < 10**SAFE_DIGITS:
        return NumberText(int(value))
    decimal = Decimal(repr(value))
    if not decimal.is_finite() or not -30 < decimal.adjusted() < 30:
        return NumberText(repr(value))
    text = format(decimal, "f")
    digits = text.replace(".", "").lstrip("-0")
    if len(digits.rstrip("0") if "." in text and not value.is_integer() else digits) > SAFE_DIGITS:
        return problems.lost_digits(text.removesuffix(".0"))
    return NumberText(text)


def words(cell: Any) -> str:
    """A heading or key as normalised text; blank for a blank cell."""
    return "" if cell is None or isinstance(cell, Bad) else normalize(str(cell))


def joined_words(cell: Any) -> str:
    """The same without blanks and line breaks inside: 「姓　名」."""
    return "".join(words(cell).split())


def key_words(cell: Any, form: str) -> str:
    """A 标识 as rows are matched by it: letters of a 格式 may be small."""
    return words(cell).upper() if form else words(cell)


def is_total(cell: Any) -> bool:
    return isinstance(cell, str) and joined_words(cell).rstrip(":") in _TOTALS


@dataclass(slots=True)
class _Merges:
    """Merged ranges as rows go by: values of the first row, for the rows below it."""

    ranges: list[tuple[tuple[int, int], tuple[int, int]]]
    wide: dict[int, tuple[int, int]] = field(default_factory=dict)
    open: list[tuple[int, int, Any]] = field(default_factory=list)
    first_filled: str = ""

    def __post_init__(self) -> None:
        self.ranges.sort(reverse=True)
        self.wide = {top: (left, right) for (top, left), (_, right) in self.ranges if right > left}

    def fill(self, row: int, cells: Cells, below: int) -> None:
        """Blank cells in a range that began on an earlier row, after row `below`, get its value."""
        if not self.ranges and not self.open:
            return
        while self.ranges and self.ranges[-1][0][0] <= row:
            (top, left), (bottom, _) = self.ranges.pop()
            if top > below and bottom > top and top == row and left < len(cells):
                self.open.append((bottom, left, cells[left]))
        if not self.open:
            return
        self.open = [merge for merge in self.open if merge[0] >= row]
        if all(cell is None for cell in cells):
            return
        for _, column, value in self.open:
            if column < len(cells) and cells[column] is None and value is not None:
                cells[column] = value
                self.first_filled = self.first_filled or f"{column_letters(column)}{row + 1}"


@dataclass(slots=True)
class Table:
    """`rows` are numbered as the sheet is, from 1, and have as many cells as the widest; `above` are title rows."""

    sheet: str
    header_row: int
    headings: list[str]
    rows: list[tuple[int, Cells]] = field(default_factory=list)
    above: list[Cells] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    first_filled: str = ""

    def cell(self, row: int, column: int) -> str:
        return f"{column_letters(column)}{row}"

    def column(self, word: str) -> int | None:
        return self.headings.index(word) if word in self.headings else None


def _raw_rows(sheet: Sheet) -> Iterator[tuple[int, Cells]]:
    for at, values in enumerate(sheet.rows()):
        cells = [raw_cell(value) for value in values]
        for column, text in sheet.errors.get(at, {}).items():
            if column < len(cells):
                cells[column] = problems.error_cell(text)
        yield at, cells


def read_table(
    sheet: Sheet,
    is_header: Callable[[list[str]], bool],
    spelt: Callable[[str], str],
    key: Callable[[str], bool],
) -> Table | list[tuple[int, list[str]]]:
    """The table of a sheet, or its first rows (number, words) where none of them is the line of headings.

    `is_header` knows the line by its headings, `spelt` spells a heading as the policy does, `key` says which heading
    tells rows apart.
    """
    first: list[tuple[int, list[str]]] = []
    table: Table | None = None
    merges = _Merges(list(sheet.merged))
    keyed = 0
    above: list[Cells] = []
    for at, cells in _raw_rows(sheet):
        if table is not None:
            merges.fill(at, cells, table.header_row - 1)
            if all(cell is None for cell in cells):
                continue
            if (
                _is_note(cells, keyed, merges.wide.get(at))
                or spelt(words(cells[keyed])) == table.headings[keyed]
            ):
                table.left_out.append(at + 1)
            else:
                table.rows.append((at + 1, cells))
            continue
        if all(cell is None for cell in cells):
            continue
        if len(first) == TOP:
            return first
        headings = [spelt(words(cell)) for cell in cells]
        if is_header(headings):
            while headings and not headings[-1]:
                headings.pop()
            keyed = next(column for column, word in enumerate(headings) if key(word))
            table = Table(sheet.name, at + 1, headings, above=above)
            continue
        first.append((at + 1, headings))
        above.append(cells)
    if table is None:
        return first
    table.first_filled = merges.first_filled
    return table


def _is_note(cells: Cells, keyed: int, wide: tuple[int, int] | None) -> bool:
    """A row of totals, or a line of words across merged cells, where the key should stand."""
    given = cells[keyed]
    if is_total(given):
        return True
    if given is None and is_total(next(cell for cell in cells if cell is not None)):
        return True
    filled = [column for column, cell in enumerate(cells) if cell is not None]
    return wide is not None and wide[0] <= keyed <= wide[1] and filled == [wide[0]]
