"""A raw cell or group of cells → a fact: undated or by date, 逐年, 记录.

Every reader has `read(raw, label, found)`: the fact or MISSING, with problems added to `found` under the heading
`label`. Nothing recurses: a group stands only where a field has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.names import normalize
from engine.policy import FieldDecl
from engine.records import problems
from engine.records.model import DatedFact
from engine.records.problems import Bad, Problem
from engine.records.raw import Doubled
from engine.records.typed import MISSING, CellReader, Missing, constant, narrow
from engine.types import SeriesT
from engine.values import Rows, Series, Unknown, parse_date

_YEAR = re.compile(r"(\d{4})年?\Z", re.ASCII)
_PARTED = re.compile(r"[、,，;；\n]")
#: Unknown columns inside 记录 and the place of the first of each: heading → (record's row, known columns).
Strange = dict[str, tuple[int, tuple[str, ...]]]


def year_of(text: str) -> int | None:
    """「2023」 or 「2023年」; None for anything else."""
    found = _YEAR.match(narrow(text))
    return int(found[1]) if found and 1800 <= int(found[1]) <= 2999 else None


class FactReader:
    """One value, or values by date where `dated`."""

    __slots__ = ("cell", "dated", "decl")

    def __init__(self, decl: FieldDecl, cell: CellReader, dated: bool = True) -> None:
        self.decl, self.cell, self.dated = decl, cell, dated

    def read(self, raw: Any, label: str, found: list[Problem]) -> Any:
        value = raw if isinstance(raw, dict) else self.cell.read(raw)
        if value.__class__ is Bad:
            found.append(problems.of(value, label))
            return MISSING
        if isinstance(value, dict):
            return self.by_date(value, label, found)
        return value

    def by_date(self, raw: Mapping[Any, Any], label: str, found: list[Problem]) -> DatedFact | Missing:
        """{日期: 值}, days ascending; an empty value means missing from then on."""
        if not self.dated:
            found.append(problems.not_dated(label))
            return MISSING
        before = len(found)
        if isinstance(raw, Doubled):
            found.extend(problems.written_twice(label, f"里的「{key}」") for key in raw.keys_twice)
        days: dict[Any, Any] = {}
        for key, inner in raw.items():
            day = parse_date(narrow(str(key)))
            if day is None:
                found.append(problems.not_since(label, key))
                continue
            if day in days:
                found.append(problems.written_twice(label, f"里的「{day}」"))
            value = self.cell.read(inner)
            if value.__class__ is Bad:
                found.append(replace(problems.of(value, label), where=f"{label}.{day}"))
            days[day] = None if value is MISSING else value
        if len(found) > before or not days:
            return MISSING
        return DatedFact(tuple(sorted(days.items(), key=lambda item: item[0])))


class SeriesReader:
    """逐年: a mapping of years. Blank years are not written."""

    __slots__ = ("cell", "decl", "years")

    def __init__(self, decl: FieldDecl, cell: CellReader) -> None:
        self.decl, self.cell = decl, cell
        self.years: dict[str, int] = {}

    def read(self, raw: Any, label: str, found: list[Problem]) -> Any:
        if not isinstance(raw, dict):
            if raw is None or (isinstance(raw, str) and not raw.strip()):
                return MISSING
            if raw.__class__ is Bad:
                found.append(problems.of(raw, label))
                return MISSING
            hint = f"写作 {{2023: 值, …}}；表格里每年一列，列名写作 2023{self.decl.name}"
            found.append(problems.wrong_shape(label, raw, "按年填写的值", hint))
            return MISSING
        before = len(found)
        if raw.__class__ is Doubled:
            found.extend(problems.written_twice(f"{key}{label}") for key in raw.keys_twice)
        values: dict[int, Any] = {}
        known, cells, read = self.years, self.cell.cells, self.cell.read
        for key, inner in raw.items():
            year = known.get(key) or self.year(key)
            if year is None:
                found.append(problems.not_year(label, key))
                continue
            value = cells.get(inner) if inner.__class__ is str else None
            if value is None:
                value = read(inner)
            if value.__class__ is Bad:
                found.append(problems.of(value, f"{year}{label}"))
            elif year in values:
                found.append(problems.written_twice(f"{year}{label}"))
            else:
                values[year] = value
        return MISSING if len(found) > before else self.series(values)

    def year(self, key: Any) -> int | None:
        year = year_of(str(key))
        if year is not None and len(self.years) < 5_000:
            self.years[key] = year
        return year

    def series(self, values: Mapping[int, Any]) -> Series:
        """Years ascending, without the blank ones."""
        items = [item for item in values.items() if item[1] is not MISSING]
        items.sort(key=lambda item: item[0])
        return Series(tuple(items), self.decl.name)


class RowsReader:
    """记录: a list of mappings; with one column also words in a list or parted in one cell."""

    __slots__ = ("cells", "decl", "defaults", "headings", "row", "strange")

    def __init__(self, decl: FieldDecl, strange: Strange) -> None:
        self.decl, self.strange, self.row = decl, strange, 0
        self.cells = {column.name: CellReader(column, column.type) for column in decl.columns}
        self.defaults = {column.name: constant(column) for column in decl.columns}
        self.headings = {
            normalize(word): column.name
            for column in decl.columns
            for word in (column.name, *column.headings)
        }

    def read(self, raw: Any, label: str, found: list[Problem]) -> Any:
        only = self.decl.columns[0].name if len(self.decl.columns) == 1 else ""
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return MISSING
        if raw.__class__ is Bad:
            found.append(problems.of(raw, label))
            return MISSING
        if only and isinstance(raw, str):
            raw = [word for word in _PARTED.split(raw) if word.strip()]
        if not isinstance(raw, list):
            hint = "写作 [{栏目: 值, …}, …]" if not only else "写作 [值, 值]，或在一格里用「、」隔开"
            found.append(problems.wrong_shape(label, raw, "若干行记录", hint))
            return MISSING
        before = len(found)
        rows = []
        for at, inner in enumerate(raw, 1):
            cells = {only: inner} if only and not isinstance(inner, dict) else inner
            if not isinstance(cells, dict):
                found.append(problems.wrong_shape(f"{label}[{at}]", inner, "一行记录"))
                continue
            rows.append(self.one(cells, f"{label}[{at}]", f"{self.decl.name}[{at}]", found))
        return MISSING if len(found) > before else Rows(tuple(rows), self.decl.name)

    def one(self, raw: Mapping[Any, Any], label: str, name: str, found: list[Problem]) -> dict[str, Any]:
        """One row: every column with a value, its 缺省, or what is missing."""
        if isinstance(raw, Doubled):
            found.extend(problems.written_twice(f"{label}.{key}") for key in raw.keys_twice)
        written: dict[str, Any] = {}
        for key, inner in raw.items():
            heading = normalize(str(key))
            column = self.headings.get(heading)
            if column is None:
                known = tuple(self.headings)
                if len(self.strange) < 100:
                    self.strange.setdefault(f"{self.decl.name}.{heading}", (self.row, known))
                continue
            value = self.cells[column].read(inner)
            if value.__class__ is Bad:
                found.append(problems.of(value, f"{label}.{column}"))
            elif column in written:
                found.append(problems.written_twice(f"{label}.{column}"))
            written[column] = value
        row = {}
        for column, default in self.defaults.items():
            value = written.get(column, MISSING)
            value = default if value is MISSING else value
            row[column] = Unknown((f"{name}.{column}",)) if value is MISSING else value
        return row


Reader = FactReader | SeriesReader | RowsReader


def reader_for(
    decl: FieldDecl, strange: Strange, cell: CellReader | None = None, dated: bool = True
) -> Reader:
    """The reader of a field; `cell` replaces the one its type gives."""
    if decl.columns:
        return RowsReader(decl, strange)
    if isinstance(decl.type, SeriesT):
        return SeriesReader(decl, CellReader(decl, decl.type.item))
    return FactReader(decl, cell or CellReader(decl, decl.type), dated)
