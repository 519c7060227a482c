"""The comparison of two versions as data; how it is written out is `engine.render.diff`'s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal

from engine.citations import Article
from engine.diff.changes import Change
from engine.policy import Policy

Class = Literal["仅文字", "等价改写", "参数调整", "收紧", "放宽", "结构变化", "无法判断"]

#: From what matters least to what matters most.
CLASSES: tuple[Class, ...] = ("仅文字", "等价改写", "参数调整", "放宽", "收紧", "结构变化", "无法判断")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a declaration.

    `part` says which part of it changed, "" for all of it; `before` and `after` are as written, "" where there is
    nothing. `old` and `new` are the values (numbers, dates) where both are one, of `old_unit` and `unit`. `reaches`
    names the results that rest on it; `effect` says what is known of them.
    """

    change: Change
    action: Literal["增加", "删除", "修改", "改名"]
    section: str
    name: str
    part: str
    before: str
    after: str
    old: Any
    new: Any
    old_unit: str
    unit: str
    articles: tuple[Article, ...]
    kind: Class
    reaches: tuple[str, ...]
    effect: str = ""
    sentence: str = ""

    @property
    def shift(self) -> tuple[Any, Fraction | None] | None:
        """How much a figure changed, and by which part of what it was (None of zero and of dates); None if it is no
        figure in both, or of another unit."""
        if self.old is None or self.new is None or self.old_unit != self.unit:
            return None
        if isinstance(self.old, date):
            return (self.new - self.old).days, None
        return self.new - self.old, Fraction(self.new - self.old) / abs(self.old) if self.old else None


@dataclass(frozen=True, slots=True)
class Difference:
    """What `new` changes against `old`. `renamed`: results under another name, old → new.

    `same_meaning`: the meaning fingerprints are equal; `same_words`: the wording fingerprints are. `reads_alike`: both
    read any roster the same way.
    """

    old: Policy
    new: Policy
    edits: tuple[Edit, ...]
    renamed: dict[str, str]
    meaning: tuple[str, str]
    wording: tuple[str, str]
    reads_alike: bool

    @property
    def same_meaning(self) -> bool:
        return self.meaning[0] == self.meaning[1]

    @property
    def reached(self) -> set[str]:
        """Results and groups that some edit can change."""
        return {name for edit in self.edits for name in edit.reaches}

    @property
    def same_words(self) -> bool:
        return self.wording[0] == self.wording[1]

    @property
    def kind(self) -> Class | None:
        """The class of the whole: the weightiest of its edits, but for the days of the version itself, which every
        revision changes; None if nothing at all differs."""
        if self.edits:
            inner = (
                edit.kind
                for edit in self.edits
                if edit.change.path not in (("政策", "施行"), ("政策", "失效"))
            )
            return max(inner, key=CLASSES.index, default="仅文字")
        return None if self.same_words else "仅文字"
