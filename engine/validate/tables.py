"""Rows against keys: keys without a row (E424), with two (E425), rows never reached (E426); W804 if too many.

Each key is cut by `engine.validate.axes`; the combinations are followed as sets of rows still matching, so
that a table is checked exactly without listing its keys. Limits that are dated parameters are checked on each
of their days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from engine.diagnostics import Diagnostic, place_of
from engine.names import normalize
from engine.nodes import Mapping, Node, Scalar, Sequence
from engine.policy import Band, Constant, NoCell, ParamDecl, ParamName, TableDecl, Undecided
from engine.program import Program, Table
from engine.types import BoolT, DateT, EnumT, NumberT, SeriesT, Type
from engine.validate.axes import Axis, Domain, Settled, Stretch, build_axis, number_domain
from engine.validate.extents import DAYS, Extent, field_extent, whole
from engine.validate.intervals import ALL, Interval, meet
from engine.validate.ranges import Bounds
from engine.values import parse_date, parse_number

MAX_STEPS = 200_000
SHOWN = 4


def check_tables(program: Program, bounds: Bounds) -> list[Diagnostic]:
    """E424, E425, E426, W804 for every table but those of 方式 合计."""
    found: list[Diagnostic] = []
    for table in program.tables.values():
        if (
            table.decl.mode == "合计"
            or not table.keys
            or any(match == () for row in table.rows for match in row.matches)
        ):
            continue
        domains = [
            _domain(program, bounds, node, kind)
            for (_, node), (_, kind) in zip(table.decl.keys, table.keys, strict=True)
        ]
        if any(domain is None for domain in domains):
            continue
        known = [domain for domain in domains if domain is not None]
        if table.decl.mode == "累进":
            known = [replace(domain, step=None) for domain in known]
        found += _check(program, table, known)
    return found


def _check(program: Program, table: Table, domains: list[Domain]) -> list[Diagnostic]:
    """One table on every day on which its limits change; what is the same on all days is said once."""
    said: dict[str, Diagnostic] = {}
    for since, settled in _days(program, table):
        axes = [
            build_axis(domain, [row.matches[at] for row in table.rows], settled)
            for at, domain in enumerate(domains)
        ]
        when = f"（{since} 起）" if since else ""
        mistakes = _bands(table, axes[0], settled) if table.decl.mode == "累进" else _rows(table, axes)
        for one in mistakes:
            if one.message not in said:
                said[one.message] = Diagnostic(one.code, one.message + when, one.place, one.hint, one.related)
    return list(said.values())


# --- domains of keys -----------------------------------------------------------------------------------


def _domain(program: Program, bounds: Bounds, node: Node, kind: Type) -> Domain | None:
    """What a key can be; None if its type is not known."""
    if isinstance(kind, EnumT | BoolT):
        return Domain(kind, ALL, None)
    if not isinstance(kind, NumberT | DateT):
        return None
    extent: Extent | None = None
    if isinstance(node, Mapping):
        extent = _written_extent(node)
    elif isinstance(node, Scalar):
        extent = _named_extent(program, bounds, normalize(node.text))
    if extent is None:
        return None
    interval = meet(extent.interval, DAYS) if isinstance(kind, DateT) else extent.interval
    if interval.is_empty:
        return None
    return number_domain(kind, interval, 0 if isinstance(kind, DateT) else extent.digits)


def _written_extent(node: Mapping) -> Extent:
    """{类型: 整数, 范围: [1, 18]}."""
    kind, digits, limits = node.get("类型"), node.get("小数位"), node.get("范围")
    places = parse_number(digits.text) if isinstance(digits, Scalar) else None
    whole_numbers = isinstance(kind, Scalar) and normalize(kind.text) == "整数"
    low: Constant = None
    high: Constant = None
    if isinstance(limits, Sequence) and len(limits.items) == 2:
        low, high = (_limit(item) for item in limits.items)
    interval = Interval(
        ALL.low if low is None else whole(low) or 0, ALL.high if high is None else whole(high) or 0
    )
    return Extent(interval, 0 if whole_numbers else int(places) if places is not None else None)


def _limit(node: Node) -> Constant:
    if not isinstance(node, Scalar):
        return None
    number = parse_number(node.text)
    return number if number is not None else parse_date(node.text)


def _named_extent(program: Program, bounds: Bounds, word: str) -> Extent | None:
    fields = program.policy.fields
    if word in fields:
        return (
            bounds.extent(word) if not isinstance(fields[word].type, SeriesT) else field_extent(fields[word])
        )
    if word in program.policy.rules or word in program.policy.readings:
        return bounds.extent(word)
    for decl in fields.values():
        for column in decl.columns:
            if column.name == word:
                return field_extent(column)
    return None


def _days(program: Program, table: Table) -> Iterator[tuple[date | None, Settled]]:
    """The days on which parameters in limits change, with their values, if each has one on the day."""
    names: set[str] = set()
    for row in table.rows:
        for part in (part for match in row.matches for part in match or ()):
            limits = (part.low, part.high) if isinstance(part, Band) else (part,)
            names |= {limit.name for limit in limits if isinstance(limit, ParamName)}
    params = [program.policy.params[name] for name in sorted(names) if name in program.policy.params]
    days = sorted({entry.since for decl in params for entry in decl.values if entry.since is not None})
    always = [None] if all(_on(decl, None) is not None for decl in params) else []
    for day in [*always, *days]:
        settled = {decl.name: _on(decl, day) for decl in params}
        if all(value is not None for value in settled.values()):
            yield day, settled


def _on(decl: ParamDecl, day: date | None) -> Constant | None:
    found: Constant | None = None
    for entry in decl.values:
        if entry.since is None or (day is not None and entry.since <= day):
            found = entry.value
    return None if isinstance(found, Undecided | NoCell) else found


# --- rows ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Search:
    """All combinations of stretches, depth first; a set of rows met at the same key is not followed again."""

    axes: list[Axis]
    first_wins: bool
    gaps: list[tuple[Stretch, ...]] = field(default_factory=list)
    overlaps: dict[tuple[int, int], tuple[Stretch, ...]] = field(default_factory=dict)
    reached: int = 0
    steps: int = 0
    clean: set[tuple[int, int]] = field(default_factory=set)

    def follow(self, path: tuple[Stretch, ...], rows: int) -> bool:
        """Whether everything below is in order; False also when there are too many combinations."""
        depth = len(path)
        if rows == 0:
            self.gaps.append(path)
            return False
        if depth == len(self.axes):
            return self.leaf(path, rows)
        if (depth, rows) in self.clean:
            return True
        fine = True
        for stretch in self.axes[depth].classes:
            self.steps += 1
            if self.steps > MAX_STEPS:
                return False
            fine &= self.follow((*path, stretch), rows & stretch.rows)
        if fine:
            self.clean.add((depth, rows))
        return fine

    def leaf(self, path: tuple[Stretch, ...], rows: int) -> bool:
        first = rows & -rows
        self.reached |= first if self.first_wins else rows
        if self.first_wins or rows == first:
            return True
        second = (rows ^ first) & -(rows ^ first)
        self.overlaps.setdefault((first.bit_length(), second.bit_length()), path)
        return False


def _rows(table: Table, axes: list[Axis]) -> Iterator[Diagnostic]:
    first_wins = table.decl.mode == "首个"
    search = _Search(axes, first_wins)
    search.follow((), (1 << len(table.rows)) - 1)
    if search.steps > MAX_STEPS:
        yield Diagnostic(
            "W804", f"表「{table.decl.name}」的键太多，没有检查缺行和重行", table.decl.place, "请减少键或行数"
        )
        return
    if search.gaps:
        yield _gap(table.decl, axes, search.gaps)
    for (one, two), path in list(search.overlaps.items())[:SHOWN]:
        yield _overlap(table.decl, axes, one, two, path)
    for at, row in enumerate(table.rows):
        empty = any(_is_empty(part) for match in row.matches for part in match or ())
        if empty or (first_wins and not search.reached >> at & 1):
            place = place_of(row.decl.key.source, row.decl.key.span)
            why = "界限之间没有值" if empty else "能命中它的键都先命中了前面的行，或不在范围之内"
            yield Diagnostic(
                "E426",
                f"表「{table.decl.name}」第 {at + 1} 行不会用到：{why}",
                place,
                "请改界限，或删去这一行",
            )


def _is_empty(part: Constant | Band) -> bool:
    if not isinstance(part, Band):
        return False
    low, high = whole(part.low), whole(part.high)
    if low is None or high is None:
        return False
    return low > high or (low == high and not (part.low_included and part.high_included))


def _keys(axes: list[Axis], path: tuple[Stretch, ...]) -> str:
    """「（不满5，女）」, keys that may be anything as 任意."""
    words = [axis.describe(stretch) or "任意" for axis, stretch in zip(axes, path, strict=False)]
    words += ["任意"] * (len(axes) - len(words))
    return f"（{'，'.join(words)}）"


def _gap(decl: TableDecl, axes: list[Axis], gaps: list[tuple[Stretch, ...]]) -> Diagnostic:
    """E424: keys without a row."""
    examples = "".join(_keys(axes, path) for path in gaps[:SHOWN])
    more = f"等 {len(gaps)} 处" if len(gaps) > SHOWN else ""
    hint = "没有标准的请写一行 不适用，未定的写 信息不足；键不会取到的值请用字段的「范围」排除"
    return Diagnostic("E424", f"表「{decl.name}」的键{examples}{more}没有行", decl.place, hint)


def _overlap(decl: TableDecl, axes: list[Axis], one: int, two: int, path: tuple[Stretch, ...]) -> Diagnostic:
    """E425: keys that two rows of a 唯一 table match; rows counted from 1."""
    first, second = decl.rows[one - 1].key, decl.rows[two - 1].key
    message = f"表「{decl.name}」第 {one} 行与第 {two} 行在{_keys(axes, path)}都命中"
    related = ((f"第 {one} 行", place_of(first.source, first.span)),)
    return Diagnostic(
        "E425",
        message,
        place_of(second.source, second.span),
        "请改界限；要以前面的行为先请写「方式: 首个」",
        related,
    )


# --- 累进 -----------------------------------------------------------------------------------------------


def _bands(table: Table, axis: Axis, settled: Settled) -> Iterator[Diagnostic]:
    """Bands of a 累进 table adjoin: none above the first limit is missing, none counts twice."""
    matched = [0] * len(axis.segments)
    for stretch in axis.classes:
        for position in stretch.positions:
            matched[position] = stretch.rows
    wide = [at for at, segment in enumerate(axis.segments) if not segment.is_point]
    covered = [at for at in wide if matched[at]]
    missing = [at for at in wide if covered and at > covered[0] and not matched[at]]
    if missing:
        yield _gap(table.decl, [axis], [(Stretch(tuple(missing), 0),)])
    said: set[tuple[int, int]] = set()
    for at in wide:
        rows = matched[at]
        first = rows & -rows
        second = (rows ^ first) & -(rows ^ first)
        pair = (first.bit_length(), second.bit_length())
        if second and pair not in said:
            said.add(pair)
            yield _overlap(table.decl, [axis], *pair, (Stretch((at,), rows),))
