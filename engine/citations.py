"""依据 as written → articles, each in one form: （六） and (六), 第24条 and 第二十四条 are the same.

Owns how citations are written. Whether the articles exist is asked in `engine.validate.citations`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from engine.names import normalize

_DIGITS = "零一二三四五六七八九"
_CHINESE = r"[〇零一二三四五六七八九十百两\d]+"
_PLACE = re.compile(
    rf"第(?P<article>{_CHINESE})条(?:之(?P<inserted>{_CHINESE}))?"
    rf"|第(?P<paragraph>{_CHINESE})款"
    rf"|第?\((?P<item>{_CHINESE})\)项?"
    rf"|第(?P<item_word>{_CHINESE})项"
    rf"|第(?P<sub_word>{_CHINESE})目"
    r"|(?P<sub>\d+)(?!\d)[.目]?"
)
_ARTICLE = re.compile(rf"第{_CHINESE}条")
_ANNEX = re.compile(rf"附[件表录图](?:{_CHINESE})?\Z")
_QUOTED = re.compile(r"《[^》]*》")
_NUMBER = re.compile(r"[〔\[(【]\s*\d{4}\s*[〕\])】]\s*第?\d+号")
_OWN = ("本办法", "本规定", "本细则", "本条例", "本决定", "本通知", "本意见", "本方案")


@dataclass(frozen=True, slots=True)
class Article:
    """One place in a document; `document` is "" for the policy's own. Empty parts are not named.

    An annex has only `annex`; a whole other document has only `document`.
    """

    document: str = ""
    number: int = 0
    inserted: int = 0
    paragraph: int = 0
    item: int = 0
    sub: int = 0
    annex: str = ""

    def __str__(self) -> str:
        text = f"{self.document}：" if self.document and (self.number or self.annex) else self.document
        text += self.annex
        if self.number:
            text += f"第{numeral(self.number)}条"
        if self.inserted:
            text += f"之{numeral(self.inserted)}"
        if self.paragraph:
            text += f"第{numeral(self.paragraph)}款"
        if self.item:
            text += f"（{numeral(self.item)}）"
        return text + (f"{self.sub}." if self.sub else "")

    @property
    def is_own(self) -> bool:
        """An article of the policy's own document."""
        return not self.document and bool(self.number)

    def covers(self, other: Article) -> bool:
        """Whether what is said of this place is said of the other: the same, or a part of it."""
        if (self.document, self.number, self.inserted, self.annex) != (
            other.document,
            other.number,
            other.inserted,
            other.annex,
        ):
            return False
        pairs = ((self.paragraph, other.paragraph), (self.item, other.item), (self.sub, other.sub))
        return all(own in (0, theirs) for own, theirs in pairs)


@dataclass(frozen=True, slots=True)
class Malformed:
    """A part of a citation that cannot be read, from `start` to `end` in the text."""

    text: str
    start: int
    end: int


def parse_citation(text: str) -> tuple[Article, ...]:
    """The articles of a 依据, in order; what cannot be read is left out."""
    return read_citation(text)[0]


def read_citation(text: str) -> tuple[tuple[Article, ...], tuple[Malformed, ...]]:
    """The articles of a 依据 and the parts that cannot be read."""
    articles: list[Article] = []
    malformed: list[Malformed] = []
    for start, part in _split(text, "；;"):
        document = ""
        before = Article()
        for offset, piece in _split(part, "、，,和及与", together=True):
            at = start + offset
            document, rest, shift = _document(piece, document)
            found = _span(rest, document) or _places(rest, document, before)
            if found is None:
                malformed.append(Malformed(rest.strip(), at + shift, at + len(piece.rstrip())))
            else:
                articles += found
                before = found[-1]
    return tuple(dict.fromkeys(articles)), tuple(malformed)


def _split(text: str, marks: str, together: bool = False) -> list[tuple[int, str]]:
    """Parts between marks outside brackets, with offsets; with `together`, text without 第…条 stays whole."""
    if together and not _ARTICLE.search(normalize(text)) and not _ANNEX.match(normalize(text).split("、")[0]):
        return [(0, text)] if text.strip() else []
    found: list[tuple[int, str]] = []
    depth = start = 0
    for at, char in enumerate(f"{text}{marks[0]}"):
        if char in "《（(〔[":
            depth += 1
        elif char in "》）)〕]":
            depth -= 1
        elif char in marks and (depth <= 0 or at == len(text)) and (char not in "和及与" or _joins(text, at)):
            part = text[start:at]
            if part.strip():
                found.append((start + len(part) - len(part.lstrip()), part.strip()))
            start = at + 1
    return found


def _joins(text: str, at: int) -> bool:
    """Whether a 和 stands between two places, not inside a name."""
    return text[at + 1 :].lstrip().startswith(("第", "（", "(", "附"))


def _document(piece: str, before: str) -> tuple[str, str, int]:
    """The document a piece names (else the one named before), the rest of it, and where the rest begins."""
    colon = re.match(r"([^：:]+)[：:]\s*", piece)
    if colon:
        return normalize(colon[1]), piece[colon.end() :], colon.end()
    found = _ARTICLE.search(piece)
    if found and found.start() > 0:
        name = normalize(piece[: found.start()])
        if name in _OWN:
            return "", piece[found.start() :], found.start()
        if _QUOTED.match(name) or not name.startswith("第"):
            return name, piece[found.start() :], found.start()
    return before, piece, 0


def _span(rest: str, document: str) -> list[Article] | None:
    """「第三条至第五条」 → each of them."""
    found = re.fullmatch(rf"第({_CHINESE})条(?:至|到|-)第({_CHINESE})条", "".join(normalize(rest).split()))
    if found is None:
        return None
    first, last = _value(found[1]), _value(found[2])
    in_order = 0 < first < last < 1000
    return [Article(document, number) for number in range(first, last + 1)] if in_order else None


def _places(rest: str, document: str, before: Article) -> list[Article] | None:
    """The places of one piece, None if it is none; `before` is what a （二） at its beginning continues."""
    text = "".join(normalize(rest).split())
    if _ANNEX.match(text):
        return [Article(document=document, annex=text)]
    if _is_whole(text):
        return [Article(document=f"{document}：{text}" if document else text)]
    here = before if before.document == document and not _ARTICLE.match(text) else Article(document=document)
    found: list[Article] = []
    at = 0
    while at < len(text):
        hit = _PLACE.match(text, at)
        if hit is None:
            return None
        here, level = _step(here, hit)
        if here.number == 0:
            return None
        if found and level > _level(found[-1]):
            found.pop()
        found.append(here)
        at = hit.end()
    return found or None


def _is_whole(text: str) -> bool:
    """Text that names a whole document: a title, a 文号, or words that do not look like an article."""
    if _QUOTED.search(text) or _NUMBER.search(text):
        return not _ARTICLE.search(text)
    begins = text.startswith(("第", "(")) or re.match(rf"{_CHINESE}条", text)
    return not begins and not _ARTICLE.search(text)


_LEVELS = ("number", "inserted", "paragraph", "item", "sub")


def _level(article: Article) -> int:
    return max(at for at, name in enumerate(_LEVELS) if getattr(article, name) or at == 0)


def _step(here: Article, hit: re.Match[str]) -> tuple[Article, int]:
    """The place after one more word, and the level that the word names."""
    groups = {name: value for name, value in hit.groupdict().items() if value}
    if "article" in groups:
        inserted = _value(groups["inserted"]) if "inserted" in groups else 0
        return Article(here.document, _value(groups["article"]), inserted), 1 if inserted else 0
    if "paragraph" in groups:
        return replace(here, paragraph=_value(groups["paragraph"]), item=0, sub=0), 2
    item = groups.get("item") or groups.get("item_word")
    if item:
        return replace(here, item=_value(item), sub=0), 3
    return replace(here, sub=_value(groups.get("sub") or groups["sub_word"])), 4


def _value(text: str) -> int:
    """「二十四」「24」「一百零三」 → number; 0 if it is none."""
    if text.isascii() and text.isdigit():
        return int(text)
    total = current = 0
    for char in text.replace("〇", "零").replace("两", "二"):
        if char in _DIGITS:
            current = _DIGITS.index(char)
        elif char == "十":
            total, current = total + (current or 1) * 10, 0
        elif char == "百":
            total, current = total + (current or 1) * 100, 0
    return total + current


def numeral(number: int) -> str:
    """24 → 「二十四」, for numbers below 1000."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")
