"""What a result rests on, by its traces: names that 应用 may call, citations, parts for coverage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.names import normalize
from engine.needs import needs_of
from engine.program import Program
from engine.results import Evaluation, RecordResult, Use
from engine.testing.coverage import Part


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
    """Parts behind a group's figures: what its formulas name, followed for every record."""
    reach = Reach()
    for result in evaluation.records:
        _follow(program, result, [name], reach)
    behind = {part.owner for part in reach.parts if part.kind == "集体"} | {name}
    for group in evaluation.groups:
        for use in group.uses if group.name in behind else ():
            _used(program, use, reach)
    return reach.parts | {Part("集体", name, "")}


def _follow(program: Program, result: RecordResult, start: Iterable[str], reach: Reach) -> None:
    pending, seen = list(start), set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        _declared(program, name, reach)
        if name in program.policy.groups:
            pending += sorted(needs_of(program, name))
        trace = result.traces.get(name)
        for use in trace.uses if trace else ():
            _used(program, use, reach)
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


def _used(program: Program, use: Use, reach: Reach) -> None:
    if use.citation:
        reach.citations.add(use.citation)
    _declared(program, use.name, reach)
    detail = _compact(use.detail)
    match use.kind:
        case "口径":
            reach.names.add(f"{use.name}={detail}")
            reach.parts.add(Part("口径读法", use.name, use.detail))
        case "表":
            for label in use.detail.split("；"):
                reach.names.add(f"{use.name}[{_compact(label)}]")
                reach.parts.add(Part("表行", use.name, label))
        case "例外":
            reach.parts.add(Part("例外", use.name, use.detail))
            reach.names.add(detail)
            for number, written in enumerate(program.policy.rules[use.name].exceptions, 1):
                if written.label == use.detail:
                    reach.names.add(f"例外{number}")
        case "情形":
            reach.parts.add(Part("情形", use.name, use.detail))
            titles = [g.title for g in program.policy.grounds[use.name].grounds if g.label == use.detail]
            reach.names.update((f"({detail})", detail, *map(_compact, titles)))
        case "引用":
            reach.names.add(use.name.partition(".")[0])
        case _:
            if detail:
                reach.names.add(f"{use.name}[{detail}]")


def _compact(text: str) -> str:
    return "".join(normalize(text).split())
