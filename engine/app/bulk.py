"""`eval` of files that are read in place: which engine, the run, and what it came to in numbers.

Returns data and diagnostics and prints nothing, as `engine.app.evaluate` does, whose choices it shares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from engine.app.evaluate import Request, read, settle
from engine.bulk import small
from engine.bulk.counts import Count, counts_of, rows_in
from engine.bulk.files import is_bulk
from engine.bulk.run import GROUPS, Job, Written, all_outputs, beside, told_unwritten
from engine.bulk.run import run as run_in_bulk
from engine.choose import Folder, Misuse
from engine.compile.dialects import DIALECTS
from engine.compile.plan import compiled
from engine.compile.terms import CannotCompile, told_uncompiled
from engine.diagnostics import Diagnostic
from engine.evaluation import evaluate
from engine.program import Program

#: Records from which on DuckDB is quicker than one by one (`benchmarks/`).
CROSSOVER = 500
OTHERS = (".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".xls", ".ods", ".json", ".yaml", ".yml")
_DUCK = DIALECTS["duckdb"]
ENGINES = ("auto", "interpreter", "duckdb", "spark")


@dataclass(frozen=True, slots=True)
class BulkRun:
    """Without `files`, `diagnostics` say why nothing was written. `engine` is the one that ran."""

    as_of: date
    diagnostics: tuple[Diagnostic, ...]
    engine: str = ""
    program: Program | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    read: int = 0
    evaluated: int = 0
    rejected: int = 0
    files: tuple[Path, ...] = ()
    counts: tuple[Count, ...] = ()
    groups: int = 0


def run(
    folder: Folder,
    request: Request,
    output: Path | None,
    engine: str,
    progress: Callable[[int, int], None] | None = None,
    master: str = "",
    force: bool = False,
) -> BulkRun | Misuse:
    """The whole of a run over a file that is read in place. `master` is Spark's; `force`: results on another machine are
    written over (of files on this one the command line has asked)."""
    roster = request.roster
    if not isinstance(roster, Path):
        return Misuse("标准输入不能这样计算", "请给出文件")
    if output is None:
        return Misuse("这样的名册要写出结果文件", "请加 -o 结果.parquet（或 .csv）")
    if output.suffix.lower() not in (".parquet", ".csv"):
        return Misuse(f"批量计算不能写出「{output.suffix}」", "可以写的有：.parquet、.csv")
    if isinstance(refused := beside_the_roster(roster, output), Misuse):
        return refused
    settled = settle(
        folder, request.policy, request.as_of, request.readings, request.only, internal=request.internal
    )
    if isinstance(settled, Misuse):
        return settled
    program = settled.program
    if program is None:
        return BulkRun(request.as_of, settled.diagnostics)
    columnar = is_bulk(roster) or roster.suffix.lower() == ".csv"
    if engine == "duckdb" and not columnar:
        return Misuse(
            f"DuckDB 不能直接读「{roster.suffix}」", "可以读 .parquet、.csv、.jsonl，或者它们的文件夹"
        )
    if engine == "spark" and (roster.suffix.lower() in OTHERS or output.suffix.lower() != ".parquet"):
        return Misuse(
            "Spark 只读写 Parquet", "名册是一个 .parquet 文件或它们的文件夹，结果写到 -o 结果.parquet"
        )
    job = Job(
        program=program,
        roster=roster,
        output=output,
        as_of=request.as_of,
        readings=settled.readings,
        results=settled.results,
        groups=settled.groups,
        force=force,
    )
    found_run = None
    if engine == "spark":
        found_run = ran(_in_spark(job, master), job, engine)
    elif engine == "duckdb" or (engine == "auto" and columnar):
        written = run_in_bulk(job, progress, CROSSOVER if engine == "auto" else 0)
        if written.files or written.diagnostics:
            found_run = ran(written, job, "duckdb")
    if found_run is None:
        found_run = one_by_one(job, columnar, progress)
    if found_run.files and not found_run.counts and job.output.exists():
        return counted(found_run, job)
    return found_run


def ran(written: Written, job: Job, engine: str) -> BulkRun:
    if not written.files and not written.read:  # nothing was computed, by no engine
        return BulkRun(job.as_of, written.diagnostics)
    return BulkRun(
        job.as_of,
        written.diagnostics,
        engine,
        job.program,
        job.readings,
        written.read,
        written.evaluated,
        written.rejected,
        written.files,
        written.counts,
        written.groups,
    )


def beside_the_roster(roster: Path, output: Path) -> Misuse | None:
    """Why results may not be written where they would be read, or lost, as a roster."""
    for path in all_outputs(output):
        if path.resolve() == roster.resolve():
            return Misuse(f"「{path}」是名册本身，不能写在上面", "请换一个文件名")
    if roster.is_dir() and roster.resolve() in output.resolve().parents:
        return Misuse(f"结果不能写在名册的文件夹「{roster}」里", "下一次会当作名册读进来，请写到别处")
    return None


def _in_spark(job: Job, master: str) -> Written:
    from engine.bulk.spark import run as run_in_spark  # heavy, and not installed for everybody

    return run_in_spark(job, master)


def one_by_one(job: Job, columnar: bool, progress: Callable[[int, int], None] | None) -> BulkRun:
    """A small roster through the interpreter, its results in the same columns."""
    roster, found = (
        small.read(job.roster, job.program.policy) if columnar else read(job.roster, job.program.policy)
    )
    if roster is None:
        return BulkRun(job.as_of, tuple(found))
    shapes = dict.fromkeys(job.program.policy.fields, "plain")
    try:
        columns = compiled(job.program, job.as_of, job.readings, job.results, shapes).columns
    except CannotCompile as error:
        return BulkRun(job.as_of, (told_uncompiled(job.program.policy, error),))
    total = len(roster.records)
    wanted = [*job.results, *job.groups]
    evaluation = evaluate(
        job.program, roster, job.as_of, job.readings, only=wanted,
        progress=None if progress is None else lambda done: progress(done, total),
    )  # fmt: skip
    said = (*found, *evaluation.diagnostics)
    try:
        files = small.deliver(job, roster, evaluation, columns, found)
    except (OSError, duckdb.Error) as error:
        return BulkRun(job.as_of, (*said, *told_unwritten(job, error).diagnostics))
    return BulkRun(
        job.as_of,
        said,
        "interpreter",
        job.program,
        job.readings,
        roster.read,
        total,
        len(roster.rejected),
        files,
    )


def counted(run: BulkRun, job: Job) -> BulkRun:
    """What the results come to, read back from what was written."""
    if job.output.suffix.lower() != ".parquet":
        return run
    listed = beside(job.output, GROUPS)
    with duckdb.connect() as con:
        counts = counts_of(con, job.program, job.results, job.output)
        groups = rows_in(con, listed) if listed in run.files else 0
    return replace(run, counts=counts, groups=groups)
