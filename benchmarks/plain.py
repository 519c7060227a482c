"""The formulas of jiaban-2021-47 by hand for plain simpleeval, each parsed once: what the engine is timed against.

No units, no three outcomes, no trace, no groups: every fact is given, 绩效工资口径 is 个人系数, 不适用 is None.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from simpleeval import SimpleEval

from engine.policy import Policy
from engine.records.model import Record
from engine.values import Series, add_days, add_months, add_years, full_years, round_half_up

GRADES = ("未定等次", "不合格", "基本合格", "合格", "优秀")
SCHOOLING = ("初中", "高中", "中专", "大专", "本科", "研究生")
CERTIFICATES = ("无", "助理社会工作师", "社会工作师", "高级社会工作师")

Grades = Mapping[int, str]


def years_of(grades: Grades, least: str, last: int) -> int:
    """Years up to `last` graded at least so."""
    return sum(year <= last and GRADES.index(grade) >= GRADES.index(least) for year, grade in grades.items())


def blocks_of(grades: Grades, grade: str, length: int, last: int) -> int:
    """Non-overlapping blocks of adjacent years with one grade."""
    found = run = 0
    previous = None
    for year in sorted(grades):
        if year > last:
            break
        run = (run + 1 if previous == year - 1 else 1) if grades[year] == grade else 0
        previous = year
        if run == length:
            found, run = found + 1, 0
    return found


def failed_lately(grades: Grades, last: int) -> int:
    """Adjacent years at the end of what was graded, all 不合格."""
    count = 0
    years = sorted((y for y, g in grades.items() if y <= last and g != "未定等次"), reverse=True)
    for at, year in enumerate(years):
        if year != years[0] - at or grades[year] != "不合格":
            break
        count += 1
    return count


def retired(born: date, sex: str, age: str | None, today: date) -> date:
    """Statutory day of retirement; from 2025 delayed step by step."""
    base = 60 if sex == "男" else 55 if age == "五十五周岁" else 50
    step, cap = (2, 60) if base == 50 else (4, 36)
    late = (born.year + base - 2025) * 12 + born.month
    delay = min(-(-late // step), cap) if late > 0 and today >= date(2025, 1, 1) else 0
    return add_months(born, base * 12 + delay)


FUNCTIONS = {
    "years_of": years_of,
    "blocks_of": blocks_of,
    "failed_lately": failed_lately,
    "retired": retired,
    "full_years": full_years,
    "add_years": add_years,
    "add_months": add_months,
    "add_days": add_days,
    "round2": lambda amount: round_half_up(amount, 2),
    "over": Fraction,
    "rank": lambda members, member: members.index(member),
    "year": lambda day: day.year,
    "month_start": lambda day: day.replace(day=1),
    "year_start": lambda day: date(day.year, 1, 1),
    "latest": max,
    "grounds": lambda *held: held,
}

CONSTANTS: dict[str, Any] = {
    "施行日": date(2021, 5, 27),
    "社会工作者职业水平": CERTIFICATES,
    "学历高低": SCHOOLING,
    "基本工资标准": 2000,
    "连续优秀上调额": 100,
    "考核工资标准": 50,
    "绩效工资标准": 500,
    "取证奖励标准": 1000,
    "招聘年龄上限": 40,
    "病假上限": 6,
    "事假上限": 30,
    "连续旷工上限": 15,
    "累计旷工上限": 30,
    "学历工资标准": dict(zip(SCHOOLING, (100, 100, 100, 200, 300, 400), strict=True)),
    "技术等级工资标准": dict(zip(CERTIFICATES, (0, 100, 200, 500), strict=True)),
    "年终奖标准": {"优秀": 1500, "合格": 1200, "基本合格": 0, "不合格": 0},
}

_PAID = "聘用制人员 and 在册"

#: name → expression, in an order in which each needs only what stands before it.
EXPRESSIONS = {
    "聘用制人员": "人员类别 == '聘用制'",
    "已参加": "参加社区工作日期 <= 计算日",
    "在册": "已参加 and (人员状态 == '在职' or 离岗日期 > 计算日)",
    "当年在册": "已参加 and (人员状态 == '在职' or 离岗日期 >= year_start(计算日))",
    "往年": "year(计算日) - 1",
    "连续优秀上调": "blocks_of(年度考核, '优秀', 3, 往年)",
    "合格年数": "years_of(年度考核, '合格', 往年)",
    "基本工资": f"基本工资标准 + 连续优秀上调额 * 连续优秀上调 if {_PAID} else None",
    "学历工资": f"学历工资标准[学历] if {_PAID} else None",
    "技术等级工资": f"技术等级工资标准[社会工作者职业水平证书] if {_PAID} else None",
    "考核工资": f"考核工资标准 * 合格年数 if {_PAID} else None",
    "绩效工资": f"round2(绩效工资标准 * 绩效系数) if {_PAID} else None",
    "月工资合计": f"基本工资 + 学历工资 + 技术等级工资 + 考核工资 + 绩效工资 if {_PAID} else None",
    "计奖标准": "年终奖标准[年度考核[year(计算日)]] if 聘用制人员 and 当年在册 else None",
    "请假超限": "(本年病假月数 > 病假上限 and not 工伤医疗期) or 本年事假天数 > 事假上限",
    "年终奖": (
        "None if not (聘用制人员 and 当年在册) else 0 if (not 在册 and (人员状态 == '辞职' or 人员状态 == '辞退')) or 请假超限 "
        "else round2(计奖标准 * over(本年实际工作月数, 12))"
    ),
    "合格证书": "rank(社会工作者职业水平, 社会工作者职业水平证书) >= 2",
    "取证及时": "合格证书 and 证书取得日期 >= 施行日 and 证书取得日期 >= 参加社区工作日期 and 证书取得日期 <= 计算日",
    "取证奖励": "(取证奖励标准 if 取证及时 else 0) if 在册 else None",
    "起始日": "连续工作起始日 or 参加社区工作日期",
    "满20年日期": f"add_years(起始日, 20) if {_PAID} else None",
    "满30年日期": f"add_years(起始日, 30) if {_PAID} else None",
    "满20年奖励": f"(5000 if latest(满20年日期, 施行日) <= 计算日 else 0) if {_PAID} else None",
    "满30年奖励": f"(10000 if latest(满30年日期, 施行日) <= 计算日 else 0) if {_PAID} else None",
    "社区工作年限": "full_years(参加社区工作日期, 计算日 if 在册 else 离岗日期) if 已参加 else None",
    "定向招聘资格": f"full_years(起始日, 计算日) >= 5 if {_PAID} else None",
    "法定退休日期": f"retired(出生日期, 性别, 原法定退休年龄, 计算日) if {_PAID} else None",
    "累计年限": "full_years(参加社区工作日期, add_days(month_start(计算日), -1)) if 已参加 else None",
    "全年天数": f"(0 if 累计年限 < 1 else 5 if 累计年限 < 10 else 10 if 累计年限 < 20 else 15) if {_PAID} else None",
    "病假界限": f"(99 if 累计年限 < 1 else 2 if 累计年限 < 10 else 3 if 累计年限 < 20 else 4) if {_PAID} else None",
    "年休假天数": f"(0 if 本年病假月数 >= 病假界限 or 本年事假天数 >= 20 else 全年天数) if {_PAID} else None",
    "施行后新进": "聘用制人员 and 参加社区工作日期 >= 施行日 and not 现有社区人员",
    "招聘资格": (
        "rank(学历高低, 学历) >= 3 and full_years(出生日期, 参加社区工作日期) <= 招聘年龄上限 if 施行后新进 else None"
    ),
    "合同备案": f"合同签订日期 <= 合同备案日期 and 合同备案日期 <= 计算日 if {_PAID} else None",
    "初任培训": (
        f"(初任培训日期 <= 试用期截止日期 or 计算日 <= 试用期截止日期) "
        f"if {_PAID} and 参加社区工作日期 >= 施行日 else None"
    ),
    "满意度测评": f"year(最近满意度测评日期) == year(计算日) if {_PAID} else None",
    "辞职预告": "离岗日期 >= add_months(提出辞职日期, 1) if 聘用制人员 and 人员状态 == '辞职' else None",
    "到龄未退": f"法定退休日期 > 计算日 if {_PAID} else None",
    "旷工": "连续旷工工作日 > 连续旷工上限 or 本年累计旷工工作日 > 累计旷工上限",
    "连续不合格": "failed_lately(年度考核, year(计算日)) >= 2",
    "辞退情形": (
        f"grounds(受刑事处罚 or 严重违反规章制度, 旷工, 经培训或调岗仍不能胜任, 严重失误失职造成重大损害, 连续不合格, "
        f"其他应予辞退情形) if {_PAID} else None"
    ),
}


def plain_facts(policy: Policy, record: Record) -> dict[str, Any]:
    """A record's facts by field, None where there is none."""
    found: dict[str, Any] = dict.fromkeys(policy.fields)
    found.update({n: dict(v.items) if isinstance(v, Series) else v for n, v in record.facts.items()})
    return found


class Plain:
    """All expressions, parsed once."""

    def __init__(self) -> None:
        self.parsed: dict[str, ast.AST] = {
            name: SimpleEval.parse(expression) for name, expression in EXPRESSIONS.items()
        }

    def run(self, facts: Mapping[str, Any], as_of: date) -> dict[str, Any]:
        """Every named value of one worker. `facts`: field → value, None where there is nothing to give."""
        names: dict[str, Any] = {**CONSTANTS, **facts, "计算日": as_of}
        evaluator = SimpleEval(names=names, functions=FUNCTIONS)
        for name, tree in self.parsed.items():
            names[name] = evaluator.eval(EXPRESSIONS[name], previously_parsed=tree)
        return names
