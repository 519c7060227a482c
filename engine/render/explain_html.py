"""An explanation as one HTML page that needs nothing else: it can be printed, mailed, attached to a reply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from engine.app.explain import Explained
from engine.explain.model import Condition, Explanation, Formula, Step
from engine.render.explain_text import formula_title, outcome_words, value_words
from engine.render.page_html import document


def explanation_html(told: Explained) -> str:
    """The whole page."""
    policy = told.program.policy.meta if told.program else None
    who = told.explanations[0].id if told.explanations else ""
    title = f"{policy.identifier if policy else ''} {who} 计算说明"
    about = f"{policy.title}（{policy.id}，{policy.number}）" if policy else ""
    body = "\n".join(part for one in told.explanations for part in _explanation(one))
    head = f"<h1>{escape(title)}</h1>\n<p>{escape(about)}<br>计算日 {told.as_of}</p>"
    return document(title, f"{head}\n{body}")


def _anchor(one: Explanation, name: str) -> str:
    return escape(f"{one.name}-{name}".replace(" ", "_"), quote=True)


def _explanation(one: Explanation) -> Iterator[str]:
    first, *rest = one.steps
    yield f'<h2 id="{_anchor(one, first.name)}">{escape(one.name)}：{escape(outcome_words(first.outcome, first.type))}</h2>'
    yield from _step(one, first)
    if one.unmet:
        rows = (
            (gap.text, gap.filled, f"{gap.day} 起满足（其他不变）" if gap.day else "") for gap in one.unmet
        )
        yield f"<h3>还差什么</h3>{_table(('条件', '代入', '何时'), rows)}"
    if one.wanted:
        yield "<h3>需要补充</h3>"
        answers = (
            (
                fact.fact,
                fact.provider,
                "；".join(f"若为 {word}：{outcome_words(value, first.type)}" for word, value in fact.answers)
                or fact.note,
            )
            for fact in one.wanted
        )
        yield _table(("事实", "由谁提供", "不同的答案"), answers)
    if one.procedure is not None:
        route = f"（{one.procedure.route}）" if one.procedure.route else ""
        yield f"<h3>接下来的程序：{escape(one.procedure.name + route)}</h3><ol>"
        for actor, action, deadline in one.procedure.steps:
            yield f"<li>{escape(f'{actor}：' if actor else '')}{escape(action)}{escape(f'（{deadline}）' if deadline else '')}</li>"
        yield "</ol>"
    if rest:
        yield "<h3>其中</h3>"
    for step in rest:
        yield f'<section class="step"><h3 id="{_anchor(one, step.name)}">{escape(step.name)}：{escape(outcome_words(step.outcome, step.type))}</h3>'
        yield from _step(one, step)
        yield "</section>"


def _step(one: Explanation, step: Step) -> Iterator[str]:
    if step.article:
        yield f'<p class="article">依据：{escape(step.article)}</p>'
    if step.alternatives:
        readings = (
            (
                "采用" if option.chosen and option.adopted else "改选" if option.chosen else "未用",
                option.name,
                option.note,
                outcome_words(option.outcome, step.type),
            )
            for option in step.alternatives
        )
        yield _table(("", "读法", "说明", "这里的值"), readings)
    if step.scope:
        yield _table(("适用", "", "依据"), (_condition(condition) for condition in step.scope))
    if step.trigger is not None:
        yield from _formula(one, step.trigger, "触发日")
    for condition in step.exceptions:
        held = (
            "成立"
            if condition.outcome is True
            else outcome_words(condition.outcome, step.type)
            if not isinstance(condition.outcome, bool)
            else "不成立"
        )
        yield f"<p>例外「{escape(condition.name)}」：{escape(held)}</p>"
        if condition.formula is not None:
            yield from _formula(one, condition.formula, "条件")
    if step.formula is not None and not any(c.outcome is True for c in step.exceptions):
        yield from _formula(one, step.formula, formula_title(step))
    if step.grounds:
        grounds = (
            (
                f"{ground.name}{ground.note}",
                ground.formula.filled if ground.formula else "",
                _condition(ground)[1],
            )
            for ground in step.grounds
        )
        yield _table(("情形", "代入", ""), grounds)
    if step.figures:
        yield _table(
            tuple(label for label, _, _ in step.figures),
            [tuple(outcome_words(value, kind) for _, value, kind in step.figures)],
        )
    if step.note:
        yield f'<p class="note">{escape(step.note)}</p>'


def _formula(one: Explanation, formula: Formula, title: str) -> Iterator[str]:
    yield (
        f"<dl><dt>{title}</dt><dd><code>{escape(formula.text)}</code></dd>"
        f"<dt>代入</dt><dd><code>{escape(formula.filled)}</code></dd>"
        f"<dt>意思</dt><dd>{escape(formula.sentence)}</dd></dl>"
    )
    shown = [origin for origin in formula.values if origin.kind != "计算日"]
    if not shown:
        return
    yield "<table><tr><th>数</th><th>值</th><th>来处</th></tr>"
    known = {step.name for step in one.steps}
    for origin in shown:
        source = escape(
            f"{origin.kind}，{origin.source}"
            if origin.source and origin.source != origin.kind
            else origin.kind
        )
        if origin.step in known:
            source += f'，<a href="#{_anchor(one, origin.step)}">见下</a>'
        yield f"<tr><td>{escape(origin.text)}</td><td>{escape(value_words(origin, formula))}</td><td>{source}</td></tr>"
    yield "</table>"


def _condition(condition: Condition) -> tuple[str, str, str]:
    outcome = condition.outcome
    words = ("成立" if outcome else "不成立") if isinstance(outcome, bool) else "不能判断"
    return condition.name, words, condition.article


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
