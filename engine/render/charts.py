"""Two charts as inline SVG: how many people change by how much, and sums by group. Exact figures stand in the tables."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from html import escape

from engine.values import Number, exact, format_number

WIDTH, BAR, GAP, LEFT = 720, 22, 8, 160
BINS = 15

_STYLE = "font-family:sans-serif;font-size:13px"


def histogram(values: Sequence[Number], unit: str) -> tuple[str, str]:
    """SVG and words: how many of `values` lie in each of at most `BINS` steps of a round size."""
    low, step = _steps(values)
    counts: dict[int, int] = {}
    for value in values:
        at = int((Fraction(value) - low) // step)
        counts[at] = counts.get(at, 0) + 1
    rows = [
        (f"{_figure(low + at * step)} 至 {_figure(low + (at + 1) * step)}", counts.get(at, 0))
        for at in range(max(counts) + 1)
    ]
    said = "（不含后一个数）"
    if min(values) == max(values):
        rows, said = [(_figure(Fraction(values[0])), len(values))], " "
    words = "；".join(f"{label}{unit}{said}{count} 人" for label, count in rows if count)
    return _bars(
        [(label, Fraction(count), str(count)) for label, count in rows], f"每人的变化（{unit}）和人数"
    ), words


def bar_chart(rows: Sequence[tuple[str, Number]], unit: str) -> tuple[str, str]:
    """SVG and words: one bar per label, to the right if it is above zero, else to the left."""
    words = "；".join(f"{label} {_figure(Fraction(value))}{unit}" for label, value in rows)
    bars = [(label, Fraction(value), _figure(Fraction(value))) for label, value in rows]
    return _bars(bars, f"变化（{unit}）"), words


def _steps(values: Sequence[Number]) -> tuple[Fraction, Fraction]:
    """Where the first step begins and how wide each is: 1, 2 or 5 times a power of ten."""
    low, high = Fraction(min(values)), Fraction(max(values))
    step = Fraction(1)
    while (high - low) / step >= BINS:
        step *= Fraction(5, 2) if str(step)[0] == "2" else 2
    return (low // step) * step, step


def _figure(value: Fraction) -> str:
    number = exact(value)
    return format_number(number) if isinstance(number, int) else format_number(number, 2)


def _bars(rows: Sequence[tuple[str, Fraction, str]], title: str) -> str:
    high = max((value for _, value, _ in rows), default=Fraction(0))
    low = min((value for _, value, _ in rows), default=Fraction(0))
    high, low = max(high, Fraction(0)), min(low, Fraction(0))
    room = WIDTH - LEFT - 110
    scale = Fraction(room) / ((high - low) or 1)
    zero = LEFT + int(-low * scale)
    height = len(rows) * (BAR + GAP) + GAP
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title, quote=True)}" '
        f'style="max-width:{WIDTH}px;width:100%;{_STYLE}"><title>{escape(title)}</title>'
    ]
    for number, (label, value, shown) in enumerate(rows):
        top = GAP + number * (BAR + GAP)
        long = max(1 if value else 0, int(abs(value) * scale))
        start = zero if value >= 0 else zero - long
        colour = "#3b6ea5" if value >= 0 else "#b5523b"
        parts.append(
            f'<text x="{LEFT - 8}" y="{top + 16}" text-anchor="end" fill="currentColor">{escape(label)}</text>'
        )
        parts.append(f'<rect x="{start}" y="{top}" width="{long}" height="{BAR}" fill="{colour}"/>')
        parts.append(
            f'<text x="{zero + max(long, 0) * (value > 0) + 6}" y="{top + 16}" fill="currentColor">{escape(shown)}</text>'
        )
    parts.append(
        f'<line x1="{zero}" y1="0" x2="{zero}" y2="{height}" stroke="currentColor" stroke-width="1"/></svg>'
    )
    return "".join(parts)
