"""An explanation as text that reads well without colour: the result first, then what it rests on, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from engine.app.explain import Explained
from engine.explain.model import Condition, Explanation, Formula, Origin, Step
from engine.render.cells import text_value
from engine.render.table import Column, clean, cut, lines
from engine.types import NumberT, Type
from engine.values import Grounds, NotApplicable, Unknown, decimals_of, format_number, missing_of, round_down

INDENT = "  "
WIDEST = 56


def explanation_text(told: Explained) -> str:
    """Every explanation, one after another."""
    parts = [_head(told), *("\n".join(_explanation(one)) for one in told.explanations)]
    return "\n\n".join(part for part in parts if part)


def outcome_words(outcome: Any, kind: Type) -> str:
    """「1500.00 元」, 「不适用：…」, 「信息不足，缺 …」."""
    if isinstance(outcome, NotApplicable):
        return f"不适用：{clean(outcome.reason)}"
    if isinstance(outcome, Unknown):
        return f"信息不足，缺 {clean('、'.join(outcome.missing))}"
    words = clean(about(outcome) or text_value(outcome, kind))
    if isinstance(outcome, Grounds) and outcome.open:
        return f"{words.rstrip('？') or '没有确定的'}，还要看 {clean('、'.join(missing_of(outcome)))}"
    unit = str(kind.unit) if isinstance(kind, NumberT) and not kind.unit.is_bare else ""
    return f"{words} {unit}".rstrip()


def formula_title(step: Step) -> str:
    """What a step's formula gives: of a share, the total that is shared."""
    return "总额" if any(label == "总额" for label, _, _ in step.figures) else "公式"


def about(value: Any) -> str:
    """「608.8901…」 for a ratio that never ends, "" for any other value; only where nothing is paid by it."""
    if not isinstance(value, Fraction) or decimals_of(value) is not None:
        return ""
    return f"{format_number(round_down(value, 4))}…"


def _head(told: Explained) -> str:
    program = told.program
    if program is None or not told.explanations:
        return ""
    meta = program.policy.meta
    changed = [
        f"{name} = {option}"
        for name, option in told.readings.items()
        if name in program.policy.readings and program.policy.readings[name].adopted != option
    ]
    found = [
        f"{meta.identifier} {clean(told.explanations[0].id)}，计算日 {told.as_of}",
        f"政策：{clean(meta.title)}（{meta.id}，{clean(meta.number) or meta.effective}）",
    ]
    return "\n".join([*found, f"口径改选：{'、'.join(changed)}"] if changed else found)


def _explanation(one: Explanation) -> Iterator[str]:
    first, *rest = one.steps
    title = f"{one.name}：{outcome_words(first.outcome, first.type)}"
    yield title + (f"（{clean(first.article)}）" if first.article else "")
    yield from _indented(_step(first))
    if one.unmet:
        yield f"{INDENT}还差什么"
        for gap in one.unmet:
            when = f"，其他不变时 {gap.day} 起满足" if gap.day else ""
            yield f"{INDENT * 2}{clean(gap.text)}  →  {clean(gap.filled)} 不成立{when}"
    if one.wanted:
        yield f"{INDENT}需要补充"
        for fact in one.wanted:
            provider = f"（由{fact.provider}提供）" if fact.provider else ""
            yield f"{INDENT * 2}{clean(fact.fact)}{provider}{'：' + clean(fact.note) if fact.note else ''}"
            for word, outcome in fact.answers:
                yield f"{INDENT * 3}若为 {word}：{outcome_words(outcome, first.type)}"
    if one.procedure is not None:
        route = f"（{one.procedure.route}）" if one.procedure.route else ""
        yield f"{INDENT}接下来的程序：{one.procedure.name}{route}，{one.procedure.article}"
        for number, (actor, action, deadline) in enumerate(one.procedure.steps, 1):
            who = f"{actor}：" if actor else ""
            yield f"{INDENT * 2}{number}. {who}{action}{f'（{deadline}）' if deadline else ''}"
        for name in one.procedure.open:
            yield f"{INDENT * 2}是否按「{name}」办理还不能确定"
    if rest:
        yield f"{INDENT}其中"
    for step in rest:
        article = f"（{clean(step.article)}）" if step.article else ""
        yield f"{INDENT}· {step.name}：{outcome_words(step.outcome, step.type)}{article}"
        yield from _indented(_step(step), 2)


def _indented(parts: Iterable[str], depth: int = 1) -> Iterator[str]:
    for part in parts:
        yield INDENT * depth + part


def _step(step: Step) -> Iterator[str]:
    if step.family == "口径":
        yield from _alternatives(step)
    if step.scope:
        yield f"适用  {'；'.join(_condition(condition) for condition in step.scope)}"
    if step.trigger is not None:
        yield f"触发日  {_filled(step.trigger)}"
    for condition in step.exceptions:
        yield f"例外  {_condition(condition)}"
        if condition.formula is not None:
            yield f"{INDENT}{_filled(condition.formula)}"
            if condition.outcome is True:
                yield from _indented(_values(condition.formula))
    if step.formula is not None and not any(c.outcome is True for c in step.exceptions):
        yield f"{formula_title(step)}  {step.formula.text}"
        yield f"代入  {step.formula.filled}"
        yield f"意思  {step.formula.sentence}"
        yield from _indented(_values(step.formula))
    for ground in step.grounds:
        yield f"{ground.name}{ground.note}：{_truth(ground.outcome)}"
        if ground.formula is not None:
            yield f"{INDENT}{_filled(ground.formula)}"
    if step.figures:
        yield "，".join(f"{label} {outcome_words(value, kind)}" for label, value, kind in step.figures)
    if step.note:
        yield f"说明  {clean(step.note)}"


def _alternatives(step: Step) -> Iterator[str]:
    for one in step.alternatives:
        mark = "采用" if one.chosen and one.adopted else "改选" if one.chosen else "未用"
        note = f"：{clean(one.note)}" if one.note else ""
        value = (
            ""
            if isinstance(one.outcome, str) and one.outcome == one.name
            else outcome_words(one.outcome, step.type)
        )
        yield f"{mark}  {one.name}{note}{f'，值 {value}' if value else ''}"


def _condition(condition: Condition) -> str:
    article = f"，{clean(condition.article)}" if condition.article else ""
    return f"{condition.name}（{_truth(condition.outcome)}{article}）"


def _truth(outcome: Any) -> str:
    if isinstance(outcome, bool):
        return "成立" if outcome else "不成立"
    if isinstance(outcome, Unknown):
        return f"不能判断，缺 {'、'.join(outcome.missing)}"
    return text_value(outcome)


def _filled(formula: Formula) -> str:
    return f"{formula.text}  →  {formula.filled}  →  {outcome_words(formula.outcome, formula.type)}"


def _values(formula: Formula) -> Sequence[str]:
    """One line per value: as written, what it is, where it comes from."""
    shown = [origin for origin in formula.values if origin.kind != "计算日"]
    if not shown:
        return ()
    return lines(
        [
            Column("", tuple(cut(origin.text, WIDEST) for origin in shown)),
            Column("", tuple(cut(value_words(origin, formula), WIDEST) for origin in shown)),
            Column("", tuple(cut(_source(origin), WIDEST) for origin in shown)),
        ]
    )[1:]


def value_words(origin: Origin, formula: Formula) -> str:
    """A value in a list of values; what is missing without any effect is said to have none."""
    if isinstance(origin.value, Unknown) and not isinstance(formula.outcome, Unknown):
        return "未填，不影响结果"
    return outcome_words(origin.value, origin.type)


def _source(origin: Origin) -> str:
    kind, source = origin.kind, origin.source
    words = f"{kind}，{source}" if source and source != kind else kind
    return f"{words}，见下" if origin.step else words
