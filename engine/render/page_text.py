"""A page as plain text for a terminal or a .txt file: wrapped by display width, without colour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from engine.render.page import Block, Formula, Heading, Items, Page, Paragraph, Picture, Quote, Table, plain
from engine.render.table import GAP, clean, pad, wrap
from engine.source import display_width

_RULES = {1: "═", 2: "─"}
NARROWEST = 8


def page_text(page: Page, width: int) -> str:
    """The whole page in lines of at most `width` columns, where no single word is longer."""
    found: list[str] = []
    before: Block | None = None
    for block in page.blocks:
        close = isinstance(block, Paragraph | Formula) and isinstance(before, Paragraph | Formula | Heading)
        found += [*([] if close or before is None else [""]), *_lines(block, width)]
        before = block
    return "\n".join(line.rstrip() for line in found)


def _lines(block: Block, width: int) -> Iterator[str]:
    match block:
        case Heading(level=level, text=text, aside=aside):
            words = f"{clean(text)}（{clean(aside)}）" if aside else clean(text)
            yield f"{'· ' if level > 3 else ''}{words}"
            if level in _RULES:
                yield _RULES[level] * min(width, display_width(words)) if level == 2 else _RULES[1] * width
        case Paragraph(words=words, label=label):
            yield from _labelled(label, clean(plain(words)), width)
        case Quote(lines=lines):
            for line in lines:
                for part in wrap(clean(line), width - 4):
                    yield f"  │ {part}"
        case Formula(text=text, sentence=sentence, label=label):
            yield from _labelled(label, clean(text), width)
            if sentence:
                yield from _labelled("意思", clean(sentence), width)
        case Items(items=items, ordered=ordered):
            for number, item in enumerate(items, 1):
                mark = f"{number}. " if ordered else "- "
                first, *rest = wrap(clean(plain(item)), width - len(mark) - 2) or [""]
                yield f"  {mark}{first}"
                yield from (f"  {' ' * len(mark)}{line}" for line in rest)
        case Table():
            yield from _table(block, width)
        case Picture(words=words):
            yield from wrap(clean(words), width)
        case _:
            assert_never(block)


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    head = f"  {label}：" if label else "  "
    room = width - display_width(head)
    first, *rest = wrap(text, room) or [""]
    yield head + first
    yield from (" " * display_width(head) + line for line in rest)


def _table(table: Table, width: int) -> Iterator[str]:
    """Columns as wide as they need; where they do not fit, the widest are narrowed and their cells wrapped."""
    rows = [table.titles, *(tuple(clean(plain(cell)) for cell in row) for row in table.rows)]
    widths = [max(display_width(row[at]) for row in rows) for at in range(len(table.titles))]
    room = width - 2 - len(GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > NARROWEST:
        widest = widths.index(max(widths))
        following = max((w for w in widths if w < widths[widest]), default=NARROWEST)
        many = widths.count(widths[widest])
        widths[widest] = max(following, NARROWEST, widths[widest] - max(1, (sum(widths) - room) // many))
    for row in rows:
        cells = [wrap(cell, w) or [""] for cell, w in zip(row, widths, strict=True)]
        for at in range(max(map(len, cells))):
            line = (
                pad(cell[at] if at < len(cell) else "", w, number in table.right)
                for number, (cell, w) in enumerate(zip(cells, widths, strict=True))
            )
            yield "  " + GAP.join(line)
