"""A roster of any size through Spark: the same statement as DuckDB's, read and written wherever Spark reads and writes.

Without a master, and outside spark-submit, Spark runs in this process's machine. What is written goes to a folder beside
the results that is renamed at the end.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.parse import unquote, urlparse

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from engine.bulk import rejects, units
from engine.bulk.columns import ColumnReader, Reading
from engine.bulk.receipt import fingerprint, receipt_of, receipt_path
from engine.bulk.run import GROUPS, REJECTS, Job, Written, beside
from engine.bulk.texts import ROW, is_remote, location
from engine.compile.dialects import DIALECTS
from engine.compile.frame import Common
from engine.compile.groups import ROSTER, asked_of
from engine.compile.plan import Checks, Plan, compiled, rows_left_out
from engine.compile.stages import Relation, statement
from engine.compile.terms import CannotCompile, told_uncompiled
from engine.diagnostics import Diagnostic, Place
from engine.records.row import Fields, RowReader

_SPARK = DIALECTS["spark"]
#: What the statement takes for granted: no silent overflow, and days that do not depend on where the cluster stands; and no
#: methods of more bytes than the JVM compiles.
NEEDED = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.codegen.hugeMethodLimit": "8000",
}
#: Of a Spark of our own.
LOCAL = {
    "spark.driver.memory": "4g",
    "spark.log.level": "OFF",
    "spark.ui.enabled": "false",
}
#: 标识 that stand in several rows, with some of the rows.
_SAME, _FOUND, _FILE = "重", "原", "·文件"
_MOST_SAME = 7

_KINDS: Mapping[type[T.DataType], str] = {
    T.StringType: "VARCHAR", T.BooleanType: "BOOLEAN", T.ByteType: "TINYINT", T.ShortType: "SMALLINT",
    T.IntegerType: "INTEGER", T.LongType: "BIGINT", T.FloatType: "FLOAT", T.DoubleType: "DOUBLE", T.DateType: "DATE",
    T.TimestampNTZType: "TIMESTAMP", T.TimestampType: "TIMESTAMP WITH TIME ZONE", T.NullType: '"NULL"', T.BinaryType: "BLOB",
}  # fmt: skip


def session(master: str = "") -> SparkSession:
    """A session of its own in the Spark that is running, or in a new one; raises what PySpark raises without Java."""
    builder = cast(Any, SparkSession.builder).appName("guizhang")
    if master:
        builder = builder.master(master)
    elif "PYSPARK_GATEWAY_PORT" not in os.environ and SparkSession.getActiveSession() is None:
        builder = builder.master("local[*]")
        for name, value in LOCAL.items():
            builder = builder.config(name, value)
        builder = builder.config("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 2)))
    found = builder.getOrCreate().newSession()
    for name, value in NEEDED.items():
        found.conf.set(name, value)
    return cast(SparkSession, found)


def run(job: Job, master: str = "") -> Written:
    """The whole of a run. Without `files`, the diagnostics say why nothing was written. Spark shows its own progress."""
    try:
        spark = session(master)
    except Exception as error:  # PySpark has no one type for what keeps Java from starting
        hint = "Spark 要用 Java 17 以上；也可以用 --engine duckdb"
        return _nothing(job, f"Spark 启动不了：{_first_line(error)}", hint)
    found = _Run(spark, job)
    try:
        return found.whole()
    except CannotCompile as error:
        return Written(0, 0, 0, diagnostics=(told_uncompiled(job.program.policy, error),))
    except PySparkException as error:
        return _nothing(job, f"Spark 计算没有完成：{_first_line(error)}", "结果没有写出")
    finally:
        found.clear()


def _nothing(job: Job, said: str, hint: str, read: int = 0, place: Path | None = None) -> Written:
    told = Diagnostic("E795", said, Place(str(place or job.output)), hint)
    return Written(read, 0, 0, diagnostics=(told,))


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


def kind_of(found: T.DataType) -> str:
    """A type of Spark in the words that `ColumnReader` knows."""
    match found:
        case T.DecimalType():
            return f"DECIMAL({found.precision},{found.scale})"
        case T.ArrayType():
            return f"{kind_of(found.elementType)}[]"
        case T.MapType():
            return f"MAP({kind_of(found.keyType)}, {kind_of(found.valueType)})"
        case T.StructType():
            parts = [f'"{part.name}" {kind_of(part.dataType)}' for part in found.fields]
            return f"STRUCT({', '.join(parts)})"
    return _KINDS.get(type(found), found.simpleString().upper())


class _Run:
    def __init__(self, spark: SparkSession, job: Job) -> None:
        self.spark, self.job = spark, job
        self.program, self.policy = job.program, job.program.policy
        self.identifier = self.policy.meta.identifier
        self.said: list[Diagnostic] = []
        self.views: list[str] = []
        jvm: Any = spark._jvm  # Spark gives Python no other way to rename a file
        self.hadoop = jvm.org.apache.hadoop.fs.Path
        self.target = self.hadoop(location(job.output))
        self.files = self.target.getFileSystem(cast(Any, spark)._jsc.hadoopConfiguration())
        self.scratch = self.hadoop(self.target.getParent(), f".{job.output.stem}.{uuid.uuid4().hex}")

    # --- the parts of a run --------------------------------------------------------------------------------

    def whole(self) -> Written:
        job = self.job
        if is_remote(job.output) and not job.force and self.files.exists(self.target):
            return _nothing(job, f"文件「{location(job.output)}」已经存在", "要覆盖请加 --force")
        try:
            read = self.spark.read.option("mergeSchema", "true").parquet(location(job.roster))
        except PySparkException as error:
            return Written(0, 0, 0, diagnostics=(self.unreadable(error),))
        count = self.opened(read)
        if not count:
            return Written(
                0, 0, 0, diagnostics=(Diagnostic("E701", "名册里没有记录", Place(str(job.roster))),)
            )
        reading = self.read(read)
        if any(d.severity == "error" for d in reading.diagnostics):
            return Written(count, 0, 0, diagnostics=tuple(reading.diagnostics))
        self.same = self.twice(reading)
        plan = self.planned(reading)
        written = self.write(plan)
        rejected = 0
        with TemporaryDirectory() as folder:
            local = {}
            if written < count:
                local[REJECTS] = Path(folder) / "rejects"
                rejected = self.list_rejects(reading, local[REJECTS])
            if written + rejected != count:
                said = f"读入 {count} 行，算出 {written} 行，退回 {rejected} 行，合不上"
                return _nothing(job, said, "结果没有写出；计算的时候名册是否被改动了？", count, job.roster)
            self.said += [*reading.diagnostics, *self.absent(reading)]
            if not is_remote(job.roster) and not is_remote(job.output):
                local[".run.json"] = Path(folder) / "receipt"
                self.receipt(local[".run.json"], plan, (count, written, rejected))
            files = self.move(plan, local)
        return Written(count, written, rejected, files, plan.columns, tuple(self.said))

    def unreadable(self, error: PySparkException) -> Diagnostic:
        said = "名册读不了：" + _first_line(error)
        condition = error.getCondition() or ""
        if condition == "PATH_NOT_FOUND":
            said = "找不到名册"
        elif condition == "UNABLE_TO_INFER_SCHEMA":
            said = "名册里没有 Parquet 文件"
        hint = "Spark 读 Parquet：一个文件，或一个文件夹（可以分区）"
        return Diagnostic("E701", said, Place(str(self.job.roster)), hint)

    def opened(self, read: DataFrame) -> int:
        """The view 「原」: the roster's columns with `·行`, its number over all files, and its file; how many rows."""
        meta = read.select(F.col("_metadata.file_path").alias("path"))
        counts = {row["path"]: row["count"] for row in meta.groupBy("path").count().collect()}
        self.paths = sorted(counts)
        self.starts: list[int] = list(accumulate((counts[path] for path in self.paths), initial=0))
        before = F.lit(0)
        if len(self.paths) > 1:
            pairs = [F.lit(part) for pair in zip(self.paths, self.starts, strict=False) for part in pair]
            before = F.element_at(F.create_map(*pairs), F.col("_metadata.file_path"))
        number = (before + F.col("_metadata.row_index") + 1).cast("bigint")
        self.view(_FOUND, read.select("*", number.alias(ROW), F.col("_metadata.file_path").alias(_FILE)))
        return self.starts[-1]

    def read(self, read: DataFrame) -> Reading:
        columns = {part.name: kind_of(part.dataType) for part in read.schema.fields}
        reading = ColumnReader(self.policy, _SPARK, str(self.job.roster), {}).read(columns)
        if self.identifier not in reading.typed and not any(
            d.severity == "error" for d in reading.diagnostics
        ):
            said = f"名册没有「{self.identifier}」列，分不清是谁"
            place = Place(str(self.job.roster))
            reading.diagnostics.append(Diagnostic("E703", said, place, "请补上这一列"))
        return reading

    def twice(self, reading: Reading) -> bool:
        """The view 「重」 of 标识 that stand in several rows; whether there are any."""
        q = _SPARK.quote
        ids = f"SELECT {reading.typed[self.identifier]} AS id, {q(ROW)} AS at FROM {q(_FOUND)}"
        same = self.sql(
            f"SELECT id, slice(sort_array(collect_list(at)), 1, {_MOST_SAME}) AS rows FROM ({ids}) "
            "WHERE id IS NOT NULL GROUP BY id HAVING COUNT(*) > 1"
        )
        return bool(self.keep(_SAME, same).limit(1).count())

    def planned(self, reading: Reading) -> Plan:
        """Makes the view 名册 and what the statement needs beside it."""
        q, job = _SPARK.quote, self.job
        identifier = reading.typed[self.identifier]
        bads = [bad for bad in reading.bad.values() if bad != "FALSE"] + [f"{identifier} IS NULL"]
        join = ""
        if self.same:
            join = f" LEFT JOIN {q(_SAME)} ON {identifier} = {q(_SAME)}.id"
            bads.append(f"{q(_SAME)}.id IS NOT NULL")
        typed = [f"{sql} AS {q(name)}" for name, sql in reading.typed.items()]
        base = (
            f"SELECT {', '.join(typed)}, {q(ROW)}, ({' OR '.join(bads)}) AS {q('·坏')} FROM {q(_FOUND)}{join}"
        )
        self.view(ROSTER, self.sql(base))
        # a filter high up would be pushed down through every stage and take all of their formulas along
        bad = " OR ".join([q("·坏"), *reading.doubtful.values()])
        self.view(ROSTER, self.sql(f"SELECT * EXCEPT ({q('·坏')}), ({bad}) AS {q('·坏')} FROM {q(ROSTER)}"))
        self.every = self.spark.table(q(ROSTER))
        self.view(ROSTER, self.every.where(f"NOT {q('·坏')}"))
        common = Common(_SPARK, job.as_of, job.as_of, job.readings)
        asked = asked_of(common, self.program, job.results, reading.shapes, job.groups)
        names = asked.groups
        self.lacking = list(common.lacking)
        of_units = units.units_of(self.policy, reading.shapes)
        self.grouped = bool(names or of_units)
        rejected, found = "", {}
        if self.grouped:
            by = {place for name in names for place in self.program.groups_by_name[name].by}
            left_out = self.keep("退回", self.left_out(reading, sorted(by | of_units.keys())))
            rejected = "退回" if left_out.limit(1).count() else ""
            for owner, facts in of_units.items():
                self.keep(units.table_of(owner), self.sql(units.unit_table(_SPARK, ROSTER, owner, facts)))
                for name in facts:
                    rows = self.sql(units.differing(_SPARK, ROSTER, owner, name, ROW)).collect()
                    self.said += units.told(str(job.roster), owner, name, cast(Any, rows))
            found = units.shapes_of(of_units, reading.shapes)
            if of_units:
                self.view("名册·全", self.spark.table(q(ROSTER)))
                columns = [*reading.typed, ROW, "·坏"]
                self.view(ROSTER, self.sql(units.without_unit_facts(_SPARK, "名册·全", columns, of_units)))
        return compiled(
            self.program, job.as_of, job.readings, job.results, reading.shapes, "spark", shown=job.groups,
            rejected=rejected, units=found, asked=asked,
        )  # fmt: skip

    def left_out(self, reading: Reading, places: Sequence[str]) -> DataFrame:
        """`·行` of the rows left out, with what is known of their place."""
        good = self.spark.table(_SPARK.quote(ROSTER))
        self.view(ROSTER, self.every)
        checks = Checks(_SPARK.quote("·坏"), {})
        found = rows_left_out(self.program, self.job.as_of, reading.shapes, checks, places, "spark")
        rows = self.sql(statement(found, _SPARK))
        self.view(ROSTER, good)
        return rows

    def absent(self, reading: Reading) -> list[Diagnostic]:
        """W790: columns that are not there and that results rest on."""
        lacking = [name for name in self.policy.fields if name in self.lacking]
        if not lacking:
            return []
        said = f"名册没有这些列：{'、'.join(lacking)}"
        return [Diagnostic("W790", said, Place(str(self.job.roster)), "要用到它们的结果为信息不足")]

    # --- writing --------------------------------------------------------------------------------------------

    def write(self, plan: Plan) -> int:
        """Results and figures of groups into the scratch folder; how many records."""
        *before, last = plan.relations
        pending: list[Relation] = []
        for relation in before:
            if relation.kept and self.grouped:
                self.keep(relation.name, self.sql(statement([*pending, relation], _SPARK)))
            else:
                pending.append(relation)
        results = self.hadoop(self.scratch, "results").toString()
        self.sql(statement([*pending, last], _SPARK)).write.parquet(results)
        if plan.groups:
            groups = self.hadoop(self.scratch, "groups").toString()
            self.sql(plan.groups).coalesce(1).write.parquet(groups)
        count: int = self.spark.read.parquet(results).count()
        return count

    def list_rejects(self, reading: Reading, path: Path) -> int:
        """The rows left out, each with its mistakes, in a file; the first of them told."""
        rows = self.rows_left_out(reading)
        listed = beside(self.job.output, REJECTS).name
        count, said = rejects.write(rows, path, self.identifier, listed, self.job.roster)
        self.said += said
        return count

    def rows_left_out(self, reading: Reading) -> Iterator[rejects.LeftOut]:
        q = _SPARK.quote
        headings = [heading for raw in reading.raw.values() for heading in raw]
        odd = [
            f"CASE WHEN {bad} THEN {_SPARK.text(name)} END"
            for name, bad in reading.bad.items()
            if bad != "FALSE"
        ]
        unread = f"filter(array({', '.join(odd)}), x -> x IS NOT NULL)" if odd else "array()"
        join, same = "", "NULL"
        if self.same:
            join, same = f" LEFT JOIN {q(_SAME)} ON {reading.typed[self.identifier]} = {q(_SAME)}.id", "rows"
        numbers = self.left_out(reading, ()).select(ROW)
        listed = ", ".join([q(ROW), f"{unread} AS u", f"{same} AS s", *map(q, headings)])
        found = self.sql(f"SELECT {listed} FROM {q(_FOUND)}{join}").join(numbers, ROW, "left_semi")
        rows = RowReader(Fields(self.policy))
        for row in found.orderBy(ROW).toLocalIterator():
            number, fields, others, *values = row
            file, line = self.place(number)
            told = [self.place(other) for other in others or () if other != number]
            twins = [other for path, other in told if path == file] or [other for _, other in told]
            yield rejects.of_row(
                rows,
                reading,
                self.identifier,
                (file, line),
                headings,
                [plain(v) for v in values],
                fields,
                twins,
            )

    def place(self, row: int) -> tuple[Path, int]:
        """The file of a row and the number of the record in it."""
        at = max(n for n, start in enumerate(self.starts[:-1]) if start < row)
        return local_path(self.paths[at]), row - self.starts[at]

    def receipt(self, path: Path, plan: Plan, counts: tuple[int, int, int]) -> None:
        job = self.job
        files = [local_path(path) for path in self.paths]
        names = [job.output.name, *([beside(job.output, GROUPS).name] if plan.groups else [])]
        names += [beside(job.output, REJECTS).name] if counts[2] else []
        seen = fingerprint(job.roster, files, job.output.parent)
        found = receipt_of(
            self.program, job.as_of, job.readings, "spark", seen, job.results, job.groups, counts, plan.columns,
            [*names, receipt_path(job.output).name],
        )  # fmt: skip
        path.write_text(found.text(), "utf-8")

    def move(self, plan: Plan, local: Mapping[str, Path]) -> tuple[Path, ...]:
        """Everything to its place, the results last; what an earlier run left there goes."""
        output, moved = self.job.output, []
        for ending in (GROUPS, REJECTS, ".run.json"):
            self.files.delete(self.hadoop(location(beside(output, ending))), True)
        for ending, path in local.items():
            self.files.copyFromLocalFile(
                True, True, self.hadoop(location(path)), self.hadoop(location(beside(output, ending)))
            )
            moved.append(beside(output, ending))
        if plan.groups:
            self.files.rename(
                self.hadoop(self.scratch, "groups"), self.hadoop(location(beside(output, GROUPS)))
            )
            moved.append(beside(output, GROUPS))
        self.files.delete(self.target, True)
        self.files.rename(self.hadoop(self.scratch, "results"), self.target)
        return (output, *reversed(moved))

    # --- Spark ----------------------------------------------------------------------------------------------

    def sql(self, text: str) -> DataFrame:
        return self.spark.sql(text)

    def view(self, name: str, frame: DataFrame) -> None:
        frame.createOrReplaceTempView(_SPARK.quote(name))
        self.views.append(name)

    def keep(self, name: str, frame: DataFrame) -> DataFrame:
        """A view whose rows are computed once and written down: a plan that went on growing would take Spark minutes to
        look at."""
        path = self.hadoop(self.scratch, f"kept-{len(self.views)}").toString()
        frame.write.parquet(path)
        found = self.spark.read.schema(frame.schema).parquet(path)
        self.view(name, found)
        return found

    def clear(self) -> None:
        """Nothing stays behind, in Spark or beside the results."""
        for name in self.views:
            self.spark.catalog.dropTempView(_SPARK.quote(name))
        self.files.delete(self.scratch, True)


def local_path(url: str) -> Path:
    """A file on this machine as its path; any other as it is."""
    parts = urlparse(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(url)


def plain(value: Any) -> Any:
    """A value of Spark with rows as dicts."""
    match value:
        case Row():
            return {name: plain(inner) for name, inner in value.asDict().items()}
        case list():
            return [plain(item) for item in value]
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
    return value
