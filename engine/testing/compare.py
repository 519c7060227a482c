"""Whether an outcome is what a case expects: exact values, 情形 in any order, 信息不足 and 不适用 by word.

Also whether articles are among those applied. Knows nothing of files or runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from typing import Any

from engine.citations import parse_citation
from engine.names import normalize
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.values import (
    Grounds,
    NotApplicable,
    Rows,
    Series,
    Unknown,
    exact,
    format_number,
    parse_date,
    parse_number,
)

_TRUTH = {"是": True, "否": False, "true": True, "false": False}


def label_of(text: str) -> str:
    """A ground's label without its brackets: 「（五）」 and 「五」 are the same."""
    return normalize(text).removeprefix("(").removesuffix(")").strip()


def agrees(node: Node, outcome: Any) -> bool:
    """Whether `outcome` is what `node` says."""
    if isinstance(node, Scalar):
        word = normalize(node.text)
        if word == "信息不足":
            return isinstance(outcome, Unknown) or (
                isinstance(outcome, Grounds) and bool(outcome.open) and not outcome.holding
            )
        if word == "不适用":
            return isinstance(outcome, NotApplicable)
        return _scalar_agrees(word, outcome)
    if isinstance(node, Sequence):
        words = [item for item in node.items if isinstance(item, Scalar)]
        if isinstance(outcome, Grounds):
            return {label_of(w.text) for w in words} == set(outcome.holding) and bool(
                words or not outcome.open
            )
        if isinstance(outcome, Rows):
            return len(node.items) == len(outcome.rows) and all(map(_row_agrees, node.items, outcome.rows))
        return False
    if isinstance(outcome, Series):
        written = {normalize(entry.key.text): entry.value for entry in node.entries}
        given = {str(year): value for year, value in outcome.items}
        return written.keys() == given.keys() and all(agrees(written[year], given[year]) for year in given)
    return False


def _row_agrees(node: Node, row: Any) -> bool:
    return isinstance(node, Mapping) and all(
        agrees(entry.value, row.get(normalize(entry.key.text))) for entry in node.entries
    )


def _scalar_agrees(word: str, outcome: Any) -> bool:
    if isinstance(outcome, bool):
        return _TRUTH.get(word) is outcome
    if isinstance(outcome, (int, Fraction)):
        return parse_number(word) == outcome
    if isinstance(outcome, date):
        return parse_date(word) == outcome
    if isinstance(outcome, Grounds):
        if word in _TRUTH:
            return outcome.truth() is _TRUTH[word]
        return {label_of(word)} == set(outcome.holding)
    return isinstance(outcome, str) and normalize(outcome) == word


def written(node: Node) -> str:
    """What a case expects, as a message repeats it."""
    if isinstance(node, Scalar):
        return node.text.strip()
    if isinstance(node, Sequence):
        return f"[{', '.join(written(item) for item in node.items)}]"
    return "{" + ", ".join(f"{entry.key.text}: {written(entry.value)}" for entry in node.entries) + "}"


def computed(outcome: Any) -> str:
    """An outcome as a case would write it, with its reason or missing facts."""
    if outcome is None:
        return "没有这一项"
    if isinstance(outcome, NotApplicable):
        return f"不适用（{outcome.reason}）" if outcome.reason else "不适用"
    if isinstance(outcome, Unknown):
        return f"信息不足（缺 {'、'.join(outcome.missing)}）" if outcome.missing else "信息不足"
    if isinstance(outcome, bool):
        return "是" if outcome else "否"
    if isinstance(outcome, (int, Fraction)):
        return format_number(exact(outcome))
    if isinstance(outcome, date):
        return outcome.isoformat()
    if isinstance(outcome, Grounds):
        held = f"[{', '.join(outcome.holding)}]"
        waiting = "、".join(f"（{label}）缺 {'、'.join(facts)}" for label, facts in outcome.open)
        return (
            f"{held if outcome.holding or not waiting else '信息不足'}{f'（{waiting}）' if waiting else ''}"
        )
    if isinstance(outcome, Series):
        return "{" + ", ".join(f"{year}: {computed(value)}" for year, value in outcome.items) + "}"
    if isinstance(outcome, Rows):
        return f"{len(outcome.rows)} 行"
    return str(outcome)


def cited(wanted: str, citations: Iterable[str]) -> list[str]:
    """The articles of `wanted` that are not, in whole or in part, among `citations`."""
    applied = [article for text in citations for article in parse_citation(text)]
    return [str(a) for a in parse_citation(wanted) if not any(a.covers(other) for other in applied)]


def article_list(citations: Iterable[str]) -> str:
    """Citations as articles, each once."""
    found = dict.fromkeys(str(article) for text in citations for article in parse_citation(text))
    return "、".join(found) or "没有条文"
