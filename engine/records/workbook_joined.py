"""Sheets that join the people by 标识: years of a 逐年 field, rows of a 记录, values of a field by date; and sheets of
units. Owns their headings and where each entry stands; the entries stay raw cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.diagnostics import Diagnostic
from engine.names import normalize
from engine.policy import FieldDecl
from engine.records import workbook_problems as problems
from engine.records.csv_source import twice
from engine.records.problems import Bad
from engine.records.raw import Doubled, without_doubles
from engine.records.row import Fields
from engine.records.shapes import year_of
from engine.records.workbook_file import Sheet
from engine.records.workbook_scan import column_letters
from engine.records.workbook_table import Table, joined_words, key_words, read_table, words
from engine.types import RecordsT, SeriesT
from engine.values import parse_date

VALUE, YEARS, DAYS = "值", ("年份", "年度", "年"), ("日期", "生效日期", "起始日期")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, or one cell of a row: `key` is its year or date, `value` a cell, or the cells of a 记录 by column."""

    row: int
    column: int
    key: Any
    value: Any


@dataclass(slots=True)
class Joined:
    """A field's sheet: 标识 → entries in the order of the sheet."""

    decl: FieldDecl
    table: Table
    id_column: int
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    columns: dict[str, int] = field(default_factory=dict)

    def fact(self, id_: str) -> Any:
        """What the reader of the field takes; None where a field by date has no entry."""
        entries = self.entries.get(id_, [])
        if isinstance(self.decl.type, RecordsT):
            return [entry.value for entry in entries]
        if not entries and not isinstance(self.decl.type, SeriesT):
            return None
        return without_doubles([(words(entry.key), entry.value) for entry in entries])

    def cell(self, id_: str, index: int = 0, column: str = "", key: str = "") -> str | None:
        """Where an entry stands: by number and column of a 记录, by year, by date; None if there is none."""
        entries = self.entries.get(id_, [])
        for entry in entries if key else entries[index : index + 1]:
            same = not key or key in (str(year_of(words(entry.key))), str(parse_date(words(entry.key))))
            if same:
                at = self.columns.get(column, entry.column)
                return f"{self.table.sheet}!{column_letters(at)}{entry.row}"
        return None


@dataclass(slots=True)
class UnitSheet:
    """A unit's sheet: unit → its row, and the column of every heading."""

    kind: str
    table: Table
    units: dict[str, dict[str, Any]]
    rows: dict[str, int]


@dataclass(slots=True)
class Joining:
    """Reads one sheet after another; `found` collects what is wrong with them."""

    fields: Fields
    file: str
    found: list[Diagnostic] = field(default_factory=list)
    owners: set[str] = field(init=False)
    id_words: set[str] = field(init=False)

    def __post_init__(self) -> None:
        policy = self.fields.policy
        self.owners = {decl.owner for decl in policy.fields.values() if decl.owner}
        self.id_words = self.words_of(policy.meta.identifier)

    def words_of(self, name: str) -> set[str]:
        return {word for word, known in self.fields.headings.items() if known == name}

    def target(self, sheet: str) -> FieldDecl | None:
        """The field that a sheet is named after; a sheet's name has 31 characters at most."""
        word = joined_words(sheet)
        headings = self.fields.headings
        name = headings.get(word) or headings.get(normalize(sheet))
        if name is None and len(sheet) == 31:
            longer = {known for heading, known in headings.items() if heading.startswith(word)}
            name = longer.pop() if len(longer) == 1 else None
        if name is None or name == self.fields.policy.meta.identifier:
            return None
        return self.fields.policy.fields[name]

    def read(self, sheet: Sheet, decl: FieldDecl) -> Joined | UnitSheet | None:
        """None with a diagnostic if the sheet is blank or has no headings."""
        known = self.column_words(decl)
        unit_words = self.words_of(decl.name) if decl.name in self.owners else set()
        facts = {word for word, name in self.fields.headings.items() if self.owner_of(name) == decl.name}

        def spelt(word: str) -> str:
            close = "".join(word.split())
            return close if close in known or close in self.fields.headings else " ".join(word.split())

        def is_header(headings: list[str]) -> bool:
            given = {word for word in headings if word}
            if unit_words & given and (facts & given or given <= unit_words):
                return True
            return bool(self.id_words & given) and any(
                word in known or self.year_in(word, decl) for word in given
            )

        table = read_table(sheet, is_header, spelt, lambda word: word in (self.id_words | unit_words))
        if isinstance(table, Table):
            if table.left_out:
                self.found.append(problems.totals_left_out(self.file, sheet.name, table.left_out))
            if any(word in self.id_words for word in table.headings):
                return self.joined(table, decl, known)
            return self.units(table, decl.name)
        if not table:
            self.found.append(problems.blank_sheet(self.file, sheet.name))
        elif unit_words or isinstance(decl.type, SeriesT | RecordsT):
            needed = [decl.name, *sorted(facts)] if unit_words else self.usual(decl)
            self.found.append(problems.joined_headings(self.file, sheet.name, needed))
        else:
            self.found.append(problems.unread_sheets(self.file, [sheet.name], []))
        return None

    def owner_of(self, name: str) -> str:
        return self.fields.policy.fields[name].owner

    def usual(self, decl: FieldDecl) -> list[str]:
        """The headings that a field's sheet has."""
        if isinstance(decl.type, RecordsT):
            rest = [column.name for column in decl.columns]
        else:
            rest = [YEARS[0] if isinstance(decl.type, SeriesT) else DAYS[0], VALUE]
        return [self.fields.policy.meta.identifier, *rest]

    def column_words(self, decl: FieldDecl) -> dict[str, str]:
        """Heading → 年份, 日期, 值 or the column of a 记录."""
        if isinstance(decl.type, RecordsT):
            return {
                normalize(word): column.name
                for column in decl.columns
                for word in (column.name, *column.headings)
            }
        times = YEARS if isinstance(decl.type, SeriesT) else DAYS
        values = {VALUE: VALUE} | dict.fromkeys(self.words_of(decl.name), VALUE)
        return values | dict.fromkeys(times, times[0])

    def year_in(self, word: str, decl: FieldDecl) -> str:
        """「2023」 「2023年」 「2023年度考核」 as a heading of a 逐年 field's sheet: the year."""
        if not isinstance(decl.type, SeriesT):
            return ""
        if year_of(word) is not None:
            return word[:4]
        slot = self.fields.slot(word)
        return str(slot.year) if slot.year is not None and slot.name == decl.name else ""

    # --- by 标识

    def joined(self, table: Table, decl: FieldDecl, known: Mapping[str, str]) -> Joined | None:
        identifier = self.fields.policy.meta.identifier

        def column_of(word: str) -> tuple[str, ...]:
            return (identifier,) if word in self.id_words else (known.get(word, word),)

        if self.same_headings(table, twice(table.headings, column_of)):
            return None
        at = {known[word]: column for column, word in enumerate(table.headings) if word in known}
        years = {
            column: year for column, word in enumerate(table.headings) if (year := self.year_in(word, decl))
        }
        id_column = next(column for column, word in enumerate(table.headings) if word in self.id_words)
        needed = self.usual(decl)[1:]
        rows = isinstance(decl.type, RecordsT)
        if not rows and not years and any(word not in at for word in needed):
            self.found.append(problems.joined_headings(self.file, table.sheet, self.usual(decl)))
            return None
        self.unread(table, {*known, *self.id_words}, set(years))
        found = Joined(decl, table, id_column, columns=at if rows else {})
        for row, cells in table.rows:
            id_ = self.key(table, row, cells, id_column, identifier)
            if id_ is None:
                continue
            entries = found.entries.setdefault(id_, [])
            if rows:
                given = {name: cells[column] for name, column in at.items()}
                if any(cell is not None for cell in given.values()):
                    entries.append(Entry(row, id_column, None, given))
                continue
            for column, year in years.items():
                entries.append(Entry(row, column, year, cells[column]))
            if all(word in at for word in needed):
                key, value = cells[at[needed[0]]], cells[at[VALUE]]
                if key is not None or value is not None:
                    entries.append(Entry(row, at[VALUE], key, value))
        return found

    def key(self, table: Table, row: int, cells: list[Any], column: int, name: str) -> str | None:
        """Who or what a row is of; None with a diagnostic if it does not say."""
        given = cells[column]
        place = table.cell(row, column)
        if isinstance(given, Bad):
            self.found.append(problems.bad_key(self.file, table.sheet, place, row, name, given))
            return None
        if given is None:
            self.found.append(problems.no_key(self.file, table.sheet, place, row, name))
        return key_words(given, self.fields.policy.fields[name].format) or None

    def same_headings(self, table: Table, both: tuple[str, str] | None) -> bool:
        if both is not None:
            second = len(table.headings) - 1 - table.headings[::-1].index(both[1])
            cell = table.cell(table.header_row, second)
            self.found.append(problems.headings_twice(self.file, table.sheet, cell, both))
        return both is not None

    def unread(self, table: Table, read: set[str], columns: set[int]) -> None:
        """Columns that are not read, but for those that only say who a row is of."""
        for column, word in enumerate(table.headings):
            decl = self.fields.policy.fields.get(self.fields.headings.get(word, ""))
            if not word or word in read or column in columns or (decl is not None and decl.register):
                continue
            cell = table.cell(table.header_row, column)
            self.found.append(problems.unread_column(self.file, table.sheet, cell, word, sorted(read)))

    # --- units

    def units(self, table: Table, kind: str) -> UnitSheet | None:
        if self.same_headings(table, twice(table.headings, self.fields.columns)):
            return None
        column = next(at for at, word in enumerate(table.headings) if self.fields.headings.get(word) == kind)
        pairs: list[tuple[str, dict[str, Any]]] = []
        rows: dict[str, int] = {}
        for row, unit, cells in self.unit_rows(table, column, kind):
            rows.setdefault(normalize(unit), row)
            facts = {word: cells[at] for at, word in enumerate(table.headings) if word and at != column}
            pairs.append((unit, facts))
        units = without_doubles(pairs)
        kept = units if isinstance(units, Doubled) else dict(units)
        return UnitSheet(kind, table, kept, rows)

    def unit_rows(self, table: Table, column: int, kind: str) -> Iterator[tuple[int, str, list[Any]]]:
        for row, cells in table.rows:
            unit = self.key(table, row, cells, column, kind)
            if unit is not None:
                yield row, str(cells[column]).strip(), cells
