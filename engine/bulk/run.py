"""A roster of any size through DuckDB: check, evaluate, write; every row read is evaluated or listed as left out.

Files are read in place and streamed. What is written goes to temporary files that are renamed at the end.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from engine.bulk.columns import ColumnReader, Reading
from engine.bulk.files import ROW, Source, first_line, open_source
from engine.compile.dialects import DIALECTS
from engine.compile.frame import Common
from engine.compile.groups import asked_of
from engine.compile.plan import ROSTER, Checks, compiled, rows_left_out
from engine.compile.stages import Relation, statement
from engine.compile.terms import CannotCompile
from engine.diagnostics import Diagnostic, Place
from engine.policy import FieldDecl, Policy
from engine.program import Program
from engine.records.assemble import assemble
from engine.records.problems import Bad
from engine.records.raw import Doubled, RawRecord, RawRoster
from engine.records.row import Fields
from engine.records.typed import CellReader, Missing
from engine.types import EnumT, SeriesT

#: Rows left out that are told one by one; all of them are in the file of rejects.
MOST_TOLD = 20
BATCH = 5_000
MEMORY = "1GB"
_DUCK = DIALECTS["duckdb"]


@dataclass(frozen=True, slots=True)
class Written:
    """What a bulk run came to. `read` = `evaluated` + `rejected`; `files` are those written."""

    read: int
    evaluated: int
    rejected: int
    files: tuple[Path, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    program: Program
    roster: Path
    output: Path
    as_of: date
    readings: Mapping[str, str]
    results: Sequence[str]
    groups: Sequence[str] = ()


def beside(output: Path, ending: str) -> Path:
    """`results.parquet` → `results.rejects.csv`."""
    return output.with_name(output.stem + ending)


def run(job: Job, progress: Callable[[int, int], None] | None = None) -> Written:
    """The whole of a bulk run. Without `files`, the diagnostics say why nothing was written."""
    with TemporaryDirectory(dir=job.output.parent, prefix=f".{job.output.stem}.") as folder:
        con = duckdb.connect(config={"temp_directory": folder, "memory_limit": MEMORY})
        try:
            return _Run(con, job, Path(folder), progress).whole()
        except CannotCompile as error:
            return Written(0, 0, 0, diagnostics=(told_uncompiled(job.program.policy, error),))
        except duckdb.Error as error:
            hint = (
                "请检查磁盘空间和内存"
                if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException)
                else ""
            )
            said = f"批量计算没有完成：{first_line(error)}"
            return Written(0, 0, 0, diagnostics=(Diagnostic("E795", said, Place(str(job.output)), hint),))
        finally:
            con.close()


def told_uncompiled(policy: Policy, error: CannotCompile) -> Diagnostic:
    """E793: a construct without an exact form in SQL."""
    place = error.place or Place(policy.source.name)
    return Diagnostic(
        "E793", f"{error.said}，不能批量计算", place, error.hint or "请用 --engine interpreter 逐人计算"
    )


class _Run:
    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        job: Job,
        folder: Path,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.con, self.job, self.folder, self.progress = con, job, folder, progress
        self.program, self.policy = job.program, job.program.policy
        self.identifier = self.policy.meta.identifier
        self.said: list[Diagnostic] = []
        self.words: dict[str, dict[str, str]] = {}

    def whole(self) -> Written:
        source, found = open_source(self.con, self.job.roster)
        if source is None:
            return Written(0, 0, 0, diagnostics=tuple(found))
        reading = self.read(source)
        if any(d.severity == "error" for d in reading.diagnostics):
            return Written(source.count, 0, 0, diagnostics=tuple(reading.diagnostics))
        written = self.evaluate(source, reading)
        if written < source.count and self.learn(source, reading):
            # words that only the reader of records knows, such as full-width letters
            reading = self.read(source)
            written = self.evaluate(source, reading)
        rejected = self.rejects(source, reading) if written < source.count else 0
        if written + rejected != source.count:
            said = f"读入 {source.count} 行，算出 {written} 行，退回 {rejected} 行，合不上"
            return Written(
                source.count,
                0,
                0,
                diagnostics=(Diagnostic("E794", said, Place(str(self.job.roster)), "结果没有写出"),),
            )
        self.said += reading.diagnostics
        self.said += self.absent()
        return Written(
            source.count, written, rejected, tuple(self.move(rejected)), self.plan.columns, tuple(self.said)
        )

    def read(self, source: Source) -> Reading:
        reader = ColumnReader(self.policy, _DUCK, str(self.job.roster), self.words)
        columns = {
            name: kind
            for name, kind in source.columns.items()
            if name not in (ROW, "filename", "file_row_number")
        }
        reading = reader.read(columns)
        if self.identifier not in reading.typed and not reading.diagnostics:
            said = f"名册没有「{self.identifier}」列，分不清是谁"
            reading.diagnostics.append(Diagnostic("E703", said, Place(str(self.job.roster)), "请补上这一列"))
        return reading

    def absent(self) -> list[Diagnostic]:
        """W790: columns that are not there and that results rest on."""
        lacking = [name for name in self.policy.fields if name in self.lacking]
        if not lacking:
            return []
        said = f"名册没有这些列：{'、'.join(lacking)}"
        return [Diagnostic("W790", said, Place(str(self.job.roster)), "要用到它们的结果为信息不足")]

    # --- evaluating --------------------------------------------------------------------------------------

    def evaluate(self, source: Source, reading: Reading) -> int:
        """Results of all rows that no check finds, into a temporary file; how many there are."""
        q = _DUCK.quote
        execute = self.con.execute
        execute(f'CREATE OR REPLACE TEMP VIEW "原" AS {source.relation}')
        identifier = reading.typed[self.identifier]
        twice = self.twice(identifier)
        bads = [bad for bad in reading.bad.values() if bad != "FALSE"]
        bads.append(f"{identifier} IS NULL")
        if twice:
            bads.append(f'{identifier} IN (SELECT id FROM "重")')
        typed = [f"{sql} AS {q(name)}" for name, sql in reading.typed.items()]
        self.checks = Checks('"·坏"', reading.doubtful)
        base = f'SELECT {", ".join(typed)}, {q(ROW)}, ({" OR ".join(bads)}) AS "·坏" FROM "原"'
        common = Common(_DUCK, self.job.as_of, self.job.as_of, self.job.readings)
        names = asked_of(common, self.program, self.job.results, reading.shapes, self.job.groups)
        self.lacking = list(common.lacking)
        columns = self.units_of(reading)
        units: dict[str, tuple[str, Mapping[str, str]]] = {}
        execute(f"CREATE OR REPLACE TEMP VIEW {q(ROSTER)} AS {base}")
        rejected = ""
        if names or columns:
            places = sorted(
                {by for name in names for by in self.program.groups_by_name[name].by} | columns.keys()
            )
            left_out = rows_left_out(self.program, self.job.as_of, reading.shapes, self.checks, places)
            execute(f'CREATE OR REPLACE TEMP TABLE "退回" AS {statement(left_out, _DUCK)}')
            if self.one('SELECT count(*) FROM "退回"'):
                rejected = "退回"
                kept = f'SELECT * FROM ({base}) WHERE {q(ROW)} NOT IN (SELECT {q(ROW)} FROM "退回")'
                execute(f"CREATE OR REPLACE TEMP VIEW {q(ROSTER)} AS {kept}")
            units = self.with_units(columns)
        self.plan = compiled(
            self.program, self.job.as_of, self.job.readings, self.job.results, reading.shapes,
            shown=self.job.groups, rejected=rejected, units=units, checks=None if names or columns else self.checks,
        )  # fmt: skip
        return self.written()

    def one(self, sql: str) -> int:
        row = self.con.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def twice(self, identifier: str) -> bool:
        """Whether any 标识 stands twice; a sorted file is seen to have none in passing."""
        ids = f'SELECT {identifier} AS id FROM "原"'
        unsorted = self.one(
            f"SELECT count(*) FROM (SELECT id, lag(id) OVER () AS before FROM ({ids})) WHERE id <= before"
        )
        if not unsorted:
            return False
        self.con.execute(
            f'CREATE OR REPLACE TEMP TABLE "重" AS SELECT id FROM ({ids}) WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1'
        )
        return bool(self.one('SELECT count(*) FROM "重"'))

    def units_of(self, reading: Reading) -> dict[str, list[str]]:
        """Fields of units that the file has as columns, by the field that names the unit."""
        found: dict[str, list[str]] = {}
        for name in reading.shapes:
            owner = self.policy.fields[name].owner
            if owner and owner in reading.shapes:
                found.setdefault(owner, []).append(name)
        return found

    def with_units(self, units: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, Mapping[str, str]]]:
        """A table for each kind of unit; of two different values of one fact neither is taken, and it is said."""
        q = _DUCK.quote
        made: dict[str, tuple[str, Mapping[str, str]]] = {}
        for owner, names in units.items():
            table = f"单位·{owner}"
            parts = ", ".join(
                f"CASE WHEN count(DISTINCT {q(n)}) = 1 THEN any_value({q(n)}) END AS {q(n)}, count(DISTINCT {q(n)}) AS {q('#' + n)}"
                for n in names
            )
            self.con.execute(
                f"CREATE OR REPLACE TEMP TABLE {q(table)} AS SELECT {q(owner)}, {parts} FROM {q(ROSTER)} "
                f"WHERE {q(owner)} IS NOT NULL GROUP BY {q(owner)}"
            )
            for name in names:
                rows = self.con.execute(
                    f"SELECT {q(owner)} FROM {q(table)} WHERE {q('#' + name)} > 1 LIMIT 5"
                ).fetchall()
                for (unit,) in rows:
                    said = f"{owner}「{unit}」的「{name}」有几个不同的值"
                    self.said.append(
                        Diagnostic(
                            "E705", said, Place(str(self.job.roster), locator=name), "都不采用，请核对"
                        )
                    )
            made[owner] = (table, dict.fromkeys(names, "plain"))
        return made

    def written(self) -> int:
        """Runs the statement into a temporary file, relation by relation where they are kept."""
        *before, last = self.plan.relations
        pending: list[Relation] = []
        for relation in before:
            if relation.kept:
                inner = statement([*pending, relation], _DUCK)
                self.con.execute(f"CREATE OR REPLACE TEMP TABLE {_DUCK.quote(relation.name)} AS {inner}")
            else:
                pending.append(relation)
        sql = statement([*pending, last], _DUCK)
        count = self.copy(sql, self.folder / "results")
        if self.plan.groups:
            self.copy(self.plan.groups, self.folder / "groups", "parquet")
        return count

    def copy(self, sql: str, path: Path, form: str = "") -> int:
        suffix = form or self.job.output.suffix.lower().lstrip(".")
        options = "FORMAT csv, HEADER" if suffix == "csv" else "FORMAT parquet"
        quoted = str(path).replace("'", "''")
        with self.watched():
            row = self.con.execute(f"COPY (\n{sql}\n) TO '{quoted}' ({options})").fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Tells `progress` how far DuckDB has come, while it works."""
        if self.progress is None:
            yield
            return
        self.con.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        done = threading.Event()

        def watch() -> None:
            assert self.progress is not None
            while not done.wait(0.2):
                share = self.con.query_progress()
                if share > 0:
                    self.progress(int(share * 10), 1000)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    # --- rows left out -------------------------------------------------------------------------------------

    def learn(self, source: Source, reading: Reading) -> bool:
        """Other ways of writing a member that the reader of records takes; whether there are any."""
        found = False
        for name in reading.typed:
            decl = self.policy.fields[name]
            item = decl.type.item if isinstance(decl.type, SeriesT) else decl.type
            if isinstance(item, EnumT) and name not in self.words:
                self.words[name] = self.other_words(decl, item, reading)
                found |= bool(self.words[name])
        return found

    def other_words(self, decl: FieldDecl, kind: EnumT, reading: Reading) -> dict[str, str]:
        q = _DUCK.quote
        values = f"SELECT {q(decl.name)} AS w FROM {q(ROSTER)}"
        if isinstance(decl.type, SeriesT):
            values = f'SELECT unnest({q(decl.name)})."值" AS w FROM {q(ROSTER)}'
        rows = self.con.execute(
            f"SELECT DISTINCT w FROM ({values}) WHERE w IS NOT NULL LIMIT 1000"
        ).fetchall()
        reader = CellReader(decl, kind)
        read = {word: reader.read(word) for (word,) in rows if word not in kind.members}
        known = dict(decl.aliases)
        return {w: m for w, m in read.items() if not isinstance(m, Bad | Missing) and w not in known}

    def rejects(self, source: Source, reading: Reading) -> int:
        """The rows left out, each with its mistakes, in a file; the first of them told."""
        q = _DUCK.quote
        left_out = rows_left_out(self.program, self.job.as_of, reading.shapes, self.checks, ())
        numbers = '"退回"' if self.plan_has_groups() else f"({statement(left_out, _DUCK)})"
        cursor = self.con.execute(
            f'SELECT * FROM "原" WHERE {q(ROW)} IN (SELECT {q(ROW)} FROM {numbers}) ORDER BY {q(ROW)}'
        )
        names = [column[0] for column in cursor.description or ()]
        fields = Fields(self.policy)
        count, told = 0, 0
        with (self.folder / "rejects").open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("文件", "行", self.identifier, "字段", "问题", "提示"))
            while rows := cursor.fetchmany(BATCH):
                records = [raw_record(dict(zip(names, row, strict=True))) for row in rows]
                places = {
                    record.row: str(row[names.index("filename")])
                    if "filename" in names
                    else str(self.job.roster)
                    for record, row in zip(records, rows, strict=True)
                }
                roster, found = assemble(RawRoster(records, noun="行"), str(self.job.roster), "", fields)
                assert roster is not None
                by_row: dict[int, list[Diagnostic]] = {}
                for diagnostic in found:
                    if diagnostic.severity == "error" and diagnostic.place is not None:
                        by_row.setdefault(diagnostic.place.line, []).append(diagnostic)
                for record in records:
                    own = by_row.get(record.row) or [self.unread(record)]
                    for diagnostic in own:
                        where = diagnostic.place.locator if diagnostic.place else ""
                        given = record.cells.get(self.identifier)
                        writer.writerow(
                            (
                                places[record.row],
                                record.row,
                                given,
                                where,
                                diagnostic.message,
                                diagnostic.hint,
                            )
                        )
                    if told < MOST_TOLD:
                        self.said += own
                        told += 1
                count += len(records)
        if count > told:
            said = f"还有 {count - told} 行退回，没有逐行列出"
            self.said.append(
                Diagnostic(
                    "E702",
                    said,
                    Place(str(self.job.roster)),
                    f"全部在 {beside(self.job.output, '.rejects.csv').name}",
                )
            )
        return count

    def plan_has_groups(self) -> bool:
        return bool(self.plan.relations) and any(
            relation.name == "记录·全" for relation in self.plan.relations
        )

    def unread(self, record: RawRecord) -> Diagnostic:
        """A row that only the bulk run cannot take: a 标识 that stands elsewhere too, a way of writing it does not know."""
        given = record.cells.get(self.identifier)
        said = f"第 {record.row} 行（{given}）的{self.identifier}重复，或者有批量计算读不了的写法"
        return Diagnostic(
            "E792",
            said,
            Place(str(self.job.roster), record.row),
            "请改成常用的写法，或用 --engine interpreter 计算",
        )

    def move(self, rejected: int) -> Iterator[Path]:
        output = self.job.output
        pairs = [("results", output)]
        if (self.folder / "groups").exists():
            pairs.append(("groups", beside(output, ".groups.parquet")))
        if rejected:
            pairs.append(("rejects", beside(output, ".rejects.csv")))
        for name, path in pairs:
            (self.folder / name).replace(path)
            yield path


def raw_record(row: Mapping[str, Any]) -> RawRecord:
    """A row of the file as the readers of records take it."""
    cells = {
        name: raw_cell(value)
        for name, value in row.items()
        if name not in (ROW, "filename", "file_row_number")
    }
    return RawRecord(row[ROW], cells)


def raw_cell(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(item, dict) and len(item) == 2 for item in value):
        names = list(value[0])
        year = next((name for name in names if name in ("年份", "年度", "year")), None)
        if year is not None:
            other = next(name for name in names if name != year)
            pairs = [(str(item[year]), raw_cell(item[other])) for item in value]
            found = dict(pairs)
            if len(found) == len(pairs):
                return found
            twice = tuple({key for key, _ in pairs if sum(k == key for k, _ in pairs) > 1})
            return Doubled({key: v for key, v in found.items() if key not in twice}, twice)
    if isinstance(value, list):
        return [raw_cell(item) for item in value]
    if isinstance(value, dict):
        return {str(raw_cell(key)): raw_cell(inner) for key, inner in value.items()}
    return value
