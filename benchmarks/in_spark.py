"""Spark: SQL by hand against our statement, in one local session with two cores (`pip install '.[spark]'`, Java 17).

A run goes through every column and writes none (Spark's `noop`); results are set beside DuckDB's by hand once, from Parquet.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import figures
from benchmarks.contestants import Contestant, by_hand, named_values
from benchmarks.job import AS_OF, IDENTIFIER, READINGS, RESULTS, ROOT, program_of_the_city
from engine.compile.dialects import DIALECTS
from engine.compile.groups import ROSTER
from engine.compile.plan import compiled
from engine.compile.stages import statement
from engine.program import Program

_TWELVE, _EVERY, _REASONS = (
    "generated for Spark, 12 results",
    "generated for Spark, every named value",
    ", 不适用 and 信息不足",
)
BY_HAND, TWELVE = "Spark by hand", _TWELVE
TWELVE_REASONS, EVERY_REASONS = _TWELVE + _REASONS, _EVERY + _REASONS


def missing() -> str:
    """What has to be installed, "" for nothing."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed (pip install '.[spark]')"
    java = shutil.which("java") or os.environ.get("JAVA_HOME")
    return "" if java else "there is no Java"


def generated(program: Program, columns: Sequence[str], results: Sequence[str]) -> str:
    """Our statement over the view 名册: the one place where the benchmark takes it from the engine."""
    shapes = dict.fromkeys(columns, "plain")
    plan = compiled(program, AS_OF, READINGS, results, shapes, dialect="spark")
    return statement(plan.relations, DIALECTS["spark"])


class Session:
    """A local session over one roster. `start`: seconds until it was there."""

    def __init__(self, roster: Path, folder: Path) -> None:
        from pyspark.sql import SparkSession

        from engine.bulk.spark import NEEDED

        self.roster, self.folder = roster, folder
        begun = time.perf_counter()
        settings: Mapping[str, Any] = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.memory": "2g",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            **NEEDED,
        }
        self.spark = SparkSession.builder.master("local[2]").config(map=dict(settings)).getOrCreate()
        self.spark.sparkContext.setLogLevel("OFF")
        frame = self.spark.read.parquet(str(roster))
        frame.createOrReplaceTempView(f"`{ROSTER}`")
        self.columns = frame.columns
        self.count = frame.count()
        self.start = time.perf_counter() - begun

    def close(self) -> None:
        self.spark.stop()

    def contestants(self) -> Iterator[Contestant]:
        program, own = program_of_the_city(), ", ".join(f"`{name}`" for name in (IDENTIFIER, *RESULTS))
        text = (ROOT / "benchmarks" / "by_hand_spark.sql").read_text("utf-8")
        reasons = generated(program, self.columns, RESULTS)
        yield self.contestant(BY_HAND, text.replace("{workers}", f"`{ROSTER}`"))
        yield self.contestant(TWELVE, f"SELECT {own} FROM (\n{reasons}\n)")
        yield self.contestant(TWELVE_REASONS, reasons)
        yield self.contestant(EVERY_REASONS, generated(program, self.columns, named_values(program)), True)

    def contestant(self, name: str, sql: str, kept: bool = False) -> Contestant:
        def run() -> None:
            self.spark.sql(sql).write.format("noop").mode("overwrite").save()

        return Contestant(name, self.count, run, self.checked(sql), kept)

    def checked(self, sql: str) -> Callable[[], str]:
        def judge() -> str:
            place = self.folder / "spark"
            self.spark.sql(sql).write.mode("overwrite").parquet(str(place))
            with duckdb.connect() as con:
                return figures.wrong_rows(con, f"FROM '{place}/*.parquet'", by_hand(self.roster))

        return judge
