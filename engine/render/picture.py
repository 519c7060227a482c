"""What depends on what as an inline SVG: layers from left (what rests on nothing shown) to right (what nothing uses).

Nodes are boxes that lead to their headings, arrows run from what is used to what uses it. Pointing at a box marks its
arrows. Within a layer boxes are ordered by the middle of their neighbours, which keeps crossings few.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape

from engine.render.table import clean
from engine.source import display_width

_COLUMN, _ROW, _GAP, _HEIGHT = 8, 34, 70, 24
_SWEEPS = 6
_STYLE = (
    "<style>.dep rect{fill:#fff;stroke:#999}.dep .result rect{fill:#eef4ff;stroke:#36c}.dep .group rect{fill:#fff6e5;"
    "stroke:#c80}.dep .reading rect{fill:#f3eefc;stroke:#86c}.dep text{font-size:13px;fill:#222}"
    ".dep path{fill:none;stroke:#bbb}.dep path.on{stroke:#c00;stroke-width:2}.dep a:hover rect{stroke:#c00}</style>"
)
_SCRIPT = (
    "<script>for(const a of document.querySelectorAll('.dep a'))for(const[e,on]of[['mouseenter',1],['mouseleave',0]])"
    "a.addEventListener(e,()=>{for(const p of a.closest('svg').querySelectorAll('path'))"
    "if(p.dataset.a===a.dataset.n||p.dataset.b===a.dataset.n)p.classList.toggle('on',!!on)});</script>"
)


@dataclass(frozen=True, slots=True)
class Box:
    """`kind` is one of rule, result, group, reading: it gives the colour."""

    name: str
    kind: str
    anchor: str


def dependency_picture(boxes: Sequence[Box], uses: Mapping[str, Sequence[str]]) -> str:
    """`uses`: name → the names that it uses, both of `boxes`, without circles. "" if nothing uses anything."""
    linked = {name for name, used in uses.items() if used} | {name for used in uses.values() for name in used}
    shown = [box for box in boxes if box.name in linked]
    if not shown:
        return ""
    layers = _ordered(_layers([box.name for box in shown], uses), uses)
    by_name = {box.name: box for box in shown}
    places, width, height = _places(layers)
    arrows = [
        _arrow(used, name, places[used], places[name])
        for name, all_used in uses.items()
        if name in places
        for used in all_used
    ]
    drawn = [_box(by_name[name], place) for name, place in places.items()]
    return (
        f'<svg class="dep" role="img" aria-label="依赖关系图" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">{_STYLE}'
        f"{''.join(arrows)}{''.join(drawn)}</svg>{_SCRIPT}"
    )


def _layers(names: Sequence[str], uses: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each name one layer right of the rightmost that it uses."""
    depth: dict[str, int] = {}
    for name in TopologicalSorter({name: list(uses.get(name, ())) for name in names}).static_order():
        depth[name] = max((depth[used] + 1 for used in uses.get(name, ())), default=0)
    found: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in names:
        found[depth[name]].append(name)
    return found


def _ordered(layers: list[list[str]], uses: Mapping[str, Sequence[str]]) -> list[list[str]]:
    near: dict[str, list[str]] = {name: list(uses.get(name, ())) for layer in layers for name in layer}
    for name, used in uses.items():
        for other in used:
            near[other].append(name)
    at = {name: float(number) for layer in layers for number, name in enumerate(layer)}
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            layer.sort(key=lambda name: (sum(at[n] for n in near[name]) / len(near[name]), at[name]))
            middle = (len(layer) - 1) / 2
            at.update({name: number - middle for number, name in enumerate(layer)})
    return layers


_Place = tuple[int, int, int]


def _places(layers: list[list[str]]) -> tuple[dict[str, _Place], int, int]:
    """Left, middle and width of every box; width and height of the picture."""
    tallest = max(map(len, layers))
    places: dict[str, _Place] = {}
    left = 1
    for layer in layers:
        wide = max(display_width(clean(name)) for name in layer) * 7 + 2 * _COLUMN
        top = (tallest - len(layer)) * _ROW // 2
        for number, name in enumerate(layer):
            places[name] = (left, top + number * _ROW + _ROW // 2, wide)
        left += wide + _GAP
    return places, left - _GAP + 1, tallest * _ROW


def _arrow(used: str, name: str, start: _Place, end: _Place) -> str:
    x1, y1, x2, y2 = start[0] + start[2], start[1], end[0], end[1]
    bend = max(_GAP // 2, (x2 - x1) // 3)
    return (
        f'<path d="M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}" data-a="{_attribute(used)}" '
        f'data-b="{_attribute(name)}"><title>{escape(clean(f"{name} 用到 {used}"))}</title></path>'
    )


def _box(box: Box, place: _Place) -> str:
    x, y, wide = place
    return (
        f'<a href="#{_attribute(box.anchor)}" class="{box.kind}" data-n="{_attribute(box.name)}">'
        f'<rect x="{x}" y="{y - _HEIGHT // 2}" width="{wide}" height="{_HEIGHT}" rx="4"/>'
        f'<text x="{x + wide // 2}" y="{y + 5}" text-anchor="middle">{escape(clean(box.name))}</text></a>'
    )


def _attribute(text: str) -> str:
    return escape(clean(text), quote=True)
