"""`*.cases.yaml` → cases with their places. The schema checks structure; a run checks names and values.

Owns the shape of a case; leaves running it to `engine.testing.run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine.diagnostics import Diagnostic, Place, place_of
from engine.names import normalize
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.policy import Policy
from engine.schema import check_structure
from engine.values import parse_date
from engine.yaml_nodes import read_text, read_yaml


@dataclass(frozen=True, slots=True)
class Expected:
    """One assertion: `key` is the name as written, `node` what is expected; `person` only of a 名册."""

    key: Scalar
    node: Node
    person: Scalar | None = None

    @property
    def name(self) -> str:
        return normalize(self.key.text)

    @property
    def place(self) -> Place:
        return place_of(self.node.source, self.node.span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One 用例. `record` or `roster` is given, or neither; `roster` is a path or a list of records."""

    name: str
    node: Mapping
    as_of: date
    data_date: date | None
    readings: tuple[tuple[Scalar, Scalar], ...]
    record: Mapping | None
    roster: Scalar | Sequence | None
    units: Mapping | None
    results: tuple[Expected, ...]
    missing: tuple[Expected, ...]
    citations: tuple[Expected, ...]
    used: tuple[Expected, ...]
    refused: tuple[Scalar, ...]
    groups: tuple[tuple[Scalar, Scalar, Node], ...]

    @property
    def place(self) -> Place:
        return place_of(self.node.source, self.node.span)


@dataclass(frozen=True, slots=True)
class CasesFile:
    path: Path
    cases: tuple[Case, ...]


def plain(node: Node) -> Any:
    """A node as a roster's reader takes it: texts, lists and mappings; an empty or null word is None."""
    match node:
        case Scalar(text, style):
            return None if not style and text.strip() in ("", "~", "null") else text
        case Mapping(entries):
            return {normalize(entry.key.text): plain(entry.value) for entry in entries}
        case Sequence(items):
            return [plain(item) for item in items]


def read_cases(path: Path, name: str | None = None) -> tuple[CasesFile | None, list[Diagnostic]]:
    """A cases file, or what keeps it from being read."""
    source, diagnostics = read_text(path, name)
    if source is None:
        return None, diagnostics
    root, found = read_yaml(source)
    diagnostics += found
    if root is None:
        return None, diagnostics
    found = check_structure(root, "cases")
    diagnostics += found
    if found or not isinstance(root, Sequence):
        return None, diagnostics
    cases: list[Case] = []
    for item in root.items:
        case, found = _case(item)
        diagnostics += found
        if case is not None:
            cases.append(case)
    return CasesFile(path, tuple(cases)), diagnostics


def cases_paths(policy: Policy, path: Path) -> list[tuple[Scalar, Path]]:
    """The files that a policy's 用例 names, each with the word that names it."""
    return [(word, path.parent / word.text.strip()) for word in policy.cases]


def _case(node: Node) -> tuple[Case | None, list[Diagnostic]]:
    if not isinstance(node, Mapping):
        return None, []
    found: list[Diagnostic] = []

    def text(key: str) -> str:
        value = node.get(key)
        return value.text.strip() if isinstance(value, Scalar) else ""

    def day(key: str) -> date | None:
        value = node.get(key)
        if not isinstance(value, Scalar):
            return None
        read = parse_date(value.text)
        if read is None:
            place = place_of(value.source, value.span)
            found.append(Diagnostic("E750", f"「{value.text}」不是日期", place, "日期写作 2024-12-31"))
        return read

    as_of, data_date = day("计算日"), day("数据日期")
    record, roster, units = node.get("记录"), node.get("名册"), node.get("单位")
    by_person = roster is not None
    codes = node.get("诊断")
    if as_of is None:
        return None, found
    case = Case(
        name=text("名称") or "（未命名）",
        node=node,
        as_of=as_of,
        data_date=data_date,
        readings=tuple(
            (entry.key, entry.value)
            for entry in _entries(node.get("口径"))
            if isinstance(entry.value, Scalar)
        ),
        record=record if isinstance(record, Mapping) else None,
        roster=roster if isinstance(roster, (Scalar, Sequence)) else None,
        units=units if isinstance(units, Mapping) else None,
        results=tuple(_expected(node.get("结果"), by_person)),
        missing=tuple(_expected(node.get("缺"), by_person)),
        citations=tuple(_expected(node.get("依据"), by_person)),
        used=tuple(_expected(node.get("应用"), by_person)),
        refused=tuple(scalars(codes)),
        groups=tuple(
            (group.key, unit.key, unit.value)
            for group in _entries(node.get("集体结果"))
            for unit in _entries(group.value)
        ),
    )
    return case, found


def _entries(node: Node | None) -> Any:
    return node.entries if isinstance(node, Mapping) else ()


def scalars(node: Node | None) -> Iterator[Scalar]:
    """The words of a list, or the one word that stands for a list of one."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        yield from (item for item in node.items if isinstance(item, Scalar))


def _expected(node: Node | None, by_person: bool) -> Iterator[Expected]:
    for entry in _entries(node):
        if by_person:
            for inner in _entries(entry.value):
                yield Expected(inner.key, inner.value, entry.key)
        else:
            yield Expected(entry.key, entry.value)
