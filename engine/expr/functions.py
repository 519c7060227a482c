"""The table of built-in functions: signature, one sentence, and how plain ones compute.

`run` is set for strict functions of plain values. The others (aggregates, series, dated fields, outcomes) have nodes of
their own in `engine.expr.tree`, because their arguments are not all evaluated beforehand.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.types import DATE, NumberT, Type
from engine.units import BARE
from engine.values import (
    add_days,
    add_months,
    add_years,
    full_months,
    full_years,
    round_down,
    round_half_up,
    round_up,
)

_WHOLE = NumberT(BARE)


@dataclass(frozen=True, slots=True)
class Function:
    """`params` types the arguments of a plain function; `same` means the result has the first argument's type."""

    name: str
    signature: str
    doc: str
    params: tuple[Type, ...] = ()
    optional: int = 0
    result: Type | None = None
    same: bool = False
    run: Callable[..., Any] | None = None


def _year(day: date) -> int:
    return day.year


def _month(day: date) -> int:
    return day.month


def _day(day: date) -> int:
    return day.day


def _month_start(day: date) -> date:
    return day.replace(day=1)


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _year_start(day: date) -> date:
    return date(day.year, 1, 1)


def _year_end(day: date) -> date:
    return date(day.year, 12, 31)


def _days_between(start: date, end: date) -> int:
    return (end - start).days


_TABLE = (
    Function("四舍五入", "四舍五入(数, 位数)", "四舍五入到小数点后几位，恰在一半时远离零；位数缺省为 0，2 到分，-1 到十",
             (_WHOLE, _WHOLE), 1, None, True, round_half_up),
    Function("向上取整", "向上取整(数, 位数)", "向上取到小数点后几位，位数缺省为 0", (_WHOLE, _WHOLE), 1, None, True, round_up),
    Function("向下取整", "向下取整(数, 位数)", "向下取到小数点后几位，位数缺省为 0", (_WHOLE, _WHOLE), 1, None, True, round_down),
    Function("绝对值", "绝对值(数)", "去掉负号", (_WHOLE,), 0, None, True, abs),
    Function("取大", "取大(甲, 乙, …)", "几个数、日期或同一有序选项的成员中最大的；不适用的不算"),
    Function("取小", "取小(甲, 乙, …)", "几个数、日期或同一有序选项的成员中最小的；不适用的不算"),
    Function("周年", "周年(起, 止)", "到“止”这一天已满的整年数；2月29日在平年于3月1日满",
             (DATE, DATE), 0, _WHOLE, False, full_years),
    Function("周月", "周月(起, 止)", "到“止”这一天已满的整月数", (DATE, DATE), 0, _WHOLE, False, full_months),
    Function("相差天数", "相差天数(起, 止)", "“止”减“起”的天数", (DATE, DATE), 0, _WHOLE, False, _days_between),
    Function("加年", "加年(日期, 年数)", "若干年后的同一天；2月29日在平年为3月1日", (DATE, _WHOLE), 0, DATE, False, add_years),
    Function("加月", "加月(日期, 月数)", "若干月后的同一天；没有这一天的取月末", (DATE, _WHOLE), 0, DATE, False, add_months),
    Function("加天", "加天(日期, 天数)", "若干天后", (DATE, _WHOLE), 0, DATE, False, add_days),
    Function("年", "年(日期)", "日期的年份", (DATE,), 0, _WHOLE, False, _year),
    Function("月", "月(日期)", "日期的月份，1 到 12", (DATE,), 0, _WHOLE, False, _month),
    Function("日", "日(日期)", "日期是当月几号", (DATE,), 0, _WHOLE, False, _day),
    Function("月初", "月初(日期)", "当月第一天", (DATE,), 0, DATE, False, _month_start),
    Function("月末", "月末(日期)", "当月最后一天", (DATE,), 0, DATE, False, _month_end),
    Function("年初", "年初(日期)", "当年1月1日", (DATE,), 0, DATE, False, _year_start),
    Function("年末", "年末(日期)", "当年12月31日", (DATE,), 0, DATE, False, _year_end),
    Function("取值", "取值(字段, 日期)", "按日期填写的字段在另一天的值"),
    Function("首日", "首日(字段, 条件)", "按日期填写的字段，其“值”首次满足条件的日子；从未满足为不适用"),
    Function("最近", "最近(逐年)", "最后一个有记载年份的值"),
    Function("选取", "选取(来源, 条件)", "逐年或记录中满足条件的部分"),
    Function("次数", "次数(来源, 条件)", "逐年或记录中满足条件的个数"),
    Function("连续", "连续(逐年, 条件)", "到最后一个有记载年份为止，连着满足条件的年数"),
    Function("段数", "段数(逐年, 条件, 年数, 起年)", "连着满足条件的年份，每满若干年算一段，互不重叠；写起年则各段固定"),
    Function("滚动段数", "滚动段数(逐年, 条件, 年数)", "最近若干年都满足条件的年份有几个"),
    Function("合计", "合计(来源, 值, 条件) 或 合计(值, 条件)", "满足条件的值之和；在集体里对成员求和"),
    Function("人数", "人数(条件)", "集体中满足条件的成员数"),
    Function("个数", "个数(值)", "集体成员中不同的值有几个"),
    Function("平均", "平均(来源, 值, 条件) 或 平均(值, 条件)", "满足条件的值的平均，保留为精确的比"),
    Function("最大", "最大(来源, 值, 条件) 或 最大(值, 条件)", "满足条件的值中最大的"),
    Function("最小", "最小(来源, 值, 条件) 或 最小(值, 条件)", "满足条件的值中最小的"),
    Function("有值", "有值(甲)", "甲是否有值；不适用和信息不足都为否"),
    Function("适用于", "适用于(甲)", "甲不适用为否，有值为是，信息不足仍为信息不足"),
    Function("缺省", "缺省(甲, 乙)", "甲信息不足时取乙"),
    Function("不适用时", "不适用时(甲, 乙)", "甲不适用时取乙"),
)  # fmt: skip

FUNCTIONS: dict[str, Function] = {function.name: function for function in _TABLE}
