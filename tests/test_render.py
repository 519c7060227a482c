"""Diagnostics, tables and single values as text and JSON: the exact house format."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from engine.diagnostics import Diagnostic, Place
from engine.render.cells import json_value, text_value
from engine.render.diagnostics import as_json, count_words, render
from engine.render.table import Column, blocks, clean, cut, lines, pad
from engine.source import display_width
from engine.types import BOOL, NumberT
from engine.units import Unit
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown, missing_of

MONEY = NumberT(Unit("元", ("月",)))


def test_diagnostic_is_the_house_format():
    place = Place("policies/某市.yaml", 42, 15, 4, "    公式: 年终奖标准[本年考合] * 本年实际工作月数 / 12")
    found = render(Diagnostic("E301", "未声明的名称「本年考合」", place, "是否想写「本年考核」？"))
    assert found == (
        "policies/某市.yaml:42:15: 错误[E301] 未声明的名称「本年考合」\n"
        "42 |     公式: 年终奖标准[本年考合] * 本年实际工作月数 / 12\n"
        "   |                      ^^^^^^^^\n"
        "   提示：是否想写「本年考核」？"
    )


def test_warning_related_place_and_locator():
    place = Place("名册.xlsx", locator="花名册!F12")
    found = render(Diagnostic("W801", "多余的列", place, related=(("第一次在这里", Place("a.yaml", 3, 2)),)))
    assert found == "名册.xlsx:花名册!F12: 提醒[W801] 多余的列\n   第一次在这里：a.yaml:3:2"


def test_no_place():
    assert render(Diagnostic("E101", "找不到文件")) == "错误[E101] 找不到文件"


def test_colour_is_only_on_request():
    diagnostic = Diagnostic("E101", "找不到文件", Place("a"), "提示")
    assert "\x1b" not in render(diagnostic)
    assert "\x1b[31;1m错误[E101]\x1b[0m" in render(diagnostic, colour=True)


def test_control_characters_never_reach_the_terminal():
    place = Place("a\x1b[2J", 1, 1, 1, "\x1b[31m\tx")
    assert "\x1b" not in render(Diagnostic("E101", "坏\x07字\n符", place, "\x1b"))


def test_long_line_is_cut_around_the_mark():
    line = "一" * 200 + "坏" + "二" * 200
    _, text, caret = render(Diagnostic("E301", "x", Place("a", 1, 201, 1, line))).split("\n")
    assert display_width(text) <= 120
    assert text[4:].startswith("…")
    assert text.endswith("…")
    assert display_width(text[: text.index("坏")]) == caret.index("^")


def test_mark_beyond_the_line_still_has_a_caret():
    assert render(Diagnostic("E301", "x", Place("a", 1, 4, 9, "abc"))).endswith("  |    ^")


def test_json_of_a_diagnostic():
    place = Place("roster.xlsx", locator="花名册!F12")
    assert as_json(Diagnostic("E702", "不是日期", place, "写作 2024-12-31")) == {
        "code": "E702",
        "severity": "error",
        "message": "不是日期",
        "where": "roster.xlsx:花名册!F12",
        "hint": "写作 2024-12-31",
    }
    assert count_words([Diagnostic("E1", ""), Diagnostic("W8", "")]) == "1 个错误，1 个提醒"


@pytest.mark.parametrize(
    ("value", "kind", "as_object", "as_text"),
    [
        (2100, MONEY, "2100.00", "2100.00"),
        (Fraction(1, 2), MONEY, "0.50", "0.50"),
        (-5, MONEY, "-5.00", "-5.00"),
        (6, NumberT(Unit("年")), 6, "6"),
        (Fraction(3, 2), NumberT(), "1.5", "1.5"),
        (Fraction(1, 3), NumberT(), "1/3", "1/3"),
        (Fraction(4, 2), NumberT(), 2, "2"),
        (False, BOOL, False, "否"),
        (date(2041, 3, 5), None, "2041-03-05", "2041-03-05"),
        ("本科", None, "本科", "本科"),
        (Grounds(("二", "五"), ()), BOOL, ["二", "五"], "（二）、（五）"),
        (Grounds((), ()), BOOL, [], "无"),
        (Grounds(("二",), (("六", ("某事",)),)), BOOL, ["二"], "（二）？"),
        (Series(((2023, "优"), (2024, "良"))), None, {"2023": "优", "2024": "良"}, "2023 优、2024 良"),
        (
            Rows(({"天数": Fraction(1, 2), "类": Unknown(("类",))},)),
            None,
            [{"天数": "0.5", "类": None}],
            "1 行",
        ),
    ],
)
def test_values(value, kind, as_object, as_text):
    found = json_value(value, kind)
    assert found == as_object
    assert type(found) is type(as_object)
    assert text_value(value, kind) == as_text


def test_outcomes_that_are_no_value():
    assert text_value(NotApplicable("第三条")) == "—"
    assert text_value(Unknown(("甲",))) == "？"
    assert missing_of(Grounds((), (("一", ("甲", "乙")), ("二", ("甲",))))) == ("甲", "乙")


def test_table_lines_up_by_display_width():
    found = lines(
        [Column("工号", ("A1", "甲二")), Column("数", ("5", "1234.00"), right=True), Column("注", ("", "x"))]
    )
    assert found == ["工号       数  注", "A1          5", "甲二  1234.00  x"]
    assert [pad("甲", 4), pad("甲", 4, True), cut("甲乙丙", 4), clean("a\tb\x1b")] == [
        "甲  ",
        "  甲",
        "甲…",
        "a b\ufffd",
    ]


def test_wide_table_is_split_with_its_fixed_columns():
    fixed = [Column("号", ("1",))]
    columns = [Column(f"列{n}", ("x" * 10,)) for n in range(5)]
    found = blocks(fixed, columns, 30)
    assert len(found) == 3
    assert all(line.startswith(("号", "1")) for block in found for line in block)
    assert all(display_width(line) <= 30 for block in found for line in block)
