"""Series of few members as bits: one pass over the list, then 次数, 连续, 段数, 最近 are a few operations on whole numbers.

Walking a list is what costs, so a series whose items are members of an enum is read once into lanes of a few bits
(`Pack`). A condition over 值 and 年份 is a mask: the lowest bit of the lane of every year for which it holds. What does not
come down to masks, and a series with years that do not fit, goes the general way (`engine.compile.lists`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from engine.compile.formulas import COMPARE
from engine.compile.tables import Tables
from engine.compile.terms import Pack, Term
from engine.expr import tree
from engine.types import EnumT, NumberT, SeriesT

#: Words to a series: of members that need three bits, 42 years.
WORDS = 2
#: A series whose items need wider lanes goes the general way.
MOST_WIDTH = 4
#: What no lanes give, being negative: something is in the series that they cannot hold.
ODD = "(-9223372036854775807 - 1)"

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Masks:
    """Years for which a condition holds, and for which it is open (none if empty), word by word."""

    holds: Words
    open: Words = ()


class NotPacked(Exception):
    """A condition that does not come down to masks."""


def lane_width(kind: SeriesT) -> int:
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
        """A series in lanes. `raw` is its list as given, `item` the names of an item's year and value, `words` what may
        be written → member; `written` its list as read."""
        width = lane_width(kind)
        if not width or not isinstance(kind.item, EnumT):
            return None
        codes = {word: kind.item.rank(member) + 1 for word, member in words.items()}
        plain, odd = self.words_of(name, raw, item, codes, width, year)
        fits = self.share(f"({odd} >= 0)", f"{name}.合")
        rest = self.share(f"CASE WHEN {fits} THEN NULL ELSE {written} END", f"{name}.余")
        pack = Pack(year, width, plain, (), fits, rest, written)
        present = self.each_word(lambda word, _: self.lowest(pack, word), pack.words)
        return Pack(year, width, plain, present, fits, rest, written)

    def words_of(
        self, name: str, raw: str, item: tuple[str, str], codes: Mapping[str, int], width: int, year: int
    ) -> tuple[Words, str]:
        """A series as words, and what is negative if they do not hold all of it."""
        d, lanes = self.dialect, 63 // width
        if d.wide_lanes:
            whole = self.share(
                self.word_of(raw, item, codes, width, year, year - WORDS * lanes + 1, 128), f"{name}.位"
            )
            low = f"({whole} & {2 ** (lanes * width) - 1})"
            parts = [low, d.shift_right(whole, str(lanes * width))]
            return tuple(self.share(d.cast(part, d.whole[64])) for part in parts), whole
        found = [self.share(self.word_of(raw, item, codes, width, year, year - lanes + 1), f"{name}.位1")]
        for at in range(1, WORDS):
            last = year - lanes * at
            older = self.word_of(raw, item, codes, width, last, last - lanes + 1)
            found.append(
                self.share(
                    f"CASE WHEN {found[-1]} < 0 THEN {older} ELSE {found[-1]} * 0 END", f"{name}.位{at + 1}"
                )
            )
        # a word that points to older years has its own lanes below the sign
        plain = [f"({word} & {2 ** (lanes * width) - 1})" for word in found[:-1]] + found[-1:]
        return tuple(self.share(word) for word in plain), found[-1]

    def word_of(
        self,
        raw: str,
        item: tuple[str, str],
        codes: Mapping[str, int],
        width: int,
        last: int,
        first: int,
        bits: int = 64,
    ) -> str:
        """The lanes of the years `first` to `last`; later years leave nothing, older ones and unknown words `ODD`."""
        d = self.dialect
        at, value, big = d.field("x", item[0]), d.field("x", item[1]), d.whole[bits]
        if list(codes.values()) == list(range(1, len(codes) + 1)):
            code = d.cast(d.position([d.text(word) for word in codes], value), big)
        else:
            code = (
                f"CASE {value} "
                + " ".join(f"WHEN {d.text(w)} THEN {d.cast(str(c), big)}" for w, c in codes.items())
                + " END"
            )
        lane = d.shift_left(code, f"{width * last} - {width} * {at}")
        lanes = f"CASE WHEN {at} BETWEEN {first} AND {last} THEN {lane} WHEN {at} > {last} THEN {d.cast('0', big)} END"
        return d.bits_of(raw, "x", f"COALESCE({lanes}, {d.cast(ODD, big)})")

    def lowest(self, pack: Pack, word: str) -> str:
        """The lowest bit of every lane of a word that holds something."""
        parts = [word, *(self.dialect.shift_right(word, str(bit)) for bit in range(1, pack.width))]
        return f"(({' | '.join(parts)}) & {pack.every})"

    def each_word(self, make: Callable[..., str], *operands: Words) -> Words:
        """Word by word: `make` of one word of every operand and its number."""
        return tuple(self.share(make(*parts, at)) for at, parts in enumerate(zip(*operands, strict=True)))

    def gated_pack(self, pack: Pack | None, condition: str) -> Pack | None:
        """A pack that has no value where a condition does not hold."""
        if pack is None:
            return None

        def gate(sql: str) -> str:
            return self.share(f"CASE WHEN {condition} THEN {sql} END")

        words, present = tuple(map(gate, pack.words)), tuple(map(gate, pack.present))
        written = f"CASE WHEN {condition} THEN {pack.written} END"
        return Pack(pack.year, pack.width, words, present, pack.fits, gate(pack.rest), written)

    def selected_pack(self, pack: Pack, masks: Masks, rest: str, written: str) -> Pack:
        """The lanes for which a condition holds."""
        full = 2**pack.width - 1
        words = self.each_word(lambda word, mask, _: f"({word} & ({mask} * {full}))", pack.words, masks.holds)
        return Pack(pack.year, pack.width, words, masks.holds, pack.fits, rest, written)

    def packed_or(self, source: Term, packed: str, general: str) -> str:
        """The packed way where the series fits, the general way elsewhere."""
        if source.pack is None or not packed:
            return general
        return f"CASE WHEN {source.pack.fits} THEN {packed} ELSE {general} END"

    # --- conditions --------------------------------------------------------------------------------------

    def packed_condition(self, source: Term, condition: tree.Expr) -> Masks | None:
        """The masks of a condition, None if it has none."""
        if source.pack is None or self.scopes:
            return None
        try:
            masks = self.masks(condition, source, source.pack)
        except NotPacked:
            return None

        def among(mask: str, present: str, _: int) -> str:
            return f"({mask} & {present})"

        present = source.pack.present
        return Masks(
            self.each_word(among, masks.holds, present),
            self.each_word(among, masks.open, present) if masks.open else (),
        )

    def masks(self, node: tree.Expr, source: Term, pack: Pack) -> Masks:
        """Years for which a condition over 值 and 年份 holds; others than those present may be among them."""
        match node:
            case tree.And(items=items) | tree.Or(items=items):
                parts = [self.masks(item, source, pack) for item in items]
                return self.mask_and(parts) if isinstance(node, tree.And) else self.mask_or(parts)
            case tree.Not(operand=x):
                inner = self.masks(x, source, pack)
                no = self.each_word(lambda word, _: f"(~{word} & {pack.every})", inner.holds)
                if not inner.open:
                    return Masks(no)
                return Masks(
                    self.each_word(lambda word, doubt, _: f"({word} & ~{doubt})", no, inner.open), inner.open
                )
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
        words = len(pack.words)
        if term.is_const:
            return Masks((str(pack.every if term.const else 0),) * words)
        term = self.held(term)
        holds = self.share(f"CASE WHEN {term.sql} THEN {pack.every} ELSE 0 END")
        doubt = self.share(f"CASE WHEN {term.sql} IS NULL THEN {pack.every} ELSE 0 END") if term.open else ""
        return Masks((holds,) * words, (doubt,) * words if doubt else ())

    def mask_and(self, parts: list[Masks]) -> Masks:
        holds = self.each_word(
            lambda *words: "(" + " & ".join(words[:-1]) + ")", *(part.holds for part in parts)
        )
        if not any(part.open for part in parts):
            return Masks(holds)
        maybe = [
            self.each_word(lambda one, two, _: f"({one} | {two})", part.holds, part.open)
            if part.open
            else part.holds
            for part in parts
        ]
        doubt = self.each_word(lambda *w: f"({' & '.join(w[:-2])} & ~{w[-2]})", *maybe, holds)
        return Masks(holds, doubt)

    def mask_or(self, parts: list[Masks]) -> Masks:
        holds = self.each_word(
            lambda *words: "(" + " | ".join(words[:-1]) + ")", *(part.holds for part in parts)
        )
        opens = [part.open for part in parts if part.open]
        if not opens:
            return Masks(holds)
        return Masks(holds, self.each_word(lambda *w: f"(({' | '.join(w[:-2])}) & ~{w[-2]})", *opens, holds))

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

    def any_member(self, pack: Pack, ranks: Iterable[int]) -> Words:
        """The years of any of the members, as few terms as cover their codes and touch no other's."""
        codes = {rank + 1 for rank in ranks}
        left, terms = set(codes), []
        cubes = sorted(
            product((None, 0, 1), repeat=pack.width), key=lambda cube: sum(bit is not None for bit in cube)
        )
        for cube in cubes:
            covered = {
                code
                for code in range(2**pack.width)
                if all(bit is None or code >> at & 1 == bit for at, bit in enumerate(cube))
            }
            if covered & left and covered <= codes:
                terms.append(cube)
                left -= covered
        if not terms:
            return ("0",) * len(pack.words)

        def one(word: str, _: int) -> str:
            found = []
            for cube in terms:
                lanes = [
                    (self.dialect.shift_right(word, str(at)) if at else word, bit)
                    for at, bit in enumerate(cube)
                    if bit is not None
                ]
                found.append("(" + " & ".join(lane if bit else f"~{lane}" for lane, bit in lanes) + ")")
            return f"(({' | '.join(found)}) & {pack.every})"

        return self.each_word(one, pack.words)

    def years_where(self, pack: Pack, op: str, other: tree.Expr) -> Masks:
        if any(isinstance(part, tree.Column) for part in tree.walk(other)):
            raise NotPacked
        year = self.of(other)
        if year.na or not isinstance(year.kind, NumberT) or year.over or year.den != 1:
            raise NotPacked
        words = len(pack.words)
        if year.is_const:
            good = [COMPARE[op](pack.year - at, year.const) for at in range(pack.years)]
            return Masks(tuple(
                str(sum(1 << pack.width * lane for lane in range(pack.lanes) if good[at * pack.lanes + lane]))
                for at in range(words)
            ))  # fmt: skip
        year = self.held(year)
        back = self.share(f"({pack.year} - {year.sql})")
        every = pack.every

        def until(word: int, shift: int) -> str:
            """The lanes of the years from that one on, or (`shift` 1) after it: those below an offset."""
            offset = f"LEAST(GREATEST({back} + {1 - shift - word * pack.lanes}, 0), {pack.lanes})"
            unused = self.dialect.cast(f"({pack.width} * ({pack.lanes} - {offset}))", self.dialect.whole[32])
            return f"CASE WHEN {back} IS NOT NULL THEN {self.dialect.shift_right(self.dialect.cast(str(every), self.dialect.whole[64]), unused)} END"

        makers: dict[str, Callable[[int], str]] = {
            ">=": lambda word: until(word, 0),
            ">": lambda word: until(word, 1),
            "<": lambda word: f"({every} & ~{until(word, 0)})",
            "<=": lambda word: f"({every} & ~{until(word, 1)})",
            "==": lambda word: f"({until(word, 0)} & ~{until(word, 1)})",
            "!=": lambda word: f"({every} & ~({until(word, 0)} & ~{until(word, 1)}))",
        }
        holds = tuple(self.share(makers[op](word)) for word in range(words))
        if not year.open:
            return Masks(holds)
        doubt = self.share(f"CASE WHEN {year.sql} IS NULL THEN {every} ELSE 0 END")
        return Masks(tuple(f"COALESCE({word}, 0)" for word in holds), (doubt,) * words)

    # --- figures ------------------------------------------------------------------------------------------

    def bit_count(self, words: Words) -> str:
        return self.dialect.cast(" + ".join(f"bit_count({word})" for word in words), self.dialect.whole[32])

    def packed_size(self, source: Term) -> str:
        return self.bit_count(source.pack.present) if source.pack else ""

    @staticmethod
    def any_open(masks: Masks) -> str:
        """Whether the condition is open for any year."""
        return f"({' | '.join(masks.open)}) <> 0" if masks.open else "FALSE"

    def packed_latest(self, source: Term) -> str:
        """The lane above the lowest bit present, in the first word that has any."""
        if source.pack is None:
            return ""
        full, whens = 2**source.pack.width - 1, []
        for word, present in zip(source.pack.words, source.pack.present, strict=True):
            low = f"({present} & -{present})"
            lane = self.dialect.divide(f"{word} & ({low} * {full})", f"NULLIF({low}, 0)", 64)
            whens.append(f"WHEN {present} <> 0 THEN {self.rank_of(lane)}")
        return f"CASE {' '.join(whens)} END"

    def packed_year(self, source: Term, year: Term) -> str:
        pack = source.pack
        if pack is None or year.over or year.den != 1:
            return ""
        full = 2**pack.width - 1
        if year.is_const:
            at_word, at_lane = divmod(pack.year - int(year.const), pack.lanes)
            if not 0 <= at_word < len(pack.words):
                return "NULL"
            return self.rank_of(
                f"{self.dialect.shift_right(pack.words[at_word], str(at_lane * pack.width))} & {full}"
            )
        back, whens = f"({pack.year} - {year.sql})", []
        for at, word in enumerate(pack.words):
            low = at * pack.lanes
            lane = self.dialect.cast(
                f"LEAST(GREATEST({back} - {low}, 0), {pack.lanes - 1}) * {pack.width}", self.dialect.whole[32]
            )
            within = f"{back} BETWEEN {low} AND {low + pack.lanes - 1}"
            whens.append(
                f"WHEN {within} THEN {self.rank_of(f'{self.dialect.shift_right(word, lane)} & {full}')}"
            )
        return f"CASE {' '.join(whens)} END"

    def rank_of(self, lane: str) -> str:
        return self.dialect.cast(f"NULLIF({lane}, 0) - 1", self.dialect.whole[32])

    # --- runs ---------------------------------------------------------------------------------------------

    def in_a_row(self, pack: Pack, words: Words) -> str:
        """A mask as one number with one bit a year."""
        d, width = self.dialect, pack.width
        found = []
        for at, word in enumerate(words):
            size = 1
            while size < pack.lanes and width > 1:
                # pairs of groups of `size` bits come together
                groups = sum(
                    (2 ** (2 * size) - 1) << (2 * size * width * k)
                    for k in range(63)
                    if 2 * size * width * k < 63
                )
                moved = d.shift_right(word, str((width - 1) * size))
                word = self.share(f"(({word} | {moved}) & {groups & (2**63 - 1)})")
                size *= 2
            found.append(d.shift_left(word, str(at * pack.lanes)) if at else word)
        return self.share("(" + " | ".join(found) + ")")

    def packed_current(self, source: Term, masks: Masks | None) -> str:
        """Years that hold from the last present back."""
        if source.pack is None or masks is None:
            return ""
        good, low = self.good_and_low(source.pack, masks)
        # adding the lowest bit to the run that begins there carries over it
        return f"CASE WHEN {good} & {low} <> 0 THEN {self.bit_count((f'({good} & ~({good} + {low}))',))} ELSE 0 END"

    def good_and_low(self, pack: Pack, masks: Masks) -> tuple[str, str]:
        good, present = self.in_a_row(pack, masks.holds), self.in_a_row(pack, pack.present)
        return good, self.share(f"({present} & -{present})")

    def packed_current_doubt(self, source: Term, masks: Masks) -> str:
        """Whether the year at which the run ends is open: the bit that the carry sets."""
        if source.pack is None:
            return ""
        if not masks.open:
            return "FALSE"
        good, low = self.good_and_low(source.pack, masks)
        carried = f"(CASE WHEN {good} & {low} <> 0 THEN {good} + {low} ELSE {low} END)"
        return f"({carried} & ~{good} & {self.in_a_row(source.pack, masks.open)}) <> 0"

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
        full = self.consecutive(self.in_a_row(pack, masks.holds), length)
        if first:
            # a bit of `full` is the last year of so many
            begun = [pack.year - at - (length - 1) - first[0].const for at in range(pack.years)]
            wanted = sum(1 << at for at, years in enumerate(begun) if years >= 0 and years % length == 0)
            return self.bit_count((f"({full} & {wanted})",))
        if function == "滚动段数":
            return self.bit_count((full,))
        found, block = [], full
        for times in range(1, pack.years // length + 1):
            # one bit for every run of at least times × length years
            found.append(f"({block} & ~{self.dialect.shift_left(block, '1')})")
            if (times + 1) * length <= pack.years:
                block = self.share(f"({block} & {self.dialect.shift_right(full, str(times * length))})")
        return self.bit_count(tuple(found))

    def consecutive(self, mask: str, length: int) -> str:
        """Bits at which so many years in a row hold: a bit and those above it, the years before."""
        found, have = mask, 1
        while have < length:
            step = min(have, length - have)
            found = self.share(f"({found} & {self.dialect.shift_right(found, str(step))})")
            have += step
        return found


_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
