"""Money that is given out must be whole fen: E422 for figures that can be finer, E423 for steps of a 分配."""

from __future__ import annotations

from collections.abc import Iterator

from engine.diagnostics import Diagnostic, place_of
from engine.expr import tree
from engine.program import Program
from engine.types import NumberT
from engine.validate.formulas import Formula, formulas
from engine.validate.intervals import digits_of
from engine.validate.ranges import Bounds

FEN = 2


def check_money(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """E422, E423 for every rule and 集体 that is not 内部."""
    shown = {name for name, rule in program.rules.items() if not rule.decl.internal}
    shown |= {name for name, group in program.groups_by_name.items() if not group.decl.internal}
    found: list[Diagnostic] = []
    for formula in formulas(program):
        if formula.owner in shown and formula.role in ("公式", "则", "列示") and _is_money(program, formula):
            found += _too_fine(formula, bounds)
    return found + list(_fine_steps(program, shown))


def _is_money(program: Program, formula: Formula) -> bool:
    kind = formula.expr.type
    if formula.role != "列示":
        rule, group = program.rules.get(formula.owner), program.groups_by_name.get(formula.owner)
        kind = rule.type if rule else group.type if group else kind
    return isinstance(kind, NumberT) and kind.unit.is_money


def _is_fine(digits: int | None) -> bool:
    return digits is None or digits > FEN


def _too_fine(formula: Formula, bounds: Bounds) -> Iterator[Diagnostic]:
    """E422: a figure of money that can have parts of a fen, with the part of the formula that brings them."""
    for branch in _branches(formula.expr):
        if not _is_fine(bounds.scale(branch)):
            continue
        why = _cause(branch, formula, bounds)
        message = f"「{formula.owner}」算出的金额可能不足一分：{why}"
        yield Diagnostic(
            "E422", message, formula.place(branch), f"请写「四舍五入({formula.text(branch)}, 2)」"
        )


def _branches(expr: tree.Expr) -> Iterator[tree.Expr]:
    """What a formula can give: its branches, if it is a 若."""
    if isinstance(expr, tree.If):
        yield from _branches(expr.then)
        yield from _branches(expr.otherwise)
    else:
        yield expr


def _cause(expr: tree.Expr, formula: Formula, bounds: Bounds) -> str:
    """The smallest part whose digits do not end, else how many digits there can be."""
    digits = bounds.scale(expr)
    if digits is not None:
        return f"最多有 {digits} 位小数"
    for part in tree.walk(expr):
        inner = [p for p in tree.children(part) if isinstance(p.type, NumberT)]
        if not isinstance(part.type, NumberT) or bounds.scale(part) is not None:
            continue
        if any(bounds.scale(p) is None for p in inner):
            continue
        text = formula.text(part)
        if isinstance(part, tree.Arith) and part.op == "/":
            return f"「{text}」可能除不尽"
        if isinstance(part, tree.Field | tree.OnDay | tree.Column):
            return f"「{text}」没有写小数位"
        return f"「{text}」的小数位数没有限定"
    return "小数位数没有限定"


def _fine_steps(program: Program, shown: set[str]) -> Iterator[Diagnostic]:
    """E423: a 分配 of money in steps finer than a fen."""
    for name, group in program.groups_by_name.items():
        shares = group.decl.shares
        if (
            shares is None
            or name not in shown
            or not isinstance(group.type, NumberT)
            or not group.type.unit.is_money
        ):
            continue
        if shares.step and _is_fine(digits_of(shares.step)):
            place = place_of(shares.step_key.source, shares.step_key.span)
            yield Diagnostic(
                "E423", f"「{name}」分配的金额精确到不足一分", place, "金额最细到分，请写「精确到: 0.01」"
            )
