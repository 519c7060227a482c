"""Concrete records on which two versions differ, found by trying both sides of everything that either version compares.

Starts from an ordinary record (one for which as many results as possible have a value) and changes one fact at a time, then
two, then several, taking back what is not needed. What is found has been evaluated under both versions; what is not found
is 「未找到差异」, never 「无差异」.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations
from typing import Any

from engine.diagnostics import Place
from engine.diff.impact import GroupShift, same
from engine.evaluation import evaluate
from engine.expr import tree
from engine.needs import needed_fields
from engine.policy import Band, FieldDecl
from engine.program import Program
from engine.records.model import Record, Roster
from engine.tables import show
from engine.types import BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, Type
from engine.validate.extents import param_values
from engine.validate.formulas import formulas
from engine.values import NotApplicable, Number, Rows, Series, Unknown, add_months, add_years, exact

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """What comes of a record that one version does not accept: its roster would list it as wrong."""

    field: str


MOST_VALUES, MOST_TRIED, BATCH = 48, 6000, 500
MOST_ROWS = 8
FILE = "举例"


@dataclass(frozen=True, slots=True)
class Along:
    """What a single fact does to both sides, everything else as in the witness: (value, old, new)."""

    field: str
    rows: tuple[tuple[Any, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Witness:
    """A record on which a result differs. `facts` are those that differ from the ordinary record; `record` is all of
    it, for the fields that the result rests on."""

    result: str
    before: Any
    after: Any
    facts: Mapping[str, Any]
    record: Mapping[str, Any]
    along: tuple[Along, ...]


@dataclass(frozen=True, slots=True)
class GroupWitness:
    """`people` members of whom each has the facts of `record`; `others` of them have those of `other` instead.
    `shifts`: the figures that differ."""

    name: str
    people: int
    record: Mapping[str, Any]
    others: int
    other: Mapping[str, Any]
    shifts: tuple[GroupShift, ...]


@dataclass(frozen=True, slots=True)
class Witnesses:
    """`ordinary` is where the search began; `tried` counts records; `none`: changed results without a witness;
    `groups`: rosters for changed results of 集体, which no single record can show; `alone`: those that only one version
    has, for which none was looked for."""

    as_of: date
    ordinary: Mapping[str, Any]
    found: tuple[Witness, ...]
    none: tuple[str, ...]
    tried: int
    varied: int
    groups: tuple[GroupWitness, ...] = ()
    alone: tuple[str, ...] = ()


def witnesses(
    old: Program,
    new: Program,
    as_of: date,
    readings: tuple[Mapping[str, str], Mapping[str, str]],
    results: Sequence[str],
    renamed: Mapping[str, str],
    progress: Callable[[int, int], None] | None = None,
) -> Witnesses:
    """A witness for each of `results` (as the new version calls them), where one could be found."""
    search = Search(old, new, as_of, readings, results, {now: was for was, now in renamed.items()})
    ordinary = search.ordinary()
    found: dict[str, Facts] = {}
    search.singles(ordinary, found)
    for number, result in enumerate(results):
        if progress is not None:
            progress(number, len(results))
        if result not in found:
            facts = search.combined(ordinary, result)
            if facts is not None:
                found[result] = facts
    told = [search.witness(result, found[result], ordinary) for result in results if result in found]
    none = tuple(result for result in results if result not in found)
    return Witnesses(as_of, ordinary, tuple(told), none, search.tried, len(search.pools))


class Search:
    def __init__(
        self,
        old: Program,
        new: Program,
        as_of: date,
        readings: tuple[Mapping[str, str], Mapping[str, str]],
        results: Sequence[str],
        was: Mapping[str, str],
    ) -> None:
        self.programs, self.as_of, self.readings = (old, new), as_of, readings
        self.results, self.was = list(results), was
        self.tried = 0
        self.random = random.Random(0)
        fields = {
            name: decl
            for name, decl in new.policy.fields.items()
            if name in old.policy.fields or not old.policy.fields
        }
        self.identifier = new.policy.meta.identifier
        self.decls = {**old.policy.fields, **fields, **new.policy.fields}
        self.needed = {
            result: [
                name
                for name in self.decls
                if name in needed_fields(new, [result])
                or name in needed_fields(old, [was.get(result, result)])
            ]
            for result in results
        }
        wanted = {name for names in self.needed.values() for name in names}
        limits = _Limits((old, new), as_of)
        self.pools = {
            name: limits.values(name, [p.policy.fields.get(name) for p in (old, new)])
            for name in self.decls
            if name in wanted and name != self.identifier
        }
        self.pools = {name: pool for name, pool in self.pools.items() if pool}
        self.grouping = {
            name
            for program in (old, new)
            for name in (
                *(by for group in program.groups_by_name.values() for by in group.by),
                *(decl.owner for decl in program.policy.fields.values() if decl.owner),
            )
        }

    # --- evaluating ----------------------------------------------------------------------------------

    def both(self, records: Sequence[Facts], names: Sequence[str]) -> list[tuple[list[Any], list[Any]]]:
        """Outcomes of some results under both versions, of records of which each is in groups of its own."""
        self.tried += len(records)
        sides: list[list[list[Any]]] = []
        for side, program in enumerate(self.programs):
            own = [self.was.get(name, name) if side == 0 else name for name in names]
            known = [name for name in own if name in program.types]
            outcomes: list[list[Any]] = []
            for part in _batches(records):
                read = [self.read(program, facts) for facts in part]
                roster = self.roster([facts for facts in read if not isinstance(facts, Refused)])
                found = iter(evaluate(program, roster, self.as_of, self.readings[side], only=known).records)
                for facts in read:
                    if isinstance(facts, Refused):
                        outcomes.append([facts for _ in own])
                    else:
                        result = next(found)
                        outcomes.append([result.outcomes.get(name) for name in own])
            sides.append(outcomes)
        return list(zip(*sides, strict=True))

    @staticmethod
    def read(program: Program, facts: Facts) -> Facts | Refused:
        """Facts as a version reads them: other names of an option taken for it, what it has no field for left out."""
        read: Facts = {}
        for name, value in facts.items():
            decl = program.policy.fields.get(name)
            if decl is None or value is None:
                continue
            if isinstance(decl.type, EnumT):
                value = decl.member(value)
            if not _accepts(decl, value):
                return Refused(name)
            read[name] = value
        return read

    def alone(self, facts: Facts, name: str) -> tuple[Any, Any]:
        """Both outcomes of one record in a roster of its own: what a witness rests on."""
        before, after = self.both([facts], [name])[0]
        return before[0], after[0]

    def roster(self, records: Sequence[Facts], together: bool = False) -> Roster:
        """Each record in groups of its own, or all of them in the same."""
        units: dict[str, dict[str, dict[str, Any]]] = {}
        made = []
        for number, facts in enumerate(records, 1):
            own = {name: value for name, value in facts.items() if value is not None}
            for name in self.grouping:
                if name in own:
                    own[name] = f"{own[name]}{number}" if len(records) > 1 and not together else own[name]
            for name in [name for name in own if self.decls[name].owner]:
                owner = self.decls[name].owner
                unit = str(own.get(owner, owner if together else f"{owner}{number}"))
                own.setdefault(owner, unit)
                units.setdefault(owner, {}).setdefault(unit, {})[name] = own.pop(name)
            own[self.identifier] = str(number)
            made.append(Record(str(number), number, own, Place(FILE, locator=f"第{number}条记录")))
        return Roster(FILE, "", self.as_of, tuple(made), (), units)

    # --- searching -----------------------------------------------------------------------------------

    def ordinary(self) -> Facts:
        """A record for which as many of the results as could be reached have a value other than nought or false."""
        facts: Facts = {name: pool[0] for name, pool in self.pools.items()}
        best = self.score([facts])[0]
        for _ in range(2):
            before = best
            for name, pool in self.pools.items():
                tries = [{**facts, name: value} for value in spread(pool, 8)]
                scores = self.score(tries)
                top = max(range(len(tries)), key=scores.__getitem__)
                if scores[top] > best:
                    best, facts = scores[top], tries[top]
            if best == before:
                break
        return facts

    def score(self, records: Sequence[Facts]) -> list[int]:
        """How many outcomes are values, those that say something twice."""
        return [
            sum((_is_value(x) + (bool(x) and _is_value(x))) for x in (*before, *after))
            for before, after in self.both(records, self.results)
        ]

    def singles(self, ordinary: Facts, found: dict[str, Facts]) -> None:
        """Witnesses at most one fact away from the ordinary record; rather of two values than of one that is missing."""
        told: set[str] = set()
        tries = [ordinary]
        tries += ({**ordinary, name: value} for name, pool in self.pools.items() for value in pool)
        tries += ({**ordinary, name: None} for name in self.pools)
        for facts, (before, after) in zip(tries, self.both(tries, self.results), strict=True):
            for name, one, other in zip(self.results, before, after, strict=True):
                plain = _is_value(one) and _is_value(other)
                if (
                    differ(one, other)
                    and name not in (told if plain else found)
                    and self.differs(facts, name)
                ):
                    found[name] = facts
                    told |= {name} if plain else set()

    def combined(self, ordinary: Facts, result: str) -> Facts | None:
        """A witness two or more facts away, what is not needed taken back."""
        names = [name for name in self.needed[result] if name in self.pools]
        tries: list[Facts] = []
        for one, other in combinations(names, 2):
            for value in spread(self.pools[one], 4):
                tries += ({**ordinary, one: value, other: second} for second in spread(self.pools[other], 4))
        self.random.shuffle(tries)
        tries = tries[: MOST_TRIED // 2]
        for _ in range(MOST_TRIED // 2 if names else 0):
            chosen = self.random.sample(names, min(len(names), self.random.randint(2, 6)))
            tries.append({**ordinary, **{name: self.random.choice(self.pools[name]) for name in chosen}})
        for part in _batches(tries):
            for facts, (before, after) in zip(part, self.both(part, [result]), strict=True):
                if differ(before[0], after[0]) and self.differs(facts, result):
                    return self.reduced(facts, ordinary, result)
        return None

    def differs(self, facts: Facts, result: str) -> bool:
        return differ(*self.alone(facts, result))

    def reduced(self, facts: Facts, ordinary: Facts, result: str) -> Facts:
        """As many facts as possible as in the ordinary record, the result still different."""
        for name in [name for name in facts if facts[name] != ordinary.get(name)]:
            fewer = {**facts, name: ordinary.get(name)}
            if self.differs(fewer, result):
                facts = fewer
        return facts

    # --- telling ---------------------------------------------------------------------------------------

    def witness(self, result: str, facts: Facts, ordinary: Facts) -> Witness:
        before, after = self.alone(facts, result)
        needed = [name for name in self.needed[result] if name in self.pools]
        away = {name: facts[name] for name in needed if facts[name] != ordinary.get(name)}
        for name in needed:
            fewer = {**facts, name: None}
            one, other = self.alone(fewer, result)
            if facts[name] is not None and (one, other) == (before, after):
                facts = fewer
        record = {name: facts[name] for name in needed if facts[name] is not None}
        return Witness(result, before, after, away, record, tuple(self.along(result, facts, needed, away)))

    def along(self, result: str, facts: Facts, needed: Sequence[str], away: Facts) -> Iterator[Along]:
        """The single facts on which it depends whether, or by how much, the two versions differ."""
        for name in sorted(needed, key=lambda name: (name not in away, needed.index(name))):
            values = [value for value in _distinct((*self.pools[name], facts[name])) if value is not None]
            if isinstance(values[0], int | Fraction | date) and not isinstance(values[0], bool):
                values.sort()
            found = self.both([{**facts, name: value} for value in values], [result])
            outcomes = [(before[0], after[0]) for before, after in found]
            if len({_gap(*pair) for pair in outcomes}) < 2:
                continue
            rows = [(value, *pair) for value, pair in zip(values, outcomes, strict=True)]
            yield Along(name, tuple(_thinned(rows)))


def differ(before: Any, after: Any) -> bool:
    """Whether two outcomes are different; a result that only one version has counts as 不适用 there."""
    if isinstance(before, Refused) or isinstance(after, Refused):
        return not (isinstance(before, Refused) and isinstance(after, Refused))
    if before is None or after is None:
        other = after if before is None else before
        return other is not None and _is_value(other)
    return not same(before, after)


def _is_value(outcome: Any) -> bool:
    return outcome is not None and not isinstance(outcome, Unknown | NotApplicable | Refused)


def _gap(before: Any, after: Any) -> Any:
    if isinstance(before, int | Fraction) and isinstance(after, int | Fraction):
        return Fraction(after) - Fraction(before)
    return differ(before, after)


def _key(value: Any) -> tuple[str, Any]:
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return "", value
    return type(value).__name__, repr(value) if isinstance(value, Series | Rows) else value


def _thinned(rows: list[tuple[Any, Any, Any]]) -> list[tuple[Any, Any, Any]]:
    """Rows where an outcome changes from one value to the next, few enough to read; first those on which both differ."""
    kept = [
        row
        for at, row in enumerate(rows)
        if at in (0, len(rows) - 1) or rows[at - 1][1:] != row[1:] or rows[at + 1][1:] != row[1:]
    ]
    differing = [row for row in kept if differ(*row[1:])]
    equal = [row for row in kept if not differ(*row[1:])]
    chosen = spread(differing, MOST_ROWS - 2)
    chosen += spread(equal, MOST_ROWS - len(chosen))
    return [row for row in kept if row in chosen]


def spread(pool: Sequence[Any], most: int) -> list[Any]:
    """At most so many of a list, from all over it, its first among them."""
    if len(pool) <= max(most, 1):
        return list(pool)
    if most < 2:
        return list(pool[:most])
    return [pool[at * (len(pool) - 1) // (most - 1)] for at in range(most)]


def _batches(records: Sequence[Facts]) -> Iterator[Sequence[Facts]]:
    for start in range(0, len(records), BATCH):
        yield records[start : start + BATCH]


class _Limits:
    """Everything that either version compares with, as values for its fields."""

    def __init__(self, programs: Iterable[Program], as_of: date) -> None:
        self.as_of = as_of
        self.numbers: dict[str, set[Number]] = {}
        self.days: set[date] = {as_of, date(as_of.year, 1, 1)}
        self.texts: set[str] = set()
        for program in programs:
            self.days.add(program.policy.meta.effective)
            for name, decl in program.policy.params.items():
                for value in param_values(decl):
                    self.add(value, decl.type, program, name)
            for table in program.tables.values():
                for row in table.rows:
                    for match, (_, kind) in zip(row.matches, table.keys, strict=True):
                        for part in match or ():
                            for limit in (part.low, part.high) if isinstance(part, Band) else (part,):
                                self.constant(limit, kind)
                    for column, cell in row.cells.items():
                        self.constant(cell, table.columns[column])
            for formula in formulas(program):
                for node in tree.walk(formula.expr):
                    if isinstance(node, tree.Const):
                        self.constant(node.value, node.type)

    def add(self, value: Number, kind: Type, program: Program, name: str) -> None:
        if isinstance(kind, DateT):
            self.days.add(date.fromordinal(int(value)))
        elif isinstance(kind, NumberT):
            self.numbers.setdefault(str(kind.unit), set()).add(value)

    def constant(self, value: Any, kind: Type) -> None:
        if isinstance(value, bool):
            return
        if isinstance(value, date):
            self.days.add(value)
        elif isinstance(value, str):
            self.texts.add(value)
        elif isinstance(value, int | Fraction):
            unit = str(kind.unit) if isinstance(kind, NumberT) else ""
            self.numbers.setdefault(unit, set()).add(value)

    def values(self, name: str, decls: Sequence[FieldDecl | None]) -> list[Any]:
        """Values to try for a field, an ordinary one first; only those that both versions accept."""
        decl = next((decl for decl in reversed(decls) if decl is not None), None)
        if decl is None or (decl.format and not isinstance(decl.type, NumberT)):
            return []
        both = [other for other in decls if other is not None]
        values = [value for other in both for value in self.of_type(other.type, other)]
        words = [
            word
            for other in both
            for word, member in other.aliases
            if any(one.member(word) != member for one in both)
        ]
        accepted = (value for value in values if any(_accepts(other, value) for other in both))
        return _distinct((*accepted, *words))[:MOST_VALUES]

    def of_type(self, kind: Type, decl: FieldDecl) -> Iterator[Any]:
        match kind:
            case BoolT():
                yield from (False, True)
            case EnumT(members=members):
                yield from members
            case NumberT():
                yield from self.near(kind, decl)
            case DateT():
                yield from self.dates()
            case SeriesT(item=item):
                yield from self.series(item, decl)
            case RecordsT(columns=columns):
                yield Rows((), decl.name)
                for row in self.rows(columns, decl):
                    yield Rows((row,), decl.name)
            case _:
                yield "甲"
                yield from sorted(self.texts)[:4]

    def near(self, kind: NumberT, decl: FieldDecl) -> Iterator[Number]:
        """Limits of the same unit and both their sides, the ends of the 范围, and nought."""
        step = Fraction(1, 10**decl.decimals) if decl.decimals and not decl.integer else Fraction(1)
        limits = set(self.numbers.get(str(kind.unit), set())) | {0, 1}
        limits |= {limit for limit in decl.range or () if isinstance(limit, int | Fraction)}
        yield 1
        for limit in sorted(limits):
            for value in (Fraction(limit), limit - step, limit + step):
                if (value / step).denominator == 1:
                    yield exact(value)

    def dates(self) -> Iterator[date]:
        """Ten years ago, every day that is named, and days that lie a limit in years or months before 计算日; both
        sides of each."""
        yield add_years(self.as_of, -10)
        days = set(self.days)
        for number in self.numbers.get("年", set()) | self.numbers.get("岁", set()) | {1, 3, 30}:
            if isinstance(number, int) and 0 < number <= 70:
                days.add(add_years(self.as_of, -number))
        for number in self.numbers.get("月", set()) | {1}:
            if isinstance(number, int) and 0 < number <= 240:
                days.add(add_months(self.as_of, -number))
        for day in sorted(days, reverse=True):
            yield from (day, day - timedelta(1), day + timedelta(1))

    def series(self, item: Type, decl: FieldDecl) -> Iterator[Series]:
        """Ten years of one value; the last so many years of another; a last year without one."""
        year = self.as_of.year
        options = [value for value in self.of_type(item, replace(decl, range=None)) if value is not None][:8]
        ordinary = options[len(options) * 3 // 4] if options else None
        counts = {
            n
            for n in self.numbers.get("年", set()) | self.numbers.get("", set())
            if isinstance(n, int) and 0 < n < 10
        }
        lengths = sorted(
            {length for n in counts | {1, 3} for length in (n - 1, n, n + 1) if 0 < length <= 10}
        )
        for value in (ordinary, *options):
            yield Series(tuple((y, value) for y in range(year - 9, year + 1)), decl.name)
        for value in options:
            for length in lengths:
                items = ((y, value if y > year - length else ordinary) for y in range(year - 9, year + 1))
                yield Series(tuple(items), decl.name)
        yield Series(tuple((y, ordinary) for y in range(year - 9, year)), decl.name)

    def rows(self, columns: Sequence[tuple[str, Type]], decl: FieldDecl) -> Iterator[dict[str, Any]]:
        pools = {name: list(self.of_type(kind, replace(decl, range=None)))[:12] for name, kind in columns}
        first = {name: pool[0] for name, pool in pools.items() if pool}
        yield first
        for name, pool in pools.items():
            yield from ({**first, name: value} for value in pool[1:])


def _accepts(decl: FieldDecl, value: Any) -> bool:
    """Whether a roster could hold this value in the field."""
    kind = decl.type
    if isinstance(kind, EnumT):
        return value in kind.members
    if isinstance(kind, SeriesT) and isinstance(kind.item, EnumT) and isinstance(value, Series):
        return all(part in kind.item.members for _, part in value.items)
    low, high = decl.range or (None, None)
    if isinstance(value, str | bool | Series | Rows):
        return True
    return not ((low is not None and value < low) or (high is not None and value > high))


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list({_key(value): value for value in values}.values())


def shown(value: Any) -> str:
    """A fact of a witness as an officer writes it."""
    match value:
        case None:
            return "（未填）"
        case Series(items=items):
            parts: list[str] = []
            for year, part in items:
                if parts and items[items.index((year, part)) - 1][1] == part:
                    parts[-1] = f"{parts[-1].split('—')[0].split('年')[0]}—{year}年{show(part)}"
                else:
                    parts.append(f"{year}年{show(part)}")
            return "，".join(parts)
        case Rows(rows=rows):
            return (
                "；".join("，".join(f"{name} {show(cell)}" for name, cell in row.items()) for row in rows)
                or "（无）"
            )
    return show(value)
