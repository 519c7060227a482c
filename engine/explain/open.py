"""What stands in the way of a result: conditions that do not hold and when they will, facts to obtain and what they would give.

Every answer is found by evaluating the same record again, on another day or with one fact more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from engine.explain.model import Unmet, Wanted
from engine.explain.steps import Teller, parts_in
from engine.expr import tree
from engine.facts import State
from engine.interpret import Interpreter
from engine.needs import conditions_of, expressions
from engine.nodes import Scalar
from engine.policy import FieldDecl, ParamName
from engine.program import Program
from engine.records.model import DatedFact, Record
from engine.types import BoolT, EnumT, SeriesT
from engine.values import Series, add_years

MOST_ANSWERS = 8
YEARS_AHEAD = 60
_OF_YEAR = re.compile(r"(.+)\[(\d{4})\]\Z")

#: A fresh interpreter for another day, without other records.
Another = Callable[[date], Interpreter]


class Ahead:
    """Looks for the first day on which a condition of one record will hold."""

    def __init__(self, another: Another, record: Record, as_of: date) -> None:
        self.another, self.record, self.as_of = another, record, as_of
        self.days: dict[date, tuple[Interpreter, State]] = {}
        self.changing: dict[str, bool] = {}

    def holds(self, node: tree.Expr, day: date) -> bool:
        if day not in self.days:
            self.days[day] = self.another(day), State(self.record.facts.get, self.record)
        run, state = self.days[day]
        return run.within(state, lambda: run.value(node)) is True

    def day(self, node: tree.Expr, program: Program) -> date | None:
        """The first day after today, to the day, among days a year apart on which it holds; None if in 60 years none."""
        if not self.changes(program, [node]):
            return None
        before = self.as_of
        for years in range(1, YEARS_AHEAD + 1):
            after = add_years(self.as_of, years)
            if self.holds(node, after):
                return self.between(node, before, after)
            before = after
        return None

    def between(self, node: tree.Expr, before: date, after: date) -> date:
        """By halving: it does not hold on `before` and does on `after`."""
        while (after - before).days > 1:
            middle = before + timedelta(days=(after - before).days // 2)
            before, after = (before, middle) if self.holds(node, middle) else (middle, after)
        return after

    def changes(self, program: Program, roots: Sequence[tree.Expr]) -> bool:
        """Whether formulas can come to something else on another day: by 计算日, or by what is given by dates."""
        for node in (part for root in roots for part in tree.walk(root)):
            match node:
                case tree.AsOf() | tree.Use() | tree.OnDay() | tree.FirstDay():
                    return True
                case tree.Param(name=name) if len(program.policy.params[name].values) > 1:
                    return True
                case tree.Lookup(table=name):
                    rows = program.tables[name].rows
                    if any(isinstance(cell, ParamName) for row in rows for cell in row.cells.values()):
                        return True
                case tree.Field(name=name):
                    if isinstance(self.record.facts.get(name), DatedFact):
                        return True
                    if name in program.defaults and self.named(program, name):
                        return True
                case tree.Rule(name=name) | tree.Reading(name=name) | tree.GroundsTrue(name=name):
                    if self.named(program, name):
                        return True
        return False

    def named(self, program: Program, name: str) -> bool:
        if name not in self.changing:
            self.changing[name] = any(
                self.changes(program, expressions(program, one))
                for one in (name, *conditions_of(program, name))
            )
        return self.changing[name]


def unmet(teller: Teller, name: str, ahead: Ahead) -> list[Unmet]:
    """The nearest conditions in the way of a rule: of its 适用, its 触发日, or of the truth it states."""
    rule = teller.program.rules.get(name)
    if rule is None:
        return []
    for condition in rule.scope:
        if teller.tell(condition).outcome is False:
            return list(_false(teller, condition, ahead))
    if rule.trigger is not None and rule.decl.trigger is not None:
        trigger = teller.value(rule.trigger)
        if isinstance(trigger, date) and trigger > teller.run.as_of:
            text = " ".join(rule.decl.trigger.text.split())
            return [Unmet("触发日", f"{text} <= 计算日", f"{trigger} <= {teller.run.as_of}", trigger)]
    if isinstance(rule.type, BoolT) and teller.value(rule.formula) is False:
        return list(_false(teller, name, ahead))
    return []


def _false(teller: Teller, name: str, ahead: Ahead) -> Iterator[Unmet]:
    rule = teller.program.rules[name]
    for scalar, part in _parts(teller, rule.decl.formula, rule.formula, 0):
        text = scalar.text[part.span.start : part.span.end]
        moved = _moved(part)
        whole = teller.formula(_piece(scalar, text), moved, parts=parts_in(text, moved))
        yield Unmet(name, whole.text, whole.filled, ahead.day(part, teller.program))


def _parts(teller: Teller, scalar: Scalar, node: tree.Expr, depth: int) -> Iterator[tuple[Scalar, tree.Expr]]:
    """The false conditions in a false formula, through 且, 或, 若 and rules that state a truth."""
    match node:
        case tree.And(items=items) | tree.Or(items=items):
            for item in items:
                if teller.value(item) is False:
                    yield from _parts(teller, scalar, item, depth)
        case tree.If(condition=condition, then=then, otherwise=otherwise):
            chosen = {True: then, False: otherwise}.get(teller.value(condition))
            if chosen is not None:
                yield from _parts(teller, scalar, chosen, depth)
        case tree.Rule(name=name) if depth < 10 and name in teller.program.rules:
            rule = teller.program.rules[name]
            yield from _parts(teller, rule.decl.formula, rule.formula, depth + 1)
        case _:
            yield scalar, node


def _piece(scalar: Scalar, text: str) -> Scalar:
    return replace(scalar, text=text)


def _moved(node: tree.Expr) -> tree.Expr:
    """A part of a formula with its places counted from its own start."""
    shift = node.span.start

    def moved(part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(moved(item) for item in part)
        if not isinstance(part, tree.Expr):
            return part
        names = [name for name in part.__dataclass_fields__ if name not in ("type", "span")]
        changed = {name: moved(getattr(part, name)) for name in names}
        span = replace(part.span, start=part.span.start - shift, end=part.span.end - shift)
        return replace(part, **changed, span=span)

    return moved(node)  # type: ignore[no-any-return]


def wanted(teller: Teller, name: str, missing: tuple[str, ...], another: Another) -> list[Wanted]:
    """The missing facts of a result, each with its supplier and what each possible answer would give."""
    found = []
    for fact in missing:
        of_year = _OF_YEAR.match(fact)
        decl = teller.policy.fields.get(of_year[1] if of_year else fact)
        answers: tuple[tuple[str, Any], ...] = ()
        record = teller.state.record
        if decl is not None and record is not None and not decl.owner:
            year = int(of_year[2]) if of_year else None
            answers = tuple(_answers(decl, year, record, name, another(teller.run.as_of)))
        found.append(Wanted(fact, decl.provider if decl else "", decl.note if decl else "", answers))
    return found


def _answers(
    decl: FieldDecl, year: int | None, record: Record, name: str, run: Interpreter
) -> Iterator[tuple[str, Any]]:
    kind = decl.type.item if isinstance(decl.type, SeriesT) else decl.type
    if isinstance(decl.type, SeriesT) is not (year is not None):
        return
    possible: Mapping[str, Any] = {}
    if isinstance(kind, BoolT):
        possible = {"是": True, "否": False}
    elif isinstance(kind, EnumT) and len(kind.members) <= MOST_ANSWERS:
        possible = {member: member for member in kind.members}
    for word, value in possible.items():
        fact = value
        if year is not None:
            known = record.facts.get(decl.name)
            items = dict(known.items if isinstance(known, Series) else ()) | {year: value}
            fact = Series(tuple(sorted(items.items())), decl.name)
        facts = {**record.facts, decl.name: fact}
        state = State(facts.get, record)
        yield word, run.within(state, lambda: run.value_of(name))
