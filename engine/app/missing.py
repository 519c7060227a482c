"""Facts that results wait for: how many people and results each holds up, and between which amounts the money lies.

The amounts are bounds: from what is known of each person, and from 范围, parameters and cells for the rest, by
`engine.validate.ranges`. A result that can still turn out 不适用 counts from zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.app.evaluate import Run
from engine.expr import tree
from engine.needs import conditions_of, expressions, needs_of
from engine.program import Program
from engine.records.model import DatedFact
from engine.results import RecordResult
from engine.types import NumberT
from engine.validate.extents import whole
from engine.validate.intervals import End, Interval, hull, point
from engine.validate.ranges import Bounds
from engine.values import NotApplicable, Unknown, missing_of


@dataclass(slots=True)
class Missing:
    """One fact. `results`: result → how many people's; `money`: unit → least and most (inf: without a bound)."""

    fact: str
    people: int = 0
    results: Counter[str] = field(default_factory=Counter)
    money: dict[str, tuple[End, End]] = field(default_factory=dict)

    @property
    def open(self) -> int:
        return self.results.total()

    def add_money(self, unit: str, amount: Interval) -> None:
        low, high = self.money.get(unit, (0, 0))
        self.money[unit] = (low + amount.low, high + amount.high)


def missing_facts(run: Run) -> list[Missing]:
    """Facts by how many results they hold up, then by how many people; [] where nothing is open.

    Of a person's open results in money only those are counted that go into no other of them, so that a total and its
    parts are not counted twice.
    """
    program, evaluation = run.program, run.evaluation
    if program is None or evaluation is None:
        return []
    stakes = _Stakes(program, run.as_of)
    found: dict[str, Missing] = {}
    for result in evaluation.records:
        waiting = {name: facts for name in run.results if (facts := missing_of(result.outcomes.get(name)))}
        if not waiting:
            continue
        amounts = stakes.amounts(result, list(waiting))
        for fact in dict.fromkeys(fact for facts in waiting.values() for fact in facts):
            entry = found.setdefault(fact, Missing(fact))
            entry.people += 1
            for name, facts in waiting.items():
                if fact in facts:
                    entry.results[name] += 1
                    if name in amounts:
                        entry.add_money(*amounts[name])
    return sorted(found.values(), key=lambda entry: (-entry.open, -entry.people, entry.fact))


class _Stakes:
    """Bounds of open results, for one person at a time."""

    def __init__(self, program: Program, day: date) -> None:
        self.program, self.day = program, day
        self.bounds: Bounds | None = None
        self.behind: dict[str, frozenset[str]] = {}

    def amounts(self, result: RecordResult, names: Sequence[str]) -> dict[str, tuple[str, Interval]]:
        """Unit and interval of the open results in money that go into no other."""
        kinds = {name: self.program.types.get(name) for name in names}
        money = {
            name: str(kind.unit)
            for name, kind in kinds.items()
            if isinstance(kind, NumberT) and kind.unit.is_money
        }
        top = [
            name for name in money if not any(name in self.below(other) for other in money if other != name)
        ]
        if not top:
            return {}
        if self.bounds is None:
            self.bounds = Bounds(self.program)
        known = self.known(result)
        wanted = frozenset[str]().union(top, *(self.below(name) for name in top))
        computed = (*self.program.rules, *self.program.readings)
        again = [
            name for name in self.program.order if name in wanted and name in computed and name not in known
        ]
        bounds = self.bounds.given(self.day, known, again)
        found = {}
        for name in top:
            amount = bounds.extent(name).interval
            may_be_nothing = amount.is_empty or self.may_not_apply(name, result)
            found[name] = (money[name], hull([amount, point(0)]) if may_be_nothing else amount)
        return found

    def below(self, name: str) -> frozenset[str]:
        """Every name that a name rests on."""
        if name not in self.behind:
            seen: set[str] = set()
            pending = list(needs_of(self.program, name))
            while pending:
                one = pending.pop()
                if one not in seen:
                    seen.add(one)
                    pending.extend(needs_of(self.program, one))
            self.behind[name] = frozenset(seen)
        return self.behind[name]

    def known(self, result: RecordResult) -> dict[str, Interval]:
        """What is certain of this person: single facts, and rules with a value."""
        facts = {n: v for n, v in result.record.facts.items() if not isinstance(v, DatedFact)}
        outcomes: Mapping[str, Any] = {name: trace.outcome for name, trace in result.traces.items()}
        numbers = {name: whole(value) for name, value in (*facts.items(), *outcomes.items())}
        return {name: point(number) for name, number in numbers.items() if number is not None}

    def may_not_apply(self, name: str, result: RecordResult) -> bool:
        """Whether the open result can still turn out 不适用, by what is known of it and of what it rests on."""
        for one in (name, *self.below(name)):
            outcome = result.traces[one].outcome if one in result.traces else None
            if one != name and outcome is not None and not isinstance(outcome, Unknown):
                if isinstance(outcome, NotApplicable):
                    return True
                continue
            scope = (result.traces.get(condition) for condition in conditions_of(self.program, one))
            if not all(trace is not None and trace.outcome is True for trace in scope):
                return True
            parts = (node for root in expressions(self.program, one) for node in tree.walk(root))
            if any(isinstance(node, tree.OutcomeConst) and node.word == "不适用" for node in parts):
                return True
        return False
