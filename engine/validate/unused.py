"""What is declared and never used (W803): fields, parameters, tables, 口径, and internal rules and groups."""

from __future__ import annotations

from collections.abc import Iterator

from engine.diagnostics import Diagnostic
from engine.expr import syntax, tree
from engine.expr.parse import parse_formula
from engine.names import normalize
from engine.nodes import Scalar
from engine.policy import Band, Declaration, FieldDecl, ParamName
from engine.program import Program
from engine.types import AnyT
from engine.validate.formulas import formulas
from engine.validate.ranges import Bounds


def check_unused(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """W803 in the order of the file."""
    used = used_names(program)
    policy = program.policy
    found = []
    for name, decl in policy.fields.items():
        if name not in used and not _is_registered(program, decl):
            found.append(_unused("字段", decl, "只作登记的字段请写「用途: 登记」"))
    families: tuple[tuple[str, dict[str, Declaration]], ...] = (
        ("参数", {**policy.params}),
        ("表", {**policy.tables}),
        ("口径", {**policy.readings}),
        ("内部规则", {name: rule for name, rule in policy.rules.items() if rule.internal}),
        ("内部集体", {name: group for name, group in policy.groups.items() if group.internal}),
    )
    for label, family in families:
        found += [
            _unused(label, decl, "请删去，或在公式里用上")
            for name, decl in family.items()
            if name not in used
        ]
    return found


def _unused(label: str, decl: Declaration, hint: str) -> Diagnostic:
    """W803: a declaration that nothing uses."""
    return Diagnostic("W803", f"{label}「{decl.name}」没有用到", decl.place, hint)


def _is_registered(program: Program, decl: FieldDecl) -> bool:
    """Fields that are there for the roster itself: 标识, 格式, 对照, 用途: 登记."""
    return decl.register or bool(decl.format) or decl.name == program.policy.meta.identifier


def used_names(program: Program) -> set[str]:
    """Every name that a formula, 适用, 按, key, cell, 单位 or 对照 mentions; in a formula with mistakes, may mention."""
    used: set[str] = set()
    policy = program.policy
    for formula in formulas(program):
        for node in tree.walk(formula.expr):
            used.update(_names(node))
            if isinstance(node.type, AnyT):
                used.update(name for name in program.types if name in formula.scalar.text)
                used.update(name for name in policy.tables if name in formula.scalar.text)
    for rule in policy.rules.values():
        used.update(normalize(scalar.text) for scalar in rule.scope)
        if rule.paid_on is not None:
            root, _ = parse_formula(rule.paid_on)
            used.update(syntax.names_in(root, policy.tables_with_columns) if root is not None else ())
    for group in policy.groups.values():
        used.update(normalize(scalar.text) for scalar in (*group.by, *group.scope))
    for grounds in policy.grounds.values():
        used.update(normalize(scalar.text) for scalar in grounds.scope)
    for decl in policy.fields.values():
        used.add(decl.owner)
        used.update(normalize(scalar.text) for _, scalar in decl.agrees)
    used.update(_in_tables(program))
    used.update(_for_uses(program))
    return used


def _names(node: tree.Expr) -> tuple[str, ...]:
    match node:
        case tree.Field(name=name) | tree.Param(name=name) | tree.ParamYear(name=name) | tree.Rule(name=name):
            return (name,)
        case tree.Reading(name=name) | tree.Group(name=name) | tree.GroundsTrue(name=name):
            return (name,)
        case tree.Lookup(table=name) | tree.OnDay(field=name) | tree.FirstDay(field=name):
            return (name,)
    return ()


def _in_tables(program: Program) -> Iterator[str]:
    """Names that keys, band limits and cells mention."""
    for table in program.tables.values():
        for _, node in table.decl.keys:
            if isinstance(node, Scalar):
                yield normalize(node.text)
        for row in table.rows:
            written = [*row.cells.values(), *(part for match in row.matches for part in match or ())]
            for part in written:
                limits = (part.low, part.high) if isinstance(part, Band) else (part,)
                yield from (limit.name for limit in limits if isinstance(limit, ParamName))


def _for_uses(program: Program) -> Iterator[str]:
    """Our fields that stand for a field of the same name in a policy we use."""
    for use in program.uses.values():
        for version in use.versions:
            yield from (name for name in version.policy.fields if name not in use.fields)
