"""Ways of writing that SQL does not know, read once by the reader of records: full-width letters, tabs, 别名 with blanks.

Only texts that a column's check has found are looked at, each once. What the reader takes stands in a table that the file is
joined with from then on; what it does not take stays bad.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from engine.bulk.columns import Cell, Reading
from engine.bulk.texts import ROW, named, quoted
from engine.compile.frame import MOST_DECIMALS, MOST_DIGITS
from engine.policy import FieldDecl, Policy
from engine.records.problems import Bad
from engine.records.row import Fields
from engine.records.shapes import FactReader
from engine.records.typed import MISSING, CellReader
from engine.types import SeriesT
from engine.values import decimals_of, format_number

BATCH = 10_000
Known = dict[str, tuple[str, str]]


def learn(con: duckdb.DuckDBPyConnection, reading: Reading, policy: Policy, scratch: Path) -> Known:
    """Makes the view 「读」 of the file 「原」 with what could be read; column → (whether known, value), none if there is nothing."""
    fields = Fields(policy)
    odd = {name: cell for name, cell in reading.cells.items() if cell.bad != "FALSE"}
    if not odd:
        return {}
    listed = list(odd.items())
    path = scratch / "words.jsonl"
    found: set[int] = set()
    with path.open("w", encoding="utf-8") as stream:
        for at, word in words(con, listed, reading, fields):
            heading, cell = listed[at]
            read = reader_of(policy.fields[cell.field], cell, fields).read(word)
            if isinstance(read, Bad) or (read is not MISSING and not holds(policy.fields[cell.field], read)):
                continue
            value = None if read is MISSING else written(read)
            stream.write(json.dumps({"n": at, "w": word, "v": value}, ensure_ascii=False) + "\n")
            found.add(at)
    if not found:
        return {}
    con.execute(
        'CREATE OR REPLACE TEMP TABLE "词" AS SELECT * FROM '
        f"read_json({quoted(str(path))}, format = 'newline_delimited', columns = {{n: 'INTEGER', w: 'VARCHAR', v: 'VARCHAR'}})"
    )
    parts, joins, known = ['"原".*'], "", {}
    for at in sorted(found):
        heading, cell = listed[at]
        described = con.execute(f'DESCRIBE SELECT {cell.typed} FROM "原"').fetchall()
        kind = described[0][1]
        parts += [f'(w{at}.w IS NOT NULL) AS "·知{at}"', f'w{at}.v AS "·词{at}"']
        joins += (
            f'\nLEFT JOIN (SELECT w, CAST(v AS {kind}) AS v FROM "词" WHERE n = {at}) AS w{at}'
            f' ON "原".{named(heading)} = w{at}.w'
        )
        known[heading] = (f'"·知{at}"', f'"·词{at}"')
    con.execute(f'CREATE OR REPLACE TEMP VIEW "读" AS SELECT {", ".join(parts)} FROM "原"{joins}')
    return known


def words(
    con: duckdb.DuckDBPyConnection, cells: list[tuple[str, Cell]], reading: Reading, fields: Fields
) -> Iterator[tuple[int, str]]:
    """(which column, text): those that checks find; of names of units all, in the order of the file, if any is odd."""
    items = ", ".join(
        f"CASE WHEN {cell.bad} THEN {{'n': {at}, 'w': {named(heading)}}} END"
        for at, (heading, cell) in enumerate(cells)
    )
    any_bad = " OR ".join(cell.bad for _, cell in cells)
    query = (
        f'SELECT c.n, c.w FROM (SELECT unnest(list_filter([{items}], lambda x: x IS NOT NULL)) AS c, "{ROW}" '
        f'FROM "原" WHERE {any_bad}) GROUP BY ALL ORDER BY min("{ROW}")'
    )
    con.execute(f'CREATE OR REPLACE TEMP TABLE "生词" AS {query}')
    spelt = [at for at, (_, cell) in enumerate(cells) if cell.field in fields.spellings]
    for at in spelt:
        row = con.execute(f'SELECT count(*) FROM "生词" WHERE n = {at}').fetchone()
        if row and row[0]:
            heading = named(cells[at][0])
            con.execute(f'DELETE FROM "生词" WHERE n = {at}')
            con.execute(
                f'INSERT INTO "生词" SELECT {at}, {heading} FROM "原" WHERE {heading} IS NOT NULL GROUP BY ALL ORDER BY min("{ROW}")'
            )
    cursor = con.execute('SELECT n, w FROM "生词"')
    while rows := cursor.fetchmany(BATCH):
        yield from rows


def reader_of(decl: FieldDecl, cell: Cell, fields: Fields) -> CellReader:
    reader = fields.readers[decl.name]
    if isinstance(reader, FactReader):
        return reader.cell
    assert isinstance(decl.type, SeriesT)
    return reader.cell  # type: ignore[union-attr]


def holds(decl: FieldDecl, value: Any) -> bool:
    """Whether a column holds a value as it is."""
    if isinstance(value, bool) or not isinstance(value, int | Fraction):
        return True
    most = MOST_DECIMALS if decl.decimals is None else decl.decimals
    decimals = decimals_of(value)
    return abs(value) < 10**MOST_DIGITS and decimals is not None and decimals <= (0 if decl.integer else most)


def written(value: Any) -> str:
    """A value as text that SQL casts to what it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else format_number(value)


def member_words(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    decl: FieldDecl,
    members: tuple[str, ...],
    reader: CellReader,
) -> Mapping[str, str]:
    """Other ways of writing a member inside a series that the reader of records takes."""
    rows = con.execute(
        f'SELECT DISTINCT w FROM (SELECT unnest({named(decl.name)})."值" AS w FROM {named(relation)}) WHERE w IS NOT NULL'
    ).fetchmany(BATCH)
    read = {word: reader.read(word) for (word,) in rows if word not in members}
    known = dict(decl.aliases)
    return {w: m for w, m in read.items() if isinstance(m, str) and w not in known}
