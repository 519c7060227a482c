"""A row of a bulk run's results, read back, and whether the interpreter comes to the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from engine.bulk.texts import named, pattern, quoted
from engine.tables import show
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown, exact

CLOSED, OPEN = "不适用", "信息不足"


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """`values` by result, None where there is none; `closed`: result → reason; `open`: result → facts."""

    values: Mapping[str, Any]
    closed: Mapping[str, str]
    open: Mapping[str, tuple[str, ...]]


def row_of(output: Path, identifier: str, columns: Mapping[str, str], id_: str) -> WrittenRow | None:
    """The row of a 标识; None if there is none. Raises DuckDB's errors for a file that is no results."""
    maps = {CLOSED: "MAP(VARCHAR, VARCHAR)", OPEN: "MAP(VARCHAR, VARCHAR[])"}
    if output.suffix.lower() == ".csv":
        kinds = {**columns, **maps}
        listed = ", ".join(f"CAST({named(name)} AS {kind})" for name, kind in kinds.items())
        source = f"read_csv({pattern(output)}, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    else:
        listed = ", ".join(named(name) for name in (*columns, *maps))
        source = f"read_parquet({pattern(output)})"
    con = duckdb.connect()
    try:
        row = con.execute(
            f"SELECT {listed} FROM {source} WHERE {named(identifier)} = {quoted(id_)}"
        ).fetchone()
    finally:
        con.close()
    if row is None:
        return None
    *values, closed, gaps = row
    return WrittenRow(
        dict(zip(columns, values, strict=True)),
        dict(closed or {}),
        {name: tuple(facts) for name, facts in dict(gaps or {}).items()},
    )


def is_results(path: Path) -> bool:
    """Whether a Parquet file has the columns of results."""
    con = duckdb.connect()
    try:
        names = {
            name
            for name, *_ in con.execute(f"DESCRIBE SELECT * FROM read_parquet({pattern(path)})").fetchall()
        }
    except duckdb.Error:
        return False
    finally:
        con.close()
    return {CLOSED, OPEN} <= names


def agrees(row: WrittenRow, name: str, outcome: Any) -> bool:
    """Whether an outcome is what the row has of a result: the value, the reason, or the same missing facts."""
    value, facts = row.values.get(name), frozenset(row.open.get(name, ()))
    if name in row.closed:
        return outcome == NotApplicable(row.closed[name]) and value is None and not facts
    match outcome:
        case NotApplicable():
            return False
        case Unknown(missing):
            return value is None and facts == frozenset(missing)
        case Grounds(holding, waiting):
            due = frozenset(fact for _, asked in waiting for fact in asked)
            return facts == due and tuple(value or ()) == holding and (value is not None or bool(due))
    return not facts and value is not None and plain(value) == plain(outcome)


def plain(value: Any) -> Any:
    """A value of either side in one form."""
    match value:
        case bool() | str() | date():
            return value
        case int() | Fraction():
            return exact(value)
        case Decimal():
            return exact(Fraction(value))
        case Series(items):
            return [(year, plain(inner)) for year, inner in items]
        case Rows(rows):
            return [{k: plain(v) for k, v in row.items() if not isinstance(v, Unknown)} for row in rows]
        case {"分子": top, "分母": bottom}:
            return exact(Fraction(int(top), int(bottom)))
        case list() if value and isinstance(value[0], dict) and set(value[0]) == {"年份", "值"}:
            return [(item["年份"], plain(item["值"])) for item in value]
        case list() | tuple():
            return [plain(inner) for inner in value]
    return value


def words(row: WrittenRow, name: str) -> str:
    """What the row has of a result, in a message."""
    if name in row.closed:
        return f"不适用（{row.closed[name]}）"
    value = row.values.get(name)
    told = [] if value is None else ["、".join(value) if isinstance(value, list) else shown(plain(value))]
    if name in row.open:
        told.append(f"信息不足（缺 {'、'.join(row.open[name])}）")
    return "，".join(told) or "空"


def shown(value: Any) -> str:
    return show(value) if isinstance(value, bool | int | Fraction | date | str) else "一组值"
