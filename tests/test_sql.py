"""`guizhang sql`: the statement runs over tables of just the columns that it says it expects, and gives what `eval` gives."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from engine.app.sql import Sql, sql
from engine.choose import Misuse
from engine.evaluation import evaluate
from engine.folder import open_folder
from engine.records.model import DatedFact, Roster
from engine.records.reader import roster_of
from engine.values import NotApplicable
from examples.generate import workers
from tests.bulk_rosters import due, fill, sorted_out
from tests.test_compile import with_units

duckdb = pytest.importorskip("duckdb", reason="needs DuckDB (pip install '.[bulk]')")
ROOT = Path(__file__).parent.parent
DAY = date(2024, 12, 31)


@pytest.mark.parametrize(
    ("only", "readings"),
    [
        (("月工资合计,年终奖",), ("绩效工资口径=个人系数",)),
        (("绩效工资,取证奖励,辞退情形,法定退休日期",), ()),
        ((), ()),
    ],
)
def test_it_runs_over_the_columns_that_it_names(only: tuple[str, ...], readings: tuple[str, ...]) -> None:
    found = sql(open_folder(ROOT / "policies", ROOT), None, DAY, "duckdb", readings, only)
    assert isinstance(found, Sql)
    assert found.program is not None
    program, names = found.program, list(found.columns)
    given = workers(200, 3, data_date=DAY)
    roster, _ = roster_of(given["记录"], given["单位"], DAY, program.policy, "r")
    assert roster is not None
    people = tuple(
        type(r)(
            r.id,
            r.row,
            {n: f.on(DAY) if isinstance(f, DatedFact) else f for n, f in r.facts.items()},
            r.place,
        )
        for r in roster.records
    )
    with duckdb.connect() as con:
        fill(con, program.policy, [(record.row, record.facts) for record in people])
        with_units(con, program, roster)
        for table in found.tables:
            columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind, _ in table.columns)
            con.execute(f'CREATE TABLE "要" AS SELECT {columns} FROM "{table.name}"')
            con.execute(f'DROP TABLE "{table.name}"; ALTER TABLE "要" RENAME TO "{table.name}"')
        con.execute(f"CREATE VIEW v AS {found.text}")
        rows = {row[0]: sorted_out(row, names) for row in con.execute("FROM v").fetchall()}
    whole = Roster(roster.file, "", roster.data_date, people, (), roster.units)
    for result in evaluate(program, whole, DAY, found.readings, only=names).records:
        for name in names:
            assert rows[result.record.id][name] == due(result.outcomes[name]), (result.record.id, name)
    assert any(isinstance(outcome, NotApplicable) for row in rows.values() for outcome in row.values())


def test_a_group_is_no_column() -> None:
    found = sql(open_folder(ROOT / "policies", ROOT), None, DAY, "spark", (), ("优秀比例",))
    assert isinstance(found, Misuse)


def test_the_file_says_what_it_expects() -> None:
    asked = [
        "sql",
        "--as-of",
        "2024-12-31",
        "--dialect",
        "spark",
        "--only",
        "学历工资",
        "--policies",
        str(ROOT / "policies"),
    ]
    found = CliRunner().invoke(main, asked)
    assert found.exit_code == 0, found.output
    assert "--   学历  STRING  初中、高中、中专、大专、本科、研究生" in found.output
    assert "本年病假月数" not in found.output
    assert "spark.sql.ansi.enabled" in found.output
