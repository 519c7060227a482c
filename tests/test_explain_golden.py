"""Explanations as whole texts: one file per kind of rule and outcome, in text and JSON; and figures of them again from
the policy's YAML. `GUIZHANG_UPDATE=1` writes the files anew, to be read before they are committed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli import main

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "explain"
UPDATE = os.environ.get("GUIZHANG_UPDATE") == "1"
POLICY = yaml.safe_load((ROOT / "policies" / "jiaban-2021-47.yaml").read_text("utf-8"))

PERSON = {
    "工号": "1", "人员类别": "聘用制", "人员状态": "在职", "性别": "女", "出生日期": "1972-03-12", "原法定退休年龄": "五十周岁",
    "街道": "甲街道", "社区": "乙社区", "参加社区工作日期": "2012-07-01", "学历": "本科", "社会工作者职业水平证书": "社会工作师",
    "证书取得日期": "2022-06-01", "绩效系数": "1.05",
    "年度考核": {"2019": "优秀", "2020": "优秀", "2021": "优秀", "2022": "合格", "2023": "合格", "2024": "优秀"},
    "本年实际工作月数": 12, "本年病假月数": 0, "本年事假天数": 3, "工伤医疗期": "否",
}  # fmt: skip
OTHER = PERSON | {"工号": "2", "绩效系数": "0.95"}

#: name → changes of the person, result, date
TOLD: dict[str, tuple[dict[str, Any], str, str]] = {
    "sum-of-rules": ({}, "月工资合计", "2024-12-31"),
    "table": ({}, "学历工资", "2024-12-31"),
    "reading-with-alternatives": ({}, "基本工资", "2024-12-31"),
    "share-of-a-group": ({}, "绩效工资", "2024-12-31"),
    "exception-that-holds": ({"人员状态": "辞职", "离岗日期": "2024-10-01", "提出辞职日期": "2024-08-20"}, "年终奖", "2024-12-31"),
    "exceptions-that-do-not": ({}, "年终奖", "2024-12-31"),
    "once": ({}, "取证奖励", "2024-12-31"),
    "not-yet": ({}, "满20年奖励", "2024-12-31"),
    "another-policy": ({}, "法定退休日期", "2024-12-31"),
    "does-not-apply": ({"人员类别": "事业编制"}, "基本工资", "2024-12-31"),
    "facts-missing": ({"社会工作者职业水平证书": None}, "技术等级工资", "2024-12-31"),
    "check-that-fails": ({"提出辞职日期": "2024-09-20", "人员状态": "辞职", "离岗日期": "2024-10-01"}, "辞职预告", "2024-12-31"),
    "grounds": ({"受刑事处罚": "是", "严重违反规章制度": "否", "连续旷工工作日": 0, "本年累计旷工工作日": 0}, "辞退情形", "2024-12-31"),
    "figure-of-a-group": ({}, "空缺数", "2024-12-31"),
}  # fmt: skip


def told(name: str, folder: Path, form: str) -> str:
    changes, result, day = TOLD[name]
    records = [{k: v for k, v in (PERSON | changes).items() if v is not None}, OTHER]
    roster = {"记录": records, "单位": {"街道": {"甲街道": {"社区数": 1, "增加名额": 0}}}}
    Path("r.json").write_text(json.dumps(roster, ensure_ascii=False), "utf-8")
    words = ["explain", "r.json", "1", result, "--as-of", day, "--format", form]
    outcome = CliRunner().invoke(main, [*words, "--policies", str(ROOT / "policies")])
    assert outcome.exit_code == 0, outcome.output
    return re.sub(r'("sha256": )"[0-9a-f]*"', r'\1"…"', outcome.stdout)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("name", TOLD)
def test_as_in_the_file(name: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = told(name, tmp_path, form)
    path = GOLDEN / f"{name}.{'txt' if form == 'text' else 'json'}"
    if UPDATE:
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


def test_no_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(TOLD)


def values(told: Any) -> Iterator[dict[str, Any]]:
    """Every origin of a value in an explanation, at whatever depth."""
    if isinstance(told, dict):
        if {"kind", "text", "source"} <= told.keys():
            yield told
        for part in told.values():
            yield from values(part)
    elif isinstance(told, list):
        for part in told:
            yield from values(part)


@pytest.mark.parametrize("name", TOLD)
def test_parameters_and_cells_are_those_of_the_policy(name: str) -> None:
    for value in values(json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))):
        found = value["outcome"].get("value")
        if value["kind"] == "参数" and value["text"] in POLICY["参数"]:
            written = POLICY["参数"][value["text"]]["值"]
            assert str(written) == found or Fraction(str(written)) == Fraction(str(found))
        table = re.fullmatch(r"(.+?)\[[^,]+\]", value["text"])
        row = re.search(r"「(.+)」一行", value["source"])
        if value["kind"] == "表" and table and row and "值" in POLICY["表"].get(table[1], {}):
            assert Fraction(str(POLICY["表"][table[1]]["值"][row[1]])) == Fraction(str(found))


@pytest.mark.parametrize("name", TOLD)
def test_a_rule_shown_among_the_values_has_its_own_outcome(name: str) -> None:
    for one in json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))["explanations"]:
        steps = {step["name"]: step["outcome"] for step in one["steps"]}
        for value in values(one):
            if value["kind"] == "规则" and value["step"] in steps:
                assert value["outcome"] == steps[value["step"]]


#: What the files must say, worked out by hand from the regulation for the person above.
BY_HAND = {
    "table": "学历工资：300.00 元/月（第二十四条（二））",
    # 2000, and one rise of 100 for 2019–2021
    "reading-with-alternatives": "基本工资：2100.00 元/月",
    # two members, 1000 in all, weights 1.05 and 0.95
    "share-of-a-group": "绩效工资：525.00 元/月",
    # 2100 + 300 + 200 + 5 counted years (2019–2023) of 50 + 525
    "sum-of-rules": "月工资合计：3375.00 元/月",
    "exceptions-that-do-not": "年终奖：1500.00 元",
    "exception-that-holds": "年终奖：0.00 元",
    "once": "取证奖励：1000.00 元",
    "not-yet": "2032-07-01",
    "does-not-apply": "基本工资：不适用：第三条",
    "facts-missing": "技术等级工资：信息不足，缺 社会工作者职业水平证书",
    # asked on 20 September, left on 1 October
    "check-that-fails": "辞职预告：否",
    "grounds": "（一）",
    # born 1972-03-12, woman, fifty years: reached before 2025
    "another-policy": "法定退休日期：2022-03-12",
    # 16 posts of one community, two people
    "figure-of-a-group": "空缺数：14 人",
}


@pytest.mark.parametrize("name", TOLD)
def test_the_figure_is_the_one_worked_out_by_hand(name: str) -> None:
    assert BY_HAND[name] in (GOLDEN / f"{name}.txt").read_text("utf-8")
