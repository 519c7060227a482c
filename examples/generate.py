"""Invented community workers for the examples and the tests: seeded, so every run gives the same people.

`python examples/generate.py` rewrites the four rosters beside this file. `workers()` gives a roster as the
JSON object of the language (数据日期, 记录, 单位). The facts crowd the thresholds of 嘉办字〔2021〕47号:
15/16 and 30/31 days of absence, 6/6.5 months, 30/30.5 days, 5/20/30 years, 40/41 years of age, 29 February,
notice of exactly a month.
"""

from __future__ import annotations

import csv
import io
import json
import random
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

Facts = dict[str, Any]

DATA_DATE = date(2024, 12, 31)
EFFECTIVE = date(2021, 5, 27)

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛"
#: Given names of two characters each.
GIVEN = {
    "男": "志远建军国栋海涛立新明亮晓峰子轩永强文博少华启明振东德胜宏伟",
    "女": "玉兰秀英丽华晓燕雨桐文静春梅雪莲思雨桂芳佳怡淑珍海霞梦瑶红梅",
}

#: 街道 → its 社区. 团结社区 stands in two of them: a 社区 is known by both names.
STREETS: dict[str, list[str]] = {
    "新华街道": ["团结社区", "文化社区", "昌盛社区", "永乐社区", "福民社区"],
    "东湖街道": ["湖滨社区", "团结社区", "柳荫社区", "朝阳社区"],
    "晨曦街道": ["春光社区", "和顺社区", "安居社区"],
    "长风街道": ["祁连社区", "瑞雪社区", "大漠社区"],
    "古道街道": ["驼铃社区", "边塞社区"],
}
#: How many workers each 社区 attracts, in the order above: the last 街道 is over its number.
CROWD = [20, 17, 16, 15, 14, 18, 15, 16, 13, 17, 16, 15, 14, 15, 12, 18, 26]

SCHOOLING = {
    "初中": ["初中"],
    "高中": ["高中"],
    "中专": ["中专", "中专", "职高", "技校"],
    "大专": ["大专", "大专", "大专", "高职", "专科"],
    "本科": ["本科", "本科", "本科", "大学本科"],
    "研究生": ["研究生", "硕士", "博士", "硕士研究生", "博士研究生"],
}
CERTIFICATES = {
    "无": ["无"],
    "助理社会工作师": ["助理社会工作师", "助理社会工作师", "初级"],
    "社会工作师": ["社会工作师", "社会工作师", "中级"],
    "高级社会工作师": ["高级社会工作师", "高级", "高级社会工作者"],
}
GRADES = ["优秀", "合格", "基本合格", "不合格", "未定等次"]
#: How a worker tends to be assessed, in the order of GRADES.
TEMPERS = [(12, 68, 5, 3, 4), (88, 10, 0, 0, 2), (4, 90, 3, 1, 2), (2, 38, 15, 40, 5), (45, 45, 3, 3, 4)]

FINDINGS = [
    "受刑事处罚",
    "严重违反规章制度",
    "经培训或调岗仍不能胜任",
    "严重失误失职造成重大损害",
    "其他应予辞退情形",
]
#: Facts that decide who belongs to a group are lost more rarely: one of them leaves a whole group open.
SELDOM_LOST = {
    "人员类别": 0.1,
    "人员状态": 0.1,
    "参加社区工作日期": 0.1,
    "离岗日期": 0.3,
    "街道": 0.02,
    "社区": 0.05,
}
NEVER_LOST = {"工号", "姓名", "身份证号", "连续工作起始日"}

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"


def citizen_number(born: date, sex: str, serial: int) -> str:
    """A number of GB 11643 under an area code that nobody has; digit 17 is odd for men."""
    order = serial % 500 * 2 + (1 if sex == "男" else 0)
    body = f"629999{born:%Y%m%d}{order:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + CHECK_CHARACTERS[total % 11]


def years_later(day: date, years: int) -> date:
    """The same day in another year, 1 March where that year has no 29 February."""
    year = day.year + years
    if (day.month, day.day) == (2, 29) and monthrange(year, 2)[1] == 28:
        return date(year, 3, 1)
    return day.replace(year=year)


def months_later(day: date, months: int) -> date:
    """The same day of another month, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass
class Maker:
    """Draws one worker after another from one source of chance."""

    rng: random.Random
    today: date

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.rng.randint(0, max((last - first).days, 0)))

    def some(self, usual: Any, share: float, others: list[Any]) -> Any:
        """`usual`, or with the given share one of the others."""
        return self.rng.choice(others) if self.chance(share) else usual

    def name(self, sex: str) -> str:
        start = 2 * self.rng.randrange(len(GIVEN[sex]) // 2)
        return self.rng.choice(SURNAMES) + GIVEN[sex][start : start + 2]

    # --- the course of a life

    def joined(self) -> date:
        """Often a threshold: 5, 20 or 30 years ago, about the day the measure took force, this year."""
        today, rng = self.today, self.rng
        turn = rng.random()
        if turn < 0.20:
            return years_later(today, -rng.choice([5, 20, 20, 30, 30])) + timedelta(
                days=rng.choice([-1, 0, 0, 1])
            )
        if turn < 0.26:
            return rng.choice([date(1992, 2, 29), date(1996, 2, 29), date(2000, 2, 29), date(2004, 2, 29)])
        if turn < 0.36:
            return EFFECTIVE + timedelta(days=rng.choice([-1, 0, 0, 1]))
        if turn < 0.44:
            return self.day(date(today.year, 1, 1), today)
        if turn < 0.46:
            return today + timedelta(days=rng.choice([0, 1, 40]))
        if turn < 0.66:
            return self.day(EFFECTIVE, max(today, EFFECTIVE))
        return self.day(date(1991, 1, 1), EFFECTIVE)

    def born(self, joined: date) -> date:
        """Day of birth: often 40 or 41 years of age at joining, a 29 February, or about to retire."""
        rng = self.rng
        turn = rng.random()
        if turn < 0.10:
            return years_later(joined, -rng.choice([40, 41])) + timedelta(days=rng.choice([-1, 0, 1]))
        if turn < 0.15:
            years = [year for year in range(1956, 2004, 4) if 18 <= joined.year - year <= 45]
            return date(rng.choice(years), 2, 29) if years else date(1980, 2, 29)
        if turn < 0.25:
            age = rng.choice([50, 55, 60])
            near = years_later(self.today, -age) + timedelta(days=rng.randint(-200, 200))
            if (joined - near).days > 18 * 366:
                return near
        youngest = years_later(joined, -19)
        return self.day(min(max(years_later(joined, -44), years_later(self.today, -62)), youngest), youngest)

    def assessed(self, joined: date, last: date, this_year: float) -> dict[str, str]:
        """Year → grade from the year of joining, with gaps; `this_year` is the chance of a grade for it."""
        temper = self.rng.choices(TEMPERS, (5, 2, 4, 1, 2))[0]
        gaps = self.some(0.03, 0.2, [0.0, 0.25])
        grades = {}
        for year in range(joined.year, last.year + 1):
            if self.chance(1 - this_year if year == self.today.year else gaps):
                continue
            if year == joined.year and self.chance(0.4):
                continue
            grades[str(year)] = self.rng.choices(GRADES, temper)[0]
        return grades

    # --- one worker

    def worker(self, number: int, place: tuple[str, str]) -> Facts:
        rng, today = self.rng, self.today
        sex = rng.choice(["男", "女", "女"])
        joined = self.joined()
        born = self.born(joined)
        status, left = self.leaving(joined, born, sex)
        last = min(left - timedelta(days=1), today) if left else today
        facts: Facts = {
            "工号": f"JYG{number:07d}",
            "姓名": self.name(sex),
            "性别": sex,
            "出生日期": born,
            "参加社区工作日期": joined,
            "人员类别": rng.choices(["聘用制", "事业编制", "基层就业服务项目"], (82, 11, 7))[0],
            "街道": place[0],
            "社区": place[1],
            "人员状态": status,
        }
        if self.chance(0.6):
            facts["身份证号"] = citizen_number(born, sex, number)
        if left:
            facts["离岗日期"] = left
        if self.chance(0.12):
            facts["连续工作起始日"] = self.some(joined, 0.7, [self.day(joined, max(joined, last))])
        facts |= self.learning(joined, last)
        if sex == "女":
            facts["原法定退休年龄"] = rng.choice(["五十周岁", "五十五周岁"])
        this_year = 0.85 if left is None else 0.5
        facts["年度考核"] = self.assessed(joined, last, this_year)
        facts["绩效系数"] = self.some(
            round(rng.uniform(0.5, 1.5), 3), 0.3, [1, 0, 0.8, 1.2, 1.001, 0.999, 0.333, 1.25]
        )
        facts |= self.this_year(joined, left)
        for finding in FINDINGS:
            facts[finding] = self.chance(0.02)
        facts["社区党委成员"] = self.chance(0.06)
        facts["居委会成员"] = self.chance(0.08)
        facts["退役军人"] = sex == "男" and self.chance(0.15)
        facts["现有社区人员"] = self.chance(0.1)
        facts["特别优秀"] = self.chance(0.05)
        facts |= self.paperwork(joined, left if status == "辞职" else None)
        if status == "辞退" and not any(facts[finding] for finding in FINDINGS):
            facts["严重违反规章制度"] = True
        return facts

    def leaving(self, joined: date, born: date, sex: str) -> tuple[str, date | None]:
        """人员状态 and the first day off the post."""
        rng, today = self.rng, self.today
        old = (today - born).days > 365.25 * (60 if sex == "男" else 55)
        if joined >= today or not self.chance(0.8 if old else 0.15):
            return "在职", None
        status = "退休" if old and self.chance(0.8) else rng.choice(["合同终止", "辞职", "辞退"])
        new_year = date(today.year, 1, 1)
        earlier = self.day(joined + timedelta(days=1), max(new_year, joined + timedelta(days=1)))
        choices = [
            earlier,
            new_year,
            new_year - timedelta(days=1),
            self.day(new_year, today),
            self.day(new_year, today),
            today,
            today + timedelta(days=1),
        ]
        return status, max(rng.choice(choices), joined + timedelta(days=1))

    def learning(self, joined: date, last: date) -> Facts:
        """学历 and certificate, in the words people use for them."""
        rng = self.rng
        level = rng.choices(list(SCHOOLING), (3, 5, 12, 34, 38, 8))[0]
        certificate = rng.choices(list(CERTIFICATES), (45, 22, 25, 8))[0]
        facts: Facts = {
            "学历": rng.choice(SCHOOLING[level]),
            "社会工作者职业水平证书": rng.choice(CERTIFICATES[certificate]),
        }
        if certificate in ("社会工作师", "高级社会工作师"):
            facts["证书取得日期"] = rng.choice(
                [
                    self.day(joined, max(last, joined)),
                    self.day(EFFECTIVE, max(last, EFFECTIVE)),
                    EFFECTIVE,
                    EFFECTIVE - timedelta(days=1),
                    joined,
                    joined - timedelta(days=1),
                    self.day(date(2010, 6, 1), date(2021, 5, 1)),
                ]
            )
        return facts

    def this_year(self, joined: date, left: date | None) -> Facts:
        """The facts of the year of the roster's date: months worked, leave, absence."""
        year = self.today.year
        first = joined.month if joined.year == year else 1
        end = left.month - (left.day == 1) if left and left.year == year else 12
        worked = 0 if joined.year > year or (left and left.year < year) else max(end - first + 1, 0)
        run = self.some(0, 0.12, [1, 3, 15, 16, 20])
        return {
            "本年实际工作月数": worked,
            "本年病假月数": self.some(0, 0.3, [0.5, 1, 2, 3.5, 4, 6, 6, 6.5, 6.5, 7, 12]),
            "本年事假天数": self.some(0, 0.35, [1, 2.5, 12, 19.5, 20, 30, 30, 30.5, 30.5, 31]),
            "工伤医疗期": self.chance(0.12),
            "连续旷工工作日": run,
            "本年累计旷工工作日": run + self.some(0, 0.12, [2, 10, 30 - run, 31 - run]),
        }

    def paperwork(self, joined: date, resigned: date | None) -> Facts:
        """Contract, probation, training, satisfaction survey, notice; what never took place is not given."""
        rng, today = self.rng, self.today
        signed = joined + timedelta(days=self.some(0, 0.4, [-10, 1, 20, 30, 45]))
        trial = months_later(joined, rng.choice([1, 2, 6]))
        facts: Facts = {"合同签订日期": signed, "试用期截止日期": trial}
        if self.chance(0.9):
            facts["合同备案日期"] = signed + timedelta(days=self.some(15, 0.4, [-1, 0, 30, 31, 60]))
        if self.chance(0.85):
            facts["初任培训日期"] = rng.choice(
                [
                    self.day(joined, trial),
                    joined,
                    trial,
                    trial + timedelta(days=1),
                    joined - timedelta(days=1),
                ]
            )
        if self.chance(0.85):
            new_year = date(today.year, 1, 1)
            days = [
                new_year,
                new_year - timedelta(days=1),
                self.day(new_year, today),
                self.day(new_year, today),
                today,
            ]
            facts["最近满意度测评日期"] = max(rng.choice(days), joined)
        if resigned:
            month_before = months_later(resigned, -1)
            facts["提出辞职日期"] = month_before + timedelta(days=rng.choice([-20, -1, 0, 0, 1, 2, 15]))
        return facts


def lose(rng: random.Random, facts: Facts, rate: float) -> Facts:
    """Facts that were never supplied: the key is absent, null or blank."""
    kept: Facts = {}
    for name, value in facts.items():
        if name not in NEVER_LOST and rng.random() < rate * SELDOM_LOST.get(name, 1.0):
            if name == "年度考核" or rng.random() < 0.6:
                continue
            kept[name] = rng.choice([None, ""])
        else:
            kept[name] = value
    return kept


def wrong_date(facts: Facts) -> None:
    facts["出生日期"] = f"{facts['出生日期']:%Y}-02-30"
    facts.pop("身份证号", None)


def wrong_member(facts: Facts) -> None:
    facts["学历"] = "大砖"


def wrong_check_digit(facts: Facts) -> None:
    number = citizen_number(facts["出生日期"], facts["性别"], 7)
    facts["身份证号"] = number[:-1] + ("0" if number[-1] != "0" else "1")


def wrong_birth_in_number(facts: Facts) -> None:
    facts["身份证号"] = citizen_number(facts["出生日期"] + timedelta(days=1), facts["性别"], 7)


def wrong_sex_in_number(facts: Facts) -> None:
    other = "女" if facts["性别"] == "男" else "男"
    facts["身份证号"] = citizen_number(facts["出生日期"], other, 7)


def out_of_range(facts: Facts) -> None:
    facts["本年实际工作月数"] = 13


def too_fine(facts: Facts) -> None:
    facts["绩效系数"] = 1.0625


def not_a_truth_value(facts: Facts) -> None:
    facts["受刑事处罚"] = "也许"


def no_number(facts: Facts) -> None:
    facts["工号"] = ""


def not_whole(facts: Facts) -> None:
    facts["连续旷工工作日"] = 2.5


DEFECTS = [
    wrong_date,
    wrong_member,
    wrong_check_digit,
    wrong_birth_in_number,
    wrong_sex_in_number,
    out_of_range,
    too_fine,
    not_a_truth_value,
    no_number,
    not_whole,
]


def units(rng: random.Random, missing_rate: float) -> dict[str, Facts]:
    """Facts of each 街道: 社区数, sometimes not given, and additional posts where approved."""
    found: dict[str, Facts] = {}
    for street, communities in STREETS.items():
        facts: Facts = {}
        if rng.random() >= 4 * missing_rate:
            facts["社区数"] = len(communities)
        if rng.random() < 0.4:
            facts["批准增加名额"] = rng.choice([0, 1, 2, 5])
        found[street] = facts
    return found


def as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def workers(
    count: int,
    seed: int,
    *,
    defects: bool = False,
    missing_rate: float = 0.02,
    data_date: date = DATA_DATE,
) -> dict[str, Any]:
    """A roster of `count` invented workers as the JSON object 数据日期/记录/单位.

    `missing_rate` is the share of facts never supplied. With `defects` about one row in forty is wrong in one
    way, and one 工号 stands twice.
    """
    rng = random.Random(f"{seed}/{count}/{data_date}")
    maker = Maker(rng, data_date)
    places = [(street, name) for street, names in STREETS.items() for name in names]
    records: list[Facts] = []
    for number in range(1, count + 1):
        facts = maker.worker(number, rng.choices(places, CROWD)[0])
        records.append(lose(rng, facts, missing_rate))
    if defects:
        spoil(rng, records)
    rows = [{name: as_json(value) for name, value in facts.items()} for facts in records]
    return {"数据日期": data_date.isoformat(), "记录": rows, "单位": {"街道": units(rng, missing_rate)}}


def spoil(rng: random.Random, records: list[Facts]) -> None:
    """One defect in some rows that have what it needs, and one 工号 twice."""
    sound = [facts for facts in records if facts.get("出生日期") and facts.get("性别")]
    bad = rng.sample(sound, min(len(sound), max(2, len(records) // 40)))
    for facts in bad[:-1]:
        rng.choice(DEFECTS)(facts)
    others = [facts for facts in sound if not any(facts is one for one in bad)]
    if others:
        bad[-1]["工号"] = rng.choice(others)["工号"]


# --- files

COLUMNS = [
    "工号", "姓名", "身份证号", "性别", "出生日期", "参加社区工作日期", "连续工作起始日", "人员类别",
    "街道", "社区", "学历", "社会工作者职业水平证书", "证书取得日期", "原法定退休年龄", "绩效系数",
    "人员状态", "离岗日期", "提出辞职日期", "本年实际工作月数", "本年病假月数", "本年事假天数",
    "工伤医疗期", "连续旷工工作日", "本年累计旷工工作日", "受刑事处罚", "严重违反规章制度",
    "经培训或调岗仍不能胜任", "严重失误失职造成重大损害", "其他应予辞退情形", "社区党委成员", "居委会成员",
    "退役军人", "现有社区人员", "特别优秀", "合同签订日期", "合同备案日期", "试用期截止日期",
    "初任培训日期", "最近满意度测评日期",
]  # fmt: skip


def sheet(rows: list[Facts]) -> str:
    """One table with a column per year of assessment, 是/否 for truth values."""
    years = sorted({year for facts in rows for year in facts.get("年度考核") or {}})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *(f"{year}年度考核" for year in years)])
    for facts in rows:
        grades = facts.get("年度考核") or {}
        writer.writerow(
            [*(cell(facts.get(name)) for name in COLUMNS), *(grades.get(year, "") for year in years)]
        )
    return out.getvalue()


def cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case _:
            return str(value)


def workbook(roster: Facts) -> bytes:
    """The roster as an officer would keep it: people, years of assessment and streets on sheets of their own."""
    years = [
        [facts["工号"], int(year), grade]
        for facts in roster["记录"]
        for year, grade in facts["年度考核"].items()
    ]
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": "示例花名册", "created": datetime(DATA_DATE.year, 1, 1)})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    rows = [[facts.get(name) for name in COLUMNS] for facts in roster["记录"]]
    fill(book.add_worksheet("花名册"), [["数据日期", roster["数据日期"]], COLUMNS, *rows], day)
    fill(book.add_worksheet("年度考核"), [["工号", "年份", "值"], *years], day)
    for kind, named in roster["单位"].items():
        names = list(dict.fromkeys(name for facts in named.values() for name in facts))
        body = [[unit, *(facts.get(name) for name in names)] for unit, facts in named.items()]
        fill(book.add_worksheet(kind), [[kind, *names], *body], day)
    book.close()
    return out.getvalue()


def fill(sheet: Any, rows: list[list[Any]], day: Any) -> None:
    """Texts as texts, dates as dates, truth values as 是 and 否; nothing where nothing was given."""
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, int | float) and not isinstance(value, bool):
                sheet.write_number(at, column, value)
            elif text := cell(value):
                if len(text) == 10 and text[4] == text[7] == "-":
                    sheet.write_datetime(at, column, datetime.fromisoformat(text), day)
                else:
                    sheet.write_string(at, column, text)
    sheet.freeze_panes(next(at for at, row in enumerate(rows) if len(row) > 2) + 1, 1)


#: What goes wrong in the rows of the small example, one kind each; its last two rows share a 工号.
SHOWN_DEFECTS = [
    wrong_date,
    wrong_member,
    wrong_check_digit,
    wrong_birth_in_number,
    out_of_range,
    too_fine,
    not_a_truth_value,
]


def with_errors() -> list[Facts]:
    """Thirteen rows: four sound ones, one of each kind of mistake, and a 工号 used twice."""
    roster = workers(200, 2021, missing_rate=0.0)
    serving = [facts for facts in roster["记录"] if facts["人员状态"] == "在职"]
    rows = [facts for facts in serving if facts["人员类别"] == "聘用制"][: 6 + len(SHOWN_DEFECTS)]
    for facts, defect in zip(rows[4:], SHOWN_DEFECTS, strict=False):
        facts["出生日期"] = date.fromisoformat(facts["出生日期"])
        defect(facts)
    rows[-1]["工号"] = rows[-2]["工号"]
    return [{name: as_json(value) for name, value in facts.items()} for facts in rows]


def one_per_line(roster: Facts) -> str:
    """JSON with a line per worker."""
    records = ",\n".join(json.dumps(facts, ensure_ascii=False) for facts in roster["记录"])
    parts = [
        f'"数据日期": "{roster["数据日期"]}"',
        f'"记录": [\n{records}\n]',
        f'"单位": {json.dumps(roster["单位"], ensure_ascii=False)}',
    ]
    return "{" + ",\n".join(parts) + "}\n"


def files() -> dict[str, bytes]:
    """File name → content of every example roster; the same people in JSON, CSV and a workbook."""
    roster = workers(300, 47, missing_rate=0.004)
    for facts in roster["记录"]:
        facts.setdefault("年度考核", {})  # a sheet cannot say that one person's were never supplied
    return {
        "roster.json": one_per_line(roster).encode(),
        "roster.csv": sheet(roster["记录"]).encode("utf-8-sig"),
        "roster.xlsx": workbook(roster),
        "roster-with-errors.csv": sheet(with_errors()).encode("gb18030"),
    }


def main() -> None:
    folder = Path(__file__).parent
    for name, content in files().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
