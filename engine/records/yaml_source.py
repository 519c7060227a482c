"""YAML bytes → raw records, through the engine's own bounded reader. Every scalar stays text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.diagnostics import Diagnostic, Place, place_of
from engine.names import normalize
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.records.problems import bad_file, written_twice
from engine.records.raw import RECORDS, RawRoster, sort_out
from engine.source import SourceText
from engine.yaml_nodes import decode, read_yaml


def read_yaml_roster(
    raw: bytes, name: str, is_heading: Callable[[str], bool]
) -> tuple[RawRoster | None, list[Diagnostic]]:
    """The same shapes as JSON. A key written twice leaves out the record it is in; elsewhere the file is refused."""
    source, found = decode(raw, name)
    if source is None:
        return None, [_as_e701(d) for d in found]
    root, found = read_yaml(source)
    if root is None:
        return None, [_as_e701(d) for d in found] or [bad_file(Place(name), "文件是空的")]
    roster = sort_out(as_raw(root), is_heading)
    if not isinstance(roster, RawRoster):
        return None, [bad_file(Place(name, locator=roster.where), roster.said, roster.hint)]
    nodes = record_nodes(root, roster)
    for record, node in zip(roster.records, nodes, strict=True):
        record.line = place_of(source, node.span).line
    refused = []
    for diagnostic in found:
        at = _offset(source, diagnostic)
        within = (r for r, n in zip(roster.records, nodes, strict=True) if n.span.start <= at < n.span.end)
        record_with = next(within, None)
        if record_with is None:
            refused.append(_as_e701(diagnostic))
        else:
            length = diagnostic.place.length if diagnostic.place else 0
            record_with.problems.append(written_twice(normalize(source.text[at : at + length].strip("\"'"))))
    return (None, refused) if refused else (roster, [])


def _offset(source: SourceText, found: Diagnostic) -> int:
    return source.offset(found.place.line - 1, found.place.column - 1) if found.place else 0


def _as_e701(found: Diagnostic) -> Diagnostic:
    return Diagnostic("E701", found.message, found.place, found.hint, found.related)


def record_nodes(root: Node, roster: RawRoster) -> list[Node]:
    """The node of every record."""
    if isinstance(root, Mapping) and not roster.single:
        inner = root.get(RECORDS)
        return list(inner.items) if isinstance(inner, Sequence) else []
    return list(root.items) if isinstance(root, Sequence) else [root]


def as_raw(node: Node) -> Any:
    """Texts, lists and mappings; an unquoted null or ~ is None."""
    match node:
        case Scalar(text, style):
            return None if not style and text.strip() in ("", "~", "null") else text
        case Mapping(entries):
            return {entry.key.text: as_raw(entry.value) for entry in entries}
        case Sequence(items):
            return [as_raw(item) for item in items]
