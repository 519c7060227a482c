"""The runner of cases: what it refuses to run, what it refuses in a case, and what it counts as covered."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.folder import open_folder
from engine.testing import run

POLICY = """格式: 1
政策: {编号: a, 名称: 甲, 施行: 2021-05-27, 标识: 工号}
字段:
  工号: {类型: 文字}
  党员: {类型: 是否, 缺省: 否}
  数: {类型: 整数}
  奖: {类型: 记录, 栏目: {级: {类型: 文字}, 分: {类型: 整数, 缺省: 1}}}
  街: {类型: 文字}
  补: {类型: 整数, 对象: 街, 缺省: 0}
规则:
  甲结果: {公式: 若 党员 则 数 + 1 否则 数}
  总分: {公式: "合计(奖, 分)"}
  补数: {公式: 补}
用例: a.cases.yaml
"""


def outcome_of(tmp_path: Path, cases: str, policy: str = POLICY) -> run.Tested:
    (tmp_path / "a.yaml").write_text(policy, encoding="utf-8")
    (tmp_path / "a.cases.yaml").write_text(cases, encoding="utf-8")
    return run.run_files(open_folder(tmp_path, tmp_path), [])


def case(record: str, rest: str = "结果: {甲结果: 1}") -> str:
    return f"- 名称: 一\n  计算日: 2024-12-31\n  记录: {record}\n  {rest}\n"


def test_a_case_that_holds_passes(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, case("{数: 1}")).diagnostics == ()


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        (case("{党圆: 是, 数: 1}"), "党圆"),
        (case("{数: 1, 奖: [{级: 甲, 分数: 9}]}"), "分数"),
        (case("{数: 1}", "结果: {甲结杲: 1}"), "没有结果「甲结杲」"),
    ],
)
def test_a_misspelt_name_in_a_case_is_a_failure(tmp_path: Path, cases: str, message: str) -> None:
    found = outcome_of(tmp_path, cases)
    assert len(found.diagnostics) == 1
    assert message in found.diagnostics[0].message
    assert "是否想写" in found.diagnostics[0].hint
    assert found.files[0].failed == ("一",)


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("数: {类型: 整数}", "数: {类型: 整数字}", "E306"),
        ("甲结果: {公式: 若 党员 则 数 + 1 否则 数}", "甲结果: {公试: 数}", "E201"),
        ("甲结果: {公式: 若 党员 则 数 + 1 否则 数}", "甲结果: {公式: 数量}", "E301"),
    ],
)
def test_a_policy_with_errors_runs_no_cases(tmp_path: Path, right: str, wrong: str, code: str) -> None:
    found = outcome_of(tmp_path, case("{数: 1}"), POLICY.replace(right, wrong))
    assert code in {diagnostic.code for diagnostic in found.diagnostics}
    assert found.files == ()
    assert not any(diagnostic.code.startswith("E9") for diagnostic in found.diagnostics)
