"""Diagnostics → text in the house format: place, fact, source line with a caret, advice.

Colours are ANSI and only on request. Control characters of the user's file never reach the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.diagnostics import Diagnostic, Place
from engine.render.table import clean
from engine.source import display_width

SEVERITIES = {"error": "错误", "warning": "提醒"}
_COLOURS = {"error": "31;1", "warning": "33;1", "place": "1", "hint": "36"}
_WIDEST = 110


def _paint(text: str, style: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if colour else text


def _window(text: str, start: int, end: int) -> tuple[str, int, int]:
    """A long line cut to what surrounds the marked characters, and the marks in it."""
    if display_width(text) <= _WIDEST:
        return text, start, end
    left, right = start, min(end, start + _WIDEST // 3)
    room = _WIDEST - display_width(text[left:right])
    while room > 2 and (left > 0 or right < len(text)):
        if left > 0:
            left -= 1
            room -= display_width(text[left])
        if right < len(text) and room > 2:
            room -= display_width(text[right])
            right += 1
    head, tail = ("…" if left else ""), ("…" if right < len(text) else "")
    return head + text[left:right] + tail, start - left + len(head), min(end, right) - left + len(head)


def _excerpt(place: Place) -> list[str]:
    """The source line and the caret line below it."""
    if place.excerpt is None or not place.line:
        return []
    start = max(0, place.column - 1)
    text, start, end = _window(clean(place.excerpt), start, start + place.length)
    gutter = " " * len(str(place.line))
    before, marked = display_width(text[:start]), max(1, display_width(text[start:end]))
    return [f"{place.line} | {text}".rstrip(), f"{gutter} | {' ' * before}{'^' * marked}"]


def render(diagnostic: Diagnostic, colour: bool = False) -> str:
    """One diagnostic, several lines, without a final line break."""
    place = diagnostic.place
    head = f"{_paint(clean(str(place)), 'place', colour)}: " if place and str(place) else ""
    word = f"{SEVERITIES[diagnostic.severity]}[{diagnostic.code}]"
    found = [f"{head}{_paint(word, diagnostic.severity, colour)} {clean(diagnostic.message)}"]
    if place:
        found += _excerpt(place)
    indent = " " * (len(str(place.line)) + 1 if place and place.line else 3)
    if diagnostic.hint:
        found.append(f"{indent}{_paint('提示：', 'hint', colour)}{clean(diagnostic.hint)}")
    found += [f"{indent}{clean(words)}：{clean(str(there))}" for words, there in diagnostic.related]
    return "\n".join(found)


def render_all(diagnostics: Iterable[Diagnostic], colour: bool = False) -> str:
    return "\n".join(render(diagnostic, colour) for diagnostic in diagnostics)


def as_json(diagnostic: Diagnostic) -> dict[str, str]:
    """A diagnostic as the JSON results carry it."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "where": str(diagnostic.place) if diagnostic.place else "",
        "hint": diagnostic.hint,
    }


def count_words(diagnostics: Iterable[Diagnostic]) -> str:
    """「2 个错误，1 个提醒」."""
    severities = [diagnostic.severity for diagnostic in diagnostics]
    return f"{severities.count('error')} 个错误，{severities.count('warning')} 个提醒"
