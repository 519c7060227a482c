"""Rosters of the interpreter as relations for SQL, and outcomes of SQL as the interpreter gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from engine.compile.dialects import DIALECTS
from engine.compile.groups import ROSTER
from engine.compile.plan import Plan
from engine.compile.stages import statement
from engine.policy import FieldDecl, Policy
from engine.records.model import DatedFact
from engine.types import BoolT, DateT, NumberT, RecordsT, SeriesT, Type
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown, format_number


def sql_type(decl: FieldDecl, kind: Type) -> str:
    match kind:
        case SeriesT():
            return f'STRUCT("年份" INTEGER, "值" {sql_type(decl, kind.item)})[]'
        case RecordsT():
            inner = ", ".join(f'"{column.name}" {sql_type(column, column.type)}' for column in decl.columns)
            return f"STRUCT({inner})[]"
        case NumberT():
            return (
                "BIGINT" if decl.integer else f"DECIMAL(24,{6 if decl.decimals is None else decl.decimals})"
            )
        case BoolT():
            return "BOOLEAN"
        case DateT():
            return "DATE"
    return "VARCHAR"


def literal(value: Any) -> str:
    match value:
        case None | Unknown():
            return "NULL"
        case bool():
            return str(value).upper()
        case date():
            return f"DATE '{value}'"
        case Series():
            return (
                "["
                + ", ".join(f"{{'年份': {year}, '值': {literal(item)}}}" for year, item in value.items)
                + "]"
            )
        case Rows():
            return (
                "["
                + ", ".join(
                    "{" + ", ".join(f"'{k}': {literal(v)}" for k, v in row.items()) + "}"
                    for row in value.rows
                )
                + "]"
            )
        case DatedFact():
            return "MAP {" + ", ".join(f"{literal(day)}: {literal(item)}" for day, item in value.items) + "}"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return format_number(value)


def fill(con: Any, policy: Policy, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, str]:
    """The table 名册 with typed columns and `·行`; the shapes of its columns. A field that any row gives by date is
    given by date in all."""
    dated = {name for _, facts in rows for name, fact in facts.items() if isinstance(fact, DatedFact)}
    types = {
        name: f"MAP(DATE, {sql_type(decl, decl.type)})" if name in dated else sql_type(decl, decl.type)
        for name, decl in policy.fields.items()
        if not decl.owner
    }
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    con.execute(f'CREATE OR REPLACE TABLE "{ROSTER}" ({columns}, "·行" BIGINT)')
    for start in range(0, len(rows), 500):
        lines = [
            "(" + ", ".join([*(literal(facts.get(name)) for name in types), str(row)]) + ")"
            for row, facts in rows[start : start + 500]
        ]
        if lines:
            con.execute(f'INSERT INTO "{ROSTER}" VALUES {", ".join(lines)}')
    return {name: "dated" if name in dated else "plain" for name in types}


def outcomes(con: Any, plan: Plan, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """标识 → result → outcome, as the statement gives them."""
    found = {}
    for row in con.execute(statement(plan.relations, DIALECTS["duckdb"])).fetchall():
        found[row[0]] = sorted_out(row, names)
    return found


def sorted_out(row: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    """A row of results: value, NotApplicable, Unknown; of a 情形 that holds and waits, both."""
    closed, gaps = dict(row[-2]), dict(row[-1])
    assert not closed.keys() & gaps.keys()
    found: dict[str, Any] = {}
    for at, name in enumerate(names, 1):
        value = row[at]
        if isinstance(value, Decimal):
            value = Fraction(value)
        elif isinstance(value, dict):
            value = Fraction(int(value["分子"]), int(value["分母"]))
        elif isinstance(value, list):
            value = tuple(value)
        if name in closed:
            assert value is None
            found[name] = NotApplicable(closed[name])
        elif name in gaps:
            assert value is None or isinstance(value, tuple)
            found[name] = (value, frozenset(gaps[name])) if value is not None else frozenset(gaps[name])
        else:
            found[name] = value
    return found


def due(outcome: Any) -> Any:
    """An outcome of the interpreter in the same form."""
    if isinstance(outcome, Unknown):
        return frozenset(outcome.missing)
    if isinstance(outcome, Grounds):
        facts = frozenset(fact for _, facts in outcome.open for fact in facts)
        if not facts:
            return outcome.holding
        return (outcome.holding, facts) if outcome.holding else facts
    return outcome
