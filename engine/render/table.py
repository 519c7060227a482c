"""Text laid out in columns by display width, so that wide characters line up.

Owns padding, cutting and the splitting of wide tables into blocks. Knows nothing of policies.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from engine.source import display_width

GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `right` for figures."""

    title: str
    cells: tuple[str, ...]
    right: bool = False

    @property
    def width(self) -> int:
        return max((display_width(text) for text in (self.title, *self.cells)), default=0)


def clean(text: str) -> str:
    """`text` on one line, without characters that would steer the terminal."""
    return "".join(
        " " if c in "\t\r\n" else "\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text
    )


def pad(text: str, width: int, right: bool = False) -> str:
    room = " " * max(0, width - display_width(text))
    return room + text if right else text + room


def cut(text: str, width: int) -> str:
    """`text`, or its beginning with 「…」 where it is wider than `width`."""
    if display_width(text) <= width:
        return text
    kept, used = "", 1
    for char in text:
        used += display_width(char)
        if used > width:
            break
        kept += char
    return kept + "…"


#: Marks that do not begin a line.
_CLOSING = "，。、；：？！）」』》〉】〕”’%％,.;:!?)]}…"


def wrap(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns: broken between wide characters or at blanks, a word longer than a
    line where it must be; a closing mark stays on the line even beyond `width`."""
    found: list[str] = []
    line, used = "", 0
    for piece in re.findall(r"[\x21-\x7e]+|.", text):
        room = display_width(piece)
        if used + room > width and line.strip() and piece not in _CLOSING:
            found.append(line.rstrip())
            line, used = "", 0
            if piece == " ":
                continue
        while room > width:
            found.append(piece[:width])
            piece = piece[width:]
            room = display_width(piece)
        line, used = line + piece, used + room
    return [*found, line.rstrip()] if line.strip() else found


def lines(columns: Sequence[Column]) -> list[str]:
    """Heading and one line per row."""
    if not columns:
        return []
    widths = [column.width for column in columns]
    rows = [[column.title for column in columns], *map(list, zip(*(c.cells for c in columns), strict=True))]
    return [
        GAP.join(pad(cell, w, c.right) for cell, w, c in zip(row, widths, columns, strict=True)).rstrip()
        for row in rows
    ]


def blocks(fixed: Sequence[Column], columns: Sequence[Column], width: int) -> list[list[str]]:
    """Tables that fit `width`, each beginning with the `fixed` columns; a column too wide stands alone."""
    base = sum(column.width + len(GAP) for column in fixed)
    found: list[list[str]] = []
    taken: list[Column] = []
    used = base
    for column in columns:
        if taken and used + column.width > width:
            found.append(lines([*fixed, *taken]))
            taken, used = [], base
        taken.append(column)
        used += column.width + len(GAP)
    if taken or not found:
        found.append(lines([*fixed, *taken]))
    return found
