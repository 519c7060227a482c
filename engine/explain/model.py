"""An explanation as data: outcomes, formulas with their values in place, origins, conditions. Rendered elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.types import Type


@dataclass(frozen=True, slots=True)
class Origin:
    """One value that a formula used. `kind`: 字段 缺省 单位 参数 表 规则 口径 情形 集体 引用 计算日 合计; `source` says where
    it comes from; `step` names the step that explains it, or is ""."""

    kind: str
    text: str
    value: Any
    type: Type
    source: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as written, with its values in place, as a sentence, and what came out."""

    text: str
    filled: str
    sentence: str
    outcome: Any
    type: Type
    values: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of 适用, 例外, 情形 or 分流. `note`: the reason, title or label; `then` only for a 例外 that held."""

    name: str
    outcome: Any
    article: str
    note: str = ""
    formula: Formula | None = None
    then: Formula | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """A reading of a 口径 with the value it gives here."""

    name: str
    note: str
    adopted: bool
    chosen: bool
    outcome: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One rule, 口径, 情形, 集体 or result of another policy, for one person."""

    name: str
    family: str
    type: Type
    outcome: Any
    article: str
    note: str = ""
    formula: Formula | None = None
    scope: tuple[Condition, ...] = ()
    exceptions: tuple[Condition, ...] = ()
    trigger: Formula | None = None
    grounds: tuple[Condition, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    figures: tuple[tuple[str, Any, Type], ...] = ()


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition that does not hold: as written and filled, and the first day on which it will, if nothing changes."""

    name: str
    text: str
    filled: str
    day: date | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fact that is missing: who supplies it, and the outcome each possible answer would give, where they are few."""

    fact: str
    provider: str
    note: str
    answers: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Procedure:
    """What follows, by the route that applies; `open` names routes whose condition is unknown."""

    name: str
    article: str
    route: str
    steps: tuple[tuple[str, str, str], ...]
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One result of one person. `steps[0]` is the result itself, the others what it rests on, each once."""

    id: str
    name: str
    steps: tuple[Step, ...]
    unmet: tuple[Unmet, ...]
    wanted: tuple[Wanted, ...]
    procedure: Procedure | None
