"""Whether a contestant gives the same figures: rows of the twelve results set beside those expected, to the fen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb

from benchmarks.job import AMOUNTS, IDENTIFIER, RESULTS

EXACT = "yes"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def wrong_rows(
    con: duckdb.DuckDBPyConnection, given: str, expected: str, *, zeros: bool = False, by: str = IDENTIFIER
) -> str:
    """`EXACT`, or how many rows of how many differ in any result.

    `given`, `expected`: relations with the column `by` and the twelve results. `zeros`: what is not applicable is given as 0.
    """
    tests = []
    for name in RESULTS:
        due = f"CAST(e.{quoted(name)} AS DECIMAL(18, 2))"
        found = f"CAST(round(CAST(g.{quoted(name)} AS DECIMAL(18, 6)), 2) AS DECIMAL(18, 2))"
        if name not in AMOUNTS:
            due, found = (f"CAST({side}.{quoted(name)} AS INTEGER)" for side in "eg")
        tests.append(f"{found} IS DISTINCT FROM {f'COALESCE({due}, 0)' if zeros else due}")
    key = quoted(by)
    wrong, rows = con.execute(f"""
        SELECT count(*) FILTER (WHERE {" OR ".join(tests)}), count(*)
        FROM ({expected}) e FULL JOIN ({given}) g ON e.{key} = g.{key}
    """).fetchall()[0]
    return f"{wrong:,} of {rows:,} rows wrong" if wrong else EXACT


def as_table(
    con: duckdb.DuckDBPyConnection, table: str, ids: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> str:
    """Results of a few workers, one mapping each, as a relation."""
    kinds = {name: "DECIMAL(18, 2)" if name in AMOUNTS else "INTEGER" for name in RESULTS}
    columns = ", ".join(f"unnest(?::{kind}[]) AS {quoted(name)}" for name, kind in kinds.items())
    given = [[plain(row[name]) for row in rows] for name in RESULTS]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT unnest(?::VARCHAR[]) AS {quoted(IDENTIFIER)}, {columns}",
        [list(ids), *given],
    )
    return f"FROM {table}"


def plain(value: Any) -> Any:
    """A figure as DuckDB takes it."""
    if isinstance(value, float | Fraction):
        return round(
            Decimal(value.numerator) / value.denominator if isinstance(value, Fraction) else Decimal(value), 2
        )
    return int(value) if isinstance(value, bool) else value


def different(con: duckdb.DuckDBPyConnection, one: str, two: str) -> str:
    """The same for relations with the same columns, whatever they are: values, reasons and missing facts."""
    rows = con.execute(f"SELECT count(*) FROM ({one})").fetchall()[0][0]
    differ = con.execute(f"""
        SELECT count(*) FROM (SELECT CAST(g AS VARCHAR) FROM ({one}) g EXCEPT ALL SELECT CAST(e AS VARCHAR) FROM ({two}) e)
    """).fetchall()[0][0]
    return f"{differ:,} of {rows:,} rows wrong" if differ else EXACT
