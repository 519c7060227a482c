"""嘉办字〔2021〕47号 read once more, in plain Python: a second opinion on the policy file and the engine.

Nothing of the engine is imported. Each method is what an article says of one worker on one day, under the
adopted readings of `domain.md`. What is missing is named as the language has it: the facts met from left to
right, without those that a decided question closes. Groups and whole rosters are in `jiaban`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tests.reference import guojia
from tests.reference.days import anniversary, full_years, months_on
from tests.reference.outcomes import (
    Answer,
    Missing,
    Question,
    any_of,
    choose,
    compute,
    every,
    missing,
    negate,
)
from tests.reference.roster import CERTIFICATES, GRADES, SCHOOLING, Worker

EFFECTIVE = date(2021, 5, 27)

BASE_WAGE = 2000
SCHOOL_WAGE = {"初中": 100, "高中": 100, "中专": 100, "大专": 200, "本科": 300, "研究生": 400}
CERTIFICATE_WAGE = {"无": 0, "助理社会工作师": 100, "社会工作师": 200, "高级社会工作师": 500}
PERFORMANCE_WAGE = 500
YEAR_END_BONUS = {"优秀": 1500, "合格": 1200, "基本合格": 0, "不合格": 0}

#: What is named as missing where 未定等次 leaves the bonus undecided.
UNGRADED = "年终奖标准[未定等次]"

Grades = dict[int, str]


def at_least(order: list[str], least: str) -> Callable[[str], bool]:
    """以上: the member named and those above it."""
    return lambda member: order.index(member) >= order.index(least)


def is_(*members: str) -> Callable[[Any], bool]:
    return lambda given: given in members


def half_up(amount: Fraction) -> Fraction:
    """To the fen, half away from zero; amounts here are never negative."""
    return Fraction(int(amount * 100 + Fraction(1, 2)), 100)


def runs_of_three(grades: Grades) -> int:
    """Blocks of three adjacent years graded 优秀, each year counted once."""
    blocks = run = 0
    for year in range(min(grades, default=0), max(grades, default=-1) + 1):
        run = run + 1 if grades.get(year) == "优秀" else 0
        if run == 3:
            blocks, run = blocks + 1, 0
    return blocks


def two_failures_last(grades: Grades) -> bool:
    """The two latest graded years are adjacent and both 不合格; 未定等次 is no grade."""
    graded = sorted(year for year, grade in grades.items() if grade != "未定等次")[-2:]
    return (
        len(graded) == 2 and graded[1] - graded[0] == 1 and all(grades[year] == "不合格" for year in graded)
    )


@dataclass(frozen=True)
class Case:
    """One worker on one day."""

    who: Worker
    today: date

    def ask(self, name: str, test: Callable[[Any], bool]) -> Question:
        """The question whether a fact passes a test."""
        return lambda: compute(test, self.who[name])

    def fact(self, name: str) -> Question:
        return lambda: self.who[name]

    # --- who is covered (articles 2, 3)

    def contract(self) -> Answer:
        """聘用制."""
        return self.ask("人员类别", is_("聘用制"))()

    def joined(self) -> Answer:
        return self.ask("参加社区工作日期", lambda day: day <= self.today)()

    def in_post(self) -> Answer:
        """在册: joined, and in service or still before the first day off the post."""
        still = self.ask("离岗日期", lambda day: day > self.today)
        return every(self.joined, lambda: any_of(self.ask("人员状态", is_("在职")), still))

    def in_post_this_year(self) -> Answer:
        """当年在册: joined, and in service or left on or after 1 January."""
        since = self.ask("离岗日期", lambda day: day >= date(self.today.year, 1, 1))
        return every(self.joined, lambda: any_of(self.ask("人员状态", is_("在职")), since))

    def member(self) -> Answer:
        """在册聘用制: whom the chapters on management and pay are about."""
        return every(self.contract, self.in_post)

    def newly_hired(self) -> Answer:
        """8, 9: joined since the measure took force, and not from among those already in the communities."""
        return every(
            self.ask("参加社区工作日期", lambda day: day >= EFFECTIVE),
            lambda: negate(self.who["现有社区人员"]),
        )

    # --- assessments (articles 18, 19)

    def grades(self) -> Answer:
        """Year → grade up to this year."""
        return compute(lambda given: until(given, self.today.year), self.who["年度考核"])

    def earlier_grades(self) -> Answer:
        """次年一月: a year's grade moves pay from the January after it."""
        return compute(lambda given: until(given, self.today.year - 1), self.who["年度考核"])

    def grade_this_year(self) -> Answer:
        absent = missing(f"年度考核[{self.today.year}]")
        return compute(lambda grades: grades.get(self.today.year, absent), self.grades())

    def excellent(self) -> Answer:
        """19: graded 优秀 this year; a year without a grade is none."""
        return compute(lambda grades: grades.get(self.today.year) == "优秀", self.grades())

    # --- monthly pay (article 24（一） to （五）)

    def base_wage(self) -> Answer:
        """（一）（四）: 2000, and 100 more for each three years in a row graded 优秀, then counted anew."""
        return compute(lambda grades: BASE_WAGE + 100 * runs_of_three(grades), self.earlier_grades())

    def school_wage(self) -> Answer:
        """（二）."""
        return compute(SCHOOL_WAGE.__getitem__, self.who["学历"])

    def certificate_wage(self) -> Answer:
        """（三）."""
        return compute(CERTIFICATE_WAGE.__getitem__, self.who["社会工作者职业水平证书"])

    def assessment_wage(self) -> Answer:
        """（四）: 50 for every year graded 合格 or better."""
        good = at_least(GRADES, "合格")
        return compute(lambda grades: 50 * sum(map(good, grades.values())), self.earlier_grades())

    def own_performance_wage(self) -> Answer:
        """（五）, 个人系数."""
        return compute(lambda factor: half_up(Fraction(PERFORMANCE_WAGE) * factor), self.who["绩效系数"])

    # --- year-end bonus (article 24（六）)

    def bonus(self) -> Answer:
        """By grade and months worked; nothing after 辞职 or 辞退, nor with too much leave."""
        gone = every(lambda: negate(self.in_post()), self.ask("人员状态", is_("辞职", "辞退")))
        away = any_of(
            lambda: every(
                self.ask("本年病假月数", lambda months: months > 6),
                lambda: negate(self.who["工伤医疗期"]),
            ),
            self.ask("本年事假天数", lambda days: days > 30),
        )
        return choose(gone, lambda: 0, lambda: choose(away, lambda: 0, self.full_bonus))

    def full_bonus(self) -> Answer:
        rate = compute(lambda grade: YEAR_END_BONUS.get(grade, missing(UNGRADED)), self.grade_this_year())
        months = self.who["本年实际工作月数"]
        return compute(lambda rate, months: half_up(Fraction(rate * months, 12)), rate, months)

    # --- paid once (articles 16, 29)

    def certificate_award(self) -> Answer:
        """16: 1000 on first reaching 社会工作师, in post and since the measure took force."""
        got, joined = self.who["证书取得日期"], self.who["参加社区工作日期"]
        due = every(
            self.ask("社会工作者职业水平证书", at_least(CERTIFICATES, "社会工作师")),
            lambda: compute(lambda day: day >= EFFECTIVE, got),
            lambda: compute(lambda day, joined: day >= joined, got, joined),
        )
        come = compute(lambda day: day <= self.today, got)
        return choose(come, lambda: choose(due, lambda: 1000, lambda: 0), lambda: 0)

    def service_start(self) -> Answer:
        """连续工作起始日, by default the day of joining."""
        start = self.who["连续工作起始日"]
        return self.who["参加社区工作日期"] if isinstance(start, Missing) else start

    def anniversary(self, years: int) -> Answer:
        return compute(lambda start: anniversary(start, years), self.service_start())

    def service_award(self, years: int, amount: int) -> Answer:
        """29: due on the anniversary; for those past it, on the day the measure took force."""
        due = compute(lambda day: max(day, EFFECTIVE) <= self.today, self.anniversary(years))
        return choose(due, lambda: amount, lambda: 0)

    # --- years and dates (articles 12, 13, 25, 28)

    def years_of_service(self) -> Answer:
        """12: full years since joining, to the day off the post for those who left."""
        joined = self.who["参加社区工作日期"]
        return choose(
            self.in_post(),
            lambda: compute(full_years, joined, self.today),
            lambda: compute(full_years, joined, self.who["离岗日期"]),
        )

    def for_direct_hiring(self) -> Answer:
        """28: five years in a row or more."""
        return compute(lambda start: full_years(start, self.today) >= 5, self.service_start())

    def retirement(self) -> Answer:
        """13, 31: by the rules of the State in force on the day."""
        return guojia.retirement(self.who, self.today)

    def leave_days(self) -> Answer:
        """25, 31: as for 事业单位."""
        return guojia.leave_days(self.who, self.today)

    # --- dismissal (article 21)

    def grounds(self) -> dict[str, Answer]:
        """Which of the six grounds hold."""
        return {
            "一": any_of(self.fact("受刑事处罚"), self.fact("严重违反规章制度")),
            "二": any_of(
                self.ask("连续旷工工作日", lambda days: days > 15),
                self.ask("本年累计旷工工作日", lambda days: days > 30),
            ),
            "三": self.who["经培训或调岗仍不能胜任"],
            "四": self.who["严重失误失职造成重大损害"],
            "五": compute(two_failures_last, self.grades()),
            "六": self.who["其他应予辞退情形"],
        }

    # --- checks

    def fit_for_hiring(self) -> Answer:
        """8: 大专 or higher, and not yet 41 on joining."""
        born, joined = self.who["出生日期"], self.who["参加社区工作日期"]
        return every(
            self.ask("学历", at_least(SCHOOLING, "大专")),
            lambda: compute(lambda born, joined: full_years(born, joined) <= 40, born, joined),
        )

    def contract_filed(self) -> Answer:
        """10: the contract signed was reported."""
        signed, filed = self.who["合同签订日期"], self.who["合同备案日期"]
        return every(
            lambda: compute(lambda signed, filed: signed <= filed, signed, filed),
            lambda: compute(lambda filed: filed <= self.today, filed),
        )

    def hired_under_this_document(self) -> Answer:
        """15: 新聘用."""
        return self.ask("参加社区工作日期", lambda day: day >= EFFECTIVE)()

    def trained(self) -> Answer:
        """15: within the probation, or the probation is not over."""
        end = self.who["试用期截止日期"]
        in_time = lambda: compute(lambda trained, end: trained <= end, self.who["初任培训日期"], end)  # noqa: E731
        return any_of(in_time, lambda: compute(lambda end: self.today <= end, end))

    def file_complete(self) -> Answer:
        """11: what a roster can show of a file; the first training of those hired under this document."""
        names = ["性别", "出生日期", "学历", "参加社区工作日期", "街道", "社区", "合同签订日期", "年度考核"]
        if any(isinstance(self.who[name], Missing) for name in names):
            return False
        return self.who["参加社区工作日期"] < EFFECTIVE or not isinstance(self.who["初任培训日期"], Missing)

    def every_year_graded(self) -> Answer:
        """18（二）: a grade, or 未定等次, for every full year before this one."""

        def complete(grades: Grades, joined: date) -> bool:
            first = joined.year if (joined.month, joined.day) == (1, 1) else joined.year + 1
            return all(year in grades for year in range(first, self.today.year))

        return compute(complete, self.who["年度考核"], self.who["参加社区工作日期"])

    def surveyed(self) -> Answer:
        """18（三）: at least once this year."""
        return self.ask("最近满意度测评日期", lambda day: day.year == self.today.year)()

    def gave_notice(self) -> Answer:
        """22: a month before leaving."""
        asked, left = self.who["提出辞职日期"], self.who["离岗日期"]
        return compute(lambda asked, left: months_on(asked, 1) <= left, asked, left)

    def not_overdue(self) -> Answer:
        """13: whoever is in post has not reached the day of retirement."""
        return compute(lambda day: self.today < day, self.retirement())


def until(grades: Grades, last: int) -> Grades:
    return {year: grade for year, grade in grades.items() if year <= last}
