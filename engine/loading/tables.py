"""表: keys, figures and rows as written; a nested 值 becomes rows. Cells are read by `engine.tables`."""

from __future__ import annotations

from typing import Literal, cast

from engine.loading import problems
from engine.loading.kinds import FIGURES, Loading, kind_of_word, read_kind, read_options
from engine.loading.section import Section, is_blank, read_entries
from engine.names import normalize
from engine.nodes import Entry, Mapping, Node, Scalar, Sequence
from engine.policy import RowDecl, TableDecl
from engine.types import ANYTYPE, NumberT, Type

Mode = Literal["唯一", "首个", "合计", "累进"]

#: What rows call a key that has no name, and the only figure.
UNNAMED, FIGURE = "键", "值"
_MODES = ("唯一", "首个", "合计", "累进")
_WRITTEN = ("选项", "有序", "类型", "范围", "单位")

Keys = tuple[tuple[str, Node], ...]
Columns = tuple[tuple[str, Type], ...]


def read_tables(node: Node | None, loading: Loading) -> dict[str, TableDecl]:
    tables = {}
    for entry in read_entries(node, loading.found):
        name = normalize(entry.key.text)
        section = loading.section(entry)
        keys = _read_keys(section, loading)
        columns = _read_columns(section, name, keys, loading)
        tables[name] = TableDecl(
            name=name,
            key=entry.key,
            citation=section.citation,
            note=section.note,
            keys=keys,
            columns=columns,
            rows=_read_rows(section, keys, columns, loading),
            mode=cast(Mode, section.choice("方式", _MODES) or "唯一"),
        )
    return tables


def _read_keys(section: Section, loading: Loading) -> Keys:
    """按: names, or types written in place."""
    if not section.require("按"):
        return ()
    node = section.get("按")
    assert node is not None
    keys: dict[str, Node] = {}
    places: dict[str, Node] = {}
    for item in node.items if isinstance(node, Sequence) else (node,):
        pair = _read_key(item, loading)
        if pair is None:
            continue
        name, body = pair
        if name in keys:
            loading.found.append(problems.label_twice(item, "表的键", name, places[name]))
            continue
        keys[name], places[name] = body, item
    if not keys and isinstance(node, Sequence) and not node.items:
        loading.found.append(problems.bad_table_key(node, "表至少要有一个键"))
    return tuple(keys.items())


def _read_key(item: Node, loading: Loading) -> tuple[str, Node] | None:
    """(name, what types it): a name by itself, {名: …} or an unnamed {选项: …}."""
    if isinstance(item, Scalar) and not is_blank(item):
        return normalize(item.text), item
    if not isinstance(item, Mapping) or not item.entries:
        loading.found.append(problems.bad_table_key(item, "这里应为表的键"))
        return None
    if any(normalize(entry.key.text) in _WRITTEN for entry in item.entries):
        _check_written(item, item, loading)
        return UNNAMED, item
    first = item.entries[0]
    name, body = normalize(first.key.text), first.value
    if len(item.entries) > 1:
        loading.found.append(problems.bad_table_key(item.entries[1].key, "每个键单独写一项"))
    if isinstance(body, Mapping):
        _check_written(body, first.key, loading)
    elif not isinstance(body, Scalar) or is_blank(body):
        loading.found.append(problems.bad_table_key(first.key, f"键「{name}」没有写类型"))
        return name, first.key
    return name, body


def _check_written(body: Mapping, place: Node, loading: Loading) -> None:
    """The type of a key in place: {选项: […]} or {类型: …, 范围: …}."""
    section = Section(body, loading.found, place)
    for entry in body.entries:
        word = normalize(entry.key.text)
        if word not in _WRITTEN:
            loading.found.append(problems.bad_table_key(entry.key, f"键里不能写「{word}」"))
    if section.has("选项"):
        section.refuse("类型", "没有写「选项」的键")
        read_options(section, "", loading)
        return
    scalar = section.scalar("类型")
    if scalar is None:
        loading.found.append(problems.bad_table_key(place, "键要写「选项」或「类型」"))
        return
    kind_of_word(scalar, section.unit(), FIGURES, loading)


def _read_columns(section: Section, name: str, keys: Keys, loading: Loading) -> Columns:
    """栏目, or the only figure under the name ""."""
    if not section.has("栏目"):
        kind = read_kind(section, name, FIGURES, loading)
        return (("", kind.type if kind else NumberT()),)
    section.refuse("单位", "没有写「栏目」的表", "单位写在每个栏目里")
    section.refuse("类型", "没有写「栏目」的表", "类型写在每个栏目里")
    taken = dict(keys)
    columns: list[tuple[str, Type]] = []
    for entry in section.entries("栏目"):
        column = normalize(entry.key.text)
        if column in taken or column in ("依据", "说明"):
            first = taken.get(column, section.node)
            loading.found.append(problems.label_twice(entry.key, "键或栏目", column, first))
            continue
        found = read_kind(loading.section(entry), column, FIGURES, loading)
        columns.append((column, found.type if found else NumberT()))
    return tuple(columns) or (("", ANYTYPE),)


def _read_rows(section: Section, keys: Keys, columns: Columns, loading: Loading) -> tuple[RowDecl, ...]:
    names = [name for name, _ in keys]
    figures = [name for name, _ in columns]
    match section.one_of("值", "行"):
        case "行":
            rows = (_read_row(item, names, figures, loading) for item in section.items("行"))
            return tuple(row for row in rows if row is not None)
        case "值" if names:
            value = section.get("值")
            assert value is not None
            nested = _Nested(names, figures, loading)
            nested.read(value, section.node, ())
            return tuple(nested.rows)
    return ()


def _read_row(item: Node, names: list[str], figures: list[str], loading: Loading) -> RowDecl | None:
    """{key: member or band, figure: cell, 依据, 说明}."""
    if not isinstance(item, Mapping):
        loading.found.append(problems.wrong_shape(item, "一行", "一行写作 {键: …, 值: …}"))
        return None
    section = Section(item, loading.found, item)
    shown = {figure or FIGURE: figure for figure in figures}
    known = (*names, *shown, "依据", "说明")
    keys: list[tuple[str, Node]] = []
    cells: list[tuple[str, Node]] = []
    for entry in item.entries:
        word = normalize(entry.key.text)
        if word in names:
            keys.append((word, entry.value))
        elif word in shown:
            cells.append((shown[word], entry.value))
        elif word not in known:
            loading.found.append(problems.unknown_in_row(entry.key, word, known))
    citation, note = section.citation, section.note
    return RowDecl(keys=tuple(keys), cells=tuple(cells), key=item, citation=citation, note=note)


class _Nested:
    """值 as {member: {member: cell}} → rows; one remark about depth per table is enough."""

    def __init__(self, names: list[str], figures: list[str], loading: Loading) -> None:
        self.names, self.figures, self.loading = names, figures, loading
        self.rows: list[RowDecl] = []
        self.said = False

    def read(self, node: Node, place: Node, keys: tuple[tuple[str, Node], ...]) -> None:
        """One level: `keys` are those above it, `place` the key that holds it."""
        if len(keys) == len(self.names):
            self.cells(node, place, keys)
            return
        name = self.names[len(keys)]
        if not isinstance(node, Mapping):
            self.depth(node, f"这里少了一层，「{name}」的成员没有写")
            return
        for entry in node.entries:
            self.read(entry.value, entry.key, (*keys, (name, entry.key)))

    def cells(self, node: Node, place: Node, keys: tuple[tuple[str, Node], ...]) -> None:
        """The innermost level: one cell, or one per 栏目."""
        if self.figures == [""]:
            if not isinstance(node, Scalar):
                self.depth(node, "这里多了一层，应为一个值")
                return
            self.rows.append(RowDecl(keys=keys, cells=(("", node),), key=place))
            return
        if not isinstance(node, Mapping):
            self.depth(node, f"这里少了一层，栏目「{self.figures[0]}」等没有写")
            return
        cells = tuple(cell for entry in node.entries if (cell := self.cell(entry)) is not None)
        self.rows.append(RowDecl(keys=keys, cells=cells, key=place))

    def cell(self, entry: Entry) -> tuple[str, Node] | None:
        word = normalize(entry.key.text)
        if word in self.figures:
            return word, entry.value
        self.loading.found.append(problems.unknown_in_row(entry.key, word, self.figures))
        return None

    def depth(self, node: Node, message: str) -> None:
        if not self.said:
            self.said = True
            self.loading.found.append(problems.table_depth(node, len(self.names), message))
