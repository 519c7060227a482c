"""Text with positions: where a character of a file stands, and how wide it is on a screen.

Owns offsets, lines and columns (counted in characters, from 1). Leaves the meaning of the text to the readers.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

_LINE_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")


def display_width(text: str) -> int:
    """Columns that `text` takes in a terminal: wide characters two, combining marks none."""
    width = 0
    for char in text:
        if unicodedata.combining(char):
            continue
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of character offsets in one text."""

    start: int
    end: int


@dataclass(frozen=True)
class SourceText:
    """A named text; offsets count characters from 0."""

    name: str
    text: str
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = (0, *(match.end() for match in _LINE_BREAK.finditer(self.text)))
        object.__setattr__(self, "line_starts", starts)

    def offset(self, line: int, column: int) -> int:
        """Offset of a line and column, both counted from 0, held inside the text."""
        if line >= len(self.line_starts):
            return len(self.text)
        return min(self.line_starts[line] + column, len(self.text))

    def line_column(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        offset = max(0, min(offset, len(self.text)))
        line = bisect_right(self.line_starts, offset) - 1
        return line + 1, offset - self.line_starts[line] + 1

    def line_text(self, line: int) -> str:
        """The text of a line (counted from 1) without its line break."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] if line < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n\x85\u2028\u2029")
