"""Twelve results of jiaban-2021-47 as a decision of zen-engine, the peer that keeps a trace (`pip install '.[peers]'`).

To its advantage: days are numbers 20241231, and blocks of years graded 优秀, which its expressions cannot count, are
given. 绩效工资口径 is 个人系数 and 不适用 is null, as in `plain.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from benchmarks.job import RESULTS
from benchmarks.plain import CONSTANTS, GRADES, blocks_of

_PAID = "聘用制人员 and 在册"
EXPRESSIONS = {
    "聘用制人员": "人员类别 == '聘用制'",
    "已参加": "参加社区工作日期 <= 计算日",
    "在册": "已参加 and (人员状态 == '在职' or 离岗日期 > 计算日)",
    "当年在册": "已参加 and (人员状态 == '在职' or 离岗日期 >= 年初)",
    "合格年数": "count(年度考核, #.y <= 往年 and #.g >= 3)",
    "基本工资": f"{_PAID} ? 2000 + 100 * 连续优秀上调 : null",
    "学历工资": f"{_PAID} ? 学历工资标准[学历] : null",
    "技术等级工资": f"{_PAID} ? 技术等级工资标准[社会工作者职业水平证书] : null",
    "考核工资": f"{_PAID} ? 50 * 合格年数 : null",
    "绩效工资": f"{_PAID} ? round(500 * 绩效系数 * 100) / 100 : null",
    "月工资合计": f"{_PAID} ? 基本工资 + 学历工资 + 技术等级工资 + 考核工资 + 绩效工资 : null",
    "请假超限": "(本年病假月数 > 6 and not(工伤医疗期)) or 本年事假天数 > 30",
    "不发": "(not(在册) and (人员状态 == '辞职' or 人员状态 == '辞退')) or 请假超限",
    "计奖标准": "年终奖标准[本年考核]",
    "年终奖": "聘用制人员 and 当年在册 ? (不发 ? 0 : round(计奖标准 * 本年实际工作月数 / 12 * 100) / 100) : null",
    "合格证书": "证书级别 >= 2",
    "取证及时": "合格证书 and 证书取得日期 >= 施行日 and 证书取得日期 >= 参加社区工作日期 and 证书取得日期 <= 计算日",
    "取证奖励": "在册 ? (取证及时 ? 1000 : 0) : null",
    "满20年奖励": f"{_PAID} ? (起始日 + 200000 <= 计算日 ? 5000 : 0) : null",
    "满30年奖励": f"{_PAID} ? (起始日 + 300000 <= 计算日 ? 10000 : 0) : null",
    "社区工作年限": "已参加 ? floor(((在册 ? 计算日 : 离岗日期) - 参加社区工作日期) / 10000) : null",
    "定向招聘资格": f"{_PAID} ? floor((计算日 - 起始日) / 10000) >= 5 : null",
}


def _day(day: date | None) -> int:
    return 0 if day is None else day.year * 10000 + day.month * 100 + day.day


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


class Zen:
    """One decision, made once; `run` evaluates it with a trace."""

    def __init__(self) -> None:
        import zen

        names = set(EXPRESSIONS)
        expressions = [
            {"id": str(at), "key": _named(name), "value": _prefixed(text, names)}
            for at, (name, text) in enumerate(EXPRESSIONS.items())
        ]
        nodes = [
            {"id": "in", "type": "inputNode", "name": "in"},
            {"id": "all", "type": "expressionNode", "name": "all", "content": {"expressions": expressions}},
            {"id": "out", "type": "outputNode", "name": "out"},
        ]
        edges = [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "all"},
            {"id": "2", "type": "edge", "sourceId": "all", "targetId": "out"},
        ]
        self.decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))

    def given(self, facts: Mapping[str, Any], today: date) -> dict[str, Any]:
        """Facts as it takes them."""
        found = {
            name: _day(value) if isinstance(value, date) or value is None else _plain(value)
            for name, value in facts.items()
        }
        last = today.year - 1
        found["年度考核"] = [{"y": y, "g": GRADES.index(g)} for y, g in facts["年度考核"].items()]
        found["连续优秀上调"] = blocks_of(facts["年度考核"], "优秀", 3, last)
        found |= {
            "计算日": _day(today),
            "年初": today.year * 10000 + 101,
            "往年": last,
            "施行日": _day(CONSTANTS["施行日"]),
        }
        found["本年考核"] = facts["年度考核"].get(today.year)
        found["证书级别"] = CONSTANTS["社会工作者职业水平"].index(facts["社会工作者职业水平证书"])
        found["起始日"] = _day(facts["连续工作起始日"] or facts["参加社区工作日期"])
        found |= {name: CONSTANTS[name] for name in ("学历工资标准", "技术等级工资标准", "年终奖标准")}
        return {_named(name): value for name, value in found.items()}

    def run(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.decision.evaluate(given, {"trace": True})
        assert found["trace"]
        return {name: found["result"].get(_named(name)) for name in RESULTS}


def _named(name: str) -> str:
    """A name as its expressions can read it: without wide characters."""
    return "".join(char if char.isascii() else f"u{ord(char):x}" for char in name)


def _prefixed(text: str, names: set[str]) -> str:
    """Names of earlier expressions are reached through `$`; words in quotes stay."""
    parts = re.split(r"('[^']*')", text)
    return "".join(
        part
        if part.startswith("'")
        else re.sub(r"(?<![\w.])[^\W\d]\w*", lambda m: ("$." if m[0] in names else "") + _named(m[0]), part)
        for part in parts
    )
