"""A typed formula said as an officer would say it aloud (公式的话). One of the readers of the typed tree.

Owns wording only. Where a sentence could be read in two ways the part is put in brackets.
"""

from __future__ import annotations

from typing import assert_never

from engine.expr import tree
from engine.tables import show
from engine.types import BoolT, DateT, EnumT

_NUMBERS = {"==": "等于", "!=": "不等于", "<": "小于", "<=": "不超过", ">": "超过", ">=": "不少于"}
_DATES = {"==": "就是", "!=": "不是", "<": "早于", "<=": "不晚于", ">": "晚于", ">=": "不早于"}
_RANKS = {"==": "是", "!=": "不是", "<": "低于", "<=": "不高于", ">": "高于", ">=": "不低于"}
_SIGNS = {"+": "加", "-": "减", "*": "乘以", "/": "除以"}
_ROUNDED = {"四舍五入": "四舍五入", "向上取整": "向上取", "向下取整": "向下取"}
_PLACES = {2: "到分", 1: "到角", 0: "到整数", -1: "到十", -2: "到百"}


def say(node: tree.Expr) -> str:
    """The sentence of a formula, without a final stop."""
    match node:
        case tree.Const(value=value):
            return "" if value is None else show(value)
        case tree.OutcomeConst(word=word):
            return word
        case tree.AsOf():
            return "计算日"
        case tree.Field(name=name) | tree.Param(name=name) | tree.Rule(name=name) | tree.Reading(name=name):
            return name
        case tree.Column(name=name):
            return name
        case tree.GroundsTrue(name=name):
            return f"符合{name}之一"
        case tree.Group(name=name):
            return f"所在集体的{name}"
        case tree.Use(alias=alias, name=name):
            return f"{alias}的{name}"
        case tree.ParamYear(name=name, year=year):
            return f"{say(year)}年的{name}"
        case tree.Lookup():
            return _lookup(node)
        case tree.YearOf(series=series, year=year):
            return f"{_year(year)}的{say(series)}"
        case tree.Negate(operand=operand):
            return f"负的{_part(operand)}"
        case tree.Arith():
            return _arith(node)
        case tree.Compare():
            return _compare(node)
        case tree.And(items=items):
            return "，并且".join(_joined(item, tree.Or) for item in items)
        case tree.Or(items=items):
            return "，或者".join(_joined(item, tree.And) for item in items)
        case tree.Not():
            return _not(node)
        case tree.Among(operand=operand, members=members, negated=negated):
            listed = "、".join(say(member) for member in members)
            return f"{say(operand)}{'不' if negated else ''}是{listed}{'中的任何一个' if negated else '之一'}"
        case tree.If(condition=condition, then=then, otherwise=otherwise):
            return f"如果{say(condition)}，就是{_branch(then)}；否则{_otherwise(otherwise)}"
        case tree.Call():
            return _call(node)
        case tree.Extreme(largest=largest, args=args):
            late, early = ("较晚", "较早") if isinstance(node.type, DateT) else ("较大", "较小")
            return f"{'、'.join(_part(arg) for arg in args)}中{late if largest else early}的"
        case tree.Aggregate() | tree.Members() | tree.Select() | tree.Latest() | tree.Run():
            return _over(node)
        case tree.OnDay(field=name, day=day):
            return f"{say(day)}那天的{name}"
        case tree.FirstDay(field=name, condition=condition):
            return f"{name}首次满足“{say(condition)}”的日期"
        case tree.Probe():
            return _probe(node)
    assert_never(node)


def _part(node: tree.Expr) -> str:
    """A part that stands among others: in brackets where its end could not be heard."""
    text = say(node)
    compound = tree.Arith | tree.If | tree.And | tree.Or | tree.Compare | tree.Not | tree.Among | tree.Extreme
    return f"（{text}）" if isinstance(node, compound) else text


def _joined(node: tree.Expr, other: type) -> str:
    return f"（{say(node)}）" if isinstance(node, other | tree.If) else _truth(node)


def _truth(node: tree.Expr) -> str:
    """A condition: a name alone is said to hold."""
    named = tree.Field | tree.Rule | tree.Reading | tree.Column | tree.Use | tree.YearOf
    if isinstance(node, named) and isinstance(node.type, BoolT):
        return f"{say(node)}为是"
    return say(node)


def _branch(node: tree.Expr) -> str:
    return f"（{say(node)}）" if isinstance(node, tree.If) else say(node)


def _otherwise(node: tree.Expr) -> str:
    return say(node) if isinstance(node, tree.If) else f"是{say(node)}"


def _lookup(node: tree.Lookup) -> str:
    keys = "、".join(_part(key) for key in node.keys)
    return f"按{keys}查{node.table}" + (f"的{node.column}" if node.column else "")


def _year(node: tree.Expr) -> str:
    match node:
        case tree.Call(function="年", args=(tree.AsOf(),)):
            return "当年"
        case tree.Const():
            return f"{say(node)}年"
    return f"年份为{say(node)}"


def _arith(node: tree.Arith) -> str:
    product = node.op in "*/"
    left = node.left
    plain = not isinstance(left, tree.Arith) or (left.op in "*/" or not product)
    first = say(left) if plain and not isinstance(left, tree.If | tree.Extreme) else _part(left)
    right = node.right
    second = (
        say(right) if isinstance(right, tree.Arith) and not product and right.op in "*/" else _part(right)
    )
    return f"{first}{_SIGNS[node.op]}{second}"


def _compare(node: tree.Compare) -> str:
    kind = node.left.type
    if isinstance(kind, DateT):
        return f"{_side(node.left)}{_DATES[node.op]}{_side(node.right)}"
    if isinstance(kind, EnumT) or node.order is not None:
        return f"{_side(node.left)}{_RANKS[node.op]}{_side(node.right)}"
    if isinstance(kind, BoolT):
        return f"{_side(node.left)}{_RANKS[node.op]}{_side(node.right)}"
    words = _RANKS if node.op in ("==", "!=") and not hasattr(kind, "unit") else _NUMBERS
    return f"{_side(node.left)}{words[node.op]}{_side(node.right)}"


def _side(node: tree.Expr) -> str:
    return f"（{say(node)}）" if isinstance(node, tree.If | tree.And | tree.Or | tree.Compare) else say(node)


def _not(node: tree.Not) -> str:
    inner = node.operand
    if isinstance(inner, tree.Field | tree.Rule | tree.Reading | tree.Column | tree.Use | tree.YearOf):
        return f"{say(inner)}为否"
    return f"不符合“{say(inner)}”"


def _call(node: tree.Call) -> str:
    parts = [_part(arg) for arg in node.args]
    match node.function, parts:
        case (("四舍五入" | "向上取整" | "向下取整"), [value, *rest]):
            digits = node.args[1].value if rest and isinstance(node.args[1], tree.Const) else 0
            return f"{value}{_ROUNDED[node.function]}{_PLACES.get(digits, f'到 {digits} 位小数')}"
        case "绝对值", [value]:
            return f"{value}的绝对值"
        case "周年", [start, end]:
            return f"从{start}到{end}满的整年数"
        case "周月", [start, end]:
            return f"从{start}到{end}满的整月数"
        case "相差天数", [start, end]:
            return f"从{start}到{end}相差的天数"
        case (("加年" | "加月" | "加天"), [day, count]):
            unit = {"加年": "年", "加月": "个月", "加天": "天"}[node.function]
            if isinstance(node.args[1], tree.Const) and node.args[1].value < 0:
                return f"{day}的 {-node.args[1].value} {unit}前"
            return f"{day}的 {count} {unit}后"
        case (("年" | "月" | "日"), [day]):
            return f"{day}所在的{node.function}{'份' if node.function != '日' else ''}"
        case (("月初" | "月末" | "年初" | "年末"), [day]):
            return f"{day}所在{'月' if '月' in node.function else '年'}的{'第一天' if '初' in node.function else '最后一天'}"
    return f"{node.function}（{'、'.join(parts)}）"


def _condition(node: tree.Expr) -> str:
    """A condition inside a phrase: quoted where it is itself of several parts."""
    text = _truth(node)
    return f"“{text}”" if isinstance(node, tree.And | tree.Or | tree.If) else text


def _over(node: tree.Aggregate | tree.Members | tree.Select | tree.Latest | tree.Run) -> str:
    """What is counted or summed over years, rows or members."""
    match node:
        case tree.Latest(source=source):
            return f"{say(source)}中最近一年的值"
        case tree.Select(source=source, condition=condition):
            return f"{say(source)}中{_condition(condition)}的部分"
        case tree.Run(function="连续", source=source, condition=condition):
            return f"{say(source)}到最近一年为止连续{_condition(condition)}的年数"
        case tree.Run(source=source, condition=condition, length=length, first_year=first):
            years = say(length) if length is not None else ""
            since = f"（从{say(first)}起分段）" if first is not None else ""
            how = "每满" if node.function == "段数" else "逐年看最近"
            return f"{say(source)}中{_condition(condition)}的年份，{how} {years} 年算一次{since}的次数"
        case tree.Aggregate(function=function, source=source, value=value, condition=condition):
            where = f"中{_condition(condition)}的" if condition is not None else "的"
            if value is None:
                return f"{say(source)}{where}个数"
            return f"{say(source)}{where}{_part(value)}的{_TOTALS[function]}"
        case tree.Members(function=function, value=value, condition=condition):
            where = f"{_condition(condition)}的" if condition is not None else ""
            if function == "人数":
                return f"成员中{where}人数" if where else "成员人数"
            return f"{where}成员的{_part(value) if value is not None else ''}的{_TOTALS[function]}"
    assert_never(node)


_TOTALS = {
    "次数": "个数",
    "合计": "合计",
    "最大": "最大值",
    "最小": "最小值",
    "平均": "平均值",
    "个数": "不同值的个数",
    "人数": "人数",
}


def _probe(node: tree.Probe) -> str:
    inner = say(node.operand)
    match node.function:
        case "有值":
            return f"填写了{inner}" if isinstance(node.operand, tree.Field) else f"{inner}有值"
        case "适用于":
            return f"{inner}适用"
    fallback = say(node.fallback) if node.fallback is not None else ""
    return f"{inner}（{'没有时' if node.function == '缺省' else '不适用时'}按{fallback}）"
