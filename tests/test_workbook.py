"""Workbooks as rosters: every rule of the reader, every file that is none, and where things stand."""

from __future__ import annotations

import struct
import subprocess
import sys
import tracemalloc
import zipfile
from datetime import date, datetime, time
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.diagnostics import Diagnostic
from engine.loader import load
from engine.policy import Policy
from engine.records.model import DatedFact, Roster
from engine.records.reader import read_roster, read_roster_bytes
from engine.source import SourceText
from engine.values import Rows, Series, Unknown
from tests.test_records import POLICY, real_policy
from tests.workbooks import Error, edited, ods, xls, xlsx

ROOT = Path(__file__).parent.parent


def _policy() -> Policy:
    policy, diagnostics = load(SourceText("示例.yaml", POLICY))
    assert policy is not None, diagnostics
    return policy


P = _policy()
DAY = date(2021, 5, 27)
PEOPLE = "花名册"
SHEET = "xl/worksheets/sheet1.xml"

Result = tuple[Roster | None, list[Diagnostic]]


def read(raw: bytes, suffix: str = ".xlsx") -> Result:
    return read_roster_bytes(raw, f"名册{suffix}", suffix, P)


def of(**sheets: Any) -> Result:
    return read(xlsx(sheets))


def said(found: Result) -> list[tuple[str, str, str]]:
    """Code, cell and sentence of every diagnostic."""
    return [(d.code, str(d.place).partition(":")[2] if d.place else "", d.message + d.hint) for d in found[1]]


def facts(found: Result, at: int = 0) -> dict[str, Any]:
    roster, diagnostics = found
    assert roster is not None, diagnostics
    return {name: fact for name, fact in roster.records[at].facts.items() if name != "编号"}


# --- cells

CELLS = [
    ("姓名", " 张三\n", "张三"),
    ("姓名", 1001, "1001"),
    ("姓名", 10.5, "10.5"),
    ("姓名", "  ", None),
    ("姓名", None, None),
    ("级别", "初级", "一级"),
    ("入职日", DAY, DAY),
    ("入职日", "2021/5/27", DAY),
    ("入职日", "2021年5月27日", DAY),
    ("入职日", date(1900, 3, 1), date(1900, 3, 1)),
    ("月数", 12, 12),
    ("月数", "12", 12),
    ("系数", 12.1, Fraction("12.1")),
    ("系数", 0.782, Fraction("0.782")),
    ("差数", -0.5, Fraction(-1, 2)),
    ("差数", 1e-7, Fraction(1, 10**7)),
    ("差数", 999999999999999, 999999999999999),
    ("差数", 123456789.012345, Fraction("123456789.012345")),
    ("在岗", True, True),
    ("在岗", "否", False),
    ("电话", 13800000000, "13800000000"),
]


@pytest.mark.parametrize(("name", "cell", "fact"), CELLS)
@pytest.mark.parametrize("write", [xlsx, ods, xls])
def test_a_cell_is_read(name: str, cell: Any, fact: Any, write: Any) -> None:
    suffix = f".{write.__name__}"
    found = read(write({PEOPLE: [["编号", name, "部门"], ["A1", cell, "甲"]]}), suffix)
    assert [d.code for d in found[1]] == (["W864"] if suffix == ".xls" else [])
    assert facts(found) == {"部门": "甲"} | ({} if fact is None else {name: fact})
    assert type(facts(found).get(name)) is type(fact)


BAD_CELLS = [
    ("姓名", 620102198001010011, "超过 15 位，位数可能已经丢失", "文本格式"),
    ("差数", 1e15, "位数可能已经丢失", "ROUND"),
    ("姓名", DAY, "「姓名」的单元格是日期（2021-05-27），这一列不是日期", "文本"),
    ("月数", DAY, "这一列不是日期", ""),
    ("级别", DAY, "这一列不是日期", ""),
    ("月数", date(1900, 1, 5), "显示为 1900-01-05，早于 1900-03-01", "多半是数"),
    ("入职日", date(1900, 1, 5), "早于 1900-03-01", "文本格式"),
    ("入职日", datetime(2021, 5, 27, 12, 30), "带有时刻（2021-05-27 12:30）", "只填日期"),
    ("入职日", time(12, 30), "带有时刻（12:30:00）", ""),
    ("入职日", 44343, "「44343」不是日期", "像是电子表格的日期序号，即 2021-05-27"),
    ("入职日", "44343", "「44343」不是日期", "像是电子表格的日期序号，即 2021-05-27"),
    ("级别", Error("#N/A"), "「级别」的单元格是公式错误「#N/A」", "改正公式"),
    ("月数", Error("#DIV/0!"), "公式错误「#DIV/0!」", ""),
    ("考评", Error("#REF!"), "公式错误「#REF!」", ""),
    ("2021考评", Error("#REF!"), "「2021考评」的单元格是公式错误", ""),
    ("姓名", True, "不是文字", ""),
    ("月数", 12.5, "「12.5」不是整数", ""),
    ("月数", 13, "「月数」的值「13」不在 0 到 12 之间", ""),
]


@pytest.mark.parametrize(("name", "cell", "fact", "hint"), BAD_CELLS)
def test_a_bad_cell_leaves_the_row_out_and_says_where(name: str, cell: Any, fact: str, hint: str) -> None:
    found = of(名册=[["名册"], ["编号", "部门", name], ["A1", "甲部", cell], ["A2", "乙部"]])
    roster, diagnostics = found
    assert roster is not None
    assert [(d.code, str(d.place)) for d in diagnostics] == [("E702", "名册.xlsx:名册!C3")]
    assert diagnostics[0].message.startswith("第 3 行（A1）「")
    assert fact in diagnostics[0].message
    assert not diagnostics[0].message.endswith("。")
    assert hint in diagnostics[0].hint
    (row,) = roster.rejected
    assert (row.id, row.row, dict(row.facts)) == ("A1", 3, {"编号": "A1", "部门": "甲部"})
    assert str(row.place) == "名册.xlsx:名册!A3"
    assert [r.id for r in roster.records] == ["A2"]


def test_digits_that_no_decimal_of_15_has_are_refused() -> None:
    raw = xlsx({PEOPLE: [["编号", "差数"], ["A1", 0.3]]})
    raw = edited(raw, SHEET, lambda text: text.replace("<v>0.3</v>", "<v>0.30000000000000004</v>"))
    assert [(c, at) for c, at, _ in said(read(raw))] == [("E702", "花名册!B2")]


def test_errors_are_found_in_ods_and_told_of_in_xls() -> None:
    sheet = {PEOPLE: [["编号", "月数"], ["A1", Error("#N/A")], ["A2", 3]]}
    assert said(read(ods(sheet), ".ods"))[0][:2] == ("E702", "花名册!B2")
    found = read(xls(sheet), ".xls")
    assert [c for c, _, _ in said(found)] == ["W864"]
    assert facts(found) == {}


def test_formulas_are_read_by_their_stored_values() -> None:
    def more(book: Any, sheets: Any) -> None:
        sheets[PEOPLE].write_formula(1, 1, "=6*2", None, 12)
        sheets[PEOPLE].write_formula(1, 2, '="甲"&"部"', None, "甲部")

    found = read(xlsx({PEOPLE: [["编号", "月数", "部门"], ["A1"]]}, more))
    assert (found[1], facts(found)) == ([], {"月数": 12, "部门": "甲部"})


# --- the sheet of people


def test_title_rows_and_the_spelling_of_headings() -> None:
    found = of(
        名册=[
            ["某某单位花名册"],
            [],
            ["填表人：张三", None, "数据日期：2024-12-31"],
            ["编　号", "员工\n姓名", "级 别", "２０２１考评", "2022年考评"],
            ["A1", "张三", "一级", "优"],
        ]
    )
    assert found[1] == []
    assert found[0] is not None
    assert found[0].data_date == date(2024, 12, 31)
    assert facts(found) == {"姓名": "张三", "级别": "一级", "考评": Series(((2021, "优"),), "考评")}
    found = of(名册=[["数据日期", DAY], ["编号", "姓名"], ["A1", "张三"]])
    assert found[0] is not None
    assert found[0].data_date == DAY


def test_columns_that_nobody_reads_are_remarks() -> None:
    found = of(
        名册=[["编号", "部们", "", "月数"], ["A1", "甲", "x", 1, "y"], ["A2", "甲", None, Error("#N/A")]]
    )
    assert [(c, at) for c, at, _ in said(found)] == [
        ("W801", "名册!C1"),
        ("W801", "名册!E1"),
        ("W801", "名册!B1"),
        ("E702", "名册!D3"),
    ]
    assert "是否想写「部门」" in found[1][2].hint
    assert of(名册=[["编号", "月数", "备注"], ["A1", 1, Error("#N/A")]])[1][0].code == "W801"


def test_totals_and_notes_are_left_out_and_said_once() -> None:
    def more(book: Any, sheets: Any) -> None:
        sheets[PEOPLE].merge_range(2, 0, 2, 2, "第二组", book.add_format())

    rows = [
        ["编号", "部门", "月数"], ["A1", "甲", 1], [], ["合 计", None, 1], [None, "小计：", 1],
        ["A2", "合计", 2], ["总计", "x", 3], ["编 号", "部门", "月数"],
    ]  # fmt: skip
    found = read(xlsx({PEOPLE: rows}, more))
    assert found[0] is not None
    assert [(r.id, r.row) for r in found[0].records] == [("A1", 2), ("A2", 6)]
    assert [(c, at) for c, at, _ in said(found)] == [("W861", "花名册!A3")]
    assert "第 3 行、第 4 行、第 5 行、第 7 行、第 8 行" in found[1][0].message


def test_a_value_merged_over_rows_is_read_in_each() -> None:
    def more(book: Any, sheets: Any) -> None:
        sheets[PEOPLE].merge_range(1, 1, 3, 1, "甲部", book.add_format())

    rows = [["编号", "部门", "月数"], ["A1", None, 1], ["A2", None, 2], [], ["A3", None, 3]]
    found = read(xlsx({PEOPLE: rows}, more))
    assert found[0] is not None
    assert [r.facts.get("部门") for r in found[0].records] == ["甲部", "甲部", None]
    assert [(c, at) for c, at, _ in said(found)] == [("W863", "花名册!B3")]


def test_ids_missing_and_twice() -> None:
    found = of(名册=[["编号", "月数"], ["A1", 1], [None, 2], ["Ａ1 ", 3], [1002, 4]])
    assert [(c, at) for c, at, _ in said(found)] == [
        ("E703", "名册!A2"),
        ("E704", "名册!A3"),
        ("E703", "名册!A4"),
    ]
    assert str(found[1][0].related[0][1]) == "名册.xlsx:名册!A4"
    assert found[0] is not None
    assert [r.id for r in found[0].records] == ["1002"]


def test_blank_formatted_rows_are_no_records() -> None:
    def more(book: Any, sheets: Any) -> None:
        red = book.add_format({"bg_color": "red"})
        for row in range(2, 5_002):
            for column in range(5):
                sheets[PEOPLE].write_blank(row, column, None, red)

    found = read(xlsx({PEOPLE: [["编号", "月数"], ["A1", 1]]}, more))
    assert (found[1], found[0] and found[0].read) == ([], 1)
    assert said(read(xlsx({PEOPLE: [["编号", "月数"]]}, more)))[0][:2] == ("E701", "花名册!A1")


def test_the_first_visible_sheet_holds_the_people() -> None:
    def more(book: Any, sheets: Any) -> None:
        sheets["选项"].hide()
        sheets[PEOPLE].activate()
        sheets[PEOPLE].set_first_sheet()

    found = read(xlsx({"选项": [["男"], ["女"]], PEOPLE: [["编号", "月数"], ["A1", 1]]}, more))
    assert (found[1], facts(found)) == ([], {"月数": 1})


# --- sheets that join

TWO = [["编号", "姓名"], ["A1", "张三"], [1002, "李四"]]


def test_years_rows_and_dated_values_join_by_id() -> None:
    found = of(
        花名册=TWO,
        考评=[
            ["编号", "姓名", "年份", "值"],
            ["A1", "张三", 2021, "优"],
            ["A1", None, "2022年", "良好"],
            ["A1", None, 2023],
        ],
        请假=[["编号", "类别", "起", "天数"], ["1002", "病", DAY, 1.5], ["1002", "事"], ["A1"]],
        级别=[["编号", "日期", "级别"], ["A1", date(2018, 7, 1), "初级"], ["A1", "2023/7/1", "三级"]],
    )
    assert found[1] == []
    assert facts(found) == {
        "姓名": "张三",
        "考评": Series(((2021, "优"), (2022, "中")), "考评"),
        "请假": Rows((), "请假"),
        "级别": DatedFact(((date(2018, 7, 1), "一级"), (date(2023, 7, 1), "三级"))),
    }
    open_ = {name: Unknown((f"请假[2].{name}",)) for name in ("起", "天数")}
    assert facts(found, 1) == {
        "姓名": "李四",
        "考评": Series((), "考评"),
        "请假": Rows(
            (
                {"类别": "病", "起": DAY, "天数": Fraction(3, 2), "扣发": False},
                {"类别": "事", **open_, "扣发": False},
            ),
            "请假",
        ),
    }


def test_no_sheet_is_missing_and_an_empty_one_is_empty() -> None:
    assert facts(of(花名册=TWO)) == {"姓名": "张三"}
    assert facts(of(花名册=TWO, 考评=[["编号", "年份", "值"]])) == {
        "姓名": "张三",
        "考评": Series((), "考评"),
    }
    blank = of(花名册=TWO, 考评=[])
    assert (facts(blank), said(blank)[0][:2]) == ({"姓名": "张三"}, ("W801", "考评"))


def test_years_may_be_columns_of_their_sheet() -> None:
    found = of(花名册=TWO, 考评=[["编号", "2021", "2022年", "2023考评"], ["A1", "优", None, "差"]])
    assert (found[1], facts(found)["考评"]) == ([], Series(((2021, "优"), (2023, "差")), "考评"))


def test_a_single_column_record_may_be_one_cell() -> None:
    found = of(花名册=[["编号", "职务"], ["A1", "书记、主任"]])
    assert facts(found) == {"职务": Rows(({"职名": "书记"}, {"职名": "主任"}), "职务")}


def test_places_are_in_the_sheet_that_the_value_came_from() -> None:
    found = of(
        花名册=[["标题"], *TWO],
        考评=[
            ["编号", "年份", "值"],
            ["1002", 2021, "优"],
            ["A1", 2021, "忧"],
            ["A1", "去年", "优"],
            ["1002", 2021, "优"],
        ],
        请假=[["类别", "编号", "天数"], ["病", "A1", 1], ["病", "A1", 1.25], ["婚", 1002]],
        级别=[["编号", "日期", "值"], ["A1", DAY, "一级"], ["A1", date(2022, 1, 1), "四级"]],
    )
    assert {(c, at) for c, at, _ in said(found)} == {
        ("E702", "考评!C3"),  # 忧
        ("E702", "考评!C3"),  # 去年: the person's first row
        ("E702", "请假!C3"),
        ("E702", "级别!C3"),
        ("E705", "考评!C2"),
        ("E702", "请假!A4"),
    }
    assert "第 3 行（A1）「2021考评」的值「忧」不在选项之中" in [d.message for d in found[1]]
    assert found[0] is not None
    assert [(r.id, r.row) for r in found[0].rejected] == [("A1", 3), ("1002", 4)]


def test_strangers_rows_without_id_and_totals_of_joined_sheets() -> None:
    rows = [
        ["编号", "年份", "值"],
        ["A1", 2021, "优"],
        ["X1", 2021, "优"],
        [None, 2021, "优"],
        ["合计", None, 3],
        [Error("#N/A"), 1, "优"],
    ]
    found = of(花名册=TWO, 考评=rows)
    assert [(c, at) for c, at, _ in said(found)] == [
        ("W861", "考评!A5"),
        ("E704", "考评!A4"),
        ("E702", "考评!A6"),
        ("W862", "考评!A3"),
    ]
    assert "工作表「考评」第 4 行没有填「编号」" in found[1][1].message
    assert "不在「花名册」里" in found[1][3].message
    assert "第 3 行「X1」" in found[1][3].message
    assert facts(found)["考评"] == Series(((2021, "优"),), "考评")


def test_units_have_sheets_of_their_own() -> None:
    found = of(
        花名册=[["编号", "部门"], ["A1", "甲部"]],
        部门=[
            ["单位情况"],
            ["部门", "名额", "编制", "主任"],
            ["甲部", 5, None],
            ["乙.部", "多", 3],
            ["合计", 5, 3],
            ["丙部"],
            ["丙部", 1],
        ],
    )
    assert found[0] is not None
    assert found[0].units == {"部门": {"甲部": {"名额": 5}, "乙.部": {"编制": 3}}}
    assert [(c, at) for c, at, _ in said(found)] == [
        ("W861", "部门!A5"),
        ("E705", "部门!A6"),
        ("W801", "部门!D3"),
        ("E702", "部门!B4"),
    ]


def test_other_sheets_are_one_remark() -> None:
    found = of(花名册=TWO, 考凭=[["编号"]], Sheet2=[], 说明=[["x"]], 填写说明=[["怎样填"]])
    assert [(c, at) for c, at, _ in said(found)] == [("W801", "考凭")]
    assert found[1][0].message == "工作表「考凭」「说明」没有读取"
    assert "是否想写「考评」" in found[1][0].hint


TWICE = [
    ({"花名册": [["编号", "考评"], ["A1", "优"]], "考评": [["编号", "年份", "值"]]}, "既在「花名册」的列里"),
    ({"花名册": [["编号", "2021评定"], ["A1", "优"]], "考评": [["编号", "年份", "值"]]}, "「考评」既在"),
    (
        {"花名册": TWO, "考评": [["编号", "年份", "值"]], "评定": [["编号", "年份", "值"]]},
        "既在工作表「考评」",
    ),
    ({"花名册": TWO, "考评": [["编号", "年份", "年度", "值"]]}, "是同一个字段"),
    ({"花名册": TWO, "考评": [["编号", "等次"], ["A1", "优"]]}, "工作表「考评」里没有找到表头"),
    ({"花名册": TWO, "考评": [["编号", "值"], ["A1", "优"]]}, "工作表「考评」里没有找到表头"),
    ({"花名册": TWO, "请假": [["工号", "类别"], ["A1", "病"]]}, "编号、类别、起、天数"),
    ({"花名册": TWO, "部门": [["名额"], [1]]}, "工作表「部门」里没有找到表头"),
    ({"花名册": [["编号", "姓名", "名字"], ["A1"]]}, "列「姓名」和「名字」是同一个字段"),
    ({"花名册": [["编号", "姓名", "编号"], ["A1"]]}, "列名「编号」写了两次"),
]


@pytest.mark.parametrize(("sheets", "fact"), TWICE)
def test_sheets_that_cannot_stand_refuse_the_file(sheets: dict[str, Any], fact: str) -> None:
    roster, diagnostics = read(xlsx(sheets))
    assert roster is None
    assert [d.code for d in diagnostics] == ["E701"]
    assert fact in diagnostics[0].message + diagnostics[0].hint


def test_a_dated_sheet_beside_a_column() -> None:
    sheets = {
        "花名册": [["编号", "级别"], ["A1", "一级"], ["A2"]],
        "级别": [["编号", "日期", "值"], ["A2", DAY, "一级"]],
    }
    found = read(xlsx(sheets))
    assert (found[1], facts(found), facts(found, 1)) == (
        [],
        {"级别": "一级"},
        {"级别": DatedFact(((DAY, "一级"),))},
    )
    sheets["级别"].append(["A1", DAY, "三级"])
    assert [(c, at) for c, at, _ in said(read(xlsx(sheets)))] == [("E705", "级别!C3")]


# --- files that are no workbooks

GOOD = xlsx({PEOPLE: [["编号", "月数"], ["A1", 1]]})


def bomb(*parts: tuple[str, int]) -> bytes:
    """An archive of parts of so many million blanks."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in parts:
            with archive.open(name, "w", force_zip64=True) as stream:
                for _ in range(size):
                    stream.write(b" " * 1_000_000)
    return out.getvalue()


def far_cell(at: str) -> bytes:
    more = f'<row r="{at.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{at}"><v>1</v></c></row></sheetData>'
    return edited(GOOD, SHEET, lambda text: text.replace("</sheetData>", more))


OLE = bytes.fromhex("d0cf11e0a1b11ae1")
LOCKED = OLE + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 1000

NO_WORKBOOK = [
    (b"", ".xlsx", "文件是空的"),
    (GOOD[:3000], ".xlsx", "已经损坏"),
    (GOOD[:-400] + b"\0" * 400, ".xlsx", "已经损坏"),
    (b"PK\x03\x04" + b"\0" * 100, ".xlsx", "已经损坏"),
    (LOCKED, ".xlsx", "有打开密码"),
    (LOCKED, ".xls", "有打开密码"),
    (xls({"a": [["编号"]]}), ".xlsx", "其实是旧的 .xls 工作簿"),
    (GOOD, ".xls", "其实是 .xlsx"),
    (GOOD, ".ods", "其实是 .xlsx"),
    (ods({"a": [["编号"]]}), ".xlsx", "其实是 .ods"),
    ("\ufeff<html><table><tr><td>编号".encode(), ".xls", "其实是网页（HTML）"),
    ("编号,姓名\r\nA1,张三\r\n".encode("gb18030"), ".xlsx", "其实是文本（如 CSV）"),
    (bytes(range(256)) * 10, ".xlsx", "不是工作簿"),
    (OLE + b"\0" * 3000, ".xls", "已经损坏"),
    (bomb(("a.txt", 1)), ".xlsx", "是压缩包，不是工作簿"),
    (bomb(("xl/workbook.xml", 30)), ".xlsx", "超出上限"),
    (bomb(("xl/workbook.xml", 1), ("xl/worksheets/sheet1.xml", 210)), ".xlsx", "上限是 200 MB"),
    (far_cell("XFD1048576"), ".xlsx", "一直到 XFD1048576 格"),
    (far_cell("ABC100000"), ".xlsx", "范围太大"),
    (ods({"a": [["编号"]]}, '<table:table-cell table:number-columns-repeated="90000000" office:value-type="float" office:value="1"/>'), ".ods", "范围太大"),
    (xlsx({"a": []}), ".xlsx", "第一个工作表「a」是空的"),
    (xlsx({"a": [["x"]] * 5_000}), ".xlsx", "没有找到表头"),
    (xlsx({"a": [["x"]] * 25 + [["编号", "姓名"], ["A1", "张三"]]}), ".xlsx", "前 20 行"),
    (xlsx({"a": [["姓名", "部门"], ["张三", "甲"]]}), ".xlsx", "第 1 行像是表头（姓名、部门），缺「编号」一列"),
    (xlsx({"a": [["编号", "姓名"]]}), ".xlsx", "名册只有表头，没有记录"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "suffix", "fact"), NO_WORKBOOK, ids=[f"{f}{s}" for _, s, f in NO_WORKBOOK])
def test_what_is_no_workbook_is_refused_in_one_message(raw: bytes, suffix: str, fact: str) -> None:
    tracemalloc.start()
    roster, diagnostics = read(raw, suffix)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert roster is None
    assert [d.code for d in diagnostics] == ["E701"]
    assert fact in diagnostics[0].message + diagnostics[0].hint
    assert str(diagnostics[0].place).startswith(f"名册{suffix}")
    assert most < 60_000_000


def test_sizes_that_the_archive_lies_about_are_no_way_in() -> None:
    raw = bytearray(bomb(("xl/workbook.xml", 1), ("xl/_rels/workbook.xml.rels", 1), ("x.xml", 100)))
    at = raw.rfind(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 1_000)
    roster, diagnostics = read(bytes(raw))
    assert roster is None
    assert [d.code for d in diagnostics] == ["E701"]


def test_parquet_stays_refused(tmp_path: Path) -> None:
    path = tmp_path / "名册.parquet"
    path.write_bytes(b"PAR1")
    assert "暂不能读取 .parquet 名册" in read_roster(path, P)[1][0].message


BYTES = [
    xlsx({PEOPLE: TWO, "考评": [["编号", "年份", "值"], ["A1", 2021, "优"]]}),
    ods({PEOPLE: TWO}),
    xls({PEOPLE: TWO}),
]


@given(st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_bytes_are_read_or_refused_but_never_raise(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 2))
    raw = bytearray(BYTES[at])
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(raw), (".xlsx", ".ods", ".xls")[at])


@given(
    st.lists(
        st.lists(
            st.none()
            | st.sampled_from(["编号", "姓名", "考评", "2021考评", "合计", "年份", "值", "部门", "A1"])
            | st.text(max_size=4)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.dates(date(1900, 1, 1)),
            max_size=5,
        ),
        max_size=6,
    )
)
@settings(max_examples=120, deadline=None)
def test_any_cells_give_diagnostics_with_a_place(rows: list[list[Any]]) -> None:
    head = [["编号", "姓名", "考评", "部门", "入职日"]]
    for sheets in ({"人": rows}, {"人": head + rows}, {"人": TWO, "考评": rows, "部门": rows, "级别": rows}):
        roster, diagnostics = read(xlsx(sheets))
        assert roster is not None or any(d.code == "E701" for d in diagnostics)
        assert all(str(d.place).startswith("名册.xlsx") for d in diagnostics)


# --- the whole


def test_the_example_workbook_means_what_the_example_json_means() -> None:
    policy = real_policy()
    book, found = read_roster(ROOT / "examples/roster.xlsx", policy)
    json, _ = read_roster(ROOT / "examples/roster.json", policy)
    assert found == []
    assert book is not None
    assert json is not None
    assert (book.data_date, book.units) == (json.data_date, json.units)
    assert [(r.id, dict(r.facts)) for r in book.records] == [(r.id, dict(r.facts)) for r in json.records]


def test_other_rosters_are_read_without_the_libraries_of_workbooks() -> None:
    code = (
        "import sys, cli, engine.records.reader, engine.app.evaluate\n"
        "assert not {'python_calamine', 'xlsxwriter'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
