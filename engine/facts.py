"""The facts of one record on one day: what was given, what a default supplies, what is missing.

A `State` also keeps what has been evaluated for its record, so that a rule is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.policy import FieldDecl
from engine.records.model import DatedFact, Record
from engine.results import Trace, Use
from engine.values import Series, Unknown


@dataclass(slots=True)
class State:
    """`facts` gives the raw fact of a field or None. `record` is None for a group's own figures, whose only facts are
    the values of its 按. `group` is (name, key) then."""

    facts: Callable[[str], Any]
    record: Record | None
    group: tuple[str, tuple[str, ...]] | None = None
    memo: dict[Any, Any] = field(default_factory=dict)
    fields: dict[str, Use] = field(default_factory=dict)
    traces: dict[str, Trace] = field(default_factory=dict)
    defaults: dict[str, None] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    columns: list[Mapping[str, Any]] = field(default_factory=list)
    children: dict[Any, Any] = field(default_factory=dict)


def fact_on(decl: FieldDecl, fact: Any, day: date, data_date: date) -> Any:
    """A raw fact as it stands on a day: dated facts read, series cut at the day's year, facts of another year left out.

    None if it says nothing for that day (language §7, §10).
    """
    if fact is None:
        return None
    kind = type(fact)
    if kind is DatedFact:
        if not decl.yearly:
            return fact.on(day)
        within = [value for since, value in fact.items if since <= day and since.year == day.year]
        return within[-1] if within else None
    if kind is Series:
        if fact.items and fact.items[-1][0] > day.year:
            return Series(tuple(item for item in fact.items if item[0] <= day.year), fact.name)
        return fact
    if decl.yearly and data_date.year != day.year:
        return None
    return fact


def missing(name: str) -> Unknown:
    return Unknown((name,))
