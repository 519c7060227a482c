"""Divisions whose divisor can be 0 (W805), after 适用, conditions and 且/或 have closed what they close."""

from __future__ import annotations

from collections.abc import Iterator

from engine.diagnostics import Diagnostic
from engine.expr import tree
from engine.program import Program
from engine.validate.formulas import Formula, formulas, scope_of
from engine.validate.guards import NO_FACTS, Facts, assume
from engine.validate.ranges import Bounds


def check_division(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """W805 for every divisor that can be 0."""
    found: list[Diagnostic] = []
    for formula in formulas(program):
        if any(isinstance(node, tree.Arith) and node.op == "/" for node in tree.walk(formula.expr)):
            found += _divisions(formula, formula.expr, _known(program, formula, bounds), bounds)
    return found


def _known(program: Program, formula: Formula, bounds: Bounds) -> Facts:
    """What holds where a formula is worked out: its 适用, and for 公式 and 则 what the exceptions leave."""
    facts: Facts = NO_FACTS
    for condition in scope_of(program, formula.owner):
        facts = assume(bounds, condition, True, facts)
    rule = program.rules.get(formula.owner)
    if rule is None:
        return facts
    if formula.role in ("公式", "触发日"):
        for when, _ in rule.exceptions:
            facts = assume(bounds, when, False, facts)
    elif formula.role in ("当", "则"):
        earlier = rule.exceptions[: formula.at] if rule.decl.first_wins else ()
        for when, _ in earlier:
            facts = assume(bounds, when, False, facts)
        if formula.role == "则":
            facts = assume(bounds, rule.exceptions[formula.at][0], True, facts)
    return facts


def _divisions(formula: Formula, node: tree.Expr, facts: Facts, bounds: Bounds) -> Iterator[Diagnostic]:
    match node:
        case tree.If(condition=condition, then=then, otherwise=otherwise):
            yield from _divisions(formula, condition, facts, bounds)
            yield from _divisions(formula, then, assume(bounds, condition, True, facts), bounds)
            yield from _divisions(formula, otherwise, assume(bounds, condition, False, facts), bounds)
        case tree.And(items=items) | tree.Or(items=items):
            for item in items:
                yield from _divisions(formula, item, facts, bounds)
                facts = assume(bounds, item, isinstance(node, tree.And), facts)
        case tree.Aggregate(source=source, value=value, condition=condition):
            yield from _divisions(formula, source, facts, bounds)
            yield from _over(formula, value, condition, facts, bounds)
        case tree.Members(value=value, condition=condition):
            yield from _over(formula, value, condition, facts, bounds)
        case _:
            for part in tree.children(node):
                yield from _divisions(formula, part, facts, bounds)
            if (
                isinstance(node, tree.Arith)
                and node.op == "/"
                and bounds.interval(node.right, facts).has_zero
            ):
                yield _by_zero(formula, node.right)


def _over(
    formula: Formula, value: tree.Expr | None, condition: tree.Expr | None, facts: Facts, bounds: Bounds
) -> Iterator[Diagnostic]:
    """An aggregate's value is only asked for where its condition holds."""
    if condition is not None:
        yield from _divisions(formula, condition, facts, bounds)
        facts = assume(bounds, condition, True, facts)
    if value is not None:
        yield from _divisions(formula, value, facts, bounds)


def _by_zero(formula: Formula, divisor: tree.Expr) -> Diagnostic:
    """W805: a divisor that can be 0, where the result will be 信息不足."""
    text = formula.text(divisor)
    hint = f"除数为 0 时结果是信息不足；请写「若 {text} == 0 则 … 否则 …」"
    if isinstance(divisor, tree.Field):
        hint += "，或给字段写「范围」"
    return Diagnostic("W805", f"除数「{text}」可能是 0", formula.place(divisor), hint)
