"""What of a policy its cases reach: rules, groups, table rows, exceptions, grounds and readings.

A part counts as reached when a result that a case asserts rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.program import Program

KINDS = ("规则", "集体", "表行", "例外", "情形", "口径读法")


@dataclass(frozen=True, slots=True)
class Part:
    """One declared part; `label` is what 应用 in a case calls it, with the rule it belongs to."""

    kind: str
    owner: str
    label: str

    def __str__(self) -> str:
        return {
            "表行": f"{self.owner}[{self.label}]",
            "例外": f"{self.owner} {self.label}",
            "情形": f"{self.owner}（{self.label}）",
            "口径读法": f"{self.owner}={self.label}",
        }.get(self.kind, self.owner)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Declared parts by kind, and those of them that no case reaches, in the order of the file."""

    declared: tuple[Part, ...]
    unused: tuple[Part, ...]

    def counts(self) -> list[tuple[str, int, int]]:
        """Kind, reached, declared; kinds that the policy has."""
        found = []
        for kind in KINDS:
            declared = sum(part.kind == kind for part in self.declared)
            unused = sum(part.kind == kind for part in self.unused)
            if declared:
                found.append((kind, declared - unused, declared))
        return found


def declared_parts(program: Program) -> list[Part]:
    """Everything that a case could reach."""
    policy = program.policy
    parts = [Part("规则", name, "") for name in policy.rules]
    parts += [Part("集体", name, "") for name in policy.groups]
    parts += [Part("表行", name, row.label) for name, table in program.tables.items() for row in table.rows]
    parts += [
        Part("例外", name, exception.label or f"例外{number}")
        for name, rule in policy.rules.items()
        for number, exception in enumerate(rule.exceptions, 1)
    ]
    parts += [
        Part("情形", name, ground.label)
        for name, grounds in policy.grounds.items()
        for ground in grounds.grounds
    ]
    parts += [
        Part("口径读法", name, option.name)
        for name, decl in policy.readings.items()
        for option in decl.options
    ]
    return parts


def coverage(program: Program, reached: Iterable[Part]) -> Coverage:
    declared = declared_parts(program)
    seen = set(reached)
    return Coverage(tuple(declared), tuple(part for part in declared if part not in seen))
