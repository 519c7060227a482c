"""Which way an amount moves when an 例外 is added to its rule: down if what the 例外 gives is never more than what it replaces.

Said only where an 例外 cannot change whom the rule covers, and cannot contradict another one.
"""

from __future__ import annotations

from engine.diff.trend import Direction, bounds_chosen
from engine.expr import tree
from engine.needs import closure, conditions_of, expressions, needs_of
from engine.program import Program
from engine.types import NumberT
from engine.validate.ranges import Bounds
from engine.values import NotApplicable


def added(program: Program, bounds: Bounds, name: str, number: int) -> Direction:
    """The direction of a rule's amount if its 例外 of this number is added to it; None if not known."""
    rule = program.rules[name]
    when, then = rule.exceptions[number]
    others = [other for at, (_, other) in enumerate(rule.exceptions) if at != number]
    if not isinstance(rule.type, NumberT) or (
        not rule.decl.first_wins and any(other != then for other in others)
    ):
        return None
    if not _covers_alike(program, name, (when, then, rule.formula, *others)):
        return None
    moves = {bounds_chosen(bounds, 1, then, other) for other in (rule.formula, *others) if other != then}
    return moves.pop() if len(moves) == 1 else None


def _covers_alike(program: Program, name: str, parts: tuple[tree.Expr, ...]) -> bool:
    """Whether formulas surely have an outcome for everybody whom the rule covers, be it 信息不足."""
    own = set(conditions_of(program, name))
    used = closure(needs_of(program, name) - own, lambda inner: needs_of(program, inner))
    if any(not set(conditions_of(program, inner)) <= own for inner in used):
        return False
    trees = [*parts, *(expr for inner in used for expr in expressions(program, inner))]
    if any(_can_be_nothing(node) for root in trees for node in tree.walk(root)):
        return False
    tables = [program.tables[inner] for inner in used if inner in program.tables]
    return not any(
        isinstance(cell, NotApplicable)
        for table in tables
        for row in table.rows
        for cell in row.cells.values()
    )


def _can_be_nothing(node: tree.Expr) -> bool:
    """What may be 不适用 where everything that it is made of has an outcome."""
    return isinstance(node, tree.OutcomeConst | tree.Use | tree.Group | tree.OnDay)
