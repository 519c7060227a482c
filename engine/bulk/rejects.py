"""Rows that are left out: each with every mistake in it, in a file; the first of them told.

Only these rows are read one by one, by the reader of records, whose sentences they get.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

import duckdb

from engine.bulk.columns import Reading
from engine.bulk.files import Source
from engine.bulk.tables import misfits
from engine.bulk.texts import ROW, named, quoted
from engine.diagnostics import Diagnostic, Place
from engine.policy import Policy
from engine.records import problems
from engine.records.problems import Problem
from engine.records.raw import Doubled, RawRecord
from engine.records.row import Fields, RowReader
from engine.types import SeriesT

#: Rows left out that are told one by one; all of them are in the file of rejects.
MOST_TOLD = 20
BATCH = 2_000
HEADINGS = ("文件", "行", "", "字段", "问题", "提示")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One row with what is wrong with it. `line` is that of a CSV, else the number of the record."""

    file: Path
    line: int
    id: str
    problems: tuple[Problem, ...]


def left_out(
    con: duckdb.DuckDBPyConnection,
    source: Source,
    reading: Reading,
    policy: Policy,
    numbers: str,
    relation: str,
    twice: bool,
) -> Iterator[LeftOut]:
    """Every row left out, in the order of the file. `numbers`: a SELECT of their `·行`; `relation`: the file as it is read;
    `twice`: whether the table 「重」 has 标识 that stand in several rows."""
    identifier = policy.meta.identifier
    for table, line, cells in misfits(source.tables):
        yield LeftOut(table.path, line, "", (problems.cell_count(cells, len(table.headings)),))
    headings = [heading for raw in reading.raw.values() for heading in raw]
    unread = [
        f"CASE WHEN {bad} THEN {quoted(name)} END" for name, bad in reading.bad.items() if bad != "FALSE"
    ]
    odd = f"list_filter([{', '.join(unread)}], lambda x: x IS NOT NULL)" if unread else "[]"
    own = (
        f"CASE {' '.join(f'WHEN {bad} THEN {at}' for at, (bad, *_) in enumerate(source.bad))} END"
        if source.bad
        else "NULL"
    )
    columns = ", ".join([named(heading) for heading in headings])
    same, join = "NULL", ""
    if twice:
        same, join = '"重".rows', f' LEFT JOIN "重" ON {reading.typed[identifier]} = "重".id'
    cursor = con.execute(
        f'SELECT "{ROW}", {odd}, {own}, {same}, {columns} FROM {named(relation)}{join} '
        f'WHERE "{ROW}" IN ({numbers}) ORDER BY "{ROW}"'
    )
    rows, series = RowReader(Fields(policy)), series_in(reading, policy)
    while batch := cursor.fetchmany(BATCH):
        for number, fields, mark, others, *values in batch:
            file, line = source.place(number)
            told = [source.place(other) for other in others or () if other != number]
            twins = [other for path, other in told if path == file] or [other for _, other in told]
            more = source.bad[mark][1] if mark is not None else None
            yield of_row(
                rows, reading, identifier, (file, line), headings, values, fields, twins, series, more
            )


def of_row(
    rows: RowReader,
    reading: Reading,
    identifier: str,
    place: tuple[Path, int],
    headings: Sequence[str],
    values: Sequence[Any],
    unread: Sequence[str],
    same: Sequence[int],
    series: Collection[str] = (),
    more: Problem | None = None,
) -> LeftOut:
    """One row read again. `unread`: fields whose checks found something; `same`: other rows with its 标识; `series`:
    headings of whole series; `more`: what is wrong with the row as a whole."""
    file, line = place
    record = raw_record(line, headings, values, series)
    if more is not None:
        mark_record(record, more)
    facts, found = rows.read(record)
    given = facts.get(identifier)
    named_wrong = record.cells is None or any(problem.where == identifier for problem in found)
    if given is None and not named_wrong:
        found.append(problems.id_missing(identifier))
    if same:
        found.append(problems.id_twice(identifier, str(given), list(same), "行"))
    if not found:
        found.append(unread_cells(unread))
    return LeftOut(file, line, "" if given is None else str(given), tuple(found))


def unread_cells(fields: Sequence[str]) -> Problem:
    """E792: what the reader of records takes and SQL does not."""
    which = f"「{'」「'.join(fields)}」的写法" if fields else "有一处写法，"
    return Problem(
        "E792",
        f"{which}批量计算读不了",
        "请改成常用的写法，或用 --engine interpreter 计算",
        "、".join(fields),
    )


def write(
    rows: Iterator[LeftOut], path: Path, identifier: str, listed: str, roster: Path
) -> tuple[int, list[Diagnostic]]:
    """The file of rejects, one line for each mistake; how many rows, and what is told of them."""
    count, said = 0, []
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((*HEADINGS[:2], identifier, *HEADINGS[3:]))
        for row in rows:
            count += 1
            for problem in row.problems:
                writer.writerow((row.file, row.line, row.id, problem.where, problem.said, problem.hint))
                if count <= MOST_TOLD:
                    who = f"（{row.id[:40]}）" if row.id and problem.code != "E703" else ""
                    said.append(
                        Diagnostic(
                            problem.code,
                            f"第 {row.line} 行{who}{problem.said}",
                            Place(str(row.file), row.line, locator=problem.where),
                            problem.hint,
                        )
                    )
    if count > MOST_TOLD:
        more = f"还有 {count - MOST_TOLD:,} 行退回，没有逐行列出"
        said.append(Diagnostic("E702", more, Place(str(roster)), f"全部在 {listed}"))
    return count, said


# --- a row as the readers of records take it ---------------------------------------------------------------


def raw_record(
    row: int, headings: Sequence[str], values: Sequence[Any], series: Collection[str] = ()
) -> RawRecord:
    """`series`: headings of series, of which an empty list is one without years."""
    cells = {name: raw_cell(value) for name, value in zip(headings, values, strict=True)}
    for name in series:
        if cells.get(name) == []:
            cells[name] = {}
    return RawRecord(row, cells)


def series_in(reading: Reading, policy: Policy) -> list[str]:
    """Headings of whole series."""
    return [
        raw[0] for name, raw in reading.raw.items()
        if isinstance(policy.fields[name].type, SeriesT) and len(raw) == 1
    ]  # fmt: skip


def mark_record(record: RawRecord, problem: Problem) -> None:
    """A problem of the row as a whole; of one whose cells may be shifted nothing is read."""
    record.problems.append(problem)
    if problem.code == "E705":
        record.cells = None


def raw_cell(value: Any) -> Any:
    """Lists of year and value are series; a moment is no date unless it is midnight."""
    if isinstance(value, datetime):
        return value.date() if value.time() == time() and value.tzinfo is None else str(value)
    if isinstance(value, list) and value and all(isinstance(item, dict) and len(item) == 2 for item in value):
        names = list(value[0])
        year = next((name for name in names if name in ("年份", "年度", "year")), None)
        if year is not None:
            other = next(name for name in names if name != year)
            return years([(item[year], raw_cell(item[other])) for item in value])
    if isinstance(value, list):
        return [raw_cell(item) for item in value]
    if isinstance(value, dict):
        return {str(raw_cell(key)): raw_cell(inner) for key, inner in value.items()}
    return value


def years(pairs: Sequence[tuple[Any, Any]]) -> Mapping[str, Any]:
    named_ = [("空" if year is None else str(year), value) for year, value in pairs]
    found = dict(named_)
    if len(found) == len(named_):
        return found
    keys = [key for key, _ in named_]
    twice = tuple(dict.fromkeys(key for key in keys if keys.count(key) > 1))
    return Doubled({key: value for key, value in found.items() if key not in twice}, twice)
