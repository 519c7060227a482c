"""Explanations as JSON; `schemas/explanation.schema.json` describes it."""

from __future__ import annotations

from typing import Any

from engine import __version__
from engine.app.explain import Explained
from engine.explain.model import Condition, Explanation, Formula, Step
from engine.render.cells import json_value
from engine.render.diagnostics import as_json
from engine.types import BOOL, NumberT, Type
from engine.values import Grounds, NotApplicable, Unknown


def explanation_object(told: Explained) -> dict[str, Any]:
    """The whole object; without a policy or roster `explanations` is empty, and `diagnostics` say why."""
    policy = told.program.policy if told.program else None
    return {
        "policy": {"id": policy.meta.id, "series": policy.meta.series, "sha256": policy.sha256}
        if policy
        else None,
        "engine": __version__,
        "as_of": told.as_of.isoformat(),
        "readings": dict(told.readings),
        "roster": {"file": told.roster.file, "sha256": told.roster.sha256} if told.roster else None,
        "explanations": [_explanation(one) for one in told.explanations],
        "diagnostics": [as_json(diagnostic) for diagnostic in told.diagnostics],
    }


def outcome_object(outcome: Any, kind: Type) -> dict[str, Any]:
    """Exactly one of value, not_applicable and unknown; of a 情形 with open grounds value and unknown."""
    if isinstance(outcome, NotApplicable):
        return {"not_applicable": outcome.reason}
    if isinstance(outcome, Unknown):
        return {"unknown": list(outcome.missing)}
    found: dict[str, Any] = {"value": json_value(outcome, kind)}
    if isinstance(outcome, Grounds) and outcome.open:
        found["unknown"] = list(dict.fromkeys(fact for _, facts in outcome.open for fact in facts))
    if isinstance(kind, NumberT) and not kind.unit.is_bare:
        found["unit"] = str(kind.unit)
    return found


def _explanation(one: Explanation) -> dict[str, Any]:
    first = one.steps[0]
    procedure = one.procedure
    return {
        "id": one.id,
        "result": one.name,
        "outcome": outcome_object(first.outcome, first.type),
        "article": first.article,
        "steps": [_step(step) for step in one.steps],
        "unmet": [
            {
                "rule": gap.name,
                "text": gap.text,
                "filled": gap.filled,
                "day": gap.day.isoformat() if gap.day else None,
            }
            for gap in one.unmet
        ],
        "wanted": [
            {
                "fact": fact.fact,
                "provider": fact.provider,
                "note": fact.note,
                "answers": [
                    {"answer": word, "outcome": outcome_object(outcome, first.type)}
                    for word, outcome in fact.answers
                ],
            }
            for fact in one.wanted
        ],
        "procedure": None
        if procedure is None
        else {
            "name": procedure.name,
            "article": procedure.article,
            "route": procedure.route,
            "steps": [
                {"actor": actor, "action": action, "deadline": deadline}
                for actor, action, deadline in procedure.steps
            ],
            "open": list(procedure.open),
        },
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "family": step.family,
        "outcome": outcome_object(step.outcome, step.type),
        "article": step.article,
        "note": step.note,
        "formula": _formula(step.formula),
        "scope": [_condition(condition) for condition in step.scope],
        "exceptions": [_condition(condition) for condition in step.exceptions],
        "trigger": _formula(step.trigger),
        "grounds": [_condition(condition) for condition in step.grounds],
        "readings": [
            {
                "name": one.name,
                "note": one.note,
                "adopted": one.adopted,
                "chosen": one.chosen,
                "outcome": outcome_object(one.outcome, step.type),
            }
            for one in step.alternatives
        ],
        "figures": [
            {"label": label, "outcome": outcome_object(value, kind)} for label, value, kind in step.figures
        ],
    }


def _formula(formula: Formula | None) -> dict[str, Any] | None:
    if formula is None:
        return None
    return {
        "text": formula.text,
        "filled": formula.filled,
        "sentence": formula.sentence,
        "outcome": outcome_object(formula.outcome, formula.type),
        "values": [
            {
                "text": origin.text,
                "kind": origin.kind,
                "outcome": outcome_object(origin.value, origin.type),
                "source": origin.source,
                "step": origin.step,
            }
            for origin in formula.values
        ],
    }


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "name": condition.name,
        "note": condition.note,
        "article": condition.article,
        "outcome": outcome_object(condition.outcome, BOOL),
        "formula": _formula(condition.formula),
        "then": _formula(condition.then),
    }
