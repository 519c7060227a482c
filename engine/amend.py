"""修订 and 细化: a file of changes laid over the file that it changes, as nodes (language §8).

Mappings merge key by key, lists and single values are replaced, 删除 takes paths. Every node keeps its own source, so
that whatever is read from the result knows which document said it. Where the base is found is left to `registry`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.diagnostics import Diagnostic, Place, place_of
from engine.loading.section import is_blank, read_scalars
from engine.names import misspelt, normalize, suggest
from engine.nodes import Entry, Mapping, Node, Scalar

Path = tuple[str, ...]

AMENDS, IMPLEMENTS = "修订", "细化"

#: What 政策 of the result takes from the base where the change does not say it.
_TAKEN = {AMENDS: ("系列", "名称", "发文机关", "层级", "标识"), IMPLEMENTS: ("标识",)}
_LEVELS = ("国家", "省", "市", "区县")
_FIXED = ("格式", "政策", "用例", "删除")

#: What of a delegated entry stays with the level that delegates it.
_FRAME = ("授权", "范围", "类型", "单位", "按", "栏目", "周期")

_HOW_TO_DELETE = "写作 规则.某某、表.某表、规则.某某.例外"

#: The dots of a path; one that ends a key (「第六条（一）1.」) is none.
_DOT = re.compile(r"\.(?!\.|\s*$)")

#: Sections whose names are words of their own; those of 条文 are numbers.
_NAMED = ("字段", "参数", "表", "口径", "规则", "集体", "情形", "程序")


@dataclass(frozen=True, slots=True)
class Based:
    """What a file is laid over: `relation` is 修订 or 细化, `word` the 编号 as written."""

    relation: str
    word: Scalar

    @property
    def id(self) -> str:
        return normalize(self.word.text)


@dataclass(frozen=True, slots=True)
class Above:
    """The whole policy of a higher level, its 编号, and the level that fills in what it delegates: by a 细化, and by
    whatever amends that."""

    id: str
    root: Mapping
    level: str


def based_on(root: Node | None) -> Based | None:
    """The base that a file names, or None for a file that stands by itself."""
    meta = root.get("政策") if isinstance(root, Mapping) else None
    if not isinstance(meta, Mapping):
        return None
    for relation in (AMENDS, IMPLEMENTS):
        word = meta.get(relation)
        if isinstance(word, Scalar) and not is_blank(word):
            return Based(relation, word)
    return None


def word_of(root: Node | None, key: str) -> str:
    """A word under 政策, or ""."""
    meta = root.get("政策") if isinstance(root, Mapping) else None
    value = meta.get(key) if isinstance(meta, Mapping) else None
    return normalize(value.text) if isinstance(value, Scalar) and not is_blank(value) else ""


def merge(
    base: Mapping, change: Mapping, based: Based, above: Above | None = None
) -> tuple[Mapping, list[Diagnostic]]:
    """The whole policy that a base and its change make; `above` is what the base, a 细化, fills in.

    E442 a 删除 that meets nothing; E443 施行 before the base's; E445 a change of what is not left to this level; E446 a
    blank where the base has something; E449 印发 before the base's; W815 a new name that looks like one misspelt."""
    found = [*_check_written(change), *_check_time(base, change, based)]
    wrong_level = [*_check_level(base, change, based)]
    found += wrong_level
    if above is not None and not wrong_level:
        found += _check_delegated(above, change)
    kept: Mapping = Mapping(
        tuple(_without_own(entry, based) for entry in base.entries if _name(entry) != "用例"),
        base.flow,
        base.source,
        base.span,
    )
    for path, word in deletions(change):
        after = _without(kept, path)
        if after is None:
            found.append(_nothing_there(word, kept, path))
        else:
            kept = after
    laid = Mapping(
        tuple(entry for entry in change.entries if _name(entry) != "删除"),
        change.flow,
        change.source,
        change.span,
    )
    found += _check_added(kept, laid, delegated=above is not None)
    merged = _laid_over(kept, laid, found)
    return Mapping(merged.entries, change.flow, change.source, change.span), found


def deletions(change: Mapping) -> Iterator[tuple[Path, Scalar]]:
    """The paths of 删除, with the words as written."""
    for word in read_scalars(change.get("删除"), []):
        yield tuple(normalize(part) for part in _DOT.split(normalize(word.text)) if part.strip()), word


def touched(change: Mapping) -> dict[Path, Node]:
    """Every leaf that a change writes or deletes, by path, with where; of 政策 nothing."""
    found: dict[Path, Node] = dict(deletions(change))
    for entry in change.entries:
        if _name(entry) not in _FIXED:
            found.update(_leaves(entry.value, (_name(entry),), entry.key))
    return found


def both_touch(one: Mapping, other: Mapping) -> list[tuple[Path, Node]]:
    """Places of `one` that `other` touches as well, or that hold or lie within what it touches."""
    theirs = touched(other)
    return [
        (path, node)
        for path, node in touched(one).items()
        if any(path[: len(their)] == their or their[: len(path)] == path for their in theirs)
    ]


def _leaves(node: Node, path: Path, key: Scalar) -> Iterator[tuple[Path, Node]]:
    if isinstance(node, Mapping) and node.entries:
        for entry in node.entries:
            yield from _leaves(entry.value, (*path, _name(entry)), entry.key)
    else:
        yield path, key


def _name(entry: Entry) -> str:
    return normalize(entry.key.text)


def _without_own(entry: Entry, based: Based) -> Entry:
    """政策 of the base without what holds only for the base itself."""
    if _name(entry) != "政策" or not isinstance(entry.value, Mapping):
        return entry
    meta = entry.value
    taken = tuple(inner for inner in meta.entries if _name(inner) in _TAKEN[based.relation])
    if based.relation == AMENDS and meta.get("系列") is None:
        taken = (*taken, *_as_series(meta))
    return Entry(entry.key, Mapping(taken, meta.flow, meta.source, meta.span))


def _as_series(meta: Mapping) -> Iterator[Entry]:
    """A base without 系列 is a line of its own 编号."""
    for entry in meta.entries:
        if _name(entry) == "编号":
            key = Scalar("系列", "", entry.key.source, entry.key.span)
            yield Entry(key, entry.value)


def _without(node: Mapping, path: Path) -> Mapping | None:
    """A mapping without what stands at a path, or None if nothing does."""
    if not path or (path[0] in _FIXED and len(path) == 1):
        return None
    entries: list[Entry] = []
    hit = False
    for entry in node.entries:
        if _name(entry) != path[0]:
            entries.append(entry)
            continue
        hit = True
        if len(path) > 1:
            inner = _without(entry.value, path[1:]) if isinstance(entry.value, Mapping) else None
            if inner is None:
                return None
            if inner.entries or len(path) > 2:
                entries.append(Entry(entry.key, inner))
    return Mapping(tuple(entries), node.flow, node.source, node.span) if hit else None


def _laid_over(base: Mapping, change: Mapping, found: list[Diagnostic]) -> Mapping:
    news = {_name(entry): entry for entry in change.entries}
    entries: list[Entry] = []
    for entry in base.entries:
        new = news.pop(_name(entry), None)
        if new is None:
            entries.append(entry)
        elif isinstance(entry.value, Mapping) and isinstance(new.value, Mapping):
            key = new.key if _name(entry) == "政策" else entry.key
            entries.append(Entry(key, _laid_over(entry.value, new.value, found)))
        elif is_blank(new.value) and not is_blank(entry.value):
            found.append(_blank(new, entry))
            entries.append(entry)
        else:
            entries.append(new)
    return Mapping((*entries, *news.values()), base.flow, base.source, base.span)


def added(base: Mapping, change: Mapping) -> Iterator[tuple[str, Entry]]:
    """Section and declaration of each name that a change declares and the base does not."""
    for section in change.entries:
        known = base.get(_name(section))
        if _name(section) in _FIXED or not isinstance(section.value, Mapping):
            continue
        for entry in section.value.entries:
            if not isinstance(known, Mapping) or known.get(_name(entry)) is None:
                yield _name(section), entry


def _check_written(change: Mapping) -> Iterator[Diagnostic]:
    """What a change says of itself and the whole that it makes no longer shows."""
    if change.get("格式") is None:
        yield Diagnostic("E202", "文件缺少「格式」", _at(change.entries[0].key), "写作「格式: 1」")
    wrong: list[Diagnostic] = []
    read_scalars(change.get("删除"), wrong)
    for problem in wrong:
        yield replace(problem, hint=f"「删除」{_HOW_TO_DELETE}")


def _check_added(base: Mapping, change: Mapping, delegated: bool) -> Iterator[Diagnostic]:
    """A misspelt name would be a declaration of its own beside the one that was meant, which stays as it was;
    `delegated`: only what is marked 授权 can have been meant."""
    words = _words(change)
    for section, entry in added(base, change):
        above = base.get(section)
        if section not in _NAMED or not isinstance(above, Mapping):
            continue
        name = _name(entry)
        known = {
            _name(e): e.value
            for e in above.entries
            if not delegated or _node_at(e.value, ("授权",)) is not None
        }
        meant = misspelt(name, known)
        if not meant or any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", word) for word in words):
            continue
        own = _node_at(entry.value, ("依据",))
        if own is None or _alike(own, _node_at(known[meant], ("依据",))):
            fact = f"原文件没有「{section}.{name}」，这里是新增，「{meant}」不变"
            hint = f"要改的若是「{meant}」，请改正名称；确是新增的，请写上它自己的依据"
            yield Diagnostic("W815", fact, _at(entry.key), hint)


def _words(node: Node) -> list[str]:
    """Everything that a change says beside keys."""
    if isinstance(node, Mapping):
        return [word for entry in node.entries for word in _words(entry.value)]
    if isinstance(node, Scalar):
        return [normalize(node.text)]
    return [word for item in node.items for word in _words(item)]


def _check_time(base: Mapping, change: Mapping, based: Based) -> Iterator[Diagnostic]:
    own, of_base = word_of(change, "施行"), word_of(base, "施行")
    if own and of_base and own < of_base:
        fact = f"施行日期早于它所{based.relation}的「{based.id}」的施行日期 {of_base}"
        place = _at(_node_at(change, ("政策", "施行")) or based.word)
        yield Diagnostic("E443", fact, place, "追溯调整的施行日期，不能早于原文件施行")
    known, of_base = word_of(change, "印发") or own, word_of(base, "印发")
    if known and of_base and known < of_base:
        fact = f"它（{known}）早于所{based.relation}的「{based.id}」的印发日期 {of_base}"
        place = _at(_node_at(change, ("政策", "印发")) or based.word)
        hint = f"请{based.relation}当时已经印发的一版；后来的追溯修订，另写一个施行日期相同、印发在后的文件"
        yield Diagnostic("E449", fact, place, hint)


def _check_level(base: Mapping, change: Mapping, based: Based) -> Iterator[Diagnostic]:
    """A lower level implements, the same level amends."""
    own, above = word_of(change, "层级"), word_of(base, "层级")
    known = own in _LEVELS and above in _LEVELS
    lower = known and _LEVELS.index(own) > _LEVELS.index(above)
    if based.relation == IMPLEMENTS and not lower:
        fact = f"细化「{based.id}」的文件，层级应低于它（{above or '没有写层级'}）"
        yield Diagnostic("E445", fact, _at(based.word), "请在「政策」里写明层级：国家、省、市、区县")
    if based.relation == AMENDS and lower:
        fact = f"修订「{based.id}」的文件，层级不能低于它（{above}）"
        yield Diagnostic("E445", fact, _at(based.word), "下级的文件写「细化」，只填写标有「授权」的条目")


def _check_delegated(above: Above, change: Mapping) -> Iterator[Diagnostic]:
    """A lower level fills in what is left to it, within its frame, and adds names of its own."""
    said: set[Path] = set()
    for path, node in touched(change).items():
        entry = path[:2]
        declared = _node_at(above.root, entry)
        if entry in said or declared is None:
            continue
        name, hint = ".".join(entry), "只能填写标有「授权」的条目，或增加自己的名称"
        left = declared.get("授权") if isinstance(declared, Mapping) else None
        if not (isinstance(left, Scalar) and normalize(left.text) == above.level):
            fact = f"「{above.id}」没有把「{name}」授权给{above.level}"
        elif path[2:] == () and isinstance(node, Scalar) and path in dict(deletions(change)):
            fact, hint = f"「{above.id}」授权填写「{name}」，没有授权删去它", "请写上要填的值"
        elif (
            path[2:3] and path[2] in _FRAME and not _alike(_node_at(change, path), _node_at(above.root, path))
        ):
            fact = f"「{above.id}」授权填写「{name}」，没有授权改它的「{path[2]}」"
            hint = "授权、范围、类型、单位等由原文件规定"
        else:
            continue
        said.add(entry)
        yield Diagnostic("E445", fact, _at(node), hint, (("原文件写在这里", _at(declared)),))


def _alike(one: Node | None, other: Node | None) -> bool:
    return one is not None and other is not None and _words(one) == _words(other)


def _node_at(node: Node | None, path: Path) -> Node | None:
    for step in path:
        node = node.get(step) if isinstance(node, Mapping) else None
    return node


def _at(node: Node) -> Place:
    return place_of(node.source, node.span)


def _nothing_there(word: Scalar, base: Mapping, path: Path) -> Diagnostic:
    above = _node_at(base, path[:-1])
    known = [_name(entry) for entry in above.entries] if isinstance(above, Mapping) else []
    hint = suggest(path[-1], known) if path else ""
    return Diagnostic(
        "E442",
        f"要删除的「{word.text.strip()}」在原文件里没有",
        _at(word),
        hint or _HOW_TO_DELETE,
    )


def _blank(new: Entry, old: Entry) -> Diagnostic:
    name = new.key.text.strip()
    return Diagnostic(
        "E446",
        f"「{name}」是空的，原文件里有内容",
        _at(new.key),
        "不改的键不写；要删去的写在「删除」里",
        (("原文件写在这里", _at(old.key)),),
    )
