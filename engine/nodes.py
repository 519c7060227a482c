"""YAML as positioned nodes: words as written, with where they stand. How a file becomes nodes is `engine.yaml_nodes`."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.names import normalize
from engine.source import SourceText, Span


@dataclass(frozen=True, slots=True)
class Scalar:
    """One word or text as written; `style` is "" (plain), "'", '"', "|" or ">"."""

    text: str
    style: str
    source: SourceText = field(compare=False, repr=False)
    span: Span = field(compare=False)

    def offset_at(self, index: int) -> int:
        """Offset in the file of the character at `index` of the scalar's text (blanks: of the next one)."""
        return _offsets(self)[min(index, len(self.text))]


@dataclass(frozen=True, slots=True)
class Entry:
    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: tuple[Entry, ...]
    flow: bool
    source: SourceText = field(compare=False, repr=False)
    span: Span = field(compare=False)

    def get(self, key: str) -> Node | None:
        """The value under `key` (NFKC), or None."""
        for entry in self.entries:
            if normalize(entry.key.text) == key:
                return entry.value
        return None


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    flow: bool
    source: SourceText = field(compare=False, repr=False)
    span: Span = field(compare=False)


Node = Scalar | Mapping | Sequence


def _offsets(scalar: Scalar) -> list[int]:
    """Offsets of every character of a scalar and of its end, found by walking file and text side by side."""
    text, raw = scalar.text, scalar.source.text
    at, end = scalar.span.start, scalar.span.end
    if scalar.style in ("'", '"'):
        at += 1
    elif scalar.style in ("|", ">"):
        at = raw.find("\n", at, end) + 1 or at
    found: list[int] = []
    for char in text:
        if not char.isspace():
            hit = raw.find(char, at, end)
            at = hit if hit >= 0 else at
        found.append(min(at, max(scalar.span.start, end - 1)))
        if not char.isspace():
            at += 1
    found.append(min(at, end))
    following = found[-1]
    for index in range(len(text) - 1, -1, -1):
        if text[index].isspace():
            found[index] = following
        else:
            following = found[index]
    return found
