"""What DuckDB and Spark write differently. Everything else of the statement is common text.

Every method takes SQL texts and gives one. A value's SQL type is one of `WIDTHS` (whole numbers by their bits) or of
`NAMED`; binary floats do not occur.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

#: Bits of a whole number.
WIDTHS = (32, 64, 128)
#: A whole number of 128 bits holds any of 38 digits, in both dialects.
MOST = 10**38 - 1


class Dialect:
    """DuckDB's way; `Spark` overrides what differs.

    DuckDB works out functions that cannot fail once for every different text of a column, if its Parquet file lists those
    (`list_position`, `regexp_extract`, `trim`); of comparisons, IN, CASE and `regexp_matches` it does so for every row.
    """

    name = "duckdb"
    whole: Mapping[int, str] = {32: "INTEGER", 64: "BIGINT", 128: "HUGEINT"}
    #: Whether a list is read into 126 bits at once.
    wide_lanes = True
    truth, day, string, texts = "BOOLEAN", "DATE", "VARCHAR", "VARCHAR[]"
    #: Characters up to which a text is repeated rather than made a column.
    repeated = 0
    _mark = '"'
    _quoted = re.compile(r"'(?:[^']|'')*'|\"((?:[^\"]|\"\")+)\"")

    # --- words

    def quote(self, name: str) -> str:
        """An identifier."""
        return '"' + name.replace('"', '""') + '"'

    def names_in(self, sql: str) -> set[str]:
        """The quoted identifiers of a text, its literals left out."""
        return set(self.every_name_in(sql))

    def every_name_in(self, sql: str) -> list[str]:
        """The same, as often as they stand there."""
        return [found.replace(self._mark * 2, self._mark) for found in self._quoted.findall(sql) if found]

    def replaced(self, sql: str, names: Mapping[str, str]) -> str:
        """A text with other text for some of its identifiers."""

        def other(found: re.Match[str]) -> str:
            name = (found[1] or "").replace(self._mark * 2, self._mark)
            return names.get(name, found[0]) if name else found[0]

        return self._quoted.sub(other, sql)

    def is_lambda(self, sql: str) -> bool:
        """Whether something in a text is worked out item by item (or may be: a literal may say so too)."""
        return "lambda" in sql

    def text(self, value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    def date(self, value: date) -> str:
        return f"DATE '{value.isoformat()}'"

    def cast(self, sql: str, kind: str) -> str:
        return f"CAST({sql} AS {kind})"

    # --- whole numbers

    def divide(self, top: str, bottom: str, bits: int) -> str:
        """Towards zero; both sides are whole."""
        return f"({top}) // ({bottom})"

    def greatest_divisor(self, one: str, two: str) -> str:
        return f"gcd({one}, {two})"

    def shift_left(self, sql: str, by: str) -> str:
        return f"(({sql}) << ({by}))"

    def shift_right(self, sql: str, by: str) -> str:
        return f"(({sql}) >> ({by}))"

    # --- texts

    def full_match(self, text: str, pattern: str) -> str:
        """Whether a pattern (of what RE2 and Java both know) takes in the whole of a text."""
        return f"regexp_full_match({text}, {self.text(pattern)})"

    def has_match(self, text: str, pattern: str) -> str:
        """Whether there is something (not nothing) of a pattern in a text."""
        return f"(regexp_extract({text}, {self.text(pattern)}) <> '')"

    def is_simple(self, text: str) -> str:
        """True of texts of Latin letters and digits, and perhaps of no others; "" if that is not seen quickly."""
        return f"(url_encode({text}) = {text})"

    def code_of(self, text: str, codes: Mapping[str, int]) -> str:
        """The number of a word, NULL of any other text."""
        numbers = list(codes.values())
        place = self.position([self.text(word) for word in codes], text)
        if numbers == list(range(len(numbers))):
            return f"({place} - 1)"
        return self.item(self.list_of([str(number) for number in numbers]), place)

    def is_among(self, text: str, words: Iterable[str]) -> str:
        """Whether a text, not NULL, is one of some words."""
        return f"({self.position([self.text(word) for word in words], text)} IS NOT NULL)"

    def try_cast(self, sql: str, kind: str) -> str:
        """NULL for what cannot be cast; of a text with spaces around it either."""
        return f"TRY_CAST({sql} AS {kind})"

    # --- dates

    def add_days(self, day: str, days: str) -> str:
        return f"(({day}) + CAST({days} AS INTEGER))"

    def days_between(self, start: str, end: str) -> str:
        return f"(({end}) - ({start}))"

    def part(self, part: str, day: str) -> str:
        """year, month or day, as a number of 32 bits."""
        return f"CAST({part}({day}) AS INTEGER)"

    # --- lists, structs and maps

    def list_of(self, items: Sequence[str], kind: str = "") -> str:
        found = f"[{', '.join(items)}]"
        return self.cast(found, self.list_type(kind)) if kind and not items else found

    def list_type(self, kind: str) -> str:
        return f"{kind}[]"

    def map_type(self, key: str, value: str) -> str:
        return f"MAP({key}, {value})"

    def word(self, texts: Iterable[str]) -> str:
        """The type of texts that are all known (as literals), which are quick to write."""
        return f"ENUM({', '.join(dict.fromkeys(texts))})"

    def struct_type(self, fields: Sequence[tuple[str, str]]) -> str:
        return f"STRUCT({', '.join(f'{self.quote(name)} {kind}' for name, kind in fields)})"

    def length(self, items: str) -> str:
        return f"len({items})"

    def each(self, items: str, name: str, body: str) -> str:
        return f"list_transform({items}, lambda {name}: {body})"

    def each_numbered(self, items: str, name: str, body: Callable[[str], str]) -> str:
        """`body` is given the number of the item, from 1."""
        return f"list_transform({items}, lambda {name}, n: {body('n')})"

    def where(self, items: str, name: str, condition: str) -> str:
        return f"list_filter({items}, lambda {name}: {condition})"

    def joined(self, parts: Sequence[str]) -> str:
        """Several lists of texts as one; NULL is none."""
        return parts[0] if len(parts) == 1 else f"list_concat({', '.join(parts)})"

    def flat(self, lists: str) -> str:
        return f"flatten({lists})"

    def distinct(self, items: str) -> str:
        """Each once, the order of the first kept."""
        kept = f"list_filter({items}, lambda item, place: list_position({items}, item) = place)"
        return f"CASE WHEN len({items}) < 2 THEN {items} ELSE {kept} END"

    def sorted(self, items: str) -> str:
        return f"list_sort({items})"

    def total(self, items: str, bits: int) -> str:
        """The sum of whole numbers, 0 of none."""
        return f"CAST(COALESCE(list_sum({items}), 0) AS {self.whole[bits]})"

    def largest(self, items: str) -> str:
        return f"list_max({items})"

    def smallest(self, items: str) -> str:
        return f"list_min({items})"

    def any_true(self, items: str, name: str, condition: str) -> str:
        return f"len(list_filter({items}, lambda {name}: {condition})) > 0"

    def has_twice(self, items: str) -> str:
        """Whether a list without NULL has an item twice."""
        return f"(len(list_distinct({items})) <> len({items}))"

    def position(self, items: Sequence[str], item: str) -> str:
        """The place from 1 of an item in a list of literals, NULL if it is not there."""
        return f"list_position({self.list_of(items)}, {item})"

    def bits_of(self, items: str, name: str, bits: str) -> str:
        """Whole numbers, one an item, as one by OR; 0 of none, NULL of NULL."""
        found = f"list_aggregate({self.each(items, name, bits)}, 'bit_or')"
        return f"CASE WHEN {items} IS NOT NULL THEN COALESCE({found}, 0) END"

    def first_of(self, items: str, most: int) -> str:
        """The first so many items."""
        return f"list_slice({items}, 1, {most})"

    def before(self, text: str, mark: str) -> str:
        """What stands before the first of a mark; all of it without one."""
        return f"split_part({text}, {self.text(mark)}, 1)"

    def item(self, items: str, at: str) -> str:
        """The item at a place from 1, NULL beyond."""
        return f"list_extract({items}, {at})"

    def contains(self, items: str, item: str) -> str:
        return f"list_contains({items}, {item})"

    def field(self, struct: str, name: str) -> str:
        return f"{struct}.{self.quote(name)}"

    def struct(self, fields: Sequence[tuple[str, str]]) -> str:
        return "{" + ", ".join(f"{self.text(name)}: {sql}" for name, sql in fields) + "}"

    def entries(self, map_: str) -> str:
        """A map as a list of structs of key and value."""
        return f"map_entries({map_})"

    def map_of(self, pairs: Sequence[tuple[str, str, str]], value_kind: str) -> str:
        """A map with those keys (SQL) whose condition holds: (condition, key, value). Lists in it are as `distinct`."""
        return self.map_from(self.items_of(pairs, value_kind), value_kind)

    def items_of(self, pairs: Sequence[tuple[str, str, str]], value_kind: str) -> str:
        """The entries of such a map as a list, NULL for those whose condition does not hold."""
        struct = self.struct_type((("key", self.string), ("value", value_kind)))
        return self.list_of([
            f"CASE WHEN {condition} THEN {self.cast(self.struct((('key', key), ('value', value))), struct)} END"
            for condition, key, value in pairs
        ])  # fmt: skip

    def map_from(self, items: str, value_kind: str) -> str:
        kept = self.where(items, "e", "e IS NOT NULL")
        if value_kind == self.texts:  # here, so that the texts of long lists are written down once
            key, value = self.field("e", "key"), self.distinct(self.field("e", "value"))
            kept = self.each(kept, "e", self.struct((("key", key), ("value", value))))
        return f"map_from_entries({kept})"

    def empty_map(self, value_kind: str) -> str:
        return self.cast("MAP {}", self.map_type(self.string, value_kind))

    def keys_of(self, map_: str) -> str:
        """The keys of a map, each as a row of its own."""
        return f"unnest(map_keys({map_}))"

    # --- over rows

    def list_over(self, sql: str, condition: str, order: str) -> str:
        """An aggregate: the values of rows that meet a condition as a list, never NULL."""
        found = f"list({sql} ORDER BY {order}) FILTER (WHERE {condition})"
        return f"COALESCE({found}, [])"


class Spark(Dialect):
    """Spark SQL 4 with ANSI mode; 128 bits are DECIMAL(38,0)."""

    name = "spark"
    wide_lanes = False
    whole: Mapping[int, str] = {32: "INT", 64: "BIGINT", 128: "DECIMAL(38,0)"}
    string, texts = "STRING", "ARRAY<STRING>"
    repeated = 80
    _mark = "`"
    _quoted = re.compile(r"'(?:[^'\\]|\\.)*'|`((?:[^`]|``)+)`")

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def is_lambda(self, sql: str) -> bool:
        return "->" in sql

    def text(self, value: str) -> str:
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"

    def divide(self, top: str, bottom: str, bits: int) -> str:
        if bits < 128:
            return f"(({top}) div ({bottom}))"
        wide = self.whole[128]
        return f"CAST((CAST({top} AS {wide}) - CAST({top} AS {wide}) % ({bottom})) / ({bottom}) AS {wide})"

    def greatest_divisor(self, one: str, two: str) -> str:
        start = f"named_struct('a', CAST({one} AS DECIMAL(38,0)), 'b', CAST({two} AS DECIMAL(38,0)))"
        step = (
            "CASE WHEN s.b = 0 THEN s ELSE named_struct('a', s.b, 'b', CAST(s.a % s.b AS DECIMAL(38,0))) END"
        )
        return f"aggregate(sequence(1, 190), {start}, (s, i) -> {step}).a"

    def shift_left(self, sql: str, by: str) -> str:
        return f"shiftleft({sql}, {by})"

    def shift_right(self, sql: str, by: str) -> str:
        return f"shiftright({sql}, {by})"

    def full_match(self, text: str, pattern: str) -> str:
        whole = rf"\A(?:{pattern})\z"
        return f"({text} RLIKE {self.text(whole)})"

    def is_simple(self, text: str) -> str:
        return ""

    def code_of(self, text: str, codes: Mapping[str, int]) -> str:
        return (
            f"CASE {text} "
            + " ".join(f"WHEN {self.text(w)} THEN {code}" for w, code in codes.items())
            + " END"
        )

    def is_among(self, text: str, words: Iterable[str]) -> str:
        return f"({text} IN ({', '.join(map(self.text, words))}))"

    def has_match(self, text: str, pattern: str) -> str:
        return f"({text} RLIKE {self.text(pattern)})"

    def add_days(self, day: str, days: str) -> str:
        return f"date_add({day}, CAST({days} AS INT))"

    def days_between(self, start: str, end: str) -> str:
        return f"datediff({end}, {start})"

    def part(self, part: str, day: str) -> str:
        return f"{part}({day})"

    def list_of(self, items: Sequence[str], kind: str = "") -> str:
        found = f"array({', '.join(items)})"
        return self.cast(found, self.list_type(kind)) if kind and not items else found

    def list_type(self, kind: str) -> str:
        return f"ARRAY<{kind}>"

    def map_type(self, key: str, value: str) -> str:
        return f"MAP<{key}, {value}>"

    def word(self, texts: Iterable[str]) -> str:
        return self.string

    def keys_of(self, map_: str) -> str:
        return f"explode(map_keys({map_}))"

    def struct_type(self, fields: Sequence[tuple[str, str]]) -> str:
        return f"STRUCT<{', '.join(f'{self.quote(name)}: {kind}' for name, kind in fields)}>"

    def length(self, items: str) -> str:
        return f"CASE WHEN {items} IS NOT NULL THEN size({items}) END"

    def each(self, items: str, name: str, body: str) -> str:
        return f"transform({items}, {name} -> {body})"

    def each_numbered(self, items: str, name: str, body: Callable[[str], str]) -> str:
        return f"transform({items}, ({name}, n) -> {body('(n + 1)')})"

    def where(self, items: str, name: str, condition: str) -> str:
        return f"filter({items}, {name} -> {condition})"

    def joined(self, parts: Sequence[str]) -> str:
        none = f"CAST(array() AS {self.texts})"
        return (
            parts[0]
            if len(parts) == 1
            else f"concat({', '.join(f'COALESCE({part}, {none})' for part in parts)})"
        )

    def flat(self, lists: str) -> str:
        return f"flatten(filter({lists}, l -> l IS NOT NULL))"

    def distinct(self, items: str) -> str:
        return f"array_distinct({items})"

    def sorted(self, items: str) -> str:
        return f"array_sort({items})"

    def total(self, items: str, bits: int) -> str:
        kind = self.whole[bits]
        return f"COALESCE(aggregate({items}, CAST(0 AS {kind}), (a, b) -> CAST(a + b AS {kind})), CAST(0 AS {kind}))"

    def largest(self, items: str) -> str:
        return f"array_max({items})"

    def smallest(self, items: str) -> str:
        return f"array_min({items})"

    def any_true(self, items: str, name: str, condition: str) -> str:
        return f"exists({items}, {name} -> COALESCE({condition}, FALSE))"

    def has_twice(self, items: str) -> str:
        return f"(size(array_distinct({items})) <> size({items}))"

    def position(self, items: Sequence[str], item: str) -> str:
        return f"NULLIF(array_position({self.list_of(items)}, {item}), 0)"

    def bits_of(self, items: str, name: str, bits: str) -> str:
        return f"aggregate({items}, CAST(0 AS BIGINT), (acc, {name}) -> acc | {bits})"

    def first_of(self, items: str, most: int) -> str:
        return f"slice({items}, 1, {most})"

    def before(self, text: str, mark: str) -> str:
        return f"substring_index({text}, {self.text(mark)}, 1)"

    def item(self, items: str, at: str) -> str:
        return f"get({items}, {at} - 1)"

    def contains(self, items: str, item: str) -> str:
        return f"array_contains({items}, {item})"

    def struct(self, fields: Sequence[tuple[str, str]]) -> str:
        return "named_struct(" + ", ".join(f"{self.text(name)}, {sql}" for name, sql in fields) + ")"

    def empty_map(self, value_kind: str) -> str:
        return self.cast("map()", self.map_type(self.string, value_kind))

    def list_over(self, sql: str, condition: str, order: str) -> str:
        struct = f"CASE WHEN {condition} THEN named_struct('o', {order}, 'v', {sql}) END"
        return f"transform(array_sort(collect_list({struct})), e -> e.v)"


DIALECTS: dict[str, Dialect] = {"duckdb": Dialect(), "spark": Spark()}
