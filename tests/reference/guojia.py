"""The State's rules that article 31 lets prevail: retirement (1978; the decision of 2024-09-13) and leave."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from tests.reference.days import anniversary, month_after, months_on
from tests.reference.outcomes import Answer, any_of, choose, compute
from tests.reference.roster import Worker

DECISION = date(2025, 1, 1)
BASE_AGE = {"五十周岁": 50, "五十五周岁": 55}


def retirement(who: Worker, today: date) -> Answer:
    """法定退休日期 by the version in force on the day; a woman's original age must be given."""
    born = who["出生日期"]

    def man() -> Answer:
        return compute(lambda born: retired_on(born, 60, today), born)

    def woman() -> Answer:
        return compute(lambda born, age: retired_on(born, BASE_AGE[age], today), born, who["原法定退休年龄"])

    return choose(compute(lambda sex: sex == "男", who["性别"]), man, woman)


def retired_on(born: date, base: int, today: date) -> date:
    """From 2025 a month later for every four months of birth, at most 36; base 50: every two, at most 60."""
    step, most = (2, 60) if base == 50 else (4, 36)
    late = (born.year + base - 2025) * 12 + born.month
    delay = min(-(-late // step), most) if late > 0 and today >= DECISION else 0
    return months_on(born, base * 12 + delay)


def leave_days(who: Worker, today: date) -> Answer:
    """国务院令第514号 with 人事部令第9号: 5, 10, 15 days from the month after 1, 10, 20 years of work.

    None in a year with 2, 3, 4 months of sick leave, or 20 days of personal leave (which this city pays in full).
    """
    start = who["参加社区工作日期"]

    def days(start: date) -> int:
        reached = [
            d for years, d in ((1, 5), (10, 10), (20, 15)) if month_after(anniversary(start, years)) <= today
        ]
        return reached[-1] if reached else 0

    def ill(full: int, months: Fraction) -> bool:
        return months >= {5: 2, 10: 3, 15: 4}[full]

    full = compute(days, start)
    if full == 0:
        return 0
    barred = any_of(
        lambda: compute(ill, full, who["本年病假月数"]),
        lambda: compute(lambda away: away >= 20, who["本年事假天数"]),
    )
    return choose(barred, lambda: 0, lambda: full)
