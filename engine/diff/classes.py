"""What kind of change an edit is, and which way it moves the results.

收紧: conditions of an amount's or a right's 适用, or of a 校验, hold in fewer cases, an amount or right that depends on a
condition can only shrink (an 例外 that gives less comes, one that gives more goes), a 情形 holds in more cases, or a 校验 covers
more people. 放宽: the opposite. Said only where it holds for every record; otherwise 无法判断.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from engine.diff.changes import Change, Item, plain
from engine.diff.exceptions import added
from engine.diff.meaning import Key, meanings
from engine.diff.model import Class
from engine.diff.trend import Direction, Trend, amounts_only, decides, moved, stronger
from engine.expr import tree
from engine.needs import closure, users
from engine.program import Program
from engine.types import BoolT, DateT, NumberT
from engine.validate.ranges import Bounds

#: Keys that word, place or explain, at whatever depth of a declaration.
WORDS = frozenset(
    ("说明", "理由", "依据", "问题", "采用理由", "不适用说明", "裁量", "见", "提供", "用途", "授权", "名称")
)
#: Keys whose own keys are names that an officer chose, so that they may be any word.
NAMED = frozenset(("值", "栏目", "列示", "读法", "字段", "别名", "列"))
#: Sections, or keys of 政策, of which nothing can change an outcome.
WORDED = frozenset(("条文", "用例", "格式"))


class Side:
    """One version: its program with what its declarations mean, rest on and can give."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.meanings = meanings(program)
        self.users = users(program)
        self.results = (*program.results, *program.groups)

    @cached_property
    def bounds(self) -> Bounds:
        return Bounds(self.program)

    def reached(self, name: str) -> tuple[str, ...]:
        """Results that rest on a name, in the order of the file."""
        seen = closure([name], lambda used: self.users.get(used, ()))
        return tuple(result for result in self.results if result in seen)

    def formula(self, name: str, path: Sequence[str | Item]) -> tree.Expr | None:
        """The checked formula that stands at a path inside a declaration."""
        program = self.program
        match path:
            case ["公式" | "校验"] if name in program.rules:
                return program.rules[name].formula
            case ["公式" | "校验"] if name in program.groups_by_name:
                return program.groups_by_name[name].formula
            case ["成员"] if name in program.groups_by_name:
                return program.groups_by_name[name].member
            case ["触发日"] if name in program.rules:
                return program.rules[name].trigger
            case ["例外", Item() as item, ("当" | "则") as part] if name in program.rules:
                number = item.new if item.old is None else item.old
                pairs = program.rules[name].exceptions
                return pairs[number][part == "则"] if number is not None and number < len(pairs) else None
            case ["任一", str(label), "当"] if name in program.grounds:
                return next(
                    (when for ground, when in program.grounds[name].grounds if ground.label in label), None
                )
            case ["读法", str(option), "公式"] if name in program.readings:
                return program.readings[name].options.get(option)
        return None


@dataclass(frozen=True, slots=True)
class Verdict:
    kind: Class
    effect: str = ""


class Classifier:
    """Classes of the changes between two versions; `renamed`: declarations under another name, old → new."""

    def __init__(self, old: Side, new: Side, renamed: dict[Key, str]) -> None:
        self.old, self.new = old, new
        self.renamed = renamed
        self.names = {was: now for (_, was), now in renamed.items()}
        self.was = {now: was for was, now in self.names.items()}

    def same_meaning(self, section: str, name: str) -> bool:
        """Whether a declaration (by its new name) means what it did."""
        before = self.old.meanings.get((section, self.was.get(name, name)))
        after = self.new.meanings.get((section, name))
        return before is not None and after is not None and with_names(before, self.names) == after

    def of(self, change: Change, old: Any, new: Any) -> Verdict:
        """The class of one change; `old` and `new` are its values where both are numbers or both dates."""
        path = change.path
        section, rest = str(path[0]), path[2:]
        if section == "政策":
            moved_day = path[1:] in (("施行",), ("失效",))
            return Verdict("参数调整" if moved_day else "结构变化" if path[1:] == ("标识",) else "仅文字")
        if section in WORDED or _only_words(change):
            return Verdict("仅文字")
        name = str(path[1]) if len(path) > 1 else ""
        if change.renamed is not None:
            return Verdict("等价改写")
        if not rest:
            return Verdict("结构变化")
        if self.same_meaning(section, name):
            return Verdict("等价改写")
        if section in ("参数", "表"):
            return self._figure(change, name, old, new)
        if rest[0] == "适用":
            return self._moved(name, -_count(change), scope=True)
        if section == "情形" and rest[0] == "任一" and len(rest) == 2:
            return self._moved(name, 1 if change.before is None else -1)
        if section == "规则" and rest[0] == "例外" and (change.before is None or change.after is None):
            return self._exceptions(name, rest[1] if len(rest) == 2 else None, change.before is None)
        if rest[0] == "采用":
            return Verdict("无法判断")
        if (
            section == "口径"
            and rest[0] == "读法"
            and len(rest) > 1
            and not self._adopted(name, str(rest[1]))
        ):
            return Verdict("结构变化", f"没有采用的读法，改按「{rest[1]}」时才有影响")
        if change.before is not None and change.after is not None:
            was = list(rest)
            before = self.old.formula(self.was.get(name, name), _side(was, "old"))
            after = self.new.formula(name, _side(was, "new"))
            if before is not None and after is not None:
                return self._formula(name, before, after, rest)
        return Verdict("结构变化")

    def _exceptions(self, name: str, item: str | Item | None, come: bool) -> Verdict:
        """An 例外 that only one version has, or all of them."""
        side, own = (self.new, name) if come else (self.old, self.was.get(name, name))
        rule = side.program.rules.get(own)
        number = (item.new if come else item.old) if isinstance(item, Item) else None
        numbers = [number] if number is not None else range(len(rule.exceptions) if rule else 0)
        directions = {added(side.program, side.bounds, own, number) for number in numbers}
        direction = directions.pop() if len(directions) == 1 else None
        if not direction or isinstance(item, str):
            return Verdict("结构变化")
        found = self._moved(name, direction if come else -direction)
        return found if found.kind in ("收紧", "放宽") else Verdict("结构变化")

    def _adopted(self, name: str, option: str) -> bool:
        """Whether either version adopts a reading of a 口径."""
        sides = ((self.old, self.was.get(name, name)), (self.new, name))
        found = [side.program.readings.get(own) for side, own in sides]
        return any(reading is not None and reading.decl.adopted == option for reading in found)

    def _amounts(self, name: str) -> bool:
        """Whether a parameter is a number of one unit in both versions, on whatever days, that decides nothing."""
        sides = ((self.old.program, self.was.get(name, name)), (self.new.program, name))
        found = [program.policy.params.get(own) for program, own in sides]
        kinds = {param.type for param in found if param is not None}
        values = [dated.value for param in found if param is not None for dated in param.values]
        numbers = all(isinstance(value, int | Fraction) and not isinstance(value, bool) for value in values)
        return len(kinds) == 1 and numbers and not any(decides(program, own) for program, own in sides)

    def _figure(self, change: Change, name: str, old: Any, new: Any) -> Verdict:
        """A value of a parameter or a cell of a table."""
        rest = change.path[2:]
        if (
            change.path[0] == "参数"
            and rest[0] == "值"
            and (old is None or new is None)
            and self._amounts(name)
        ):
            return Verdict("参数调整")
        if change.before is None or change.after is None:
            return Verdict("结构变化")
        if rest[0] not in ("值", "行"):
            return Verdict("结构变化")
        if old is None or new is None:
            return Verdict("无法判断")
        table = self.new.program.tables.get(name)
        if rest[0] == "行" and table is not None and rest[2:3] and rest[2] in dict(table.keys):
            return Verdict("无法判断")  # a limit: some go from one row to the next
        if not (decides(self.old.program, name) or decides(self.new.program, name)):
            return Verdict("参数调整")
        return self._moved(name, 1 if new > old else -1)

    def _formula(self, name: str, before: tree.Expr, after: tree.Expr, rest: Sequence[str | Item]) -> Verdict:
        if isinstance(after.type, BoolT) and isinstance(before.type, BoolT):
            direction = stronger(before, after)
            if direction is None:
                return Verdict("无法判断")
            if direction == 0:
                return Verdict("等价改写")
            if rest[-1] == "当" and rest[0] == "例外":
                return Verdict("结构变化")
            return self._moved(name, direction)
        same_shape = _but_constants(before, after)
        if same_shape and amounts_only(before, after):
            return Verdict("参数调整")
        direction = moved(self.old.bounds, before, after) if rest[0] == "公式" else None
        if direction == 0:
            return Verdict("等价改写")
        if direction is not None:
            return self._moved(name, direction)
        return Verdict("无法判断" if same_shape else "结构变化")

    def _moved(self, name: str, direction: int, scope: bool = False) -> Verdict:
        """Which way the results go when a declaration, or only its 适用, moves in one direction."""
        if direction == 0:
            return Verdict("无法判断")
        sides = [(self.new, name), (self.old, self.was.get(name, name))]
        kinds: set[str] = set()
        effects: dict[str, str] = {}
        used = any(side.reached(own) for side, own in sides)
        for side, own in sides:
            moves = {own: direction}
            trend = Trend(side.program, side.bounds, {} if scope else moves, moves if scope else {})
            for result in side.reached(own) if used else [own] if own in side.program.types else []:
                value, cover = trend.of(result), trend.cover(result)
                if value == cover == 0:
                    continue
                kind, words = _judged(side.program, result, value, cover)
                kinds.add(kind)
                if words:
                    effects[self.names.get(result, result)] = words
        if len(kinds) != 1 or "无法判断" in kinds:
            return Verdict("无法判断")
        effect = "；".join(f"{result}{words}" for result, words in effects.items())
        return Verdict("收紧" if kinds == {"收紧"} else "放宽", effect)


def _judged(program: Program, result: str, value: Direction, cover: Direction) -> tuple[str, str]:
    """收紧 or 放宽 with what happens to a result, or 无法判断. A 校验 that covers fewer people asks less."""
    kind = program.types.get(result)
    if cover == 0 or value is None or cover is None:
        moves = None if cover is None else value
    elif _is_check(program, result):
        if value not in (0, -cover):
            return "无法判断", ""
        return ("收紧", "适用的人增加") if cover > 0 else ("放宽", "适用的人减少")
    else:
        moves = cover if value in (0, cover) else None
    if moves is None or isinstance(kind, DateT):
        return "无法判断", ""
    if value == 0 and not isinstance(kind, NumberT):
        words = "适用的人增加" if moves > 0 else "适用的人减少"
        return ("收紧" if (moves > 0) == (result in program.grounds) else "放宽"), words
    if result in program.grounds:
        return ("收紧", "更容易成立") if moves > 0 else ("放宽", "更难成立")
    if isinstance(kind, BoolT):
        return ("放宽", "更容易成立") if moves > 0 else ("收紧", "更难成立")
    if isinstance(kind, NumberT):
        return ("放宽", "只增不减") if moves > 0 else ("收紧", "只减不增")
    return "无法判断", ""


def _is_check(program: Program, name: str) -> bool:
    rule, group = program.rules.get(name), program.groups_by_name.get(name)
    return bool((rule and rule.decl.is_check) or (group and group.decl.is_check))


def with_names(meaning: str, names: dict[str, str]) -> str:
    """A meaning with declarations called by their new names."""
    for was, now in names.items():
        meaning = meaning.replace(f"'{was}'", f"'{now}'")
    return meaning


def _only_words(change: Change) -> bool:
    path = change.path
    return any(step in WORDS and path[at - 1] not in NAMED for at, step in enumerate(path) if at > 1)


def _side(path: Sequence[str | Item], side: str) -> list[str | Item]:
    """A path as one version counts its lists."""
    found: list[str | Item] = []
    for step in path:
        if isinstance(step, Item):
            number = step.old if side == "old" else step.new
            found.append(Item(number, number))
        else:
            found.append(step)
    return found


def _count(change: Change) -> int:
    """How many more conditions an 适用 has: its sign only, 0 if some came and some went."""
    before, after = _words(change.before), _words(change.after)
    more, fewer = len(after - before), len(before - after)
    return 0 if more and fewer else (1 if more else -1)


def _words(node: Any) -> set[str]:
    found = plain(node)
    return set(found) if isinstance(found, list) else {found} - {None}


def _but_constants(one: tree.Expr, other: tree.Expr) -> bool:
    """Whether two formulas differ in literals only."""
    if isinstance(one, tree.Const) and isinstance(other, tree.Const):
        return True
    parts, others = tree.children(one), tree.children(other)
    if type(one) is not type(other) or len(parts) != len(others):
        return False
    own = {
        key: getattr(one, key)
        for key in ("op", "name", "table", "function", "column", "alias")
        if hasattr(one, key)
    }
    if any(getattr(other, key) != value for key, value in own.items()):
        return False
    return all(_but_constants(a, b) for a, b in zip(parts, others, strict=True))
