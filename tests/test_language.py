"""What formulas mean: pairs of formula and value in tests/language/*.txt, worked out by hand from the language's rules.

The shape of a pair is told in `tests.language_cases`.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.diagnostics import Diagnostic, Place
from engine.evaluation import evaluate
from engine.expr.functions import FUNCTIONS
from engine.loader import load
from engine.program import Program
from engine.records.model import Record, Roster
from engine.registry import load_file
from engine.resolve import Resolver
from engine.results import Evaluation
from engine.source import SourceText
from engine.values import NotApplicable, Unknown
from engine.versions import Registry
from tests.language_cases import (
    FOLDER,
    Pair,
    all_pairs,
    build_pairs,
    marked,
    outcomes,
    read_pairs,
    read_value,
)

PAIRS = list(all_pairs())


@cache
def computed(file: str) -> tuple[dict[int, Any], dict[int, list[Diagnostic]]]:
    """Outcomes and mistakes of one file, by the number of the pair."""
    pairs = read_pairs(FOLDER / file)
    program, mistakes = build_pairs(pairs)
    return outcomes(program, pairs, mistakes), mistakes


def described(mistakes: list[Diagnostic]) -> str:
    return "；".join(f"{d.code} {d.message} | {d.hint} | ^{marked(d)}" for d in mistakes)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{Path(pair.file).stem}:{pair.line}")
def test_formula(pair: Pair) -> None:
    values, mistakes = computed(pair.file)
    at = read_pairs(FOLDER / pair.file).index(pair)
    found = mistakes.get(at, [])
    if pair.is_mistake:
        message, *rest = (part.strip() for part in pair.expected.split(" | "))
        assert len(found) == 1, described(found) or values.get(at)
        assert f"{found[0].code} {found[0].message}" == message
        for part in rest:
            assert (marked(found[0]) if part.startswith("^") else found[0].hint) == part.removeprefix("^")
        return
    assert not found, described(found)
    value = values[at]
    word, _, rest_of = pair.expected.partition(" ")
    if word == "不适用":
        assert isinstance(value, NotApplicable), value
        assert rest_of in ("", value.reason)
    elif word == "信息不足":
        assert isinstance(value, Unknown), value
        assert not rest_of or set("、".join(value.missing).split("、")) == set(rest_of.split("、"))
    else:
        assert not isinstance(value, Unknown | NotApplicable), value
        expected = read_value(pair.expected)
        assert value == expected
        assert isinstance(value, bool) == isinstance(expected, bool)
        assert not (hasattr(value, "denominator") and value.denominator == 1 and not isinstance(value, int))


@pytest.mark.parametrize("file", sorted({pair.file for pair in PAIRS}))
def test_no_mistake_lies_outside_the_pairs(file: str) -> None:
    assert described(computed(file)[1].get(-1, [])) == ""


def test_every_built_in_has_a_pair() -> None:
    formulas = [pair.formula for pair in PAIRS if not pair.is_mistake]
    assert [name for name in FUNCTIONS if not any(f"{name}(" in formula for formula in formulas)] == []


def test_every_code_of_formulas_has_a_pair() -> None:
    text = (FOLDER.parent.parent / "engine/expr/messages.py").read_text(encoding="utf-8")
    codes = set(re.findall(r'"(E3\d\d)"', text))
    shown = {pair.expected[:4] for pair in PAIRS if pair.is_mistake}
    assert codes - shown == set()


# --- what a line cannot show: diagnostics of a run, several 引用, tables that are refused ----------------------------


HEAD = "格式: 1\n政策: {编号: small, 名称: 小, 施行: 2021-01-01, 标识: 工号}\n"
FIELDS = "字段: {工号: {类型: 文字}, 甲: {类型: 是否}, 乙: {类型: 是否}, 未填: {类型: 是否}, 所得: {类型: 数, 单位: 元}}\n"


def small(text: str) -> tuple[Program, list[Diagnostic]]:
    """A policy of its own with the policies of tests/language to refer to."""
    policy, found = load(SourceText("small.yaml", HEAD + text))
    assert policy is not None, found
    used = [load_file(FOLDER / name)[0] for name in ("shangji.yaml", "tingyong.yaml")]
    registry = Registry((policy, *(other for other in used if other is not None)))
    program, more = Resolver(registry).program(policy)
    assert program is not None, more
    return program, [d for d in (*found, *more) if d.severity == "error"]


def run(program: Program, **facts: Any) -> Evaluation:
    record = Record("1", 1, {"工号": "1", **facts}, Place("r", 1))
    return evaluate(program, Roster("r", "", None, (record,), (), {}, single=True), date(2024, 12, 31))


def test_a_conflict_is_said_of_the_rule_that_has_it() -> None:
    program, found = small(
        FIELDS
        + """规则:
  用它: {公式: 有冲突 + 1, 适用: [未知]}
  未知: {公式: 未填}
  有冲突: {公式: 1, 例外: [{当: 甲, 则: 2}, {当: 乙, 则: 3}]}
  未必适用: {公式: 1, 适用: [未知], 例外: [{当: 甲, 则: 2}, {当: 乙, 则: 3}]}
"""
    )
    assert found == []
    result = run(program, 甲=True, 乙=True)
    assert [(d.code, "有冲突" in d.message) for d in result.diagnostics] == [("E501", True)]
    assert result.records[0].outcomes["用它"].missing == ("未填",)
    assert run(program, 甲=True, 乙=False).records[0].outcomes["有冲突"] == 2


def test_one_policy_under_two_aliases_has_the_facts_of_each() -> None:
    program, found = small(
        """引用:
  本人: {政策: shangji, 字段: {岗位: 若 甲 则 正职 否则 工作人员, 任职日期: 2020-01-01, 职称: 初级, 未填数: 1}}
  配偶: {政策: shangji, 字段: {岗位: 若 乙 则 正职 否则 工作人员, 任职日期: 2010-01-01, 职称: 初级, 未填数: 2}}
"""
        + FIELDS
        + "规则: {一: {公式: 本人.正职人员}, 二: {公式: 配偶.正职人员}, 三: {公式: 本人.任职年数 + 配偶.任职年数}}\n"
    )
    assert found == []
    outcomes_ = run(program, 甲=True, 乙=False).records[0].outcomes
    assert (outcomes_["一"], outcomes_["二"], outcomes_["三"]) == (True, False, 4 + 14)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "{按: 所得, 方式: 累进, 单位: 元, 行: [{所得: {超过: 0}, 值: 1}]}",
            "累进的「表甲」要与键相乘，两边不能都是金额",
        ),
        (
            "{按: 所得, 方式: 累进, 类型: 日期, 行: [{所得: {超过: 0}, 值: 2021-01-01}]}",
            "累进的「表甲」应为数，写的是日期",
        ),
        ("{按: 甲, 值: {是: 按年, 否: 1}}", "参数「按年」是逐年的，这里应为一个值"),
        ("{按: 甲, 值: {是: 开始日, 否: 1}}", "参数「开始日」是日期，这里应为数"),
        (
            "{按: {键: {类型: 数}}, 行: [{键: {满: 开始日}, 值: 1}, {值: 2}]}",
            "参数「开始日」是日期，这里应为数",
        ),
    ],
)
def test_tables_that_are_refused(table: str, message: str) -> None:
    params = "参数: {按年: {类型: 逐年, 值: {2021: 1}}, 开始日: {值: 2021-01-01}}\n"
    assert [(d.code, d.message) for d in small(FIELDS + params + f"表: {{表甲: {table}}}\n")[1]] == [
        ("E350", message)
    ]
