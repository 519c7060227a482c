"""What an evaluation gives out: outcomes of records and groups with what they rest on. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.diagnostics import Diagnostic
from engine.records.model import Record


class Use(NamedTuple):
    """One thing a formula used. `kind` is 字段 缺省 参数 表 口径 规则 集体 情形 引用 例外 单位;
    `detail` the date, row key, reading or label; `citation` its 依据 if it has its own."""

    kind: str
    name: str
    detail: str
    value: Any
    citation: str = ""


class Trace(NamedTuple):
    """The evaluation of one rule for one record: its outcome, and its uses in the order met."""

    name: str
    outcome: Any
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A 校验 that is false (level 错误 须说明 提示) or open (level 信息不足)."""

    rule: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordResult:
    """`outcomes`: result → value (int, Fraction, bool, date, str, Grounds), NotApplicable or Unknown."""

    record: Record
    outcomes: Mapping[str, Any]
    findings: tuple[Finding, ...]
    defaults: tuple[str, ...]
    traces: Mapping[str, Trace]


@dataclass(frozen=True, slots=True)
class GroupResult:
    """`key`: 按-field → value; `figures`: label → value, NotApplicable or Unknown (「结论」 for a 校验, 「值」 for a
    公式, 「总额」 and 「分配」 for a 分配); `not_applicable` is the reason if its 适用 does not hold; `uses` is
    what its formulas used, on its own facts and on those of its members."""

    name: str
    key: Mapping[str, str]
    figures: Mapping[str, Any]
    not_applicable: str | None
    finding: str | None
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One run over a roster. `diagnostics` are E5 (conflicts of exceptions) and reports of groups."""

    records: tuple[RecordResult, ...]
    groups: tuple[GroupResult, ...]
    diagnostics: tuple[Diagnostic, ...]
