"""A document as data: headings, paragraphs, tables, lists, formulas, pictures. Written out by `page_text`,
`page_markdown` and `page_html`, so that every report has all three forms and none knows policies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ref:
    """Words that lead to the heading of this anchor in the same document."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Target:
    """Words that a `Ref` of this anchor leads to, outside headings."""

    text: str
    anchor: str


#: Words on one line; parts of a tuple stand one after another.
Word = str | Ref | Target
Words = Word | tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` 1 is the title; `anchor` is what a `Ref` leads to; `aside` stands beside it in smaller type."""

    level: int
    text: str
    anchor: str = ""
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    words: Words
    label: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines of another text, as they stand there."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as written, and the sentence that says it."""

    text: str
    sentence: str = ""
    label: str = "公式"


@dataclass(frozen=True, slots=True)
class Table:
    """`right`: columns of figures, from 0."""

    titles: tuple[str, ...]
    rows: tuple[tuple[Words, ...], ...]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Items:
    items: tuple[Words, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """`svg` for pages that can show it, `words` for those that cannot."""

    svg: str
    words: str


Block = Heading | Paragraph | Quote | Formula | Table | Items | Picture


@dataclass(frozen=True, slots=True)
class Page:
    """`blocks[0]` is the heading of level 1."""

    title: str
    blocks: tuple[Block, ...]


def parts(words: Words) -> tuple[Word, ...]:
    return words if isinstance(words, tuple) else (words,)


def plain(words: Words) -> str:
    """The words without where they lead."""
    return "".join(part if isinstance(part, str) else part.text for part in parts(words))


def joined(words: Sequence[Word], mark: str = "、") -> tuple[Word, ...]:
    """Words with a mark between them."""
    found: list[Word] = []
    for word in words:
        found += [mark, word] if found else [word]
    return tuple(found)
