"""A policy file as data: what is declared, where, and nothing resolved yet.

Formulas stay `Scalar`s with their places; `engine.expr.check` gives them types. One class per key of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from engine.diagnostics import Place, place_of
from engine.nodes import Node, Scalar
from engine.source import SourceText
from engine.types import Type
from engine.units import Unit
from engine.values import Number

Level = Literal["错误", "须说明", "提示"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What every named entry has: `key` places it, `citation` is its 依据."""

    name: str
    key: Scalar
    citation: Scalar | None = None
    note: str = ""

    @property
    def place(self) -> Place:
        return place_of(self.key.source, self.key.span)

    @property
    def article(self) -> str:
        return " ".join(self.citation.text.split()) if self.citation else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """政策: identity, authority and time of a version; `base` is the 编号 that it 修订 or 细化 (`relation`).

    `written_expires` is 失效 as the file has it; `expires` is earlier where another file repeals the version."""

    id: str
    series: str
    title: str
    number: str
    issuers: tuple[str, ...]
    level: str
    issued: date | None
    effective: date
    expires: date | None
    repeals: tuple[str, ...]
    identifier: str
    key: Scalar
    base: str = ""
    relation: Literal["", "修订", "细化"] = ""
    written_expires: date | None = None

    @property
    def known_from(self) -> date:
        """The day on which the version is known: its 印发, without one its 施行."""
        return self.issued or self.effective


@dataclass(frozen=True, slots=True, kw_only=True)
class UseDecl(Declaration):
    """引用: `name` is the alias; `fields` maps their field to a formula in our words."""

    series: str
    series_key: Scalar
    fields: tuple[tuple[Scalar, Scalar], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDecl(Declaration):
    """字段: a fact of a record, of a unit (`owner`), or of one year (`yearly`)."""

    type: Type
    aliases: tuple[tuple[str, str], ...] = ()
    headings: tuple[str, ...] = ()
    default: Scalar | None = None
    decimals: int | None = None
    range: tuple[Number | date | None, Number | date | None] | None = None
    yearly: bool = False
    owner: str = ""
    format: str = ""
    agrees: tuple[tuple[str, Scalar], ...] = ()
    register: bool = False
    integer: bool = False
    provider: str = ""
    columns: tuple[FieldDecl, ...] = ()

    def member(self, text: str) -> str:
        """A member's own name for one of its aliases."""
        return dict(self.aliases).get(text, text)


@dataclass(frozen=True, slots=True)
class Undecided:
    """信息不足 written in a parameter or cell."""


@dataclass(frozen=True, slots=True)
class NoCell:
    """不适用 written in a parameter or cell."""


@dataclass(frozen=True, slots=True)
class ParamName:
    """A cell or band limit that is the value of a 参数."""

    name: str


Constant = Any  # int | Fraction | date | bool | str | Undecided | NoCell | ParamName


@dataclass(frozen=True, slots=True)
class Dated:
    """One value of a dated parameter: from `since` (None: always) until the next."""

    since: date | None
    value: Constant
    citation: Scalar | None
    node: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamDecl(Declaration):
    type: Type
    values: tuple[Dated, ...] = ()
    by_year: tuple[tuple[int, Dated], ...] | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A range of a table key; a limit is a number, a date, a parameter's name or None (open)."""

    low: Constant | None
    low_included: bool
    high: Constant | None
    high_included: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDecl:
    """One row as written: key name → node, figure name → node ("" for the only figure)."""

    keys: tuple[tuple[str, Node], ...]
    cells: tuple[tuple[str, Node], ...]
    key: Node
    citation: Scalar | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDecl(Declaration):
    """表 as written; keys' types are resolved by the checker. `columns` is (("", type),) for a single figure."""

    keys: tuple[tuple[str, Node], ...]
    columns: tuple[tuple[str, Type | None], ...]
    rows: tuple[RowDecl, ...]
    mode: Literal["唯一", "首个", "合计", "累进"] = "唯一"


@dataclass(frozen=True, slots=True)
class Exception_:
    """One 例外: `when` → `then`."""

    when: Scalar
    then: Scalar
    label: str
    citation: Scalar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDecl(Declaration):
    """规则: a figure (`formula`) or a check (`check`)."""

    formula: Scalar
    is_check: bool = False
    scope: tuple[Scalar, ...] = ()
    reason: str = ""
    type: Type | None = None
    unit: Unit | None = None
    internal: bool = False
    period: Literal["", "月", "季", "半年", "年", "一次"] = ""
    trigger: Scalar | None = None
    exceptions: tuple[Exception_, ...] = ()
    first_wins: bool = False
    level: Level = "错误"
    procedure: Scalar | None = None
    law_day: Literal["", "期初", "期末"] = ""
    first_period: bool = False
    paid_on: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOption(Declaration):
    formula: Scalar | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingDecl(Declaration):
    """口径: options either all with a formula or all without."""

    question: str
    adopted: str
    adopted_key: Scalar
    basis: str
    options: tuple[ReadingOption, ...]
    type: Type | None = None
    unit: Unit | None = None

    @property
    def has_formulas(self) -> bool:
        return any(option.formula is not None for option in self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """分配."""

    total: Scalar
    weight: Scalar
    step: Number
    step_key: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDecl(Declaration):
    """集体: one of `formula` (a check if `is_check`) and `shares`."""

    by: tuple[Scalar, ...]
    member: Scalar | None
    formula: Scalar | None
    is_check: bool = False
    shares: Shares | None = None
    shown: tuple[tuple[Scalar, Scalar], ...] = ()
    scope: tuple[Scalar, ...] = ()
    type: Type | None = None
    unit: Unit | None = None
    level: Level = "错误"
    internal: bool = False
    procedure: Scalar | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """One item of a 情形; `label` is normalised and without brackets."""

    label: str
    key: Scalar
    title: str
    when: Scalar
    citation: Scalar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundsDecl(Declaration):
    """情形."""

    grounds: tuple[Ground, ...]
    scope: tuple[Scalar, ...] = ()
    procedure: Scalar | None = None
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    actor: str
    action: str
    deadline: str
    note: str


@dataclass(frozen=True, slots=True)
class Route:
    when: Scalar
    steps: tuple[Step, ...]
    label: str
    citation: Scalar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureDecl(Declaration):
    steps: tuple[Step, ...]
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionDecl(Declaration):
    """条文: the treatment of an article."""

    treatments: tuple[str, ...]
    reason: str = ""
    sees: tuple[Scalar, ...] = ()
    decided_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One file, loaded, together with what it amends. Mappings keep the order of the file and are never changed.

    `lost` names declarations that could not be read, `faulty` lines (file, line) of a wrong shape: nothing more is said
    of either. Without `sound` the file has errors: it can be looked at, and never computes. `layers` are the files it
    is made of, by name, from the first base to itself.
    """

    source: SourceText = field(repr=False)
    sha256: str
    meta: Meta
    uses: dict[str, UseDecl]
    enums: dict[str, Type]
    fields: dict[str, FieldDecl]
    params: dict[str, ParamDecl]
    tables: dict[str, TableDecl]
    readings: dict[str, ReadingDecl]
    rules: dict[str, RuleDecl]
    groups: dict[str, GroupDecl]
    grounds: dict[str, GroundsDecl]
    procedures: dict[str, ProcedureDecl]
    provisions: dict[str, ProvisionDecl]
    cases: tuple[Scalar, ...] = ()
    lost: frozenset[str] = frozenset()
    faulty: frozenset[tuple[str, int]] = frozenset()
    sound: bool = True
    layers: dict[str, Meta] = field(default_factory=dict)

    def document(self, node: Node | None) -> Meta:
        """The document that says what stands at a node: this one, or one that it amends."""
        return self.layers.get(node.source.name, self.meta) if node is not None else self.meta

    def amended_by(self, decl: Declaration) -> Meta | None:
        """The last 修订 or 细化 that wrote any part of a declaration."""
        if len(self.layers) < 2:
            return None
        wrote = {node.source.name for node in _nodes_in(decl)}
        return next(
            (meta for name, meta in reversed(self.layers.items()) if meta.relation and name in wrote), None
        )

    @cached_property
    def declarations(self) -> Mapping[str, Declaration]:
        """Everything with a name that formulas can use; no two have one name."""
        families = (self.uses, self.grounds, self.groups, self.rules, self.readings)
        named: dict[str, Declaration] = {}
        for family in (*families, self.tables, self.params, self.fields):
            named.update(family)
        return named

    @property
    def tables_with_columns(self) -> frozenset[str]:
        """Tables of several figures, whose last index is a 栏目."""
        return frozenset(n for n, table in self.tables.items() if any(name for name, _ in table.columns))

    def declared(self, name: str) -> Declaration | None:
        return self.declarations.get(name)


def _nodes_in(part: object) -> Iterator[Node]:
    """Every node that a declaration keeps."""
    if isinstance(part, Node):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from _nodes_in(item)
    elif is_dataclass(part):
        for own in fields(part):
            yield from _nodes_in(getattr(part, own.name))


def by_time(policy: Policy) -> tuple[date, date, int]:
    """By 施行, then 印发; of two of one day, the one laid over the other comes later."""
    return policy.meta.effective, policy.meta.known_from, len(policy.layers)


def in_force(versions: Iterable[Policy], day: date) -> Policy | None:
    """The version with the latest 施行 ≤ day (then 印发) and no 失效 before the day, or None (language §8)."""
    begun = [p for p in versions if p.meta.effective <= day]
    if not begun:
        return None
    latest = max(begun, key=by_time)
    return latest if latest.meta.expires is None or latest.meta.expires >= day else None
