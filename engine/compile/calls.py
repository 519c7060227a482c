"""Plain functions of values (`engine.expr.functions`) as SQL: roundings, and dates in whole numbers.

A function that leaves the calendar has no value and says so, as the interpreter does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from engine.compile.arithmetic import bits_for
from engine.compile.combine import Combiner
from engine.compile.terms import CannotCompile, Term
from engine.expr.functions import FUNCTIONS
from engine.types import Type
from engine.values import exact

_LAST = date.max.toordinal()
_ROUNDINGS = ("四舍五入", "向上取整", "向下取整")
_PARTS = {"年": "year", "月": "month", "日": "day"}


class Calls(Combiner):
    """`share` keeps a text that is used more than once as a column of its own."""

    def share(self, sql: str, hint: str = "") -> str:
        return sql

    def call(self, function: str, args: Sequence[Term], kind: Type) -> Term:
        """A function of terms, with the outcomes of all."""
        if all(arg.is_const for arg in args):
            return self.folded(function, args, kind)
        if function in _ROUNDINGS:
            digits = args[1].const if len(args) > 1 else 0
            if not isinstance(digits, int):
                raise CannotCompile(f"「{function}」的位数要是写定的整数")
            return self.strict(self.numbers.rounded(function, args[0], digits, kind), args[:1])
        if function == "绝对值":
            return self.strict(self.numbers.magnitude(args[0], kind), args)
        if function in _PARTS:
            return self.strict(self.date_part(args[0], _PARTS[function], kind), args)
        if function in ("周年", "周月", "相差天数"):
            return self.strict(self.between(function, args[0], args[1], kind), args)
        if function in ("加年", "加月", "加天"):
            return self.moved(function, args[0], args[1], kind)
        return self.strict(self.edge(function, args[0], kind), args)

    def folded(self, function: str, args: Sequence[Term], kind: Type) -> Term:
        """A function of constants, computed now."""
        run = FUNCTIONS[function].run
        assert run is not None
        try:
            found = run(*(arg.const for arg in args))
        except (ValueError, OverflowError, TypeError):
            return self.none(kind, facts=lambda: self.facts_list(f"{function}超出日历"))
        return self.const(exact(found) if not isinstance(found, date) else found, kind)

    # --- dates ---------------------------------------------------------------------------------------

    def part(self, term: Term, part: str) -> str:
        """year, month or day of a date."""
        if term.is_const:
            return str(getattr(term.const, part))
        return self.share(self.dialect.part(part, term.sql), f"{term.name}.{part}" if term.name else "")

    def month_day(self, term: Term) -> str:
        """Month and day as one number that compares as they do."""
        if term.is_const:
            return str(term.const.month * 100 + term.const.day)
        return self.share(f"({self.part(term, 'month')} * 100 + {self.part(term, 'day')})")

    def date_part(self, term: Term, part: str, kind: Type) -> Term:
        low, high = {"year": (years(term.low), years(term.high)), "month": (1, 12), "day": (1, 31)}[part]
        return Term(kind, self.part(term, part), low=low, high=high)

    def between(self, function: str, start: Term, end: Term, kind: Type) -> Term:
        low, high = end.low - start.high, end.high - start.low
        if function == "相差天数":
            days = self.dialect.days_between(start.sql, end.sql)
            return Term(kind, self.dialect.cast(days, self.dialect.whole[32]), low=low, high=high)
        per, count = (365, self.full_years) if function == "周年" else (28, self.full_months)
        found = Term(kind, "", low=min(0, low // per - 1), high=max(0, high // per + 1))
        if low >= 0:
            return replace(found, sql=count(start, end), low=0)
        if high <= 0:
            return replace(found, sql=f"(-{count(end, start)})", high=0)
        sql = f"CASE WHEN {start.sql} <= {end.sql} THEN {count(start, end)} ELSE -{count(end, start)} END"
        return replace(found, sql=sql)

    def full_years(self, start: Term, end: Term) -> str:
        early = f"CASE WHEN {self.month_day(end)} < {self.month_day(start)} THEN 1 ELSE 0 END"
        return f"({self.part(end, 'year')} - {self.part(start, 'year')} - {early})"

    def full_months(self, start: Term, end: Term) -> str:
        early = f"CASE WHEN {self.part(end, 'day')} < {self.part(start, 'day')} THEN 1 ELSE 0 END"
        return f"({self.month_index(end)} - {self.month_index(start)} - {early})"

    def month_index(self, term: Term) -> str:
        return f"({self.part(term, 'year')} * 12 + {self.part(term, 'month')})"

    def edge(self, function: str, day: Term, kind: Type) -> Term:
        """月初 月末 年初 年末."""
        d = self.dialect
        reach = 31 if function.startswith("月") else 366
        low, high = (
            (max(1, day.low - reach), day.high)
            if function.endswith("初")
            else (day.low, min(_LAST, day.high + reach))
        )
        sql = {
            "月初": lambda: d.add_days(day.sql, f"1 - {self.part(day, 'day')}"),
            "月末": lambda: f"last_day({day.sql})",
            "年初": lambda: f"make_date({self.part(day, 'year')}, 1, 1)",
            "年末": lambda: f"make_date({self.part(day, 'year')}, 12, 31)",
        }[function]()
        return Term(kind, sql, low=low, high=high)

    def moved(self, function: str, day: Term, by: Term, kind: Type) -> Term:
        """加年 加月 加天; beyond the years 1 to 9999, or by a part of one, 信息不足."""
        whole, extra = self.whole_number(by)
        if bits_for(whole.low, whole.high) == 128:
            raise CannotCompile(f"「{function}」的数可能很大", "给字段写上「范围」")
        per = {"加年": 366, "加月": 31, "加天": 1}[function]
        low, high = day.low + min(whole.low * per, 0) - 31, day.high + max(whole.high * per, 0) + 31
        safe = low >= 1 and high <= _LAST
        make: Callable[[Term, Term, bool], str] = {
            "加年": self.years_on,
            "加月": self.months_on,
            "加天": self.days_on,
        }[function]
        sql = make(day, whole, safe)
        if whole.sql != by.sql and not by.is_const:
            sql = f"CASE WHEN {extra} THEN {sql} END"
        lacking = "" if safe and not extra else f"{function}超出日历"
        return self.strict(Term(kind, sql, low=max(1, low), high=min(_LAST, high)), (day, by), lacking)

    def whole_number(self, term: Term) -> tuple[Term, str]:
        """A number as a whole one, and the condition under which it is one ("" if it always is)."""
        if term.den == 1 and not term.over:
            return term, ""
        if term.is_const:
            return replace(term, sql="NULL", den=1, low=0, high=0), "FALSE"
        divisor = f"{term.den} * {term.over}" if term.over else str(term.den)
        bits = bits_for(min(term.low, -term.den * term.over_high), max(term.high, term.den * term.over_high))
        number = self.numbers.wide(term.sql, term.low, term.high, bits)
        sql = self.dialect.divide(number, divisor, bits)
        low, high = -(-term.low // term.den) if term.low < 0 else 0, max(term.high // term.den, 0)
        return replace(
            term, sql=f"({sql})", den=1, over="", low=min(low, 0) - 1, high=high + 1
        ), f"{number} % ({divisor}) = 0"

    def years_on(self, day: Term, years_: Term, safe: bool) -> str:
        year = f"({self.part(day, 'year')} + {years_.sql})"
        last = self.part(day, "day")
        before = f"LEAST({last}, 28)"
        return self.guarded(year, "1", "9999", safe, lambda y: self.dialect.add_days(
            f"make_date({self.number(y)}, {self.part(day, 'month')}, {before})", f"{last} - {before}"
        ))  # fmt: skip

    def months_on(self, day: Term, months: Term, safe: bool) -> str:
        index = f"({self.month_index(day)} - 1 + {months.sql})"

        def made(at: str) -> str:
            at = self.share(at)
            first = f"make_date({self.number(self.dialect.divide(at, '12', 64))}, {self.number(f'{at} % 12')} + 1, 1)"
            first = self.share(first)
            length = self.dialect.part("day", f"last_day({first})")
            return self.dialect.add_days(first, f"LEAST({self.part(day, 'day')}, {length}) - 1")

        return self.guarded(index, "12", "119999", safe, made)

    def days_on(self, day: Term, days: Term, safe: bool) -> str:
        if safe:
            return self.dialect.add_days(day.sql, days.sql)
        since = f"({self.dialect.days_between(self.dialect.date(date.min), day.sql)} + {days.sql})"
        return self.guarded(
            since,
            "0",
            str(_LAST - 1),
            False,
            lambda at: self.dialect.add_days(self.dialect.date(date.min), at),
        )

    def guarded(self, at: str, low: str, high: str, safe: bool, make: Callable[[str], str]) -> str:
        """What `make` gives of a number that lies within bounds, else NULL; never evaluated outside them."""
        if safe:
            return make(at)
        at = self.share(at)
        within = f"LEAST(GREATEST({at}, {low}), {high})"
        return f"CASE WHEN {at} BETWEEN {low} AND {high} THEN {make(within)} END"

    def number(self, sql: str) -> str:
        return self.dialect.cast(sql, self.dialect.whole[32])


def years(ordinal: int) -> int:
    return date.fromordinal(min(max(ordinal, 1), _LAST)).year
