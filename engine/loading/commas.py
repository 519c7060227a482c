"""Between braces, words that a comma has made keys: YAML takes them silently (language §2).

E204 a key without a value, E205 a formula, text or number cut in pieces. Owns what such a piece is, so that
nobody else complains about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.diagnostics import Diagnostic, place_of
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.source import Span

_FORMULA = re.compile(r"[][()<>=+*/]|(?:^|\s)(?:且|或|非|若|则|否则|属于|不属于)\s")
_THOUSANDS = re.compile(r"-?[0-9]+(?: [0-9.]+)+\Z")


def find_pieces(root: Node, limit: int) -> tuple[list[Diagnostic], set[int]]:
    """Up to `limit` cuts, and `id`s of the keys that are pieces and of the mappings that hold nothing else."""
    found: list[Diagnostic] = []
    pieces: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        if isinstance(node, Sequence):
            left += node.items
        elif isinstance(node, Mapping):
            left += (entry.value for entry in node.entries)
            here = [entry for entry in node.entries if _is_piece(entry)] if node.flow else []
            if here:
                pieces.update(id(entry.key) for entry in here)
                if len(here) == len(node.entries):
                    pieces.add(id(node))
                if len(found) < limit:
                    found += _said(node, pieces)
    return found, pieces


def _is_piece(entry: Entry) -> bool:
    """A key without a colon, or with half a pair of brackets."""
    key, value = entry.key, entry.value
    if key.style:
        return False
    if isinstance(value, Scalar) and not value.style and not value.text:
        between = key.source.text[key.span.end : value.span.start]
        if ":" not in between:
            return True
    return any(key.text.count(left) != key.text.count(right) for left, right in ("()", "[]"))


def _said(node: Mapping, pieces: set[int]) -> Iterator[Diagnostic]:
    """One message for each run of pieces, with the entry before it."""
    if id(node) in pieces:
        yield _no_value(node.entries[0])
        return
    before: Entry | None = None
    run: list[Entry] = []
    for entry in (*node.entries, None):
        if entry is not None and id(entry.key) in pieces:
            run.append(entry)
            continue
        if run:
            whole = before is not None and isinstance(before.value, Scalar)
            yield _cut(before, run) if before is not None and whole else _no_value(run[0])
        before, run = entry, []


def _cut(before: Entry, run: list[Entry]) -> Diagnostic:
    """E205: 「{公式: 四舍五入(甲, 1)}」, marked from the value to the last piece."""
    words = " ".join(getattr(node, "text", "") for node in (before.value, *(piece.key for piece in run)))
    place = place_of(before.key.source, Span(before.value.span.start, run[-1].key.span.end))
    if _THOUSANDS.match(words):
        return Diagnostic("E205", "逗号把数切断了", place, "数里不写千分位的逗号")
    what = "公式" if _FORMULA.search(words) else "文字"
    return Diagnostic("E205", f"逗号把{what}切断了", place, f"{what}请加引号，或另起一行写")


def _no_value(piece: Entry) -> Diagnostic:
    """E204: 「{甲, 乙}」 for 「[甲, 乙]」."""
    word = " ".join(piece.key.text.split())[:40]
    hint = "列表用方括号，写作 [甲, 乙]；含逗号的公式请加引号"
    place = place_of(piece.key.source, piece.key.span)
    return Diagnostic("E204", f"花括号里的「{word}」后面没有「: 值」", place, hint)
