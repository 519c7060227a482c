"""Exact arithmetic of SQL: whole numbers over a constant (`den`) and, after a division, over a column (`over`).

Bounds follow every step, so that each is done in the narrowest type that cannot overflow. Outcomes are not looked at
here: an operand without a value is NULL and makes the result NULL.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm

from engine.compile.dialects import MOST, WIDTHS, Dialect
from engine.compile.terms import CannotCompile, Term, parts_of
from engine.types import NumberT, Type
from engine.units import BARE
from engine.values import Number

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
SQL_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def bits_for(low: int, high: int) -> int:
    """The narrowest of `WIDTHS` for all numbers of a range; refused beyond 38 digits."""
    if max(abs(low), abs(high)) > MOST:
        raise CannotCompile("这里的数可能超过 38 位", "给字段写上「范围」「小数位」，或者把中间结果取整")
    return next(bits for bits in WIDTHS if bits == 128 or -(2 ** (bits - 1)) < min(low, -high))


class Numbers:
    """Arithmetic in one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def const(self, value: Number, kind: Type | None = None) -> Term:
        top, bottom = parts_of(value)
        bits_for(top, top)
        bits_for(bottom, bottom)
        sql = str(top) if top >= 0 else f"({top})"
        return Term(kind or NumberT(BARE), sql, den=bottom, low=top, high=top, const=value)

    def wide(self, sql: str, low: int, high: int, bits: int) -> str:
        """A whole number in a type of so many bits."""
        return sql if bits_for(low, high) >= bits else self.dialect.cast(sql, self.dialect.whole[bits])

    def times(self, term: Term, factor: int) -> Term:
        """sql × a constant, the rest as it was."""
        if factor == 1:
            return term
        low, high = sorted((term.low * factor, term.high * factor))
        bits = bits_for(low, high)
        sql = (
            str(term.low * factor)
            if term.is_const
            else f"({self.wide(term.sql, term.low, term.high, bits)} * {factor})"
        )
        return replace(term, sql=sql if not sql.startswith("-") else f"({sql})", low=low, high=high)

    # --- operators ---------------------------------------------------------------------------------

    def add(self, one: Term, two: Term, kind: Type, minus: bool = False) -> Term:
        left, right, den, over, over_high = self.aligned(one, two)
        low = left.low + (-right.high if minus else right.low)
        high = left.high + (-right.low if minus else right.high)
        bits = bits_for(low, high)
        first = self.wide(left.sql, left.low, left.high, bits)
        sql = f"({first} {'-' if minus else '+'} {right.sql})"
        return self.reduced(Term(kind, sql, den=den, over=over, low=low, high=high, over_high=over_high))

    def multiply(self, one: Term, two: Term, kind: Type) -> Term:
        if one.is_const and not two.is_const:
            one, two = two, one
        if two.is_const and not one.is_const:
            top, bottom = parts_of(two.value)
            shared = gcd(top, one.den) or 1
            found = self.times(one, top // shared)
            return replace(found, kind=kind, den=one.den // shared * bottom)
        corners = [a * b for a in (one.low, one.high) for b in (two.low, two.high)]
        low, high = min(corners), max(corners)
        bits = bits_for(low, high)
        sql = f"({self.wide(one.sql, one.low, one.high, bits)} * {two.sql})"
        over, over_high = self.product_of_divisors(one, two)
        return self.reduced(
            Term(kind, sql, den=one.den * two.den, over=over, low=low, high=high, over_high=over_high)
        )

    def divide(self, one: Term, two: Term, kind: Type) -> Term:
        """one ÷ two, NULL where two is 0."""
        if two.is_const:
            return self.multiply(one, self.const(1 / Fraction(two.value)), kind)
        top = self.times(one, two.den)
        if two.over:
            top = self.by_divisor(top, two.over, two.over_high)
        low, high = top.low, top.high
        sql, divisor = top.sql, f"NULLIF({two.sql}, 0)"
        if two.low < 0:
            low, high = min(low, -high), max(high, -low)
            sql = f"CASE WHEN {two.sql} < 0 THEN -({sql}) ELSE {sql} END"
            divisor = f"ABS({divisor})"
        sql = f"CASE WHEN {two.sql} <> 0 THEN {sql} END"
        over_high = max(abs(two.low), abs(two.high), 1)
        if one.over:
            bits = bits_for(0, over_high * one.over_high)
            divisor = f"({self.wide(one.over, 0, one.over_high, bits)} * {divisor})"
            over_high *= one.over_high
        bits_for(0, over_high)
        return self.reduced(
            Term(kind, sql, den=one.den, over=divisor, low=low, high=high, over_high=over_high)
        )

    def negative(self, term: Term, kind: Type) -> Term:
        return replace(term, kind=kind, sql=f"(-{term.sql})", low=-term.high, high=-term.low)

    def magnitude(self, term: Term, kind: Type) -> Term:
        if term.low >= 0:
            return replace(term, kind=kind)
        high = max(-term.low, term.high)
        return replace(term, kind=kind, sql=f"ABS({term.sql})", low=0, high=high)

    def compare(self, op: str, one: Term, two: Term) -> str:
        """A comparison of numbers as SQL."""
        if one.is_const and not two.is_const:
            one, two, op = two, one, _FLIPPED[op]
        left, right, *_ = self.aligned(one, two)
        return f"({left.sql} {SQL_OPERATORS[op]} {right.sql})"

    # --- rounding ----------------------------------------------------------------------------------

    def rounded(self, function: str, term: Term, digits: int, kind: Type) -> Term:
        """四舍五入 (half away from zero), 向上取整, 向下取整 to so many digits, in whole numbers alone."""
        factor, bottom = (10**digits, term.den) if digits >= 0 else (1, term.den * 10**-digits)
        shared = gcd(factor, bottom)
        top, bottom = self.times(term, factor // shared), bottom // shared
        den, back = (10**digits, 1) if digits >= 0 else (1, 10**-digits)
        if bottom == 1 and not term.over:
            return self.times(replace(top, kind=kind, den=den), back)
        low, high = min(top.low, 0), max(top.high, 0)
        divisor, most = str(bottom), bottom
        if term.over:
            most = bottom * term.over_high
            bits = bits_for(0, most)
            divisor = (
                f"({self.wide(term.over, 0, term.over_high, bits)} * {bottom})" if bottom > 1 else term.over
            )
        limit = 2 * max(-low, high) + 2 * most
        bits = bits_for(0, limit)
        number = self.wide(top.sql, top.low, top.high, bits)
        divide = self.dialect.divide
        halves = function == "四舍五入"

        def part(sql: str, up: bool) -> str:
            """A number ≥ 0 divided: by halves, or up, or down."""
            if halves:
                if not term.over and bottom % 2 == 0:
                    return divide(f"{sql} + {bottom // 2}", divisor, bits)
                return divide(f"2 * {sql} + {divisor}", f"2 * {divisor}", bits)
            return divide(f"{sql} + {divisor} - 1" if up else sql, divisor, bits)

        up = function == "向上取整"
        if top.low >= 0:
            sql = part(number, up)
        else:
            above, below = part(number, up), part(f"(-{number})", not up)
            sql = f"CASE WHEN {top.sql} >= 0 THEN {above} ELSE -({below}) END"
        found = Term(
            kind, f"({sql})", den=den, low=low // most_of(bottom) - 1, high=high // most_of(bottom) + 1
        )
        if top.low >= 0:
            found = replace(found, low=0)
        if bits == 128 and bits_for(found.low, found.high) < 128:
            narrow = self.dialect.whole[bits_for(found.low, found.high)]
            found = replace(found, sql=self.dialect.cast(found.sql, narrow))
        return self.times(found, back)

    # --- several numbers ---------------------------------------------------------------------------

    def aligned(self, one: Term, two: Term) -> tuple[Term, Term, int, str, int]:
        """Both over one den and one over."""
        den = lcm(one.den, two.den)
        left, right = self.times(one, den // one.den), self.times(two, den // two.den)
        over, over_high = one.over or two.over, one.over_high if one.over else two.over_high
        if one.over != two.over:
            if two.over:
                left = self.by_divisor(left, two.over, two.over_high)
            if one.over:
                right = self.by_divisor(right, one.over, one.over_high)
            over, over_high = self.product_of_divisors(one, two)
        return left, right, den, over, over_high

    def alike(self, terms: Sequence[Term]) -> list[Term]:
        """All over one den; each keeps an own over, "1" where others have one."""
        den = lcm(*(term.den for term in terms))
        divided = any(term.over for term in terms)
        found = [replace(self.times(term, den // term.den), den=den) for term in terms]
        return [replace(term, over=term.over or "1") for term in found] if divided else found

    def by_divisor(self, term: Term, over: str, over_high: int) -> Term:
        corners = (term.low, term.high, term.low * over_high, term.high * over_high)
        low, high = min(corners), max(corners)
        bits = bits_for(low, high)
        return replace(
            term, sql=f"({self.wide(term.sql, term.low, term.high, bits)} * {over})", low=low, high=high
        )

    def product_of_divisors(self, one: Term, two: Term) -> tuple[str, int]:
        if not one.over or not two.over:
            return one.over or two.over, one.over_high if one.over else two.over_high
        high = one.over_high * two.over_high
        bits = bits_for(0, high)
        return f"({self.wide(one.over, 0, one.over_high, bits)} * {two.over})", high

    def reduced(self, term: Term) -> Term:
        """A fraction that is no number of any width is refused; `den` is kept within bounds too."""
        bits_for(0, term.den)
        bits_for(term.low, term.high)
        return term


def most_of(divisor: int) -> int:
    return max(divisor, 1)


def exact_digits(den: int) -> int | None:
    """Digits after the point that a denominator needs; None if they never end."""
    twos = fives = 0
    while den % 2 == 0:
        den //= 2
        twos += 1
    while den % 5 == 0:
        den //= 5
        fives += 1
    return max(twos, fives) if den == 1 else None
