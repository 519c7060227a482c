"""A run of `eval` as one row per person, for sheets and CSV: 标识, name, units, results, defaulted fields.

Owns which columns there are and what stands in them as values; writers decide how a value is written.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.app.evaluate import Run
from engine.program import Program
from engine.records.model import DatedFact
from engine.render.cells import text_value
from engine.render.text_results import shown_names, title_field
from engine.results import RecordResult
from engine.types import TEXT, Type
from engine.values import Unknown

DEFAULTS = "按缺省值计算的字段"
#: What a spreadsheet takes for the beginning of a formula.
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class People:
    """`fixed` are the columns that say who a row is of, `names` the results; `types` of all columns."""

    run: Run
    program: Program
    fixed: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def headings(self) -> list[str]:
        return [*self.fixed, *self.names, DEFAULTS]

    @property
    def types(self) -> list[Type | None]:
        results = [self.program.result_types.get(name) for name in self.names]
        return [*(TEXT for _ in self.fixed), *results, TEXT]

    def who(self, result: RecordResult) -> list[Any]:
        """标识 and, where there is one, the name."""
        titles = [name for name in self.fixed[1:] if self.program.policy.fields[name].register]
        return [result.record.id, *(self.fact(result, name) for name in titles)]

    def fact(self, result: RecordResult, name: str) -> Any:
        """A field on the day; "" if it was not given."""
        fact = result.record.facts.get(name)
        if isinstance(fact, DatedFact):
            fact = fact.on(self.run.as_of)
        return "" if fact is None else fact

    def rows(self) -> Iterator[list[Any]]:
        """Values and outcomes, in the order of the headings; a result that a person has none of is 信息不足."""
        for result in self.run.evaluation.records if self.run.evaluation else ():
            outcomes = [result.outcomes.get(name, Unknown(())) for name in self.names]
            yield [
                result.record.id,
                *(self.fact(result, name) for name in self.fixed[1:]),
                *outcomes,
                "、".join(result.defaults),
            ]


def people_of(run: Run) -> People | None:
    """None without a policy and an evaluation."""
    if run.program is None or run.evaluation is None:
        return None
    program, results = run.program, run.evaluation.records
    fields = program.policy.fields
    units = [name for group in program.groups_by_name.values() for name in group.by]
    units += [decl.owner for decl in fields.values() if decl.owner]
    title = title_field(program, [result.record for result in results])
    identifier = program.policy.meta.identifier
    fixed = dict.fromkeys(
        [identifier, *([title] if title else []), *(name for name in units if name in fields)]
    )
    return People(run, program, tuple(fixed), tuple(shown_names(run, results)))


def results_csv(run: Run) -> str:
    """One table (RFC 4180, to be written as UTF-8 with BOM); no text of a roster begins a formula."""
    people = people_of(run)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if people is not None:
        types = people.types
        writer.writerow([harmless(heading) for heading in people.headings])
        for row in people.rows():
            writer.writerow(
                [harmless(text_value(value, kind)) for value, kind in zip(row, types, strict=True)]
            )
    return out.getvalue()


def harmless(text: str) -> str:
    """With a single quote before what a spreadsheet would calculate; numbers as they are."""
    return f"'{text}" if text.startswith(_RISKY) and not _NUMBER.match(text) else text
