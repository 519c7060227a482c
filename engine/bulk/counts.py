"""What results come to in numbers, read back from what was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from engine.bulk.texts import pattern
from engine.compile.dialects import DIALECTS
from engine.compile.plan import MISSING_FACTS
from engine.program import Program
from engine.types import BoolT, NumberT

_DUCK = DIALECTS["duckdb"]


@dataclass(frozen=True, slots=True)
class Count:
    """How one result came out over all records; `total` for amounts, `no` how many of a 校验 are 否."""

    name: str
    values: int
    closed: int
    open: int
    total: Decimal | None = None
    no: int | None = None


def counts_of(
    con: duckdb.DuckDBPyConnection, program: Program, results: Sequence[str], path: Path
) -> tuple[Count, ...]:
    """Every result of a Parquet file, or of a folder of them. A row without a value and without a gap is 不适用."""
    if not results:
        return ()
    quote, file = _DUCK.quote, f"read_parquet({pattern(path)})"
    kinds = {name: str(kind) for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {file}").fetchall()}
    amounts, checks = [], []
    grounds = [name for name in results if name in program.grounds]
    for name in results:
        kind = program.types[name]
        if isinstance(kind, NumberT) and kind.unit.is_money and not kinds[name].startswith("STRUCT"):
            amounts.append(name)
        elif name in program.policy.rules and isinstance(kind, BoolT):
            checks.append(name)
    gaps = quote(MISSING_FACTS)
    parts = {(name, "values"): f"count({quote(name)})" for name in results}
    parts |= {(name, "total"): f"sum({quote(name)})" for name in amounts}
    parts |= {(name, "no"): f"count(*) FILTER (NOT {quote(name)})" for name in checks}
    for name in grounds:  # what a 情形 rests on may be missing in part
        is_open = f"map_contains({gaps}, {_DUCK.text(name)})"
        parts[name, "both"] = f"count(*) FILTER ({quote(name)} IS NOT NULL AND {is_open})"
    *numbers, rows = con.execute(f"SELECT {', '.join(parts.values())}, count(*) FROM {file}").fetchall()[0]
    found = dict(zip(parts, numbers, strict=True))
    keys = f"SELECT {_DUCK.keys_of(gaps)} AS k FROM {file}"
    open_ = dict(con.execute(f"SELECT k, count(*) FROM ({keys}) GROUP BY k").fetchall())

    def count(name: str) -> Count:
        values, gaps = found[name, "values"], open_.get(name, 0)
        closed = rows - values - gaps + found.get((name, "both"), 0)
        return Count(name, values, closed, gaps, found.get((name, "total")), found.get((name, "no")))

    return tuple(map(count, results))


def rows_in(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    return int(con.execute(f"SELECT count(*) FROM read_parquet({pattern(path)})").fetchall()[0][0])
