"""Formulas said in words: every formula of the policies, and pairs judged by reading them aloud."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.build import build
from engine.expr import tree
from engine.program import Program
from engine.registry import load_folder
from engine.validate.formulas import formulas
from engine.words import say

ROOT = Path(__file__).parent.parent
FOLDERS = [
    ROOT / "policies",
    *sorted(path for path in (ROOT / "tests" / "places").iterdir() if path.is_dir()),
]


def programs(folder: Path) -> list[Program]:
    registry, _ = load_folder(folder)
    found = [build(policy, registry)[0] for policy in registry.policies]
    return [program for program in found if program is not None]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_formula_is_a_sentence(folder: Path) -> None:
    kinds: set[type] = set()
    for program in programs(folder):
        for formula in formulas(program):
            text = say(formula.expr)
            kinds |= {type(node) for node in tree.walk(formula.expr)}
            assert text
            assert not re.search(r"[=<>*+\[\]]", text), text
            assert text.count("（") == text.count("）"), text
            assert text.count("“") == text.count("”"), text
    assert kinds


def said(owner: str) -> list[str]:
    program = next(p for p in programs(ROOT / "policies") if p.policy.meta.id == "jiaban-2021-47")
    return [say(formula.expr) for formula in formulas(program) if formula.owner == owner]


@pytest.mark.parametrize(
    ("owner", "sentence"),
    [
        ("在册", "参加社区工作日期不晚于计算日，并且（人员状态是在职，或者离岗日期晚于计算日）"),
        ("基本工资", "基本工资标准加连续优秀上调额乘以连续优秀上调"),
        ("学历工资", "按学历查学历工资标准"),
        ("连续优秀上调", "往年考核中值是优秀的年份，每满 连续优秀年数 年算一次的次数"),
        ("考核工资年度", "往年考核中值不低于合格的个数"),
        ("考核工资年度", "往年考核中“年份不少于施行日所在的年份，并且值不低于合格”的个数"),
        (
            "绩效工资",
            "如果绩效工资口径是社区统筹，就是所在集体的绩效工资分配；否则是（绩效工资标准乘以绩效系数）四舍五入到分",
        ),
        ("定向招聘资格", "从连续工作起始日到计算日满的整年数不少于定向招聘连续工作年限"),
        ("本年考核", "当年的年度考核"),
        ("到龄未退", "法定退休日期晚于计算日"),
        ("年终奖", "在册为否，并且人员状态是辞职、辞退之一"),
    ],
)
def test_sentences(owner: str, sentence: str) -> None:
    assert sentence in said(owner)
