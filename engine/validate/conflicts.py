"""Exceptions of one rule that can hold together and disagree (E428), where ranges and enums decide it.

Facts given by people vary freely, so two 是否 fields can both be 是. Conditions that rest on anything
computed beyond comparisons are left to the run, which reports the conflict (E5).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from engine.diagnostics import Diagnostic
from engine.expr import tree
from engine.program import CheckedRule, Program
from engine.types import BOOL
from engine.validate.formulas import Formula, scope_of
from engine.validate.ranges import Bounds
from engine.validate.space import Space
from engine.validate.terms import Opaque, Terms


def check_conflicts(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """E428 for each pair of exceptions that can disagree."""
    found: list[Diagnostic] = []
    for name, rule in program.rules.items():
        if len(rule.exceptions) > 1 and not rule.decl.first_wins:
            found += _pairs(program, bounds, name, rule)
    return found


def _pairs(program: Program, bounds: Bounds, name: str, rule: CheckedRule) -> Iterator[Diagnostic]:
    whens = [
        Formula(name, "当", decl.when, when, at)
        for at, (decl, (when, _)) in enumerate(zip(rule.decl.exceptions, rule.exceptions, strict=True))
    ]
    for one, two in combinations(whens, 2):
        first, second = rule.exceptions[one.at][1], rule.exceptions[two.at][1]
        if first == second:
            continue
        example = _example(program, bounds, scope_of(program, name), (one.expr, first), (two.expr, second))
        if example is not None:
            yield _disagree(one, two, example)


def _example(
    program: Program,
    bounds: Bounds,
    scope: list[tree.Expr],
    one: tuple[tree.Expr, tree.Expr],
    two: tuple[tree.Expr, tree.Expr],
) -> str | None:
    """Facts with which both hold and differ; None if there are none or this is not decided."""
    try:
        facts = Terms(program, bounds, [one[0], two[0]], True).facts
        kept = [condition for condition in scope if _matters(program, bounds, condition, facts)]
        conditions = [one[0], two[0], *kept]
        both, space = _together(program, bounds, conditions, [])
        if not both:
            return None
        if _certainly_differ(bounds, one[1], two[1]):
            return space.example(both)
        differ = tree.Compare("!=", one[1], two[1], None, type=BOOL, span=one[1].span)
        both, space = _together(program, bounds, conditions, [differ])
        return space.example(both) if both else None
    except Opaque:
        return None


def _together(
    program: Program, bounds: Bounds, conditions: list[tree.Expr], more: list[tree.Expr]
) -> tuple[int, Space]:
    space = Space(Terms(program, bounds, [*conditions, *more], True))
    within = space.full
    for condition in [*conditions, *more]:
        within &= space.truth(condition)[0]
    return within, space


def _matters(program: Program, bounds: Bounds, condition: tree.Expr, facts: set[object]) -> bool:
    """Whether a condition of 适用 rests on the same facts; raises `Opaque` if it does and is not decided."""
    try:
        return bool(Terms(program, bounds, [condition], True).facts & facts)
    except Opaque:
        loose = Terms(program, bounds, [condition], False).facts
        inner = {node for key in loose if isinstance(key, tree.Expr) for node in tree.walk(key)}
        if inner & facts or any(isinstance(node, tree.Rule | tree.Reading) for node in inner):
            raise
        return False


def _certainly_differ(bounds: Bounds, one: tree.Expr, two: tree.Expr) -> bool:
    """不适用 or 信息不足 against a value, or figures in intervals that do not meet."""
    outcomes = [part for part in (one, two) if isinstance(part, tree.OutcomeConst)]
    if outcomes:
        return True
    first, second = bounds.interval(one), bounds.interval(two)
    return not first.is_empty and not second.is_empty and not first.overlaps(second)


def _disagree(one: Formula, two: Formula, example: str) -> Diagnostic:
    """E428: two exceptions that hold together and disagree."""
    message = f"「{one.owner}」的例外 {one.at + 1} 与例外 {two.at + 1} 可以同时成立而结果不同"
    if example:
        message += f"，例如 {example}"
    hint = "请让条件互相排除；要以先写的为准请加「例外方式: 首个」"
    return Diagnostic("E428", message, two.place(), hint, ((f"例外 {one.at + 1}", one.place()),))
