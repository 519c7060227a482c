"""What a source hands over: records as raw cells, before any type is known.

Owns the shapes that JSON and YAML share (a list, 数据日期/记录/单位, a single record). Cells are text, `NumberText`,
`DayText`, True, False, None, mappings and lists, or a `Bad` where a source knows that there is no value;
`engine.records.typed` reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.names import normalize
from engine.records.problems import Problem, no_records, shape_of_file, unknown_top_key

DATA_DATE, RECORDS, UNITS = "数据日期", "记录", "单位"


class NumberText(str):
    """A number as its decimal text: exact, and known not to have been written as a text."""

    __slots__ = ()


class DayText(str):
    """The date of a cell that holds a real date, as 2021-05-27: known not to have been written as a text."""

    __slots__ = ()


class Doubled(dict[str, Any]):
    """An object in which keys were written twice; those keys are left out of it."""

    __slots__ = ("keys_twice",)

    def __init__(self, kept: dict[str, Any], keys_twice: tuple[str, ...]) -> None:
        super().__init__(kept)
        self.keys_twice = keys_twice


def without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs of an object as a mapping; none of two values of one key is taken."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    times = Counter(key for key, _ in pairs)
    twice = tuple(key for key, count in times.items() if count > 1)
    return Doubled({key: value for key, value in found.items() if key not in twice}, twice)


@dataclass(slots=True)
class RawRecord:
    """One record as written. `row` is its line in a table (the first of several), else its place in the list."""

    row: int
    cells: Any
    line: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class RawRoster:
    """`noun` counts rows in messages: 行 of a table, 条 of a list, "" for a single record.

    `locate`: row (0: of no row) and heading → the cell, where a source has better places than lines.
    """

    records: list[RawRecord]
    units: Any = None
    data_date: Any = None
    noun: str = "条"
    header_line: int = 0
    notes: list[Problem] = field(default_factory=list)
    locate: Callable[[int, str], str] | None = None

    @property
    def single(self) -> bool:
        return not self.noun


def sort_out(document: Any, is_heading: Callable[[str], bool]) -> RawRoster | Problem:
    """A document → its records: a list, an object with 记录, or one record. The Problem says why it is none of them."""
    if isinstance(document, list):
        return _roster(document, None, None, []) if document else no_records()
    if not isinstance(document, dict):
        return shape_of_file()
    if isinstance(document, Doubled):
        reserved = [key for key in document.keys_twice if normalize(key) in (DATA_DATE, RECORDS, UNITS)]
        if reserved:
            return shape_of_file(f"「{reserved[0]}」写了两次")
    keys = {normalize(str(key)): key for key in document}
    own = {key: document[keys[key]] for key in (DATA_DATE, RECORDS, UNITS) if key in keys}
    records = own.get(RECORDS)
    if isinstance(records, list):
        strange = [unknown_top_key(word) for word in keys if word not in own]
        if isinstance(document, Doubled):
            strange += [unknown_top_key(word) for word in document.keys_twice]
        if not records and not own.get(UNITS):
            return no_records()
        return _roster(records, own.get(UNITS), own.get(DATA_DATE), strange[:20])
    if RECORDS in own and not is_heading(RECORDS):
        return shape_of_file("「记录」应为列表")
    taken = {key for key in (DATA_DATE, UNITS) if key in own and not is_heading(key)}
    left = {key: value for key, value in document.items() if normalize(str(key)) not in taken}
    if taken and not left:
        return shape_of_file("没有写「记录」")
    if isinstance(document, Doubled):
        left = Doubled(left, document.keys_twice)
    units = own.get(UNITS) if UNITS in taken else None
    data_date = own.get(DATA_DATE) if DATA_DATE in taken else None
    return RawRoster([RawRecord(1, left)], units, data_date, noun="")


def _roster(records: list[Any], units: Any, data_date: Any, notes: list[Problem]) -> RawRoster:
    numbered = [RawRecord(row, cells) for row, cells in enumerate(records, 1)]
    return RawRoster(numbered, units, data_date, notes=notes)
