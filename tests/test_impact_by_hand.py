"""What each invented revision does to twelve people, worked out from the regulation by hand, and the back pay of the one
that reaches back.

The roster is tests/revisions/roster.csv, on 31 December 2024. What everybody has before, by article 24 of the regulation
(基本 + 学历 + 证书 + 考核 + 绩效 a month; 年终奖 of the year):

| 工号 | | a month | 年终奖 |
|---|---|---|---|
| 01 | 本科, 2023 合格; 甲社区 shares 2 × 500 as 1.2 : 0.8; 20 days 旷工 | 2000 + 300 + 0 + 50 + 600 = 2950 | 合格 1200 |
| 02 | 硕士, no year graded before 2024 | 2000 + 400 + 0 + 0 + 400 = 2800 | 优秀 1500 |
| 03 | 博士, 助理, 2 × 合格; 8 months 病假 in 工伤医疗期 | 2000 + 400 + 100 + 100 + 500 = 3100 | 合格 1200 |
| 04 | 研究生 as written | 2000 + 400 + 0 + 0 + 500 = 2900 | 合格 1200 |
| 05 | 大专, 基本合格 twice; 21 days 旷工 | 2000 + 200 + 0 + 0 + 500 = 2700 | 基本合格 0 |
| 06 | 高中, 合格 and 不合格; 7 months 病假; not asked about secrets | 2000 + 100 + 0 + 50 + 500 = 2650 | over 6 months: 0 |
| 07 | 中专, joined on 1 August; 30.5 days 事假 | 2000 + 100 + 0 + 0 + 500 = 2600 | over 30 days: 0 |
| 08 | 辞职, off the post from 1 July | 不适用 | 辞职 0 |
| 09 | 退休, off the post from 1 September; 2 months 病假 | 不适用 | 优秀 1500 × 8 / 12 = 1000 |
| 10 | 事业编制 | 不适用 | 不适用 |
| 11 | 本科, 高级, 6 × 优秀: raised twice; 31 days 旷工 | 2200 + 300 + 500 + 300 + 500 = 3800 | 合格 1200 |
| 12 | 大专; 6 months 病假, 30 days 事假: not over; 30 days 旷工 | 2000 + 200 + 0 + 0 + 500 = 2700 | 合格 1200 |

In all 26200 a month of nine people, and 8500 for the year. 取证奖励 is 0: the certificate of 11 is of 2019; nobody has served
20 years.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.app.compare import Asked, Compared, with_impact
from engine.app.payroll import Backpay, Request, Stated, backpay, state
from engine.diff.impact import Impact
from engine.folder import open_folder
from engine.render.payroll import corrected_ledger, statement_ledger
from tests.test_diff import DAY, NAMES, REVISIONS, ROOT, compared

PEOPLE = REVISIONS / "roster.csv"


@dataclass(frozen=True)
class Expected:
    """`month`, `year`: all that is paid, before and after. `streets`: change of the year of 东街 and 西街. `moved`: who
    fares how, by result; all others stay. `totals`: result → before and after of those with a figure on both sides."""

    kind: str
    month: tuple[int, int] = (26200, 26200)
    year: tuple[int, int] = (8500, 8500)
    yearly: int = 0
    gainers: int = 0
    open: int = 0
    streets: tuple[int, int] = (0, 0)
    moved: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    totals: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


SERVING = ("01", "02", "03", "04", "05", "06", "07", "11", "12")

EXPECTED = {
    # 300 more for nine people: 2700 a month, 12 × 2700 = 32400 a year, of them four in 东街 (4 × 3600) and five in 西街
    "raised-base": Expected(
        "参数调整",
        month=(26200, 26200 + 2700),
        yearly=32400,
        gainers=9,
        streets=(14400, 18000),
        moved={name: dict.fromkeys(SERVING, "增加") for name in ("基本工资", "月工资合计")},
        totals={"基本工资": (9 * 2000 + 200, 9 * 2300 + 200), "月工资合计": (26200, 28900)},
    ),
    # 硕士 450 less 400, 博士 600 less 400. 04 is 研究生, which the new version does not know: refused, and what 乙社区
    # shares is then open, so that of 03 the month is not known. 学历工资 of the others: 300 + 400 + 400 + 200 + 100 + 100
    # + 300 + 200 = 2000. Months known: 26200 - 3100 - 2900 = 20200; the year without 04: 8500 - 1200.
    "split-education": Expected(
        "结构变化",
        month=(20200, 20250),
        year=(7300, 7300),
        yearly=12 * 50,
        gainers=1,
        open=1,
        streets=(600, 0),
        moved={
            "学历工资": {"02": "增加", "03": "增加"},
            "绩效工资": {"03": "新信息不足"},
            "月工资合计": {"02": "增加", "03": "新信息不足"},
        },
        totals={"学历工资": (2000, 2250), "月工资合计": (20200, 20250)},
        refused=("04",),
    ),
    # over 20 and not over 30: 21 and 30 days; 20 is not over 20, 31 was over 30 before
    "moved-threshold": Expected("收紧", moved={"辞退情形": {"05": "改变", "12": "改变"}}),
    # 01 has told secrets; of 06, to whom no other ground applies, it is not known
    "seventh-ground": Expected("结构变化", moved={"辞退情形": {"01": "改变", "06": "新信息不足"}}),
    # 06 合格 the whole year: 1200; 07 优秀 five months: 1500 × 5 / 12 = 625; 辞职 still bars 08
    "deleted-exception": Expected(
        "结构变化",
        year=(8500, 8500 + 1825),
        yearly=1825,
        gainers=2,
        streets=(0, 1825),
        moved={"年终奖": {"06": "增加", "07": "增加"}},
        totals={"年终奖": (8500, 10325)},
    ),
    # the same amounts under another name: 2000 and 400 of 04
    "renamed-rule": Expected("等价改写", totals={"学历津贴": (2400, 2400)}),
    # the reading that was adopted: 11 is raised twice either way
    "reading-settled": Expected("结构变化", totals={"基本工资": (18200, 18200)}),
    # 125 × 12 = 1500, 100 × 12 = 1200; of 09 125 × 8 = 1500 × 8 / 12
    "unit-change": Expected("结构变化", totals={"年终奖": (8500, 8500)}),
}


@cache
def impact_of(name: str) -> Impact:
    found = with_impact(compared(name), Asked(roster=PEOPLE, as_of=DAY, by=("街道",)))
    assert isinstance(found, Compared)
    assert found.impact is not None, found.diagnostics
    return found.impact


def test_every_revision_is_worked_out() -> None:
    assert sorted(EXPECTED) == NAMES


def test_what_everybody_has_before() -> None:
    """The table above, person by person."""
    monthly = dict(zip(SERVING, (2950, 2800, 3100, 2900, 2700, 2650, 2600, 3800, 2700), strict=True))
    annual = dict(zip(SERVING, (1200, 1500, 1200, 1200, 0, 0, 0, 1200, 1200), strict=True))
    found = {person.id: person.sums for person in impact_of("unit-change").people}
    assert {id_: sums["月"][0] for id_, sums in found.items() if sums["月"][0]} == monthly
    assert {id_: sums["年"][0] for id_, sums in found.items()} == {**annual, "08": 0, "09": 1000, "10": 0}
    assert {sums["一次"] for sums in found.values()} == {(0, 0)}


@pytest.mark.parametrize("name", NAMES)
def test_what_a_revision_changes(name: str) -> None:
    expected, impact = EXPECTED[name], impact_of(name)
    difference = compared(name).difference
    assert difference is not None
    assert difference.kind == expected.kind
    whole = impact.whole
    assert (whole.sums["月"], whole.sums["年"], whole.sums["一次"]) == (expected.month, expected.year, (0, 0))
    assert (whole.yearly, whole.once) == (expected.yearly, 0)
    assert (whole.gain, whole.lose, whole.open) == (expected.gainers, 0, expected.open)
    assert (impact.only_old, impact.only_new) == (expected.refused, ())
    assert whole.people == 12 - len(expected.refused)
    assert tuple((part.value, part.yearly) for part in impact.parts["街道"]) == (
        ("东街", expected.streets[0]),
        ("西街", expected.streets[1]),
    )
    moved: dict[str, dict[str, str]] = {}
    for person in impact.people:
        for shift in person.changed:
            moved.setdefault(shift.name, {})[person.id] = shift.status
    assert moved == expected.moved
    totals = {total.name: (total.before, total.after) for total in impact.totals}
    assert {name: totals[name] for name in expected.totals} == expected.totals


def test_each_persons_change() -> None:
    def yearly(name: str) -> dict[str, Any]:
        return {person.id: person.yearly() for person in impact_of(name).people if person.yearly() != 0}

    assert yearly("raised-base") == dict.fromkeys(SERVING, 3600)
    assert yearly("split-education") == {"02": 600, "03": None}
    assert yearly("deleted-exception") == {"06": 1200, "07": 625}


def test_back_pay_of_what_reaches_back(tmp_path: Path) -> None:
    """Issued on 15 August, in force from 1 January; January to July were paid by what was issued on 31 July.

    300 a month: seven months for those who served all the time, and for 09, who left since; six for 08, in service until
    30 June; nothing for 07, who came in August, and for 10: 9 × 2100 + 1800 = 20700.
    """
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    shutil.copy(REVISIONS / "raised-base.yaml", tmp_path / "policies" / "jiaban-2024-33.yaml")
    folder = open_folder(tmp_path / "policies", tmp_path)
    asked = {"roster": PEOPLE, "period": "2024-01..2024-07", "policy": "jiayuguan-shequ"}
    paid = state(folder, Request(**asked, known_on=date(2024, 7, 31)))
    assert isinstance(paid, Stated)
    assert paid.statement is not None, paid.diagnostics
    ledger = tmp_path / "账.jsonl"
    ledger.write_text(statement_ledger(paid), "utf-8")
    found = backpay(folder, Request(**asked), [ledger])
    assert isinstance(found, Backpay)
    assert found.settled, found.diagnostics
    months = {**dict.fromkeys(("01", "02", "03", "04", "05", "06", "09", "11", "12"), 7), "08": 6}
    for rule in ("基本工资", "月工资合计"):
        own = {(c.id, c.period): c.change for c in found.corrections if c.rule == rule}
        assert own == {
            (id_, f"2024-{month:02}"): 300 for id_, n in months.items() for month in range(1, n + 1)
        }
        assert sum(own.values()) == 20700
    assert {c.rule for c in found.corrections} == {"基本工资", "月工资合计"}
    # what is there of 11 in July: 2200 + 300 + 500 + 300 + 500 = 3800, and 4100 is due
    july = next(c for c in found.corrections if (c.id, c.rule, c.period) == ("11", "月工资合计", "2024-07"))
    assert (july.was, july.due) == (3800, 4100)
    assert "嘉办字〔2024〕33号" in july.note
    assert "嘉办字〔2021〕47号" in july.note
    ledger.write_text(corrected_ledger(found), "utf-8")
    again = backpay(folder, Request(**asked), [ledger])
    assert isinstance(again, Backpay)
    assert (again.settled, again.corrections) == (True, ())
