"""Series of few members as bits: one pass over the list, then 次数, 连续, 段数, 最近 are a few operations on whole numbers.

A series whose items are members of an enum is read once into planes of 31 bits, bit i for the year i years before the
day's. A condition over 值 and 年份 is a mask of the years for which it holds. What does not come down to masks, and a
series with years that do not fit, goes the general way (`engine.compile.lists`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from engine.compile.formulas import COMPARE
from engine.compile.tables import Tables
from engine.compile.terms import Pack, Term
from engine.expr import tree
from engine.types import EnumT, NumberT, SeriesT

#: Years that a plane holds, the day's own among them.
YEARS = 31
ALL = 2**YEARS - 1
#: Marks a series with something that planes cannot hold: an older year, no known member.
ODD = 2**62
#: An enum of more members goes the general way.
MOST_PLANES = 4


@dataclass(frozen=True, slots=True)
class Masks:
    """Years for which a condition holds, and for which it is open ("" for none)."""

    holds: str
    open: str = ""


class NotPacked(Exception):
    """A condition that does not come down to masks."""


def planes_for(kind: SeriesT) -> int:
    """How many planes the members need; 0 if they are not packed."""
    count = len(kind.item.members).bit_length() if isinstance(kind.item, EnumT) else 0
    return count if count <= MOST_PLANES else 0


class Packed(Tables):
    """Terms of series that carry a `Pack`; every method gives "" where there is none."""

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
        """A series as planes. `raw` is its list as given, `item` the names of an item's year and value, `words` what may
        be written → member; `written` its list as read."""
        count = planes_for(kind)
        if not count or not isinstance(kind.item, EnumT):
            return None
        d = self.dialect
        at, value = d.field("x", item[0]), d.field("x", item[1])
        planes: list[str] = []
        first_word = ""
        for first in range(0, count, 2):
            outside = 0 if first else ODD
            codes = ""
            for word, member in words.items():
                code = (kind.item.rank(member) + 1) >> first
                lanes = (code & 1) + (code >> 1 & 1) * 2**YEARS
                codes += f" WHEN {d.text(word)} THEN {self.shifted_code(lanes, f'{year} - {at}')}"
            bits = (
                f"CASE WHEN {at} BETWEEN {year - YEARS + 1} AND {year} THEN CASE {value}{codes} ELSE {outside} END "
                f"WHEN {at} > {year} THEN 0 ELSE {outside} END"
            )
            word_ = self.share(d.bits_of(raw, "x", d.cast(bits, d.whole[64])), f"{name}.位{first // 2 + 1}")
            first_word = first_word or word_
            planes.append(self.share(f"({word_} & {ALL})"))
            if first + 1 < count:
                planes.append(self.share(f"({d.shift_right(word_, str(YEARS))} & {ALL})"))
        present = self.share("(" + " | ".join(planes) + ")", f"{name}.有")
        fits = self.share(f"({first_word} < {ODD})", f"{name}.合")
        rest = self.share(f"CASE WHEN {fits} THEN NULL ELSE {written} END", f"{name}.余")
        return Pack(year, tuple(planes), present, fits, rest, written)

    def gated_pack(self, pack: Pack | None, condition: str) -> Pack | None:
        """A pack that has no value where a condition does not hold."""
        if pack is None:
            return None
        gate = lambda sql: self.share(f"CASE WHEN {condition} THEN {sql} END")  # noqa: E731
        planes = tuple(gate(plane) for plane in pack.planes)
        written = f"CASE WHEN {condition} THEN {pack.written} END"
        return Pack(pack.year, planes, gate(pack.present), pack.fits, gate(pack.rest), written)

    def shifted_code(self, lanes: int, offset: str) -> str:
        return (
            self.dialect.shift_left(self.dialect.cast(str(lanes), self.dialect.whole[64]), offset)
            if lanes
            else "0"
        )

    def packed_or(self, source: Term, packed: str, general: str) -> str:
        """The packed way where the series fits, the general way elsewhere."""
        if source.pack is None or not packed:
            return general
        return f"CASE WHEN {source.pack.fits} THEN {packed} ELSE {general} END"

    # --- conditions --------------------------------------------------------------------------------------

    def packed_condition(self, source: Term, condition: tree.Expr) -> Masks | None:
        if source.pack is None or self.scopes:
            return None
        try:
            masks = self.masks(condition, source)
        except NotPacked:
            return None
        holds = self.share(f"({masks.holds} & {source.pack.present})")
        return Masks(holds, self.share(f"({masks.open} & {source.pack.present})") if masks.open else "")

    scopes: list[Mapping[str, Term]]

    def selected_pack(self, pack: Pack, masks: Masks, rest: str, written: str) -> Pack:
        planes = tuple(self.share(f"({plane} & {masks.holds})") for plane in pack.planes)
        return Pack(pack.year, planes, masks.holds, pack.fits, rest, written)

    def masks(self, node: tree.Expr, source: Term) -> Masks:
        """Years for which a condition over 值 and 年份 holds; others than those present may be among them."""
        assert source.pack is not None
        match node:
            case tree.And(items=items) | tree.Or(items=items):
                both = isinstance(node, tree.And)
                parts = [self.masks(item, source) for item in items]
                return self.mask_and(parts) if both else self.mask_or(parts)
            case tree.Not(operand=x):
                inner = self.masks(x, source)
                no = f"(~{inner.holds} & {ALL})"
                return Masks(f"({no} & ~{inner.open})", inner.open) if inner.open else Masks(no)
            case tree.Compare(op=op, left=tree.Column(name="值"), right=right):
                return self.members_where(source, op, right, node.order)
            case tree.Compare(op=op, left=left, right=tree.Column(name="值")):
                return self.members_where(source, _TURNED[op], left, node.order)
            case tree.Among(operand=tree.Column(name="值"), members=members, negated=negated):
                chosen = [self.constant_member(member) for member in members]
                kind = source.kind.item if isinstance(source.kind, SeriesT) else source.kind
                assert isinstance(kind, EnumT)
                ranks = [at for at, member in enumerate(kind.members) if (member in chosen) is not negated]
                return Masks(self.any_member(source.pack, ranks))
            case tree.Compare(op=op, left=tree.Column(name="年份"), right=right):
                return self.years_where_masks(source.pack, op, right)
            case tree.Compare(op=op, left=left, right=tree.Column(name="年份")):
                return self.years_where_masks(source.pack, _TURNED[op], left)
        if any(isinstance(part, tree.Column) for part in tree.walk(node)):
            raise NotPacked
        term = self.of(node)
        if term.na:
            raise NotPacked
        if term.is_const:
            return Masks(str(ALL) if term.const else "0")
        term = self.held(term)
        holds = f"CASE WHEN {term.sql} THEN {ALL} ELSE 0 END"
        return Masks(
            self.share(holds),
            self.share(f"CASE WHEN {term.sql} IS NULL THEN {ALL} ELSE 0 END") if term.open else "",
        )

    @staticmethod
    def mask_and(parts: list[Masks]) -> Masks:
        holds = "(" + " & ".join(part.holds for part in parts) + ")"
        if not any(part.open for part in parts):
            return Masks(holds)
        maybe = " & ".join(f"({part.holds} | {part.open})" if part.open else part.holds for part in parts)
        return Masks(holds, f"(({maybe}) & ~{holds})")

    @staticmethod
    def mask_or(parts: list[Masks]) -> Masks:
        holds = "(" + " | ".join(part.holds for part in parts) + ")"
        opens = [part.open for part in parts if part.open]
        return Masks(holds, f"(({' | '.join(opens)}) & ~{holds})" if opens else "")

    def constant_member(self, node: tree.Expr) -> str:
        if isinstance(node, tree.Const) and isinstance(node.value, str):
            return node.value
        raise NotPacked

    def members_where(self, source: Term, op: str, other: tree.Expr, order: EnumT | None) -> Masks:
        kind = source.kind.item if isinstance(source.kind, SeriesT) else source.kind
        assert isinstance(kind, EnumT)
        assert source.pack is not None
        member = self.constant_member(other)
        if op in ("==", "!="):
            chosen = [at for at, own in enumerate(kind.members) if (own == member) is (op == "==")]
            return Masks(self.any_member(source.pack, chosen))
        order = order or kind
        if member not in order.members or any(own not in order.members for own in kind.members):
            raise NotPacked
        test, limit = COMPARE[op], order.rank(member)
        return Masks(
            self.any_member(
                source.pack, [at for at, own in enumerate(kind.members) if test(order.rank(own), limit)]
            )
        )

    def any_member(self, pack: Pack, ranks: Iterable[int]) -> str:
        """The years of any of the members, as few terms as cover their codes and touch no other's."""
        codes = {rank + 1 for rank in ranks}
        if not codes:
            return "0"
        count = len(pack.planes)
        terms: list[str] = []
        left = set(codes)
        cubes = sorted(
            product((None, 0, 1), repeat=count), key=lambda cube: sum(bit is not None for bit in cube)
        )
        for cube in cubes:
            covered = {
                code for code in range(2**count)
                if all(bit is None or code >> at & 1 == bit for at, bit in enumerate(cube))
            }  # fmt: skip
            if covered & left and covered <= codes:
                parts = [
                    plane if bit else f"~{plane}"
                    for plane, bit in zip(pack.planes, cube, strict=True) if bit is not None
                ]  # fmt: skip
                terms.append("(" + " & ".join(parts) + ")" if parts else str(ALL))
                left -= covered
        return "(" + " | ".join(terms) + ")"

    def years_where_masks(self, pack: Pack, op: str, other: tree.Expr) -> Masks:
        if any(isinstance(part, tree.Column) for part in tree.walk(other)):
            raise NotPacked
        year = self.of(other)
        if year.na or not isinstance(year.kind, NumberT) or year.over or year.den != 1:
            raise NotPacked
        if year.is_const:
            offsets = [
                at for at in range(YEARS) if self.compared(op, self.numbers.const(pack.year - at), year).const
            ]
            return Masks(str(sum(1 << at for at in offsets)))
        year = self.held(year)
        back = self.share(f"({pack.year} - {year.sql})")
        since = lambda shift: self.from_offset(f"({back} + {shift})" if shift else back)  # noqa: E731
        masks = {
            "<=": lambda: since(0),
            "<": lambda: since(1),
            ">": lambda: f"(~{since(0)} & {ALL})",
            ">=": lambda: f"(~{since(1)} & {ALL})",
            "==": lambda: f"({since(0)} & ~{since(1)})",
            "!=": lambda: f"(~({since(0)} & ~{since(1)}) & {ALL})",
        }
        holds = self.share(masks[op]())
        if not year.open:
            return Masks(holds)
        return Masks(
            f"COALESCE({holds}, 0)", self.share(f"CASE WHEN {year.sql} IS NULL THEN {ALL} ELSE 0 END")
        )

    def from_offset(self, back: str) -> str:
        """Bits from an offset on: years up to one; NULL of NULL."""
        clamped = f"LEAST(GREATEST({back}, 0), {YEARS})"
        whole = self.dialect.cast(str(ALL), self.dialect.whole[64])
        shifted = self.dialect.shift_left(whole, self.dialect.cast(clamped, self.dialect.whole[32]))
        return f"CASE WHEN {back} IS NOT NULL THEN {shifted} & {ALL} END"

    # --- figures ------------------------------------------------------------------------------------------

    def packed_size(self, source: Term) -> str:
        return self.bit_count(source.pack.present) if source.pack else ""

    def packed_count(self, source: Term, masks: Masks | None) -> str:
        return self.bit_count(masks.holds) if masks else ""

    def packed_doubt(self, source: Term, masks: object) -> str:
        if not isinstance(masks, Masks):
            return ""
        return f"{masks.open} <> 0" if masks.open else "FALSE"

    def bit_count(self, sql: str) -> str:
        return self.dialect.cast(f"bit_count({sql})", self.dialect.whole[32])

    def packed_latest(self, source: Term) -> str:
        if source.pack is None:
            return ""
        low = self.share(f"({source.pack.present} & -{source.pack.present})")
        return self.code_at(source.pack, lambda plane: f"CASE WHEN {plane} & {low} <> 0 THEN {{}} ELSE 0 END")

    def packed_year(self, source: Term, year: Term) -> str:
        if source.pack is None or year.over or year.den != 1:
            return ""
        if year.is_const:
            offset = source.pack.year - int(year.const)
            if not 0 <= offset < YEARS:
                return "NULL"
            bit = str(1 << offset)
        else:
            back = f"({source.pack.year} - {year.sql})"
            one = self.dialect.cast("1", self.dialect.whole[64])
            clamped = self.dialect.cast(f"LEAST(GREATEST({back}, 0), {YEARS})", self.dialect.whole[32])
            bit = self.share(f"CASE WHEN {back} >= 0 THEN {self.dialect.shift_left(one, clamped)} ELSE 0 END")
        return self.code_at(source.pack, lambda plane: f"CASE WHEN {plane} & {bit} <> 0 THEN {{}} ELSE 0 END")

    def code_at(self, pack: Pack, bit_of: object) -> str:
        assert callable(bit_of)
        parts = [bit_of(plane).format(1 << at) for at, plane in enumerate(pack.planes)]
        return f"(NULLIF({' + '.join(parts)}, 0) - 1)"

    def packed_current(self, source: Term, masks: object) -> str:
        """Years that hold from the last present back: the zeros below the first one that does not."""
        if source.pack is None or not isinstance(masks, Masks):
            return ""
        low = self.share(f"({source.pack.present} & -{source.pack.present})")
        # adding the lowest bit to the run that begins there carries over it
        run = f"({masks.holds} & ~({masks.holds} + {low}))"
        return f"CASE WHEN {masks.holds} & {low} <> 0 THEN {self.bit_count(run)} ELSE 0 END"

    def packed_current_doubt(self, source: Term, masks: object) -> str:
        if source.pack is None or not isinstance(masks, Masks):
            return ""
        if not masks.open:
            return "FALSE"
        low = self.share(f"({source.pack.present} & -{source.pack.present})")
        carried = f"(CASE WHEN {masks.holds} & {low} <> 0 THEN {masks.holds} + {low} ELSE {low} END)"
        # the bit that the carry set is the year at which the run ends
        return f"({carried} & ~{masks.holds} & {masks.open}) <> 0"

    def packed_runs(self, source: Term, masks: object, function: str, length: int, first: list[Term]) -> str:
        if source.pack is None or not isinstance(masks, Masks):
            return ""
        if length > YEARS:
            return "0"
        if first and not (first[0].is_const and isinstance(first[0].const, int)):
            return ""
        full = self.consecutive(masks.holds, length)
        if first:
            # a bit of `full` is the last year of so many
            begun = [source.pack.year - at - (length - 1) - first[0].const for at in range(YEARS)]
            wanted = sum(1 << at for at, years in enumerate(begun) if years >= 0 and years % length == 0)
            return self.bit_count(f"({full} & {wanted})")
        if function == "滚动段数":
            return self.bit_count(full)
        parts = []
        block = full
        for times in range(1, YEARS // length + 1):
            # one bit for every run of at least times × length years
            before = self.dialect.shift_left(block, "1")
            parts.append(self.bit_count(f"({block} & ~{before})"))
            if (times + 1) * length <= YEARS:
                block = self.share(f"({block} & {self.dialect.shift_right(full, str(times * length))})")
        return "(" + " + ".join(parts) + ")"

    def consecutive(self, mask: str, length: int) -> str:
        """Bits at which so many years in a row hold: a bit and those below it, towards later years."""
        found, have = mask, 1
        while have < length:
            step = min(have, length - have)
            found = self.share(f"({found} & {self.dialect.shift_right(found, str(step))})")
            have += step
        return found


_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
