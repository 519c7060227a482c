"""Intervals of exact numbers, and how many digits after the point a number can need. Arithmetic only.

Dates are intervals of day ordinals. `inf` stands for "no limit"; no other float occurs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from engine.values import Number, decimals_of

End = Number | float

#: Digits of a sure zero: fewer than any other number's.
ZERO_DIGITS = -40


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, ends included unless open; `nonzero` takes out 0; empty if `low` is above."""

    low: End = -inf
    high: End = inf
    low_open: bool = False
    high_open: bool = False
    nonzero: bool = False

    @property
    def is_empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    @property
    def is_point(self) -> bool:
        return self.low == self.high and not self.is_empty

    @property
    def has_zero(self) -> bool:
        if self.nonzero or self.is_empty:
            return False
        below = self.low < 0 or (self.low == 0 and not self.low_open)
        return below and (self.high > 0 or (self.high == 0 and not self.high_open))

    def overlaps(self, other: Interval) -> bool:
        return not meet(self, other).is_empty


ALL = Interval()
NONE = Interval(1, 0)
COUNT = Interval(0)


def point(value: Number) -> Interval:
    return Interval(value, value)


def hull(parts: Iterable[Interval]) -> Interval:
    """The smallest interval that holds all of `parts`."""
    kept = [part for part in parts if not part.is_empty]
    if not kept:
        return NONE
    low, low_open = min((part.low, part.low_open) for part in kept)
    high, closed = max((part.high, not part.high_open) for part in kept)
    return Interval(low, high, low_open, not closed, not any(part.has_zero for part in kept))


def meet(one: Interval, two: Interval) -> Interval:
    """What lies in both."""
    low, low_open = max((one.low, one.low_open), (two.low, two.low_open))
    high, closed = min((one.high, not one.high_open), (two.high, not two.high_open))
    return Interval(low, high, low_open, not closed, one.nonzero or two.nonzero)


def negate(one: Interval) -> Interval:
    return Interval(-one.high, -one.low, one.high_open, one.low_open, one.nonzero)


def add(one: Interval, two: Interval) -> Interval:
    if one.is_empty or two.is_empty:
        return NONE
    return Interval(
        _sum(one.low, two.low),
        _sum(one.high, two.high),
        one.low_open or two.low_open,
        one.high_open or two.high_open,
    )


def multiply(one: Interval, two: Interval) -> Interval:
    if one.is_empty or two.is_empty:
        return NONE
    corners: list[tuple[End, bool]] = []
    for a, a_open in ((one.low, one.low_open), (one.high, one.high_open)):
        for b, b_open in ((two.low, two.low_open), (two.high, two.high_open)):
            closed_zero = (a == 0 and not a_open) or (b == 0 and not b_open)
            corners.append((_times(a, b), (a_open or b_open) and not closed_zero))
    low, low_open = min(corners)
    high, closed = max((value, not is_open) for value, is_open in corners)
    return Interval(low, high, low_open, not closed, not one.has_zero and not two.has_zero)


def divide(one: Interval, two: Interval) -> Interval:
    """All quotients by the divisors other than 0."""
    if one.is_empty or two.is_empty or (two.is_point and two.low == 0):
        return NONE
    if two.low < 0 < two.high:
        return Interval(nonzero=not one.has_zero)
    low: tuple[End, bool] = (-inf, False) if two.high == 0 else (_inverse(two.high), two.high_open)
    high: tuple[End, bool] = (inf, False) if two.low == 0 else (_inverse(two.low), two.low_open)
    strict = Interval(low[0], high[0], low[1] or low[0] == 0, high[1] or high[0] == 0, True)
    return multiply(one, strict)


def magnitude(one: Interval) -> Interval:
    """绝对值."""
    if one.is_empty or one.low >= 0:
        return one
    if one.high <= 0:
        return negate(one)
    return Interval(0, max(-one.low, one.high), nonzero=one.nonzero)


def rounded(one: Interval, run: Callable[[Number, int], Number], digits: int) -> Interval:
    """Both ends through a rounding function, which never goes down where its argument goes up."""
    if one.is_empty:
        return NONE
    low = one.low if isinstance(one.low, float) else run(one.low, digits)
    high = one.high if isinstance(one.high, float) else run(one.high, digits)
    return Interval(low, high)


def _sum(a: End, b: End) -> End:
    if isinstance(a, float):
        return a
    return b if isinstance(b, float) else a + b


def _times(a: End, b: End) -> End:
    if a == 0 or b == 0:
        return 0
    if isinstance(a, float) or isinstance(b, float):
        return inf if (a > 0) == (b > 0) else -inf
    return a * b


def _inverse(a: End) -> End:
    return 0 if isinstance(a, float) else Fraction(1) / a


def digits_of(value: Number) -> int | None:
    """Digits after the point; negative for whole tens, hundreds …; None if they never end."""
    if value == 0:
        return ZERO_DIGITS
    places = decimals_of(value)
    if places is None or places > 0:
        return places
    whole, zeros = abs(int(value)), 0
    while whole % 10 == 0:
        whole //= 10
        zeros += 1
    return -zeros


def most_digits(parts: Iterable[int | None]) -> int | None:
    """The largest of several scales, None (no end) above all."""
    most = ZERO_DIGITS
    for part in parts:
        if part is None:
            return None
        most = max(most, part)
    return most
