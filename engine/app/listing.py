"""`policies` and `schema`: which versions there are, and what a roster for one must hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.choose import Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic
from engine.policy import Policy
from engine.records.record_schema import record_schema


@dataclass(frozen=True, slots=True)
class Version:
    """One policy of a folder; `in_force` on the day asked for."""

    policy: Policy
    in_force: bool


def versions(folder: Folder, day: date) -> list[Version]:
    """Every policy of the folder by 系列 and 施行, with whether it is in force on a day."""
    registry = folder.registry
    found = []
    for series, line in registry.series.items():
        current = registry.in_force(series, day)
        found += [Version(policy, policy is current) for policy in line]
    return found


def roster_schema(
    folder: Folder, word: str, as_of: date
) -> tuple[dict[str, Any] | Misuse | None, list[Diagnostic]]:
    """The JSON Schema of a policy's roster."""
    chosen, diagnostics = choose_policy(folder, word, as_of)
    if chosen is None or isinstance(chosen, Misuse):
        return chosen, diagnostics
    return record_schema(chosen.policy), diagnostics
