"""A roster as the reference reads it: plain facts, rows that cannot be read, and what was never supplied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tests.reference.outcomes import Answer, missing

DATES = {
    "出生日期", "参加社区工作日期", "连续工作起始日", "证书取得日期", "离岗日期", "提出辞职日期",
    "合同签订日期", "合同备案日期", "试用期截止日期", "初任培训日期", "最近满意度测评日期",
}  # fmt: skip
TRUTHS = {
    "工伤医疗期", "受刑事处罚", "严重违反规章制度", "经培训或调岗仍不能胜任", "严重失误失职造成重大损害",
    "其他应予辞退情形", "社区党委成员", "居委会成员", "退役军人", "现有社区人员", "特别优秀",
}  # fmt: skip
#: Number → digits after the point, and the most it may be.
NUMBERS: dict[str, tuple[int, int | None]] = {
    "绩效系数": (3, None),
    "本年实际工作月数": (0, 12),
    "本年病假月数": (1, 12),
    "本年事假天数": (1, 366),
    "连续旷工工作日": (0, 366),
    "本年累计旷工工作日": (0, 366),
}
OF_ONE_YEAR = {"本年实际工作月数", "本年病假月数", "本年事假天数", "本年累计旷工工作日"}
GRADES = ["未定等次", "不合格", "基本合格", "合格", "优秀"]
SCHOOLING = ["初中", "高中", "中专", "大专", "本科", "研究生"]
CERTIFICATES = ["无", "助理社会工作师", "社会工作师", "高级社会工作师"]
CHOICES = {
    "性别": ["男", "女"],
    "人员类别": ["聘用制", "事业编制", "基层就业服务项目"],
    "学历": SCHOOLING,
    "社会工作者职业水平证书": CERTIFICATES,
    "原法定退休年龄": ["五十周岁", "五十五周岁"],
    "人员状态": ["在职", "退休", "合同终止", "辞职", "辞退"],
}
OTHER_WORDS = {
    "学历": {
        "大学本科": "本科",
        **dict.fromkeys(["硕士", "博士", "硕士研究生", "博士研究生"], "研究生"),
        **dict.fromkeys(["高职", "专科"], "大专"),
        **dict.fromkeys(["职高", "技校"], "中专"),
    },
    "社会工作者职业水平证书": {
        "初级": "助理社会工作师",
        "中级": "社会工作师",
        "高级": "高级社会工作师",
        "高级社会工作者": "高级社会工作师",
    },
}
WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]


class Unreadable(ValueError):
    """A cell that says nothing the field can mean."""


@dataclass(frozen=True)
class Worker:
    """One row. `facts` are those given and readable; `row` counts from 1."""

    row: int
    facts: dict[str, Any]
    same_year: bool

    @property
    def id(self) -> str:
        return str(self.facts["工号"])

    def __getitem__(self, name: str) -> Answer:
        """A fact, or 信息不足; a fact of one year is open in any other."""
        if name not in self.facts or (name in OF_ONE_YEAR and not self.same_year):
            return missing(name)
        return self.facts[name]


def read(name: str, given: Any) -> Any:
    """The meaning of one cell."""
    if name in DATES:
        return _date(str(given))
    if name in TRUTHS:
        if given in (True, "是"):
            return True
        if given in (False, "否"):
            return False
        raise Unreadable(name)
    if name in NUMBERS:
        return _number(name, str(given))
    if name in CHOICES:
        word = OTHER_WORDS.get(name, {}).get(given, given)
        if word not in CHOICES[name]:
            raise Unreadable(name)
        return word
    if name == "年度考核":
        if any(grade not in GRADES for grade in given.values()):
            raise Unreadable(name)
        return {int(year): grade for year, grade in given.items()}
    return str(given)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as wrong:
        raise Unreadable(text) from wrong


def _number(name: str, text: str) -> int | Fraction:
    digits, most = NUMBERS[name]
    try:
        number = Fraction(text)
    except ValueError as wrong:
        raise Unreadable(text) from wrong
    if number < 0 or (most is not None and number > most) or (number * 10**digits).denominator != 1:
        raise Unreadable(text)
    return int(number) if number.denominator == 1 else number


def sound_citizen_number(text: str, facts: dict[str, Any]) -> bool:
    """GB 11643, and agreement with the birth date and the sex where these are given."""
    if not re.fullmatch(r"\d{17}[\dX]", text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, WEIGHTS, strict=False))
    if "10X98765432"[total % 11] != text[17]:
        return False
    born, sex = facts.get("出生日期"), facts.get("性别")
    return (born is None or f"{born:%Y%m%d}" == text[6:14]) and (
        sex is None or sex == "女男"[int(text[16]) % 2]
    )


def workers(roster: dict[str, Any], same_year: bool) -> tuple[list[Worker], list[Worker]]:
    """The rows that are accepted, and those rejected with what could be read of them."""
    accepted: list[Worker] = []
    rejected: list[Worker] = []
    for row, cells in enumerate(roster["记录"], start=1):
        facts: dict[str, Any] = {}
        sound = True
        for name, given in cells.items():
            if given is None or given == "":
                continue
            try:
                facts[name] = read(name, given)
            except Unreadable:
                sound = False
        if "身份证号" in facts and not sound_citizen_number(facts["身份证号"], facts):
            sound = False
        worker = Worker(row, facts, same_year)
        (accepted if sound and "工号" in facts else rejected).append(worker)
    ids = [worker.facts.get("工号") for worker in [*accepted, *rejected]]
    twice = [worker for worker in accepted if ids.count(worker.id) > 1]
    return [worker for worker in accepted if worker not in twice], [*rejected, *twice]
