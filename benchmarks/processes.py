"""Whole processes, from their start to the written file: our command line against a hand-written DuckDB process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks import figures
from benchmarks.job import AS_OF, READINGS, RESULTS, ROOT
from benchmarks.timing import Spent, as_installed, weighed

BY_HAND, OURS, WHOLE = (
    "DuckDB process by hand",
    "guizhang eval, 12 results",
    "guizhang eval, every result and 集体, adopted readings",
)


@dataclass(frozen=True, slots=True)
class Process:
    """`take` runs it once; `judge` judges the file that it left: `figures.EXACT`, or how many rows are wrong."""

    name: str
    workers: int
    take: Callable[[], Spent]
    judge: Callable[[], str]


def over(roster: Path, workers: int, folder: Path) -> list[Process]:
    """The processes over one roster. `folder`: where results and checked policies are kept."""
    env = as_installed(folder)
    hand, twelve, every = (folder / f"{name}.parquet" for name in ("by-hand", "twelve", "every"))
    only = ["--only", ",".join(RESULTS), *(f"--reading={k}={v}" for k, v in READINGS.items())]

    def ours(output: Path, more: list[str]) -> list[str]:
        asked = ["eval", str(roster), "--as-of", AS_OF.isoformat(), "-o", str(output), "--force"]
        return [sys.executable, str(ROOT / "cli.py"), *asked, *more]

    def wrong(output: Path) -> Callable[[], str]:
        def judge() -> str:
            with duckdb.connect() as con:
                return figures.wrong_rows(con, f"FROM '{output}'", f"FROM '{hand}'")

        return judge

    def counted() -> str:
        """Of the results under other readings: whether every worker is there."""
        with duckdb.connect() as con:
            rows = con.execute(f"SELECT count(*) FROM '{every}'").fetchall()[0][0]
        return "all rows there" if rows == workers else f"{rows:,} of {workers:,} rows there"

    by_hand = [sys.executable, str(ROOT / "benchmarks" / "by_hand_process.py"), str(roster), str(hand)]
    return [
        Process(BY_HAND, workers, taken(by_hand, env), lambda: "as in memory"),
        Process(OURS, workers, taken(ours(twelve, only), env), wrong(twelve)),
        Process(WHOLE, workers, taken(ours(every, []), env), counted),
    ]


def taken(command: list[str], env: Mapping[str, str]) -> Callable[[], Spent]:
    return lambda: weighed(command, ROOT, env)
