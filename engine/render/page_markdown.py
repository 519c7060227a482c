"""A page as Markdown (tables as GitHub and most editors read them)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from engine.render.page import (
    Block,
    Formula,
    Heading,
    Items,
    Page,
    Paragraph,
    Picture,
    Quote,
    Ref,
    Table,
    Target,
    Word,
    Words,
    parts,
)
from engine.render.table import clean

_MARKS = re.compile(r"([\\`*_\[\]<>|#])")


def page_markdown(page: Page) -> str:
    return "\n\n".join("\n".join(_lines(block)) for block in page.blocks) + "\n"


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level=level, text=text, anchor=anchor, aside=aside):
            if anchor:
                yield f'<a id="{anchor}"></a>\n'
            yield f"{'#' * level} {_escaped(text)}{f'（{_escaped(aside)}）' if aside else ''}"
        case Paragraph(words=words, label=label):
            yield (f"**{_escaped(label)}**：" if label else "") + _words(words)
        case Quote(lines=lines):
            yield "\n>\n".join(f"> {_escaped(line)}" for line in lines)
        case Formula(text=text, sentence=sentence, label=label):
            yield f"**{_escaped(label)}**：{_code(text)}"
            if sentence:
                yield f"\n**意思**：{_escaped(sentence)}"
        case Items(items=items, ordered=ordered):
            for number, item in enumerate(items, 1):
                yield f"{f'{number}.' if ordered else '-'} {_words(item)}"
        case Table(titles=titles, rows=rows, right=right):
            yield _row([_escaped(title) for title in titles])
            yield _row(["---:" if at in right else "---" for at in range(len(titles))])
            for row in rows:
                yield _row([_words(cell) for cell in row])
        case Picture(words=words):
            yield _escaped(words)
        case _:
            assert_never(block)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _words(words: Words) -> str:
    return "".join(map(_word, parts(words)))


def _word(word: Word) -> str:
    match word:
        case Ref(text=text, anchor=anchor):
            return f"[{_escaped(text)}](#{anchor})"
        case Target(text=text, anchor=anchor):
            return f'<a id="{anchor}"></a>{_escaped(text)}'
    return _escaped(word)


def _escaped(text: str) -> str:
    return _MARKS.sub(r"\\\1", clean(text))


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{clean(text)}{fence}"
