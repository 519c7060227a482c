"""Calendar periods: months, quarters, half-years and years, and ranges of months as written on a command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

#: How many months each 周期 has.
LENGTHS = {"月": 1, "季": 3, "半年": 6, "年": 12}

_POINT = re.compile(r"(\d{4})(?:-(\d{1,2}))?\Z", re.ASCII)
MOST_MONTHS = 600


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `first` to `last`, both included; `kind` is a 周期."""

    first: date
    last: date
    kind: str

    def __str__(self) -> str:
        """2024-03, 2024Q1, 2024H1, 2024."""
        year, month = self.first.year, self.first.month
        match self.kind:
            case "年":
                return f"{year}"
            case "半年":
                return f"{year}H{(month - 1) // 6 + 1}"
            case "季":
                return f"{year}Q{(month - 1) // 3 + 1}"
        return f"{year}-{month:02}"


def period_of(day: date, kind: str) -> Period:
    """The period of a kind that holds a day."""
    length = LENGTHS[kind]
    start = date(day.year, (day.month - 1) // length * length + 1, 1)
    months = start.year * 12 + start.month - 1 + length
    return Period(start, date(months // 12, months % 12 + 1, 1) - timedelta(1), kind)


def ending_in(month: Period) -> list[Period]:
    """The periods of every kind that end with a month."""
    found = [period_of(month.first, kind) for kind in LENGTHS]
    return [period for period in found if period.last == month.last]


def months_of(first: date, last: date) -> Iterator[Period]:
    """The months that a range touches, in order."""
    month = period_of(first, "月")
    while month.first <= last:
        yield month
        month = period_of(month.last + timedelta(1), "月")


def next_month(month: Period) -> Period:
    return period_of(month.last + timedelta(1), "月")


def previous_month(month: Period) -> Period:
    return period_of(month.first - timedelta(1), "月")


def read_period(text: str) -> Period | None:
    """A period as `str` writes it."""
    found = re.match(r"(\d{4})(?:-(\d\d)|Q([1-4])|H([12]))?\Z", text, re.ASCII)
    if found is None or not 1 <= int(found[2] or 1) <= 12:
        return None
    year, month, quarter, half = (int(part) if part else 0 for part in found.groups())
    if month:
        return period_of(date(year, month, 1), "月")
    if quarter:
        return period_of(date(year, quarter * 3, 1), "季")
    return period_of(date(year, half * 6, 1), "半年") if half else period_of(date(year, 1, 1), "年")


def read_range(text: str) -> list[Period] | None:
    """「2024」「2024-03」「2024-01..2024-06」「2023..2024-03」 → months, None if it is none of these."""
    start, dots, end = text.strip().partition("..")
    first, last = _point(start), _point(end if dots else start)
    if first is None or last is None or first[0] > last[1]:
        return None
    months = list(months_of(first[0], last[1]))
    return months if len(months) <= MOST_MONTHS else None


def _point(text: str) -> tuple[date, date] | None:
    found = _POINT.match(text.strip())
    if found is None:
        return None
    year, month = int(found[1]), int(found[2]) if found[2] else None
    if not 1900 <= year <= 2200 or (month is not None and not 1 <= month <= 12):
        return None
    whole = period_of(date(year, month or 1, 1), "月" if month else "年")
    return whole.first, whole.last


def written_range(months: list[Period]) -> str:
    """「2024-01..2024-12」; one month alone as itself."""
    return str(months[0]) if len(months) == 1 else f"{months[0]}..{months[-1]}"


def written_spans(months: Sequence[Period]) -> str:
    """Months in order, those that adjoin together: 「2023-04 到 2023-05、2024-01」."""
    spans: list[list[Period]] = []
    for month in months:
        if spans and next_month(spans[-1][-1]) == month:
            spans[-1].append(month)
        else:
            spans.append([month])
    return "、".join(str(own[0]) if len(own) == 1 else f"{own[0]} 到 {own[-1]}" for own in spans)
