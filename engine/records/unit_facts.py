"""单位: facts of units, from their own part of a roster and from the columns of records that belong to a unit.

A wrong value is said at its place and left out; two different values of one fact are said and neither is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.names import normalize
from engine.policy import Policy
from engine.records import problems
from engine.records.model import DatedFact
from engine.records.problems import Bad, Problem
from engine.records.raw import UNITS, Doubled
from engine.records.row import Fields
from engine.records.shapes import FactReader
from engine.records.typed import MISSING
from engine.values import Rows, Series, format_number

Units = dict[str, dict[str, dict[str, Any]]]
_LEFT_OUT = "这一项按未填处理"


@dataclass(slots=True)
class UnitFacts:
    """Collects facts by unit field → unit → field."""

    fields: Fields
    found: list[Problem]
    units: Units = field(default_factory=dict)
    rows: dict[tuple[str, str, str], int] = field(default_factory=dict)
    dropped: dict[tuple[str, str, str], None] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        return self.fields.policy

    # --- their own part of the roster

    def read(self, raw: Any) -> None:
        """{对象: {单位: {字段: 值}}}."""
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return
        if not isinstance(raw, dict):
            self.found.append(problems.wrong_shape(UNITS, raw, "{对象: {单位: {字段: 值}}}"))
            return
        self.doubled(raw, UNITS)
        owners = {decl.owner for decl in self.policy.fields.values() if decl.owner}
        words = {
            normalize(word): owner
            for owner in owners
            for word in (owner, *self.policy.fields[owner].headings)
        }
        for key, named in raw.items():
            kind = words.get(normalize(str(key)))
            if kind is None:
                self.found.append(problems.unknown_unit_kind(normalize(str(key)), sorted(owners)))
            elif isinstance(named, dict):
                self.doubled(named, f"{UNITS}.{kind}")
                self.kind(kind, named)
            elif named is not None:
                self.found.append(problems.wrong_shape(f"{UNITS}.{kind}", named, "{单位: {字段: 值}}"))

    def kind(self, kind: str, named: Mapping[Any, Any]) -> None:
        reader = self.fields.readers[kind]
        units = self.units.setdefault(kind, {})
        unknown: set[str] = set()
        for key, facts in named.items():
            unit = reader.cell.read(str(key)) if isinstance(reader, FactReader) else MISSING
            where = f"{UNITS}.{kind}.{normalize(str(key))[:40]}"
            if not isinstance(unit, str):
                bad = unit if isinstance(unit, Bad) else problems.not_text(key)
                self.found.append(Problem(bad.code, f"单位{kind}{bad.said}", bad.hint, where))
            elif unit in units:
                self.found.append(problems.unit_twice(kind, unit))
            elif isinstance(facts, dict):
                self.doubled(facts, where)
                units[unit] = self.facts(kind, facts, where, unknown)
            elif facts is None:
                units[unit] = {}
            else:
                self.found.append(problems.wrong_shape(where, facts, "{字段: 值}"))

    def facts(self, kind: str, raw: Mapping[Any, Any], where: str, unknown: set[str]) -> dict[str, Any]:
        """Facts of one unit; of an unknown column only the first is said."""
        facts: dict[str, Any] = {}
        for key, value in raw.items():
            slot = self.fields.slot(key)
            if slot.reader is None or slot.year is not None or self.policy.fields[slot.name].owner != kind:
                if slot.label not in unknown and len(unknown) < 100:
                    unknown.add(slot.label)
                    known = [name for name, decl in self.policy.fields.items() if decl.owner == kind]
                    at = f"{where}.{slot.label[:40]}"
                    self.found.append(problems.unknown_column(slot.label, known, at, f"{kind}的字段"))
                continue
            found: list[Problem] = []
            fact = slot.reader.read(value, slot.label, found)
            if slot.name in facts:
                found.append(problems.written_twice(slot.label))
            for problem in found:
                hint = f"{problem.hint}；{_LEFT_OUT}" if problem.hint else _LEFT_OUT
                self.found.append(Problem(problem.code, problem.said, hint, f"{where}.{problem.where}"))
            if fact is not MISSING:
                facts[slot.name] = fact
        return facts

    def doubled(self, raw: Any, where: str) -> None:
        if isinstance(raw, Doubled):
            for key in raw.keys_twice:
                twice = problems.written_twice(normalize(key))
                self.found.append(Problem(twice.code, twice.said, _LEFT_OUT, f"{where}.{normalize(key)}"))

    # --- columns of records

    def claim(self, row: int, facts: dict[str, Any], names: Iterable[str]) -> None:
        """Moves a record's unit facts to the unit it belongs to; where that is not known they stay with the record."""
        for name in names:
            if name not in facts:
                continue
            kind = self.policy.fields[name].owner
            unit = facts.get(kind)
            if not isinstance(unit, str):
                continue
            fact = facts.pop(name)
            at = (kind, unit, name)
            known = self.units.setdefault(kind, {}).setdefault(unit, {})
            if at in self.dropped:
                continue
            if name not in known:
                known[name] = fact
                self.rows[at] = row
            elif known[name] != fact:
                rows = tuple(filter(None, (self.rows.get(at), row)))
                first, second = shown(known[name]), shown(fact)
                self.found.append(problems.units_differ(name, kind, unit, first, second, rows))
                self.dropped[at] = None
                del known[name]


def shown(fact: Any) -> str:
    """A fact in a message."""
    if isinstance(fact, DatedFact | Series | Rows):
        return "一组值"
    if isinstance(fact, bool):
        return "是" if fact else "否"
    return fact if isinstance(fact, str) else str(fact) if hasattr(fact, "year") else format_number(fact)
