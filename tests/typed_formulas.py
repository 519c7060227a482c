"""Formulas with a type, made by chance, and their meaning written down a second time (language §2–§7).

A formula is a nested tuple, so that a failing one can be read. Nothing here uses the engine: `written` gives the text
that the engine reads, `meaning` the outcome due, with the missing facts as a set.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

RANKS = ("低", "中", "高")
AS_OF = date(2024, 12, 31)


@dataclass(frozen=True)
class Missing:
    facts: frozenset[str]


class No:
    """不适用."""


NO = No()
Facts = Mapping[str, Any]

NUMBERS, TRUTHS, DATES, GRADES, SERIES = (
    ("数甲", "数乙", "数丙"),
    ("真甲", "真乙"),
    ("日甲", "日乙"),
    ("等甲", "等乙"),
    ("年甲",),
)
OUTSIDE = {"数": "无数", "真": "无真", "日": "无日", "等": "无等"}

POLICY = """格式: 1
政策: {编号: typed, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
选项组:
  等级: {选项: [低, 中, 高], 有序: 是}
字段:
  工号: {类型: 文字}
  数甲: {类型: 数}
  数乙: {类型: 数}
  数丙: {类型: 整数}
  真甲: {类型: 是否}
  真乙: {类型: 是否}
  日甲: {类型: 日期}
  日乙: {类型: 日期}
  等甲: {类型: 等级}
  等乙: {类型: 等级}
  年甲: {类型: 逐年, 值: 等级}
表:
  查: {按: 等级, 值: {低: 1, 中: 不适用, 高: 信息不足}}
  段:
    按: {键: {类型: 数}}
    行:
      - {键: {不满: 0}, 值: -1}
      - {键: {满: 0, 不超过: 1}, 值: 1/3}
      - {键: {超过: 1}, 值: 7}
规则:
  不来: {公式: 1 > 2}
  无数: {公式: 1, 适用: [不来]}
  无真: {公式: 是, 适用: [不来]}
  无日: {公式: 2020-01-01, 适用: [不来]}
  无等: {公式: 低, 适用: [不来], 类型: 等级}
"""


# --- making them ------------------------------------------------------------------------------------------------

_FIGURES = (*range(-4, 13), Fraction(1, 2), Fraction(5, 2), Fraction(1, 4), Fraction(-3, 2))
_DAYS = (date(2020, 2, 29), date(2021, 1, 31), date(2021, 2, 28), date(2021, 3, 1), date(2023, 12, 31))
_FIELDS = {"数": NUMBERS, "真": TRUTHS, "日": DATES, "等": GRADES}
#: Operator or function → kinds of its parts; a range is a whole number written out. Several entries: several kinds.
_SIGNS: dict[str, list[tuple[tuple[str, ...], tuple[Any, ...]]]] = {
    "数": [
        (("+", "-", "*", "/"), ("数", "数")),
        (("负", "绝对值"), ("数",)),
        (("取大", "取小"), ("数", "数", "数")),
        (("四舍五入", "向上取整", "向下取整"), ("数", range(-1, 3))),
        (("周年", "周月", "相差天数"), ("日", "日")),
        (("年", "月", "日"), ("日",)),
        (("查",), ("等",)),
        (("段",), ("数",)),
        (("次数", "连续"), ("真", RANKS)),
        (("段数", "滚动段数"), (RANKS, range(1, 4))),
    ],
    "真": [
        (("且", "或"), ("真", "真", "真")),
        (("非",), ("真",)),
        (("==", "!=", "<", "<=", ">", ">="), ("数", "数")),
        (("==", "<", ">="), ("日", "日")),
        (("==", "!=", "<", "<=", ">", ">="), ("等", "等")),
        (("属于",), ("数", "数", "数")),
        (("有值", "适用于"), ("数",)),
        (("有值", "适用于"), ("等",)),
    ],
    "日": [
        (("加年", "加月", "加天"), ("日", range(-30, 31))),
        (("月初", "月末", "年初", "年末"), ("日",)),
        (("取大", "取小"), ("日", "日")),
    ],
    "等": [
        (("取大", "取小"), ("等", "等")),
        (("最近",), ()),
        (("考核",), (range(2020, 2026),)),
    ],
}


def formula(chance: Random, kind: str, depth: int, years: bool = True) -> Any:
    """A formula of 数 真 日 or 等, at most `depth` deep; without `years` it can stand in a condition over years."""
    if depth == 0 or chance.random() < 0.15:
        return leaf(chance, kind)
    if chance.random() < 0.25:
        first = "真" if (word := chance.choice(("若", "缺省", "不适用时"))) == "若" else kind
        rest = (kind, kind) if word == "若" else (kind,)
        return (word, *(formula(chance, part, depth - 1, years) for part in (first, *rest)))
    words, parts = chance.choice([sign for sign in _SIGNS[kind] if years or RANKS not in sign[1]])
    inside = years and RANKS not in parts
    made = [formula(chance, p, depth - 1, inside) if isinstance(p, str) else chance.choice(p) for p in parts]
    return (chance.choice(words), *made)


def leaf(chance: Random, kind: str) -> Any:
    match chance.randrange(6):
        case 0:
            return ("无", kind)
        case 1:
            return ("字", literal(chance, kind))
    return ("名", chance.choice(_FIELDS[kind]))


def literal(chance: Random, kind: str) -> Any:
    match kind:
        case "数":
            return chance.choice(_FIGURES)
        case "真":
            return chance.random() < 0.5
        case "等":
            return chance.choice(RANKS)
    return chance.choice((*_DAYS, date(2015, 1, 1) + timedelta(days=chance.randrange(3650))))


def facts(chance: Random) -> dict[str, Any]:
    """The facts of one record; a name that is not there is missing."""
    found = {name: literal(chance, kind) for kind, names in _FIELDS.items() for name in names}
    found["数丙"] = chance.randint(-4, 12)
    found["年甲"] = {year: chance.choice(RANKS) for year in range(2018, 2027) if chance.random() < 0.7}
    return {name: fact for name, fact in found.items() if chance.random() < 0.75}


# --- as text -----------------------------------------------------------------------------------------------------

_BETWEEN = ("+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "且", "或")


def written(node: Any) -> str:
    """The formula as the engine reads it, every part in brackets."""
    match node:
        case ("名", name):
            return str(name)
        case ("字", bool(value)):
            return "是" if value else "否"
        case ("字", Fraction() as value):
            text = f"{float(abs(value))}"
            return f"(-{text})" if value < 0 else text
        case ("字", int(value)):
            return f"(-{-value})" if value < 0 else str(value)
        case ("字", value):
            return str(value)
        case ("无", kind):
            return OUTSIDE[kind]
        case ("负", x):
            return f"(-{written(x)})"
        case ("非", x):
            return f"(非 {written(x)})"
        case ("若", a, b, c):
            return f"(若 {written(a)} 则 {written(b)} 否则 {written(c)})"
        case ("属于", x, *members):
            return f"({written(x)} 属于 [{', '.join(map(written, members))}])"
        case ("查" | "段" as table, x):
            return f"{table}[{written(x)}]"
        case ("次数" | "连续" as name, x, grade):
            return f"{name}(年甲, 值 >= {grade} 且 {written(x)})"
        case ("段数" | "滚动段数" as name, grade, length):
            return f"{name}(年甲, 值 >= {grade}, {length})"
        case ("最近",):
            return "最近(年甲)"
        case ("考核", year):
            return f"年甲[{year}]"
        case (op, *parts) if op in _BETWEEN:
            return "(" + f" {op} ".join(written(part) for part in parts) + ")"
        case (name, *parts):
            return f"{name}({', '.join(str(p) if isinstance(p, int) else written(p) for p in parts)})"
    raise AssertionError(node)


# --- what it means -------------------------------------------------------------------------------------------------


def lacking(*facts_: str) -> Missing:
    return Missing(frozenset(facts_))


def together(values: list[Any]) -> Any:
    """不适用 before 信息不足, None if all are values (§4)."""
    if any(value is NO for value in values):
        return NO
    gone = [value.facts for value in values if isinstance(value, Missing)]
    return Missing(frozenset().union(*gone)) if gone else None


def meaning(node: Any, facts_: Facts) -> Any:
    """The outcome of a formula: a value, NO or Missing."""

    def of(part: Any) -> Any:
        return meaning(part, facts_)

    match node:
        case ("名", name):
            return facts_.get(name, lacking(name))
        case ("字", value):
            return value
        case ("无", _):
            return NO
        case ("且" | "或" as word, *parts):
            return kleene([of(part) for part in parts], word == "或")
        case ("若", a, b, c):
            return choose(of(a), of(b), of(c))
        case ("取大" | "取小" as word, *parts):
            return extreme(word, [of(part) for part in parts])
        case ("缺省", a, b):
            return of(b) if isinstance(of(a), Missing) else of(a)
        case ("不适用时", a, b):
            return of(b) if of(a) is NO else of(a)
        case ("有值", a):
            return not isinstance(of(a), Missing | No)
        case ("适用于", a):
            return of(a) if isinstance(of(a), Missing) else of(a) is not NO
        case ("次数" | "连续" | "段数" | "滚动段数" | "最近" | "考核", *_):
            return over_years(node, facts_)
        case (op, *parts):
            values = [part if isinstance(part, int) else of(part) for part in parts]
            outcome = together(values)
            return strict(op, values) if outcome is None else outcome
    raise AssertionError(node)


def kleene(values: list[Any], deciding: bool) -> Any:
    if any(value is deciding for value in values):
        return deciding
    gone = [value for value in values if isinstance(value, Missing)]
    if gone:
        return together(gone)
    return NO if any(value is NO for value in values) else not deciding


def choose(condition: Any, then: Any, otherwise: Any) -> Any:
    """若: an open condition gives what both branches agree on (§4)."""
    if condition is True or condition is False:
        return then if condition else otherwise
    agreed = not isinstance(then, Missing) and not isinstance(otherwise, Missing)
    if agreed and (then is otherwise or (then is not NO and otherwise is not NO and then == otherwise)):
        return then
    if condition is NO:
        return NO
    return together([x for x in (condition, then, otherwise) if isinstance(x, Missing)])


def order(value: Any) -> Any:
    return RANKS.index(value) if isinstance(value, str) else value


def extreme(word: str, values: list[Any]) -> Any:
    left = [value for value in values if value is not NO]
    gone = [value for value in left if isinstance(value, Missing)]
    if gone:
        return together(gone)
    if not left:
        return NO
    return (max if word == "取大" else min)(left, key=order)


def over_years(node: Any, facts_: Facts) -> Any:
    """Series end with the year of AS_OF; a year not written is not there (§6)."""
    if "年甲" not in facts_:
        return lacking("年甲")
    years = {year: grade for year, grade in sorted(facts_["年甲"].items()) if year <= AS_OF.year}
    match node:
        case ("最近",):
            return years[max(years)] if years else lacking("年甲")
        case ("考核", year):
            return years.get(year, lacking(f"年甲[{year}]"))
        case ("次数", also, least):
            found = [kleene([order(g) >= order(least), meaning(also, facts_)], False) for g in years.values()]
            gone = [value for value in found if isinstance(value, Missing)]
            return together(gone) if gone else sum(value is True for value in found)
        case ("连续", also, least):
            count, year = 0, max(years, default=0)
            while year in years:
                holds = kleene([order(years[year]) >= order(least), meaning(also, facts_)], False)
                if isinstance(holds, Missing):
                    return holds
                if holds is not True:
                    break
                count, year = count + 1, year - 1
            return count
        case (word, least, length):
            good = {year for year, grade in years.items() if order(grade) >= order(least)}
            if word == "滚动段数":
                return sum(all(year - back in good for back in range(length)) for year in good)
            blocks, year = 0, 2018
            while year <= 2026:
                if all(year + ahead in good for ahead in range(length)):
                    blocks, year = blocks + 1, year + length
                else:
                    year += 1
            return blocks
    raise AssertionError(node)


def strict(op: str, values: list[Any]) -> Any:
    """Operators and functions of values only."""
    one = values[0]
    two = values[1] if len(values) > 1 else None
    match op:
        case "+":
            return Fraction(one) + two
        case "-":
            return Fraction(one) - two
        case "*":
            return Fraction(one) * two
        case "/":
            return Fraction(one) / Fraction(two) if two else lacking("除数为 0")
        case "负":
            return -one
        case "绝对值":
            return max(one, -one)
        case "非":
            return not one
        case "==":
            return one == two
        case "!=":
            return one != two
        case "<":
            return order(one) < order(two)
        case "<=":
            return order(one) <= order(two)
        case ">":
            return order(one) > order(two)
        case ">=":
            return order(one) >= order(two)
        case "属于":
            return one in values[1:]
        case "四舍五入":
            step = Fraction(10) ** -two
            away = math.floor(abs(one) / step + Fraction(1, 2)) * step
            return away if one >= 0 else -away
        case "向上取整":
            return math.ceil(one / Fraction(10) ** -two) * Fraction(10) ** -two
        case "向下取整":
            return math.floor(one / Fraction(10) ** -two) * Fraction(10) ** -two
        case "段":
            return -1 if one < 0 else Fraction(1, 3) if one <= 1 else 7
        case "查":
            return {"低": 1, "中": NO, "高": lacking("查[高]")}[one]
    return of_days(op, one, two)


def of_days(op: str, one: date, two: Any) -> Any:
    match op:
        case "周年":
            return counted(one, two, 12)
        case "周月":
            return counted(one, two, 1)
        case "相差天数":
            return two.toordinal() - one.toordinal()
        case "年":
            return one.year
        case "月":
            return one.month
        case "日":
            return one.day
        case "加年":
            here = f"{one.year + two:04d}-{one.month:02d}-{one.day:02d}"
            return date.fromisoformat(here) if valid(here) else date(one.year + two, 3, 1)
        case "加月":
            return moved(one, two)
        case "加天":
            return one + timedelta(days=two)
        case "月初":
            return date(one.year, one.month, 1)
        case "月末":
            return moved(date(one.year, one.month, 1), 1) - timedelta(days=1)
        case "年初":
            return date(one.year, 1, 1)
        case "年末":
            return date(one.year, 12, 31)
    raise AssertionError(op)


def valid(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def moved(day: date, months: int) -> date:
    """The same day months later, or that month's last (§7)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def counted(start: date, end: date, months: int) -> int:
    """How often a period of so many months is full by `end`, counted one by one, days compared as written (§7)."""
    if start > end:
        return -counted(end, start, months)
    full = 0
    while True:
        year, month = divmod(start.year * 12 + start.month - 1 + (full + 1) * months, 12)
        if (year, month + 1, start.day) > (end.year, end.month, end.day):
            return full
        full += 1
