"""Small rosters in columnar files: read for the interpreter, and its results written as a bulk run writes them."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from engine.bulk.columns import ColumnReader
from engine.bulk.files import inside, open_source
from engine.bulk.receipt import fingerprint, receipt_of, receipt_path
from engine.bulk.rejects import HEADINGS, mark_record, raw_record, series_in
from engine.bulk.run import GROUPS, REJECTS, Job, all_outputs, beside
from engine.bulk.tables import misfits
from engine.bulk.texts import ROW
from engine.compile.dialects import DIALECTS
from engine.diagnostics import Diagnostic
from engine.policy import Policy
from engine.records import problems
from engine.records.assemble import assemble
from engine.records.model import Roster
from engine.records.raw import RawRecord, RawRoster
from engine.records.reader import read_roster
from engine.records.row import Fields
from engine.results import Evaluation
from engine.tables import show
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown


def read(path: Path, policy: Policy) -> tuple[Roster | None, list[Diagnostic]]:
    """A columnar file as the interpreter's roster."""
    if path.suffix.lower() in (".csv", ".tsv") and not path.is_dir():
        return read_roster(path, policy)
    with TemporaryDirectory() as scratch:
        con = duckdb.connect()
        try:
            return _read(con, path, policy, Path(scratch))
        finally:
            con.close()


def _read(
    con: duckdb.DuckDBPyConnection, path: Path, policy: Policy, scratch: Path
) -> tuple[Roster | None, list[Diagnostic]]:
    source, found = open_source(con, path, scratch)
    if source is None:
        return None, found
    reading = ColumnReader(policy, DIALECTS["duckdb"], str(path), {}).read(source.columns)
    if wrong := [d for d in reading.diagnostics if d.severity == "error"]:
        return None, wrong
    marks = ", ".join(f"CASE WHEN {bad} THEN {at} END" for at, (bad, *_) in enumerate(source.bad)) or "NULL"
    cursor = con.execute(f'SELECT COALESCE({marks}, NULL), * FROM ({source.relation}) ORDER BY "{ROW}"')
    names = [column[0] for column in cursor.description or ()][1:]
    at = names.index(ROW)
    records, series = [], series_in(reading, policy)
    for mark, *row in cursor.fetchall():
        number = row[at]
        line = source.place(number)[1] if len(source.files) == 1 else number
        kept = [(name, value) for name, value in zip(names, row, strict=True) if name in source.columns]
        record = raw_record(line, [name for name, _ in kept], [value for _, value in kept], series)
        if mark is not None:
            mark_record(record, source.bad[mark][1])
        records.append(record)
    for table, line, cells in misfits(source.tables):
        records.append(RawRecord(line, None, problems=[problems.cell_count(cells, len(table.headings))]))
    raw = RawRoster(records, noun="行" if len(source.files) == 1 else "条")
    roster, told = assemble(raw, str(path), "", Fields(policy))
    return roster, [*source.notes, *told]


def deliver(
    job: Job,
    roster: Roster,
    evaluation: Evaluation,
    columns: Mapping[str, str],
    told: Sequence[Diagnostic],
) -> tuple[Path, ...]:
    """Writes what a bulk run would have written, whole or not at all; the files. Raises OSError and DuckDB's errors."""
    output, identifier = job.output, job.program.policy.meta.identifier
    with TemporaryDirectory(dir=output.parent, prefix=f".{output.stem}.") as name:
        folder = Path(name)
        moved: dict[Path, Path] = {}
        if roster.rejected:
            write_rejects(roster, told, identifier, folder / "rejects")
            moved[folder / "rejects"] = beside(output, REJECTS)
        if job.groups:
            write_groups(evaluation, folder / "groups")
            moved[folder / "groups"] = beside(output, GROUPS)
        write(evaluation, identifier, columns, folder / "results", output.suffix.lower()[1:])
        counts = (roster.read, len(roster.records), len(roster.rejected))
        files = inside(job.roster) if job.roster.is_dir() else [job.roster]
        moved[folder / "receipt"] = receipt_path(output)
        moved[folder / "results"] = output
        receipt = receipt_of(
            job.program, job.as_of, job.readings, "interpreter", fingerprint(job.roster, files, output.parent),
            job.results, job.groups, counts, columns, [path.name for path in moved.values()], roster.data_date,
        )  # fmt: skip
        (folder / "receipt").write_text(receipt.text(), "utf-8")
        for path in all_outputs(output):
            if path not in moved.values():
                path.unlink(missing_ok=True)
        for source, target in moved.items():
            source.replace(target)
        return tuple(reversed(moved.values()))


def write_rejects(roster: Roster, told: Sequence[Diagnostic], identifier: str, path: Path) -> None:
    """The rows left out, one line for each mistake, as a bulk run lists them."""
    ids = {(row.place.line, row.place.locator.split(".")[0]): row.id for row in roster.rejected}
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((*HEADINGS[:2], identifier, *HEADINGS[3:]))
        for diagnostic in told:
            place = diagnostic.place
            if diagnostic.severity != "error" or place is None:
                continue
            own, _, field = (
                place.locator.partition(".") if place.locator.startswith("记录 ") else ("", "", place.locator)
            )
            id_ = ids.get((place.line, own), ids.get((place.line, "")))
            row = own.removeprefix("记录 ") or place.line or place.locator
            writer.writerow((place.file, row, id_ or "", field, diagnostic.message, diagnostic.hint))


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
