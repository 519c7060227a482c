"""A whole roster under one program on one day: every record's results, then the groups.

What one record's figures rest on is `engine.interpret`, what a group's rest on is `engine.groups`.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

from engine.facts import State
from engine.groups import RosterGroups
from engine.interpret import Interpreter
from engine.policy import RuleDecl
from engine.program import Program
from engine.records.model import Record, Roster
from engine.results import Evaluation, Finding, GroupResult, RecordResult, Trace, Use
from engine.tables import show
from engine.values import Grounds, NotApplicable, Rows, Series, Unknown

#: Deepest formula (MAX_TREE) times longest chain of needs (MAX_CHAIN) times frames per node, with room to spare.
DEEPEST = 40_000
MOST_SHOWN = 4


def evaluate(
    program: Program,
    roster: Roster,
    as_of: date,
    readings: Mapping[str, str] | None = None,
    only: Sequence[str] | None = None,
    internal: bool = False,
    progress: Callable[[int], None] | None = None,
    basis: date | None = None,
) -> Evaluation:
    """Results of every accepted record, and figures of every group.

    `readings`: 口径 → reading, of a policy used 「别名.口径」; those not named are as adopted. `only`: results and 集体 asked
    for (a person has the own group's figure, of a 分配 the own share); else all that are not 内部 (`internal`: those too). `progress` is told the number of records done. The law goes by `basis` instead of `as_of` if it is given. Raises nothing
    for what a roster or policy holds: conflicts and reports are diagnostics.
    """
    policy = program.policy
    wanted = set(only) if only is not None else None
    personal = [
        name for name in (*policy.rules, *policy.grounds) if _asked(name, wanted, internal, program.results)
    ]
    personal += [name for name in (*policy.readings, *policy.groups) if wanted is not None and name in wanted]
    grouped = [name for name in policy.groups if _asked(name, wanted, internal, program.groups)]
    checks = [name for name in personal if name in policy.rules and policy.rules[name].is_check]
    results: list[RecordResult] = []
    found: list[GroupResult] = []
    with prepared(program, roster, as_of, readings or {}, basis) as (run, states):
        for number, state in enumerate(states, 1):
            assert state.record is not None
            results.append(_record_result(run, state, state.record, personal, checks))
            if progress is not None:
                progress(number)
        groups = run.groups
        if isinstance(groups, RosterGroups):
            for name in grouped:
                found += groups.results(name)
            run.diagnostics[:0] = groups.remarks()
    return Evaluation(tuple(results), tuple(found), tuple(run.diagnostics))


@contextmanager
def prepared(
    program: Program,
    roster: Roster,
    as_of: date,
    readings: Mapping[str, str],
    basis: date | None = None,
) -> Iterator[tuple[Interpreter, list[State]]]:
    """An interpreter over a roster and a state for each of its records; both are let go afterwards."""
    run = Interpreter(program, as_of, readings, roster.units, roster.data_date, basis=basis)
    states = [State(record.facts.get, record) for record in roster.records]
    if not roster.single:
        run.groups = RosterGroups(run, roster, states)
    with undisturbed():
        yield run, states
    run.release(states)


def _asked(name: str, wanted: set[str] | None, internal: bool, shown: tuple[str, ...]) -> bool:
    return name in wanted if wanted is not None else internal or name in shown


@contextmanager
def undisturbed() -> Iterator[None]:
    """Room for the deepest formula that checking allows, and no search for garbage while only results are built."""
    deepest, collecting = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(deepest, DEEPEST))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(deepest)
        if collecting:
            gc.enable()


def _record_result(
    run: Interpreter, state: State, record: Record, names: Sequence[str], checks: Sequence[str]
) -> RecordResult:
    run.state, run.columns, run.law = state, [], run.basis
    outcomes = {name: run.value_of(name) for name in names}
    findings = tuple(
        _finding(run.policy.rules[name], outcomes[name], state.traces[name])
        for name in checks
        if outcomes[name] is False or type(outcomes[name]) is Unknown
    )
    return RecordResult(record, outcomes, findings, tuple(state.defaults), state.traces)


def _finding(rule: RuleDecl, outcome: Any, trace: Trace) -> Finding:
    """A 校验 that is false, or open."""
    name = rule.name
    article = f"{rule.article}：" if rule.article else ""
    if isinstance(outcome, Unknown):
        return Finding(name, "信息不足", f"{article}「{name}」不能判断，缺 {'、'.join(outcome.missing)}")
    facts = _facts_used(trace.uses)
    return Finding(name, rule.level, f"{article}「{name}」不符合" + (f"（{facts}）" if facts else ""))


def _facts_used(uses: tuple[Use, ...]) -> str:
    """「年龄 41，年龄上限 40」: what a check looked at last, which is what decided it."""
    parts: dict[str, str] = {}
    for use in uses:
        if use.kind in ("字段", "参数", "规则", "口径", "引用") and use.detail != "适用":
            parts.pop(use.name, None)
            parts[use.name] = written(use.value)
    shown = [f"{name} {value}" for name, value in parts.items()]
    return ("…，" if len(shown) > MOST_SHOWN else "") + "，".join(shown[-MOST_SHOWN:])


def written(value: Any) -> str:
    """A value in a sentence."""
    match value:
        case Unknown():
            return "未填"
        case NotApplicable():
            return "不适用"
        case Grounds(holding):
            return "、".join(holding) or "无"
        case Series(items):
            return f"{len(items)} 年"
        case Rows(rows):
            return f"{len(rows)} 条"
    return show(value)
