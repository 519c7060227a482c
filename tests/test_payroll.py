"""Statements month by month, ledgers, back pay and replay, on a small invented regulation whose figures are worked by hand."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook

from cli import main
from engine.app.payroll import Backpay, Request, Stated, backpay, state
from engine.app.replay import Replayed, replay
from engine.choose import Folder, Misuse
from engine.folder import open_folder
from engine.payroll.ledger import Entry
from engine.payroll.periods import period_of, read_period, read_range
from engine.render.page_text import page_text
from engine.render.payroll import (
    backpay_page,
    corrected_ledger,
    replay_page,
    statement_ledger,
    statement_page,
    totals_of,
)
from engine.render.payroll_json import backpay_object, replay_object, statement_object
from engine.render.payroll_sheets import backpay_csv, statement_csv, write_backpay, write_statement
from engine.values import NotApplicable, Unknown

BASE = """\
格式: 1
政策: {编号: 甲, 名称: 甲办法, 文号: 甲发〔2023〕1号, 印发: 2023-06-15, 施行: 2023-06-15, 标识: 工号}
字段:
  工号: {类型: 文字}
  入职日期: {类型: 日期}
  离职日期: {类型: 日期}
  级别: {选项: [初级, 高级], 有序: 是}
  取证日期: {类型: 日期}
  出勤天数: {类型: 整数, 单位: 天, 年度: 是}
参数:
  月标准: {值: 1000, 单位: 元/月}
  级差: {值: 200, 单位: 元/月}
  年标准: {值: 600, 单位: 元, 依据: 第三条}
  季标准: {值: 90, 单位: 元}
  取证标准: {值: {2023-06-15: 500, 2024-03-10: 800}, 单位: 元}
规则:
  在岗:
    内部: 是
    公式: 入职日期 <= 计算日 且 (非 有值(离职日期) 或 离职日期 > 计算日)
    不适用说明: 计算日不在岗
  基本:
    依据: 第一条
    适用: [在岗]
    周期: 月
    首期: 当期
    单位: 元/月
    公式: 月标准
  级别工资:
    依据: 第二条
    适用: [在岗]
    周期: 月
    单位: 元/月
    公式: 若 级别 == 高级 则 级差 否则 0
  月合计:
    适用: [在岗]
    周期: 月
    单位: 元/月
    公式: 基本 + 级别工资
  季度奖: {适用: [在岗], 周期: 季, 单位: 元, 公式: 季标准}
  年终奖:
    适用: [在岗]
    周期: 年
    单位: 元
    公式: 若 出勤天数 >= 200 则 年标准 否则 0
    发放日: 加月(年末(计算日), 1)
  取证奖励:
    适用: [在岗]
    周期: 一次
    触发日: 取证日期
    单位: 元
    公式: 取证标准
条文: {第一条: {处理: 计算}, 第二条: {处理: 计算}, 第三条: {处理: 计算}}
"""

#: Issued in August 2024 and effective from 16 February 2024: the month of February goes by 首期.
RAISE = """\
格式: 1
政策: {编号: 乙, 修订: 甲, 文号: 甲发〔2024〕8号, 印发: 2024-08-20, 施行: 2024-02-16}
参数:
  月标准: {值: 1100}
"""

#: The parts of 月合计 paid each for itself from February on, 级别工资 no more, and 年终奖 a month earlier.
PARTS = """\
格式: 1
政策: {编号: 丁, 修订: 甲, 文号: 甲发〔2024〕9号, 印发: 2024-08-21, 施行: 2024-02-01}
删除: [规则.月合计, 规则.级别工资, 参数.级差, 规则.年终奖.发放日]
规则:
  岗位补助: {依据: 第二条, 适用: [在岗], 周期: 月, 单位: 元/月, 公式: 月标准 / 10}
"""

PEOPLE = [
    {"工号": "1", "入职日期": "2020-01-01", "级别": "初级", "取证日期": "2024-03-09", "出勤天数": "220"},
    {
        "工号": "2",
        "入职日期": "2024-02-10",
        "级别": {"2024-01-01": "初级", "2024-03-15": "高级"},
        "取证日期": "2024-03-10",
        "出勤天数": "150",
    },
    {
        "工号": "3",
        "入职日期": "2020-01-01",
        "离职日期": "2024-03-20",
        "级别": "高级",
        "取证日期": "2019-01-01",
        "出勤天数": "60",
    },
    {"工号": "4", "入职日期": "2024-03-05", "离职日期": "2024-03-25", "级别": "初级", "出勤天数": "20"},
]


def setup(folder: Path, people: Any = None, **files: str) -> tuple[Folder, Path]:
    (folder / "policies").mkdir(exist_ok=True)
    for name, text in {"甲": BASE, **files}.items():
        (folder / "policies" / f"{name}.yaml").write_text(text, "utf-8")
    return open_folder(folder / "policies", folder), roster_of(folder, PEOPLE if people is None else people)


def roster_of(folder: Path, people: Any, name: str = "名册.json", **more: Any) -> Path:
    roster = folder / name
    content = {"数据日期": "2024-12-31", "记录": people, **more}
    roster.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return roster


def stated(folder: Folder, roster: Path, period: str, **more: Any) -> Stated:
    found = state(folder, Request(roster=roster, period=period, **more))
    assert isinstance(found, Stated)
    assert found.statement is not None, found.diagnostics
    return found


def amounts(found: Stated, *, month: str = "", id_: str = "") -> dict[tuple[str, str, str], Any]:
    """(month, id, rule) → amount, 「不适用」 left out, 「？」 for 信息不足."""
    assert found.statement is not None
    shown = {}
    for item in found.statement.items:
        if isinstance(item.outcome, NotApplicable):
            continue
        if month in ("", str(item.month)) and id_ in ("", item.id):
            value = "？" if isinstance(item.outcome, Unknown) else item.outcome
            shown[str(item.month), item.id, item.name] = value
    return shown


# ---- periods ------------------------------------------------------------------------------------------------


def test_ranges_as_written() -> None:
    assert [str(month) for month in read_range("2024-11..2025-02") or []] == [
        "2024-11",
        "2024-12",
        "2025-01",
        "2025-02",
    ]
    assert len(read_range("2024") or []) == 12
    assert len(read_range("2023..2024-03") or []) == 15
    for bad in ("", "2024-13", "24-01", "2024-05..2024-01", "2024/05", "0001..9999"):
        assert read_range(bad) is None


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.sampled_from(["月", "季", "半年", "年"]))
def test_periods_hold_their_days_and_are_read_as_written(day: date, kind: str) -> None:
    period = period_of(day, kind)
    assert period.first <= day <= period.last
    assert read_period(str(period)) == period


# ---- statements ---------------------------------------------------------------------------------------------


def test_a_month_of_everybody(tmp_path: Path) -> None:
    found = stated(*setup(tmp_path), "2024-03")
    assert amounts(found) == {
        ("2024-03", "1", "基本"): 1000,
        ("2024-03", "1", "级别工资"): 0,
        ("2024-03", "1", "月合计"): 1000,
        ("2024-03", "1", "季度奖"): 90,
        ("2024-03", "1", "取证奖励"): 500,  # on 9 March: the day before the figure rose
        ("2024-03", "2", "基本"): 1000,
        ("2024-03", "2", "级别工资"): 200,  # promoted on the 15th: facts go by the last day
        ("2024-03", "2", "月合计"): 1200,
        ("2024-03", "2", "季度奖"): 90,
        ("2024-03", "2", "取证奖励"): 800,
    }


def test_who_begins_and_who_ceases(tmp_path: Path) -> None:
    found = stated(*setup(tmp_path), "2024-02..2024-03").statement
    assert found is not None
    names = ("基本", "级别工资", "月合计")
    assert [(c.id, str(c.month), c.change, tuple(sorted(c.names))) for c in found.coverage] == [
        ("2", "2024-02", "开始", tuple(sorted(names))),
        ("3", "2024-03", "停止", tuple(sorted(names))),
        ("4", "2024-03", "月内开始又停止", tuple(sorted(names))),
    ]


def test_the_first_month_of_a_version(tmp_path: Path) -> None:
    """In force from the 15th: only rules with 首期: 当期 are due in June."""
    found = stated(*setup(tmp_path), "2023-06..2023-07")
    assert amounts(found, month="2023-06", id_="1") == {
        ("2023-06", "1", "基本"): 1000,
        ("2023-06", "1", "季度奖"): 90,
    }
    assert amounts(found, month="2023-07", id_="1") == {
        ("2023-07", "1", "基本"): 1000,
        ("2023-07", "1", "级别工资"): 0,
        ("2023-07", "1", "月合计"): 1000,
    }


def test_each_month_under_its_own_version(tmp_path: Path) -> None:
    found = stated(*setup(tmp_path, 乙=RAISE), "2024-01..2024-03")
    assert found.statement is not None
    basic = {key[0]: value for key, value in amounts(found, id_="1").items() if key[2] == "基本"}
    assert basic == {"2024-01": 1000, "2024-02": 1100, "2024-03": 1100}
    # no 首期: the law of 1 February is still the old version
    laws = {
        str(i.month): (i.version.id, str(i.law))
        for i in found.statement.items
        if i.name == "级别工资" and i.id == "1"
    }
    assert laws["2024-02"] == ("甲", "2024-02-01")
    assert laws["2024-03"] == ("乙", "2024-03-01")


def test_what_was_not_yet_issued_is_not_seen(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path, 乙=RAISE)
    found = stated(folder, roster, "2024-03", known_on=date(2024, 7, 31))
    assert amounts(found, id_="1")["2024-03", "1", "基本"] == 1000


def test_an_annual_figure_in_the_month_of_its_day_of_payment(tmp_path: Path) -> None:
    people = [{**PEOPLE[0], "出勤天数": {"2023-12-31": "210", "2024-12-31": "100"}}]
    found = stated(*setup(tmp_path, people), "2024-01..2025-01")
    annual = {key: value for key, value in amounts(found).items() if key[2] == "年终奖"}
    assert annual == {("2024-01", "1", "年终奖"): 600, ("2025-01", "1", "年终奖"): 0}


def test_facts_of_another_year_are_not_known(tmp_path: Path) -> None:
    found = stated(*setup(tmp_path, PEOPLE[:1]), "2024-01")
    assert amounts(found)["2024-01", "1", "年终奖"] == "？"
    said = [(d.code, d.message) for d in found.diagnostics if d.code == "W784"]
    assert said == [("W784", "名册的年度事实是 2024 年的，2023 年要用到它们的项目是信息不足")]


def test_an_unknown_trigger_is_told_once(tmp_path: Path) -> None:
    people = [{"工号": "1", "入职日期": "2020-01-01", "级别": "初级", "出勤天数": "1"}]
    found = stated(*setup(tmp_path, people), "2024-02..2024-04")
    assert [key for key, value in amounts(found).items() if key[2] == "取证奖励"] == [
        ("2024-04", "1", "取证奖励")
    ]


def test_totals_count_nothing_twice(tmp_path: Path) -> None:
    found = stated(*setup(tmp_path), "2024-03").statement
    assert found is not None
    sums, missing = totals_of(item for item in found.items if item.counted and item.id == "2")
    assert (sums, missing) == ({"月合计": 1200, "季度奖": 90, "取证奖励": 800}, 0)


def test_a_roster_of_one_moment_says_so(tmp_path: Path) -> None:
    found = stated(*setup(tmp_path, PEOPLE[:1]), "2024-01..2024-02")
    assert [d.code for d in found.diagnostics] == ["W780", "W784"]  # 年终奖 of 2023 is due in January


def test_a_roster_of_another_time_says_so(tmp_path: Path) -> None:
    folder, _ = setup(tmp_path)
    said = [d.message for d in stated(folder, roster_of(tmp_path, PEOPLE[:1]), "2024-03").diagnostics]
    assert said == ["名册只有 2024-12-31 的值，没有按日期给出的事实：2024-03 都按这些值计算"]
    sheet = tmp_path / "名册.csv"
    sheet.write_text("工号,入职日期,级别\n1,2020-01-01,初级\n", "utf-8")
    hints = [d.hint for d in stated(folder, sheet, "2024-03..2024-04").diagnostics]
    assert hints == [
        "期间有变化的事实在 CSV 里写不下，请用工作簿，另加一张以字段命名的工作表，列是标识、日期、值"
    ]
    then = roster_of(tmp_path, PEOPLE[:1], 数据日期="2024-03-31")
    assert stated(folder, then, "2024-03").diagnostics == ()


def test_months_between_two_versions(tmp_path: Path) -> None:
    """Ended on 31 January, the next from 10 April: nothing is due of February and March by any version."""
    ended = BASE.replace("施行: 2023-06-15,", "施行: 2023-06-15, 失效: 2024-01-31, 系列: 甲,")
    later = BASE.replace("编号: 甲,", "编号: 乙, 系列: 甲,").replace("2023〕1号", "2024〕1号")
    later = later.replace("印发: 2023-06-15, 施行: 2023-06-15", "印发: 2024-04-10, 施行: 2024-04-10")
    folder, roster = setup(tmp_path, 甲=ended, 乙=later)
    found = state(folder, Request(roster=roster, period="2024-01..2024-05"))
    assert isinstance(found, Stated)
    assert found.statement is None
    assert [(d.code, d.message) for d in found.diagnostics if d.severity == "error"] == [
        ("E785", "2024-02 到 2024-03 没有施行的版本，不能计算")
    ]
    april = amounts(stated(folder, roster, "2024-04"), id_="1")
    assert april == {("2024-04", "1", "基本"): 1000}  # 首期 alone


def test_months_before_any_version(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    found = state(folder, Request(roster=roster, period="2023-04..2023-07"))
    assert isinstance(found, Stated)
    assert found.statement is None
    assert [(d.code, d.message) for d in found.diagnostics] == [
        ("E785", "2023-04 到 2023-05 没有施行的版本，不能计算")
    ]


def test_a_period_that_is_none(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    assert isinstance(state(folder, Request(roster=roster, period="今年")), Misuse)


# ---- back pay -----------------------------------------------------------------------------------------------


def ledger_of(folder: Path, found: Stated, name: str = "账.jsonl") -> Path:
    path = folder / name
    path.write_text(statement_ledger(found), "utf-8")
    return path


def paid_back(folder: Folder, roster: Path, ledgers: list[Path], period: str) -> Backpay:
    found = backpay(folder, Request(roster=roster, period=period), ledgers)
    assert isinstance(found, Backpay)
    return found


def test_a_change_that_reaches_back(tmp_path: Path) -> None:
    """February and March at 1100 instead of 1000, and twice is once."""
    folder, roster = setup(tmp_path, 乙=RAISE)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01..2024-03", known_on=date(2024, 7, 31)))
    found = paid_back(folder, roster, [ledger], "2024-01..2024-03")
    assert found.settled
    changes = {(c.id, c.rule, c.period): (c.was, c.due, c.change) for c in found.corrections}
    assert changes["1", "基本", "2024-02"] == (1000, 1100, 100)
    assert changes["2", "月合计", "2024-03"] == (1200, 1300, 100)
    assert changes["3", "基本", "2024-02"] == (1000, 1100, 100)  # left in March, was there in February
    # 月合计 has no 首期: in February it goes by the old law, so nothing is due for it
    assert ("1", "月合计", "2024-02") not in changes
    assert ("3", "基本", "2024-03") not in changes
    note = next(c.note for c in found.corrections if c.rule == "基本")
    assert "甲发〔2024〕8号" in note
    assert "甲发〔2023〕1号" in note
    after = tmp_path / "新账.jsonl"
    after.write_text(corrected_ledger(found), "utf-8")
    again = paid_back(folder, roster, [after], "2024-01..2024-03")
    assert (again.settled, again.corrections) == (True, ())


def test_a_figure_learnt_later_and_one_taken_back(tmp_path: Path) -> None:
    people = [{"工号": "1", "入职日期": "2020-01-01", "取证日期": "2024-01-05", "出勤天数": "1"}]
    folder, roster = setup(tmp_path, people)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    _, roster = setup(tmp_path, [{**people[0], "级别": "高级", "取证日期": "2023-12-05"}])
    found = paid_back(folder, roster, [ledger], "2024-01")
    changes = {(c.rule, c.period or c.trigger): c.change for c in found.corrections}
    assert changes == {
        ("级别工资", "2024-01"): 200,
        ("月合计", "2024-01"): 1200,
        ("取证奖励", "2024-01-05"): -500,
    }


def test_missing_months_are_not_taken_for_unpaid(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    found = paid_back(folder, roster, [ledger], "2024-01..2024-03")
    assert not found.settled
    assert ("E787", "账里没有 2024-02、2024-03 这 2 个月，不知道发了多少") in [
        (d.code, d.message) for d in found.diagnostics
    ]


def test_somebody_the_roster_does_not_know(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    _, roster = setup(tmp_path, PEOPLE[:2])
    found = paid_back(folder, roster, [ledger], "2024-01")
    said = [(d.code, d.message) for d in found.diagnostics if d.code == "E788"]
    assert [message.split("不")[0] for _, message in said] == ["账里的「3」", "账里的「4」"]
    assert not {c.id for c in found.corrections} & {"3", "4"}


def test_somebody_no_ledger_knows_is_named(tmp_path: Path) -> None:
    folder, _ = setup(tmp_path)
    ledger = ledger_of(tmp_path, stated(folder, roster_of(tmp_path, PEOPLE[1:]), "2024-01"))
    found = paid_back(folder, roster_of(tmp_path, PEOPLE), [ledger], "2024-01")
    assert ("W782", "账里完全没有记过 1（2024-01），按没有发过计算") in [
        (d.code, d.message) for d in found.diagnostics
    ]
    assert {c.rule: c.change for c in found.corrections} == {"基本": 1000, "月合计": 1000}


def test_totals_when_parts_are_paid_for_themselves(tmp_path: Path) -> None:
    """A sum of 1200 paid in February; due are 1000 and 100 apart: −100, though each part differs by something else."""
    folder, roster = setup(tmp_path, PEOPLE[2:3], 丁=PARTS)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-02", known_on=date(2024, 7, 31)))
    found = paid_back(folder, roster, [ledger], "2024-02")
    told = {c.rule: (c.change, c.change_alone) for c in found.corrections}
    assert told == {
        "基本": (0, 1000),
        "岗位补助": (100, 100),
        "级别工资": (-200, 0),
        "月合计": (-1200, -1200),
    }
    text = page_text(backpay_page(found), 120)
    assert [line.split()[-1] for line in text.splitlines() if line.strip().startswith("合计 ")] == ["-100.00"]
    note = next(c.note for c in found.corrections if c.rule == "月合计")
    assert note == "按甲发〔2024〕9号没有这一项，原按甲发〔2023〕1号发放"
    after = tmp_path / "新账.jsonl"
    after.write_text(corrected_ledger(found), "utf-8")
    assert paid_back(folder, roster, [after], "2024-02").corrections == ()
    assert replay(folder, after, roster).found == ()


def test_a_figure_due_in_another_month_is_not_paid_again(tmp_path: Path) -> None:
    """年终奖 of 2024, paid in January 2025, was due in December by a document that came later."""
    folder, roster = setup(tmp_path, PEOPLE[:1], 丁=PARTS)
    paid = stated(folder, roster, "2024-12..2025-01", known_on=date(2024, 7, 31))
    assert amounts(paid)["2025-01", "1", "年终奖"] == 600
    found = paid_back(folder, roster, [ledger_of(tmp_path, paid)], "2024-12")
    assert "年终奖" not in {c.rule for c in found.corrections}


def test_a_ledger_of_a_policy_that_means_something_else(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    folder, _ = setup(tmp_path, 甲=BASE.replace("值: 1000", "值: 1001"))
    assert codes_of(ledger, folder, roster) == [("E789", 2)]
    folder, _ = setup(tmp_path, 甲="# 注\n" + BASE.replace("计算日不在岗", "计算日不在岗位"))
    found = paid_back(folder, roster, [ledger], "2024-01")
    assert (found.settled, found.corrections) == (True, ())
    assert "W783" in [d.code for d in found.diagnostics]
    assert [d.code for d in replay(folder, ledger).diagnostics] == ["W783"]


def test_one_figure_in_two_ledgers(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    one = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    other = ledger_of(tmp_path, stated(folder, roster, "2024-01..2024-02"), "另.jsonl")
    found = paid_back(folder, roster, [one, other], "2024-01..2024-02")
    assert [d.code for d in found.diagnostics if d.severity == "error"] == ["E784"]


def test_a_ledger_of_another_regulation(tmp_path: Path) -> None:
    other = BASE.replace("编号: 甲", "编号: 丙").replace("甲发", "丙发")
    folder, roster = setup(tmp_path, 丙=other)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01", policy="丙"))
    found = backpay(folder, Request(roster=roster, period="2024-01", policy="甲"), [ledger])
    assert isinstance(found, Backpay)
    assert "E786" in [d.code for d in found.diagnostics]


# ---- ledgers ------------------------------------------------------------------------------------------------


def codes_of(path: Path, folder: Folder, roster: Path) -> list[tuple[str, int]]:
    found = paid_back(folder, roster, [path], "2024-01")
    assert not found.settled
    return [(d.code, d.place.line if d.place else 0) for d in found.diagnostics if d.severity == "error"]


def test_a_ledger_that_was_touched_is_refused(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    path = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        changed = [*lines]
        changed[number - 1] = (
            line.replace("1000", "1001")
            .replace('"end"', '"ende"')
            .replace('"series": "甲"', '"series": "乙"')
        )
        if changed[number - 1] == line:
            changed[number - 1] = line.replace('"不适用"', '"值"')
        path.write_text("\n".join(changed), "utf-8")
        if changed[number - 1] != line:
            assert codes_of(path, folder, roster) == [("E782", number)]
        path.write_text("\n".join(lines[: number - 1] + lines[number:]), "utf-8")
        assert codes_of(path, folder, roster)[0][0] in ("E780", "E782", "E783")
    path.write_text("\n".join([*lines[:2], lines[2], *lines[2:]]), "utf-8")
    assert codes_of(path, folder, roster) == [("E784", 4)]
    for text, code in (("", "E780"), ("工号,金额\n", "E781"), ("{}\n", "E780"), ("[1]\n", "E781")):
        path.write_text(text, "utf-8")
        assert codes_of(path, folder, roster)[0][0] == code
    path.write_bytes(b"\xff\xfe\x00")
    assert codes_of(path, folder, roster)[0][0] == "E780"
    assert codes_of(tmp_path / "没有.jsonl", folder, roster)[0][0] == "E780"


def test_a_ledger_that_holds_odd_characters(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path, [{**PEOPLE[0], "工号": "1\u2028甲\x85乙"}])
    path = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    assert paid_back(folder, roster, [path], "2024-01").settled
    lines = path.read_text("utf-8").split("\n")
    lines[1] = lines[1].replace('"kind"', '"half": "\\ud800", "kind"')
    path.write_text("\n".join(lines), "utf-8")
    assert codes_of(path, folder, roster) == [("E781", 2)]


def test_replay_keeps_to_the_readings_of_each_version(tmp_path: Path) -> None:
    """Two versions that adopt different readings, and a correction by readings of its own."""
    reading = """\
口径:
  算法:
    依据: 第一条
    问题: 怎样算
    采用: 一倍
    采用理由: 试
    读法: {一倍: {公式: 1}, 两倍: {公式: 2}}
规则:
"""
    first = BASE.replace("规则:\n", reading).replace("公式: 月标准", "公式: 月标准 * 算法")
    second = (
        "格式: 1\n政策: {编号: 乙, 修订: 甲, 文号: 甲发〔2024〕8号, 印发: 2024-02-01, 施行: 2024-02-01}\n"
    )
    folder, roster = setup(tmp_path, 甲=first, 乙=second + "口径: {算法: {采用: 两倍}}\n")
    found = stated(folder, roster, "2024-01..2024-02")
    assert [amounts(found)[month, "1", "基本"] for month in ("2024-01", "2024-02")] == [1000, 2000]
    ledger = ledger_of(tmp_path, found)
    assert replay(folder, ledger).found == ()
    request = Request(roster=roster, period="2024-01..2024-02", readings=("算法=两倍",))
    corrected = backpay(folder, request, [ledger])
    assert isinstance(corrected, Backpay)
    assert {c.change for c in corrected.corrections if c.period == "2024-01"} == {1000}
    after = tmp_path / "新账.jsonl"
    after.write_text(corrected_ledger(corrected), "utf-8")
    assert replay(folder, after).found == ()


def test_replay_keeps_to_the_roster_of_each_entry(tmp_path: Path) -> None:
    """A certificate found to be of an earlier month: what was paid stands by the old roster, what is taken back by the new."""
    folder, old = setup(tmp_path, [{**PEOPLE[0], "取证日期": "2024-01-05"}])
    ledger = ledger_of(tmp_path, stated(folder, old, "2024-01"))
    new = roster_of(tmp_path, [{**PEOPLE[0], "取证日期": "2023-12-05"}], "新名册.json")
    found = paid_back(folder, new, [ledger], "2024-01")
    assert [(c.rule, c.change) for c in found.corrections] == [("取证奖励", -500)]
    after = tmp_path / "新账.jsonl"
    after.write_text(corrected_ledger(found), "utf-8")
    assert (replay(folder, after).found, replay(folder, after).diagnostics) == ((), ())
    told = replay(folder, ledger, new)
    assert [d.code for d in told.diagnostics] == ["W781"]
    assert [(d.entry.rule, d.why) for d in told.found] == [("取证奖励", "这个人在名册里的事实变了")]


def test_replay_finds_nothing_where_nothing_changed(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path, 乙=RAISE)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01..2024-04", known_on=date(2024, 7, 31)))
    found = paid_back(folder, roster, [ledger], "2024-01..2024-04")
    after = tmp_path / "新账.jsonl"
    after.write_text(corrected_ledger(found), "utf-8")
    for path in (ledger, after):
        again = replay(folder, path, roster)
        assert again.found == (), [(d.entry, d.now) for d in again.found]
        assert again.checked > 0


def test_replay_names_what_changed(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    _, roster = setup(tmp_path, [{**PEOPLE[0], "级别": "高级"}, *PEOPLE[1:3]])
    found = replay(folder, ledger, roster)
    told = {(d.entry.id, d.entry.rule): (d.now, d.why) for d in found.found}
    assert told["1", "级别工资"] == (200, "这个人在名册里的事实变了")
    assert {key[0] for key, (_, why) in told.items() if why == "名册里没有这个人"} == {"4"}
    assert "重算" in page_text(replay_page(found), 120)


def test_replay_needs_the_policy_as_it_was(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path)
    ledger = ledger_of(tmp_path, stated(folder, roster, "2024-01"))
    folder, roster = setup(tmp_path, 甲=BASE.replace("值: 1000", "值: 1001"))
    found = replay(folder, ledger, roster)
    assert isinstance(found, Replayed)
    assert [d.code for d in found.diagnostics] == ["E789"]


# ---- laws -----------------------------------------------------------------------------------------------------

DAYS = st.dates(date(2023, 7, 1), date(2024, 6, 30)).map(str)
PERSON = st.fixed_dictionaries(
    {"入职日期": DAYS, "级别": st.sampled_from(["初级", "高级", ""])},
    optional={"离职日期": DAYS, "取证日期": DAYS, "出勤天数": st.sampled_from(["100", "230"])},
)


#: What is known at a step: a roster (None: somebody it does not have), and until when documents had been issued.
STEP = st.tuples(
    st.tuples(PERSON, st.one_of(PERSON, st.none()), st.one_of(PERSON, st.none())),
    st.sampled_from([date(2024, 7, 31), date(2024, 8, 20), date(2024, 8, 21)]),
)


@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(STEP, min_size=2, max_size=4), st.integers(900, 1300))
def test_paid_and_back_pay_make_what_is_due(
    tmp_path: Path, steps: list[tuple[tuple[dict[str, str] | None, ...], date]], standard: int
) -> None:
    """Whatever was known when it was paid, and whatever came to be known, forgotten, decreed and taken back, step by step."""
    period = "2023-08..2024-06"
    folder, _ = setup(tmp_path, [], 乙=RAISE.replace("1100", str(standard)), 丁=PARTS)
    path = tmp_path / "账.jsonl"
    for number, (people, known) in enumerate(steps):
        numbered = [{"工号": str(n), **person} for n, person in enumerate(people) if person is not None]
        roster = roster_of(tmp_path, numbered, f"名册{number}.json")
        now = stated(folder, roster, period, known_on=known)
        if number == 0:
            path.write_text(statement_ledger(now), "utf-8")
            continue
        request = Request(roster=roster, period=period, known_on=known)
        found = backpay(folder, request, [path])
        assert isinstance(found, Backpay)
        assert found.settled
        _, entries = found.corrected()
        _check_paid(now, entries)
        path.write_text(corrected_ledger(found), "utf-8")
        again = backpay(folder, request, [path])
        assert isinstance(again, Backpay)
        assert (again.settled, again.corrections) == (True, ())
    assert replay(folder, path).found == ()


def _check_paid(now: Stated, entries: list[Entry]) -> None:
    """Entries add up to what is due: of every figure, and of everybody of whom nothing is open."""
    assert now.statement is not None
    paid: dict[Any, list[Entry]] = {}
    for entry in entries:
        paid.setdefault(entry.key, []).append(entry)
    sums = {key: sum(Fraction(entry.amount or 0) for entry in own) for key, own in paid.items()}
    items = {item.key: item for item in now.statement.items}
    waiting = {item.id for item in now.statement.items if isinstance(item.outcome, Unknown)}
    due: dict[str, Fraction] = {}
    for key, item in items.items():
        if isinstance(item.outcome, Unknown):
            continue
        amount = Fraction(0) if isinstance(item.outcome, NotApplicable) else Fraction(item.outcome)
        assert sums.get(key, 0) == amount
        due[item.id] = due.get(item.id, Fraction(0)) + (amount if item.counted else 0)
    for id_ in set(now.statement.ids) - waiting:
        assert all(value == 0 for key, value in sums.items() if key[0] == id_ and key not in items)
        alone = sum(sums[key] for key, own in paid.items() if key[0] == id_ and own[-1].counted)
        assert alone == due.get(id_, 0)


# ---- written out -----------------------------------------------------------------------------------------------


def test_pages_and_workbooks(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path, 乙=RAISE)
    first = stated(folder, roster, "2024-01..2024-03", known_on=date(2024, 7, 31))
    text = page_text(statement_page(first), 120)
    assert "月内开始又停止" in text
    # 1: 3000 + 90 + 500; 2: 1000 (February) + 1200 + 90 + 800; 3: 1200 + 1200
    assert " 9080.00 " in next(line for line in text.splitlines() if line.strip().startswith("合计 "))
    found = paid_back(folder, roster, [ledger_of(tmp_path, first)], "2024-01..2024-03")
    text = page_text(backpay_page(found), 120)
    # 月合计 in March: 1 and 2, 100 each
    assert [line.split()[-1] for line in text.splitlines() if line.strip().startswith("合计 ")] == ["+200.00"]
    write_statement(first, tmp_path / "应发.xlsx")
    write_backpay(found, tmp_path / "补发.xlsx")
    details = load_workbook(str(tmp_path / "应发.xlsx")).get_sheet_by_name("明细").to_python()
    assert len(details) == len(first.statement.items) + 1  # type: ignore[union-attr]
    rows = load_workbook(str(tmp_path / "补发.xlsx")).get_sheet_by_name("补发").to_python()
    assert sum(row[9] for row in rows[1:]) == 200


def test_lists_for_payroll_and_objects_for_programs(tmp_path: Path) -> None:
    folder, roster = setup(tmp_path, PEOPLE[:1], 乙=RAISE)
    first = stated(folder, roster, "2024-02..2024-03", known_on=date(2024, 7, 31))
    rows = list(csv.DictReader(io.StringIO(statement_csv(first))))
    assert sum(Fraction(row["金额"]) for row in rows if row["计入合计"] == "是") == 2590
    found = paid_back(folder, roster, [ledger_of(tmp_path, first)], "2024-02..2024-03")
    rows = list(csv.DictReader(io.StringIO(backpay_csv(found))))
    assert [(row["项目"], row["期间"], row["补发"], row["计入合计的补发"]) for row in rows] == [
        ("基本", "2024-02", "100.00", "0.00"),
        ("基本", "2024-03", "100.00", "0.00"),
        ("月合计", "2024-03", "100.00", "100.00"),
    ]
    told = statement_object(first)
    assert told["totals"]["1"] == {
        "values": {"月合计": "2000.00", "季度奖": "90.00", "取证奖励": "500.00"},
        "unknown": 0,
    }
    assert all(len({"value", "not_applicable", "unknown"} & set(item)) == 1 for item in told["items"])
    assert backpay_object(found)["total"] == "100.00"
    assert [one["change"] for one in backpay_object(found)["corrections"]] == ["100.00"] * 3
    assert replay_object(replay(folder, tmp_path / "账.jsonl"))["differing"] == []
    write_statement(first, tmp_path / "应发.xlsx")
    write_backpay(found, tmp_path / "补发.xlsx")
    book = load_workbook(str(tmp_path / "应发.xlsx"))
    assert book.get_sheet_by_name("合计").to_python()[-1] == ["合计", "", 2000, 90, 500, 2590, 0]
    assert [row[0] for row in book.get_sheet_by_name("每月").to_python()[1:]] == [
        "2024-02",
        "2024-03",
        "合计",
    ]
    sums = load_workbook(str(tmp_path / "补发.xlsx")).get_sheet_by_name("合计").to_python()
    assert sums[1:] == [["1", "", 2, 100], ["合计", "", "", 100]]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_what_is_written_can_be_read_by_those_who_may(tmp_path: Path) -> None:
    """A file as the user's umask makes files; one that is replaced keeps its permissions."""
    _, roster = setup(tmp_path)
    ledger = tmp_path / "账.jsonl"
    plain = tmp_path / "plain"
    plain.touch()
    asked = ["statement", str(roster), "--policies", str(tmp_path / "policies"), "--period", "2024-01"]
    for mode in (plain.stat().st_mode, 0o100640):
        assert CliRunner().invoke(main, [*asked, "-o", str(ledger), "--force"]).exit_code == 0
        assert ledger.stat().st_mode == mode
        ledger.chmod(0o640)
    assert not list(tmp_path.glob(".*.tmp"))
