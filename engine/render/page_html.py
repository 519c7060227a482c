"""A page as one HTML file that needs nothing else: it can be printed, mailed, attached to a reply."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
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

_STYLE = """
body{font:16px/1.6 "Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem;color:#222}h1{font-size:1.4rem}h2{border-bottom:2px solid #222;margin-top:2.5rem}
h3{margin:1.6rem 0 .3rem}h4{margin:1rem 0 .2rem}h2 small,h3 small,h4 small{color:#666;font-weight:normal}
code{font-family:inherit;background:#f2f2f2;padding:.1rem .3rem}p{margin:.3rem 0}
table{border-collapse:collapse;margin:.4rem 0;width:100%}td,th{border:1px solid #ccc;padding:.2rem .5rem;
text-align:left;vertical-align:top}th{background:#f2f2f2;font-weight:normal}td.n{text-align:right;white-space:nowrap}
dl{margin:.3rem 0}dt{float:left;clear:left;width:4.5em;color:#666}dd{margin-left:5em}.note{color:#666}
.article{color:#666;font-size:.9em}section.step{margin-left:1rem}b.label{color:#666;font-weight:normal}
blockquote{border-left:3px solid #bbb;margin:.4rem 0;padding:.1rem 1rem;color:#444}
figure{margin:1rem 0;overflow-x:auto}nav{columns:2;font-size:.9em}
@media print{body{margin:0}a{color:inherit}figure{overflow:visible}figure svg{max-width:100%;height:auto}}
"""

_NUMBER = '<td class="n">{}</td>'


def document(title: str, body: str) -> str:
    """A whole file around a body that is already HTML."""
    return (
        f'<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>"
    )


def page_html(page: Page) -> str:
    return document(page.title, "\n".join(part for block in page.blocks for part in _parts(block)))


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading(level=level, text=text, anchor=anchor, aside=aside):
            named = f' id="{escape(anchor, quote=True)}"' if anchor else ""
            beside = f" <small>{_text(aside)}</small>" if aside else ""
            yield f"<h{level}{named}>{_text(text)}{beside}</h{level}>"
        case Paragraph(words=words, label=label):
            yield f"<p>{_label(label)}{_words(words)}</p>"
        case Quote(lines=lines):
            yield f"<blockquote>{''.join(f'<p>{_text(line)}</p>' for line in lines)}</blockquote>"
        case Formula(text=text, sentence=sentence, label=label):
            said = f"<dt>意思</dt><dd>{_text(sentence)}</dd>" if sentence else ""
            yield f"<dl><dt>{_text(label)}</dt><dd><code>{_text(text)}</code></dd>{said}</dl>"
        case Items(items=items, ordered=ordered):
            tag = "ol" if ordered else "ul"
            yield f"<{tag}>{''.join(f'<li>{_words(item)}</li>' for item in items)}</{tag}>"
        case Table(titles=titles, rows=rows, right=right):
            yield f"<table><tr>{''.join(f'<th>{_text(title)}</th>' for title in titles)}</tr>"
            for row in rows:
                cells = ((_words(cell), at in right) for at, cell in enumerate(row))
                yield f"<tr>{''.join(_NUMBER.format(c) if n else f'<td>{c}</td>' for c, n in cells)}</tr>"
            yield "</table>"
        case Picture(svg=svg):
            yield f"<figure>{svg}</figure>"
        case _:
            assert_never(block)


def _label(label: str) -> str:
    return f'<b class="label">{_text(label)}：</b>' if label else ""


def _words(words: Words) -> str:
    return "".join(map(_word, parts(words)))


def _word(word: Word) -> str:
    match word:
        case Ref(text=text, anchor=anchor):
            return f'<a href="#{escape(anchor, quote=True)}">{_text(text)}</a>'
        case Target(text=text, anchor=anchor):
            return f'<span id="{escape(anchor, quote=True)}">{_text(text)}</span>'
    return _text(word)


def _text(text: str) -> str:
    return escape(clean(text))
