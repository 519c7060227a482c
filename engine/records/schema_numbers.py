"""Decimal numbers in texts as regular expressions: digits of either width, decimals, whole limits not below zero."""

from __future__ import annotations

from datetime import date

from engine.values import Number

D = "[0-9０-９]"
_POINT, _ZERO = "[.．]", "[0０]"


def digits(low: int, high: int) -> str:
    """One digit from low to high, of either width."""
    if low == high:
        return f"[{low}{chr(0xFF10 + low)}]"
    return f"[{low}-{high}{chr(0xFF10 + low)}-{chr(0xFF10 + high)}]"


def _sign(minus: bool) -> str:
    return "[-+＋－]?" if minus else "[+＋]?"


def number_pattern(ends: tuple[Number | date | None, Number | date | None], decimals: int | None) -> str:
    """A number with at most so many decimals (zeros beyond are none); limits only where both are whole and ≥ 0."""
    low, high = ends
    fraction = _fraction(decimals)
    whole = all(end is None or (isinstance(end, int) and end >= 0) for end in (low, high))
    if low is None or not whole or not isinstance(low, int):
        return f"{_sign(True)}{D}+{fraction}"
    zeros = f"(?:{_POINT}{_ZERO}+)?"
    parts = [f"{_sign(True)}{_ZERO}+{zeros}"] if low == 0 else []
    if not isinstance(high, int):
        parts.append(f"{_sign(False)}{_ZERO}*(?:{_from(low)}){fraction}")
    else:
        if high > low:
            parts.append(f"{_sign(False)}{_ZERO}*(?:{between(low, high - 1)}){fraction}")
        parts.append(f"{_sign(False)}{_ZERO}*{_same(high)}{zeros}")
    return "|".join(parts)


def _fraction(decimals: int | None) -> str:
    if decimals is None:
        return f"(?:{_POINT}{D}+)?"
    if decimals == 0:
        return f"(?:{_POINT}{_ZERO}+)?"
    return f"(?:{_POINT}{D}{{1,{decimals}}}{_ZERO}*)?"


def _same(number: int) -> str:
    return "".join(digits(int(char), int(char)) for char in str(number))


def _from(low: int) -> str:
    """Whole numbers ≥ low, without leading zeros."""
    length = len(str(low))
    return f"{between(low, 10**length - 1)}|{digits(1, 9)}{D}{{{length},}}"


def between(low: int, high: int) -> str:
    """Whole numbers from low to high, without leading zeros; 0 ≤ low ≤ high."""
    parts: list[str] = []
    start = low
    while start <= high:
        end = min(high, 10 ** len(str(start)) - 1)
        parts += _equal_length(str(start), str(end))
        start = end + 1
    return "|".join(parts)


def _equal_length(low: str, high: str) -> list[str]:
    """Numbers of one length: the common part, then the first digit that may differ."""
    if not low:
        return [""]
    if low[0] == high[0]:
        return [_same(int(low[0])) + rest for rest in _equal_length(low[1:], high[1:])]
    tail = len(low) - 1
    first, last = int(low[0]), int(high[0])
    parts: list[str] = []
    if low[1:].strip("0"):
        parts += [_same(first) + rest for rest in _equal_length(low[1:], "9" * tail)]
        first += 1
    if high[1:].strip("9"):
        parts += [_same(last) + rest for rest in _equal_length("0" * tail, high[1:])]
        last -= 1
    if first <= last:
        parts.append(digits(first, last) + D * tail)
    return parts
