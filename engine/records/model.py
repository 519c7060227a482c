"""A roster as data: typed facts of records and units, with the rows that had to be left out.

A fact that was not given is absent from `facts`: missing is never a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.diagnostics import Place

#: int | Fraction | date | bool | str (texts and members) | Series | Rows | DatedFact
Fact = Any


@dataclass(frozen=True, slots=True)
class DatedFact:
    """A fact given by date, days ascending; it holds from each day until the next."""

    items: tuple[tuple[date, Any], ...]

    def on(self, day: date) -> Any:
        """The value on a day, or None before the first."""
        found = None
        for since, value in self.items:
            if since > day:
                break
            found = value
        return found


@dataclass(frozen=True, slots=True)
class Record:
    """One accepted record. `row` is its number as 「名册第 n 行」 says it: the line of a CSV, the place in a list."""

    id: str
    row: int
    facts: Mapping[str, Fact]
    place: Place


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A record left out; `facts` are those of its fields that could be read."""

    id: str | None
    row: int
    facts: Mapping[str, Fact]
    place: Place


@dataclass(frozen=True, slots=True)
class Roster:
    """`units` is unit field → unit → field → fact. `single`: one record given alone, so there is no roster around it."""

    file: str
    sha256: str
    data_date: date | None
    records: tuple[Record, ...]
    rejected: tuple[RejectedRow, ...]
    units: Mapping[str, Mapping[str, Mapping[str, Fact]]]
    single: bool = False

    @property
    def read(self) -> int:
        return len(self.records) + len(self.rejected)
