"""Whether an outcome is what a case expects: values exact, 情形 in any order, 信息不足 and 不适用 by their words.

Also the citations of 依据, taken apart into articles. Knows nothing of files or runs.
"""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from typing import Any

from engine.names import normalize
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
from engine.yaml_nodes import Mapping, Node, Scalar, Sequence

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


# --- citations

_ARTICLE = re.compile(r"(.*?)((?:\([^()]+\)(?:\d+\.?)*)*)\Z")
_ITEM = re.compile(r"\([^()]+\)(?:\d+\.?)*")


def articles(text: str) -> set[str]:
    """「第二十四条（一）（四）」 → {第二十四条(一), 第二十四条(四)}; of another document with its name."""
    found: set[str] = set()
    for piece in re.split(r"[;；]", normalize(text)):
        document, colon, rest = piece.rpartition(":")
        prefix = "".join((document + colon).split())
        for part in re.split(r"[、,]", rest):
            word = "".join(part.split())
            match = _ARTICLE.match(word)
            if not word or match is None:
                continue
            items = [item.rstrip(".") for item in _ITEM.findall(match[2])]
            found |= {prefix + match[1] + item for item in items} if match[1] else {prefix + word}
            if not items:
                found.add(prefix + word)
    return found


def cited(article: str, citations: set[str]) -> bool:
    """Whether an article, or an item of it, is among `citations`."""
    return any(
        found == article or (found.startswith(article) and found[len(article)] in "(第0123456789")
        for found in citations
    )
