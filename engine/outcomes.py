"""Outcomes taken together (language §4): which of several comes first, which agree, and aggregates over many.

不适用 comes before 信息不足; aggregates leave out 不适用 and pass on 信息不足 with the facts of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from engine.types import EnumT
from engine.values import NotApplicable, Unknown, exact, unknown

OUTCOMES = frozenset((NotApplicable, Unknown))
MAX_BITS = 4096


def first_outcome(values: Iterable[Any]) -> NotApplicable | Unknown | None:
    """不适用 before 信息不足, the latter with the facts of all; None if all are values."""
    absent: list[Unknown] = []
    for value in values:
        kind = type(value)
        if kind is NotApplicable:
            return value  # type: ignore[no-any-return]
        if kind is Unknown:
            absent.append(value)
    return unknown(*absent) if absent else None


def agree(left: Any, right: Any) -> bool:
    """Whether two outcomes are the same result: 不适用 agrees with 不适用, 信息不足 with nothing."""
    one, two = type(left), type(right)
    if one is Unknown or two is Unknown:
        return False
    if one is NotApplicable or two is NotApplicable:
        return one is two
    return bool(left == right)


def still_possible(conditions: list[Unknown], outcomes: list[Any]) -> Any:
    """The one outcome under unknown conditions if all still possible agree, else what is missing in any of them."""
    if all(agree(outcomes[0], other) for other in outcomes):
        return outcomes[0]
    return unknown(*conditions, *(value for value in outcomes if type(value) is Unknown))


def extreme(values: list[Any], kind: Any, largest: bool) -> Any:
    choose = max if largest else min
    return choose(values, key=kind.rank) if isinstance(kind, EnumT) else choose(values)


def bounded(number: Any) -> Any:
    """A product or ratio, exact; 信息不足 where it has grown beyond any real figure."""
    if number.numerator.bit_length() > MAX_BITS or number.denominator.bit_length() > MAX_BITS:
        return Unknown(("数值过大",))
    return exact(number)


def run_lengths(years: list[int]) -> list[int]:
    """Lengths of the runs of adjacent years in an ascending list."""
    runs: list[int] = []
    previous: int | None = None
    for year in years:
        if previous is not None and year == previous + 1:
            runs[-1] += 1
        else:
            runs.append(1)
        previous = year
    return runs


def combine(function: str, pairs: list[tuple[Any, Any]], kind: Any, name: str) -> Any:
    """合计 最大 最小 平均 个数 of the values whose condition holds; 不适用 left out, 信息不足 passed on."""
    absent: list[Unknown] = []
    values: list[Any] = []
    for holds, value in pairs:
        if type(value) is NotApplicable:
            continue
        if type(holds) is Unknown:
            absent.append(holds)
        if type(value) is Unknown:
            absent.append(value)
        else:
            values.append(value)
    if absent:
        return unknown(*absent)
    if function == "合计":
        return exact(sum(values))
    if function == "个数":
        return len(set(values))
    if not values:
        return Unknown((name,))
    if function == "平均":
        return exact(Fraction(sum(values)) / len(values))
    return extreme(values, kind, function == "最大")
