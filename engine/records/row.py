"""One raw record → its typed facts and what is wrong with it.

Owns which heading leads to which field (列名, wide columns 「2023考评」), and what two fields of one record say of
each other (对照). What rows say of each other, and of units, is `engine.records.assemble`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.names import normalize
from engine.policy import FieldDecl, Policy
from engine.records import problems
from engine.records.formats import birth_of, sex_of
from engine.records.problems import Bad, Problem
from engine.records.raw import Doubled, RawRecord
from engine.records.shapes import Reader, RowsReader, SeriesReader, Strange, reader_for
from engine.records.typed import MISSING, CellReader, identifier
from engine.types import SeriesT, TextT

MOST_STRANGE = 100
_WIDE = re.compile(r"(\d{4})(年度|年|)(?=\S)", re.ASCII)

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a heading leads: to a field, to one year of a field, or nowhere (no reader).

    `own`: the field's whole value under its own name, so that nothing else can stand beside it unseen.
    """

    label: str
    name: str
    reader: Reader | None
    year: int | None = None
    own: bool = False


class Fields:
    """The readers of a policy's fields, shared by records and units."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.strange_columns: Strange = {}
        self.spellings: dict[str, dict[str, str]] = {}
        owners = {decl.owner for decl in policy.fields.values() if decl.owner}
        grouped = {normalize(key.text) for group in policy.groups.values() for key in group.by}
        self.readers: dict[str, Reader] = {}
        for name, decl in policy.fields.items():
            cell = None
            if name == policy.meta.identifier:
                cell = CellReader(decl, decl.type, None if decl.format else identifier)
            elif name in owners | grouped and isinstance(decl.type, TextT) and not decl.format:
                cell = self.spelt(decl)
            dated = name != policy.meta.identifier
            self.readers[name] = reader_for(decl, self.strange_columns, cell, dated)
        self.headings: dict[str, str] = {name: name for name in policy.fields}
        for name, decl in policy.fields.items():
            for word in decl.headings:
                self.headings.setdefault(normalize(word), name)

    def spelt(self, decl: FieldDecl) -> CellReader:
        """Names of units: （东） and (东) are one unit, spelt as it was met first."""
        known = self.spellings.setdefault(decl.name, {})
        read = CellReader(decl, decl.type).parse

        def one(text: str) -> Any:
            value = read(text)
            return known.setdefault(normalize(value), value) if isinstance(value, str) else value

        return CellReader(decl, decl.type, one)

    def slot(self, heading: Any) -> Slot:
        """Where a heading leads; one without a reader is unknown."""
        label = normalize(str(heading))
        name = self.headings.get(label)
        if name is not None:
            return Slot(label, name, self.readers[name], own=label == name)
        if wide := _WIDE.match(label):
            ends = (wide.end(), 5, 4)  # 2023年度考核 may be 考核, 度考核 or 年度考核 of 2023
            name = next((n for end in ends if (n := self.headings.get(label[end:].lstrip()))), None)
            if name is not None and isinstance(self.policy.fields[name].type, SeriesT):
                year = int(wide[1])
                if 1800 <= year <= 2999:
                    return Slot(label, name, self.readers[name], year)
        return Slot(label, "", None)

    def columns(self, heading: str) -> tuple[str, ...]:
        """What a heading of a table takes for itself: a whole field, or one year of it; an unknown one itself."""
        slot = self.slot(heading)
        return (slot.name or slot.label,) if slot.year is None else (slot.name, str(slot.year))


class RowReader:
    """Reads record after record; remembers headings, and the first record of every unknown one."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.slots: dict[Any, Slot] = {}
        self.unknown: dict[str, int] = {}
        self.more_unknown = False
        self.compared = [decl for decl in fields.policy.fields.values() if decl.agrees]
        self.rows_readers = [reader for reader in fields.readers.values() if isinstance(reader, RowsReader)]

    def read(self, record: RawRecord) -> tuple[Facts, list[Problem]]:
        """Facts by field, in the order written; a fact that is wrong is left out and said."""
        found = list(record.problems)
        cells = record.cells
        if not isinstance(cells, dict):
            if not found:
                found.append(problems.not_record(cells))
            return {}, found
        for rows in self.rows_readers:
            rows.row = record.row
        facts: Facts = {}
        slots = self.slots
        odd: list[tuple[Slot, Any]] = []
        for heading, raw in cells.items():
            slot = slots.get(heading) or self.slot(heading)
            reader = slot.reader
            if slot.own:
                value = reader.read(raw, slot.label, found)  # type: ignore[union-attr]
                if value is not MISSING:
                    facts[slot.name] = value
            elif reader is not None:
                odd.append((slot, raw))
            elif slot.label not in self.unknown:
                self.strange(slot.label, record.row)
        if odd:
            self.others(odd, cells, facts, found)
        if isinstance(cells, Doubled):
            found.extend(problems.written_twice(normalize(key)) for key in cells.keys_twice)
        for decl in self.compared:
            compare_identity(decl, facts, self.fields.policy, found)
        return facts, found

    def slot(self, heading: Any) -> Slot:
        slot = self.fields.slot(heading)
        if len(self.slots) < 10_000:
            self.slots[heading] = slot
        return slot

    def strange(self, label: str, row: int) -> None:
        if len(self.unknown) < MOST_STRANGE:
            self.unknown[label] = row
        else:
            self.more_unknown = True

    def others(
        self, odd: list[tuple[Slot, Any]], cells: Mapping[Any, Any], facts: Facts, found: list[Problem]
    ) -> None:
        """Columns under another heading (列名), and wide columns, which make one series."""
        labels = {
            self.slots[key].name: self.slots[key].label
            for key in cells
            if key in self.slots and self.slots[key].own
        }
        wide: dict[str, dict[int, Any]] = {}
        wrong: set[str] = set()
        for slot, raw in odd:
            reader = slot.reader
            first = labels.get(slot.name)
            if slot.year is None:
                if first is not None or slot.name in wide:
                    found.append(problems.two_columns(slot.name, first or f"年份{slot.name}", slot.label))
                    facts.pop(slot.name, None)
                    continue
                labels[slot.name] = slot.label
                value = reader.read(raw, slot.label, found)  # type: ignore[union-attr]
                if value is not MISSING:
                    facts[slot.name] = value
                continue
            assert isinstance(reader, SeriesReader)
            if first is not None:
                found.append(problems.two_columns(slot.name, first, slot.label))
                facts.pop(slot.name, None)
                continue
            years = wide.setdefault(slot.name, {})
            value = reader.cell.read(raw)
            if value.__class__ is Bad:
                found.append(problems.of(value, slot.label))
                wrong.add(slot.name)
            elif slot.year in years:
                found.append(problems.written_twice(slot.label))
                wrong.add(slot.name)
            else:
                years[slot.year] = value
        for name, years in wide.items():
            reader = self.fields.readers[name]
            if name not in wrong and name not in labels and isinstance(reader, SeriesReader):
                facts[name] = reader.series(years)


def compare_identity(decl: FieldDecl, facts: Facts, policy: Policy, found: list[Problem]) -> None:
    """对照: day of birth and sex in an identity number against the fields that give them, where both are given."""
    number = facts.get(decl.name)
    if not isinstance(number, str):
        return
    for part, scalar in decl.agrees:
        name = normalize(scalar.text)
        given = facts.get(name)
        if part == "出生" and isinstance(given, date):
            says = birth_of(number)
            if says is not None and says != given:
                found.append(
                    problems.disagrees(
                        decl.name, number, "出生日期", says.isoformat(), name, given.isoformat()
                    )
                )
        elif part == "性别" and isinstance(given, str):
            sex = sex_of(number)
            if given[:1] in "男女" and given[:1] != sex:
                found.append(problems.disagrees(decl.name, number, part, sex, name, given))
