"""A workbook → raw records (language §10): the first sheet holds the people, others join them by 标识 or hold units.

Owns which sheet means what and where every cell of a record stands. What can be wrong with a cell is said here; what
its value means is left to the typed readers, as for any other source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from engine.diagnostics import Diagnostic
from engine.names import normalize
from engine.records import workbook_problems as problems
from engine.records.csv_source import twice
from engine.records.problems import Bad, Problem
from engine.records.problems import of as of_cell
from engine.records.raw import DATA_DATE, UNITS, RawRecord, RawRoster
from engine.records.row import Fields
from engine.records.workbook_file import Sheet, open_sheets
from engine.records.workbook_joined import Joined, Joining, UnitSheet
from engine.records.workbook_scan import column_letters
from engine.records.workbook_table import Table, key_words, raw_cell, read_table, words
from engine.types import RecordsT, SeriesT

#: The sheet of a template that tells how to fill it in.
GUIDE = "填写说明"
_INDEXED = re.compile(r"(.+)\[(\d+)\](?:\.(.+))?\Z")
_DATED = re.compile(r"(.+)\.(\d{4}-\d{2}-\d{2})\Z")


@dataclass(slots=True)
class Locator:
    """Row and heading → `花名册!F12`, in the sheet that the value came from."""

    people: Table
    id_column: int
    fields: Fields
    ids: dict[int, str] = field(default_factory=dict)
    joined: dict[str, Joined] = field(default_factory=dict)
    units: dict[str, UnitSheet] = field(default_factory=dict)

    def __call__(self, row: int, where: str) -> str:
        if row and row in self.ids and (cell := self.in_joined(self.ids[row], where)):
            return cell
        if where.startswith(f"{UNITS}.") and (cell := self.in_units(where)):
            return cell
        column = self.people.column(where)
        if column is None:
            names = [self.fields.headings.get(word) for word in self.people.headings]
            column = names.index(where) if where in names else self.id_column
        return f"{self.people.sheet}!{column_letters(column)}{row or self.people.header_row}"

    def in_joined(self, id_: str, where: str) -> str | None:
        if where in self.joined:
            return self.joined[where].cell(id_)
        if (part := _INDEXED.match(where)) and part[1] in self.joined:
            return self.joined[part[1]].cell(id_, int(part[2]) - 1, part[3] or "")
        if (part := _DATED.match(where)) and part[1] in self.joined:
            return self.joined[part[1]].cell(id_, key=part[2])
        if where[4:] in self.joined:
            return self.joined[where[4:]].cell(id_, key=where[:4])
        return None

    def in_units(self, where: str) -> str | None:
        """`单位.部门.甲部.名额`; names of units may hold points themselves."""
        _, kind, rest = [*where.split(".", 2), ""][:3]
        sheet = self.units.get(kind)
        if sheet is None:
            return None
        for unit, row in sheet.rows.items():
            short = unit[:40]
            if rest in (short, unit) or rest.startswith((f"{short}.", f"{unit}.")):
                label = rest.removeprefix(unit).removeprefix(short).removeprefix(".")
                column = sheet.table.column(label)
                if column is None:
                    names = [self.fields.headings.get(word) for word in sheet.table.headings]
                    column = names.index(label) if label in names else 0
                return f"{sheet.table.sheet}!{column_letters(column)}{row}"
        return None


def read_workbook(
    raw: bytes, name: str, suffix: str, fields: Fields
) -> tuple[RawRoster | None, list[Diagnostic]]:
    """Every record of an .xlsx, .xls or .ods; None with E701 if the file, or one of its sheets, cannot be read."""
    sheets, found = open_sheets(raw, name, suffix)
    if not sheets:
        return None, found
    first = next((sheet for sheet in sheets if sheet.visible), sheets[0])
    people = _people(first, name, fields, found)
    if people is None:
        return None, found
    joining = Joining(fields, name, found)
    id_column = next((at for at, word in enumerate(people.headings) if word in joining.id_words), 0)
    locator = Locator(people, id_column, fields)
    _others([sheet for sheet in sheets if sheet is not first], joining, locator)
    if any(diagnostic.code == "E701" for diagnostic in found):
        return None, found
    records = _records(people, locator)
    for sheet in locator.joined.values():
        _join(sheet, records, locator, found, name)
    units = {kind: sheet.units for kind, sheet in locator.units.items()}
    if not records and not any(units.values()):
        return None, [*found, problems.no_rows(name, people.sheet, people.header_row)]
    if suffix == ".xls":
        found.append(problems.old_format(name))
    roster = RawRoster(records, units or None, _data_date(people), "行", people.header_row, locate=locator)
    return roster, found


def _people(sheet: Sheet, name: str, fields: Fields, found: list[Diagnostic]) -> Table | None:
    """The first sheet's table; None with E701."""
    identifier = fields.policy.meta.identifier
    own = {word for word, known in fields.headings.items() if known == identifier}

    def known(word: str) -> bool:
        return bool(word) and fields.slot(word).reader is not None

    def spelt(word: str) -> str:
        close = "".join(word.split())
        return close if known(close) else " ".join(word.split())

    def is_header(headings: list[str]) -> bool:
        given = {word for word in headings if word}
        others = any(known(word) for word in given - own)
        return bool(given & own) and (others or given <= own)

    table = read_table(sheet, is_header, spelt, own.__contains__)
    if not isinstance(table, Table):
        if not table:
            found.append(problems.empty_sheet(name, sheet.name))
            return None
        likely = [(row, [word for word in headings if known(word)]) for row, headings in table]
        best = max(likely, key=lambda item: len(item[1]))
        like = best if len(best[1]) > 1 else None
        found.append(problems.no_headings(name, sheet.name, identifier, like))
        return None
    if both := twice(table.headings, fields.columns):
        second = len(table.headings) - 1 - table.headings[::-1].index(both[1])
        cell = table.cell(table.header_row, second)
        found.append(problems.headings_twice(name, sheet.name, cell, both))
        return None
    if table.left_out:
        found.append(problems.totals_left_out(name, sheet.name, table.left_out))
    if table.first_filled:
        found.append(problems.merged_filled(name, sheet.name, table.first_filled))
    widest = len(table.rows[0][1]) if table.rows else 0
    named = {column for column, word in enumerate(table.headings) if word}
    for column in [at for at in range(widest) if at not in named][:200]:
        if any(cells[column] is not None for _, cells in table.rows):
            cell = table.cell(table.header_row, column)
            found.append(problems.unnamed(name, sheet.name, cell, column + 1))
    return table


def _others(sheets: list[Sheet], joining: Joining, locator: Locator) -> None:
    """Every other sheet: joined, of a unit, or not read."""
    unread = []
    columns = {locator.fields.slot(word).name for word in locator.people.headings if word}
    for sheet in sheets:
        decl = joining.target(sheet.name)
        if decl is None:
            if sheet.visible and normalize(sheet.name) != GUIDE and _holds_something(sheet):
                unread.append(sheet.name)
            continue
        table = joining.read(sheet, decl)
        if table is None:
            continue
        group = isinstance(decl.type, SeriesT | RecordsT)
        known: Joined | UnitSheet | None = (
            locator.units.get(decl.name) if isinstance(table, UnitSheet) else locator.joined.get(decl.name)
        )
        other = f"工作表「{known.table.sheet}」" if known is not None else ""
        if not other and isinstance(table, Joined) and group and decl.name in columns:
            other = f"「{locator.people.sheet}」的列里"
        if other:
            joining.found.append(problems.given_twice(joining.file, sheet.name, decl.name, other))
        elif isinstance(table, UnitSheet):
            locator.units[decl.name] = table
        else:
            locator.joined[decl.name] = table
    if unread:
        policy = joining.fields.policy
        kinds = {n for n, decl in policy.fields.items() if isinstance(decl.type, SeriesT | RecordsT)}
        known_sheets = sorted(kinds | joining.owners)
        joining.found.append(problems.unread_sheets(joining.file, unread, known_sheets))


def _holds_something(sheet: Sheet) -> bool:
    return any(raw_cell(value) is not None for cells in sheet.rows() for value in cells)


def _records(people: Table, locator: Locator) -> list[RawRecord]:
    """A record per row; the cells under headings, blank ones too."""
    columns = [(column, word) for column, word in enumerate(people.headings) if word]
    form = locator.fields.policy.fields[locator.fields.policy.meta.identifier].format
    found = []
    for row, cells in people.rows:
        given = {word: cells[column] for column, word in columns}
        locator.ids[row] = key_words(cells[locator.id_column], form)
        found.append(RawRecord(row, given))
    people.rows.clear()
    return found


def _join(
    sheet: Joined, records: list[RawRecord], locator: Locator, found: list[Diagnostic], file: str
) -> None:
    """A field's entries to the records of their 标识; those of nobody are said."""
    name = sheet.decl.name
    group = isinstance(sheet.decl.type, SeriesT | RecordsT)
    own = [] if group else [w for w in locator.people.headings if locator.fields.headings.get(w) == name]
    met = set()
    for record in records:
        id_ = locator.ids[record.row]
        met.add(id_)
        for entry in sheet.entries.get(id_, ()):
            if isinstance(entry.key, Bad):
                record.problems.append(of_cell(entry.key, name))
        fact = sheet.fact(id_)
        if fact is None:
            continue
        if any(record.cells[word] is not None for word in own):
            said = f"「{name}」既在「{locator.people.sheet}」的列里，又在工作表「{sheet.table.sheet}」里"
            record.problems.append(Problem("E705", said, "请只留一处", name))
            fact = None
        for word in own:
            del record.cells[word]
        record.cells[name] = fact
    strange = [(entries[0].row, id_) for id_, entries in sheet.entries.items() if entries and id_ not in met]
    if strange:
        cell = sheet.table.cell(strange[0][0], sheet.id_column)
        found.append(problems.strangers(file, sheet.table.sheet, locator.people.sheet, strange, cell))


def _data_date(people: Table) -> Any:
    """「数据日期」 in a title row, with the day beside it or after a colon."""
    for cells in people.above:
        for at, cell in enumerate(cells):
            word = words(cell)
            if word.rstrip(":") == DATA_DATE:
                beside = next((other for other in cells[at + 1 :] if other is not None), None)
                return beside.said if isinstance(beside, Bad) else beside
            if word.startswith(f"{DATA_DATE}:"):
                return word.removeprefix(f"{DATA_DATE}:").strip()
    return None
