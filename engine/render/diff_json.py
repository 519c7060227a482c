"""A comparison of versions → the one JSON object of `diff --format json` (`schemas/diff.schema.json`)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from engine import __version__
from engine.app.compare import Compared
from engine.diff.changes import Item, Path
from engine.diff.impact import Impact, Part, Person, Total
from engine.diff.model import Difference, Edit
from engine.diff.witness import GroupWitness, Refused, Witness, Witnesses, shown
from engine.policy import Policy
from engine.program import Program
from engine.render.cells import json_value
from engine.render.diagnostics import as_json
from engine.render.json_results import figure_types
from engine.types import Type
from engine.values import NotApplicable, Number, Unknown, exact, format_number


def diff_object(compared: Compared) -> dict[str, Any]:
    """The whole object; without a difference its parts are null or empty, and `diagnostics` say why."""
    found = compared.difference
    return {
        "old": _policy(found.old) if found else None,
        "new": _policy(found.new) if found else None,
        "engine": __version__,
        "fingerprints": _fingerprints(found) if found else None,
        "class": found.kind if found else None,
        "renamed": dict(found.renamed) if found else {},
        "edits": [_edit(edit) for edit in found.edits] if found else [],
        "readings": {name: {"old": old, "new": new} for name, (old, new) in compared.readings.items()},
        "impact": _impact(compared, compared.impact) if compared.impact else None,
        "examples": _examples(compared, compared.witnesses) if compared.witnesses else None,
        "diagnostics": [as_json(diagnostic) for diagnostic in compared.diagnostics],
    }


def _policy(policy: Policy) -> dict[str, Any]:
    meta = policy.meta
    return {
        "id": meta.id,
        "series": meta.series,
        "number": meta.number,
        "issued": meta.issued.isoformat() if meta.issued else None,
        "effective": meta.effective.isoformat(),
        "expires": meta.expires.isoformat() if meta.expires else None,
        "sha256": policy.sha256,
    }


def _fingerprints(found: Difference) -> dict[str, Any]:
    pairs = {"meaning": found.meaning, "wording": found.wording}
    return {name: {"old": old, "new": new, "equal": old == new} for name, (old, new) in pairs.items()}


def _edit(edit: Edit) -> dict[str, Any]:
    shift = edit.shift
    return {
        "path": _path(edit.change.path),
        "action": edit.action,
        "section": edit.section,
        "name": edit.name,
        "part": edit.part,
        "before": edit.before,
        "after": edit.after,
        "old": _plain(edit.old),
        "new": _plain(edit.new),
        "old_unit": edit.old_unit,
        "unit": edit.unit,
        "change": _plain(shift[0]) if shift else None,
        "ratio": _plain(exact(shift[1])) if shift and shift[1] is not None else None,
        "articles": [str(article) for article in edit.articles],
        "class": edit.kind,
        "reaches": list(edit.reaches),
        "effect": edit.effect,
        "sentence": edit.sentence,
    }


def _path(path: Path) -> list[Any]:
    return [{"old": step.old, "new": step.new} if isinstance(step, Item) else step for step in path]


def _plain(value: Any) -> Any:
    """A figure without a declared type: whole numbers as integers, others as exact text, dates ISO."""
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, int):
        return value
    return format_number(value)


def _impact(compared: Compared, impact: Impact) -> dict[str, Any]:
    assert compared.rosters is not None
    old, new = compared.rosters
    return {
        "as_of": impact.as_of.isoformat(),
        "roster": {"file": new.file, "sha256": new.sha256},
        "counts": {
            "compared": len(impact.people),
            "changed": len(impact.changed),
            "unsettled": impact.unsettled,
            "gain": impact.whole.gain,
            "lose": impact.whole.lose,
            "open": impact.whole.open,
            "rejected_old": len(old.rejected),
            "rejected_new": len(new.rejected),
        },
        "only_old": list(impact.only_old),
        "only_new": list(impact.only_new),
        "sums": _sums(impact.whole, impact),
        "yearly": _money(impact.whole.yearly),
        "once": _money(impact.whole.once),
        "results": [_total(total) for total in impact.totals],
        "groups": {
            name: [
                {
                    "value": part.value,
                    "people": part.people,
                    "gain": part.gain,
                    "lose": part.lose,
                    "open": part.open,
                    "sums": _sums(part, impact),
                    "yearly": _money(part.yearly),
                    "once": _money(part.once),
                }
                for part in parts
            ]
            for name, parts in impact.parts.items()
        },
        "group_figures": [
            {
                "rule": shift.name,
                "group": list(shift.key),
                "figure": shift.label,
                "before": outcome(shift.before, figure_types(compared.new, shift.name).get(shift.label)),
                "after": outcome(shift.after, figure_types(compared.new, shift.name).get(shift.label)),
            }
            for shift in impact.groups
        ]
        if compared.new
        else [],
        "people": [_person(person) for person in impact.changed],
        "largest": [
            {
                "id": person.id,
                "yearly": _money(person.yearly()),
                "once": _money(person.once()),
                "reasons": [
                    {"article": article, "name": name, "before": outcome(a, kind), "after": outcome(b, kind)}
                    for article, name, a, b, kind in person.reasons
                ],
            }
            for person in impact.largest(10)
        ],
    }


def _sums(part: Part, impact: Impact) -> list[dict[str, Any]]:
    return [
        {
            "period": period,
            "of_old": list(impact.roots[period][0]),
            "of": list(impact.roots[period][1]),
            "before": _money(before),
            "after": _money(after),
            "change": _money(exact(Fraction(after) - Fraction(before))),
        }
        for period, (before, after) in part.sums.items()
    ]


def _total(total: Total) -> dict[str, Any]:
    figures = {"before": total.before, "after": total.after, "change": total.change}
    return {
        "name": total.name,
        "period": total.period,
        **{key: None if value is None else json_value(value, total.type) for key, value in figures.items()},
        "counts": dict(total.counts),
    }


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "yearly": _money(person.yearly()),
        "once": _money(person.once()),
        "changes": [
            {
                "name": shift.name,
                "status": shift.status,
                "before": outcome(shift.before, shift.type),
                "after": outcome(shift.after, shift.type),
                "change": None if shift.change is None else json_value(shift.change, shift.type),
            }
            for shift in person.changed
        ],
    }


def _money(value: Number | None) -> str | None:
    return None if value is None else format_number(value, 2)


def outcome(value: Any, kind: Type | None) -> dict[str, Any]:
    """{"value": …}, {"not_applicable": reason}, {"unknown": facts} or {"refused": field}."""
    if isinstance(value, Refused):
        return {"refused": value.field}
    if value is None:
        return {"not_applicable": ""}
    if isinstance(value, NotApplicable):
        return {"not_applicable": value.reason}
    if isinstance(value, Unknown):
        return {"unknown": list(value.missing)}
    return {"value": json_value(value, kind)}


def _examples(compared: Compared, found: Witnesses) -> dict[str, Any]:
    assert compared.new is not None
    types = compared.new.types
    return {
        "as_of": found.as_of.isoformat(),
        "tried": found.tried,
        "varied": found.varied,
        "not_found": list(found.none),
        "not_searched": list(found.alone),
        "found": [_example(witness, types.get(witness.result)) for witness in found.found],
        "groups": [_small_roster(roster, compared.new) for roster in found.groups],
    }


def _small_roster(found: GroupWitness, program: Program) -> dict[str, Any]:
    types = figure_types(program, found.name)
    return {
        "rule": found.name,
        "people": found.people,
        "record": {name: shown(value) for name, value in found.record.items()},
        "others": found.others,
        "other": {name: shown(value) for name, value in found.other.items()},
        "figures": [
            {
                "figure": shift.label,
                "before": outcome(shift.before, types.get(shift.label)),
                "after": outcome(shift.after, types.get(shift.label)),
            }
            for shift in found.shifts
        ],
    }


def _example(witness: Witness, kind: Type | None) -> dict[str, Any]:
    return {
        "result": witness.result,
        "before": outcome(witness.before, kind),
        "after": outcome(witness.after, kind),
        "facts": {name: shown(value) for name, value in witness.facts.items()},
        "record": {name: shown(value) for name, value in witness.record.items()},
        "along": [
            {
                "field": along.field,
                "rows": [
                    {"value": shown(at), "before": outcome(a, kind), "after": outcome(b, kind)}
                    for at, a, b in along.rows
                ],
            }
            for along in witness.along
        ],
    }
