"""Facts of units that a roster has as columns: one table for each kind of unit, and units of which the rows disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.compile.dialects import Dialect
from engine.diagnostics import Diagnostic, Place
from engine.policy import Policy
from engine.records import problems

#: Units that are told of one fact.
MOST_TOLD = 20


def units_of(policy: Policy, shapes: Mapping[str, str]) -> dict[str, list[str]]:
    """Fields of units among the columns, by the field that names the unit (which is not given by date)."""
    found: dict[str, list[str]] = {}
    for name in policy.fields:
        owner = policy.fields[name].owner
        if name in shapes and shapes.get(owner) == "plain":
            found.setdefault(owner, []).append(name)
    return found


def table_of(owner: str) -> str:
    return f"单位·{owner}"


def unit_table(d: Dialect, roster: str, owner: str, names: Sequence[str]) -> str:
    """A SELECT of the units and their facts; of two different values of one fact neither is taken."""
    q = d.quote
    parts = [
        f"CASE WHEN COUNT(DISTINCT {q(n)}) = 1 THEN ANY_VALUE({q(n)}) END AS {q(n)}, COUNT(DISTINCT {q(n)}) AS {q('#' + n)}"
        for n in names
    ]
    return f"SELECT {q(owner)}, {', '.join(parts)} FROM {q(roster)} WHERE {q(owner)} IS NOT NULL GROUP BY {q(owner)}"


def without_unit_facts(
    d: Dialect, roster: str, columns: Iterable[str], names: Mapping[str, Sequence[str]]
) -> str:
    """A SELECT of the roster in which what is a unit's is no longer the record's own, unless its unit is not known."""
    q = d.quote
    owners = {name: owner for owner, facts in names.items() for name in facts}
    listed = [
        f"CASE WHEN {q(owners[name])} IS NULL THEN {q(name)} END AS {q(name)}" if name in owners else q(name)
        for name in columns
    ]
    return f"SELECT {', '.join(listed)} FROM {q(roster)}"


def differing(d: Dialect, roster: str, owner: str, name: str, row: str) -> str:
    """A SELECT of units whose rows give different values of a fact: unit, two of the values, and a row of each."""
    q = d.quote
    texts = ", ".join(d.cast(f"{run}({q(name)})", d.string) for run in ("MIN", "MAX"))
    rows = f"MIN_BY({q(row)}, {q(name)}), MAX_BY({q(row)}, {q(name)})"
    odd = f"SELECT {q(owner)} FROM {q(table_of(owner))} WHERE {q('#' + name)} > 1"
    return (
        f"SELECT {q(owner)}, {texts}, {rows} FROM {q(roster)} WHERE {q(owner)} IN ({odd}) "
        f"GROUP BY {q(owner)} ORDER BY {q(owner)} LIMIT {MOST_TOLD}"
    )


def told(
    file: str, owner: str, name: str, rows: Iterable[tuple[str, str, str, int, int]]
) -> list[Diagnostic]:
    found = []
    for unit, low, high, *at in rows:
        problem = problems.units_differ(name, owner, unit, low, high, tuple(at))
        found.append(Diagnostic(problem.code, problem.said, Place(file, locator=problem.where), problem.hint))
    return found


def shapes_of(
    names: Mapping[str, Sequence[str]], shapes: Mapping[str, str]
) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Kinds of units as `compiled` takes them."""
    return {
        owner: (table_of(owner), {name: shapes[name] for name in facts}) for owner, facts in names.items()
    }
