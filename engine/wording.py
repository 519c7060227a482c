"""The official text of a regulation → its articles, and what of it a policy's 条文 leaves out.

Owns where an article and an item begin. Paragraphs (款) are not counted, because texts taken from scans break lines
anywhere; so nothing is said of them.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.citations import Article, parse_citation
from engine.diagnostics import Diagnostic, Place, place_of
from engine.names import normalize
from engine.nodes import Scalar
from engine.policy import Policy
from engine.records.csv_source import decode_table
from engine.source import SourceText, Span
from engine.validate.citations import citations

MAX_BYTES, MAX_UNPACKED = 20_000_000, 100_000_000
_NUMERAL = r"[〇零一二三四五六七八九十百两0-9]+"
_ARTICLE = re.compile(rf"\s*(第\s*{_NUMERAL}\s*条(?:\s*之\s*{_NUMERAL})?)(?P<gap>[\s:：、]*)")
_ITEM = re.compile(rf"\s*[（(]\s*({_NUMERAL})\s*[)）]")
_PART = re.compile(rf"\s*第\s*{_NUMERAL}\s*[编章节](?:\s|$)")


@dataclass(frozen=True, slots=True)
class Provision:
    """One article, or one item of it, with its lines; `span` is where it begins in the text."""

    article: Article
    lines: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Wording:
    """An official text: `provisions` in order, the lead of an article before its items."""

    source: SourceText
    provisions: tuple[Provision, ...]

    def of(self, article: Article) -> tuple[str, ...]:
        """The lines of a place with all its parts; of an item, its own."""
        return tuple(line for p in self.provisions if article.covers(p.article) for line in p.lines)


def read_wording(path: Path) -> tuple[Wording | None, list[Diagnostic]]:
    """A .txt or .docx file → the text by articles; None with E771 if it cannot be read or has no articles."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        fact = "找不到文件" if isinstance(error, FileNotFoundError) else f"文件打不开（{error.strerror}）"
        return None, [_unreadable(path, fact, "请检查路径和权限")]
    if len(raw) > MAX_BYTES:
        return None, [_unreadable(path, f"文件超过 {MAX_BYTES // 1_000_000} MB 的上限", "")]
    text = _docx_text(raw) if raw.startswith(b"PK") else decode_table(raw)
    if text is None or "\0" in text:
        hint = "可以用 .docx，或 UTF-8、GB18030 编码的 .txt；旧的 .doc 和 PDF 请先另存"
        return None, [_unreadable(path, "读不出文字", hint)]
    source = SourceText(str(path), text)
    provisions, remarks = _provisions(source)
    if not provisions:
        return None, [_unreadable(path, "没有找到「第一条」这样开头的条文", "每一条应从新的一行开始")]
    return Wording(source, tuple(provisions)), remarks


def _unreadable(path: Path, fact: str, hint: str) -> Diagnostic:
    return Diagnostic("E771", fact, Place(str(path)), hint)


def _docx_text(raw: bytes) -> str | None:
    """One line per paragraph, those of tables after the text before them; None if it is no readable document."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                return None
        import docx  # wanted by official texts only

        body = docx.Document(io.BytesIO(raw)).element.body
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError, SyntaxError):
        return None
    paragraphs = (node for node in body.iter() if node.tag.endswith("}p"))
    return "\n".join("".join(_runs(paragraph)) for paragraph in paragraphs)


def _runs(paragraph: object) -> Iterator[str]:
    for node in paragraph.iter():  # type: ignore[attr-defined]
        name = str(node.tag).rpartition("}")[2]
        if name == "t":
            yield node.text or ""
        elif name in ("br", "cr", "tab"):
            yield " "


def _provisions(source: SourceText) -> tuple[list[Provision], list[Diagnostic]]:
    """Articles in their order; W873 where the numbers do not follow each other."""
    found: list[tuple[Article, Span, list[str]]] = []
    remarks: list[Diagnostic] = []
    last = 0
    for number, start in enumerate(source.line_starts, 1):
        line = source.line_text(number)
        words = " ".join(line.split())
        head = _ARTICLE.match(line)
        article = parse_citation("".join(head[1].split()))[0] if head else None
        if head and article is not None and _begins(article, last, bool(head["gap"])):
            span = Span(start + head.start(1), start + head.end(1))
            if article.number not in (last, last + 1) or (article.number == last and not article.inserted):
                fact = f"「{article}」前面是第 {last} 条，中间缺条文" if last else f"正文从「{article}」开始"
                remarks.append(Diagnostic("W873", fact, place_of(source, span), "请核对正文是否完整"))
            last = article.number
            found.append((article, span, [words]))
            continue
        item = _ITEM.match(line)
        if item and found and words:
            here = found[-1][0]
            base = Article(number=here.number, inserted=here.inserted)
            places = parse_citation(f"{base}（{normalize(item[1])}）")
            if places and places[0].item:
                found.append((places[0], Span(start + item.start(1) - 1, start + item.end()), [words]))
                continue
        if found and words and not _PART.match(line):
            found[-1][2].append(words)
    return [Provision(article, tuple(lines), span) for article, span, lines in found], remarks


def _begins(article: Article, last: int, spaced: bool) -> bool:
    """Whether a line that begins with an article's number begins that article, and does not merely mention it."""
    if article.number == last + 1 or (article.number == last and article.inserted):
        return True
    return spaced and article.number > last


def compare_wording(policy: Policy, wording: Wording) -> list[Diagnostic]:
    """W871 places of the text that no 条文 treats, W872 条文 and 依据 that the text does not have."""
    entries = [
        (decl, article) for decl in policy.provisions.values() for article in parse_citation(decl.name)
    ]
    there = [provision.article for provision in wording.provisions]
    found = []
    for provision in wording.provisions:
        if not any(entry.covers(provision.article) for _, entry in entries):
            place = place_of(wording.source, provision.span)
            parts = any(provision.article.covers(entry) for _, entry in entries)
            if not (parts and not provision.article.item):
                found.append(
                    Diagnostic(
                        "W871",
                        f"正文的「{provision.article}」在「条文」里没有处理",
                        place,
                        "请在政策的「条文」里写上，没有可计算内容的写「处理: 宣示」",
                    )
                )
    hint = f"正文到「{there[-1]}」为止" if there else ""
    for decl, article in entries:
        if article.is_own and not _is_there(article, there):
            fact = f"「条文」写了「{article}」，正文里没有"
            found.append(Diagnostic("W872", fact, decl.place, hint))
    known = [article for _, article in entries]
    for scalar in citations(policy):
        found += [_not_there(scalar, article, hint) for article in _cited(scalar, there, known)]
    return found


def _cited(scalar: Scalar, there: list[Article], known: list[Article]) -> Iterator[Article]:
    for article in parse_citation(scalar.text):
        if article.is_own and article not in known and not _is_there(article, there):
            yield article


def _not_there(scalar: Scalar, article: Article, hint: str) -> Diagnostic:
    fact = f"依据写了「{article}」，正文里没有"
    return Diagnostic("W872", fact, place_of(scalar.source, scalar.span), hint)


def _is_there(article: Article, there: list[Article]) -> bool:
    """Whether the text has an article and, if one is named, its item."""
    bare = Article(number=article.number, inserted=article.inserted, item=article.item)
    return any(bare.covers(other) or (not bare.item and other.covers(bare)) for other in there)
