"""Series of few members as bits: one pass over the list, then 次数, 连续, 段数, 最近 are a few operations on whole numbers.

Walking a list is what costs, so a series whose items are members of an enum is read once into planes of one bit a year
(`Pack`). A condition over 值 and 年份 is a mask: the bit of every year for which it holds. What does not come down to
masks, and a series with years that do not fit, goes the general way (`engine.compile.lists`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from engine.compile.formulas import COMPARE
from engine.compile.tables import Tables
from engine.compile.terms import Pack, Term
from engine.expr import tree
from engine.types import EnumT, NumberT, SeriesT

#: Bits of a mask: one less than a number of 64 bits has beside its sign, so that adding to a mask stays within.
MOST_YEARS = 62
#: Bits of a number that planes stand in side by side, of either width.
NARROW, WIDE = 63, 126
#: A series whose members need more bits goes the general way.
MOST_WIDTH = 4
#: What no bits of years give, being negative: something is in the series that they cannot hold.
ODD = "(-9223372036854775807 - 1)"


@dataclass(frozen=True, slots=True)
class Masks:
    """The years for which a condition holds, and for which it is open ("" for none)."""

    holds: str
    open: str = ""


class NotPacked(Exception):
    """A condition that does not come down to masks."""


def width_of(kind: SeriesT) -> int:
    """Bits that the members need; 0 if they are not packed."""
    width = len(kind.item.members).bit_length() if isinstance(kind.item, EnumT) else 0
    return width if width <= MOST_WIDTH else 0


class Packed(Tables):
    """Terms of series that carry a `Pack`; a figure is "" where there is none."""

    scopes: list[Mapping[str, Term]]

    # --- reading -----------------------------------------------------------------------------------------

    def pack(
        self,
        name: str,
        raw: str,
        written: str,
        kind: SeriesT,
        year: int,
        words: Mapping[str, str],
        item: tuple[str, str],
    ) -> Pack | None:
        """A series in planes. `raw` is its list as given, `item` the names of an item's year and value, `words` what may
        be written → member; `written` its list as read."""
        width = width_of(kind)
        if not width or not isinstance(kind.item, EnumT):
            return None
        codes = {word: kind.item.rank(member) + 1 for word, member in words.items()}
        read = self.read_wide if self.dialect.wide_lanes else self.read_twice
        planes, years, odd = read(name, raw, item, codes, width, year)
        fits = self.share(f"({odd} >= 0)", f"{name}.合")
        rest = self.share(f"CASE WHEN {fits} THEN NULL ELSE {written} END", f"{name}.余")
        present = self.share(f"({' | '.join(planes)})")
        return Pack(year, years, planes, present, fits, rest, written)

    def read_wide(
        self, name: str, raw: str, item: tuple[str, str], codes: Mapping[str, int], width: int, year: int
    ) -> tuple[tuple[str, ...], int, str]:
        """All planes side by side in one number: the planes, their years, and what is negative if there is more."""
        d = self.dialect
        years = min(MOST_YEARS, WIDE // width)
        whole = self.share(self.word_of(raw, item, codes, years, year, 128), f"{name}.位")
        planes = tuple(
            self.share(
                d.cast(
                    f"({d.shift_right(whole, str(at * years)) if at else whole} & {2**years - 1})",
                    d.whole[64],
                )
            )
            for at in range(width)
        )
        return planes, years, whole

    def read_twice(
        self, name: str, raw: str, item: tuple[str, str], codes: Mapping[str, int], width: int, year: int
    ) -> tuple[tuple[str, ...], int, str]:
        """The same in two numbers of 64 bits, the second made only where there are years that are too old for the first."""
        d, lanes = self.dialect, min(MOST_YEARS, NARROW // width)
        every = 2**lanes - 1

        def plane(word: str, at: int) -> str:
            return f"({d.shift_right(word, str(at * lanes)) if at else word} & {every})"

        first = self.share(self.word_of(raw, item, codes, lanes, year), f"{name}.位1")
        if 2 * lanes > MOST_YEARS:
            return tuple(self.share(plane(first, at)) for at in range(width)), lanes, first
        older = self.word_of(raw, item, codes, lanes, year - lanes)
        second = self.share(f"CASE WHEN {first} < 0 THEN {older} ELSE {first} * 0 END", f"{name}.位2")
        planes = tuple(
            self.share(f"({plane(first, at)} | {d.shift_left(plane(second, at), str(lanes))})")
            for at in range(width)
        )
        return planes, 2 * lanes, second

    def word_of(
        self, raw: str, item: tuple[str, str], codes: Mapping[str, int], years: int, last: int, bits: int = 64
    ) -> str:
        """So many years up to `last` as planes side by side; later years leave nothing, older ones and unknown words `ODD`."""
        d = self.dialect
        at, value, big = d.field("x", item[0]), d.field("x", item[1]), d.whole[bits]
        spread = {
            word: sum(1 << bit * years for bit in range(code.bit_length()) if code >> bit & 1)
            for word, code in codes.items()
        }
        own = d.shift_left(d.cast(d.code_of(value, spread), big), f"{last} - {at}")
        first = last - years + 1
        found = f"CASE WHEN {at} BETWEEN {first} AND {last} THEN {own} WHEN {at} > {last} THEN {d.cast('0', big)} END"
        return d.bits_of(raw, "x", f"COALESCE({found}, {d.cast(ODD, big)})")

    def gated_pack(self, pack: Pack | None, condition: str) -> Pack | None:
        """A pack that has no value where a condition does not hold."""
        if pack is None:
            return None

        def gate(sql: str) -> str:
            return self.share(f"CASE WHEN {condition} THEN {sql} END")

        written = f"CASE WHEN {condition} THEN {pack.written} END"
        return replace(
            pack,
            planes=tuple(map(gate, pack.planes)),
            present=gate(pack.present),
            rest=gate(pack.rest),
            written=written,
        )

    def selected_pack(self, pack: Pack, masks: Masks, rest: str, written: str) -> Pack:
        """The years for which a condition holds."""
        planes = tuple(self.share(f"({plane} & {masks.holds})") for plane in pack.planes)
        return replace(pack, planes=planes, present=masks.holds, rest=rest, written=written)

    def packed_or(self, source: Term, packed: str, general: str) -> str:
        """The packed way where the series fits, the general way elsewhere."""
        if source.pack is None or not packed:
            return general
        return f"CASE WHEN {source.pack.fits} THEN {packed} ELSE {general} END"

    # --- conditions --------------------------------------------------------------------------------------

    def packed_condition(self, source: Term, condition: tree.Expr) -> Masks | None:
        """The masks of a condition, None if it has none."""
        pack = source.pack
        if pack is None or self.scopes:
            return None
        try:
            masks = self.masks(condition, source, pack)
        except NotPacked:
            return None
        doubt = self.share(f"({masks.open} & {pack.present})") if masks.open else ""
        return Masks(self.share(f"({masks.holds} & {pack.present})"), doubt)

    def masks(self, node: tree.Expr, source: Term, pack: Pack) -> Masks:
        """Years for which a condition over 值 and 年份 holds; others than those present may be among them."""
        match node:
            case tree.And(items=items) | tree.Or(items=items):
                parts = [self.masks(item, source, pack) for item in items]
                return self.mask_and(parts) if isinstance(node, tree.And) else self.mask_or(parts)
            case tree.Not(operand=x):
                inner = self.masks(x, source, pack)
                no = f"(~{inner.holds} & {pack.every})"
                if not inner.open:
                    return Masks(self.share(no))
                return Masks(self.share(f"({no} & ~{inner.open})"), inner.open)
            case tree.Compare(op=op, left=tree.Column(name="值"), right=right):
                return self.members_where(source, pack, op, right, node.order)
            case tree.Compare(op=op, left=left, right=tree.Column(name="值")):
                return self.members_where(source, pack, _TURNED[op], left, node.order)
            case tree.Among(operand=tree.Column(name="值"), members=members, negated=negated):
                chosen = [self.constant_member(member) for member in members]
                kind = self.member_kind(source)
                ranks = [at for at, member in enumerate(kind.members) if (member in chosen) is not negated]
                return Masks(self.any_member(pack, ranks))
            case tree.Compare(op=op, left=tree.Column(name="年份"), right=right):
                return self.years_where(pack, op, right)
            case tree.Compare(op=op, left=left, right=tree.Column(name="年份")):
                return self.years_where(pack, _TURNED[op], left)
        return self.same_for_all(node, pack)

    def same_for_all(self, node: tree.Expr, pack: Pack) -> Masks:
        """A condition that does not look at the item."""
        if any(isinstance(part, tree.Column) for part in tree.walk(node)):
            raise NotPacked
        term = self.of(node)
        if term.na:
            raise NotPacked
        if term.is_const:
            return Masks(str(pack.every if term.const else 0))
        term = self.held(term)
        holds = self.share(f"CASE WHEN {term.sql} THEN {pack.every} ELSE 0 END")
        doubt = self.share(f"CASE WHEN {term.sql} IS NULL THEN {pack.every} ELSE 0 END") if term.open else ""
        return Masks(holds, doubt)

    def mask_and(self, parts: list[Masks]) -> Masks:
        holds = self.share(f"({' & '.join(part.holds for part in parts)})")
        if not any(part.open for part in parts):
            return Masks(holds)
        maybe = [f"({part.holds} | {part.open})" if part.open else part.holds for part in parts]
        return Masks(holds, self.share(f"({' & '.join(maybe)} & ~{holds})"))

    def mask_or(self, parts: list[Masks]) -> Masks:
        holds = self.share(f"({' | '.join(part.holds for part in parts)})")
        opens = [part.open for part in parts if part.open]
        if not opens:
            return Masks(holds)
        return Masks(holds, self.share(f"(({' | '.join(opens)}) & ~{holds})"))

    @staticmethod
    def member_kind(source: Term) -> EnumT:
        assert isinstance(source.kind, SeriesT)
        assert isinstance(source.kind.item, EnumT)
        return source.kind.item

    @staticmethod
    def constant_member(node: tree.Expr) -> str:
        if isinstance(node, tree.Const) and isinstance(node.value, str):
            return node.value
        raise NotPacked

    def members_where(
        self, source: Term, pack: Pack, op: str, other: tree.Expr, order: EnumT | None
    ) -> Masks:
        kind, member = self.member_kind(source), self.constant_member(other)
        if op in ("==", "!="):
            chosen = [at for at, own in enumerate(kind.members) if (own == member) is (op == "==")]
            return Masks(self.any_member(pack, chosen))
        order = order or kind
        if member not in order.members or any(own not in order.members for own in kind.members):
            raise NotPacked
        test, limit = COMPARE[op], order.rank(member)
        return Masks(
            self.any_member(pack, [at for at, own in enumerate(kind.members) if test(order.rank(own), limit)])
        )

    def any_member(self, pack: Pack, ranks: Iterable[int]) -> str:
        """The years of any of the members, as few terms as cover their codes and touch no other's."""
        codes = {rank + 1 for rank in ranks}
        left, terms = set(codes), []
        width = len(pack.planes)
        for cube in sorted(product((None, 0, 1), repeat=width), key=lambda cube: width - cube.count(None)):
            covered = {
                code
                for code in range(2**width)
                if all(bit is None or code >> at & 1 == bit for at, bit in enumerate(cube))
            }
            if covered & left and covered <= codes:
                pairs = [
                    (plane, bit) for plane, bit in zip(pack.planes, cube, strict=True) if bit is not None
                ]
                terms.append("(" + " & ".join(plane if bit else f"~{plane}" for plane, bit in pairs) + ")")
                left -= covered
        return self.share(f"({' | '.join(terms)})") if terms else "0"

    def years_where(self, pack: Pack, op: str, other: tree.Expr) -> Masks:
        if any(isinstance(part, tree.Column) for part in tree.walk(other)):
            raise NotPacked
        year = self.of(other)
        if year.na or not isinstance(year.kind, NumberT) or year.over or year.den != 1:
            raise NotPacked
        if year.is_const:
            return Masks(
                str(sum(1 << at for at in range(pack.years) if COMPARE[op](pack.year - at, year.const)))
            )
        year = self.held(year)
        back, every = self.share(f"({pack.year} - {year.sql})"), pack.every

        def until(shift: int) -> str:
            """The years from that one on, or (`shift` 1) after it."""
            offset = f"LEAST(GREATEST({back} + {1 - shift}, 0), {pack.years})"
            unused = self.dialect.cast(f"({pack.years} - {offset})", self.dialect.whole[32])
            return f"CASE WHEN {back} IS NOT NULL THEN {self.dialect.shift_right(self.dialect.cast(str(every), self.dialect.whole[64]), unused)} END"

        makers = {
            ">=": lambda: until(0),
            ">": lambda: until(1),
            "<": lambda: f"({every} & ~{until(0)})",
            "<=": lambda: f"({every} & ~{until(1)})",
            "==": lambda: f"({until(0)} & ~{until(1)})",
            "!=": lambda: f"({every} & ~({until(0)} & ~{until(1)}))",
        }
        holds = self.share(makers[op]())
        if not year.open:
            return Masks(holds)
        doubt = self.share(f"CASE WHEN {year.sql} IS NULL THEN {every} ELSE 0 END")
        return Masks(f"COALESCE({holds}, 0)", doubt)

    # --- figures ------------------------------------------------------------------------------------------

    def bit_count(self, mask: str) -> str:
        return self.dialect.cast(f"bit_count({mask})", self.dialect.whole[32])

    def packed_size(self, source: Term) -> str:
        return self.bit_count(source.pack.present) if source.pack else ""

    @staticmethod
    def any_open(masks: Masks) -> str:
        """Whether the condition is open for any year."""
        return f"{masks.open} <> 0" if masks.open else "FALSE"

    def packed_latest(self, source: Term) -> str:
        """The member of the lowest bit present."""
        if source.pack is None:
            return ""
        low = self.lowest(source.pack)
        return self.rank_of(
            [f"CASE WHEN {plane} & {low} <> 0 THEN 1 ELSE 0 END" for plane in source.pack.planes]
        )

    def lowest(self, pack: Pack) -> str:
        """The bit of the last year present."""
        return self.share(f"({pack.present} & -{pack.present})")

    def packed_year(self, source: Term, year: Term) -> str:
        pack, d = source.pack, self.dialect
        if pack is None or year.over or year.den != 1:
            return ""
        if year.is_const:
            back = pack.year - int(year.const)
            if not 0 <= back < pack.years:
                return "NULL"
            return self.rank_of([f"({d.shift_right(plane, str(back))} & 1)" for plane in pack.planes])
        behind = f"({pack.year} - {year.sql})"
        at = d.cast(f"LEAST(GREATEST({behind}, 0), {pack.years - 1})", d.whole[32])
        member = self.rank_of([f"({d.shift_right(plane, at)} & 1)" for plane in pack.planes])
        return f"CASE WHEN {behind} BETWEEN 0 AND {pack.years - 1} THEN {member} END"

    def rank_of(self, bits: list[str]) -> str:
        """The rank of a member whose bits are given, the lowest first; NULL where none is set."""
        code = " + ".join(f"{2**at} * {bit}" if at else bit for at, bit in enumerate(bits))
        return self.dialect.cast(f"NULLIF({code}, 0) - 1", self.dialect.whole[32])

    # --- runs ---------------------------------------------------------------------------------------------

    def packed_current(self, source: Term, masks: Masks | None) -> str:
        """Years that hold from the last present back."""
        if source.pack is None or masks is None:
            return ""
        good, low = masks.holds, self.lowest(source.pack)
        # adding the lowest bit to the run that begins there carries over it
        return (
            f"CASE WHEN {good} & {low} <> 0 THEN {self.bit_count(f'({good} & ~({good} + {low}))')} ELSE 0 END"
        )

    def packed_current_doubt(self, source: Term, masks: Masks) -> str:
        """Whether the year at which the run ends is open: the bit that the carry sets."""
        if source.pack is None:
            return ""
        if not masks.open:
            return "FALSE"
        good, low = masks.holds, self.lowest(source.pack)
        carried = f"(CASE WHEN {good} & {low} <> 0 THEN {good} + {low} ELSE {low} END)"
        return f"({carried} & ~{good} & {masks.open}) <> 0"

    def packed_runs(
        self, source: Term, masks: Masks | None, function: str, length: int, first: list[Term]
    ) -> str:
        pack = source.pack
        if pack is None or masks is None:
            return ""
        if length > pack.years:
            return "0"
        if first and not (first[0].is_const and isinstance(first[0].const, int)):
            return ""
        full = self.consecutive(masks.holds, length)
        if first:
            # a bit of `full` is the last year of so many
            begun = [pack.year - at - (length - 1) - first[0].const for at in range(pack.years)]
            wanted = sum(1 << at for at, years in enumerate(begun) if years >= 0 and years % length == 0)
            return self.bit_count(f"({full} & {wanted})")
        if function == "滚动段数":
            return self.bit_count(full)
        # the last block of every run, then by doubling those before it without a gap: one bit for every block
        taken, reached, blocks = self.share(f"({full} & ~{self.dialect.shift_right(full, '1')})"), full, 1
        while blocks * length < pack.years:
            by = str(blocks * length)
            taken = self.share(f"({taken} | ({self.dialect.shift_right(taken, by)} & {reached}))")
            reached = self.share(f"({reached} & {self.dialect.shift_right(reached, by)})")
            blocks *= 2
        return self.bit_count(taken)

    def consecutive(self, mask: str, length: int) -> str:
        """Bits at which so many years in a row hold: a bit and those above it, the years before."""
        found, have = mask, 1
        while have < length:
            step = min(have, length - have)
            found = self.share(f"({found} & {self.dialect.shift_right(found, str(step))})")
            have += step
        return found


_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
