"""What was measured, as aligned text: a table for each part, then every ratio beside the figure to reach."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from benchmarks.timing import Spent, median
from engine.render.table import Column, lines

#: How names begin of contestants whose figures must be right.
OURS = ("generated", "guizhang")


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant before its rounds. `exact`: what the check of its figures said; `kept`: "" where it is not asked."""

    name: str
    workers: int
    exact: str
    kept: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Time per worker of one over that of another, both of parts of that `size` (0: not of whole processes)."""

    over: str
    under: str
    reach: str
    then: str
    size: int = 0


def told(figure: float, places: int, unit: str = "") -> str:
    return "—" if math.isnan(figure) else f"{figure:,.{places}f}{unit}"


@dataclass(slots=True)
class Report:
    tables: list[tuple[str, list[Column]]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    others: list[tuple[str, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: bool = False  # figures of OURS, or a part
    spent: dict[tuple[str, int], tuple[int, list[Spent]]] = field(default_factory=dict)

    def add(
        self, title: str, entries: Sequence[Entry], found: Mapping[str, Sequence[Spent]], size: int = 0
    ) -> None:
        """One part, in a table of its own."""
        times = [found[entry.name] for entry in entries]
        for entry, spent in zip(entries, times, strict=True):
            self.spent[entry.name, size] = (entry.workers, list(spent))
            self.wrong |= "wrong" in entry.exact and entry.name.startswith(OURS)

        def each(scale: float, places: int, of_cpu: bool = False) -> tuple[str, ...]:
            middle = [statistics.median(s.cpu for s in spent) if of_cpu else median(spent) for spent in times]
            return tuple(
                told(m * scale / (e.workers if not size else 1), places)
                for m, e in zip(middle, entries, strict=True)
            )

        columns = [Column(title, tuple(entry.name for entry in entries))]
        if size:
            peaks = tuple(f"{max(s.peak or 0 for s in spent) / 1e6:,.0f}" for spent in times)
            columns += [
                Column("seconds", each(1, 2), True), Column("CPU s", each(1, 2, True), True), Column("peak MB", peaks, True),
            ]  # fmt: skip
        else:
            columns += [
                Column("workers", tuple(f"{entry.workers:,}" for entry in entries), True),
                Column("µs per worker", each(1e6, 2), True),
                Column("CPU µs", each(1e6, 2, True), True),
            ]
        columns.append(Column("rounds", tuple(str(len(spent)) for spent in times), True))
        columns.append(Column("exact to the fen", tuple(entry.exact for entry in entries)))
        if not size:
            columns.append(Column("named values kept", tuple(entry.kept for entry in entries)))
        self.tables.append((title, columns))

    def failed(self, note: str) -> None:
        self.notes.append(note)
        self.wrong = True

    def ratio(self, figure: Figure, of: str) -> float | None:
        """The median over the rounds that both took part in, of `wall` or `cpu`; None if one is not there."""
        if (figure.over, figure.size) not in self.spent or (figure.under, figure.size) not in self.spent:
            return None
        (many, over), (few, under) = (self.spent[name, figure.size] for name in (figure.over, figure.under))
        pairs = zip(over, under, strict=False)
        return statistics.median((getattr(a, of) / many) / (getattr(b, of) / few) for a, b in pairs)

    def peaks(self, name: str, sizes: Sequence[int], reach: str) -> None:
        """Peak memory at each size."""
        for size in sizes:
            peak = max(one.peak or 0 for one in self.spent[name, size][1])
            shown = f"{peak / 1e6:,.0f} MB" if peak else "—"
            self.others.append((f"peak memory of {name}, {size:,} workers", shown, reach, "", ""))

    def growth(self, name: str, large: int, small: int, reach: str) -> None:
        """Time per worker at one size over that at another."""
        per = [Decimal(median(self.spent[name, size][1])) / size for size in (large, small)]
        title = f"time per worker at {large:,} / at {small:,}, {name}"
        self.others.append((title, f"{per[0] / per[1]:.3f}×", reach, "", ""))

    def text(self, head: str) -> str:
        parts = [head, *("\n".join(lines(columns)) for _, columns in self.tables)]
        rows: list[tuple[str, ...]] = []
        for figure in self.figures:
            size = f", {figure.size:,} workers" if figure.size else ""
            wall, cpu = (self.ratio(figure, of) for of in ("wall", "cpu"))
            if wall is not None and cpu is not None:
                title = f"{figure.over} / {figure.under}{size}"
                rows.append((title, f"{wall:.2f}×", figure.reach, figure.then, told(cpu, 2, "×")))
        rows += self.others
        if rows:
            titles = ("Ratios and figures to reach", "measured", "reach", "then", "in CPU")
            columns = [
                Column(title, tuple(row[at] for row in rows), right=at > 0) for at, title in enumerate(titles)
            ]
            parts.append("\n".join(lines(columns)))
        return "\n\n".join([*parts, *self.notes])
