"""The reference against figures worked out by hand (domain.md §5), since the engine is compared with it."""

from __future__ import annotations

import csv
import random
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from examples.generate import files, lose, workers
from tests.reference.guojia import retired_on
from tests.reference.jiaban import evaluate

DAY = date(2024, 12, 31)
OWN = {"绩效工资口径": "个人系数"}

WORKER: dict[str, Any] = {
    "工号": "JYG0000001",
    "性别": "男",
    "出生日期": "1980-03-01",
    "参加社区工作日期": "2012-06-01",
    "人员类别": "聘用制",
    "街道": "新华街道",
    "社区": "团结社区",
    "学历": "大专",
    "社会工作者职业水平证书": "无",
    "年度考核": {},
    "绩效系数": 1,
    "人员状态": "在职",
    "本年实际工作月数": 12,
    "本年病假月数": 0,
    "本年事假天数": 0,
    "工伤医疗期": False,
}


def result(readings: dict[str, str] | None = None, as_of: date = DAY, **facts: Any) -> dict[str, Any]:
    """Results of one worker; a fact given as None is missing."""
    roster = {"数据日期": as_of.isoformat(), "记录": [WORKER | facts]}
    return evaluate(roster, as_of, readings or {})["records"]["JYG0000001"]


def years(first: int, *grades: str) -> dict[str, str]:
    return {str(year): grade for year, grade in enumerate(grades, first)}


@pytest.mark.parametrize(
    ("school", "certificate", "grades", "fixed"),
    [
        pytest.param("大专", "无", {}, 2200, id="J1"),
        pytest.param("本科", "社会工作师", years(2021, "合格", "合格", "合格"), 2650, id="J2"),
        pytest.param("研究生", "高级社会工作师", years(2014, *["优秀"] * 3, *["合格"] * 7), 3500, id="J3"),
        pytest.param("本科", "助理社会工作师", years(2018, *["优秀"] * 6), 2900, id="J4"),
        pytest.param("中专", "无", years(2021, "合格", "不合格", "合格"), 2200, id="J5"),
    ],
)
@pytest.mark.parametrize("readings", [{}, OWN])
def test_monthly_pay(
    school: str, certificate: str, grades: Any, fixed: int, readings: dict[str, str]
) -> None:
    values = result(readings, 学历=school, 社会工作者职业水平证书=certificate, 年度考核=grades)["values"]
    assert values["绩效工资"] == "500.00"
    assert values["月工资合计"] == f"{fixed + 500}.00"


def test_grades_of_the_year_do_not_move_its_pay() -> None:
    grades = years(2022, "优秀", "优秀", "优秀")
    assert result(年度考核=grades)["values"]["基本工资"] == "2000.00"
    assert result(as_of=date(2025, 1, 1), 年度考核=grades)["values"]["基本工资"] == "2100.00"


@pytest.mark.parametrize(
    ("facts", "bonus"),
    [
        ({"年度考核": {"2024": "优秀"}}, "1500.00"),
        ({}, "1200.00"),
        ({"参加社区工作日期": "2024-08-01", "本年实际工作月数": 5}, "500.00"),
        (
            {
                "年度考核": {"2024": "优秀"},
                "人员状态": "退休",
                "离岗日期": "2024-09-01",
                "本年实际工作月数": 8,
            },
            "1000.00",
        ),
        ({"人员状态": "辞职", "离岗日期": "2024-09-01"}, "0.00"),
        ({"人员状态": "辞退", "离岗日期": "2024-09-01"}, "0.00"),
        ({"本年病假月数": 7}, "0.00"),
        ({"本年病假月数": 6}, "1200.00"),
        ({"本年病假月数": 6.5}, "0.00"),
        ({"本年病假月数": 7, "工伤医疗期": True}, "1200.00"),
        ({"本年事假天数": 30}, "1200.00"),
        ({"本年事假天数": 30.5}, "0.00"),
        ({"本年事假天数": 30.5, "工伤医疗期": True}, "0.00"),
        ({"年度考核": {"2024": "基本合格"}}, "0.00"),
        ({"年度考核": {"2024": "不合格"}}, "0.00"),
    ],
)
def test_year_end_bonus(facts: dict[str, Any], bonus: str) -> None:
    assert result(**({"年度考核": {"2024": "合格"}} | facts))["values"]["年终奖"] == bonus


@pytest.mark.parametrize(
    ("facts", "open_"),
    [
        ({}, {"年度考核[2024]"}),
        ({"本年实际工作月数": None}, {"年度考核[2024]", "本年实际工作月数"}),
        ({"年度考核": {"2024": "合格"}, "本年病假月数": 7, "工伤医疗期": None}, {"工伤医疗期"}),
        ({"年度考核": {"2024": "合格"}, "本年病假月数": None, "工伤医疗期": True}, set()),
        ({"年度考核": {"2024": "不合格"}, "本年病假月数": None}, set()),
        ({"本年病假月数": None}, {"本年病假月数", "年度考核[2024]"}),
        ({"人员状态": "合同终止", "离岗日期": "2024-09-01"}, {"年度考核[2024]"}),
    ],
)
def test_bonus_left_open(facts: dict[str, Any], open_: set[str]) -> None:
    assert result(**facts)["unknown"].get("年终奖", set()) == open_


@pytest.mark.parametrize(
    ("joined", "as_of", "twenty", "thirty"),
    [
        ("2004-12-31", "2024-12-30", "0.00", "0.00"),
        ("2004-12-31", "2024-12-31", "5000.00", "0.00"),
        ("1994-12-31", "2024-12-31", "5000.00", "10000.00"),
        ("2004-02-29", "2024-02-29", "5000.00", "0.00"),
        ("1992-02-29", "2022-02-28", "5000.00", "0.00"),
        ("1992-02-29", "2022-03-01", "5000.00", "10000.00"),
        ("1990-01-01", "2021-05-26", "0.00", "0.00"),
        ("1990-01-01", "2021-05-27", "5000.00", "10000.00"),
    ],
)
def test_long_service(joined: str, as_of: str, twenty: str, thirty: str) -> None:
    values = result(as_of=date.fromisoformat(as_of), 参加社区工作日期=joined)["values"]
    assert (values["满20年奖励"], values["满30年奖励"]) == (twenty, thirty)


@pytest.mark.parametrize(
    ("facts", "award"),
    [
        ({"社会工作者职业水平证书": "中级", "证书取得日期": "2021-05-27"}, "1000.00"),
        ({"社会工作者职业水平证书": "中级", "证书取得日期": "2021-05-26"}, "0.00"),
        ({"社会工作者职业水平证书": "初级"}, "0.00"),
        ({"社会工作者职业水平证书": "高级", "人员类别": "事业编制", "证书取得日期": "2024-12-31"}, "1000.00"),
        ({"社会工作者职业水平证书": "高级", "证书取得日期": "2025-01-01"}, "0.00"),
    ],
)
def test_certificate_award(facts: dict[str, Any], award: str) -> None:
    assert result(**facts)["values"]["取证奖励"] == award


def test_award_without_its_date_is_open() -> None:
    assert result(社会工作者职业水平证书="中级")["unknown"]["取证奖励"] == {"证书取得日期"}


def test_only_contract_workers_are_paid_by_this_measure() -> None:
    outside = result(人员类别="事业编制")["not_applicable"]
    assert {"基本工资", "月工资合计", "年终奖", "辞退情形", "满20年奖励"} <= outside
    assert "社区工作年限" not in outside


@pytest.mark.parametrize(
    ("facts", "grounds"),
    [
        ({"连续旷工工作日": 15, "本年累计旷工工作日": 30}, []),
        ({"连续旷工工作日": 16, "本年累计旷工工作日": 16}, ["二"]),
        ({"连续旷工工作日": 10, "本年累计旷工工作日": 31}, ["二"]),
        ({"年度考核": years(2022, "不合格", "不合格", "未定等次")}, ["五"]),
        ({"年度考核": years(2022, "不合格", "未定等次", "不合格")}, []),
        ({"年度考核": years(2022, "不合格", "不合格", "合格")}, []),
        ({"受刑事处罚": True, "严重违反规章制度": None}, ["一"]),
    ],
)
def test_dismissal(facts: dict[str, Any], grounds: list[str]) -> None:
    none = dict.fromkeys(
        [
            "受刑事处罚",
            "严重违反规章制度",
            "经培训或调岗仍不能胜任",
            "严重失误失职造成重大损害",
            "其他应予辞退情形",
        ],
        False,
    )
    found = result(**(none | {"连续旷工工作日": 0, "本年累计旷工工作日": 0} | facts))
    assert found["values"]["辞退情形"] == grounds
    assert "辞退情形" not in found["unknown"]


def test_pool_is_shared_to_the_fen() -> None:
    people = [
        WORKER | {"工号": "A", "绩效系数": 1},
        WORKER | {"工号": "B", "绩效系数": 1},
        WORKER | {"工号": "C", "绩效系数": 1.001},
        WORKER | {"工号": "D", "绩效系数": 7, "人员类别": "事业编制"},
    ]
    found = evaluate({"数据日期": "2024-12-31", "记录": people}, DAY, {})
    shares = [found["records"][id_]["values"].get("绩效工资") for id_ in "ABCD"]
    # 1500 / 3.001 = 499.83338…, times 1.001 = 500.33322…: one fen is left, A and B tie for it, A comes first
    assert shares == ["499.84", "499.83", "500.33", None]


def test_a_missing_factor_leaves_the_whole_pool_open() -> None:
    people = [WORKER | {"工号": "A"}, WORKER | {"工号": "B", "绩效系数": None}]
    found = evaluate({"数据日期": "2024-12-31", "记录": people}, DAY, {})["records"]
    assert found["A"]["unknown"]["绩效工资"] == {"B.绩效系数"}
    assert found["B"]["unknown"]["绩效工资"] == {"绩效系数"}


def test_a_row_that_cannot_be_read_leaves_its_groups_open() -> None:
    people = [
        WORKER | {"工号": "A"},
        WORKER | {"工号": "B", "学历": "大砖"},
        WORKER | {"工号": "C", "社区": "永乐社区"},
        WORKER | {"工号": "D", "社区": "湖滨社区", "街道": "东湖街道"},
    ]
    found = evaluate({"数据日期": "2024-12-31", "记录": people}, DAY, {})
    assert found["records"]["A"]["unknown"]["绩效工资"] == {"名册第 2 行"}
    assert found["records"]["C"]["values"]["绩效工资"] == "500.00"
    staffing = {group["group"]["街道"]: group for group in found["groups"] if group["rule"] == "优秀比例"}
    assert staffing["新华街道"]["unknown"]["优秀"] == {"名册第 2 行"}
    assert staffing["东湖街道"]["values"] == {"人数": 1, "优秀": 0, "上限": 0, "结论": True}


def test_posts_of_a_street() -> None:
    people = [WORKER | {"工号": str(number)} for number in range(20)]
    units = {"街道": {"新华街道": {"社区数": 1, "批准增加名额": 2}}}
    found = evaluate({"数据日期": "2024-12-31", "记录": people, "单位": units}, DAY, {})["groups"]
    values = {group["rule"]: group["values"] for group in found}
    assert values["街道定员"] == {"人数": 20, "社区数": 1, "定员": 18, "差额": -2, "结论": False}
    assert values["社区定员"] == {"人数": 20, "定员": 16, "差额": -4, "结论": False}
    assert values["空缺数"] == {"值": 0}
    assert values["绩效工资分配"] == {"总额": "10000.00", "分配": "10000.00"}


def test_retirement_by_the_published_rows() -> None:
    bases = {"男60": 60, "女55": 55, "女50": 50}
    path = Path(__file__).parent / "vectors" / "retirement-2025.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            born = date.fromisoformat(row["birth_ym"] + "-01")
            due = date(int(row["retire_year"]), int(row["retire_month"]), 1)
            assert retired_on(born, bases[row["category"]], date(2025, 1, 1)) == due, row


def outcome(found: dict[str, Any], id_: str, name: str) -> Any:
    """Value, 「不适用」, or the set of missing facts."""
    record = found["records"][id_]
    return record["unknown"].get(name, record["values"].get(name, "不适用"))


def restored(roster: dict[str, Any], complete: dict[str, Any], id_: str, facts: set[str]) -> dict[str, Any]:
    """The roster with the facts that one result waits for, as they are in the complete one."""
    rows = [dict(row) for row in roster["记录"]]
    number = {row["工号"]: place for place, row in enumerate(rows)}
    for fact in facts:
        whose, _, name = fact.rpartition(".")
        place = number[whose or id_]
        if name in complete["记录"][place]:
            rows[place][name] = complete["记录"][place][name]
    return roster | {"记录": rows}


@pytest.mark.parametrize("seed", range(4))
def test_missing_facts_are_sound_and_suffice(seed: int) -> None:
    """What is decided without a fact stays so with it; what is open is decided with the facts named."""
    complete = workers(120, seed=seed, missing_rate=0.0)
    rng = random.Random(seed)
    lossy = complete | {"记录": [lose(rng, row, 0.08) for row in complete["记录"]]}
    before, after = evaluate(lossy, DAY), evaluate(complete, DAY)
    open_ = []
    for id_, record in before["records"].items():
        for name in [*record["values"], *record["not_applicable"], *record["unknown"]]:
            if name == "档案完整":  # asks what is missing
                continue
            if name not in record["unknown"]:
                assert outcome(before, id_, name) == outcome(after, id_, name), (id_, name)
            elif not any(fact.startswith("名册第") for fact in record["unknown"][name]):
                open_.append((id_, name, record["unknown"][name]))
    for id_, name, _ in rng.sample(open_, 20):
        asked: set[str] = set()
        found = before
        for _ in range(4):  # who is covered may have to be known before the rest is asked for
            asked |= found["records"][id_]["unknown"].get(name, set())
            found = evaluate(restored(lossy, complete, id_, asked), DAY)
        assert outcome(found, id_, name) == outcome(after, id_, name), (id_, name, asked)


def test_example_rosters_are_what_the_generator_writes() -> None:
    folder = Path(__file__).parent.parent / "examples"
    for name, content in files().items():
        kept = (folder / name).read_bytes()
        if name.endswith(".xlsx"):  # how tightly a workbook is packed differs between machines
            kept, content = unpacked(kept), unpacked(content)
        assert kept == content, f"run python examples/generate.py: {name}"


def unpacked(raw: bytes) -> bytes:
    with ZipFile(BytesIO(raw)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())
