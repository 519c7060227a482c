"""Dates as the adopted readings count them: full years, anniversaries, months of a term."""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import date


def anniversary(day: date, years: int) -> date:
    """The day n years on; 29 February completes on 1 March of a common year."""
    year = day.year + years
    return (
        date(year, 3, 1)
        if (day.month, day.day) == (2, 29) and not isleap(year)
        else date(year, day.month, day.day)
    )


def full_years(start: date, end: date) -> int:
    """Years completed from start to end; a negative count if end comes first."""
    if end < start:
        return -full_years(end, start)
    years = end.year - start.year
    return years if anniversary(start, years) <= end else years - 1


def months_on(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    count = day.year * 12 + (day.month - 1) + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def month_after(day: date) -> date:
    """The first day of the following month."""
    return months_on(day.replace(day=1), 1)
