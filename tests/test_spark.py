"""Spark's statement and run give what DuckDB and the interpreter give, cell by cell; skipped, and said so, without Java."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import main
from engine.bulk.texts import location
from engine.compile.dialects import DIALECTS
from engine.compile.plan import compiled
from engine.compile.stages import statement
from engine.compile.terms import CannotCompile
from engine.evaluation import evaluate
from engine.program import Program
from engine.records.model import DatedFact, Roster
from engine.records.reader import roster_of
from engine.types import RecordsT, SeriesT
from engine.values import Series, parse_number
from examples.generate import workers
from tests import spark_session
from tests import typed_formulas as typed
from tests.bulk_rosters import due, fill, sorted_out

duckdb = pytest.importorskip("duckdb", reason="needs DuckDB (pip install '.[bulk]')")
pytestmark = [
    pytest.mark.skipif(bool(spark_session.why_not()), reason=spark_session.why_not()),
    # PySpark leaves sockets to the garbage collector
    pytest.mark.filterwarnings(
        "default::ResourceWarning", "default::pytest.PytestUnraisableExceptionWarning"
    ),
    pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning"),
]

from tests.test_compile import (  # noqa: E402
    DATED,
    DAY,
    LAW,
    READINGS,
    SERIES,
    SERIES_NAMES,
    city,
    law_facts,
    program_of,
    roster,
    with_units,
)


@pytest.fixture(scope="module")
def spark() -> Any:
    return spark_session.session()


def told(
    spark: Any, folder: Path, program: Program, found: Roster, names: Sequence[str], day: date, **more: Any
) -> dict[str, dict[str, Any]]:
    """标识 → result → outcome as Spark has it, over the roster as a Parquet file."""
    units: dict[str, tuple[str, Mapping[str, str]]] = {}
    with duckdb.connect() as con:
        shapes = fill(con, program.policy, [(record.row, record.facts) for record in found.records])
        tables = ["名册"]
        if found.units:
            units = with_units(con, program, found)
            tables += [table for table, _ in units.values()]
        for table in tables:
            file = folder / f"{table}.parquet"
            con.execute(f"COPY \"{table}\" TO '{file}' (FORMAT parquet)")
            spark.read.parquet(str(file)).createOrReplaceTempView(f"`{table}`")
    plan = compiled(program, day, more.get("readings", {}), names, shapes, dialect="spark", units=units)
    rows = [
        plain(list(row)) for row in spark.sql(statement(plan.relations, DIALECTS["spark"])).toLocalIterator()
    ]
    return {row[0]: sorted_out(row, names) for row in rows}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.asDict(recursive=True) if hasattr(value, "asDict") else value


def compare(
    spark: Any, folder: Path, program: Program, found: Roster, names: Sequence[str], **more: Any
) -> int:
    day = more.pop("day", DAY)
    rows = told(spark, folder, program, found, names, day, **more)
    results = evaluate(program, found, day, more.get("readings", {}), only=names).records
    for result in results:
        for name in names:
            assert rows[result.record.id][name] == due(result.outcomes[name]), (name, result.record.facts)
    return len(results) * len(names)


def some_of(chance: random.Random, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fact for name, fact in facts.items() if chance.random() < 0.85}


def test_formulas_of_every_kind(spark: Any, tmp_path: Path) -> None:
    chance = random.Random(11)
    nodes = [typed.formula(chance, chance.choice("数数真真日等"), 3) for _ in range(10)]
    people = []
    for _ in range(40):
        facts = typed.facts(chance)
        if "年甲" in facts:
            facts["年甲"] = Series(tuple(sorted(facts["年甲"].items())), "年甲")
        people.append(facts)
    rules = "".join(f"  式{at}: {{公式: '{typed.written(node)}'}}\n" for at, node in enumerate(nodes))
    program = program_of(typed.POLICY + rules)
    shapes = dict.fromkeys(program.policy.fields, "plain")
    names = []
    for at in range(len(nodes)):
        try:
            compiled(program, typed.AS_OF, {}, [f"式{at}"], shapes, dialect="spark")
            names.append(f"式{at}")
        except CannotCompile:
            continue
    assert len(names) > 7
    compare(spark, tmp_path, program, roster(people), names, day=typed.AS_OF)


def test_series_of_every_shape(spark: Any, tmp_path: Path) -> None:
    chance, people = random.Random(7), []
    for _ in range(80):
        first, length = chance.randint(1980, 2026), chance.randint(0, 48)
        items = {first + at: chance.choice("未差中良优优") for at in range(min(length, 2028 - first))}
        for _ in range(chance.randint(0, 4)):
            items.pop(chance.randint(1980, 2027), None)
        if chance.random() < 0.2:
            items = {chance.randint(1800, 2999): chance.choice("未差优") for _ in range(8)}
        graded = tuple((year, "未定" if g == "未" else g) for year, g in sorted(items.items()))
        scores = tuple(
            (y, parse_number(f"{chance.randint(-1000, 1000) / 10}"))
            for y, _ in graded
            if chance.random() < 0.8
        )
        facts = {
            "等": Series(graded, "等"), "分": Series(scores, "分"), "起": chance.randint(1975, 2030),
            "真": chance.random() < 0.5, "界": chance.choice(["差", "中", "优"]),
        }  # fmt: skip
        people.append(some_of(chance, facts))
    compare(spark, tmp_path, program_of(SERIES), roster(people), SERIES_NAMES)


def test_law_of_every_kind(spark: Any, tmp_path: Path) -> None:
    chance = random.Random(3)
    program = program_of(LAW)
    names = [*program.policy.rules, *program.policy.grounds]
    compare(spark, tmp_path, program, roster([law_facts(chance) for _ in range(60)]), names)


def test_values_by_date(spark: Any, tmp_path: Path) -> None:
    chance, people = random.Random(5), []
    days = [
        date(2018, 7, 1),
        date(2020, 2, 29),
        date(2023, 1, 1),
        date(2024, 11, 30),
        date(2024, 12, 31),
        date(2025, 6, 1),
    ]
    for _ in range(60):
        ranks = sorted(chance.sample(days, chance.randint(1, 4)))
        facts = {
            "证": DatedFact(tuple((day, chance.choice(["无", "初", "中", "高"])) for day in ranks)),
            "数": DatedFact(tuple((day, chance.choice([1, 5, 6, parse_number("5.1")])) for day in ranks)),
            "某日": chance.choice(days), "真": chance.random() < 0.6,
        }  # fmt: skip
        people.append(some_of(chance, facts))
    program = program_of(DATED)
    compare(spark, tmp_path, program, roster(people), [*program.policy.rules])


def test_the_city_with_its_groups(spark: Any, tmp_path: Path) -> None:
    program = city()
    given = workers(150, 9, data_date=DAY)
    found, _ = roster_of(given["记录"], given["单位"], DAY, program.policy, "r")
    assert found is not None
    names = [
        n for n in (*program.policy.rules, *program.policy.grounds)
        if not isinstance(program.types[n], SeriesT | RecordsT)
    ]  # fmt: skip
    now = [
        type(r)(
            r.id,
            r.row,
            {n: f.on(DAY) if isinstance(f, DatedFact) else f for n, f in r.facts.items()},
            r.place,
        )
        for r in found.records
    ]
    whole = Roster(found.file, "", found.data_date, tuple(now), found.rejected, found.units)
    assert compare(spark, tmp_path, program, whole, names, readings=READINGS[0]) > 5_000


# --- the run ---------------------------------------------------------------------------------------------------


def test_a_run_writes_what_duckdb_writes(spark: Any, tmp_path: Path) -> None:
    """One good file, one with a word that no field knows, one 标识 twice: both engines leave out the same rows."""
    from engine.app import bulk
    from engine.app.evaluate import Request
    from engine.folder import open_folder

    root = Path(__file__).parent.parent
    folder = open_folder(root / "policies", root)
    roster_folder = tmp_path / "名 册"
    roster_folder.mkdir()
    with duckdb.connect() as con:
        con.execute("""
            CREATE TABLE w AS SELECT '工' || lpad(CAST(i AS VARCHAR), 6, '0') AS 工号, '聘用制' AS 人员类别, '街道' || i % 3 AS 街道,
                '社区' || i % 5 AS 社区, DATE '2010-01-01' + CAST(i * 7 AS INTEGER) AS 参加社区工作日期, '在职' AS 人员状态,
                CASE WHEN i = 77 THEN '大砖' WHEN i % 2 = 0 THEN '本科' ELSE '大专' END AS 学历, '社会工作师' AS 社会工作者职业水平证书,
                [{'年份': 2022, '值': '优秀'}, {'年份': 2023, '值': CASE WHEN i = 5 THEN '好' ELSE '合格' END}] AS 年度考核,
                '1.0' || i % 10 AS 绩效系数 FROM range(300) t(i)""")
        con.execute("INSERT INTO w SELECT * REPLACE ('社区9' AS 社区) FROM w WHERE 工号 = '工000010'")
        con.execute(f"COPY (FROM w LIMIT 200) TO '{roster_folder}/a.parquet'")
        con.execute(f"COPY (FROM w OFFSET 200) TO '{roster_folder}/b.parquet'")
    outputs = {}
    for engine in ("duckdb", "spark"):
        output = tmp_path / f"{engine}.parquet"
        request = Request(roster=roster_folder, as_of=DAY, only=("基本工资,绩效工资,辞退情形,优秀比例",))
        run = bulk.run(folder, request, output, engine)
        assert isinstance(run, bulk.BulkRun)
        assert (run.read, run.evaluated, run.rejected) == (301, 297, 4), run.diagnostics
        told_of = sorted(d.message for d in run.diagnostics if d.severity == "error")
        with duckdb.connect() as con:
            path = f"{output}/*.parquet" if output.is_dir() else output
            rows = con.execute(f"SELECT * FROM read_parquet('{path}') ORDER BY 工号").fetchall()
            beside = tmp_path / f"{engine}.groups.parquet"
            path = f"{beside}/*.parquet" if beside.is_dir() else beside
            groups = con.execute(
                f"SELECT * FROM read_parquet('{path}') ORDER BY CAST(组 AS VARCHAR)"
            ).fetchall()
        rejects = (tmp_path / f"{engine}.rejects.csv").read_text("utf-8-sig")
        outputs[engine] = (told_of, ordered(rows), ordered(groups), rejects)
    assert outputs["spark"] == outputs["duckdb"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def ordered(rows: Sequence[Sequence[Any]]) -> list[str]:
    """Rows as texts, the order of a map's keys left out."""
    return [
        repr([sorted(cell.items(), key=str) if isinstance(cell, dict) else cell for cell in row])
        for row in rows
    ]


def test_results_elsewhere_are_not_written_over_unasked(spark: Any, tmp_path: Path) -> None:
    """A URL, which the command line cannot look at."""
    from engine.app import bulk
    from engine.app.evaluate import Request
    from engine.folder import open_folder

    root = Path(__file__).parent.parent
    folder = open_folder(root / "policies", root)
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT '工1' AS 工号, '本科' AS 学历) TO '{tmp_path}/r.parquet'")
    output = Path(f"file://{tmp_path}/out.parquet")
    request = Request(roster=tmp_path / "r.parquet", as_of=DAY, only=("学历工资",))
    first, second, third = (
        bulk.run(folder, request, output, "spark", force=force) for force in (False, False, True)
    )
    assert isinstance(first, bulk.BulkRun)
    assert isinstance(second, bulk.BulkRun)
    assert isinstance(third, bulk.BulkRun)
    assert first.evaluated == third.evaluated == 1
    assert [(d.code, "已经存在" in d.message) for d in second.diagnostics] == [("E795", True)]
    assert not second.files


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("hdfs://ns1/hr/人 员.parquet", "hdfs://ns1/hr/人 员.parquet"),
        ("s3a://b/k", "s3a://b/k"),
        ("file:/a/b", "file:///a/b"),
    ],
)
def test_urls_reach_spark_whole(written: str, taken: str) -> None:
    assert location(Path(written)) == taken


def test_a_url_without_a_host_is_refused() -> None:
    found = CliRunner().invoke(main, ["eval", "hdfs:///hr/w.parquet", "--engine", "spark", "-o", "r.parquet"])
    assert found.exit_code == 2
    assert "hdfs://主机/hr/w.parquet" in found.output
