"""What a result rests on, by its traces: names that 应用 may call, citations, parts for coverage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.names import normalize
from engine.program import Program
from engine.resolve import needs_of
from engine.results import Evaluation, RecordResult, Use
from engine.testing.compare import label_of
from engine.testing.coverage import Part
from engine.values import Grounds


@dataclass(frozen=True, slots=True)
class Reach:
    """`names` are written without blanks, as cases call them."""

    names: set[str] = field(default_factory=set)
    citations: set[str] = field(default_factory=set)
    parts: set[Part] = field(default_factory=set)


def reach_of_result(program: Program, result: RecordResult, name: str) -> Reach:
    """Everything that a result of one record used, itself included."""
    reach = Reach()
    _follow(program, result, [name], reach)
    return reach


def reach_of_group(program: Program, evaluation: Evaluation, name: str) -> set[Part]:
    """Parts behind a group's figures: those of the rules it needs, for every record."""
    reach = Reach()
    reach.parts.add(Part("集体", name, ""))
    needed = sorted(needs_of(program, name))
    for result in evaluation.records:
        _follow(program, result, [n for n in needed if n in result.traces], reach)
    return reach.parts


def _follow(program: Program, result: RecordResult, start: Iterable[str], reach: Reach) -> None:
    pending, seen = list(start), set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        _declared(program, name, reach)
        trace = result.traces.get(name)
        if trace is None:
            continue
        if isinstance(trace.outcome, Grounds):
            _grounds(program, name, trace.outcome, reach)
        for use in trace.uses:
            _used(program, name, use, reach)
            if use.name in result.traces or use.kind == "集体":
                pending.append(use.name)


def _declared(program: Program, name: str, reach: Reach) -> None:
    reach.names.add(name)
    declaration = program.policy.declared(name)
    if declaration is not None and declaration.article:
        reach.citations.add(declaration.article)
    if name in program.policy.rules:
        reach.parts.add(Part("规则", name, ""))
    elif name in program.policy.groups:
        reach.parts.add(Part("集体", name, ""))


def _grounds(program: Program, name: str, outcome: Grounds, reach: Reach) -> None:
    """Grounds that hold."""
    for ground in program.policy.grounds[name].grounds:
        if ground.label in outcome.holding:
            reach.parts.add(Part("情形", name, ground.label))
            reach.names |= {f"({ground.label})", ground.label, "".join(ground.title.split())} - {""}
            if ground.citation is not None:
                reach.citations.add(ground.citation.text)


def _used(program: Program, owner: str, use: Use, reach: Reach) -> None:
    if use.citation:
        reach.citations.add(use.citation)
    detail = "".join(normalize(use.detail).split())
    _declared(program, use.name, reach)
    match use.kind:
        case "口径":
            reach.names.add(f"{use.name}={detail}")
            reach.parts.add(Part("口径读法", use.name, detail))
        case "表":
            reach.names.add(f"{use.name}[{detail}]")
            reach.parts.add(Part("表行", use.name, use.detail))
        case "例外":
            reach.names |= {detail, label_of(detail)}
            reach.parts.add(Part("例外", owner, use.detail))
        case _:
            if detail:
                reach.names.add(f"{use.name}[{detail}]")
