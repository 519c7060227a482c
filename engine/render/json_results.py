"""A run of `eval` → the one JSON object of the command line.

Each result stands in exactly one of `values`, `not_applicable`, `unknown`; only a 情形 may stand in two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine import __version__
from engine.app.evaluate import Run
from engine.policy import Policy
from engine.program import Program
from engine.render.cells import json_value
from engine.render.diagnostics import as_json
from engine.results import GroupResult, RecordResult
from engine.types import BOOL, Type
from engine.values import Grounds, NotApplicable, Unknown, missing_of


def results_object(run: Run) -> dict[str, Any]:
    """The whole object; without a policy or roster that part is null or empty, and `diagnostics` say why."""
    program, roster, evaluation = run.program, run.roster, run.evaluation
    return {
        "policy": _policy(program.policy) if program else None,
        "uses": _uses(program, run),
        "engine": __version__,
        "as_of": run.as_of.isoformat(),
        "readings": dict(run.readings),
        "roster": {"file": roster.file, "sha256": roster.sha256} if roster else None,
        "counts": {
            "read": roster.read if roster else 0,
            "evaluated": len(evaluation.records) if evaluation else 0,
            "rejected": len(roster.rejected) if roster else 0,
        },
        "records": [_record(result, run, program) for result in evaluation.records]
        if evaluation and program
        else [],
        "groups": [_group(result, program) for result in evaluation.groups] if evaluation and program else [],
        "diagnostics": [as_json(diagnostic) for diagnostic in run.diagnostics],
    }


def _policy(policy: Policy) -> dict[str, str]:
    return {"id": policy.meta.id, "series": policy.meta.series, "sha256": policy.sha256}


def _uses(program: Program | None, run: Run) -> list[dict[str, Any]]:
    found = program.uses_on(run.as_of) if program else []
    return [
        {"alias": alias, "id": used.meta.id if used else None, "sha256": used.sha256 if used else None}
        for alias, used in found
    ]


def _sorted_out(outcomes: Iterable[tuple[str, Any]], types: Mapping[str, Type]) -> dict[str, dict[str, Any]]:
    """Outcomes parted into values, reasons and missing facts."""
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    unknown: dict[str, list[str]] = {}
    for name, outcome in outcomes:
        if isinstance(outcome, NotApplicable):
            reasons[name] = outcome.reason
            continue
        if isinstance(outcome, Unknown) or (isinstance(outcome, Grounds) and outcome.open):
            unknown[name] = list(missing_of(outcome))
        if not isinstance(outcome, Unknown) and not (
            isinstance(outcome, Grounds) and outcome.open and not outcome.holding
        ):
            values[name] = json_value(outcome, types.get(name))
    return {"values": values, "not_applicable": reasons, "unknown": unknown}


def _record(result: RecordResult, run: Run, program: Program) -> dict[str, Any]:
    shown = ((name, result.outcomes[name]) for name in (*run.results, *run.groups) if name in result.outcomes)
    return {
        "id": result.record.id,
        **_sorted_out(shown, program.result_types),
        "findings": [{"rule": f.rule, "level": f.level, "text": f.text} for f in result.findings],
        "defaults": list(result.defaults),
    }


def figure_types(program: Program, name: str) -> dict[str, Type]:
    """The types of a group's figures by label."""
    group = program.groups_by_name[name]
    types = {label: formula.type for label, formula in group.shown}
    return {"值": group.type, "总额": group.type, "分配": group.type, "结论": BOOL} | types


def _group(result: GroupResult, program: Program) -> dict[str, Any]:
    parted = _sorted_out(result.figures.items(), figure_types(program, result.name))
    reason = result.not_applicable
    if reason is None and parted["not_applicable"]:
        reason = "；".join(f"{label}：{why}" for label, why in parted["not_applicable"].items())
    return {
        "rule": result.name,
        "group": dict(result.key),
        "values": parted["values"],
        "not_applicable": reason,
        "unknown": parted["unknown"],
        "finding": result.finding,
    }
