"""The job that is timed: which policy, day and readings, and the twelve results that every contestant gives."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from engine.build import build
from engine.program import Program
from engine.registry import load_folder

ROOT = Path(__file__).resolve().parent.parent
AS_OF = date(2024, 12, 31)
READINGS = {"绩效工资口径": "个人系数"}
IDENTIFIER = "工号"
#: Amounts in yuan but for the last two: years, and a truth value.
RESULTS = (
    "基本工资", "学历工资", "技术等级工资", "考核工资", "绩效工资", "月工资合计", "年终奖", "取证奖励", "满20年奖励",
    "满30年奖励", "社区工作年限", "定向招聘资格",
)  # fmt: skip
AMOUNTS = RESULTS[:10]


def program_of_the_city() -> Program:
    registry, _ = load_folder(ROOT / "policies")
    policy = next(policy for policy in registry.policies if policy.meta.id == "jiaban-2021-47")
    program, found = build(policy, registry)
    assert program is not None, found
    return program
