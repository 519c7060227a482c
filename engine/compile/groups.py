"""集体 as SQL: figures over the members of a group, and 分配 exact to its step by largest remainder (language §9).

Three kinds of relation: one row for every record with what it adds to its groups, one for every group with its figures,
and one for every share. A record then looks up the figures of its own group. `engine.groups` does the same for one roster
in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from engine.compile.arithmetic import bits_for
from engine.compile.frame import Common, Frame, Given, GroupFigures, NoFigures
from engine.compile.stages import Relation, Stages
from engine.compile.terms import NOTHING, CannotCompile, Facts, Term
from engine.expr import tree
from engine.needs import closure, needed_fields, needs_of
from engine.policy import FieldDecl
from engine.program import CheckedGroup, Program
from engine.types import BOOL, TEXT, EnumT, NumberT
from engine.units import BARE

#: More members than any group has.
MOST_MEMBERS = 10**9
#: Rows of the roster that are named where a group is touched by more.
MOST_NAMED = 100
ROW = "·行"
#: The relation of records, and its column that tells which rows are to be left out.
ROSTER, BAD = "名册", "·坏"
By = tuple[str, ...]


def by_column(name: str) -> str:
    return f"·按 {name}"


def relation_of(by: By) -> str:
    return f"集体（{'、'.join(by)}）"


@dataclass(frozen=True, slots=True)
class RestsOn:
    """The 集体 that results rest on, in the order of the policy's meaning, and the frame that asked for them: if there are
    none, the results stand in it."""

    groups: list[str]
    frame: Frame


def asked_of(
    common: Common, program: Program, results: Iterable[str], shapes: Mapping[str, str], shown: Iterable[str]
) -> RestsOn:
    """What results rest on under the chosen readings, and the 集体 that are shown; `common.lacking` learns the fields that
    are not there."""
    frame = Frame(common, program, Stages(common.dialect, ROSTER, [*shapes, BAD]), Given(shapes))
    asked = NoFigures(frame)
    frame.groups = asked
    for name in results:
        frame.named(name)
    seen = closure([*asked.asked, *shown], lambda name: needs_of(program, name))
    return RestsOn([name for name in program.order if name in seen and name in program.groups_by_name], frame)


@dataclass(slots=True)
class Figures:
    """What is known of one group when others look it up: terms over the columns of its relation."""

    group: CheckedGroup
    value: Term
    closed: Term | None
    shown: list[tuple[str, Term]] = field(default_factory=list)
    shares: Facts = None


class Groups:
    """The groups of one statement. `roster` is the relation of records, `units` those of units by their field, `rejected`
    that of rows left out (with the columns of 按 and `ROW`), or "" for none."""

    def __init__(
        self, common: Common, program: Program, shapes: Mapping[str, str], roster: str, rejected: str = "",
        units: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
    ) -> None:  # fmt: skip
        self.common, self.program, self.shapes, self.roster = common, program, shapes, roster
        self.rejected, self.units = rejected, dict(units or {})
        self.dialect = common.dialect
        self.relations: list[Relation] = []
        self.figures: dict[str, Figures] = {}
        self.made: dict[By, str] = {}
        self.source: str = roster
        self.columns: dict[str, None] = dict.fromkeys([*shapes, ROW])

    # --- all of them ---------------------------------------------------------------------------------

    def build(self, names: Sequence[str]) -> None:
        """Relations for those groups, generation after generation: members may rest on figures of earlier ones."""
        wanted = [self.program.groups_by_name[name] for name in names]
        if not wanted and not self.units:
            return
        self.with_places({name for group in wanted for name in group.by} | self.units.keys())
        self.with_units()
        done: set[str] = set()
        while wanted:
            ready = [group for group in wanted if self.members_need(group) <= done]
            ready = [g for g in ready if self.needs(g) <= done | {h.decl.name for h in ready}] or ready[:1]
            self.generation(ready)
            done |= {group.decl.name for group in ready}
            wanted = [group for group in wanted if group.decl.name not in done]

    def members_need(self, group: CheckedGroup) -> set[str]:
        """Groups that what is asked of members rests on."""
        roots = [part for part in (group.member, group.weight) if part is not None]
        for root in (group.formula, group.total, *(node for _, node in group.shown)):
            if root is not None:
                roots += [
                    part for node in tree.walk(root) if isinstance(node, tree.Members)
                    for part in (node.value, node.condition) if part is not None
                ]  # fmt: skip
        used = {node.name for root in roots for node in tree.walk(root) if hasattr(node, "name")}
        return {
            name
            for name in closure(used, lambda n: needs_of(self.program, n))
            if name in self.program.groups_by_name
        }

    def needs(self, group: CheckedGroup) -> set[str]:
        used = needs_of(self.program, group.decl.name)
        return {
            n for n in closure(used, lambda n: needs_of(self.program, n)) if n in self.program.groups_by_name
        } - {group.decl.name}

    def frame(self, relation: str) -> Frame:
        """A frame of records whose groups so far can be looked up."""
        frame = Frame(self.common, self.program, Stages(self.dialect, relation, self.columns), self.given())
        frame.groups = OwnGroups(self, frame)
        return frame

    def given(self) -> Given:
        return UnitGiven(self.shapes, self.units)

    def with_places(self, names: set[str]) -> None:
        """The roster with a record's place in every 按 as a text of its own."""
        q = self.dialect.quote
        frame = Frame(
            self.common, self.program, Stages(self.dialect, self.source, self.columns), self.given()
        )
        outputs = [(name, q(name)) for name in self.columns]
        for name in sorted(names):
            outputs.append((by_column(name), frame.member_text(frame.field(name))))
            self.columns[by_column(name)] = None
        self.relations += frame.stages.relations("记录", outputs)
        self.source = "记录"

    def with_units(self) -> None:
        """Facts of units beside every record of theirs."""
        q = self.dialect.quote
        for owner, (relation, facts) in self.units.items():
            own = [name for name in facts if unit_column(name) not in self.columns]
            parts = [f"r.{q(name)}" for name in self.columns] + [
                f"u.{q(name)} AS {q(unit_column(name))}" for name in own
            ]
            on = f"r.{q(by_column(owner))} = u.{q(owner)}"
            sql = f"SELECT {', '.join(parts)}\nFROM {q(self.source)} r LEFT JOIN {q(relation)} u ON {on}"
            self.source = f"记录·{owner}"
            self.relations.append(Relation(self.source, sql))
            self.columns |= dict.fromkeys(unit_column(name) for name in own)

    # --- one generation --------------------------------------------------------------------------------

    def generation(self, groups: Sequence[CheckedGroup]) -> None:
        number = len([relation for relation in self.relations if relation.name.startswith("成员")])
        members = f"成员{number or ''}"
        frame = self.frame(self.source)
        asked = {
            group.decl.name: Asked(self, frame, group, f"{number}.{at}") for at, group in enumerate(groups)
        }
        outputs = [(name, self.dialect.quote(name)) for name in (ROW, self.identifier)]
        places = sorted({name for group in groups for name in group.by})
        outputs += [(by_column(name), self.dialect.quote(by_column(name))) for name in places]
        for one in asked.values():
            outputs += one.columns
        self.relations += frame.stages.relations(members, outputs, kept=True)
        for by in sorted({group.by for group in groups}, key=len):
            same = [group for group in groups if group.by == by]
            self.of_places(by, same, {group.decl.name: asked[group.decl.name] for group in same}, members)

    @property
    def identifier(self) -> str:
        return self.program.policy.meta.identifier

    def of_places(
        self, by: By, groups: Sequence[CheckedGroup], asked: Mapping[str, Asked], members: str
    ) -> None:
        """The relation of all groups with one 按: their places, what their members add up to, their figures."""
        q = self.dialect.quote
        name = relation_of(by) + (
            "·" + str(len(self.relations)) if any(r.name == relation_of(by) for r in self.relations) else ""
        )
        keys = [by_column(part) for part in by]
        known = " AND ".join(f"{q(key)} IS NOT NULL" for key in keys) or "TRUE"
        listed = ", ".join(q(key) for key in keys)
        places = self.places(by, members, known, listed)
        sums = [f"{sql} AS {q(column)}" for one in asked.values() for column, sql in one.sums]
        grouped = f"\nGROUP BY {listed}" if keys else ""
        parts = ", ".join([*([listed] if keys else []), *sums])
        self.relations.append(
            Relation(f"{name}·合", f"SELECT {parts or '1 AS one'}\nFROM {q(members)}\nWHERE {known}{grouped}")
        )
        touched = [f"{sql} AS {q(one.touched)}" for one in asked.values() for sql in [self.stray_rows(one)]]
        self.relations.append(Relation(f"{name}·散", self.strays(by, members, asked, known)))
        pairs = " AND ".join(f"(s.{q(key)} IS NULL OR s.{q(key)} = p.{q(key)})" for key in keys) or "TRUE"
        own = ", ".join(f"p.{q(key)}" for key in keys)
        chosen = ", ".join([*([own] if keys else []), *touched])
        ends = f"\nGROUP BY {own}" if keys else ""
        self.relations.append(
            Relation(
                f"{name}·碰", f"SELECT {chosen}\nFROM {q(places)} p JOIN {q(f'{name}·散')} s ON {pairs}{ends}"
            )
        )
        columns = dict.fromkeys(keys)
        joined = [f"p.{q(key)}" for key in keys]
        for one in asked.values():
            for column, _ in one.sums:
                joined.append(f"a.{q(column)}")
                columns[column] = None
            joined.append(f"t.{q(one.touched)}")
            columns[one.touched] = None

        def on(alias: str) -> str:
            return " AND ".join(f"p.{q(key)} = {alias}.{q(key)}" for key in keys) or "TRUE"

        source = f"{q(places)} p LEFT JOIN {q(f'{name}·合')} a ON {on('a')} LEFT JOIN {q(f'{name}·碰')} t ON {on('t')}"
        joins = ""
        for at, earlier in enumerate(
            sorted({f.group.by for f in self.figures.values() if set(f.group.by) <= set(by)}, key=len)
        ):
            alias = f"g{at}"
            for figures in self.figures.values():
                if figures.group.by == earlier:
                    for column in self.looked_up(figures):
                        joined.append(f"{alias}.{q(column)}")
                        columns[column] = None
            same = (
                " AND ".join(f"p.{q(by_column(part))} = {alias}.{q(by_column(part))}" for part in earlier)
                or "TRUE"
            )
            joins += f" LEFT JOIN {q(self.made[earlier])} {alias} ON {same}"
        for at, (owner, (relation, facts)) in enumerate(self.units.items()):
            unit = f"u{at}"
            if owner in by:
                joined += [f"{unit}.{q(fact)} AS {q(unit_column(fact))}" for fact in facts]
                columns |= dict.fromkeys(unit_column(fact) for fact in facts)
                joins += f" LEFT JOIN {q(relation)} {unit} ON p.{q(by_column(owner))} = {unit}.{q(owner)}"
        self.relations.append(
            Relation(f"{name}·全", f"SELECT {', '.join(joined) or '1 AS one'}\nFROM {source}{joins}")
        )
        self.figured(by, groups, asked, name, list(columns), members)

    def places(self, by: By, members: str, known: str, listed: str) -> str:
        """Every place that a record, a row left out or a unit has."""
        q = self.dialect.quote
        name = f"{relation_of(by)}·处"
        if any(relation.name == name for relation in self.relations):
            return name
        if not by:
            self.relations.append(Relation(name, "SELECT 1 AS one"))
            return name
        parts = [f"SELECT DISTINCT {listed} FROM {q(members)} WHERE {known}"]
        if self.rejected:
            parts.append(f"SELECT {listed} FROM {q(self.rejected)} WHERE {known}")
        if len(by) == 1 and by[0] in self.units:
            parts.append(f"SELECT {q(by[0])} AS {q(by_column(by[0]))} FROM {q(self.units[by[0]][0])}")
        self.relations.append(Relation(name, "\nUNION\n".join(parts)))
        return name

    def strays(self, by: By, members: str, asked: Mapping[str, Asked], known: str) -> str:
        """Rows that are in no group for want of a 按, and rows left out, by what is known of their place."""
        q, d = self.dialect.quote, self.dialect
        keys = [q(by_column(part)) for part in by]
        flags = [f"{one.belongs} IS NOT FALSE AS {q(one.flag)}" for one in asked.values()]
        parts = []
        if keys:
            parts.append(
                f"SELECT {', '.join([*keys, q(ROW), *flags])}\nFROM {q(members)}\nWHERE NOT ({known})"
            )
        if self.rejected:
            all_flags = [f"TRUE AS {q(one.flag)}" for one in asked.values()]
            parts.append(f"SELECT {', '.join([*keys, q(ROW), *all_flags])}\nFROM {q(self.rejected)}")
        if not parts:
            none = [
                *(f"{d.cast('NULL', d.string)} AS {key}" for key in keys),
                f"{d.cast('NULL', d.whole[64])} AS {q(ROW)}",
            ]
            none += [f"FALSE AS {q(one.flag)}" for one in asked.values()]
            parts.append(f"SELECT {', '.join(none)} WHERE FALSE")
        inner = "\nUNION ALL\n".join(parts)
        # of very many rows a few are named
        rows = [
            f"{d.first_of(d.list_over(q(ROW), q(one.flag), q(ROW)), MOST_NAMED)} AS {q(one.flag)}"
            for one in asked.values()
        ]
        chosen = ", ".join([*keys, *rows])
        return f"SELECT {chosen}\nFROM (\n{inner}\n) AS s" + (f"\nGROUP BY {', '.join(keys)}" if keys else "")

    def stray_rows(self, one: Asked) -> str:
        d = self.dialect
        lists = d.list_over(
            f"s.{d.quote(one.flag)}", f"{d.length('s.' + d.quote(one.flag))} > 0", f"s.{d.quote(one.flag)}"
        )
        return f"{d.first_of(d.sorted(d.flat(lists)), MOST_NAMED)}"

    def figured(
        self,
        by: By,
        groups: Sequence[CheckedGroup],
        asked: Mapping[str, Asked],
        name: str,
        columns: list[str],
        members: str,
    ) -> None:
        """The last stage of a relation: values, reasons, facts, and the shares of a 分配."""
        q = self.dialect.quote
        frame = Frame(
            self.common,
            self.program,
            Stages(self.dialect, f"{name}·全", columns),
            PlaceGiven(self.shapes, self.units, by),
        )
        flag, self.common.flag = self.common.flag, "TRUE"
        outputs = [(by_column(part), q(by_column(part))) for part in by]
        inside = Inside(self, frame, by, asked)
        frame.groups = inside
        found: list[Figures] = []
        for group in self.in_order(groups):
            figures = inside.figured(group)
            found.append(figures)
            self.figures[group.decl.name] = figures
            outputs += self.kept_columns(figures)
        self.relations += frame.stages.relations(name, outputs, kept=True)
        self.common.flag = flag
        self.made[by] = name
        for figures in found:
            if figures.group.decl.shares is not None:
                self.relations.append(
                    self.share_relation(figures, asked[figures.group.decl.name], members, name)
                )

    def in_order(self, groups: Sequence[CheckedGroup]) -> list[CheckedGroup]:
        return sorted(groups, key=lambda group: self.program.order.index(group.decl.name))

    def kept_columns(self, figures: Figures) -> list[tuple[str, str]]:
        """The columns of a group's figures, in the order of `looked_up`, then those of its 列示."""
        d = self.dialect
        label, value = figures.group.decl.name, figures.value
        found = [(label, value.sql)]
        if value.na:
            found.append((f"{label}·不适用", value.na))
        if value.over:
            found.append((f"{label}·除以", value.over))
        if value.facts is not None:
            found.append((f"{label}·缺", value.facts()))
        if figures.closed is not None:
            found.append((f"{label}·闭", figures.closed.na))
        if figures.shares is not None:
            found.append((f"{label}·份缺", figures.shares()))
        for name, term in figures.shown:
            found += [(f"{label}·列示·{name}·{part}", sql) for part, sql in self.parts(term, d.texts)]
        return found

    @staticmethod
    def parts(term: Term, texts: str) -> list[tuple[str, str]]:
        found = [("值", term.sql)]
        if term.na:
            found.append(("不适用", term.na))
        if term.over:
            found.append(("除以", term.over))
        if term.facts is not None:
            found.append(("缺", term.facts()))
        return found

    def looked_up(self, figures: Figures) -> list[str]:
        label, value = figures.group.decl.name, figures.value
        found = [label]
        found += [f"{label}·不适用"] if value.na else []
        found += [f"{label}·除以"] if value.over else []
        found += [f"{label}·缺"] if value.facts is not None else []
        found += [f"{label}·闭"] if figures.closed is not None else []
        found += [f"{label}·份缺"] if figures.shares is not None else []
        return found

    # --- 分配 -------------------------------------------------------------------------------------------

    def share_relation(self, figures: Figures, asked: Asked, members: str, name: str) -> Relation:
        """Shares by largest remainder: rounded down to the step, what is left one step each, ties by 标识 (Hamilton)."""
        d, q = self.dialect, self.dialect.quote
        group, total, weight = figures.group, figures.value, asked.weight
        assert weight is not None
        step = self.numbers_of(group)
        label = group.decl.name
        low, high = sorted((total.low * step[1], total.high * step[1]))
        product = max(abs(low), abs(high)) * max(weight.high, 1)
        bits = bits_for(-product, product)
        whole = d.whole[bits]
        steps = d.divide(f"{d.cast('g.' + q(label), whole)} * {step[1]}", f"{total.den * step[0]}", bits)
        w = d.cast(f"COALESCE(m.{q(asked.weight_column)}, 0)", whole)
        keys = [by_column(part) for part in group.by]
        over = f"PARTITION BY {', '.join(f'm.{q(key)}' for key in keys)}" if keys else ""
        on = " AND ".join(f"m.{q(key)} = g.{q(key)}" for key in keys) or "TRUE"
        lacking = f"({d.length('g.' + q(f'{label}·份缺'))} > 0)" if figures.shares is not None else "FALSE"
        closed = f" AND g.{q(f'{label}·闭')} IS NULL" if figures.closed is not None else ""
        first = (
            f"SELECT m.{q(self.identifier)} AS id, {', '.join(f'm.{q(key)} AS {q(key)}' for key in keys) or '1 AS one'}, "
            f"{steps} AS steps, {w} AS weight, SUM({w}) OVER ({over}) AS whole\n"
            f"FROM {q(members)} m JOIN {q(name)} g ON {on}\n"
            f"WHERE m.{q(asked.belongs_column)} AND COALESCE({lacking}, FALSE) = FALSE AND g.{q(label)} IS NOT NULL{closed}"
        )
        spread = f"PARTITION BY {', '.join(q(key) for key in keys)}" if keys else ""
        sum_ = d.cast("whole", whole)
        quota = d.divide("steps * weight", f"NULLIF({sum_}, 0)", bits)
        second = f"SELECT *, {quota} AS units, (steps * weight) % NULLIF({sum_}, 0) AS rest\nFROM (\n{first}\n) AS a"
        third = (
            f"SELECT *, ROW_NUMBER() OVER ({spread} ORDER BY rest DESC, id) AS place, "
            f"steps - {d.cast(f'SUM(units) OVER ({spread})', whole)} AS over_\nFROM (\n{second}\n) AS b"
        )
        given = "units + CASE WHEN place <= over_ THEN 1 ELSE 0 END"
        sql = f"SELECT id AS {q('·谁')}, {given} AS {q(f'{label}·份')}\nFROM (\n{third}\n) AS c"
        return Relation(f"分配·{label}", sql, kept=True)

    @staticmethod
    def numbers_of(group: CheckedGroup) -> tuple[int, int]:
        step = Fraction(group.step)
        return step.numerator, step.denominator

    def joined(self) -> str:
        """A SELECT of records with the figures of their groups; made once all groups are."""
        q = self.dialect.quote
        parts = [f"r.{q(column)}" for column in self.columns]
        joins = ""
        for at, (by, name) in enumerate(self.made.items()):
            alias = f"g{at}"
            on = " AND ".join(f"r.{q(by_column(part))} = {alias}.{q(by_column(part))}" for part in by)
            # without a 按 there is one group, which is everybody's
            joins += f"\nLEFT JOIN {q(name)} {alias} ON {on or 'TRUE'}"
            for figures in self.figures.values():
                if figures.group.by == by:
                    parts += [f"{alias}.{q(column)}" for column in self.looked_up(figures)]
        for at, figures in enumerate(f for f in self.figures.values() if f.group.decl.shares is not None):
            label = figures.group.decl.name
            joins += f"\nLEFT JOIN {q(f'分配·{label}')} s{at} ON r.{q(self.identifier)} = s{at}.{q('·谁')}"
            parts.append(f"s{at}.{q(f'{label}·份')}")
        return f"SELECT {', '.join(parts)}\nFROM {q(self.source)} r{joins}"

    def results(self, names: Sequence[str]) -> str:
        """A SELECT of the figures of groups, a row for each group of each 集体, as texts."""
        parts = [self.results_of(self.figures[name]) for name in self.figures if name in names]
        return "\nUNION ALL\n".join(parts)

    def results_of(self, figures: Figures) -> str:
        d, q = self.dialect, self.dialect.quote
        group, name = figures.group, figures.group.decl.name
        frame = Frame(self.common, self.program, Stages(d, self.made[group.by], []), Given({}))
        value = looked_up(frame, figures)
        shown = [
            (label, from_columns(term, f"{name}·列示·{label}", d.quote)) for label, term in figures.shown
        ]
        main = "总额" if group.decl.shares is not None else "结论" if group.decl.is_check else "值"
        shown.append((main, value))
        if group.decl.shares is not None:
            facts: Facts = lambda: f"COALESCE({q(f'{name}·份缺')}, {frame.facts_list()})"  # noqa: E731
            given = f"CASE WHEN COALESCE({d.length(q(f'{name}·份缺'))}, 0) = 0 THEN {value.sql} END"
            shown.append(("分配", replace(value, sql=given, na=value.na, facts=facts)))
        values = [(frame.has_value(t), d.text(label), frame.shown(t)) for label, t in shown]
        gaps = [(frame.is_open(t), d.text(label), t.facts()) for label, t in shown if t.facts is not None]
        place = [("TRUE", d.text(part), q(by_column(part))) for part in group.by]
        closed = "NULL"
        if figures.closed is not None:
            reasons = " ".join(
                f"WHEN {at} THEN {text}"
                for at, text in enumerate(self.common.reasons)
                if not d.names_in(text)
            )
            closed = f"CASE {q(f'{name}·闭')} {reasons} END"
        finding = "NULL"
        if group.decl.is_check:
            open_ = f"WHEN {frame.is_open(value)} THEN '信息不足' " if value.open else ""
            finding = f"CASE {open_}WHEN {value.sql} IS FALSE THEN {d.text(group.decl.level)} END"
        columns = (
            ("集体", d.text(name)), ("组", d.map_of(place, d.string) if place else d.empty_map(d.string)),
            ("值", d.map_of(values, d.string)), ("不适用", d.cast(closed, d.string)),
            ("信息不足", d.map_of(gaps, d.texts) if gaps else d.empty_map(d.texts)), ("发现", d.cast(finding, d.string)),
        )  # fmt: skip
        chosen = ", ".join(f"{sql} AS {q(label)}" for label, sql in columns)
        return f"SELECT {chosen} FROM {q(self.made[group.by])}"

    def all_columns(self) -> list[str]:
        found = list(self.columns)
        for figures in self.figures.values():
            found += self.looked_up(figures)
            if figures.group.decl.shares is not None:
                found.append(f"{figures.group.decl.name}·份")
        return found


def unit_column(name: str) -> str:
    return f"·单位 {name}"


class UnitGiven(Given):
    """Facts of records, of units through the record's field that names the unit."""

    def __init__(self, shapes: Mapping[str, str], units: Mapping[str, tuple[str, Mapping[str, str]]]) -> None:
        super().__init__(shapes)
        self.units = units

    def of_unit(self, frame: Frame, decl: FieldDecl, own: Term | None) -> Term | None:
        if not decl.owner:
            return own
        relation = self.units.get(decl.owner)
        found = None
        if relation is not None and decl.name in relation[1]:
            found = self.lacking(
                frame, decl, self.typed(frame, decl, decl.type, frame.dialect.quote(unit_column(decl.name)))
            )
        if own is None and found is None:
            return None
        if own is None:
            assert found is not None
            return self.of_place(frame, decl, found)
        if found is None:
            return own
        return frame.choice(
            decl.type, [(f"{frame.known(own)} IS NOT NULL", own)], self.of_place(frame, decl, found)
        )

    def of_place(self, frame: Frame, decl: FieldDecl, found: Term) -> Term:
        """A fact of a unit; of an unknown unit it is the unit that is missing."""
        owner = frame.field(decl.owner)
        return found if owner.sure else frame.gated(found, [owner])

    def absent(self, frame: Frame, name: str, term: Term) -> str:
        decl = frame.policy.fields[name]
        if not decl.owner:
            return frame.is_open(term)
        owner = frame.field(decl.owner)
        return f"({frame.is_open(term)} AND {frame.has_value(owner)})"


class PlaceGiven(UnitGiven):
    """Facts of a group: the values of its 按, and of the units that they name."""

    def __init__(
        self, shapes: Mapping[str, str], units: Mapping[str, tuple[str, Mapping[str, str]]], by: By
    ) -> None:
        super().__init__({}, units)
        self.by = by

    def on(self, frame: Frame, decl: FieldDecl, day: Term) -> Term | None:
        if decl.name in self.by:
            column = Term(TEXT, frame.dialect.quote(by_column(decl.name)), name=decl.name)
            return frame.recoded(column, decl.type) if isinstance(decl.type, EnumT) else column
        return self.of_unit(frame, decl, None)


class Asked:
    """What one group asks of its members: columns of the relation of members, and their sums."""

    def __init__(self, groups: Groups, frame: Frame, group: CheckedGroup, label: str) -> None:
        self.groups, self.frame, self.group = groups, frame, group
        self.dialect = frame.dialect
        self.prefix = f"{group.decl.name}·"
        self.columns: list[tuple[str, str]] = []
        self.sums: list[tuple[str, str]] = []
        self.touched = f"{self.prefix}碰"
        self.flag = f"{self.prefix}散"
        self.terms: dict[int, Term] = {}
        self.nodes: list[tree.Members] = []
        self.member = frame.condition(group.member) if group.member is not None else frame.const(True, BOOL)
        self.belongs_column = f"{self.prefix}成员"
        self.columns.append((self.belongs_column, self.member.sql))
        self.belongs = self.dialect.quote(self.belongs_column)
        self.weight: Term | None = None
        self.weight_column = f"{self.prefix}权重"
        roots = [group.formula, group.total, *(node for _, node in group.shown)]
        for root in roots:
            if root is not None:
                for node in tree.walk(root):
                    if isinstance(node, tree.Members):
                        self.add(node)
        if group.weight is not None:
            self.add_weight(group.weight)

    def add(self, node: tree.Members) -> None:
        """Columns and sums of one aggregate over members."""
        frame, d = self.frame, self.dialect
        at = len(self.nodes)
        self.nodes.append(node)
        condition = frame.condition(node.condition) if node.condition is not None else frame.const(True, BOOL)
        holds = frame.joined([self.member, condition], False)
        value = frame.held(frame.of(node.value)) if node.value is not None else frame.const(1, NumberT(BARE))
        if value.over:
            said = f"「{node.function}」的值是除法的结果，批量计算不能精确求和"
            raise CannotCompile(said, "先取整，例如 四舍五入(…, 2)", node)

        def column(part: str) -> str:
            return f"{self.prefix}{at}{part}"

        def q(part: str) -> str:
            return d.quote(column(part))

        counts = f"{q('是')} AND {q('值')} IS NOT NULL"
        self.columns += [(column("是"), holds.sql), (column("值"), value.sql)]
        low, high = min(value.low, 0) * MOST_MEMBERS, max(value.high, 0) * MOST_MEMBERS
        found = Term(node.type, d.quote(column("得")), den=value.den, low=low, high=high)
        name = self.group.decl.name
        count = f"COUNT(*) FILTER (WHERE {counts})"
        match node.function:
            case "人数":
                self.sums.append((column("得"), count))
                found = replace(found, low=0, high=MOST_MEMBERS, sql=f"COALESCE({found.sql}, 0)")
            case "个数":
                self.sums.append((column("得"), f"COUNT(DISTINCT CASE WHEN {counts} THEN {q('值')} END)"))
                found = replace(found, low=0, high=MOST_MEMBERS, den=1, sql=f"COALESCE({found.sql}, 0)")
            case "合计" | "平均":
                bits = bits_for(low, high)
                self.sums.append(
                    (
                        column("得"),
                        d.cast(
                            f"SUM({d.cast(q('值'), d.whole[max(bits, 64)])}) FILTER (WHERE {counts})",
                            d.whole[bits],
                        ),
                    )
                )
                if node.function == "合计":
                    found = replace(found, sql=f"COALESCE({found.sql}, 0)")
                else:
                    self.sums.append((column("数"), count))
                    found = replace(found, over=f"NULLIF({q('数')}, 0)", over_high=MOST_MEMBERS)
            case _:
                run = "MAX" if node.function == "最大" else "MIN"
                self.sums.append((column("得"), f"{run}({q('值')}) FILTER (WHERE {counts})"))
                found = replace(value, sql=found.sql, na="", facts=None, const=NOTHING, pack=None)
        if node.function in ("最大", "最小", "平均"):
            sql = found.sql
            found = replace(found, facts=lambda: frame.blank(sql, name))
        self.terms[id(node)] = self.unless_open(found, holds, value, column)

    def unless_open(self, found: Term, holds: Term, value: Term, column: object) -> Term:
        """A figure over members, open where any member's part of it is."""
        assert callable(column)
        frame, d = self.frame, self.dialect
        applies = f" AND {value.na} IS NULL" if value.na else ""
        doubts = []
        if holds.open:
            doubts.append(f"({frame.is_open(holds)}{applies})")
        if value.open:
            doubts.append(f"({holds.sql} IS NOT FALSE AND {frame.is_open(value)})")
        if not doubts:
            return found
        doubt = frame.share(" OR ".join(doubts))
        facts = frame.facts_of([holds, value])
        assert facts is not None
        self.columns.append((column("疑"), doubt))
        self.columns.append((column("缺"), f"CASE WHEN {doubt} THEN {self.named(facts())} END"))

        def q(part: str) -> str:
            return d.quote(column(part))

        self.sums.append((column("疑"), f"COALESCE(BOOL_OR({q('疑')}), FALSE)"))
        self.sums.append((column("缺"), d.flat(d.list_over(q("缺"), f"{q('疑')} IS TRUE", d.quote(ROW)))))
        sql = f"CASE WHEN {q('疑')} IS NOT TRUE THEN {found.sql} END"
        inner = found.facts

        def outer() -> str:
            return f"CASE WHEN {q('疑')} THEN {q('缺')} ELSE {inner() if inner else frame.empty()} END"

        return replace(found, sql=sql, facts=outer)

    def named(self, facts: str) -> str:
        """Missing facts of one person as 「标识.字段」; facts of units, parameters and rows keep their names."""
        d = self.dialect
        fields = [n for n, decl in self.groups.program.policy.fields.items() if not decl.owner]
        identifier = d.quote(self.groups.identifier)
        own = d.contains(d.list_of([d.text(name) for name in fields]), d.before("f", "["))
        return d.each(facts, "f", f"CASE WHEN {own} THEN {identifier} || '.' || f ELSE f END")

    def add_weight(self, node: tree.Expr) -> None:
        frame, d = self.frame, self.dialect
        weight = frame.held(frame.of(node))
        if weight.over:
            raise CannotCompile("权重是除法的结果，批量计算不能精确分配", "先取整，例如 四舍五入(…, 3)", node)
        if weight.na:
            weight = replace(weight, sql=f"CASE WHEN {weight.na} IS NOT NULL THEN 0 ELSE {weight.sql} END")
        self.weight = weight
        column = self.weight_column
        q = d.quote
        self.columns.append((column, weight.sql))
        lacks = "FALSE" if not weight.open else f"({weight.sql} IS NULL)"
        unsure = frame.is_open(self.member)
        self.columns.append((f"{column}疑", f"({self.member.sql} IS NOT FALSE AND ({lacks} OR {unsure}))"))
        facts = frame.facts_of([self.member, weight])
        listed = self.named(facts()) if facts is not None else frame.empty()
        self.columns.append((f"{column}缺", f"CASE WHEN {self.member.sql} IS NOT FALSE THEN {listed} END"))
        inside = f"{self.belongs} IS NOT FALSE"
        bits = bits_for(0, max(abs(weight.low), abs(weight.high)) * MOST_MEMBERS)
        self.sums += [
            (
                f"{column}和",
                d.cast(
                    f"SUM({d.cast(q(column), d.whole[max(bits, 64)])}) FILTER (WHERE {inside})", d.whole[bits]
                ),
            ),
            (f"{column}人", f"COUNT(*) FILTER (WHERE {inside})"),
            (f"{column}疑", f"COALESCE(BOOL_OR({q(f'{column}疑')}), FALSE)"),
            (f"{column}缺", d.flat(d.list_over(q(f"{column}缺"), f"{q(f'{column}疑')} IS TRUE", q(ROW)))),
            (f"{column}负", d.list_over(q(self.groups.identifier), f"{inside} AND {q(column)} < 0", q(ROW))),
        ]


class Inside(GroupFigures):
    """Over the members of the group whose figures are made."""

    def __init__(self, groups: Groups, frame: Frame, by: By, asked: Mapping[str, Asked]) -> None:
        self.groups, self.frame, self.by, self.asked = groups, frame, by, asked

    def over_members(self, node: tree.Members) -> Term:
        for one in self.asked.values():
            if id(node) in one.terms:
                return one.terms[id(node)]
        raise CannotCompile("集体的统计只能写在集体里", node=node)

    def figure(self, name: str) -> Term:
        """A group of the same 按, or a coarser one already made."""
        if name in self.asked:
            return self.figured(self.groups.program.groups_by_name[name]).value
        return looked_up(self.frame, self.groups.figures[name])

    def figured(self, group: CheckedGroup) -> Figures:
        """The terms of one group: 适用 first, then rows that touch it, then the formula."""
        frame, d = self.frame, self.frame.dialect
        name = group.decl.name
        kept = self.groups.figures.get(name)
        if kept is not None:
            return kept
        asked = self.asked[name]
        touched = d.quote(asked.touched)
        rows = d.each(touched, "n", f"'名册第 ' || {d.cast('n', d.string)} || ' 行'")
        is_touched = frame.share(f"COALESCE({d.length(touched)} > 0, FALSE)")
        closed = frame.scope(group.scope) if group.scope else None
        if closed is not None and closed.is_const:
            closed = None

        def gated(node: tree.Expr) -> Term:
            formula = frame.of(node)
            none = frame.none(formula.kind, facts=lambda: rows)
            found = frame.choice(node.type, [(is_touched, none)], formula)
            if closed is None:
                return found
            no = replace(frame.none(found.kind), na=closed.na, facts=closed.facts)
            return frame.choice(found.kind, [(closed.sql, found)], no)

        main = group.total if group.total is not None else group.formula
        assert main is not None
        value = frame.kept(name, gated(main))
        shown = [(label, frame.kept(f"{name}·列示·{label}", gated(node))) for label, node in group.shown]
        figures = Figures(group, value, closed if closed is not None and closed.na else None, shown)
        if group.decl.shares is not None:
            figures.shares = self.shares(group, asked, value, is_touched, rows)
        self.groups.figures[name] = figures
        return figures

    def shares(self, group: CheckedGroup, asked: Asked, total: Term, is_touched: str, rows: str) -> Facts:
        """What the shares of a 分配 lack; empty where everybody has one."""
        frame, d = self.frame, self.frame.dialect
        q = d.quote
        column = asked.weight_column
        numerator, denominator = Groups.numbers_of(group)
        fields = self.weight_fields(group)
        negative, doubt = q(f"{column}负"), q(f"{column}疑")
        parts = [f"CASE WHEN {doubt} THEN {q(f'{column}缺')} END"]
        if total.facts is not None:
            parts.insert(0, total.facts())
        lacking = f"{doubt}" + (f" OR {frame.is_open(total)}" if total.open else "")
        negatives = d.flat(
            d.each(negative, "w", d.list_of([f"w || {d.text('.' + name)}" for name in fields]))
        )
        whole = frame.facts_list("总额")
        uneven = (
            f"({total.sql} * {denominator}) % {total.den * numerator} <> 0"
            if total.den * numerator != 1
            else "FALSE"
        )
        if total.over:
            raise CannotCompile("总额是除法的结果，批量计算不能精确分配", "把总额取整，例如 四舍五入(…, 2)")
        no_total = f"WHEN {total.na} IS NOT NULL THEN {whole}" if total.na else ""

        def facts() -> str:
            return (
                f"CASE WHEN {is_touched} THEN {rows} WHEN {lacking} THEN {d.joined(parts)} {no_total} "
                f"WHEN {d.length(negative)} > 0 THEN {negatives} "
                f"WHEN {q(f'{column}人')} > 0 AND {q(f'{column}和')} = 0 THEN {frame.facts_list(*fields)} "
                f"WHEN {uneven} THEN {whole} ELSE {frame.empty()} END"
            )

        return facts

    def weight_fields(self, group: CheckedGroup) -> list[str]:
        assert group.weight is not None
        program = self.groups.program
        names = {node.name for node in tree.walk(group.weight) if isinstance(node, tree.Field)}
        if not names:
            names = {
                n for n in needed_fields(program, needs_of(program, group.decl.name)) if n in program.personal
            }
        return sorted(names) or ["权重"]


def looked_up(frame: Frame, figures: Figures) -> Term:
    """A group's figure as columns of another relation."""
    label, value = figures.group.decl.name, figures.value
    if value.is_const:
        return value
    found = from_columns(value, label, frame.dialect.quote)
    return replace(found, sql=frame.dialect.quote(label), name=label)


def from_columns(term: Term, label: str, quote: Callable[[str], str]) -> Term:
    """A term read back from the columns that `Groups.parts` named."""
    if term.is_const:
        return term
    facts: Facts = (lambda: quote(f"{label}·缺")) if term.facts is not None else None
    return replace(
        term, sql=quote(f"{label}·值"), na=quote(f"{label}·不适用") if term.na else "",
        over=quote(f"{label}·除以") if term.over else "", facts=facts,
    )  # fmt: skip


class OwnGroups(GroupFigures):
    """The figures of a record's own groups; of a 分配 the own share."""

    def __init__(self, groups: Groups, frame: Frame) -> None:
        self.groups, self.frame = groups, frame

    def over_members(self, node: tree.Members) -> Term:
        raise CannotCompile("集体的统计只能写在集体里", node=node)

    def figure(self, name: str) -> Term:
        frame, figures = self.frame, self.groups.figures[name]
        group = figures.group
        places = [frame.field(part) for part in group.by]
        found = self.share(figures) if group.decl.shares is not None else self.own(looked_up(frame, figures))
        return frame.gated(found, [place for place in places if not place.sure]) if places else found

    def own(self, term: Term) -> Term:
        """A group's missing facts as one of its members reads them: the member's own without the 标识."""
        facts = term.facts
        if facts is None:
            return term
        d = self.frame.dialect
        prefix = f"{d.quote(self.groups.identifier)} || '.'"
        cut = f"CASE WHEN f LIKE '%.%' AND SUBSTRING(f, 1, LENGTH({prefix})) = {prefix} THEN SUBSTRING(f, LENGTH({prefix}) + 1) ELSE f END"
        return replace(term, facts=lambda: d.distinct(d.each(facts(), "f", cut)))

    def share(self, figures: Figures) -> Term:
        """The own share: 适用 of the group, then membership, then what the group lacks."""
        frame, d = self.frame, self.frame.dialect
        group, label = figures.group, figures.group.decl.name
        numerator, denominator = Groups.numbers_of(group)
        total = figures.value
        low, high = 0, max(abs(total.low), abs(total.high)) * max(denominator, 1)
        share = Term(group.type, d.quote(f"{label}·份"), low=low, high=high)
        share = replace(frame.numbers.times(share, numerator), den=denominator)
        bits_for(share.low, share.high)
        lacks = d.quote(f"{label}·份缺")
        own = self.own(replace(share, facts=(lambda: lacks) if figures.shares is not None else None))
        if group.member is not None:
            member = frame.condition(group.member)
            no = frame.none(group.type, na=frame.reason(f"不是「{label}」的成员"))
            own = frame.choice(group.type, [(f"{member.sql} IS FALSE", no)], own)
        if figures.closed is not None:
            closed = d.quote(f"{label}·闭")
            own = frame.choice(
                group.type, [(f"{closed} IS NOT NULL", frame.none(group.type, na=closed))], own
            )
            if figures.closed.facts is not None:
                open_ = f"({d.quote(label)} IS NULL AND {closed} IS NULL AND {d.length(lacks)} IS NULL)"
                unknown = frame.none(group.type, facts=looked_up(frame, figures).facts)
                own = frame.choice(group.type, [(open_, unknown)], own)
        return own
