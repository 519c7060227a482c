"""One function per mistake in a policy file: code, sentence, place, advice.

E2xx from E221 on: the shape of a value; E302–E319: names. What the JSON Schema can see is `engine.schema`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from engine.diagnostics import Diagnostic, Place, place_of
from engine.names import suggest
from engine.nodes import Node, Scalar


def _at(
    node: Node, code: str, message: str, hint: str = "", related: tuple[tuple[str, Place], ...] = ()
) -> Diagnostic:
    return Diagnostic(code, message, place_of(node.source, node.span), hint, related)


def _related(text: str, node: Node) -> tuple[tuple[str, Place], ...]:
    return ((text, place_of(node.source, node.span)),)


def _listed(words: Iterable[str]) -> str:
    shown = list(words)
    return "、".join(shown[:12]) + ("…" if len(shown) > 12 else "")


def _quoted(text: str) -> str:
    word = " ".join(text.split())
    return f"「{word[:40]}{'…' if len(word) > 40 else ''}」"


def too_many(shown: int, place: Place | None) -> Diagnostic:
    """E114: so many mistakes that the rest is left out."""
    return Diagnostic("E114", f"问题超过 {shown} 个，其余没有列出", place, "请先改正列出的问题")


def empty_file(place: Place) -> Diagnostic:
    """E113: a file without anything in it."""
    return Diagnostic("E113", "文件是空的", place, "政策文件从「格式: 1」开始写")


def wrong_shape(node: Node, expected: str, hint: str = "") -> Diagnostic:
    """E221: a list, keys or a single value where another of the three belongs."""
    return _at(node, "E221", f"这里应为{expected}", hint)


def missing_key(node: Node, key: str, reason: str = "") -> Diagnostic:
    """E222: a key that this declaration needs."""
    return _at(node, "E222", f"{reason}缺少「{key}」")


def not_date(node: Node, text: str, hint: str = "") -> Diagnostic:
    """E223: something that is no date as policy files write it."""
    return _at(node, "E223", f"{_quoted(text)}不是日期", hint or "日期写作 2021-05-27")


def not_flag(node: Node, text: str) -> Diagnostic:
    """E224: a truth value that is not 是 or 否."""
    return _at(node, "E224", f"{_quoted(text)}不是「是」或「否」", "真假只写「是」或「否」")


def not_number(node: Node, text: str, expected: str = "数") -> Diagnostic:
    """E225: something that is no number, or not one of the kind needed here."""
    return _at(node, "E225", f"{_quoted(text)}不是{expected}", _number_hint(text))


def _number_hint(text: str) -> str:
    if "," in text or "，" in text:
        return "数里不写千分位的逗号"
    if any(char.isdigit() for char in text) and any(char in "元月年天岁人" for char in text):
        return "单位写在「单位」里，这里只写数"
    return "数写作 12、0.5、20% 或 1/3"


def not_unit(node: Node, text: str) -> Diagnostic:
    """E227: a unit that cannot be read."""
    return _at(node, "E227", f"{_quoted(text)}不是单位", "单位写作 元、元/月、月、人 等")


def not_choice(node: Node, text: str, choices: Collection[str]) -> Diagnostic:
    """E228: a word outside the few that may stand here."""
    hint = suggest(text, choices) or f"可用：{_listed(choices)}"
    return _at(node, "E228", f"{_quoted(text)}不能写在这里", hint)


def key_out_of_place(key: Node, name: str, where: str, hint: str = "") -> Diagnostic:
    """E229: a key that does not go with the type or the other keys of its declaration."""
    return _at(key, "E229", f"「{name}」只用于{where}", hint)


def bad_range(node: Node, message: str) -> Diagnostic:
    """E231: a 范围 that is no pair of limits, low before high."""
    return _at(node, "E231", message, "范围写作 [最小, 最大]，一边不限时写 ~")


def outside(node: Node, limits: Node) -> Diagnostic:
    """E240: a value outside the 范围 within which it may be set."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    return _at(node, "E240", f"{_quoted(text)}超出了允许的范围", "", _related("范围写在这里", limits))


def bad_constant(node: Node, text: str, expected: str, hint: str = "") -> Diagnostic:
    """E232: a parameter's value that is not of its type."""
    return _at(node, "E232", f"{_quoted(text)}不是{expected}", hint or _constant_hint(text, expected))


def _constant_hint(text: str, expected: str) -> str:
    if expected.startswith(("数", "整数")):
        return _number_hint(text)
    return "日期写作 2021-05-27" if expected == "日期" else ""


def bad_year(node: Node, text: str) -> Diagnostic:
    """E226: a year that is none."""
    return _at(node, "E226", f"{_quoted(text)}不是年份", "年份写作 2021")


def table_depth(node: Node, keys: int, message: str) -> Diagnostic:
    """E233: a 表 whose 值 has more or fewer levels than its 按 has keys."""
    return _at(node, "E233", message, f"「按」有 {keys} 个键，「值」就写 {keys} 层")


def unknown_in_row(node: Node, name: str, known: Collection[str]) -> Diagnostic:
    """E234: something in a row of a 表 that is neither key nor figure."""
    return _at(node, "E234", f"这张表的行里没有「{name}」", suggest(name, known) or f"可用：{_listed(known)}")


def bad_table_key(node: Node, message: str) -> Diagnostic:
    """E235: a key under 按 that cannot be read."""
    hint = "键写字段、规则、选项组的名称，或 {选项: […]}、{类型: 整数, 范围: [1, 18]}"
    return _at(node, "E235", message, hint)


def expires_early(node: Node, effective: str, start: Node) -> Diagnostic:
    """E236: 失效 before 施行."""
    return _at(node, "E236", f"失效日期早于施行日期 {effective}", "", _related("施行写在这里", start))


def mixed_readings(node: Node, name: str, without: Iterable[str]) -> Diagnostic:
    """E237: a 口径 of which only some 读法 have 公式."""
    message = f"口径「{name}」的读法有的写了公式，有的没有：{_listed(without)}"
    return _at(node, "E237", message, "要么每个读法都写公式，要么都不写")


def exactly_one(node: Node, keys: Collection[str], given: Collection[str]) -> Diagnostic:
    """E238: of keys that exclude each other, none or several."""
    several = "只能写一个" if given else "要写一个"
    return _at(node, "E238", f"{'、'.join(f'「{key}」' for key in keys)}{several}")


def empty_member(node: Node) -> Diagnostic:
    """E239: an option without text."""
    return _at(node, "E239", "选项不能是空的", "没有填写的事实不用选项表示，留空就是信息不足")


def not_a_name(key: Node, text: str) -> Diagnostic:
    """E302: a name that formulas could not write."""
    return _at(key, "E302", f"{_quoted(text)}不能作名称", "名称只用汉字、字母、数字和「_」，不以数字开头")


def reserved(key: Node, name: str, builtin: bool) -> Diagnostic:
    """E303: a name that the language keeps for itself."""
    fact = "内置函数" if builtin else "保留的词"
    return _at(key, "E303", f"「{name}」是{fact}，不能作名称", "请换一个名称")


def name_taken(key: Node, name: str, family: str, first: Node, first_family: str) -> Diagnostic:
    """E304: two declarations of one name."""
    message = f"名称「{name}」已经用于{first_family}，不能再用于{family}"
    return _at(key, "E304", message, "名称在整个文件里只用一次", _related(f"{first_family}写在这里", first))


def word_taken(node: Node, what: str, name: str, first: Node, first_family: str) -> Diagnostic:
    """E305: an option or a column with the name of a declaration."""
    message = f"{what}「{name}」与{first_family}同名，公式里分不清"
    return _at(node, "E305", message, "请改其中一个", _related(f"{first_family}写在这里", first))


def unknown_type(node: Node, text: str, known: Collection[str], elsewhere: bool) -> Diagnostic:
    """E306: a type that is neither built in nor a 选项组, or that has no place here (`elsewhere`)."""
    hint = "" if elsewhere else suggest(text, known)
    fact = "这里不能用类型" if elsewhere else "没有类型"
    return _at(node, "E306", f"{fact}{_quoted(text)}", hint or f"可用：{_listed(known)}，或选项组的名称")


def member_twice(node: Node, text: str, first: Node) -> Diagnostic:
    """E307: an option written twice."""
    return _at(node, "E307", f"选项「{text}」写了两次", "", _related("第一次写在这里", first))


def alias_collides(node: Node, alias: str, fact: str) -> Diagnostic:
    """E308: an alias that already means something else."""
    return _at(node, "E308", f"别名「{alias}」{fact}", "别名只能是选项之外的写法，各指一个选项")


def alias_target(node: Node, alias: str, text: str, members: Collection[str]) -> Diagnostic:
    """E309: an alias of something that is no option."""
    hint = suggest(text, members) or f"可用：{_listed(members)}"
    return _at(node, "E309", f"别名「{alias}」所指的{_quoted(text)}不是选项", hint)


def unknown_reading(node: Node, text: str, known: Collection[str]) -> Diagnostic:
    """E310: 采用 names no 读法 of its 口径."""
    return _at(node, "E310", f"没有读法{_quoted(text)}", suggest(text, known) or f"读法有：{_listed(known)}")


def unknown_field(node: Node, role: str, text: str, known: Collection[str]) -> Diagnostic:
    """E311: a declaration that points to a field that is not there."""
    return _at(node, "E311", f"{role}写的{_quoted(text)}不是字段", suggest(text, known))


def unfit_field(node: Node, role: str, text: str, expected: str) -> Diagnostic:
    """E312: a declaration that points to a field of another type than it needs."""
    return _at(node, "E312", f"{role}写的「{text}」不是{expected}的字段")


def label_twice(node: Node, what: str, label: str, first: Node) -> Diagnostic:
    """E313: labels, keys or columns of one declaration that are equal but for brackets and widths."""
    return _at(node, "E313", f"{what}「{label}」写了两次", "", _related("第一次写在这里", first))


def only_in_amendments(key: Node) -> Diagnostic:
    """E447: 删除 in a file that stands by itself."""
    return _at(
        key, "E447", "「删除」只用于修订别的政策的文件", "请在「政策」里写「修订: 编号」，或删去这个键"
    )
