"""A roster of any size through DuckDB: check, evaluate, write; every row read is evaluated or listed as left out.

Files are read in place and streamed. What is written goes to temporary files that are renamed at the end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from engine.bulk import rejects, units, words
from engine.bulk.columns import ColumnReader, Reading
from engine.bulk.counts import Count, counts_of, rows_in
from engine.bulk.files import Source, in_chinese, mistake_in_lines, open_source
from engine.bulk.receipt import fingerprint, receipt_of, receipt_path
from engine.bulk.tables import misfits
from engine.bulk.texts import ROW
from engine.compile.dialects import DIALECTS
from engine.compile.frame import Common
from engine.compile.groups import ROSTER, asked_of
from engine.compile.plan import Checks, compiled, rows_left_out
from engine.compile.stages import Relation, statement
from engine.compile.terms import CannotCompile, told_uncompiled
from engine.diagnostics import Diagnostic, Place
from engine.program import Program
from engine.records.row import Fields
from engine.records.shapes import SeriesReader
from engine.types import EnumT, SeriesT

#: Megabytes that DuckDB may take before it goes to the disk, and so many more for each result beyond a dozen; of records beyond
#: a million that are computed in groups, which are held while they are counted, so many bytes each. A run that this is not enough
#: for is tried once more with `MORE` times of it.
MEMORY, EACH, GROUPED, MORE = 200, 4, 30, 4
#: Rows that are put together before they are written: few, because maps of many results take room.
TOGETHER = 30_720
#: Rows whose 标识 is one, of which the message names a few.
MOST_SAME = 7
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
    #: none where it has not been counted
    counts: tuple[Count, ...] = ()
    groups: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    program: Program
    roster: Path
    output: Path
    as_of: date
    readings: Mapping[str, str]
    results: Sequence[str]
    groups: Sequence[str] = ()
    #: whether results on another machine are written over
    force: bool = False


def beside(output: Path, ending: str) -> Path:
    """`results.parquet` → `results.rejects.csv`."""
    return output.with_name(output.stem + ending)


GROUPS, REJECTS = ".groups.parquet", ".rejects.csv"


def all_outputs(output: Path) -> tuple[Path, ...]:
    """Every file that a run may write."""
    return output, beside(output, GROUPS), beside(output, REJECTS), receipt_path(output)


def run(job: Job, progress: Callable[[int, int], None] | None = None, more_than: int = 0) -> Written:
    """The whole of a bulk run. Without `files`, the diagnostics say why nothing was written; if there are none, the roster
    has not `more_than` so many records."""
    try:
        memory = MEMORY + EACH * max(0, len(job.results) - 12)
        try:
            return _tried(job, progress, memory, more_than)
        except duckdb.OutOfMemoryException:
            return _tried(job, progress, memory * MORE, more_than)
    except (duckdb.Error, OSError) as error:
        if isinstance(error, duckdb.InterruptException):
            raise
        if isinstance(error, duckdb.InvalidInputException) and (found := mistake_in_lines(job.roster)):
            return Written(0, 0, 0, diagnostics=(found,))
        return told_unwritten(job, error)


def _tried(job: Job, progress: Callable[[int, int], None] | None, memory: int, more_than: int) -> Written:
    with TemporaryDirectory(dir=job.output.parent, prefix=f".{job.output.stem}.") as folder:
        con = duckdb.connect(config={"temp_directory": folder, "memory_limit": f"{memory}MB"})
        try:
            return _Run(con, job, Path(folder), progress, memory).whole(more_than)
        except CannotCompile as error:
            return Written(0, 0, 0, diagnostics=(told_uncompiled(job.program.policy, error),))
        finally:
            con.close()


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C in the midst of a statement is Ctrl-C, of which DuckDB makes another error; being asked to end is the same."""

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGTERM, ended)
    try:
        yield
    except (RuntimeError, duckdb.InterruptException) as error:
        if isinstance(error, duckdb.InterruptException) or "interrupted" in str(error):
            raise KeyboardInterrupt from None
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def not_rising(ids: str) -> str:
    """How many rows have a 标识 that does not come after that of the row before, or none."""
    return f"SELECT count(*) FROM (SELECT id, lag(id) OVER () AS before FROM ({ids})) WHERE id <= before OR id IS NULL"


@contextmanager
def aside_of(con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[Callable[[], bool]]:
    """Counts something beside other work, on a core that planning leaves idle: whether it comes to nothing (not, if it
    fails, as the other work will)."""
    beside, found = con.cursor(), list[bool]()

    def count() -> None:
        with suppress(duckdb.Error):
            row = beside.execute(sql).fetchone()
            found.append(row is not None and not row[0])

    thread = threading.Thread(target=count, daemon=True)
    thread.start()

    def nothing() -> bool:
        thread.join()
        return bool(found and found[0])

    try:
        yield nothing
    finally:
        beside.interrupt()
        thread.join()
        beside.close()


def told_unwritten(job: Job, error: Exception) -> Written:
    """E795: a run that came to an end before its time; nothing has been written."""
    said, hint = in_chinese(error)
    if not hint and isinstance(error, OSError):
        said = error.strerror or said
    told = Diagnostic(
        "E795",
        f"计算没有完成：{said}",
        Place(str(job.output)),
        f"{hint}；结果没有写出" if hint else "结果没有写出",
    )
    return Written(0, 0, 0, diagnostics=(told,))


class _Run:
    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        job: Job,
        folder: Path,
        progress: Callable[[int, int], None] | None,
        memory: int,
    ) -> None:
        self.con, self.job, self.folder, self.progress, self.memory = con, job, folder, progress, memory
        self.program, self.policy = job.program, job.program.policy
        self.identifier = self.policy.meta.identifier
        self.said: list[Diagnostic] = []
        self.words: dict[str, Mapping[str, str]] = {}
        self.known: words.Known = {}
        self.relation = "原"
        #: whether 「重」 has any 标识; tells whether the 标识 rise from row to row, where that is being looked at
        self.same = False
        self.rises: Callable[[], bool] | None = None
        self.shares = (0, 900)

    def whole(self, more_than: int = 0) -> Written:
        source, found = open_source(self.con, self.job.roster, self.folder)
        if source is None:
            return Written(0, 0, 0, diagnostics=tuple(found))
        if source.count <= more_than:
            return Written(source.count, 0, 0)
        before = fingerprint(self.job.roster, source.files)
        reading = self.read(source)
        if any(d.severity == "error" for d in reading.diagnostics):
            return Written(source.count, 0, 0, diagnostics=tuple(reading.diagnostics))
        good = source.count - source.misfits
        written = self.evaluated(source, reading)
        self.shares = (900, 1000)
        if written < good and self.learn(source, reading):
            reading = self.read(source)
            written = self.evaluated(source, reading)
        rejected = self.rejects(source, reading) if written < source.count else 0
        if written + rejected != source.count:
            said = f"读入 {source.count} 行，算出 {written} 行，退回 {rejected} 行，合不上"
            return self.nothing(source, Diagnostic("E794", said, Place(str(self.job.roster)), "结果没有写出"))
        if fingerprint(self.job.roster, source.files) != before:
            said = "计算的时候名册被改动了"
            return self.nothing(
                source, Diagnostic("E796", said, Place(str(self.job.roster)), "请等写完以后再算")
            )
        self.said += [*source.notes, *reading.diagnostics, *self.absent()]
        self.receipt(source, written, rejected)
        counts, groups = self.counted()
        if self.progress is not None:
            self.progress(1000, 1000)
        files = tuple(self.move(rejected))
        return Written(
            source.count, written, rejected, files, self.plan.columns, tuple(self.said), counts, groups
        )

    def counted(self) -> tuple[tuple[Count, ...], int]:
        """What the results come to, and how many figures of groups there are."""
        if self.job.output.suffix.lower() != ".parquet":
            return (), 0
        listed = self.folder / "groups"
        groups = rows_in(self.con, listed) if listed.exists() else 0
        return counts_of(self.con, self.program, self.job.results, self.folder / "results"), groups

    @staticmethod
    def nothing(source: Source, why: Diagnostic) -> Written:
        return Written(source.count, 0, 0, diagnostics=(why,))

    def read(self, source: Source) -> Reading:
        reader = ColumnReader(self.policy, _DUCK, str(self.job.roster), self.words, self.known)
        reading = reader.read(source.columns)
        if self.identifier not in reading.typed and not any(
            d.severity == "error" for d in reading.diagnostics
        ):
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

    def evaluated(self, source: Source, reading: Reading) -> int:
        """`evaluate`; once more if 标识 that stand twice come to light only then."""
        self.same, self.rises = False, None
        ids = self.ids_of(f"({source.relation})", reading)
        aside = (
            source.kind == "parquet" and self.relation == "原"
        )  # another pass over text files is no small matter
        with aside_of(self.con, not_rising(ids)) if aside else nullcontext() as self.rises:
            written = self.evaluate(source, reading)
            if self.rises is not None and self.find_same(reading):
                written = self.evaluate(source, reading)
        return written

    def ids_of(self, relation: str, reading: Reading) -> str:
        """A SELECT of the 标识 of a relation (NULL where a row has none) and the numbers of their rows."""
        return f'SELECT {reading.typed[self.identifier]} AS id, "{ROW}" FROM {relation}'

    def evaluate(self, source: Source, reading: Reading) -> int:
        """Results of all rows that no check finds, into a temporary file; how many there are."""
        q = _DUCK.quote
        execute = self.con.execute
        execute(f'CREATE OR REPLACE TEMP VIEW "原" AS {source.relation}')
        common = Common(_DUCK, self.job.as_of, self.job.as_of, self.job.readings)
        asked = asked_of(common, self.program, self.job.results, reading.shapes, self.job.groups)
        names = asked.groups
        self.lacking = list(common.lacking)
        columns = units.units_of(self.policy, reading.shapes)
        if not self.same and (names or columns or self.rises is None):
            self.find_same(reading)
        identifier = reading.typed[self.identifier]
        bads = [bad for bad in reading.bad.values() if bad != "FALSE"]
        bads += [bad for bad, *_ in source.bad]
        bads.append(f"{identifier} IS NULL")
        if self.same:
            bads.append(f'{identifier} IN (SELECT id FROM "重")')
        typed = [f"{sql} AS {q(name)}" for name, sql in reading.typed.items()]
        self.checks = Checks('"·坏"', reading.doubtful)
        base = f'SELECT {", ".join(typed)}, {q(ROW)}, ({" OR ".join(bads)}) AS "·坏" FROM {q(self.relation)}'
        of_units: dict[str, tuple[str, Mapping[str, str]]] = {}
        execute(f"CREATE OR REPLACE TEMP VIEW {q(ROSTER)} AS {base}")
        rejected = ""
        if names or columns:
            memory = self.memory + max(0, source.count - 1_000_000) * GROUPED // 1_000_000
            execute(f"SET memory_limit = '{memory}MB'")
            places = sorted(
                {by for name in names for by in self.program.groups_by_name[name].by} | columns.keys()
            )
            left_out = rows_left_out(self.program, self.job.as_of, reading.shapes, self.checks, places)
            execute(f'CREATE OR REPLACE TEMP TABLE "退回" AS {statement(left_out, _DUCK)}')
            execute(f'CREATE OR REPLACE TEMP TABLE "去" AS SELECT {q(ROW)} FROM "退回"')
            kept = base
            if self.one('SELECT count(*) FROM "去"'):
                kept = f'SELECT * FROM ({base}) WHERE {q(ROW)} NOT IN (SELECT {q(ROW)} FROM "去")'
                execute(f"CREATE OR REPLACE TEMP VIEW {q(ROSTER)} AS {kept}")
            for _, line, _ in misfits(source.tables):
                execute(f'INSERT INTO "退回" ({q(ROW)}) VALUES ({line})')
            if self.one('SELECT count(*) FROM "退回"'):
                rejected = "退回"
            of_units = self.with_units(columns, reading)
            if columns:
                own = units.without_unit_facts(_DUCK, "名册·全", [*reading.typed, ROW, "·坏"], columns)
                execute(f"CREATE OR REPLACE TEMP VIEW {q('名册·全')} AS {kept}")
                execute(f"CREATE OR REPLACE TEMP VIEW {q(ROSTER)} AS {own}")
        self.plan = compiled(
            self.program, self.job.as_of, self.job.readings, self.job.results, reading.shapes,
            shown=self.job.groups, rejected=rejected, units=of_units, checks=None if names or columns else self.checks,
            asked=asked,
        )  # fmt: skip
        return self.written()

    def one(self, sql: str) -> int:
        row = self.con.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def find_same(self, reading: Reading) -> bool:
        """Whether any 标识 stands twice, into the table 「重」; a file in the order of them has none."""
        ids = self.ids_of(_DUCK.quote(self.relation), reading)
        rises, self.rises = self.rises, None
        if rises() if rises is not None else not self.one(not_rising(ids)):
            return False
        # by hash first, which takes less room than the texts
        self.con.execute(
            f'CREATE OR REPLACE TEMP TABLE "疑重" AS SELECT hash(id) AS h FROM ({ids}) WHERE id IS NOT NULL GROUP BY h HAVING count(*) > 1'
        )
        self.con.execute(
            f'CREATE OR REPLACE TEMP TABLE "重" AS SELECT id, min("{ROW}", {MOST_SAME}) AS rows FROM ({ids}) '
            'WHERE id IS NOT NULL AND hash(id) IN (SELECT h FROM "疑重") GROUP BY id HAVING count(*) > 1'
        )
        self.same = bool(self.one('SELECT count(*) FROM "重"'))
        return self.same

    def with_units(
        self, found: Mapping[str, Sequence[str]], reading: Reading
    ) -> dict[str, tuple[str, Mapping[str, str]]]:
        """A table for each kind of unit; what rows disagree about is told."""
        for owner, names in found.items():
            made = units.unit_table(_DUCK, ROSTER, owner, names)
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {_DUCK.quote(units.table_of(owner))} AS {made}")
            for name in names:
                rows = self.con.execute(units.differing(_DUCK, ROSTER, owner, name, ROW)).fetchall()
                self.said += units.told(str(self.job.roster), owner, name, rows)
        return units.shapes_of(found, reading.shapes)

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
        options = "FORMAT csv, HEADER" if suffix == "csv" else f"FORMAT parquet, ROW_GROUP_SIZE {TOGETHER}"
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
        self.shown = 0.0

        first, last = self.shares

        def watch() -> None:
            assert self.progress is not None
            while not done.wait(0.2):
                share = self.con.query_progress()
                if share > self.shown:
                    self.shown = share
                    self.progress(int(first + share * (last - first) / 100), 1000)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    # --- rows left out -------------------------------------------------------------------------------------

    def learn(self, source: Source, reading: Reading) -> bool:
        """Ways of writing that only the reader of records knows; whether there are any."""
        self.known = words.learn(self.con, reading, self.policy, self.folder)
        if self.known:
            self.relation = "读"
        for name in reading.typed:
            decl = self.policy.fields[name]
            if (
                isinstance(decl.type, SeriesT)
                and isinstance(decl.type.item, EnumT)
                and len(reading.raw[name]) == 1
            ):
                reader = Fields(self.policy).readers[name]
                assert isinstance(reader, SeriesReader)
                self.words[name] = words.member_words(
                    self.con, ROSTER, decl, decl.type.item.members, reader.cell
                )
        return bool(self.known) or any(self.words.values())

    def rejects(self, source: Source, reading: Reading) -> int:
        """The rows left out, each with its mistakes, in a file; the first of them told."""
        q = _DUCK.quote
        if self.plan_has_groups():
            numbers = f'SELECT {q(ROW)} FROM "去"'
        else:
            left_out = rows_left_out(self.program, self.job.as_of, reading.shapes, self.checks, ())
            numbers = f"SELECT {q(ROW)} FROM ({statement(left_out, _DUCK)})"
        rows = rejects.left_out(self.con, source, reading, self.policy, numbers, self.relation, self.same)
        listed = beside(self.job.output, REJECTS).name
        count, said = rejects.write(rows, self.folder / "rejects", self.identifier, listed, self.job.roster)
        self.said += said
        return count

    def plan_has_groups(self) -> bool:
        return bool(self.plan.relations) and any(
            relation.name == "记录·全" for relation in self.plan.relations
        )

    # --- files ----------------------------------------------------------------------------------------------

    def receipt(self, source: Source, written: int, rejected: int) -> None:
        job = self.job
        text = receipt_of(
            self.program,
            job.as_of,
            job.readings,
            "duckdb",
            fingerprint(job.roster, source.files, job.output.parent),
            job.results,
            job.groups,
            (source.count, written, rejected),
            self.plan.columns,
            [path.name for path in self.targets(rejected).values()],
        ).text()
        (self.folder / "receipt").write_text(text, "utf-8")

    def targets(self, rejected: int) -> dict[str, Path]:
        """Temporary files and where they go, the results last."""
        output = self.job.output
        found = {}
        if rejected:
            found["rejects"] = beside(output, REJECTS)
        if (self.folder / "groups").exists():
            found["groups"] = beside(output, GROUPS)
        return {**found, "receipt": receipt_path(output), "results": output}

    def move(self, rejected: int) -> Iterator[Path]:
        """Files of an earlier run that have none now go, so that nothing beside the results is another's."""
        moved = self.targets(rejected)
        for path in all_outputs(self.job.output):
            if path not in moved.values():
                path.unlink(missing_ok=True)
        for name, path in moved.items():
            (self.folder / name).replace(path)
        yield from reversed(moved.values())
