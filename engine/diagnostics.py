"""One type for everything that is wrong with what a user gave us, and where.

Codes: E1 files and YAML, E2 structure, E3 names, types and units, E4 between rules, E5 evaluation,
E6 compiling, E7 rosters and cases, W8 warnings, E9 our own bugs. A code is never reused.
Rendering is left to `engine.render`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from engine.source import SourceText, Span

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where: a file with line and column (from 1), or a file with a locator such as 「第3条记录 学历」.

    `excerpt` is the whole source line; `length` counts the characters marked from `column` on.
    """

    file: str
    line: int = 0
    column: int = 0
    length: int = 1
    excerpt: str | None = None
    locator: str = ""

    def __str__(self) -> str:
        text = self.file
        if self.line:
            text += f":{self.line}"
            if self.column:
                text += f":{self.column}"
        if self.locator:
            text += f":{self.locator}" if text else self.locator
        return text


def place_of(source: SourceText, span: Span) -> Place:
    """The place of a span, cut at the end of its first line."""
    line, column = source.line_column(span.start)
    excerpt = source.line_text(line)
    room = max(1, len(excerpt) - column + 1)
    return Place(source.name, line, column, max(1, min(span.end - span.start, room)), excerpt)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake or remark: a sentence without a final stop, its place, and advice apart from the fact."""

    code: str
    message: str
    place: Place | None = None
    hint: str = ""
    related: tuple[tuple[str, Place], ...] = ()

    @property
    def severity(self) -> Severity:
        return "warning" if self.code.startswith("W") else "error"


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(d.severity == "error" for d in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, line and column; twice the same is said once."""

    def key(d: Diagnostic) -> tuple[str, int, int, str]:
        return (d.place.file, d.place.line, d.place.column, d.code) if d.place else ("", 0, 0, d.code)

    return sorted(dict.fromkeys(diagnostics), key=key)
