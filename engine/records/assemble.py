"""Raw records → `Roster`: typed rows, the 标识 that tells them apart, facts of units, and every problem with its place.

A row with an error is left out and listed with what could be read of it; a warning never leaves a row out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.names import normalize
from engine.records import problems
from engine.records.model import Record, RejectedRow, Roster
from engine.records.problems import Problem
from engine.records.raw import RawRecord, RawRoster
from engine.records.row import Facts, Fields, RowReader
from engine.records.typed import narrow, plain
from engine.records.unit_facts import UnitFacts
from engine.values import parse_date

Result = tuple[Roster | None, list[Diagnostic]]


@dataclass(slots=True)
class _Read:
    """A row after reading, before rows are compared."""

    raw: RawRecord
    facts: Facts
    problems: list[Problem]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where rows and their cells are: `roster.json:记录 3.级别`, `roster.csv:12:级别`, `roster.xlsx:花名册!F12`."""

    file: str
    noun: str
    lines: dict[int, int] = field(default_factory=dict)
    locate: Callable[[int, str], str] | None = None

    def row(self, row: int, where: str = "") -> Place:
        if self.locate is not None:
            return Place(self.file, locator=self.locate(row, where))
        if self.noun == "行":
            return Place(self.file, row, locator=where)
        if not self.noun:
            return Place(self.file, self.lines.get(row, 0), locator=where)
        locator = f"记录 {row}.{where}" if where else f"记录 {row}"
        return Place(self.file, self.lines.get(row, 0), locator=locator)

    def whole(self, problem: Problem, line: int = 0) -> Diagnostic:
        related = tuple((f"第 {row} {self.noun or '条'}", self.row(row)) for row in problem.related)
        if self.locate is not None:
            place = Place(self.file, locator=self.locate(line, problem.where))
        else:
            place = Place(self.file, line, locator=problem.where)
        return Diagnostic(problem.code, problem.said, place, problem.hint, related)

    def of_row(self, problem: Problem, row: int, id_: str | None) -> Diagnostic:
        """One sentence: which row, whose, which field, what is wrong."""
        who = f"第 {row} {self.noun}" if self.noun else ""
        who += f"（{id_[:40]}）" if id_ and problem.code != "E703" else ""
        related = tuple((f"第 {other} {self.noun}", self.row(other)) for other in problem.related)
        return Diagnostic(
            problem.code, who + problem.said, self.row(row, problem.where), problem.hint, related
        )


def assemble(raw: RawRoster, file: str, sha256: str, fields: Fields, needs_id: bool = True) -> Result:
    """The roster; None only if the file as a whole cannot stand. `needs_id`: a lone record may go without its 标识."""
    places = Places(
        file, raw.noun, {r.row: r.line for r in raw.records if r.line} if raw.noun != "行" else {}, raw.locate
    )
    day, bad_day = _data_date(raw.data_date)
    if bad_day is not None:
        return None, [places.whole(bad_day)]
    rows = RowReader(fields)
    read = [_Read(record, *rows.read(record)) for record in raw.records]
    _identify(read, fields.policy.meta.identifier, needs_id, raw.noun)
    said: list[Problem] = []
    units = UnitFacts(fields, said)
    units.read(raw.units)
    accepted, rejected = _part(read, places, units)
    diagnostics = [places.whole(note, raw.header_line) for note in raw.notes]
    diagnostics += _unknown(rows, fields, places, raw)
    for row in read:
        diagnostics += [places.of_row(problem, row.raw.row, row.id) for problem in row.problems]
    diagnostics += [places.whole(problem) for problem in said]
    roster = Roster(
        file=file,
        sha256=sha256,
        data_date=day,
        records=tuple(accepted),
        rejected=tuple(rejected),
        units=units.units,
        single=raw.single,
    )
    return roster, diagnostics


def _data_date(raw: Any) -> tuple[date | None, Problem | None]:
    raw = plain(raw)
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None, None
    day = parse_date(narrow(raw)) if isinstance(raw, str) else None
    return day, None if day is not None else problems.bad_data_date(raw)


def _identify(read: Sequence[_Read], name: str, needs_id: bool, noun: str) -> None:
    """The 标识 of every row; a row without one, and all rows that share one, get a problem."""
    rows: dict[str, list[_Read]] = {}
    for row in read:
        given = row.facts.get(name)
        if given is not None:
            row.id = given if isinstance(given, str) else str(given)
            rows.setdefault(normalize(row.id), []).append(row)
        elif needs_id and isinstance(row.raw.cells, dict) and not any(p.where == name for p in row.problems):
            row.problems.append(problems.id_missing(name))
    for id_, same in rows.items():
        if len(same) > 1:
            numbers = [row.raw.row for row in same[:7]]
            for row in same:
                others = [number for number in numbers if number != row.raw.row]
                row.problems.append(problems.id_twice(name, id_, others, noun))


def _part(read: Sequence[_Read], places: Places, units: UnitFacts) -> tuple[list[Record], list[RejectedRow]]:
    """Rows that stand and rows left out; only those that stand say something of their unit."""
    accepted: list[Record] = []
    rejected: list[RejectedRow] = []
    of_units = [name for name, decl in units.policy.fields.items() if decl.owner]
    for row in read:
        number = row.raw.row
        if row.problems:
            rejected.append(RejectedRow(row.id, number, row.facts, places.row(number)))
            continue
        units.claim(number, row.facts, of_units)
        id_ = row.id if row.id is not None else f"记录 {number}"
        accepted.append(Record(id_, number, row.facts, places.row(number)))
    return accepted, rejected


def _unknown(rows: RowReader, fields: Fields, places: Places, raw: RawRoster) -> list[Diagnostic]:
    """Columns that no field reads, each once."""
    found = []
    for label, row in rows.unknown.items():
        problem = problems.unknown_column(label, fields.headings, label[:40])
        if raw.noun == "行":
            found.append(places.whole(problem, raw.header_line))
        else:
            found.append(_at_row(problem, places, row))
    for label, (row, known) in fields.strange_columns.items():
        inner = label.partition(".")[2]
        problem = problems.unknown_column(inner, known, label[:80], f"「{label.partition('.')[0]}」的栏目")
        found.append(_at_row(problem, places, row))
    if rows.more_unknown:
        found.append(places.whole(problems.more_unknown(), raw.header_line))
    return found


def _at_row(problem: Problem, places: Places, row: int) -> Diagnostic:
    return Diagnostic(problem.code, problem.said, places.row(row, problem.where), problem.hint)
