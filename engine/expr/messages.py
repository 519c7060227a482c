"""One function per mistake in a formula: code, sentence, advice. E301 names, E320–E321 syntax, E33x types and units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.names import WORDS, suggest
from engine.types import EnumT, NumberT, Type, describe
from engine.units import Unit


class Mistake(NamedTuple):
    code: str
    message: str
    hint: str = ""


def unknown_name(name: str, known: Iterable[str]) -> Mistake:
    """E301: a name that nothing declares; one that hides operator words gets the advice to part it."""
    names = set(known)
    parts = _parted(name, names)
    if parts:
        return Mistake("E301", f"未声明的名称「{name}」", f"运算词两边要空格，请写「{' '.join(parts)}」")
    return Mistake("E301", f"未声明的名称「{name}」", suggest(name, names))


_WRITTEN_OUT = ("是", "否", "不适用", "信息不足")


def _parted(text: str, names: set[str]) -> list[str]:
    """A word cut at operator words into known names and figures, with the fewest parts; [] if it cannot be."""
    if len(text) > 80:
        return []
    best: list[list[str]] = [[]]
    for end in range(1, len(text) + 1):
        cuts: list[list[str]] = []
        for start in range(end):
            part, before = text[start:end], best[start]
            if start and not before:
                continue
            if part in WORDS or (
                (part in names or part in _WRITTEN_OUT or part.isdecimal())
                and (not before or before[-1] in WORDS)
            ):
                cuts.append([*before, part])
        best.append(min(cuts, key=len, default=[]))
    found = best[-1]
    return found if any(part in WORDS for part in found) and len(found) > 1 else []


def outside_source(word: str) -> Mistake:
    """E301: 值 or 年份 where no 逐年 or dated field is being looked through."""
    return Mistake(
        "E301", f"「{word}」在这里没有所指", "「值」「年份」只写在 次数 选取 连续 首日 等函数的条件里"
    )


def unknown_function(name: str, known: Iterable[str], declared: bool, names: Iterable[str]) -> Mistake:
    """E330: a bracket after something that is no built-in; it may hide operator words."""
    if declared:
        return Mistake("E330", f"「{name}」不是内置函数，后面不能写括号", f"表用方括号查：{name}[…]")
    parts = _parted(name, {*known, *names})
    hint = f"运算词两边要空格，请写「{' '.join(parts)}(…)」" if parts else suggest(name, known)
    return Mistake("E330", f"没有内置函数「{name}」", hint)


def bare_function(name: str, signature: str) -> Mistake:
    """E330: a built-in without its brackets."""
    return Mistake("E330", f"「{name}」是内置函数，后面要写括号", f"写法：{signature}")


def argument_count(name: str, signature: str, given: int) -> Mistake:
    """E331: a built-in given too few or too many arguments."""
    return Mistake("E331", f"「{name}」的参数个数不对，这里写了 {given} 个", f"写法：{signature}")


def wrong_type(expected: str, found: Type) -> Mistake:
    """E332: a value of another type than the place needs."""
    return Mistake("E332", f"这里应为{expected}，写的是{describe(found)}")


def different_types(left: Type, right: Type) -> Mistake:
    """E332: two sides or branches of different types."""
    return Mistake("E332", f"两边的类型不同：{describe(left)}与{describe(right)}")


def different_units(left: Unit, right: Unit) -> Mistake:
    """E333: figures in different units added, compared or given out."""
    hint = ""
    if left.is_money != right.is_money and (left.is_bare or right.is_bare):
        hint = "带单位的金额请写成参数或表格"
    elif left.is_money and right.is_money:
        hint = "按月、按年的金额不会自动换算，请用带单位的参数（如 月/年）换算"
    return Mistake("E333", f"单位不同：{left}与{right}", hint)


def other_unit(expected: Unit, found: Unit) -> Mistake:
    """E333: a figure in another unit than its place asks for."""
    mistake = different_units(expected, found)
    wanted = f"这里的单位应为{expected}" if not expected.is_bare else "这里应为没有单位的数"
    came = f"算出的是{found}" if not found.is_bare else "算出的没有单位"
    return Mistake("E333", f"{wanted}，{came}", mistake.hint)


def money_product(op: str) -> Mistake:
    """E333: 元 × 元, or something divided by 元."""
    return Mistake("E333", "金额不能与金额相乘" if op == "*" else "不能除以金额，除非两边都是同一单位的金额")


def not_member(name: str, enum: EnumT, names: Iterable[str] = ()) -> Mistake:
    """E334: a word that is no member of the enum expected here, nor one of the declared `names`."""
    where = f"「{enum.name}」的选项" if enum.name else "这里的选项"
    shown = "、".join(enum.members[:12])
    return Mistake(
        "E334",
        f"「{name}」不是{where}",
        suggest(name, enum.members) or suggest(name, names) or f"可用：{shown}",
    )


def ambiguous_member(name: str, enums: Iterable[EnumT]) -> Mistake:
    """E334: a member of several enums where nothing says which."""
    owners = "、".join(f"「{enum.name}」" for enum in enums)
    return Mistake("E334", f"「{name}」是{owners}的选项，这里看不出是哪一个", "请在规则里写明「类型」")


def unordered(kind: Type) -> Mistake:
    """E335: < > on what has no order."""
    hint = "选项按低到高写，并加「有序: 是」" if isinstance(kind, EnumT) else "只能用 == 和 !="
    return Mistake("E335", f"{describe(kind)}不能比较大小", hint)


def date_arithmetic() -> Mistake:
    """E332: + or - on a date."""
    return Mistake("E332", "日期不能直接加减", "请用 加年 加月 加天 相差天数")


def personal_in_group(name: str) -> Mistake:
    """E336: a fact of one person where a figure of a group is computed."""
    return Mistake("E336", f"「{name}」是个人的事实，在集体里要放进 人数 合计 等函数中")


def member_function_outside(name: str) -> Mistake:
    """E336: 人数 and the like outside a 集体."""
    return Mistake(
        "E336", f"「{name}」在这里没有来源", "人数、个数只用于集体；其他函数的第一个参数应是记录或逐年"
    )


def not_finer(name: str) -> Mistake:
    """E336: a group that uses the figure of another kind of group, not coarser than itself."""
    return Mistake("E336", f"集体「{name}」的分组不比这里粗，取不到唯一的数")


def nested_aggregate(name: str) -> Mistake:
    """E337: an aggregate in an aggregate's condition."""
    return Mistake("E337", f"条件里不能再写「{name}」", "请另写一条内部规则，在条件里用它的名称")


def needs_index(name: str, kind: str) -> Mistake:
    """E338: a table or yearly parameter without its key."""
    return Mistake("E338", f"{kind}「{name}」后面要写方括号", f"例如 {name}[…]")


def bad_index(name: str) -> Mistake:
    """E338: square brackets after what cannot be looked up."""
    return Mistake("E338", f"「{name}」不能用方括号取值", "方括号用于表、逐年的字段和逐年的参数")


def key_count(name: str, keys: Iterable[str], given: int) -> Mistake:
    """E338: a table looked up with too few or too many keys."""
    return Mistake(
        "E338", f"表「{name}」的键个数不对，这里写了 {given} 个", f"写法：{name}[{', '.join(keys)}]"
    )


def unknown_column(table: str, name: str, columns: Iterable[str]) -> Mistake:
    """E338: a figure the table does not have."""
    columns = list(columns)
    return Mistake(
        "E338", f"表「{table}」没有栏目「{name}」", suggest(name, columns) or f"栏目有：{'、'.join(columns)}"
    )


def unknown_result(alias: str, name: str, known: Iterable[str]) -> Mistake:
    """E339: a result the other policy does not have."""
    names = list(known)
    return Mistake(
        "E339", f"「{alias}」没有结果「{name}」", suggest(name, names) or f"结果有：{'、'.join(names[:12])}"
    )


def bare_alias(alias: str) -> Mistake:
    """E339: an alias without a result."""
    return Mistake("E339", f"「{alias}」是别的政策，后面要写「.结果」")


def not_alias(name: str) -> Mistake:
    """E339: a dot after what is no alias of a 引用."""
    return Mistake("E339", f"「{name}」不是引用的政策，后面不能写「.」", "「.」只用于 别名.结果")


def needs_field(name: str) -> Mistake:
    """E340: 取值 and 首日 take the name of a field."""
    return Mistake("E340", f"「{name}」的第一个参数应是字段的名称", "逐年和记录的字段不行")


def needs_constant() -> Mistake:
    """E340: a number of digits that is not written out."""
    return Mistake("E340", "位数应写成 -12 到 12 的整数")


def whole_series(name: str, kind: Type) -> Mistake:
    """E332: a series or rows where one value is needed."""
    return Mistake(
        "E332",
        f"「{name}」是{describe(kind)}，这里应为一个值",
        "请用 最近 次数 连续 等函数，或用方括号取某一年",
    )


def outcome_place(word: str) -> Mistake:
    """E341: 不适用 or 信息不足 elsewhere than as a branch."""
    return Mistake(
        "E341", f"「{word}」只能作为「则」或「否则」的结果", "判断有没有值请用 有值(…) 或 适用于(…)"
    )


def money_literal(kind: NumberT) -> Mistake:
    """E333: a bare figure where money is due."""
    return Mistake(
        "E333", f"这里应为{kind.unit}的金额，写的是不带单位的数", "金额请写成带单位的参数或表格，0 除外"
    )


def undeclared_type() -> Mistake:
    """E342: nothing in the formula says what type it has."""
    return Mistake("E342", "看不出公式的类型", "请写明「类型」或「单位」")
