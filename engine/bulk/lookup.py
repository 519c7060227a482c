"""One record of a roster that is read in place, with all that its results rest on: its groups and its units.

Everything else stays where it is. Who is in which group is asked of the same statement that computes them, so that the
rows taken are those that count there; rows without a value of 按 may belong to any group and are taken too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from engine.bulk import words
from engine.bulk.columns import ColumnReader, Reading
from engine.bulk.files import Source, open_source
from engine.bulk.rejects import mark_record, raw_record, series_in
from engine.bulk.tables import misfits
from engine.bulk.texts import ROW, named, quoted
from engine.bulk.units import units_of
from engine.compile.dialects import DIALECTS
from engine.compile.frame import Common, Frame, Given
from engine.compile.groups import ROSTER, asked_of, by_column
from engine.compile.stages import Stages, statement
from engine.diagnostics import Diagnostic, Place
from engine.names import normalize
from engine.program import Program
from engine.records import problems
from engine.records.assemble import assemble
from engine.records.model import Roster
from engine.records.raw import RawRecord, RawRoster
from engine.records.row import Fields

#: Members of a record's groups that are taken with it, at most.
MOST_MEMBERS = 200_000
_DUCK = DIALECTS["duckdb"]


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken of a roster. Without a `roster`, `diagnostics` say why, or nobody has this 标识 (`count` records).

    `told` are mistakes of the record itself; `too_large`: 集体 → members, of those that were not taken.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    roster: Roster | None = None
    told: tuple[Diagnostic, ...] = ()
    too_large: Mapping[str, int] | None = None
    count: int = 0
    files: tuple[Path, ...] = ()


def take(
    path: Path,
    program: Program,
    as_of: date,
    readings: Mapping[str, str],
    id_: str,
    results: Mapping[str, bool],
    scratch: Path,
) -> Taken:
    """The record of a 标识. `results`: what is asked of it → whether it is a 集体; raises DuckDB's errors and OSError."""
    con = duckdb.connect(config={"temp_directory": str(scratch)})
    try:
        source, found = open_source(con, path, scratch)
        if source is None:
            return Taken(tuple(found))
        return _Taker(con, source, program, as_of, readings, path, scratch).take(id_, results)
    finally:
        con.close()


def groups_of(
    program: Program,
    as_of: date,
    readings: Mapping[str, str],
    shapes: Mapping[str, str],
    name: str,
    is_group: bool,
) -> list[str]:
    """The 集体 that one result rests on under the chosen readings."""
    common = Common(_DUCK, as_of, as_of, readings)
    return asked_of(common, program, [] if is_group else [name], shapes, [name] if is_group else []).groups


class _Taker:
    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: Source,
        program: Program,
        as_of: date,
        readings: Mapping[str, str],
        path: Path,
        scratch: Path,
    ) -> None:
        self.con, self.source, self.program, self.path, self.scratch = con, source, program, path, scratch
        self.as_of, self.readings = as_of, readings
        self.policy = program.policy
        self.fields = Fields(program.policy)

    def take(self, id_: str, results: Mapping[str, bool]) -> Taken:
        source, policy = self.source, self.policy
        self.con.execute(f'CREATE TEMP VIEW "原" AS {source.relation}')
        reading = self.reading({})
        if wrong := [d for d in reading.diagnostics if d.severity == "error"]:
            return Taken(tuple(wrong))
        if policy.meta.identifier not in reading.typed:
            fact = f"名册没有「{policy.meta.identifier}」列，分不清是谁"
            return Taken((problems.bad_file(Place(str(self.path)), fact, "请补上这一列"),))
        relation = "原"
        if known := words.learn(self.con, reading, policy, self.scratch):
            relation, reading = "读", self.reading(known)
        typed = ", ".join(f"{sql} AS {named(name)}" for name, sql in reading.typed.items())
        self.con.execute(f'CREATE TEMP VIEW "{ROSTER}" AS SELECT {typed}, "{ROW}" FROM {named(relation)}')
        own = self.numbers(f"{named(policy.meta.identifier)} = {quoted(normalize(id_))}")
        if not own:
            return Taken(count=source.count, files=source.files)
        too_large = self.too_large = dict[str, int]()
        rows = set(own)
        if len(own) == 1:
            rows |= self.members(own[0], results, reading)
            rows |= self.of_same_units(rows, reading)
        roster, told = self.roster(sorted(rows), reading)
        lines = {source.place(row)[1] for row in own}
        its = [d for d in told if d.severity == "error" and d.place is not None and d.place.line in lines]
        return Taken((), roster, tuple(its), too_large, source.count, source.files)

    def reading(self, known: words.Known) -> Reading:
        return ColumnReader(self.policy, _DUCK, str(self.path), {}, known).read(self.source.columns)

    def numbers(self, condition: str) -> list[int]:
        rows = self.con.execute(f'SELECT "{ROW}" FROM "{ROSTER}" WHERE {condition}').fetchall()
        return [row for (row,) in rows]

    # --- who counts with it ----------------------------------------------------------------------------

    def members(self, own: int, results: Mapping[str, bool], reading: Reading) -> set[int]:
        """Rows of the record's groups; a group of too many is noted and not taken."""
        names = {
            name
            for result, is_group in results.items()
            for name in groups_of(self.program, self.as_of, self.readings, reading.shapes, result, is_group)
        }
        ways = {self.program.groups_by_name[name].by for name in names}
        if not ways:
            return set()
        places = sorted({name for by in ways for name in by})
        common = Common(_DUCK, self.as_of, self.as_of, self.readings)
        frame = Frame(
            common, self.program, Stages(_DUCK, ROSTER, [*reading.shapes, ROW]), Given(reading.shapes)
        )
        outputs = [(ROW, named(ROW))]
        outputs += [(by_column(name), frame.member_text(frame.field(name))) for name in places]
        placed = statement(frame.stages.relations("位", outputs), _DUCK)
        self.con.execute(f'CREATE TEMP TABLE "位" AS {placed}')
        found: set[int] = set()
        for by in ways:
            tests = [
                f'({named(by_column(name))} IS NULL OR {named(by_column(name))} = (SELECT {named(by_column(name))} FROM "位" WHERE "{ROW}" = {own}))'
                for name in by
            ]
            condition = " AND ".join(tests) or "TRUE"
            ((count,),) = self.con.execute(f'SELECT count(*) FROM "位" WHERE {condition}').fetchall()
            if count > MOST_MEMBERS:
                self.too_large |= {
                    name: count for name in names if self.program.groups_by_name[name].by == by
                }
                continue
            rows = self.con.execute(f'SELECT "{ROW}" FROM "位" WHERE {condition}').fetchall()
            found |= {row for (row,) in rows}
        return found

    def of_same_units(self, rows: set[int], reading: Reading) -> set[int]:
        """Rows of the units of those rows, which may give facts of the unit."""
        found: set[int] = set()
        listed = ", ".join(map(str, rows))
        for owner in units_of(self.policy, reading.shapes):
            units = f'SELECT {named(owner)} FROM "{ROSTER}" WHERE "{ROW}" IN ({listed})'
            same = self.numbers(f"{named(owner)} IN ({units})")
            found |= set(same) if len(same) <= MOST_MEMBERS else set()
        return found

    # --- as the interpreter takes it -------------------------------------------------------------------

    def roster(self, rows: Sequence[int], reading: Reading) -> tuple[Roster | None, list[Diagnostic]]:
        source = self.source
        headings = [heading for raw in reading.raw.values() for heading in raw]
        series = series_in(reading, self.policy)
        marks = " ".join(f"WHEN {bad} THEN {at}" for at, (bad, _) in enumerate(source.bad))
        mark = f"CASE {marks} END" if marks else "NULL"
        self.con.execute('CREATE TEMP TABLE "要" (n BIGINT)')
        for at in range(0, len(rows), 5_000):
            self.con.execute(
                f'INSERT INTO "要" VALUES {", ".join(f"({row})" for row in rows[at : at + 5_000])}'
            )
        cursor = self.con.execute(
            f'SELECT "{ROW}", {mark}, {", ".join(map(named, headings))} FROM "原" '
            f'WHERE "{ROW}" IN (SELECT n FROM "要") ORDER BY "{ROW}"'
        )
        records = []
        for number, at, *values in cursor.fetchall():
            record = raw_record(source.place(number)[1], headings, values, series)
            if at is not None:
                mark_record(record, source.bad[at][1])
            records.append(record)
        if len(rows) > 1:
            for table, line, cells in misfits(source.tables):
                bad = problems.cell_count(cells, len(table.headings))
                records.append(RawRecord(line, None, problems=[bad]))
        return assemble(RawRoster(records, noun="行"), str(self.path), "", self.fields)
