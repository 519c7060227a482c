"""A checked policy: every declaration with its typed formulas. What all readers of the tree start from. Data only.

`engine.resolve` makes it; `engine.validate` looks for what is wrong between its parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from engine.expr.tree import Expr
from engine.policy import (
    Band,
    Constant,
    Ground,
    GroundsDecl,
    GroupDecl,
    Policy,
    ProcedureDecl,
    ReadingDecl,
    Route,
    RowDecl,
    RuleDecl,
    TableDecl,
    UseDecl,
    in_force,
)
from engine.types import Type
from engine.values import Number


@dataclass(frozen=True, slots=True)
class Row:
    """`matches`: per key the alternatives (None: any); `cells`: figure → constant; `label` names it in traces."""

    matches: tuple[tuple[Constant | Band, ...] | None, ...]
    cells: Mapping[str, Constant]
    label: str
    decl: RowDecl


@dataclass(frozen=True, slots=True)
class Table:
    """`exact` maps full keys to row numbers where every match is one constant."""

    decl: TableDecl
    keys: tuple[tuple[str, Type], ...]
    columns: Mapping[str, Type]
    rows: tuple[Row, ...]
    exact: Mapping[tuple[Constant, ...], int] | None


@dataclass(frozen=True, slots=True)
class CheckedRule:
    decl: RuleDecl
    type: Type
    formula: Expr
    exceptions: tuple[tuple[Expr, Expr], ...]
    trigger: Expr | None
    scope: tuple[str, ...]
    paid_on: Expr | None = None


@dataclass(frozen=True, slots=True)
class CheckedReading:
    decl: ReadingDecl
    type: Type
    options: Mapping[str, Expr | None]


@dataclass(frozen=True, slots=True)
class CheckedGrounds:
    decl: GroundsDecl
    grounds: tuple[tuple[Ground, Expr], ...]
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedGroup:
    """`total`, `weight`, `step` for a 分配, else `formula`."""

    decl: GroupDecl
    type: Type
    by: tuple[str, ...]
    member: Expr | None
    formula: Expr | None
    shown: tuple[tuple[str, Expr], ...]
    scope: tuple[str, ...]
    total: Expr | None = None
    weight: Expr | None = None
    step: Number = 0


@dataclass(frozen=True, slots=True)
class CheckedProcedure:
    decl: ProcedureDecl
    routes: tuple[tuple[Route, Expr], ...]


@dataclass(frozen=True, slots=True)
class CheckedUse:
    """`versions`: programs of the 系列 by 施行; `fields`: their field → our formula for it."""

    decl: UseDecl
    versions: tuple[Program, ...]
    fields: Mapping[str, Expr]

    def on(self, day: date) -> Program | None:
        """The version in force on a day, or None."""
        found = in_force([program.policy for program in self.versions], day)
        return next((program for program in self.versions if program.policy is found), None)


@dataclass(frozen=True, eq=False)
class Program:
    """`types` has every name that formulas can use; `personal` the names that rest on one person's facts."""

    policy: Policy
    types: Mapping[str, Type]
    defaults: Mapping[str, Expr]
    tables: Mapping[str, Table]
    readings: Mapping[str, CheckedReading]
    rules: Mapping[str, CheckedRule]
    groups_by_name: Mapping[str, CheckedGroup]
    grounds: Mapping[str, CheckedGrounds]
    procedures: Mapping[str, CheckedProcedure]
    uses: Mapping[str, CheckedUse]
    personal: frozenset[str]
    order: tuple[str, ...] = ()
    results: tuple[str, ...] = field(init=False)
    groups: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        named: list[str] = [name for name, rule in self.policy.rules.items() if not rule.internal]
        named += [name for name, grounds in self.policy.grounds.items() if not grounds.internal]
        shown = tuple(name for name, group in self.policy.groups.items() if not group.internal)
        object.__setattr__(self, "results", tuple(named))
        object.__setattr__(self, "groups", shown)

    @property
    def result_types(self) -> Mapping[str, Type]:
        return self.types

    def uses_on(self, day: date) -> list[tuple[str, Policy | None]]:
        """Aliases with the version of each in force on a day."""
        found = []
        for alias, use in self.uses.items():
            program = use.on(day)
            found.append((alias, program.policy if program else None))
        return found
