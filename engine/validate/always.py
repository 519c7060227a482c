"""Conditions that ranges and enums decide beforehand (W802): never true or always true, by themselves or
after 适用, earlier exceptions and the 若 around them. Silent where anything is open."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from engine.diagnostics import Diagnostic
from engine.expr import tree
from engine.program import Program
from engine.types import BoolT
from engine.validate.formulas import Formula, formulas, scope_of
from engine.validate.ranges import Bounds
from engine.validate.space import Space
from engine.validate.terms import Opaque, Terms

Path = tuple[tree.Expr, ...]


def check_always(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """W802 for conditions of 若, 例外, 情形, 分流, 成员 and aggregates, and for truth rules and 校验."""
    judge = _Judge(program, bounds)
    found: list[Diagnostic] = []
    for formula in formulas(program):
        path = _path(program, formula)
        if formula.role in ("当", "情形", "分流", "成员") or (
            formula.role == "公式" and isinstance(formula.expr.type, BoolT)
        ):
            found += judge.decided(formula, formula.expr, path)
        found += _inside(judge, formula, formula.expr, path)
    return found


def _path(program: Program, formula: Formula) -> Path:
    """What holds where a formula is worked out: its 适用; for 公式 that no exception does."""
    path = tuple(scope_of(program, formula.owner))
    rule = program.rules.get(formula.owner)
    if rule is None or formula.role not in ("当", "则", "公式"):
        return path
    passed = rule.exceptions if formula.role == "公式" else rule.exceptions[: formula.at]
    if formula.role == "公式" or rule.decl.first_wins:
        path += tuple(_not(when) for when, _ in passed)
    return (*path, rule.exceptions[formula.at][0]) if formula.role == "则" else path


def _not(condition: tree.Expr) -> tree.Expr:
    return tree.Not(condition, type=condition.type, span=condition.span)


def _inside(judge: _Judge, formula: Formula, node: tree.Expr, path: Path) -> Iterator[Diagnostic]:
    """The conditions within a formula."""
    match node:
        case tree.If(condition=condition, then=then, otherwise=otherwise):
            yield from judge.decided(formula, condition, path)
            yield from _inside(judge, formula, condition, path)
            yield from _inside(judge, formula, then, (*path, condition))
            yield from _inside(judge, formula, otherwise, (*path, _not(condition)))
        case tree.Aggregate(condition=condition) | tree.Members(condition=condition):
            if condition is not None:
                yield from judge.decided(formula, condition, ())
            for part in tree.children(node):
                yield from _inside(judge, formula, part, ())
        case (
            tree.Select(condition=condition)
            | tree.Run(condition=condition)
            | tree.FirstDay(condition=condition)
        ):
            yield from judge.decided(formula, condition, ())
            for part in tree.children(node):
                yield from _inside(judge, formula, part, ())
        case _:
            for part in tree.children(node):
                yield from _inside(judge, formula, part, path)


@dataclass(slots=True)
class _Judge:
    """Asks one condition at a time, keeping what varies in conditions met before."""

    program: Program
    bounds: Bounds
    known: dict[int, tuple[tree.Expr, set[Hashable] | None]] = field(default_factory=dict)

    def facts(self, condition: tree.Expr) -> set[Hashable] | None:
        """The facts that a condition asks for; None if it cannot be looked into."""
        key = id(condition)
        if key not in self.known:
            try:
                found: set[Hashable] | None = Terms(self.program, self.bounds, [condition], False).facts
            except Opaque:
                found = None
            self.known[key] = (condition, found)
        return self.known[key][1]

    def related(self, condition: tree.Expr, path: Path) -> list[tree.Expr]:
        """The conditions of a path that share facts with one, directly or through others of the path."""
        facts = set(self.facts(condition) or ())
        waiting = [(other, self.facts(other)) for other in path]
        found: list[tree.Expr] = []
        while True:
            near = [other for other, theirs in waiting if theirs and theirs & facts]
            if not near:
                return found
            found += near
            for other in near:
                facts |= self.facts(other) or set()
            waiting = [(other, theirs) for other, theirs in waiting if other not in near]

    def decided(self, formula: Formula, condition: tree.Expr, path: Path) -> Iterator[Diagnostic]:
        if not self.facts(condition):
            return
        verdict = self.verdict(condition, [])
        if verdict is not None:
            yield _decided(formula, condition, verdict, "")
            return
        near = self.related(condition, path)
        verdict = self.verdict(condition, near) if near else None
        if verdict is not None:
            yield _decided(formula, condition, verdict, "在它之前的条件之下")

    def verdict(self, condition: tree.Expr, path: list[tree.Expr]) -> bool | None:
        """Whether a condition always (True) or never (False) holds where its path does."""
        try:
            space = Space(Terms(self.program, self.bounds, [condition, *path], False))
            holds, fails = space.truth(condition)
            within = space.full
            for other in path:
                within &= space.truth(other)[0]
        except Opaque:
            return None
        holds, fails = holds & within, fails & within
        return None if bool(holds) == bool(fails) else bool(holds)


def _decided(formula: Formula, condition: tree.Expr, verdict: bool, where: str) -> Diagnostic:
    """W802: a condition that does not depend on the facts."""
    text = formula.text(condition)
    fact = "总是成立" if verdict else "不可能成立"
    hint = "请对照字段的选项和「范围」检查；确实如此可以删去"
    return Diagnostic("W802", f"条件「{text}」{where}{fact}", formula.place(condition), hint)
