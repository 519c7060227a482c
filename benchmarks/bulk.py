"""Bulk runs against what one would write by hand and against peers, as one table for this machine.

    python benchmarks/bulk.py                            # about ten minutes on a quiet machine
    python benchmarks/bulk.py --ten-million --readme     # with 10 million workers; into benchmarks/README.md
    python benchmarks/bulk.py --parts memory --workers 100000 --rounds 3

Every contestant is first checked to give the same figures to the fen. Then come interleaved rounds; a figure is a median, a
ratio the median of the rounds' ratios. Who they are is in benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import contestants, in_spark, processes, roster
from benchmarks.contestants import Contestant, Field, with_threads
from benchmarks.report import Entry, Figure, Report
from benchmarks.timing import Spent, in_rounds, timed, timed_elsewhere

PARTS = ("memory", "spark", "processes")
SIZES = (10_000, 100_000, 1_000_000)
#: Seconds that one contestant may take in all its rounds together.
MOST = 60.0
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- bulk.py writes from here -->", "<!-- to here -->"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """Date, machine and versions, on one line."""
    cores = os.cpu_count() or 1
    names = ("duckdb", "pyspark", "numpy", "pyarrow", "openfisca-core", "zen-engine", "simpleeval")
    found = [f"Python {platform.python_version()}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    return (
        f"{date.today()}, {cores} cores, {platform.system()} {platform.machine()}{load}; {', '.join(found)}"
    )


class Bench:
    """What was asked for, and what has been measured so far."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.given, self.folder = given, folder
        self.data = given.data or folder
        self.data.mkdir(parents=True, exist_ok=True)
        self.report = Report()

    def workers(self, count: int) -> Path:
        """A roster of that size, written unless it is there."""
        path = self.data / f"workers-{count}.parquet"
        if not path.exists():
            say(f"writing {count:,} workers")
            unfinished = path.with_suffix(".part")
            roster.write(count, unfinished)
            unfinished.replace(path)
        return path

    def sample(self, path: Path) -> Path:
        few = self.folder / "sample.parquet"
        duckdb.execute(f"COPY (FROM '{path}' LIMIT {self.given.sample}) TO '{few}' (FORMAT parquet)")
        return few

    def measured(self, title: str, found: Sequence[Contestant], take: Callable[..., Spent] = timed) -> None:
        entries = []
        for one in found:
            say(f"checking {one.name}")
            entries.append(Entry(one.name, one.workers, one.checked(), "yes" if one.kept else "no"))
        say(f"{self.given.rounds} rounds")
        takes = {one.name: lambda run=one.run: take(run) for one in found}
        self.report.add(title, entries, in_rounds(takes, self.given.rounds, MOST))

    # --- parts

    def memory(self) -> None:
        path = self.workers(self.given.workers)
        say("reading the sample")
        field = Field(path, self.sample(path))
        found = [c for threads in (1, 2) for c in field.in_duckdb(threads)]
        found += field.one_by_one()
        if find_spec("numpy") and find_spec("pyarrow"):
            found += field.in_memory()
        else:
            self.report.notes.append(
                "numpy and pyarrow are not installed (pip install '.[peers]'): no NumPy by hand"
            )
        for name, package in (("openfisca_core", "openfisca-core"), ("zen", "zen-engine")):
            if find_spec(name) is None:
                self.report.notes.append(f"{package} is not installed (pip install '.[peers]'): not compared")
        self.measured("In one process", found)
        for threads in (1, 2):
            hand, every = (with_threads(n, threads) for n in (contestants.BY_HAND, contestants.EVERY_REASONS))
            twelve, more = ("≤ 1.1×", "≤ 0.6×"), ("≤ 1.5×", "≤ 1.0×")
            self.report.figures += [
                Figure(with_threads(contestants.TWELVE, threads), hand, *twelve),
                Figure(with_threads(contestants.TWELVE_REASONS, threads), hand, *twelve),
                Figure(with_threads(contestants.EVERY, threads), hand, *more),
                Figure(every, hand, *more),
                Figure(contestants.PLAIN, every, "≥ 50×", "≥ 150×"),
                Figure(contestants.ZEN, every, "≥ 50×", "≥ 150×"),
            ]

    def spark(self) -> None:
        if lacking := in_spark.missing():
            self.report.notes.append(f"{lacking}: no Spark")
            return
        say("starting Spark")
        session = in_spark.Session(self.workers(self.given.workers), self.folder)
        try:
            title = f"Spark, local, 2 cores, warm ({session.start:.0f} s to start)"
            self.measured(title, list(session.contestants()), timed_elsewhere)
        finally:
            session.close()
        self.report.figures += [
            Figure(in_spark.TWELVE, in_spark.BY_HAND, "≤ 1.3×", "≤ 1.0×"),
            Figure(in_spark.TWELVE_REASONS, in_spark.BY_HAND, "≤ 1.3×", "≤ 1.0×"),
            Figure(in_spark.EVERY_REASONS, in_spark.BY_HAND, "", ""),
        ]

    def processes(self) -> None:
        sizes = sorted({*self.given.sizes, *([10_000_000] if self.given.ten_million else [])})
        for size in sizes:
            found = processes.over(self.workers(size), size, self.folder)
            entries = []
            for one in found:
                say(f"checking {one.name}, {size:,} workers")
                one.take()
                entries.append(Entry(one.name, size, one.judge(), ""))
            takes = {one.name: one.take for one in found}
            title = f"Whole processes, {size:,} workers, from start to written file"
            self.report.add(title, entries, in_rounds(takes, self.given.rounds, MOST), size)
            reach = ("≤ 1.3×", "≤ 1.0×") if size == 1_000_000 else ("", "")
            self.report.figures.append(Figure(processes.OURS, processes.BY_HAND, *reach, size))
            self.report.figures.append(Figure(processes.WHOLE, processes.BY_HAND, "", "", size))
        self.report.peaks(processes.OURS, sizes, "≤ 400 MB")
        if len(sizes) > 1:
            self.report.growth(processes.OURS, sizes[-1], sizes[0], "≤ 1.0×")


def paste(text: str) -> None:
    """The measurement in the README in place of the last one."""
    old = README.read_text("utf-8")
    block = f"{BEGIN}\n\n{text}\n\n{END}"
    new, count = re.subn(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: block, old, flags=re.DOTALL)
    assert count == 1, f"{README.name} has no place for it"
    README.write_text(new, "utf-8")


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.replace("_", "").split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1_000_000, help="in one process and on Spark")
    parser.add_argument("--sample", type=int, default=1_000, help="workers of those that go one by one")
    parser.add_argument(
        "--sizes", type=numbers, default=list(SIZES), help="of whole processes: 10000,100000,1000000"
    )
    parser.add_argument(
        "--ten-million", action="store_true", help="whole processes over 10 million workers, too"
    )
    parser.add_argument(
        "--parts", type=lambda text: text.split(","), default=list(PARTS), help=",".join(PARTS)
    )
    parser.add_argument("--data", type=Path, help="a folder in which rosters are kept from run to run")
    parser.add_argument("--readme", action="store_true", help="paste the table into benchmarks/README.md")
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"no part {unknown[0]}; there are {', '.join(PARTS)}")
    head = machine()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given, Path(folder))
        for part in given.parts:
            try:
                getattr(bench, part)()
            except KeyboardInterrupt:
                bench.report.failed(f"stopped in the part {part}")
                break
            except Exception as error:  # the other parts are still worth having
                traceback.print_exc()
                bench.report.failed(f"the part {part} was not finished: {type(error).__name__}")
    text = bench.report.text(f"{head}; medians of {given.rounds} rounds")
    print(text)
    if given.readme:
        paste(f"```\n{text}\n```")
    if bench.report.wrong:
        sys.exit("figures of ours are wrong, or a part is not finished")


if __name__ == "__main__":
    main()
