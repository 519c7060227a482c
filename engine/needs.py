"""What a declaration of a program rests on: its formulas, the names in them, the fields behind those."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.expr import tree
from engine.program import Program


def expressions(program: Program, name: str) -> list[tree.Expr]:
    """The formulas of a rule, reading, 情形, 集体, default or 引用 (its mapped fields)."""
    if name in program.rules:
        rule = program.rules[name]
        found = [part for pair in rule.exceptions for part in pair]
        return [*found, rule.formula, *([rule.trigger] if rule.trigger is not None else [])]
    if name in program.readings:
        return [expr for expr in program.readings[name].options.values() if expr is not None]
    if name in program.grounds:
        return [expr for _, expr in program.grounds[name].grounds]
    if name in program.groups_by_name:
        group = program.groups_by_name[name]
        parts = (group.member, group.formula, group.total, group.weight)
        return [expr for expr in parts if expr is not None] + [expr for _, expr in group.shown]
    if name in program.uses:
        return list(program.uses[name].fields.values())
    if name in program.defaults:
        return [program.defaults[name]]
    return []


def conditions_of(program: Program, name: str) -> tuple[str, ...]:
    """The 适用 of a rule, 情形 or 集体."""
    for family in (program.rules, program.grounds, program.groups_by_name):
        if name in family:
            return family[name].scope
    return ()


def needs_of(program: Program, name: str) -> set[str]:
    """Names that a declaration uses directly; of another policy's result, its alias."""
    found = set(conditions_of(program, name))
    if name in program.groups_by_name:
        found.update(program.groups_by_name[name].by)
    if name in program.uses:
        found.update(shared_fields(program, name))
    for root in expressions(program, name):
        for node in tree.walk(root):
            match node:
                case (
                    tree.Field(used)
                    | tree.Param(used)
                    | tree.Rule(used)
                    | tree.Reading(used)
                    | tree.Group(used)
                ):
                    found.add(used)
                case tree.GroundsTrue(used) | tree.ParamYear(used) | tree.Lookup(used) | tree.OnDay(used):
                    found.add(used)
                case tree.FirstDay(used):
                    found.add(used)
                case tree.Use(alias):
                    found.add(alias)
    return found


def shared_fields(program: Program, alias: str) -> set[str]:
    """Fields of ours that another policy reads because its own have the same names."""
    use = program.uses[alias]
    theirs = {name for version in use.versions for name in version.policy.fields}
    return {name for name in theirs if name in program.policy.fields and name not in use.fields}


def needed_fields(program: Program, results: Iterable[str]) -> set[str]:
    """Fields that results rest on, directly or through other names."""
    seen = closure(results, lambda name: needs_of(program, name))
    return {name for name in seen if name in program.policy.fields}


def users(program: Program) -> dict[str, set[str]]:
    """Name → the declarations that use it directly."""
    found: dict[str, set[str]] = {}
    for owner in program.order:
        for used in needs_of(program, owner):
            found.setdefault(used, set()).add(owner)
    return found


def closure(start: Iterable[str], step: Callable[[str], Iterable[str]]) -> set[str]:
    """Names that can be reached, those at the start among them."""
    seen: set[str] = set()
    pending = list(start)
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending.extend(step(name))
    return seen
