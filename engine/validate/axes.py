"""One key of a table cut into the stretches between its rows' limits, with the rows that match each stretch.

Owns how keys are cut and how stretches are called in a message; what is missing is `engine.validate.tables`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import inf

from engine.policy import Band, Constant, ParamName
from engine.tables import show
from engine.types import BoolT, DateT, EnumT, NumberT, Type
from engine.validate.extents import whole
from engine.validate.intervals import End, Interval
from engine.values import Number, exact

Settled = Mapping[str, Constant]


@dataclass(frozen=True, slots=True)
class Domain:
    """What a key can be: its type's members, or an `interval` in steps of `step` (None: any fraction)."""

    type: Type
    interval: Interval
    step: Fraction | None


@dataclass(frozen=True, slots=True)
class Segment:
    """Keys that the same rows match: a member, one number (`low` is `high`), or all between two limits."""

    member: str = ""
    low: End = -inf
    high: End = inf

    @property
    def is_point(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring segments with the same rows (`rows` as bits); `positions` in the axis."""

    positions: tuple[int, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Axis:
    domain: Domain
    segments: tuple[Segment, ...]
    classes: tuple[Stretch, ...]

    def describe(self, stretch: Stretch) -> str:
        """「初中、高中」「满5不满10」; an empty text for the whole axis."""
        if len(stretch.positions) == len(self.segments):
            return ""
        if isinstance(self.domain.type, EnumT | BoolT):
            return "、".join(self.segments[at].member for at in stretch.positions)
        runs: list[list[int]] = []
        for at in stretch.positions:
            if runs and runs[-1][-1] == at - 1:
                runs[-1].append(at)
            else:
                runs.append([at])
        shown = [self._run(run[0], run[-1]) for run in runs[:4]]
        return "、".join(shown) + ("…" if len(runs) > 4 else "")

    def _run(self, first: int, last: int) -> str:
        """A run of numbers or dates in the words of a band."""
        low, high, step = self.segments[first], self.segments[last], self.domain.step
        start, end = low.low, high.high
        if step is not None:
            start = start if low.is_point else _next(start, step)
            final = end if high.is_point else _before(end, step)
            if start == final:
                return self._show(start)
        elif first == last and low.is_point:
            return self._show(start)
        words = ""
        if first > 0:
            words = ("满" if low.is_point or step is not None else "超过") + self._show(start)
        if last < len(self.segments) - 1:
            words += ("不超过" if high.is_point else "不满") + self._show(end)
        return words

    def _show(self, value: End) -> str:
        if isinstance(self.domain.type, DateT):
            return date.fromordinal(int(value)).isoformat()
        return show(exact(Fraction(value)))


def _next(value: End, step: Fraction) -> End:
    return value if isinstance(value, float) else exact((value // step + 1) * step)


def _before(value: End, step: Fraction) -> End:
    return value if isinstance(value, float) else exact(-((-value) // step + 1) * step)


def build_axis(
    domain: Domain, matches: Sequence[tuple[Constant | Band, ...] | None], settled: Settled
) -> Axis:
    """The axis of one key: per row its alternatives (None: any), parameters as `settled`."""
    if isinstance(domain.type, EnumT | BoolT):
        return _of_members(domain, matches, settled)
    tests = [_tests(match, settled) for match in matches]
    limits = sorted(
        {
            limit
            for test in tests
            for bounds in test or ()
            for limit in bounds[:2]
            if not isinstance(limit, float)
        }
    )
    segments = tuple(_segments(domain, limits))
    anywhere = _bits(at for at, test in enumerate(tests) if test is None)
    rows = [anywhere] * len(segments)
    starts = [segment.low for segment in segments]
    for at, test in enumerate(tests):
        for low, high, low_in, high_in in test or ():
            for position in range(bisect_left(starts, low), bisect_right(starts, high)):
                segment = segments[position]
                above = low_in or segment.low > low or not segment.is_point
                below = segment.high < high or (segment.high == high and (high_in or not segment.is_point))
                if above and below:
                    rows[position] |= 1 << at
    return Axis(domain, segments, _classes(rows))


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)


def _classes(rows: list[int]) -> tuple[Stretch, ...]:
    together: dict[int, list[int]] = {}
    for position, matched in enumerate(rows):
        together.setdefault(matched, []).append(position)
    return tuple(Stretch(tuple(positions), matched) for matched, positions in together.items())


def _of_members(
    domain: Domain, matches: Sequence[tuple[Constant | Band, ...] | None], settled: Settled
) -> Axis:
    kind = domain.type
    members: tuple[Constant, ...] = kind.members if isinstance(kind, EnumT) else (True, False)
    rank: Callable[[Constant], int] = members.index
    rows = []
    for member in members:
        matched = 0
        for at, match in enumerate(matches):
            if match is None or any(_hits(member, part, rank, settled) for part in match):
                matched |= 1 << at
        rows.append(matched)
    return Axis(domain, tuple(Segment(show(member)) for member in members), _classes(rows))


def _hits(member: Constant, part: Constant | Band, rank: Callable[[Constant], int], settled: Settled) -> bool:
    if not isinstance(part, Band):
        return bool(member == _settle(part, settled))
    at, low, high = rank(member), _settle(part.low, settled), _settle(part.high, settled)
    above = low is None or at > rank(low) or (part.low_included and at == rank(low))
    return above and (high is None or at < rank(high) or (part.high_included and at == rank(high)))


def _settle(constant: Constant, settled: Settled) -> Constant:
    return settled.get(constant.name) if isinstance(constant, ParamName) else constant


def _tests(
    match: tuple[Constant | Band, ...] | None, settled: Settled
) -> list[tuple[End, End, bool, bool]] | None:
    """Alternatives as (low, high, low included, high included)."""
    if match is None:
        return None
    found: list[tuple[End, End, bool, bool]] = []
    for part in match:
        if isinstance(part, Band):
            low, high = whole(_settle(part.low, settled)), whole(_settle(part.high, settled))
            ends = (-inf if low is None else low, inf if high is None else high)
            found.append((*ends, part.low_included, part.high_included))
        elif (value := whole(_settle(part, settled))) is not None:
            found.append((value, value, True, True))
    return found


def _segments(domain: Domain, limits: list[Number]) -> list[Segment]:
    """The domain cut at the limits; stretches without any key of the domain left out."""
    interval, step = domain.interval, domain.step
    if interval.is_empty:
        return []
    cuts: list[End] = [interval.low, *(v for v in limits if interval.low < v < interval.high)]
    if interval.high > interval.low:
        cuts.append(interval.high)
    found: list[Segment] = []
    for at, cut in enumerate(cuts):
        outside = (at == 0 and interval.low_open) or (at == len(cuts) - 1 and interval.high_open)
        if not isinstance(cut, float) and not outside and (step is None or Fraction(cut) % step == 0):
            found.append(Segment("", cut, cut))
        if at < len(cuts) - 1 and (step is None or isinstance(cut, float) or _next(cut, step) < cuts[at + 1]):
            found.append(Segment("", cut, cuts[at + 1]))
    return found


def number_domain(kind: NumberT | DateT, interval: Interval, digits: int | None) -> Domain:
    """A key of numbers with so many digits, or of dates."""
    step = None if digits is None else Fraction(1, 10 ** max(0, digits))
    return Domain(kind, interval, step)
