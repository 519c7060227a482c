"""Who is timed in this process over a roster in Parquet, and whether each gives the same figures.

DuckDB's statements put their rows into a table in memory, so that every column is computed and none is written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb

from benchmarks import figures
from benchmarks.job import AS_OF, IDENTIFIER, READINGS, RESULTS, ROOT, program_of_the_city
from benchmarks.plain import Plain, plain_facts
from benchmarks.zen_peer import Zen
from engine.bulk import small
from engine.compile.dialects import DIALECTS
from engine.compile.groups import ROSTER
from engine.compile.plan import Plan, compiled
from engine.compile.stages import Relation, statement
from engine.evaluation import evaluate
from engine.program import Program
from engine.records.model import Roster
from engine.types import SeriesT
from engine.values import NotApplicable

_DUCK = DIALECTS["duckdb"]
_TWELVE, _EVERY, _REASONS = "generated, 12 results", "generated, every named value", ", 不适用 and 信息不足"
BY_HAND, TWELVE, EVERY = "DuckDB by hand", _TWELVE, _EVERY
TWELVE_REASONS, EVERY_REASONS = _TWELVE + _REASONS, _EVERY + _REASONS
INTERPRETER, PLAIN, ZEN = "interpreter, every named value", "simpleeval parsed once", "zen with trace"


def with_threads(name: str, threads: int) -> str:
    return f"{name}, {threads} thread{'s' if threads > 1 else ''}"


@dataclass(frozen=True, slots=True)
class Contestant:
    """`run` goes through `workers` once; `checked` does so too and judges what came out: `figures.EXACT`, or how many rows
    are wrong. `kept`: whether every named value on the way is kept."""

    name: str
    workers: int
    run: Callable[[], object]
    checked: Callable[[], str]
    kept: bool = False


def judged(
    name: str, workers: int, run: Callable[[], object], judge: Callable[[object], str], kept: bool = False
) -> Contestant:
    """One whose results `judge` looks at as `run` gives them."""
    return Contestant(name, workers, run, lambda: judge(run()), kept)


def named_values(program: Program) -> list[str]:
    """Rules and 情形 of the policy; a series that is picked out of another is none."""
    names = (*program.policy.rules, *program.policy.grounds)
    return [name for name in names if not isinstance(program.types[name], SeriesT)]


class Field:
    """A roster, a sample of it, and what is expected of both."""

    def __init__(self, roster: Path, sample: Path) -> None:
        self.con = duckdb.connect()
        self.roster, self.sample = roster, sample
        self.program = program_of_the_city()
        self.every = named_values(self.program)
        self.count, self.few = (
            self.con.execute(f"SELECT count(*) FROM '{p}'").fetchall()[0][0] for p in (roster, sample)
        )
        columns = [row[0] for row in self.con.execute(f"DESCRIBE SELECT * FROM '{roster}'").fetchall()]
        self.shapes = dict.fromkeys(columns, "plain")
        found, problems = small.read(sample, self.program.policy)
        assert found is not None, problems
        self.records: Roster = found
        self.ids = [record.id for record in found.records]
        self.con.execute(f"CREATE TABLE expected AS {by_hand(roster)}")
        evaluation = evaluate(self.program, found, AS_OF, READINGS, only=self.every)
        rows = [
            {n: None if isinstance(o, NotApplicable) else o for n, o in result.outcomes.items()}
            for result in evaluation.records
        ]
        self.interpreted = figures.as_table(self.con, "interpreted", self.ids, rows)
        self.plan = self.planned(self.every)
        values = sample.with_name("interpreted.parquet")
        small.write(evaluation, IDENTIFIER, self.plan.columns, values, "parquet")
        self.explained = f"FROM '{values}'"

    def planned(self, results: Sequence[str]) -> Plan:
        return compiled(self.program, AS_OF, READINGS, results, self.shapes)

    # --- DuckDB

    def into_table(self, sql: str, threads: int) -> None:
        self.con.execute(f"SET threads = {threads}")
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE found AS {sql}")

    def generated(self, plan: Plan, columns: Sequence[str], threads: int, roster: Path) -> None:
        """Our statement, with the small relations that it has made once."""
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW {figures.quoted(ROSTER)} AS FROM '{roster}'")
        *before, last = plan.relations
        pending: list[Relation] = []
        for relation in before:
            if not relation.kept:
                pending.append(relation)
                continue
            inner = statement([*pending, relation], _DUCK)
            self.con.execute(f"CREATE OR REPLACE TEMP TABLE {figures.quoted(relation.name)} AS {inner}")
        sql = statement([*pending, last], _DUCK)
        if columns:
            sql = f"SELECT {', '.join(map(figures.quoted, columns))} FROM ({sql})"
        self.into_table(sql, threads)

    def twelve_wrong(self, _: object) -> str:
        return figures.wrong_rows(self.con, "FROM found", "FROM expected")

    def every_wrong(self, columns: Sequence[str]) -> str:
        """The twelve of all workers as by hand; all that is given of the sample as the interpreter has it."""
        whole = self.twelve_wrong(None)
        if whole != figures.EXACT:
            return whole
        self.generated(self.plan, columns, 1, self.sample)
        chosen = ", ".join(map(figures.quoted, columns)) or "*"
        return figures.different(self.con, "FROM found", f"SELECT {chosen} {self.explained}")

    def in_duckdb(self, threads: int) -> Iterator[Contestant]:
        twelve, own, all_ = self.planned(RESULTS), (IDENTIFIER, *RESULTS), (IDENTIFIER, *self.every)

        def made(plan: Plan, columns: Sequence[str]) -> Callable[[], object]:
            return lambda: self.generated(plan, columns, threads, self.roster)

        def hand() -> object:
            return self.into_table(by_hand(self.roster), threads)

        def hand_wrong(_: object) -> str:
            chosen = f"SELECT * FROM found WHERE {IDENTIFIER} IN (SELECT {IDENTIFIER} FROM interpreted)"
            return figures.wrong_rows(self.con, chosen, self.interpreted)

        yield judged(with_threads(BY_HAND, threads), self.count, hand, hand_wrong)
        rows = (
            (TWELVE, twelve, own, self.twelve_wrong, False),
            (TWELVE_REASONS, twelve, (), self.twelve_wrong, False),
            (EVERY, self.plan, all_, lambda _: self.every_wrong(all_), True),
            (EVERY_REASONS, self.plan, (), lambda _: self.every_wrong(()), True),
        )
        for name, plan, columns, judge, kept in rows:
            yield judged(with_threads(name, threads), self.count, made(plan, columns), judge, kept)

    # --- worker by worker

    def sample_wrong(self, rows: object) -> str:
        return figures.wrong_rows(
            self.con, figures.as_table(self.con, "given", self.ids, rows), self.interpreted
        )

    def one_by_one(self) -> Iterator[Contestant]:
        """Over the sample: their cost does not change with the number of workers."""
        plain, records = Plain(), self.records.records
        known = [plain_facts(self.program.policy, record) for record in records]

        def interpreted(names: Sequence[str]) -> Callable[[], object]:
            return lambda: evaluate(self.program, self.records, AS_OF, READINGS, only=names)

        reference = lambda _: "(is the reference)"  # noqa: E731
        yield judged("interpreter, 12 results", self.few, interpreted(RESULTS), reference, True)
        yield judged(INTERPRETER, self.few, interpreted(self.every), reference, True)
        yield judged(
            PLAIN, self.few, lambda: [plain.run(facts, AS_OF) for facts in known], self.sample_wrong, True
        )
        if find_spec("zen"):
            decision = Zen()
            given = [decision.given(facts, AS_OF) for facts in known]
            yield judged(
                ZEN, self.few, lambda: [decision.run(facts) for facts in given], self.sample_wrong, True
            )

    # --- columns in memory

    def columns_wrong(self, scale: int, none: int | None) -> Callable[[object], str]:
        """Judges arrays in the order of the file: amounts `scale` to the yuan, `none` for 不适用 (None: as 0)."""

        def judge(given: object) -> str:
            self.con.register("arrays", given)
            parts = []
            for name in RESULTS:
                column = figures.quoted(name) if none is None else f"NULLIF({figures.quoted(name)}, {none})"
                if scale != 1 and name in figures.AMOUNTS:
                    column = f"CAST({column} AS BIGINT) * 0.01"
                parts.append(f"{column} AS {figures.quoted(name)}")
            numbered = f"SELECT row_number() OVER () AS at, {', '.join(parts)} FROM arrays"
            expected = "SELECT row_number() OVER () AS at, * FROM expected"
            try:
                return figures.wrong_rows(self.con, numbered, expected, zeros=none is None, by="at")
            finally:
                self.con.unregister("arrays")

        return judge

    def in_memory(self) -> Iterator[Contestant]:
        from benchmarks import by_numpy

        facts = by_numpy.read(self.roster)
        lists = by_numpy.counted(facts)
        judge = self.columns_wrong(100, by_numpy.NONE)

        def from_lists() -> object:
            return by_numpy.twelve(facts.columns, by_numpy.counted(facts))

        def from_file() -> object:
            found = by_numpy.read(self.roster)
            return by_numpy.twelve(found.columns, by_numpy.counted(found))

        def ready() -> object:
            return by_numpy.twelve(facts.columns, lists)

        yield judged("NumPy by hand, counters ready in memory", self.count, ready, judge)
        yield judged("NumPy by hand, lists in memory", self.count, from_lists, judge)
        yield judged("NumPy by hand, from the Parquet file", self.count, from_file, judge)
        if find_spec("openfisca_core"):
            from benchmarks.openfisca_peer import OpenFisca

            for in_fen, scale in ((False, 1), (True, 100)):
                system = OpenFisca(in_fen)
                given = system.given(facts.columns, lists)
                name = f"OpenFisca, {'int32 fen' if in_fen else 'float32'}, counters ready in memory"
                run = lambda system=system, given=given: system.run(given)  # noqa: E731
                yield judged(name, self.count, run, self.columns_wrong(scale, None), True)


def by_hand(roster: Path) -> str:
    return (ROOT / "benchmarks" / "by_hand.sql").read_text("utf-8").replace("{workers}", f"'{roster}'")
