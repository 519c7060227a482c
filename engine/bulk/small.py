"""Small rosters in columnar files: read for the interpreter, and its results written as a bulk run writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from engine.bulk.files import ROW, open_source
from engine.bulk.run import raw_record
from engine.diagnostics import Diagnostic
from engine.policy import Policy
from engine.records.assemble import assemble
from engine.records.model import Roster
from engine.records.raw import RawRoster
from engine.records.row import Fields
from engine.results import Evaluation
from engine.tables import show
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown


def size(path: Path) -> tuple[int, list[Diagnostic]]:
    """How many records a file has; 0 with the reason if it cannot be read."""
    con = duckdb.connect()
    try:
        source, found = open_source(con, path)
        return (source.count if source is not None else 0), found
    finally:
        con.close()


def read(path: Path, policy: Policy) -> tuple[Roster | None, list[Diagnostic]]:
    """A columnar file as the interpreter's roster."""
    con = duckdb.connect()
    try:
        source, found = open_source(con, path)
        if source is None:
            return None, found
        cursor = con.execute(f'SELECT * FROM ({source.relation}) ORDER BY "{ROW}"')
        names = [column[0] for column in cursor.description or ()]
        records = [raw_record(dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    finally:
        con.close()
    return assemble(RawRoster(records), str(path), "", Fields(policy))


def write(evaluation: Evaluation, identifier: str, columns: Mapping[str, str], path: Path, form: str) -> None:
    """Results in the columns that a bulk run would write; `columns`: result → SQL type."""
    kinds = {
        identifier: "VARCHAR",
        **columns,
        "不适用": "MAP(VARCHAR, VARCHAR)",
        "信息不足": "MAP(VARCHAR, VARCHAR[])",
    }
    with TemporaryDirectory() as folder:
        lines = Path(folder) / "results.jsonl"
        with lines.open("w", encoding="utf-8") as stream:
            for result in evaluation.records:
                row = of_record(result.record.id, result.outcomes, identifier, columns)
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        copy(lines, kinds, path, form)


def write_groups(evaluation: Evaluation, path: Path) -> None:
    """The figures of groups, as a bulk run writes them."""
    kinds = {
        "集体": "VARCHAR", "组": "MAP(VARCHAR, VARCHAR)", "值": "MAP(VARCHAR, VARCHAR)", "不适用": "VARCHAR",
        "信息不足": "MAP(VARCHAR, VARCHAR[])", "发现": "VARCHAR",
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        lines = Path(folder) / "groups.jsonl"
        with lines.open("w", encoding="utf-8") as stream:
            for group in evaluation.groups:
                values = {
                    k: show(v) for k, v in group.figures.items() if not isinstance(v, Unknown | NotApplicable)
                }
                gaps = {k: list(v.missing) for k, v in group.figures.items() if isinstance(v, Unknown)}
                row = {
                    "集体": group.name, "组": dict(group.key), "值": values, "不适用": group.not_applicable,
                    "信息不足": gaps, "发现": group.finding,
                }  # fmt: skip
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        copy(lines, kinds, path, "parquet")


def copy(lines: Path, kinds: Mapping[str, str], path: Path, form: str) -> None:
    quoted = ", ".join(f"'{name.replace(chr(39), chr(39) * 2)}': '{kind}'" for name, kind in kinds.items())
    source, target = (str(p).replace("'", "''") for p in (lines, path))
    con = duckdb.connect()
    try:
        options = "FORMAT csv, HEADER" if form == "csv" else "FORMAT parquet"
        con.execute(
            f"COPY (SELECT * FROM read_json('{source}', format = 'newline_delimited', columns = {{{quoted}}})) TO '{target}' ({options})"
        )
    finally:
        con.close()


def of_record(
    id_: str, outcomes: Mapping[str, Any], identifier: str, columns: Mapping[str, str]
) -> dict[str, Any]:
    row: dict[str, Any] = {identifier: id_}
    closed: dict[str, str] = {}
    gaps: dict[str, Sequence[str]] = {}
    for name in columns:
        outcome = outcomes[name]
        if isinstance(outcome, NotApplicable):
            closed[name] = outcome.reason
        elif isinstance(outcome, Unknown):
            gaps[name] = outcome.missing
        elif isinstance(outcome, Grounds):
            facts = tuple(dict.fromkeys(fact for _, facts in outcome.open for fact in facts))
            if facts:
                gaps[name] = facts
            if outcome.holding or not facts:
                row[name] = list(outcome.holding)
        else:
            row[name] = plain(outcome, columns[name])
    return {**row, "不适用": closed, "信息不足": gaps}


def plain(value: Any, kind: str) -> Any:
    """A value as JSON that DuckDB reads exactly into the column's type."""
    if isinstance(value, Series):
        return [{"年份": year, "值": plain(inner, "")} for year, inner in value.items]
    if isinstance(value, Rows):
        return [
            {name: plain(cell, "") for name, cell in row.items() if not isinstance(cell, Unknown)}
            for row in value.rows
        ]
    if isinstance(value, bool):
        return value
    if kind.startswith("STRUCT") and isinstance(value, int | Fraction):
        return {"分子": value.numerator, "分母": value.denominator}
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str) else show(value)
