"""Statements, corrections and replays as one JSON object each; money as text with two decimals, as `eval` writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine import __version__
from engine.app.payroll import Backpay, Correction, Stated
from engine.app.replay import Differing, Replayed
from engine.diagnostics import Diagnostic
from engine.payroll.statement import Item
from engine.render.cells import json_value
from engine.render.diagnostics import as_json
from engine.render.payroll import alone, by_person, money, said, totals_of
from engine.values import NotApplicable, Unknown


def statement_object(stated: Stated) -> dict[str, Any]:
    """Every item in exactly one of `value`, `not_applicable`, `unknown`; `totals` of what counts, by person and figure.
    Without a statement those are empty, and `diagnostics` say why."""
    found = stated.statement
    people = by_person(found) if found is not None else {}
    sums = {id_: totals_of(item for item in items if item.counted) for id_, items in people.items()}
    return {
        **_grounds(stated),
        "versions": {str(month): [meta.id for meta in versions] for month, versions in found.versions.items()}
        if found is not None
        else {},
        "items": [_item(item) for item in found.items] if found is not None else [],
        "totals": {
            id_: {"values": {name: money(value) for name, value in own.items()}, "unknown": missing}
            for id_, (own, missing) in sums.items()
        },
        "coverage": [
            {"id": c.id, "month": str(c.month), "change": c.change, "rules": list(c.names)}
            for c in (found.coverage if found is not None else ())
        ],
        "diagnostics": _said(stated.diagnostics),
    }


def backpay_object(found: Backpay) -> dict[str, Any]:
    """The corrections; `change` of each figure, `counted` what it adds to `total`."""
    return {
        **(_grounds(found.stated) if found.stated is not None else {}),
        "paid": [{"file": ledger.path, "hash": ledger.last} for ledger in found.ledgers],
        "settled": found.settled,
        "corrections": [_correction(one) for one in found.corrections],
        "pending": [
            {"id": id_, "rule": rule, "period": period, "reason": why}
            for id_, rule, period, why in found.pending
        ],
        "total": money(alone(found.corrections)),
        "diagnostics": _said(found.diagnostics),
    }


def replay_object(found: Replayed) -> dict[str, Any]:
    """Every entry that comes out differently."""
    return {
        "ledger": {"file": found.ledger.path, "hash": found.ledger.last}
        if found.ledger is not None
        else None,
        "engine": __version__,
        "checked": found.checked,
        "differing": [_differing(one) for one in found.found],
        "diagnostics": _said(found.diagnostics),
    }


def _grounds(stated: Stated) -> dict[str, Any]:
    roster = stated.roster
    return {
        "series": stated.series,
        "months": [str(month) for month in stated.months],
        "known_on": str(stated.known_on) if stated.known_on is not None else None,
        "engine": __version__,
        "roster": {"file": roster.file, "sha256": roster.sha256} if roster is not None else None,
        "data_date": str(roster.data_date) if roster is not None and roster.data_date is not None else None,
        "policies": [
            {"id": id_, "sha256": program.policy.sha256, "readings": dict(stated.readings[id_])}
            for id_, program in stated.programs.items()
        ],
    }


def _item(item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": item.id,
        "rule": item.name,
        "period": str(item.period),
        "month": str(item.month),
        "trigger": str(item.trigger) if item.trigger is not None else None,
        "counted": item.counted,
        "policy": item.version.id,
        "law": str(item.law),
    }
    match item.outcome:
        case NotApplicable(reason):
            found["not_applicable"] = reason
        case Unknown() as unknown:
            found["unknown"] = list(unknown.missing)
        case value:
            found["value"] = json_value(value, item.type)
    return found


def _correction(one: Correction) -> dict[str, Any]:
    return {
        "id": one.id,
        "rule": one.rule,
        "period": one.period,
        "month": one.month,
        "trigger": one.trigger or None,
        "was": money(one.was),
        "due": money(one.due),
        "change": money(one.change),
        "counted": money(one.change_alone),
        "policy": one.policy[0],
        "paid_by": list(dict.fromkeys(entry.policy for entry in one.paid)),
        "note": one.note,
    }


def _differing(one: Differing) -> dict[str, Any]:
    entry = one.entry
    now = one.now
    return {
        "line": one.line,
        "id": entry.id,
        "rule": entry.rule,
        "period": entry.period,
        "trigger": entry.trigger or None,
        "stated": said(entry),
        "now": None if now is None else str(now) if isinstance(now, NotApplicable | Unknown) else money(now),
        "why": one.why,
    }


def _said(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    return [as_json(diagnostic) for diagnostic in diagnostics]
