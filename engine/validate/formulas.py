"""Every formula of a program with its place: what the checks walk over. Finds nothing wrong itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from engine.diagnostics import Place, place_of
from engine.expr import tree
from engine.names import normalize
from engine.nodes import Scalar
from engine.program import Program
from engine.source import Span
from engine.types import BOOL

Role = Literal[
    "公式", "当", "则", "触发日", "读法", "成员", "列示", "总额", "权重", "情形", "分流", "缺省", "引用"
]


@dataclass(frozen=True, slots=True)
class Formula:
    """`owner` is the declaration it belongs to; `at` numbers the exceptions, grounds and routes of one."""

    owner: str
    role: Role
    scalar: Scalar
    expr: tree.Expr
    at: int = 0

    def place(self, part: tree.Expr | None = None) -> Place:
        """Where the formula, or one part of it, stands in the file."""
        return place_in(self.scalar, (part or self.expr).span)

    def text(self, part: tree.Expr) -> str:
        """A part as written, on one line and not too long."""
        text = " ".join(self.scalar.text[part.span.start : part.span.end].split())
        return text if len(text) <= 30 else text[:29] + "…"


def place_in(scalar: Scalar, span: Span) -> Place:
    """The place of a span of a formula's text; of the whole scalar if the span is empty."""
    if span.end <= span.start:
        return place_of(scalar.source, scalar.span)
    start = scalar.offset_at(span.start)
    end = scalar.offset_at(max(span.start, span.end - 1)) + 1
    return place_of(scalar.source, Span(start, max(start + 1, end)))


def formulas(program: Program) -> Iterator[Formula]:
    """Every typed formula, declaration by declaration."""
    policy = program.policy
    for name, expr in program.defaults.items():
        scalar = policy.fields[name].default
        if scalar is not None:
            yield Formula(name, "缺省", scalar, expr)
    for name, reading in program.readings.items():
        for option in reading.decl.options:
            expr_or_none = reading.options.get(option.name)
            if option.formula is not None and expr_or_none is not None:
                yield Formula(name, "读法", option.formula, expr_or_none)
    for name, rule in program.rules.items():
        for at, (exception, (when, then)) in enumerate(
            zip(rule.decl.exceptions, rule.exceptions, strict=True)
        ):
            yield Formula(name, "当", exception.when, when, at)
            yield Formula(name, "则", exception.then, then, at)
        yield Formula(name, "公式", rule.decl.formula, rule.formula)
        if rule.trigger is not None and rule.decl.trigger is not None:
            yield Formula(name, "触发日", rule.decl.trigger, rule.trigger)
    for name, grounds in program.grounds.items():
        for at, (ground, expr) in enumerate(grounds.grounds):
            yield Formula(name, "情形", ground.when, expr, at)
    yield from _of_groups(program)
    for alias, use in program.uses.items():
        for key, scalar in use.decl.fields:
            found = use.fields.get(normalize(key.text))
            if found is not None:
                yield Formula(alias, "引用", scalar, found)
    for name, procedure in program.procedures.items():
        for at, (route, expr) in enumerate(procedure.routes):
            yield Formula(name, "分流", route.when, expr, at)


def _of_groups(program: Program) -> Iterator[Formula]:
    for name, group in program.groups_by_name.items():
        decl = group.decl
        if decl.member is not None and group.member is not None:
            yield Formula(name, "成员", decl.member, group.member)
        if decl.formula is not None and group.formula is not None:
            yield Formula(name, "公式", decl.formula, group.formula)
        for (_, scalar), (_, expr) in zip(decl.shown, group.shown, strict=True):
            yield Formula(name, "列示", scalar, expr)
        if decl.shares is not None and group.total is not None and group.weight is not None:
            yield Formula(name, "总额", decl.shares.total, group.total)
            yield Formula(name, "权重", decl.shares.weight, group.weight)


def scope_of(program: Program, name: str) -> list[tree.Expr]:
    """The 适用 of a rule, 情形 or 集体 as formulas: the truth rules it names."""
    scope: tuple[str, ...] = ()
    if name in program.rules:
        scope = program.rules[name].scope
    elif name in program.grounds:
        scope = program.grounds[name].scope
    elif name in program.groups_by_name:
        scope = program.groups_by_name[name].scope
    return [tree.Rule(other, type=BOOL, span=Span(0, 0)) for other in scope if other in program.rules]
