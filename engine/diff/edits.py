"""Two versions → `Difference`: every edit with its article, class, reach and the sentence that would order it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from engine import nodes
from engine.citations import Article, parse_citation
from engine.diff.changes import Change, Item, Path, changes, plain
from engine.diff.classes import Classifier, Side, Verdict, with_names
from engine.diff.meaning import Key, meaning_fingerprint, reads_alike, wording_fingerprint
from engine.diff.model import Difference, Edit
from engine.diff.sentences import amending_sentence
from engine.loading.section import iso_date
from engine.names import normalize
from engine.nodes import Mapping, Node, Scalar
from engine.policy import Policy
from engine.program import Program
from engine.types import NumberT
from engine.values import parse_number

SECTIONS = ("引用", "选项组", "字段", "参数", "表", "口径", "规则", "集体", "情形", "程序")


def difference(old: tuple[Node, Program], new: tuple[Node, Program]) -> Difference:
    """What `new` changes against `old`, each a whole policy as nodes (`loader.Whole.root`) and as a checked program."""
    before, after = Side(old[1]), Side(new[1])
    renamed = renames(before, after)
    paths: dict[Path, dict[str, str]] = {}
    for (section, was), now in renamed.items():
        paths.setdefault((section,), {})[was] = now
    label = _Labels(old[1].policy, new[1].policy)
    found = changes(old[0], new[0], label, paths)
    classifier = Classifier(before, after, renamed)
    teller = _Teller(old, new, before, after, classifier)
    edits = tuple(edit for change in found for edit in teller.edits(change))
    return Difference(
        old[1].policy,
        new[1].policy,
        tuple(sorted(edits, key=_by_article)),
        {was: now for (section, was), now in renamed.items() if section in ("规则", "情形", "集体")},
        (meaning_fingerprint(before.meanings), meaning_fingerprint(after.meanings)),
        (wording_fingerprint(old[0]), wording_fingerprint(new[0])),
        reads_alike(before.meanings, after.meanings),
    )


def renames(old: Side, new: Side) -> dict[Key, str]:
    """Declarations that went on under another name: what they mean and how they are used is the same, and no other
    declaration could be meant. Section and old name → new name."""
    found: dict[Key, str] = {}
    while True:
        names = {was: now for (_, was), now in found.items()}
        gone = [key for key in old.meanings if key not in new.meanings and key not in found]
        come = [key for key in new.meanings if key not in old.meanings and key[1] not in names.values()]
        pairs = [
            (was, now)
            for was in gone
            for now in come
            if was[0] == now[0] and _goes_on(old, new, was, now, names)
        ]
        alone = [
            (was, now)
            for was, now in pairs
            if sum(other[0] == was for other in pairs) == sum(other[1] == now for other in pairs) == 1
        ]
        if not alone:
            return found
        found.update({was: now[1] for was, now in alone})


def _goes_on(old: Side, new: Side, was: Key, now: Key, names: dict[str, str]) -> bool:
    known = {**names, was[1]: now[1]}
    if with_names(old.meanings[was], known) != new.meanings[now]:
        return False
    users = old.users.get(was[1], set())
    if not users:
        return was[0] in ("规则", "情形", "集体")
    uses = {key[1]: key for key in old.meanings}
    return any(
        with_names(old.meanings[uses[user]], known)
        == new.meanings.get((uses[user][0], known.get(user, user)))
        for user in users
        if user in uses
    )


class _Labels:
    """What names an item of a list: the keys of a row, the 名称 or 当 of an exception, who does what in a step."""

    def __init__(self, *policies: Policy) -> None:
        self.keys: dict[str, set[str]] = {}
        for policy in policies:
            for name, table in policy.tables.items():
                self.keys.setdefault(name, set()).update(key for key, _ in table.keys)

    def __call__(self, path: Path, item: Node) -> Any:
        if not isinstance(item, Mapping):
            return plain(item)
        words = {normalize(entry.key.text): plain(entry.value) for entry in item.entries}
        if path[0] == "表" and len(path) > 1:
            return {key: words[key] for key in self.keys.get(str(path[1]), ()) if key in words}
        for keys in (("名称",), ("当",), ("主体", "事项")):
            if keys[0] in words:
                return [words.get(key) for key in keys]
        return words


class _Teller:
    """Changes → edits."""

    def __init__(
        self,
        old: tuple[Node, Program],
        new: tuple[Node, Program],
        before: Side,
        after: Side,
        classes: Classifier,
    ) -> None:
        self.old, self.new, self.before, self.after, self.classes = old, new, before, after, classes

    def edits(self, change: Change) -> Iterator[Edit]:
        """A change of a whole section is told declaration by declaration."""
        if len(change.path) == 1 and change.renamed is None and change.path[0] in (*SECTIONS, "条文"):
            for side in (change.before, change.after):
                if isinstance(side, Mapping):
                    for entry in side.entries:
                        path = (*change.path, normalize(entry.key.text))
                        gone = side is change.before
                        yield self.edit(
                            Change(
                                path, entry.value if gone else None, None if gone else entry.value, entry.key
                            )
                        )
            return
        yield self.edit(change)

    def edit(self, change: Change) -> Edit:
        path = change.path
        section, name = str(path[0]), str(path[1]) if len(path) > 1 else ""
        old, new = self.values(change, section, name)
        was = self.classes.was.get(name, name)
        old_unit = self.unit(self.before.program, section, was, path)
        unit = self.unit(self.after.program, section, name, path)
        same_unit = old_unit == unit
        verdict = self.classes.of(change, old if same_unit else None, new if same_unit else None)
        if not same_unit and verdict.kind == "无法判断":
            verdict = Verdict("结构变化")
        articles = self.articles(change)
        action: Any = "增加" if change.before is None else "删除" if change.after is None else "修改"
        before, after = _shown(change.before), _shown(change.after)
        if change.renamed is not None and change.key is not None:
            action, before, after = "改名", change.key.text.strip(), change.renamed.text.strip()
        reaches = dict.fromkeys((*self.after.reached(name), *self.before.reached(was)))
        if verdict.kind == "仅文字" or section not in SECTIONS:
            reaches = {}
        edit = Edit(
            change,
            action,
            section,
            name,
            self.part(change),
            before,
            after,
            old,
            new,
            old_unit,
            unit,
            articles,
            verdict.kind,
            tuple(self.classes.names.get(result, result) for result in reaches),
            verdict.effect,
        )
        return amending_sentence(edit, self.before.program, self.after.program)

    def values(self, change: Change, section: str, name: str) -> tuple[Any, Any]:
        """Both values where a figure changed into a figure."""
        if not (isinstance(change.before, Scalar) and isinstance(change.after, Scalar)):
            return None, None
        dated = section == "政策" and change.path[1:] in (("施行",), ("失效",), ("印发",))
        if not dated and (section not in ("参数", "表") or change.path[2:3] not in (("值",), ("行",))):
            return None, None
        texts = normalize(change.before.text), normalize(change.after.text)
        for read in (parse_number, iso_date):
            values: list[Any] = [read(text) for text in texts]
            if None not in values:
                return values[0], values[1]
        return None, None

    def unit(self, program: Program, section: str, name: str, path: Path) -> str:
        """The unit of a figure in one version, "" of a bare number."""
        kind: Any = None
        if section == "参数" and name in program.policy.params:
            kind = program.policy.params[name].type
        elif section == "表" and name in program.tables:
            columns, keys = program.tables[name].columns, dict(program.tables[name].keys)
            limit = keys.get(str(path[4])) if path[2:3] == ("行",) and len(path) > 4 else None
            kind = limit or columns.get(str(path[-1])) or columns.get("")
        return str(kind.unit) if isinstance(kind, NumberT) and not kind.unit.is_bare else ""

    def articles(self, change: Change) -> tuple[Article, ...]:
        """The nearest 依据 around a change; else the 条文 that 见 its declaration."""
        path = change.path
        if path[0] == "条文" and len(path) > 1:
            return parse_citation(str(path[1]))
        own = change.after if change.after is not None else change.before
        root = self.old[0] if change.after is None and change.renamed is None else self.new[0]
        cited = _cited(root, path, "old" if root is self.old[0] else "new")
        if isinstance(own, Mapping):
            inner = own.get("依据")
            cited = inner.text if isinstance(inner, Scalar) else cited
        if path[-1] == "依据" and isinstance(own, Scalar):
            cited = own.text
        if cited:
            return parse_citation(cited)
        name = str(path[1]) if len(path) > 1 else ""
        for side in (self.new[1].policy, self.old[1].policy):
            for article, decl in side.provisions.items():
                if any(normalize(word.text) == name for word in decl.sees):
                    return parse_citation(article)
        return ()

    def part(self, change: Change) -> str:
        """Which part of its declaration a change is about, in words."""
        words: list[str] = []
        path = change.path
        node: Node | None = None
        for at, step in enumerate(path):
            if at < 2:
                continue
            if isinstance(step, Item):
                node = _node_at(self.old[0], path[: at + 1], "old") or _node_at(
                    self.new[0], path[: at + 1], "new"
                )
                words.append(_item_words(node, self.keys_of(path)))
            else:
                words.append(step)
        whole = change.after if change.after is not None else change.before
        if isinstance(whole, nodes.Sequence):
            words += [words_ for item in whole.items if (words_ := _item_words(item, self.keys_of(path)))]
        if words[:1] == ["值"] and len(words) > 1:
            words = (
                [f"[{'，'.join(words[1:])}]"]
                if path[0] == "表"
                else [word for word in words[1:] if word != "值"]
            )
        return " ".join(word for word in words if word)

    def keys_of(self, path: Path) -> tuple[str, ...]:
        for policy in (self.new[1].policy, self.old[1].policy):
            if path[0] == "表" and str(path[1]) in policy.tables:
                return tuple(key for key, _ in policy.tables[str(path[1])].keys)
        return ()


def _node_at(root: Node | None, path: Iterable[str | Item], side: str) -> Node | None:
    node = root
    for step in path:
        if isinstance(step, Item):
            number = step.old if side == "old" else step.new
            inside = isinstance(node, nodes.Sequence) and number is not None and number < len(node.items)
            node = (
                node.items[number]
                if inside and isinstance(node, nodes.Sequence) and number is not None
                else None
            )
        else:
            node = node.get(step) if isinstance(node, Mapping) else None
    return node


def _cited(root: Node, path: Path, side: str) -> str:
    """The 依据 nearest above a path."""
    cited = ""
    for length in range(1, len(path)):
        node = _node_at(root, path[:length], side)
        found = node.get("依据") if isinstance(node, Mapping) else None
        cited = found.text if isinstance(found, Scalar) else cited
    return cited


def _item_words(node: Node | None, keys: tuple[str, ...]) -> str:
    """What an item of a list is called."""
    if isinstance(node, Scalar):
        return f"「{node.text.strip()}」"
    if not isinstance(node, Mapping):
        return ""
    words = {normalize(entry.key.text): entry.value for entry in node.entries}
    if keys:
        return f"[{'，'.join(_shown(words[key]) for key in keys if key in words)}]"
    for key in ("名称", "当", "事项"):
        if key in words:
            return f"「{_shown(words[key])}」"
    return ""


def _shown(node: Node | None) -> str:
    """A node on one line, as written."""
    match node:
        case None:
            return ""
        case Scalar(text=text):
            return " ".join(text.split())
        case nodes.Sequence(items=items):
            return f"[{', '.join(_shown(item) for item in items)}]"
    return f"{{{', '.join(f'{entry.key.text.strip()}: {_shown(entry.value)}' for entry in node.entries)}}}"


def _by_article(edit: Edit) -> tuple[Any, ...]:
    """Version first, then article by article; without one, last."""
    if edit.section == "政策":
        return (0,)
    if not edit.articles:
        return (2,)
    first = edit.articles[0]
    return (1, first.document, first.number, first.inserted, first.annex, first.item, first.sub)
