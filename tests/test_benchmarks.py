"""The benchmarks compare the right things: wrong figures are counted, and every contestant at hand gives the right ones."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.timing import Spent, in_rounds, ratio

pytest.importorskip("duckdb", reason="needs DuckDB (pip install '.[bulk]')")

from benchmarks import figures, roster
from benchmarks.contestants import Contestant, Field
from benchmarks.job import AMOUNTS, RESULTS


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    folder = tmp_path_factory.mktemp("roster")
    roster.write(400, folder / "workers.parquet")
    roster.write(400, folder / "sample.parquet")
    return Field(folder / "workers.parquet", folder / "sample.parquet")


def test_contestants_give_the_same_figures(field: Field) -> None:
    found: list[Contestant] = [*field.in_duckdb(1), *field.one_by_one()]
    if find_spec("numpy") and find_spec("pyarrow"):
        found += field.in_memory()
    told = {one.name: one.checked() for one in found}
    assert len(told) >= 7
    assert set(told.values()) <= {figures.EXACT, "(is the reference)"}


def test_wrong_and_missing_rows_are_counted(field: Field) -> None:
    con = field.con
    changed = 'SELECT * REPLACE ("年终奖" + 0.01 AS "年终奖") FROM expected WHERE "工号" <> \'JYG000000007\''
    due = con.execute('SELECT count("年终奖") FROM expected').fetchall()[0][0]
    lost = con.execute('SELECT count("年终奖") FROM expected WHERE "工号" = \'JYG000000007\'').fetchall()[0][
        0
    ]
    assert figures.wrong_rows(con, changed, "FROM expected") == f"{due + 1 - lost} of 400 rows wrong"
    assert figures.wrong_rows(con, "FROM expected", "FROM expected") == figures.EXACT
    ids = ["甲", "乙"]
    rows = [dict.fromkeys(RESULTS, 1), dict.fromkeys(RESULTS)]
    given = figures.as_table(con, "one", ids, rows)
    zeros = figures.as_table(con, "two", ids, [rows[0], dict.fromkeys(RESULTS, 0)])
    fen = figures.as_table(con, "three", ids, [{**rows[0], AMOUNTS[0]: 1.004}, rows[1]])
    assert figures.wrong_rows(con, zeros, given) == "1 of 2 rows wrong"
    assert figures.wrong_rows(con, zeros, given, zeros=True) == figures.EXACT
    assert figures.wrong_rows(con, fen, given) == figures.EXACT
    assert figures.different(con, "FROM two", "FROM one") == "1 of 2 rows wrong"


def test_rounds_are_interleaved_and_bounded() -> None:
    order: list[str] = []

    def take(name: str, seconds: float) -> Spent:
        order.append(name)
        return Spent(seconds, seconds)

    found = in_rounds({"a": lambda: take("a", 1.0), "b": lambda: take("b", 4.0)}, 3, most=7.0)
    assert order == ["a", "b", "b", "a", "a"]
    assert ratio(found["b"], found["a"]) == 4


@pytest.mark.skipif(not Path("/proc").exists(), reason="Linux")
def test_a_process_is_weighed() -> None:
    import sys

    from benchmarks.timing import weighed

    spent = weighed([sys.executable, "-c", "x = bytearray(200_000_000); print('done')"], ".", {})
    assert spent.peak is not None
    assert 200e6 < spent.peak < 260e6
    with pytest.raises(RuntimeError):
        weighed([sys.executable, "-c", "raise SystemExit(3)"], ".", {})
