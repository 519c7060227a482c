"""Missing facts ranked by what they hold up; the amounts worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main

POLICY = """格式: 1
政策: {编号: p-1, 系列: p, 名称: 补贴办法, 文号: 甲办〔2024〕1号, 施行: 2024-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  等级: {选项: [甲, 乙]}
  工龄: {类型: 整数, 单位: 年, 范围: [0, 40]}
  在岗: {类型: 是否}
  奖金: {类型: 数, 单位: 元, 小数位: 2}
参数:
  每年数额: {值: 10, 单位: 元/年, 依据: 第一条}
表:
  等级补贴标准: {依据: 第一条, 按: 等级, 单位: 元, 值: {甲: 300, 乙: 200}}
规则:
  在职: {依据: 第一条, 公式: 在岗, 内部: 是}
  等级补贴: {依据: 第一条, 公式: "等级补贴标准[等级]"}
  工龄补贴: {依据: 第一条, 适用: 在职, 公式: 工龄 * 每年数额}
  总额: {依据: 第一条, 公式: 等级补贴 + 工龄补贴}
  另奖: {依据: 第一条, 公式: 奖金}
条文: {第一条: {处理: 计算}}
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "p-1.yaml").write_text(POLICY, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ranking(roster: str) -> list[list[str]]:
    Path("r.csv").write_text(roster, "utf-8")
    outcome = CliRunner().invoke(main, ["eval", "r.csv", "--as-of", "2024-06-01"], terminal_width=160)
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    at = next((number for number, line in enumerate(lines) if line.startswith("缺少的信息")), None)
    found = []
    for line in lines[at + 1 :] if at is not None else []:
        if not line:
            break
        found.append(line.split())
    return found


def test_nothing_missing_nothing_said(office: Path) -> None:
    assert ranking("工号,等级,工龄,在岗,奖金\n1,甲,3,是,5\n2,乙,0,否,0\n") == []


def test_ranked_by_results_with_the_money_between_its_bounds(office: Path) -> None:
    # 1: 等级 甲 300 or 乙 200, 工龄 3 years known: 总额 230–330.
    # 2: 工龄 0–40 years at 10: 总额 300 + 0–400.  3: the same person's scope is open, so from nothing.
    rows = "工号,等级,工龄,在岗,奖金\n1,,3,是,5\n2,甲,,是,5\n3,甲,5,,5\n4,甲,1,是,\n"
    assert ranking(rows) == [
        ["在岗", "1", "2", "0.00～350.00", "元", "工龄补贴、总额"],
        ["工龄", "1", "2", "300.00～700.00", "元", "工龄补贴、总额"],
        ["等级", "1", "2", "230.00～330.00", "元", "等级补贴、总额"],
        ["奖金", "1", "1", "元，无界", "另奖"],
    ]


def test_one_fact_of_several_people_is_summed(office: Path) -> None:
    rows = "工号,等级,工龄,在岗,奖金\n" + "".join(f"{n},,{n},是,5\n" for n in (1, 2, 3))
    # 200 + 10n at least, 300 + 10n at most, for n = 1, 2, 3
    assert ranking(rows) == [["等级", "3", "6", "660.00～960.00", "元", "等级补贴、总额"]]
