"""YAML bytes → raw records, through the engine's own bounded reader. Every scalar stays text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.diagnostics import Diagnostic, Place, place_of
from engine.names import normalize
from engine.records.problems import bad_file, written_twice
from engine.records.raw import RECORDS, RawRoster, sort_out
from engine.yaml_nodes import Mapping, Node, Scalar, Sequence, decode, read_yaml


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
        line, column = (diagnostic.place.line, diagnostic.place.column) if diagnostic.place else (1, 1)
        offset = source.offset(line - 1, column - 1)
        for record, node in zip(roster.records, nodes, strict=True):
            if node.span.start <= offset < node.span.end:
                key = diagnostic.place.excerpt if diagnostic.place else ""
                word = normalize(
                    (key or "")[
                        column - 1 : column - 1 + (diagnostic.place.length if diagnostic.place else 0)
                    ]
                )
                record.problems.append(written_twice(word.strip("\"'")))
                break
        else:
            refused.append(_as_e701(diagnostic))
    return (None, refused) if refused else (roster, [])


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
