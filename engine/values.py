"""Values of a run: exact numbers, dates, members, and the two outcomes that are no value (language §4, §7).

Numbers are `int` while whole and `Fraction` otherwise; binary floats never enter.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

Number = int | Fraction

MAX_DIGITS = 40
_NUMBER = re.compile(r"([+-]?)(\d+)(?:\.(\d+))?(%?)\Z", re.ASCII)
_RATIO = re.compile(r"([+-]?\d+)\s*/\s*(\d+)\Z", re.ASCII)
_DATE = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})\Z|(\d{4})([/.])(\d{1,2})\5(\d{1,2})\Z|(\d{4})年(\d{1,2})月(\d{1,2})日\Z|(\d{4})-(\d{1,2})-(\d{1,2})\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """不适用: the rule does not reach this record; `reason` says why, with its article."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """信息不足: the facts that were met missing, in the order met, each once."""

    missing: tuple[str, ...]


Outcome = NotApplicable | Unknown


@dataclass(frozen=True, slots=True)
class Series:
    """Year → value, years ascending."""

    items: tuple[tuple[int, Any], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a 记录: column → value, or Unknown where a cell is missing."""

    rows: tuple[Mapping[str, Any], ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Grounds:
    """A 情形: labels that hold, and for labels still open the facts they wait for."""

    holding: tuple[str, ...]
    open: tuple[tuple[str, tuple[str, ...]], ...]

    def truth(self) -> bool | Unknown:
        if self.holding:
            return True
        return unknown(*(Unknown(facts) for _, facts in self.open)) if self.open else False


def unknown(*parts: Unknown) -> Unknown:
    """One 信息不足 with the facts of all, each once."""
    if len(parts) == 1:
        return parts[0]
    return Unknown(tuple(dict.fromkeys(fact for part in parts for fact in part.missing)))


def missing_of(value: Any) -> tuple[str, ...]:
    """The facts that an outcome waits for."""
    if isinstance(value, Unknown):
        return value.missing
    if isinstance(value, Grounds):
        return tuple(dict.fromkeys(fact for _, facts in value.open for fact in facts))
    return ()


def exact(number: Number) -> Number:
    """Whole numbers as `int`."""
    if type(number) is Fraction and number.denominator == 1:
        return number.numerator
    return number


def parse_number(text: str) -> Number | None:
    """「12」「0.5」「20%」「1/3」 → exact number; None for anything else, or for more than 40 digits."""
    text = text.strip()
    if len(text) > MAX_DIGITS:
        return None
    if found := _NUMBER.match(text):
        sign, whole, decimals, percent = found.groups()
        value = Fraction(int(whole + (decimals or "")), 10 ** len(decimals or ""))
        if percent:
            value /= 100
        return exact(-value if sign == "-" else value)
    if (ratio := _RATIO.match(text)) and int(ratio[2]):
        return exact(Fraction(int(ratio[1]), int(ratio[2])))
    return None


def parse_date(text: str) -> date | None:
    """2021-05-27, 2021/5/27, 2021.5.27, 2021年5月27日 → date; None if it is no day from 1800 to 2999."""
    found = _DATE.match(text.strip())
    if not found:
        return None
    numbers = [int(part) for part in found.groups() if part and part.isdigit()]
    try:
        day = date(*numbers)
    except ValueError:
        return None
    return day if 1800 <= day.year <= 2999 else None


def decimals_of(number: Number) -> int | None:
    """Digits after the point of an exact decimal; None if it never ends."""
    denominator = number.denominator
    twos = fives = 0
    while denominator % 2 == 0:
        denominator //= 2
        twos += 1
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    return max(twos, fives) if denominator == 1 else None


def format_number(number: Number, digits: int | None = None) -> str:
    """Shortest exact decimal, else 「p/q」; with `digits` at least that many digits after the point."""
    places = decimals_of(number)
    if places is None:
        return f"{number.numerator}/{number.denominator}"
    places = max(places, digits or 0)
    whole = _scaled(number, places)[0] // number.denominator
    text = f"{abs(whole):0{places + 1}d}"
    sign = "-" if whole < 0 else ""
    return sign + (f"{text[:-places]}.{text[-places:]}" if places else text)


def as_decimal(number: Number) -> Decimal:
    """For JSON and sheets, where the number is known to be a decimal."""
    return Decimal(number.numerator) / Decimal(number.denominator)


def _scaled(number: Number, digits: int) -> tuple[int, int]:
    """number × 10^digits as a ratio of whole numbers, the second positive."""
    if digits >= 0:
        return int(number.numerator * 10**digits), int(number.denominator)
    return int(number.numerator), int(number.denominator * 10**-digits)


def _unscaled(whole: int, digits: int) -> Number:
    return exact(Fraction(whole, 10**digits)) if digits > 0 else int(whole * 10**-digits)


def round_half_up(number: Number, digits: int = 0) -> Number:
    """四舍五入: half away from zero."""
    top, bottom = _scaled(number, digits)
    whole = (2 * abs(top) + bottom) // (2 * bottom)
    return _unscaled(whole if top >= 0 else -whole, digits)


def round_up(number: Number, digits: int = 0) -> Number:
    """向上取整: towards plus infinity."""
    top, bottom = _scaled(number, digits)
    return _unscaled(-(-top // bottom), digits)


def round_down(number: Number, digits: int = 0) -> Number:
    """向下取整: towards minus infinity."""
    top, bottom = _scaled(number, digits)
    return _unscaled(top // bottom, digits)


def full_months(start: date, end: date) -> int:
    """周月: full months from start completed on end (the day compared); negative of the mirror if start is later."""
    if start > end:
        return -full_months(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - 1 if end.day < start.day else months


def full_years(start: date, end: date) -> int:
    """周年: full years completed on end; 29 February completes on 1 March of a common year."""
    if start > end:
        return -full_years(end, start)
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def add_years(day: date, years: int) -> date:
    """加年: the same day, or 1 March where there is no 29 February; ValueError/OverflowError beyond the calendar."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def add_months(day: date, months: int) -> date:
    """加月: the same day, or the month's last if it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def add_days(day: date, days: int) -> date:
    return day + timedelta(days=days)
