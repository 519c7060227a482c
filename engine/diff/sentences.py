"""The sentence by which an amending document would order an edit, in the form such documents use.

「将第二十四条第（一）项中的“2000元”修改为“2300元”」. A draft for the officer who writes the document: what is only worded
otherwise in the policy file, or means the same, orders nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from engine import nodes
from engine.citations import Article, numeral, parse_citation
from engine.diff.changes import Item
from engine.diff.model import Edit
from engine.loading.section import iso_date
from engine.nodes import Mapping, Node, Scalar
from engine.program import Program
from engine.words import say


def official(article: Article) -> str:
    """「第二十四条第（一）项」: a place as amending documents write it."""
    text = f"{article.document}" + article.annex
    if article.number:
        text += f"第{numeral(article.number)}条"
    if article.inserted:
        text += f"之{numeral(article.inserted)}"
    if article.paragraph:
        text += f"第{numeral(article.paragraph)}款"
    if article.item:
        text += f"第（{numeral(article.item)}）项"
    return text + (f"第{article.sub}目" if article.sub else "")


def _places(articles: Sequence[Article]) -> str:
    """「第二条第（一）项、第（二）项」: what an article shares with the one before is not said again."""
    words: list[str] = []
    before = Article()
    for article in articles:
        text = official(article)
        stem = official(Article(number=article.number, inserted=article.inserted))
        same_stem = (article.number, article.inserted) == (before.number, before.inserted) and article.item
        words.append(text.removeprefix(stem) if same_stem and text != stem else text)
        before = article
    return "、".join(words)


def amending_sentence(edit: Edit, old: Program, new: Program) -> Edit:
    """The edit with its sentence, "" where the document itself need not change."""
    if edit.kind == "仅文字" or edit.section in ("政策", "条文", "用例"):
        return edit
    if edit.kind == "等价改写" and edit.action != "改名":
        return edit
    where = _places([article for article in edit.articles if article.is_own or article.annex])
    return replace(edit, sentence=_sentence(edit, where, old, new))


def _sentence(edit: Edit, where: str, old: Program, new: Program) -> str:
    own = f"将{where}中" if where else "将"
    path = edit.change.path[2:]
    if edit.action == "改名":
        return f"{own}的“{edit.before}”修改为“{edit.after}”。"
    if edit.section in ("口径", "引用", "选项组"):
        return ""
    if edit.section == "字段":
        return _option(edit, where)
    if edit.section == "情形" and len(path) == 2 and path[0] == "任一":
        return _ground(edit, where)
    if edit.name in _helpers(old if edit.action == "删除" else new):
        return ""
    if not path:
        about = f"关于“{edit.name}”的规定"
        if edit.action == "删除":
            return f"删去{where}{about}。"
        said = _said(edit, new, path)
        if where and _is_new(edit.articles, old):
            return f"增加{where}{f'：“{said}”' if said else f'，{about[2:]}'}。"
        return f"{f'在{where}中' if where else ''}增加{about}{f'：“{said}”' if said else ''}。"
    if edit.section == "表" and path[0] == "行" and len(path) > 1:
        return _row_edit(edit, where, old, new)
    if edit.section in ("参数", "表") and path[0] in ("值", "行"):
        return _cell(edit, where)
    if path[0] in ("例外", "步骤", "分流"):
        what = "”“".join(re.findall("「([^」]*)」", edit.part)) or edit.part
        verb = {"增加": "增加", "删除": "删去"}.get(edit.action, "修改")
        return f"{verb}{where}{'中' if where else ''}“{what}”的规定。"
    if path[0] not in ("公式", "校验", "适用"):
        return ""
    part = {"公式": "计算办法", "校验": "要求", "适用": "适用范围"}[str(path[0])]
    said = _said(edit, new, path) or edit.after
    return f"{own}“{edit.name}”的{part}修改为“{said}”。" if said else ""


def _is_new(articles: Sequence[Article], old: Program) -> bool:
    """Whether the document had none of these articles."""
    known = {
        (article.number, article.inserted) for key in old.policy.provisions for article in parse_citation(key)
    }
    return all(article.number and (article.number, article.inserted) not in known for article in articles)


def _cell(edit: Edit, where: str) -> str:
    """A figure of a parameter or of a cell of a table."""
    inside = f"{where}中" if where else ""
    since = _since(edit) if edit.section == "参数" else ""
    of = f"“{edit.part.strip('[]')}”的标准" if edit.section == "表" else ""
    name = f"“{edit.name}”" if edit.section == "参数" and not where else ""
    before, after = _figures(edit)
    if edit.action == "增加":
        return f"在{inside or '有关规定中'}增加{of or name}“{since}{after}”。"
    if edit.action == "删除":
        return f"删去{inside}{of or name}“{since}{before}”。"
    if after == "信息不足":
        return ""
    if before == "信息不足":
        return f"将{inside}{of or f'“{edit.name}”'}确定为“{since}{after}”。"
    return f"将{inside}{of or f'{name}{since}的'}“{before}”修改为“{after}”。"


def _since(edit: Edit) -> str:
    """「自2022年1月1日起」, of a figure that is given by date."""
    step = edit.change.path[3] if len(edit.change.path) > 3 else None
    day = iso_date(step) if isinstance(step, str) else None
    return f"自{_figure(day, '', '', False)}起" if day is not None else ""


def _figures(edit: Edit) -> tuple[str, str]:
    other = edit.old_unit != edit.unit
    return (
        _figure(edit.old, _written(edit.change.before) or edit.before, edit.old_unit, other),
        _figure(edit.new, _written(edit.change.after) or edit.after, edit.unit, other),
    )


def _written(node: Node | None) -> str:
    """The figure of a dated value or of a row that is written with its 依据."""
    value = node.get("值") if isinstance(node, Mapping) else None
    return value.text.strip() if isinstance(value, Scalar) else ""


def _row_edit(edit: Edit, where: str, old: Program, new: Program) -> str:
    """A row of a table: its keys are said as in 「工龄满5」; of a limit that moved only the limit."""
    item, rest = edit.change.path[3], edit.change.path[4:]
    program, number = (
        (old, item.old) if isinstance(item, Item) and item.old is not None else (new, _new(item))
    )
    table = program.policy.tables.get(edit.name)
    if table is None or number is None or number >= len(table.rows):
        return ""
    keys = dict(table.rows[number].keys)
    inside = f"{where}中" if where else ""
    before, after = _figures(edit)
    if rest and rest[0] in keys:
        words = "".join(str(step) for step in rest if isinstance(step, str))
        return f"将{inside}“{words}{before}”修改为“{words}{after}”。" if edit.action == "修改" else ""
    column = f"“{rest[0]}”" if rest and rest[0] != "值" else ""
    of = f"“{'，'.join(_key_words(key, node) for key, node in keys.items())}”的{column}标准"
    if rest:
        return f"将{inside}{of}“{before}”修改为“{after}”。" if edit.action == "修改" else ""
    figure = after if edit.action == "增加" else before
    told = f"“{figure}”" if _written(edit.change.after or edit.change.before) else ""
    if edit.action == "增加":
        return f"在{inside or '有关规定中'}增加{of}{told}。"
    return f"删去{inside}{of}{told}。" if edit.action == "删除" else ""


def _new(item: str | Item) -> int | None:
    return item.new if isinstance(item, Item) else None


def _key_words(key: str, node: Node) -> str:
    if isinstance(node, Mapping):
        limits = (f"{e.key.text.strip()}{_key_words('', e.value)}" for e in node.entries)
        return f"{key}{''.join(limits)}"
    if isinstance(node, nodes.Sequence):
        return "、".join(_key_words(key, part) for part in node.items)
    return node.text.strip()


def _option(edit: Edit, where: str) -> str:
    """A member that a field gained or lost; the rest of a field is the roster's affair, not the document's."""
    path = edit.change.path[2:]
    if len(path) != 2 or path[0] != "选项" or edit.action == "修改":
        return ""
    inside = f"{where}中" if where else ""
    return (
        f"在{inside}增加“{edit.after}”一档。"
        if edit.action == "增加"
        else f"删去{inside}“{edit.before}”一档。"
    )


def _helpers(program: Program) -> set[str]:
    """Rules that only help others: nothing of theirs stands in the document."""
    return {name for name, rule in program.policy.rules.items() if rule.internal}


def _ground(edit: Edit, where: str) -> str:
    label = str(edit.change.path[3]).strip("()（）")
    node = edit.change.after if edit.change.after is not None else edit.change.before
    title = node.get("名称") if isinstance(node, Mapping) else None
    words = title.text.strip() if isinstance(title, Scalar) else ""
    article = where.split("第（")[0]
    if edit.action == "删除":
        return f"删去{article}第（{label}）项。"
    return f"{article}增加一项，作为第（{label}）项：“（{label}）{words}”。"


def _figure(value: object, written: str, unit: str, full: bool) -> str:
    """A figure as documents write it: 2000元 (of 元/月; `full`: 每月2000元), 20%, 2021年5月27日."""
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    if written in ("信息不足", "不适用"):
        return written
    what, _, per = unit.partition("/")
    return f"{f'每{per}' if full and per else ''}{written}{what}"


def _said(edit: Edit, program: Program, path: tuple[str | Item, ...]) -> str:
    """The new formula as a sentence."""
    if edit.section == "规则" and edit.name in program.rules and path in ((), ("公式",), ("校验",)):
        return say(program.rules[edit.name].formula)
    return ""
