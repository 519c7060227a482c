"""One mapping of the file read by key, each word as the value its key asks for.

A word that cannot be read is said in `found` and counts as not written, so that reading goes on.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date

from engine.diagnostics import Diagnostic
from engine.loading import problems
from engine.names import normalize
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.units import Unit, parse_unit
from engine.values import Number, parse_date, parse_number

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_WHOLE = re.compile(r"\d{1,6}\Z", re.ASCII)
_BLANK = frozenset(("", "~", "null"))
_BRACES = "公式里有括号时请整个加引号，或写在「|」之后"


def is_blank(node: Node | None) -> bool:
    """Nothing written: no node, or a plain scalar without text."""
    return node is None or (isinstance(node, Scalar) and not node.style and node.text.strip() in _BLANK)


def iso_date(text: str) -> date | None:
    """A date as policy files write it."""
    word = normalize(text)
    return parse_date(word) if _ISO.match(word) else None


def read_scalar(node: Node | None, found: list[Diagnostic], expected: str = "一个值") -> Scalar | None:
    """A single value, or None where nothing is written."""
    if node is None or is_blank(node):
        return None
    if not isinstance(node, Scalar):
        found.append(problems.wrong_shape(node, expected, _BRACES if expected == "公式" else ""))
        return None
    return node


def read_scalars(node: Node | None, found: list[Diagnostic]) -> tuple[Scalar, ...]:
    """A list of single values; one alone counts as a list of one."""
    if node is None or is_blank(node):
        return ()
    items = node.items if isinstance(node, Sequence) else (node,)
    scalars = (read_scalar(item, found) for item in items)
    return tuple(scalar for scalar in scalars if scalar is not None)


def read_items(node: Node | None, found: list[Diagnostic]) -> tuple[Node, ...]:
    """The items of a list."""
    if node is None or is_blank(node):
        return ()
    if not isinstance(node, Sequence):
        found.append(problems.wrong_shape(node, "列表", "每项另起一行，以「- 」开头"))
        return ()
    return node.items


def read_entries(node: Node | None, found: list[Diagnostic]) -> tuple[Entry, ...]:
    """The entries of a mapping, in the order of the file."""
    if node is None or is_blank(node):
        return ()
    if not isinstance(node, Mapping):
        found.append(problems.wrong_shape(node, "「键: 值」"))
        return ()
    return node.entries


def read_day(node: Scalar, found: list[Diagnostic]) -> date | None:
    day = iso_date(node.text)
    if day is None:
        found.append(problems.not_date(node, node.text))
    return day


def read_number(node: Scalar, found: list[Diagnostic]) -> Number | None:
    number = parse_number(normalize(node.text))
    if number is None:
        found.append(problems.not_number(node, node.text))
    return number


class Section:
    """The keys of one declaration. `node` places what is missing: the declaration's key where it has one."""

    def __init__(self, body: Node | None, found: list[Diagnostic], node: Node) -> None:
        self.found, self.node = found, node
        self._entries = {normalize(entry.key.text): entry for entry in read_entries(body, found)}

    def has(self, key: str) -> bool:
        return key in self._entries and not is_blank(self._entries[key].value)

    def get(self, key: str) -> Node | None:
        entry = self._entries.get(key)
        return entry.value if entry else None

    def key(self, key: str) -> Scalar:
        """The key itself, to place a remark about it; only for keys that are there."""
        return self._entries[key].key

    def keys(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def require(self, key: str, reason: str = "") -> bool:
        """Whether the key is there; says so if it is not."""
        if self.has(key):
            return True
        self.found.append(problems.missing_key(self.node, key, reason))
        return False

    def refuse(self, key: str, where: str, hint: str = "") -> None:
        """Says that a key, if it is written, only goes with something else."""
        if key in self._entries:
            self.found.append(problems.key_out_of_place(self.key(key), key, where, hint))

    def scalar(self, key: str) -> Scalar | None:
        return read_scalar(self.get(key), self.found)

    def formula(self, key: str) -> Scalar | None:
        return read_scalar(self.get(key), self.found, "公式")

    def scalars(self, key: str) -> tuple[Scalar, ...]:
        return read_scalars(self.get(key), self.found)

    def items(self, key: str) -> tuple[Node, ...]:
        return read_items(self.get(key), self.found)

    def entries(self, key: str) -> tuple[Entry, ...]:
        return read_entries(self.get(key), self.found)

    def text(self, key: str) -> str:
        scalar = self.scalar(key)
        return scalar.text.strip() if scalar else ""

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(scalar.text.strip() for scalar in self.scalars(key))

    def word(self, key: str) -> str:
        """A text normalised as names are."""
        scalar = self.scalar(key)
        return normalize(scalar.text) if scalar else ""

    @property
    def citation(self) -> Scalar | None:
        return self.scalar("依据")

    @property
    def note(self) -> str:
        return self.text("说明")

    def flag(self, key: str) -> bool:
        scalar = self.scalar(key)
        if scalar is None:
            return False
        if normalize(scalar.text) not in ("是", "否"):
            self.found.append(problems.not_flag(scalar, scalar.text))
        return normalize(scalar.text) == "是"

    def day(self, key: str) -> date | None:
        scalar = self.scalar(key)
        return read_day(scalar, self.found) if scalar else None

    def whole(self, key: str) -> int | None:
        """A whole number, zero or more."""
        scalar = self.scalar(key)
        if scalar is None:
            return None
        if not _WHOLE.match(normalize(scalar.text)):
            self.found.append(problems.not_number(scalar, scalar.text, "整数"))
            return None
        return int(normalize(scalar.text))

    def unit(self, key: str = "单位") -> Unit | None:
        scalar = self.scalar(key)
        if scalar is None:
            return None
        unit = parse_unit(normalize(scalar.text))
        if unit is None:
            self.found.append(problems.not_unit(scalar, scalar.text))
        return unit

    def choice(self, key: str, choices: Collection[str]) -> str:
        """One of a few words, or "" where none is written."""
        scalar = self.scalar(key)
        if scalar is None:
            return ""
        word = normalize(scalar.text)
        if word not in choices:
            self.found.append(problems.not_choice(scalar, scalar.text, choices))
            return ""
        return word

    def one_of(self, *keys: str) -> str:
        """Which of keys that exclude each other is written; "" (and said) if none, the first if several."""
        given = [key for key in keys if self.has(key)]
        if len(given) != 1:
            self.found.append(problems.exactly_one(self.node, keys, given))
        return given[0] if given else ""
