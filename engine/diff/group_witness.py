"""Small rosters on which two versions tell a 集体 differently: no single record can show that.

All members have the facts of one ordinary record, or one of them, or all but one, has one fact of its own; rosters are tried
by size, so that the first on which the versions differ is the smallest of those tried. What is found has been evaluated under both versions, by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.diff.impact import GroupShift, group_shifts
from engine.diff.witness import Facts, GroupWitness, Refused, Search, spread
from engine.evaluation import evaluate
from engine.results import Evaluation
from engine.values import NotApplicable, Unknown

MOST_PEOPLE, MOST_MIXED, MOST_VARIANTS = 40, 12, 16


def group_witness(search: Search, name: str) -> GroupWitness | None:
    """The smallest roster tried on which a 集体 that both versions have comes out differently; None: not found."""
    groups = _Groups(search, name)
    ordinary = groups.ordinary()
    variants = groups.variants(ordinary)
    for members, others, other in _rosters(ordinary, variants):
        shifts = groups.shifts(members)
        if shifts:
            return groups.told(ordinary, len(members), others, other, shifts)
    return None


def _rosters(ordinary: Facts, variants: Sequence[Facts]) -> Iterator[tuple[list[Facts], int, Facts]]:
    """Rosters by size: (members, how many of them are not ordinary, what those are)."""
    for size in range(1, MOST_PEOPLE + 1):
        yield [ordinary] * size, 0, {}
        for variant in variants if size <= MOST_MIXED else ():
            for others in dict.fromkeys((1, size - 1)):
                if others:
                    yield [ordinary] * (size - others) + [variant] * others, others, variant


class _Groups:
    """Evaluations of one 集体 over one roster under both versions."""

    def __init__(self, search: Search, name: str) -> None:
        self.search, self.name = search, name
        self.was = {name: search.was.get(name, name)}

    def both(self, members: Sequence[Facts]) -> list[Evaluation] | None:
        """None if a version does not accept one of the records."""
        found = []
        for side, program in enumerate(self.search.programs):
            read = [self.search.read(program, facts) for facts in members]
            accepted = [facts for facts in read if not isinstance(facts, Refused)]
            if len(accepted) < len(read):
                return None
            only = [self.was[self.name] if side == 0 else self.name]
            roster = self.search.roster(accepted, together=True)
            found.append(evaluate(program, roster, self.search.as_of, self.search.readings[side], only=only))
        return found

    def shifts(self, members: Sequence[Facts]) -> tuple[GroupShift, ...]:
        """Figures that have a value on both sides and differ."""
        sides = self.both(members)
        if sides is None:
            return ()
        return tuple(
            shift
            for shift in group_shifts(sides[0], sides[1], self.was)
            if shift.name == self.name and _is_value(shift.before) and _is_value(shift.after)
        )

    def ordinary(self) -> Facts:
        """A record whose group has as many figures as could be reached, rather other than nought."""
        pools = {
            name: self.search.pools[name]
            for name in self.search.needed[self.name]
            if name in self.search.pools
        }
        facts = {name: pool[0] for name, pool in pools.items()}
        best = self.score(facts)
        for _ in range(2):
            for name, pool in pools.items():
                for value in spread(pool, 8):
                    score = self.score({**facts, name: value})
                    if score > best:
                        best, facts = score, {**facts, name: value}
        return facts

    def variants(self, ordinary: Facts) -> list[Facts]:
        """Records one fact away that make another group than the ordinary one when alone, one for each such group."""
        found = {tuple(self.figures(ordinary)): ordinary}
        for name in self.search.needed[self.name]:
            if name in ordinary and name not in self.search.grouping and not self.search.decls[name].owner:
                for value in self.search.pools[name]:
                    facts = {**ordinary, name: value}
                    found.setdefault(tuple(self.figures(facts)), facts)
        return list(found.values())[1 : MOST_VARIANTS + 1]

    def figures(self, facts: Facts) -> list[Any]:
        """What the group of one person comes to under both versions."""
        own = {self.name, self.was[self.name]}
        return [
            value
            for side in self.both([facts]) or ()
            for group in side.groups
            if group.name in own
            for value in group.figures.values()
        ]

    def score(self, facts: Facts) -> int:
        return sum(_is_value(value) + (_is_value(value) and bool(value)) for value in self.figures(facts))

    def told(
        self, ordinary: Facts, people: int, others: int, other: Facts, shifts: tuple[GroupShift, ...]
    ) -> GroupWitness:
        """What was found, without the facts that make no difference to it."""
        for name in list(ordinary):
            fewer, fewer_other = ({**facts, name: None} for facts in (ordinary, other))
            if other and other[name] != ordinary[name]:
                continue
            if self.shifts([fewer] * (people - others) + [fewer_other] * others) == shifts:
                ordinary, other = fewer, (fewer_other if other else other)
        record = {name: value for name, value in ordinary.items() if value is not None}
        away = {name: value for name, value in other.items() if value != ordinary[name]}
        if others == people:
            return GroupWitness(self.name, people, {**record, **away}, 0, {}, shifts)
        return GroupWitness(self.name, people, record, others, away, shifts)


def _is_value(figure: Any) -> bool:
    return figure is not None and not isinstance(figure, Unknown | NotApplicable)
