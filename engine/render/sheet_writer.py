"""Rows into a sheet of a workbook: every kind of value as the cell an officer expects, text never as a formula.

Owns formats, widths and what may stand as a number: one of at most 15 digits, which a spreadsheet holds exactly.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from engine.render.cells import is_money, text_value
from engine.render.table import cut
from engine.source import display_width
from engine.types import Type
from engine.values import exact, format_number

#: A number of more digits stands as text; days before this one are numbered differently by different programs.
SAFE_DIGITS, FIRST_DAY = 15, date(1900, 3, 1)
LONGEST = 32_000
_NARROWEST, _WIDEST, _FILTER = 6, 60, 3


class Book:
    """A workbook under way, written at the end of its `with` block unless something went wrong in it.

    `day` is its date of creation, so that equal runs give equal bytes. Rows wait in files of their own (`streaming`),
    which are gone afterwards in any case.
    """

    def __init__(self, path: Path, day: date, title: str, streaming: bool = True) -> None:
        self.waiting = tempfile.TemporaryDirectory()
        options = {"constant_memory": streaming, "strings_to_formulas": False, "tmpdir": self.waiting.name}
        self.book = xlsxwriter.Workbook(str(path), options)
        self.book.set_properties({"title": title, "created": datetime(day.year, day.month, day.day)})
        add = self.book.add_format
        self.head = add(
            {"bold": True, "text_wrap": True, "valign": "vcenter", "bg_color": "#DDEBF7", "border": 1}
        )
        self.text = add({"num_format": "@"})
        self.wrapped = add({"num_format": "@", "text_wrap": True, "valign": "top"})
        self.money = add({"num_format": "0.00"})
        self.day = add({"num_format": "yyyy-mm-dd", "align": "left"})

    def sheet(self, name: str, headings: Sequence[str], kept: int = 0) -> SheetWriter:
        """A sheet with its headings; the first `kept` columns stay in sight."""
        return SheetWriter(self, self.book.add_worksheet(name), headings, kept)

    def __enter__(self) -> Book:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.book.close()
        except FileCreateError as error:
            cause = error.args[0] if error.args else error
            raise cause if isinstance(cause, OSError) else OSError(str(cause)) from error
        finally:
            for sheet in self.book.worksheets():
                if sheet.row_data_fh is not None:
                    sheet.row_data_fh.close()
            self.waiting.cleanup()


class SheetWriter:
    """Rows one after another; `done` sets widths, the filter and what stays in sight."""

    def __init__(self, book: Book, sheet: Any, headings: Sequence[str], kept: int) -> None:
        self.book, self.sheet, self.kept, self.row = book, sheet, kept, 0
        self.widths = [display_width(heading) + _FILTER for heading in headings]
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, book.head)

    def add(self, values: Sequence[Any], types: Sequence[Type | None] = ()) -> None:
        """One row; "" leaves a cell blank."""
        self.row += 1
        for column, value in enumerate(values):
            shown = self.cell(column, value, types[column] if types else None)
            self.widths[column] = max(self.widths[column], min(display_width(shown[:_WIDEST]), _WIDEST))

    def cell(self, column: int, value: Any, kind: Type | None) -> str:
        """Writes one value; gives the text that it shows."""
        text = text_value(value, kind)
        if not text:
            return ""
        book, at = self.book, (self.row, column)
        if isinstance(value, int | Fraction) and not isinstance(value, bool):
            number = exact(value)
            if safe_number(number):
                self.sheet.write_number(*at, float(number), book.money if is_money(kind) else None)
                return text
        elif isinstance(value, date) and value >= FIRST_DAY:
            self.sheet.write_datetime(*at, datetime(value.year, value.month, value.day), book.day)
            return text
        self.sheet.write_string(*at, cut(text, LONGEST), book.text)
        return text

    def done(self) -> None:
        for column, width in enumerate(self.widths):
            self.sheet.set_column(column, column, max(_NARROWEST, min(width, _WIDEST)) + 1)
        self.sheet.freeze_panes(1, self.kept)
        self.sheet.autofilter(0, 0, max(self.row, 1), len(self.widths) - 1)


def safe_number(number: int | Fraction) -> bool:
    """Whether a spreadsheet holds a number exactly: a decimal of at most 15 digits."""
    text = format_number(number)
    return "/" not in text and len(text.replace(".", "").lstrip("-0")) <= SAFE_DIGITS
