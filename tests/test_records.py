"""Rosters: every rule of the reader, file by file, and the laws that hold for any bytes and any cells."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.diagnostics import Diagnostic
from engine.loader import load
from engine.policy import Policy
from engine.records.formats import credit_check, identity_check
from engine.records.model import DatedFact, Roster
from engine.records.reader import read_roster, read_roster_bytes, roster_of
from engine.records.record_schema import record_schema
from engine.source import SourceText
from engine.values import Rows, Series, Unknown
from engine.yaml_nodes import read_text

ROOT = Path(__file__).parent.parent

POLICY = """
格式: 1
政策: {编号: shili-2020, 名称: 示例, 施行: 2020-01-01, 标识: 编号}
选项组:
  等次: {选项: [差, 中, 优], 有序: 是, 别名: {良好: 中}}
字段:
  编号: {类型: 文字}
  姓名: {类型: 文字, 用途: 登记, 列名: [名字, 员工姓名]}
  部门: {类型: 文字}
  级别: {选项: [一级, 二级（试）, 三级], 有序: 是, 别名: {初级: 一级}}
  入职日: {类型: 日期}
  期内日: {类型: 日期, 范围: [2020-01-01, 2020-12-31]}
  月数: {类型: 整数, 范围: [0, 12]}
  系数: {类型: 数, 小数位: 3, 范围: [0, ~]}
  差数: {类型: 数}
  在岗: {类型: 是否}
  考评: {类型: 逐年, 值: 等次, 列名: [评定]}
  次数表: {类型: 逐年, 值: 整数}
  请假: {类型: 记录, 栏目: {类别: {选项: [病, 事]}, 起: {类型: 日期}, 天数: {类型: 数, 小数位: 1}, 扣发: {类型: 是否, 缺省: 否}}}
  职务: {类型: 记录, 栏目: {职名: {选项: [书记, 主任, 委员]}}}
  出生: {类型: 日期}
  男女: {选项: [男, 女]}
  证号: {类型: 文字, 格式: 居民身份证号, 对照: {出生: 出生, 性别: 男女}, 用途: 登记}
  电话: {类型: 文字, 格式: 手机号码, 用途: 登记}
  信用: {类型: 文字, 格式: 统一社会信用代码, 用途: 登记}
  名额: {类型: 整数, 对象: 部门, 范围: [0, 100]}
  编制: {类型: 整数, 对象: 部门}
"""


def _policy() -> Policy:
    policy, diagnostics = load(SourceText("示例.yaml", POLICY))
    assert policy is not None, diagnostics
    return policy


P = _policy()

Result = tuple[Roster | None, list[Diagnostic]]


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def of_json(text: str | bytes) -> Result:
    return read_roster_bytes(text.encode() if isinstance(text, str) else text, "名册.json", ".json", P)


def of_csv(text: str | bytes) -> Result:
    return read_roster_bytes(text.encode() if isinstance(text, str) else text, "名册.csv", ".csv", P)


def of_yaml(text: str) -> Result:
    return read_roster_bytes(text.encode(), "名册.yaml", ".yaml", P)


def record(**facts: Any) -> Result:
    """One record of a list, with a 标识, through JSON."""
    return of_json(json_bytes([{"编号": "A1", **facts}]))


def codes(found: Result) -> list[str]:
    return [d.code for d in found[1]]


def facts(found: Result) -> dict[str, Any]:
    roster, diagnostics = found
    assert roster is not None
    assert len(roster.records) == 1, diagnostics
    return {name: fact for name, fact in roster.records[0].facts.items() if name != "编号"}


IDENTITY = "62999919800229001" + identity_check("62999919800229001")
WOMAN = "62999919800229002" + identity_check("62999919800229002")
CREDIT = "91620200MA0000000" + credit_check("91620200MA0000000")


# --- values

GOOD = [
    ("姓名", " 张三　", "张三"),
    ("姓名", "", None),
    ("姓名", " 　", None),
    ("姓名", None, None),
    ("姓名", 1001, "1001"),
    ("姓名", 10.5, "10.5"),
    ("级别", "一级", "一级"),
    ("级别", "初级", "一级"),
    ("级别", " 二级(试)", "二级（试）"),
    ("入职日", "2021-05-27", date(2021, 5, 27)),
    ("入职日", "2021/5/27", date(2021, 5, 27)),
    ("入职日", "2021.5.27", date(2021, 5, 27)),
    ("入职日", "２０２１年5月27日", date(2021, 5, 27)),
    ("月数", 12, 12),
    ("月数", "１２", 12),
    ("月数", "12.0", 12),
    ("系数", 0.782, Fraction("0.782")),
    ("系数", "1.0620", Fraction("1.062")),
    ("差数", "-0.5", Fraction(-1, 2)),
    ("差数", "+3", 3),
    ("在岗", True, True),
    ("在岗", "否", False),
    ("在岗", "TRUE", True),
    ("在岗", "false", False),
    ("考评", {"2021": "优", "2020": "良好", "2022": None}, Series(((2020, "中"), (2021, "优")), "考评")),
    ("考评", {"2021年": "优"}, Series(((2021, "优"),), "考评")),
    ("考评", {}, Series((), "考评")),
    ("考评", {"2021": ""}, Series((), "考评")),
    ("考评", None, None),
    ("次数表", {"2021": 3}, Series(((2021, 3),), "次数表")),
    ("职务", "书记、主任", Rows(({"职名": "书记"}, {"职名": "主任"}), "职务")),
    ("职务", "书记;委员", Rows(({"职名": "书记"}, {"职名": "委员"}), "职务")),
    ("职务", ["书记"], Rows(({"职名": "书记"},), "职务")),
    ("职务", [], Rows((), "职务")),
    (
        "请假",
        [{"类别": "病", "起": "2021-05-01", "天数": 1.5, "扣发": True}, {"类别": "事", "起": ""}],
        Rows(
            (
                {"类别": "病", "起": date(2021, 5, 1), "天数": Fraction(3, 2), "扣发": True},
                {
                    "类别": "事",
                    "起": Unknown(("请假[2].起",)),
                    "天数": Unknown(("请假[2].天数",)),
                    "扣发": False,
                },
            ),
            "请假",
        ),
    ),
    (
        "级别",
        {"2023-07-01": "三级", "2018/7/1": "初级", "2024-01-01": None},
        DatedFact(((date(2018, 7, 1), "一级"), (date(2023, 7, 1), "三级"), (date(2024, 1, 1), None))),
    ),
    ("级别", {}, None),
    ("证号", IDENTITY.lower(), IDENTITY),
    ("电话", "13800000000", "13800000000"),
    ("电话", 13800000000, "13800000000"),
    ("信用", CREDIT.lower(), CREDIT),
]


@pytest.mark.parametrize(("name", "raw", "fact"), GOOD)
def test_a_value_is_read(name: str, raw: Any, fact: Any) -> None:
    found = record(**{name: raw})
    assert found[1] == []
    assert facts(found) == ({} if fact is None else {name: fact})
    value = facts(found).get(name)
    assert type(value) is type(fact)


BAD = [
    ("姓名", "a\x07b", "E702", "U+0007", ""),
    ("姓名", True, "E702", "不是文字", ""),
    ("姓名", 620000000000000000, "E702", "位数可能已经丢失", "加上引号"),
    ("姓名", ["甲"], "E705", "应为一个值", ""),
    ("级别", "一吉级", "E702", "「级别」的值「一吉级」不在选项之中", "可填：一级、二级（试）、三级"),
    ("级别", "初及", "E702", "不在选项之中", "是否想写「初级」"),
    ("入职日", "2021-02-30", "E702", "不是日历上的日期", ""),
    ("入职日", "二〇二一年", "E702", "不是日期", "2021年5月27日"),
    ("入职日", 44343, "E702", "不是日期", ""),
    ("期内日", "2021-01-01", "E702", "不在 2020-01-01 到 2020-12-31 之间", ""),
    ("月数", 13, "E702", "「月数」的值「13」不在 0 到 12 之间", ""),
    ("月数", "2.5", "E702", "不是整数", ""),
    ("月数", "12月", "E702", "不是整数", "不写单位"),
    ("系数", "1.0625", "E702", "多于 3 位小数", ""),
    ("系数", -1, "E702", "小于 0", "应不小于 0"),
    ("差数", "1,234.5", "E702", "千位分隔符", "去掉逗号"),
    ("差数", "20%", "E702", "百分数", "0.2"),
    ("差数", "1/3", "E702", "不是数", ""),
    ("差数", "9" * 5000, "E702", "超过 40 位数字", ""),
    ("差数", False, "E702", "不是数", ""),
    ("在岗", "也许", "E702", "不是「是」或「否」", ""),
    ("在岗", 1, "E702", "不是「是」或「否」", ""),
    ("考评", "优", "E705", "按年填写", "2023考评"),
    ("考评", {"去年": "优"}, "E702", "「去年」不是年份", ""),
    ("考评", {"2021": "忧"}, "E702", "「2021考评」的值「忧」不在选项之中", "可填：差、中、优"),
    ("考评", {"2021": {"优": 1}}, "E705", "应为一个值", ""),
    ("考评", {"2021": "优", "2021年": "优"}, "E705", "「2021考评」写了两次", ""),
    ("请假", "三天", "E705", "若干行记录", "栏目"),
    ("请假", {"类别": "病"}, "E705", "若干行记录", ""),
    ("请假", [None], "E705", "一行记录", ""),
    ("请假", [{"类别": "婚"}], "E702", "「请假[1].类别」的值「婚」不在选项之中", ""),
    ("请假", [{"起": {"2020-01-01": "2020-01-01"}}], "E705", "应为一个值", ""),
    ("职务", "书记、主人", "E702", "「职务[2].职名」的值「主人」", "是否想写「主任」"),
    ("级别", {"七月": "一级"}, "E702", "「七月」不是日期", ""),
    ("级别", {"2018-07-01": "甲级"}, "E702", "「甲级」不在选项之中", ""),
    ("级别", {"2018-07-01": "一级", "2018/7/1": "一级"}, "E705", "写了两次", ""),
    ("证号", IDENTITY[:-1] + ("0" if IDENTITY[-1] != "0" else "1"), "E706", "校验码不符", ""),
    ("证号", "629999198002300013", "E706", "「19800230」不是日历上的日期", ""),
    ("证号", "62999980022900", "E702", "不是居民身份证号", "18 位"),
    ("证号", 629999198002290013, "E702", "位数可能已经丢失", ""),
    ("电话", "12800000000", "E702", "不是手机号码", "11 位"),
    ("信用", CREDIT[:-1] + ("0" if CREDIT[-1] != "0" else "1"), "E706", "校验码不符", ""),
    ("信用", "I" * 18, "E702", "不是统一社会信用代码", ""),
]


@pytest.mark.parametrize(("name", "raw", "code", "said", "hint"), BAD)
def test_a_bad_value_leaves_the_row_out_and_says_why(
    name: str, raw: Any, code: str, said: str, hint: str
) -> None:
    roster, diagnostics = record(**{name: raw, "部门": "甲部"})
    assert roster is not None
    assert [d.code for d in diagnostics] == [code]
    assert diagnostics[0].message.startswith("第 1 条（A1）")
    assert said in diagnostics[0].message
    assert not diagnostics[0].message.endswith("。")
    assert hint in diagnostics[0].hint
    assert str(diagnostics[0].place).startswith("名册.json:记录 1.")
    (row,) = roster.rejected
    assert (row.id, row.row, dict(row.facts)) == ("A1", 1, {"编号": "A1", "部门": "甲部"})


def test_numbers_of_json_are_exact_and_never_raise() -> None:
    found = of_json('[{"编号": 1001, "差数": 0.1000000000000000055511151231257827}]')
    assert facts(found) == {"差数": Fraction("0.1000000000000000055511151231257827")}
    assert found[0] is not None
    assert found[0].records[0].id == "1001"
    for written in ("1e3", "NaN", "-Infinity", "9" * 10_000):
        assert codes(of_json(f'[{{"编号": "1", "差数": {written}}}]')) == ["E702"]
        assert codes(of_json(f'[{{"编号": "1", "姓名": {written}}}]')) == ["E702"]


def test_every_problem_of_a_row_in_one_run() -> None:
    found = record(级别="甲", 月数=13, 入职日="x", 考评={"2020": "?", "2021": "??"})
    assert codes(found) == ["E702"] * 5


def test_values_in_place_are_read_as_if_written() -> None:
    rows = [
        {"编号": "1", "月数": 3, "系数": Decimal("0.5"), "在岗": True, "考评": {2023: "优"}},
        {"编号": "2", "月数": 10**5000, "系数": Decimal("1e-999999"), "入职日": date(2020, 1, 2)},
    ]
    roster, diagnostics = roster_of(rows, {"部门": {"甲": {"名额": "2"}}}, date(2024, 1, 1), P, "在此")
    assert roster is not None
    assert [d.code for d in diagnostics] == ["E702", "E702"]
    assert roster.records[0].facts == {
        "编号": "1",
        "月数": 3,
        "系数": Fraction(1, 2),
        "在岗": True,
        "考评": Series(((2023, "优"),), "考评"),
    }
    assert (roster.data_date, roster.units) == (date(2024, 1, 1), {"部门": {"甲": {"名额": 2}}})


def test_a_lone_record_in_place_needs_no_id() -> None:
    roster, diagnostics = roster_of([{"月数": "3"}], {}, None, P, "用例")
    assert (diagnostics, roster and roster.records[0].id) == ([], "记录 1")
    assert codes(roster_of([{"月数": "3"}] * 2, {}, None, P, "用例")) == ["E704", "E704"]
    assert codes(roster_of(["月数"], {}, None, P, "用例")) == ["E705"]
    empty, diagnostics = roster_of([], {"部门": {"甲": {"名额": 1}}}, None, P, "用例")
    assert (diagnostics, empty and empty.read) == ([], 0)


# --- rows


def test_ids_missing_and_twice() -> None:
    found = of_json(
        json_bytes([{"编号": "A1"}, {"编号": ""}, {"月数": 1}, {"编号": "Ａ1 ", "月数": 99}, {"编号": "B"}])
    )
    roster, diagnostics = found
    assert roster is not None
    assert [r.id for r in roster.records] == ["B"]
    assert [(r.id, r.row) for r in roster.rejected] == [("A1", 1), (None, 2), (None, 3), ("A1", 4)]
    assert codes(found) == ["E703", "E704", "E704", "E702", "E703"]
    assert diagnostics[0].message == "第 1 条「编号」「A1」重复，另见第 4 条"
    assert str(diagnostics[0].related[0][1]) == "名册.json:记录 4"


def test_identity_number_against_other_fields() -> None:
    assert record(证号=IDENTITY, 出生="1980-02-29", 男女="男")[1] == []
    assert record(证号=IDENTITY)[1] == []
    found = record(证号=WOMAN, 出生="1980-03-01", 男女="男")
    assert [d.message for d in found[1]] == [
        f"第 1 条（A1）「证号」的值「{WOMAN}」里的出生日期是 1980-02-29，「出生」填的是 1980-03-01",
        f"第 1 条（A1）「证号」的值「{WOMAN}」里的性别是 女，「男女」填的是 男",
    ]
    assert codes(found) == ["E706", "E706"]


def test_headings_and_their_other_names() -> None:
    assert facts(record(名字="张三")) == {"姓名": "张三"}
    assert facts(record(**{"　姓名 ": "张三"})) == {"姓名": "张三"}
    for both in ({"姓名": "甲", "名字": "甲"}, {"名字": "甲", "员工姓名": "乙"}):
        assert codes(record(**both)) == ["E705"]
    assert facts(record(**{"2020评定": "优", "2021年考评": "", "2019考评": "差"})) == {
        "考评": Series(((2019, "差"), (2020, "优")), "考评")
    }
    assert codes(record(**{"2020评定": "优", "2020考评": "优"})) == ["E705"]
    assert codes(record(**{"2020考评": "优", "考评": {"2021": "优"}})) == ["E705"]
    assert codes(record(**{"考评": {"2021": "优"}, "2020考评": "优"})) == ["E705"]


def test_an_unknown_column_is_one_warning() -> None:
    rows = [
        {"编号": str(n), "入职曰": "2020-01-01", "请假": [{"天树": 1}], "2021月数": 1, "其他": n}
        for n in range(9)
    ]
    roster, diagnostics = of_json(json_bytes(rows))
    assert roster is not None
    assert len(roster.records) == 9
    assert [(d.code, d.message, d.hint) for d in diagnostics] == [
        ("W801", "列「入职曰」不是本政策的字段，没有读取", "是否想写「入职日」？"),
        ("W801", "列「2021月数」不是本政策的字段，没有读取", "是否想写「月数」？"),
        ("W801", "列「其他」不是本政策的字段，没有读取", ""),
        ("W801", "列「天树」不是「请假」的栏目，没有读取", "是否想写「天数」？"),
    ]


def test_unknown_columns_are_bounded() -> None:
    found = of_json(json_bytes([{"编号": str(n), f"列{n}" * 50: 1} for n in range(300)]))
    assert codes(found) == ["W801"] * 101


@pytest.mark.parametrize("raw", ["3", "null", '"甲"', "[]", "[1]"])
def test_what_is_no_record(raw: str) -> None:
    roster, diagnostics = of_json(f'[{{"编号": "1"}}, {raw}]')
    assert roster is not None
    assert [(r.id, r.row) for r in roster.rejected] == [(None, 2)]
    assert [d.code for d in diagnostics] == ["E705"]
    assert str(diagnostics[0].place) == "名册.json:记录 2"


# --- units


def units(text: Any, *rows: dict[str, Any]) -> Result:
    return of_json(
        json_bytes({"记录": [{"编号": str(n), **row} for n, row in enumerate(rows)], "单位": text})
    )


def test_facts_of_units() -> None:
    roster, diagnostics = units(
        {"部门": {"甲（东）": {"名额": 2, "编制": {"2020-01-01": 3}}, "乙": None}}, {"部门": "甲(东)"}
    )
    assert diagnostics == []
    assert roster is not None
    assert roster.records[0].facts["部门"] in roster.units["部门"]
    (first, second) = roster.units["部门"].values()
    assert (first, second) == ({"名额": 2, "编制": DatedFact(((date(2020, 1, 1), 3),))}, {})


@pytest.mark.parametrize(
    ("raw", "code", "where", "said"),
    [
        ({"部们": {}}, "W801", "单位.部们", "部们"),
        ({"部门": {"甲": {"名领": 1}}}, "W801", "单位.部门.甲.名领", "不是部门的字段"),
        ({"部门": {"甲": {"月数": 1}}}, "W801", "单位.部门.甲.月数", "不是部门的字段"),
        ({"部门": {"甲": {"名额": 101}}}, "E702", "单位.部门.甲.名额", "不在 0 到 100 之间"),
        ({"部门": {"甲": 3}}, "E705", "单位.部门.甲", "应为"),
        ({"部门": {"甲": {}, "甲 ": {}}}, "E705", "单位.部门.甲", "写了两次"),
        ({"部门": [1]}, "E705", "单位.部门", "应为"),
        ([], "E705", "单位", "应为"),
    ],
)
def test_mistakes_in_units(raw: Any, code: str, where: str, said: str) -> None:
    roster, diagnostics = units(raw, {})
    assert roster is not None
    assert len(roster.records) == 1
    assert [(d.code, d.place and d.place.locator) for d in diagnostics] == [(code, where)]
    assert said in diagnostics[0].message
    assert not any(f for kind in roster.units.values() for f in kind.values())


def test_unit_facts_in_records_belong_to_the_unit() -> None:
    roster, diagnostics = of_csv("编号,部门,名额\n1,甲,2\n2,甲,\n3,甲,2\n4,,5\n5,乙,3\n6,乙,4\n")
    assert roster is not None
    assert roster.units == {"部门": {"甲": {"名额": 2}, "乙": {}}}
    assert roster.records[3].facts["名额"] == 5
    assert [(d.code, d.message) for d in diagnostics] == [("E702", "部门「乙」的「名额」有不同的值：3，4")]
    assert [str(place) for _, place in diagnostics[0].related] == ["名册.csv:6", "名册.csv:7"]


def test_unit_facts_of_records_and_units_differ() -> None:
    roster, diagnostics = units({"部门": {"甲": {"名额": 2}}}, {"部门": "甲", "名额": 3})
    assert roster is not None
    assert [d.code for d in diagnostics] == ["E702"]
    assert roster.units == {"部门": {"甲": {}}}


# --- JSON


def test_shapes_of_json() -> None:
    container = {"数据日期": "2024年12月31日", "记录": [{"编号": "1"}], "单位": None, "备注": "x"}
    roster, diagnostics = of_json(json_bytes(container))
    assert roster is not None
    assert (roster.data_date, roster.single, roster.read) == (date(2024, 12, 31), False, 1)
    assert [(d.code, d.message) for d in diagnostics] == [("W801", "「备注」不是名册的内容，没有读取")]
    roster, diagnostics = of_json('{"月数": 3, "数据日期": "2024-12-31"}')
    assert roster is not None
    assert diagnostics == []
    assert (roster.single, roster.data_date, roster.records[0].facts) == (
        True,
        date(2024, 12, 31),
        {"月数": 3},
    )
    single = of_json('{"编号": "1", "月数": 30}')
    assert single[1][0].message == "（1）「月数」的值「30」不在 0 到 12 之间"
    assert str(single[1][0].place) == "名册.json:月数"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "文件是空的"),
        (b" \n", "文件是空的"),
        (b"[]", "没有记录"),
        (b"3", "应为记录的列表"),
        (b"null", "应为记录的列表"),
        ('{"记录": {}}'.encode(), "「记录」应为列表"),
        ('{"记录": []}'.encode(), "没有记录"),
        ('{"记录": [], "记录": []}'.encode(), "「记录」写了两次"),
        ('{"单位": {}}'.encode(), "没有写「记录」"),
        ('{"记录": [{}], "数据日期": "去年"}'.encode(), "「数据日期」的值「去年」不是日期"),
        (b"[{}", "缺少逗号，或括号没有写完"),
        (b"[{},]", "这里应有一个值"),
        (b"[] []", "后面还有内容"),
        ("[".encode("utf-16"), "不是 UTF-8"),
        (b"[" * 200_000, "嵌套超过"),
        (b'{"a":' * 200_000, "嵌套超过"),
    ],
)
def test_json_that_is_no_roster(raw: bytes, said: str) -> None:
    roster, diagnostics = of_json(raw)
    assert roster is None
    assert [d.code for d in diagnostics] == ["E701"]
    assert said in diagnostics[0].message


def test_a_key_twice_leaves_the_record_out() -> None:
    roster, diagnostics = of_json('[{"编号": "1", "月数": 1, "月数": 2}, {"编号": "2"}]')
    assert roster is not None
    assert [(d.code, d.message) for d in diagnostics] == [("E705", "第 1 条（1）「月数」写了两次")]
    assert dict(roster.rejected[0].facts) == {"编号": "1"}
    assert codes(of_json('[{"编号": "1", "考评": {"2020": "优", "2020": "优"}}]')) == ["E705"]
    assert codes(of_json('[{"编号": "1", "编号": "1"}]')) == ["E705"]


def test_halves_of_characters_are_refused() -> None:
    assert codes(of_json('[{"编号": "1", "姓名": "\\ud800"}]')) == ["E702"]
    assert facts(of_json('[{"编号": "1", "姓名": "\\ud842\\udfb7"}]')) == {"姓名": "𠮷"}


# --- YAML


def test_yaml_is_read_like_json() -> None:
    found = of_yaml("- {编号: 007, 在岗: 是, 考评: {2020: 优}, 姓名: ~, 电话: 13800000000}\n")
    assert found[1] == []
    assert facts(found) == {"在岗": True, "考评": Series(((2020, "优"),), "考评"), "电话": "13800000000"}
    assert found[0] is not None
    assert found[0].records[0].id == "007"
    bad = of_yaml("数据日期: 2024-12-31\n记录:\n  - 编号: 1\n    月数: 13\n")
    assert [str(d.place) for d in bad[1]] == ["名册.yaml:3:记录 1.月数"]


def test_yaml_mistakes() -> None:
    roster, diagnostics = of_yaml("- {编号: 1, 月数: 1, 月数: 2}\n- {编号: 2}\n")
    assert roster is not None
    assert [r.row for r in roster.rejected] == [1]
    assert [(d.code, d.message) for d in diagnostics] == [("E705", "第 1 条（1）「月数」写了两次")]
    for text in ("", "a: [", "&a 1", "记录: [{}]\n记录: [{}]\n", "只有一句话", "- {编号: 1}\n---\n- 2\n"):
        roster, diagnostics = of_yaml(text)
        assert roster is None
        assert {d.code for d in diagnostics} == {"E701"}


# --- CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("mark", [",", "\t", ";", "；"])
def test_csv_encodings_and_separators(encoding: str, mark: str) -> None:
    text = mark.join(("编号", "姓名", "2020考评")) + "\r\n" + mark.join(("1", "张三", "优")) + "\r\n"
    found = of_csv(text.encode(encoding))
    assert found[1] == []
    assert facts(found) == {"姓名": "张三", "考评": Series(((2020, "优"),), "考评")}


def test_csv_lines_quotes_and_blank_rows() -> None:
    roster, diagnostics = of_csv('\n编号,姓名,月数\n1,"张\n三",1\n,,\n\n2,"李,四",99\n3,王五,2,\n')
    assert roster is not None
    assert [(r.row, r.facts["姓名"]) for r in roster.records] == [(3, "张\n三"), (8, "王五")]
    assert [(r.row, r.id) for r in roster.rejected] == [(7, "2")]
    assert [(str(d.place), d.message) for d in diagnostics] == [
        ("名册.csv:7:月数", "第 7 行（2）「月数」的值「99」不在 0 到 12 之间")
    ]


def test_csv_rows_of_another_length() -> None:
    roster, diagnostics = of_csv("编号,姓名,月数\n1,甲\n2,乙,1,多\n3,丙,1,,\n")
    assert roster is not None
    assert [(r.row, dict(r.facts)) for r in roster.rejected] == [(2, {}), (3, {})]
    assert [(d.code, d.message) for d in diagnostics] == [
        ("E705", "第 2 行有 2 格，少于表头的 3 列"),
        ("E705", "第 3 行有 4 格，多于表头的 3 列"),
    ]


def test_csv_series_and_rows() -> None:
    roster, diagnostics = of_csv("编号,2020考评,2021年考评,职务\n1,优,,书记、主任\n2,,,\n")
    assert diagnostics == []
    assert roster is not None
    first, second = (dict(r.facts) for r in roster.records)
    assert first["考评"] == Series(((2020, "优"),), "考评")
    assert len(first["职务"].rows) == 2
    assert second == {"编号": "2", "考评": Series((), "考评")}
    assert "考评" not in facts(of_csv("编号,月数\n1,1\n"))


def test_csv_unknown_and_unnamed_columns() -> None:
    roster, diagnostics = of_csv("编号,月树,,姓名\n1,2,x,甲\n2,2,y,乙\n")
    assert roster is not None
    assert len(roster.records) == 2
    assert [(d.code, str(d.place), d.message) for d in diagnostics] == [
        ("W801", "名册.csv:1", "第 3 列没有列名，没有读取"),
        ("W801", "名册.csv:1:月树", "列「月树」不是本政策的字段，没有读取"),
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("", "文件是空的"),
        ("\ufeff\n\n", "文件是空的"),
        ("编号,姓名\n", "只有表头"),
        ("编号,姓名,编号\n1,2,3\n", "列名「编号」写了两次"),
        ("编号,姓名,名字\n1,2,3\n", "列「姓名」和「名字」是同一个字段"),
        ("编号,2020考评,2020年评定\n1,2,3\n", "列「2020考评」和「2020年评定」是同一个字段"),
        ("编号,2020考评,考评\n1,2,3\n", "列「2020考评」和「考评」是同一个字段"),
        ("编号,考评,2020考评\n1,2,3\n", "列「考评」和「2020考评」是同一个字段"),
        ('编号,姓名\n1,"甲\n', "没有闭合"),
        ('编号,姓名\n1,"甲"乙\n', "引号的写法有误"),
        ("编号\n" + "x" * 200_000, "太长"),
        ("编号\n\0", "空字符"),
        ("编号\n1".encode("utf-16"), "不是 UTF-8 或 GB18030"),
        (b"\xff\xff\xff", "不是 UTF-8 或 GB18030"),
    ],
)
def test_csv_that_is_no_roster(raw: str | bytes, said: str) -> None:
    roster, diagnostics = of_csv(raw)
    assert roster is None
    assert [d.code for d in diagnostics] == ["E701"]
    assert said in diagnostics[0].message


# --- files


@pytest.mark.parametrize("suffix", [".xlsm", ".parquet", ".pdf", ""])
def test_other_kinds_of_files_are_refused_in_one_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"名册{suffix}"
    path.write_bytes(b"PK\x03\x04")
    roster, diagnostics = read_roster(path, P)
    assert roster is None
    assert [d.code for d in diagnostics] == ["E701"]
    assert "JSON" in diagnostics[0].hint
    assert "YAML" in diagnostics[0].hint
    assert "CSV" in diagnostics[0].hint


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    assert codes(read_roster(tmp_path / "无.json", P)) == ["E701"]
    assert codes(read_roster(tmp_path, P)) == ["E701"]
    assert codes(read_roster("a\0b.json", P)) == ["E701"]


def real_policy() -> Policy:
    source, _ = read_text(ROOT / "policies" / "jiaban-2021-47.yaml")
    assert source is not None
    policy, _ = load(source)
    assert policy is not None
    return policy


def test_the_example_rosters() -> None:
    policy = real_policy()
    of_list, said = read_roster(ROOT / "examples" / "roster.json", policy)
    table, said_table = read_roster(ROOT / "examples" / "roster.csv", policy)
    assert (said, said_table) == ([], [])
    assert of_list is not None
    assert table is not None
    assert (of_list.read, len(of_list.records), table.read, len(table.records)) == (300, 300, 300, 300)
    for ours, theirs in zip(of_list.records, table.records, strict=True):
        facts = dict(ours.facts)
        facts.setdefault("年度考核", Series((), "年度考核"))  # the sheet has columns for it
        assert (ours.id, facts) == (theirs.id, theirs.facts)
    assert len(of_list.sha256) == 64


def test_the_example_with_errors() -> None:
    found = read_roster(ROOT / "examples" / "roster-with-errors.csv", real_policy())
    assert found[0] is not None
    assert (found[0].read, len(found[0].records), len(found[0].rejected)) == (13, 4, 9)
    assert codes(found) == ["E702", "E702", "E706", "E706", "E702", "E702", "E702", "E703", "E703"]


# --- laws

JUNK = st.text(
    st.sampled_from('编号月数考评姓名部门{}[]":,\n\t 12.5e-是null记录单位"\\u\ud83d&*!?-|>#%')
).map(lambda text: text.encode("utf-8", "surrogatepass"))
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*P.fields, "记录", "单位", "x"]), inner)
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary() | JUNK | TREES.map(lambda tree: json.dumps(tree).encode()))
@pytest.mark.parametrize("suffix", [".json", ".yaml", ".csv"])
def test_any_bytes_give_a_value_or_diagnostics(suffix: str, raw: bytes) -> None:
    roster, diagnostics = read_roster_bytes(raw, "名册", suffix, P)
    assert all(d.code in {"E701", "E702", "E703", "E704", "E705", "E706", "W801"} for d in diagnostics)
    if roster is None:
        assert any(d.code == "E701" for d in diagnostics)
        return
    assert roster.read == len(roster.records) + len(roster.rejected)
    rows = {r.row for r in (*roster.records, *roster.rejected)}
    assert len(rows) == roster.read
    assert bool(roster.rejected) <= any(d.severity == "error" for d in diagnostics)
    for d in diagnostics:
        d.message.encode(), d.hint.encode(), str(d.place).encode()


WORDS = [
    "", " ", "　", "甲", "一级", "初级", "二级(试)", "二级（试）", " 优", "良好", "男", "病", "书记、主任", "书记,,委员", "书记;x", "、",
    "是", "否", "TRUE", "true", "ｔｒｕｅ", IDENTITY, CREDIT, "13800000000", "a\u200bb", "2021-05-27", "2021/5/27", "2021.5.27",
    "2021年5月27日", "2021-5-7", "2021/05-27", "21-05-27", "２０２１-05-27", "1700-01-01", "2021-13-01", "2020年",
    "0", "00", "-0", "12", "12.0", "12.00", "12.5", "13", "007", "１２", "1.062", "1.0620", "1.0625", "-1", "+1",
    "1,000", "1e3", "20%", "1/3", "100", "101", ".5", "5.", "99", "-５．５", "100.0", "100.5",
]  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 110)
    | st.sampled_from([0.5, 1.5, 13800000000, 10**17, -0.5, 12.0])
    | st.sampled_from(WORDS)
)
YEARS = st.dictionaries(st.sampled_from(["2020", "2021年", "１９９９", "1700", "x"]), SCALARS, max_size=3)
DAYS = st.dictionaries(
    st.sampled_from(["2020-01-01", "2021/5/27", "2021年5月28日", "x"]), SCALARS, max_size=3
)
LINES = st.lists(
    st.dictionaries(st.sampled_from(["类别", "起", "天数", "扣发", "职名", "x"]), SCALARS, max_size=3)
    | SCALARS,
    max_size=3,
)
VALIDATOR = Draft202012Validator(record_schema(P))


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([name for name in P.fields if name != "期内日"]) | st.sampled_from(["2021考评", "名字"]),
    SCALARS | YEARS | DAYS | LINES,
)
def test_the_json_schema_says_what_the_reader_says(name: str, raw: Any) -> None:
    """Single facts whose days exist; check characters, 对照, duplicates and 范围 of dates are the reader's alone."""
    row = {"编号": "A1"} | {name: raw}
    _, diagnostics = of_json(json_bytes([row]))
    errors = [d for d in diagnostics if d.severity == "error" and d.code != "E706"]
    assert VALIDATOR.is_valid(row) == (not errors), (row, [d.message for d in diagnostics])


def test_the_schema_describes_every_field_in_chinese() -> None:
    schema = record_schema(P)
    Draft202012Validator.check_schema(schema)
    assert all(schema["properties"][name]["description"] for name in P.fields)
    assert schema["properties"]["级别"]["description"] == "选项：一级、二级（试）、三级；也可写 初级（一级）"
    assert schema["required"] == ["编号"]
    assert not VALIDATOR.is_valid({"月数": 1})
    real = record_schema(real_policy())
    Draft202012Validator.check_schema(real)
    validator = Draft202012Validator(real)
    rows = json.loads((ROOT / "examples" / "roster.json").read_text("utf-8"))["记录"]
    assert all(validator.is_valid(row) for row in rows)
