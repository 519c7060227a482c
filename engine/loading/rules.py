"""规则 口径 集体 情形: everything that holds formulas. The formulas stay as written."""

from __future__ import annotations

from typing import Literal, cast

from engine.loading import problems
from engine.loading.constants import positive
from engine.loading.kinds import PLAIN, Loading, read_kind
from engine.loading.section import Section, read_entries, read_scalar
from engine.names import normalize
from engine.nodes import Entry, Node, Scalar
from engine.policy import (
    Exception_,
    Ground,
    GroundsDecl,
    GroupDecl,
    Level,
    ReadingDecl,
    ReadingOption,
    RuleDecl,
    Shares,
)
from engine.types import NumberT, Type
from engine.units import Unit

_LEVELS = ("错误", "须说明", "提示")
_PERIODS = ("月", "季", "半年", "年", "一次")

Result = tuple[Type | None, Unit | None]
Period = Literal["", "月", "季", "半年", "年", "一次"]
LawDay = Literal["", "期初", "期末"]


def read_rules(node: Node | None, loading: Loading) -> dict[str, RuleDecl]:
    rules = {}
    for entry in read_entries(node, loading.found):
        decl = _read_rule(entry, loading)
        if decl is not None:
            rules[decl.name] = decl
    return rules


def _read_rule(entry: Entry, loading: Loading) -> RuleDecl | None:
    name, section = normalize(entry.key.text), loading.section(entry)
    body = section.one_of("公式", "校验")
    kind, unit = _read_result(section, name, body == "校验", loading)
    period = section.choice("周期", _PERIODS)
    _check_period(section, period)
    if not section.has("例外"):
        section.refuse("例外方式", "有「例外」的规则")
    formula = section.formula(body) if body else None
    exceptions = (_read_exception(item, loading) for item in section.items("例外"))
    if formula is None:
        return None
    return RuleDecl(
        name=name,
        key=entry.key,
        citation=section.citation,
        note=section.note,
        formula=formula,
        is_check=body == "校验",
        scope=section.scalars("适用"),
        reason=section.text("不适用说明"),
        type=kind,
        unit=unit,
        internal=section.flag("内部"),
        period=cast(Period, period),
        trigger=section.formula("触发日"),
        exceptions=tuple(exception for exception in exceptions if exception is not None),
        first_wins=section.choice("例外方式", ("首个",)) == "首个",
        level=_read_level(section, body in ("校验", "")),
        procedure=section.scalar("程序"),
        law_day=cast(LawDay, section.choice("依据日", ("期初", "期末"))),
        first_period=section.choice("首期", ("当期",)) == "当期",
        paid_on=section.formula("发放日"),
    )


def _read_result(section: Section, name: str, is_check: bool, loading: Loading) -> Result:
    """类型 and 单位 of what a formula gives; a 校验 gives 是 or 否 and has neither."""
    if is_check:
        section.refuse("类型", "公式，校验的结果总是「是」或「否」")
        section.refuse("单位", "公式，校验的结果总是「是」或「否」")
        return None, None
    kind = read_kind(section, name, PLAIN, loading)
    if kind is None:
        return None, None
    written = section.has("单位") and isinstance(kind.type, NumberT)
    return kind.type, kind.type.unit if written and isinstance(kind.type, NumberT) else None


def _read_level(section: Section, is_check: bool) -> Level:
    if not is_check:
        section.refuse("级别", "校验")
    return cast(Level, section.choice("级别", _LEVELS) or "错误")


def _check_period(section: Section, period: str) -> None:
    """触发日 goes with 一次; 依据日 首期 发放日 with any 周期."""
    if period == "一次":
        section.require("触发日", "周期为一次的规则")
    else:
        section.refuse("触发日", "「周期: 一次」的规则")
    if not section.has("周期"):
        for key in ("依据日", "首期", "发放日"):
            section.refuse(key, "有「周期」的规则")


def _read_exception(item: Node, loading: Loading) -> Exception_ | None:
    section = Section(item, loading.found, item)
    complete = [section.require(key) for key in ("当", "则")]
    when, then = section.formula("当"), section.formula("则")
    if not all(complete) or when is None or then is None:
        return None
    return Exception_(when, then, section.text("名称"), section.citation)


def read_readings(node: Node | None, loading: Loading) -> dict[str, ReadingDecl]:
    readings = {}
    for entry in read_entries(node, loading.found):
        decl = _read_reading(entry, loading)
        readings[decl.name] = decl
    return readings


def _read_reading(entry: Entry, loading: Loading) -> ReadingDecl:
    name, section = normalize(entry.key.text), loading.section(entry)
    section.require("读法")
    options = tuple(_read_option(inner, loading) for inner in section.entries("读法"))
    without = [option.name for option in options if option.formula is None]
    if without and len(without) < len(options):
        loading.found.append(problems.mixed_readings(entry.key, name, without))
    if options and len(without) == len(options):
        for key in ("类型", "单位"):
            section.refuse(key, "读法有公式的口径")
        loading.words.extend(("读法", option.key) for option in options)
    known = [option.name for option in options]
    adopted, chosen = section.scalar("采用"), section.word("采用")
    if adopted is None:
        section.require("采用")
    elif known and chosen not in known:
        loading.found.append(problems.unknown_reading(adopted, adopted.text, known))
    if known and chosen not in known:
        chosen = known[0]
    kind, unit = _read_result(section, name, False, loading)
    return ReadingDecl(
        name=name,
        key=entry.key,
        citation=section.citation,
        note=section.note,
        question=section.text("问题"),
        adopted=chosen,
        adopted_key=adopted or entry.key,
        basis=section.text("采用理由"),
        options=options,
        type=kind,
        unit=unit,
    )


def _read_option(entry: Entry, loading: Loading) -> ReadingOption:
    section = loading.section(entry)
    note, reason = section.note, section.text("理由")
    return ReadingOption(
        name=normalize(entry.key.text),
        key=entry.key,
        note="；".join(part for part in (note, f"理由：{reason}" if reason else "") if part),
        formula=section.formula("公式"),
    )


def read_groups(node: Node | None, loading: Loading) -> dict[str, GroupDecl]:
    """集体."""
    groups = {}
    for entry in read_entries(node, loading.found):
        name, section = normalize(entry.key.text), loading.section(entry)
        section.require("按")
        body = section.one_of("公式", "校验", "分配")
        kind, unit = _read_result(section, name, body == "校验", loading)
        shares = _read_shares(section, loading) if body == "分配" else None
        formula = section.formula(body) if body in ("公式", "校验") else None
        level = _read_level(section, body in ("校验", ""))
        if shares is None and formula is None:
            continue
        groups[name] = GroupDecl(
            name=name,
            key=entry.key,
            citation=section.citation,
            note=section.note,
            by=section.scalars("按"),
            member=section.formula("成员"),
            formula=formula,
            is_check=body == "校验",
            shares=shares,
            shown=tuple(_read_shown(section)),
            scope=section.scalars("适用"),
            type=kind,
            unit=unit,
            level=level,
            internal=section.flag("内部"),
            procedure=section.scalar("程序"),
        )
    return groups


def _read_shares(section: Section, loading: Loading) -> Shares | None:
    """分配: {总额, 权重, 精确到}."""
    inner = Section(section.get("分配"), loading.found, section.key("分配"))
    complete = [inner.require(key) for key in ("总额", "权重", "精确到")]
    total, weight, step_key = inner.formula("总额"), inner.formula("权重"), inner.scalar("精确到")
    if not all(complete) or total is None or weight is None or step_key is None:
        return None
    return Shares(total=total, weight=weight, step=positive(step_key, loading) or 1, step_key=step_key)


def _read_shown(section: Section) -> list[tuple[Scalar, Scalar]]:
    """列示: label → formula."""
    pairs = []
    for entry in section.entries("列示"):
        formula = read_scalar(entry.value, section.found, "公式")
        if formula is not None:
            pairs.append((entry.key, formula))
    return pairs


def read_grounds(node: Node | None, loading: Loading) -> dict[str, GroundsDecl]:
    """情形."""
    families = {}
    for entry in read_entries(node, loading.found):
        name, section = normalize(entry.key.text), loading.section(entry)
        section.require("任一")
        families[name] = GroundsDecl(
            name=name,
            key=entry.key,
            citation=section.citation,
            note=section.note,
            grounds=_read_items(section, loading),
            scope=section.scalars("适用"),
            procedure=section.scalar("程序"),
            internal=section.flag("内部"),
        )
    return families


def label_of(text: str) -> str:
    """「（一）」「一、」 → 「一」."""
    return normalize(text).strip("()「」、. ")


def _read_items(section: Section, loading: Loading) -> tuple[Ground, ...]:
    grounds: dict[str, Ground] = {}
    for entry in section.entries("任一"):
        label, item = label_of(entry.key.text), loading.section(entry)
        if not label:
            loading.found.append(problems.not_a_name(entry.key, entry.key.text))
        elif label in grounds:
            loading.found.append(problems.label_twice(entry.key, "标号", label, grounds[label].key))
        when = item.formula("当")
        if when is None:
            item.require("当")
        elif label not in grounds:
            grounds[label] = Ground(label, entry.key, item.text("名称"), when, item.citation)
    return tuple(grounds.values())
