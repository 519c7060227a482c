"""Which way a result moves when one thing that it rests on grows: up, down, not at all, or not known.

Truth values count as numbers (是 above 否), a 情形 as whether any ground holds. Whom a result covers (has 适用) moves apart
from its value: of a difference, less of what is taken away is more, but no more of it where it is 不适用. The answer holds for
every record, so it is 「not known」 wherever the formula decides otherwise: an under-estimate that never names a wrong
direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.expr import tree
from engine.needs import conditions_of, expressions, needs_of
from engine.program import Program
from engine.types import BoolT, DateT
from engine.validate.ranges import Bounds

#: 1 up, -1 down, 0 does not depend on it, None not known.
Direction = int | None

_GROWING = {"四舍五入", "向上取整", "向下取整", "加年", "加月", "加天", "年", "月初", "月末", "年初", "年末"}
_AMOUNTS = ("次数", "合计", "最大", "最小", "平均", "人数", "个数")


class Trend:
    """Directions of one program's declarations for things that move: name → its own direction (1 or -1). `covers`:
    those of which only the 适用 moves."""

    def __init__(
        self,
        program: Program,
        bounds: Bounds,
        moves: Mapping[str, int],
        covers: Mapping[str, int] | None = None,
    ) -> None:
        self.program, self.bounds, self.moves, self.covers = program, bounds, moves, covers or {}
        self._known: dict[str, Direction] = {}
        self._covered: dict[str, Direction] = {}

    def of(self, name: str) -> Direction:
        """The direction of a declaration's value, where it has one."""
        if name in self.moves:
            return self.moves[name]
        if name not in self._known:
            self._known[name] = None  # on a circle
            self._known[name] = self._declared(name)
        return self._known[name]

    def cover(self, name: str) -> Direction:
        """Whether a declaration has a value for more people (1) or for fewer (-1)."""
        if name not in self._covered:
            self._covered[name] = None  # on a circle
            self._covered[name] = _same([self.covers.get(name, 0), self._cover(name)])
        return self._covered[name]

    def _cover(self, name: str) -> Direction:
        program = self.program
        scope = [
            found for cond in conditions_of(program, name) for found in (self.of(cond), self.cover(cond))
        ]
        if name in program.rules:
            rule = program.rules[name]
            tests = [when for when, _ in rule.exceptions]
            tests += [rule.trigger] if rule.trigger is not None else []
            if any(self.covered(test) != 0 for test in tests):
                return None
            parts = [rule.formula, *(then for _, then in rule.exceptions)]
            return _same([*scope, *map(self.covered, parts)])
        if name in program.grounds:
            return _same([*scope, *(self.covered(when) for _, when in program.grounds[name].grounds)])
        if any(self.covered(part) != 0 for part in expressions(program, name)):
            return self.covered(expressions(program, name)[0]) if name in program.defaults else None
        return _same(scope)

    def covered(self, node: tree.Expr) -> Direction:
        """`cover` of a formula: what is 不适用 makes nearly everything so that it is in."""
        match node:
            case (
                tree.Param(name)
                | tree.Rule(name)
                | tree.Reading(name)
                | tree.Group(name)
                | tree.GroundsTrue(name)
                | tree.Field(name)
            ):
                return self.cover(name)
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                found = [self.covered(part) for part in (condition, then, otherwise)]
                if _nothing(then) != _nothing(otherwise):
                    moved = self.expr(condition)
                    found.append(_opposite(moved) if _nothing(then) else moved)
                return _same(found)
        parts = [self.covered(child) for child in tree.children(node)]
        if isinstance(node, tree.Extreme | tree.Probe | tree.Aggregate):
            return 0 if all(part == 0 for part in parts) else None
        return _same(parts)

    def _declared(self, name: str) -> Direction:
        program = self.program
        if name in program.rules:
            return self._rule(name)
        if name in program.readings:
            chosen = program.readings[name].options[program.readings[name].decl.adopted]
            return 0 if chosen is None else self.expr(chosen)
        if name in program.grounds:
            grounds = program.grounds[name]
            return _same([self.expr(when) for _, when in grounds.grounds])
        if name in program.groups_by_name:
            group = program.groups_by_name[name]
            parts = [part for part in (group.member, group.weight) if part is not None]
            if any(self.expr(part) != 0 for part in parts) or self.cover(name) != 0:
                return None
            main = group.formula or group.total
            return self.expr(main) if main is not None else 0
        return self.expr(program.defaults[name]) if name in program.defaults else 0

    def _rule(self, name: str) -> Direction:
        rule = self.program.rules[name]
        found = [self.expr(rule.formula)]
        if rule.trigger is not None and self.expr(rule.trigger) != 0:
            return None
        for when, then in rule.exceptions:
            found.append(self._chosen(self.expr(when), then, rule.formula))
            found.append(self.expr(then))
        return _same(found)

    def _chosen(self, condition: Direction, then: tree.Expr, otherwise: tree.Expr) -> Direction:
        return bounds_chosen(self.bounds, condition, then, otherwise)

    def expr(self, node: tree.Expr) -> Direction:
        match node:
            case (
                tree.Param(name)
                | tree.Rule(name)
                | tree.Reading(name)
                | tree.Group(name)
                | tree.GroundsTrue(name)
            ):
                return self.of(name)
            case tree.Field(name):
                return self.of(name)
            case tree.ParamYear(name=name, year=year):
                return self.of(name) if self.expr(year) == 0 else None
            case tree.Lookup(table=name, keys=keys):
                return self.of(name) if all(self.expr(key) == 0 for key in keys) else None
            case tree.Arith():
                return self._arith(node)
            case tree.Negate(operand=operand) | tree.Not(operand=operand):
                return _opposite(self.expr(operand))
            case tree.And(items=items) | tree.Or(items=items):
                return _same(self.expr(item) for item in items)
            case tree.Extreme(args=items):
                return None if self.covered(node) != 0 else _same(self.expr(item) for item in items)
            case tree.Compare():
                return self._compare(node)
            case tree.If(condition=condition, then=then, otherwise=otherwise):
                found = [self.expr(then), self.expr(otherwise)]
                if _nothing(then) or _nothing(otherwise):
                    return _same(found)
                return _same([*found, self._chosen(self.expr(condition), then, otherwise)])
            case tree.Call(function=function, args=args) if function in _GROWING:
                return _same(self.expr(arg) for arg in args)
            case tree.Probe(function="适用于", operand=operand):
                return self.covered(operand)
            case tree.Probe() if self.covered(node) != 0:
                return None
            case tree.Probe(function="缺省" | "不适用时", operand=operand, fallback=fallback):
                return _same([self.expr(operand), self.expr(fallback) if fallback is not None else 0])
        return (
            0 if all(self.expr(child) == self.covered(child) == 0 for child in tree.children(node)) else None
        )

    def _arith(self, node: tree.Arith) -> Direction:
        left, right = self.expr(node.left), self.expr(node.right)
        match node.op:
            case "+":
                return _same([left, right])
            case "-":
                return _same([left, _opposite(right)])
            case "*":
                return _same([self._times(left, node.right), self._times(right, node.left)])
        if right != 0:
            return 0 if left == 0 and right == 0 else None
        return self._times(left, node.right)

    def _times(self, direction: Direction, factor: tree.Expr) -> Direction:
        if direction in (0, None):
            return direction
        interval = self.bounds.interval(factor)
        if interval.low >= 0:
            return direction
        return _opposite(direction) if interval.high <= 0 else None

    def _compare(self, node: tree.Compare) -> Direction:
        left, right = self.expr(node.left), self.expr(node.right)
        if left == 0 and right == 0:
            return 0
        if node.op in (">", ">="):
            return _same([left, _opposite(right)])
        return _same([_opposite(left), right]) if node.op in ("<", "<=") else None


def bounds_chosen(bounds: Bounds, condition: Direction, then: tree.Expr, otherwise: tree.Expr) -> Direction:
    """「若 c 则 a 否则 b」 as c moves: up if a is never below b."""
    if condition in (0, None):
        return condition
    high, low = bounds.interval(then), bounds.interval(otherwise)
    if low.high <= high.low:
        return condition
    return _opposite(condition) if high.high <= low.low else None


def _opposite(direction: Direction) -> Direction:
    return None if direction is None else -direction


def _same(parts: Iterable[Direction]) -> Direction:
    """The direction that all parts which move share."""
    moving = {part for part in parts if part != 0}
    if not moving:
        return 0
    return moving.pop() if len(moving) == 1 else None


def decides(program: Program, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether something of this name is compared, chooses or selects anywhere, rather than only adding to figures."""
    for owner in program.order:
        if owner in seen or name not in needs_of(program, owner):
            continue
        rule = program.rules.get(owner)
        conditions = [when for when, _ in rule.exceptions] if rule else []
        if rule is not None and rule.trigger is not None:
            conditions.append(rule.trigger)
        if rule is not None and name in rule.scope:
            return True
        for expr in expressions(program, owner):
            if _in_condition(expr, name, expr in conditions or isinstance(expr.type, BoolT | DateT)):
                return True
        if decides(program, owner, seen | {name, owner}):
            return True
    return False


#: What passes an amount on as an amount.
_PASSING = (tree.Arith, tree.Negate, tree.Extreme, tree.Call, tree.Probe, tree.If)


def _in_condition(node: tree.Expr, name: str, deciding: bool) -> bool:
    match node:
        case tree.Param(n) | tree.ParamYear(name=n) | tree.Lookup(table=n) | tree.Rule(n) | tree.Reading(n):
            if n == name:
                return deciding
        case tree.Group(n) | tree.GroundsTrue(n) | tree.Field(n):
            return deciding and n == name
    if isinstance(node, tree.If):
        parts = ((node.condition, True), (node.then, deciding), (node.otherwise, deciding))
        return any(_in_condition(part, name, decides_) for part, decides_ in parts)
    inner = deciding or not isinstance(node, _PASSING)
    return any(_in_condition(child, name, inner) for child in tree.children(node))


def _nothing(node: tree.Expr) -> bool:
    """Whether a branch is 不适用."""
    return isinstance(node, tree.OutcomeConst) and node.word == "不适用"


def moved(bounds: Bounds, old: tree.Expr, new: tree.Expr) -> Direction:
    """Which way an amount moves when its formula becomes another one: 0 not at all, None not known."""
    match old, new:
        case _ if old == new:
            return 0
        case tree.Const(was), tree.Const(now) if _ordered(was) and _ordered(now):
            return 1 if now > was else -1
        case tree.If() as was, tree.If() as now:
            return _same(
                [
                    bounds_chosen(bounds, stronger(was.condition, now.condition), was.then, was.otherwise),
                    moved(bounds, was.then, now.then),
                    moved(bounds, was.otherwise, now.otherwise),
                ]
            )
        case tree.Arith(op="+") as was, tree.Arith(op="+") as now:
            return _same([moved(bounds, was.left, now.left), moved(bounds, was.right, now.right)])
        case tree.Arith(op="-") as was, tree.Arith(op="-") as now:
            return _same([moved(bounds, was.left, now.left), _opposite(moved(bounds, was.right, now.right))])
    return None


def _ordered(value: Any) -> bool:
    return not isinstance(value, str | bool)


def amounts_only(old: tree.Expr, new: tree.Expr, deciding: bool = False) -> bool:
    """Whether two formulas of one shape differ in literals only, none of which decides anything."""
    if isinstance(old, tree.Const) and isinstance(new, tree.Const):
        return old == new or not deciding
    if isinstance(old, tree.If) and isinstance(new, tree.If):
        return (
            amounts_only(old.condition, new.condition, True)
            and amounts_only(old.then, new.then, deciding)
            and amounts_only(old.otherwise, new.otherwise, deciding)
        )
    parts, others = tree.children(old), tree.children(new)
    inner = deciding or not isinstance(old, _PASSING)
    return all(amounts_only(one, other, inner) for one, other in zip(parts, others, strict=True))


def stronger(old: tree.Expr, new: tree.Expr) -> Direction:
    """How a condition moves: 0 the same, -1 it holds in fewer cases, 1 in more, None not known."""
    fewer, more = implies(new, old), implies(old, new)
    if fewer and more:
        return 0
    return -1 if fewer else 1 if more else None


def implies(one: tree.Expr, other: tree.Expr) -> bool:
    """Whether the first surely holds only where the second does, as far as their form shows it."""
    if one == other:
        return True
    if isinstance(one, tree.Or):
        return all(implies(item, other) for item in one.items)
    if isinstance(other, tree.And):
        return all(implies(one, item) for item in other.items)
    if isinstance(one, tree.And) and any(implies(item, other) for item in one.items):
        return True
    if isinstance(other, tree.Or) and any(implies(one, item) for item in other.items):
        return True
    if isinstance(one, tree.Not) and isinstance(other, tree.Not):
        return implies(other.operand, one.operand)
    if isinstance(one, tree.Compare) and isinstance(other, tree.Compare):
        return _compare_implies(one, other)
    if isinstance(one, tree.Among) and isinstance(other, tree.Among) and one.operand == other.operand:
        mine, theirs = list(one.members), list(other.members)
        if not one.negated and not other.negated:
            return all(member in theirs for member in mine)
        return one.negated and other.negated and all(member in mine for member in theirs)
    return False


def _compare_implies(one: tree.Compare, other: tree.Compare) -> bool:
    if one.left != other.left:
        return False
    upward, downward = (">", ">="), ("<", "<=")
    if one.right == other.right:
        return (one.op, other.op) in (
            (">", ">="),
            ("<", "<="),
            ("==", ">="),
            ("==", "<="),
            (">", "!="),
            ("<", "!="),
        )
    a, b = _constant(one, one.right), _constant(other, other.right)
    if a is None or b is None:
        return False
    if one.op in (*upward, "==") and other.op in upward:
        return bool(a > b or (a == b and not (one.op != ">" and other.op == ">")))
    if one.op in (*downward, "==") and other.op in downward:
        return bool(a < b or (a == b and not (one.op != "<" and other.op == "<")))
    return False


def _constant(compare: tree.Compare, node: tree.Expr) -> Any:
    """A literal as something that has an order: numbers and dates themselves, members by rank."""
    if not isinstance(node, tree.Const):
        return None
    if compare.order is not None and isinstance(node.value, str):
        return compare.order.rank(node.value) if node.value in compare.order.members else None
    return None if isinstance(node.value, str | bool) else node.value
