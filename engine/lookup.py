"""A table's figure for given keys: which rows take them in, by 方式, and what the cells say (language §5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.facts import missing
from engine.outcomes import first_outcome
from engine.policy import Band, Constant, NoCell, ParamName, Undecided
from engine.program import Row, Table
from engine.results import Use
from engine.tables import show
from engine.types import EnumT
from engine.values import NotApplicable, Unknown, exact


class Lookup:
    """`param` gives a 参数 on the law's day; `note` is told of the rows that a 累进 table used."""

    def __init__(self, param: Callable[[str], Any], note: Callable[[Use], None]) -> None:
        self.param, self.note = param, note

    def find(self, table: Table, keys: tuple[Any, ...], column: str) -> tuple[Any, str, str]:
        """A table's figure for full keys, the label of its row, and the row's own 依据."""
        written = [show(key) for key in keys] + ([column] if column else [])
        name = f"{table.decl.name}[{', '.join(written)}]"
        if table.decl.mode == "累进":
            return self.progressive(table, keys[0], column, name), "", ""
        if table.exact is not None:
            at = table.exact.get(keys)
            rows = [] if at is None else [table.rows[at]]
        else:
            rows = []
            for row in table.rows:
                hit = self.hits(table, row, keys)
                if isinstance(hit, Unknown | NotApplicable):
                    return hit, "", ""
                if hit:
                    rows.append(row)
                    if table.decl.mode == "首个":
                        break
        if table.decl.mode == "合计":
            cells = [self.cell(row.cells[column], name) for row in rows]
            outcome = first_outcome(cells)
            return (
                (outcome if outcome is not None else exact(sum(cells))),
                "；".join(r.label for r in rows),
                "",
            )
        if len(rows) != 1:
            return missing(name), "", ""
        row = rows[0]
        return (
            self.cell(row.cells[column], name),
            row.label,
            row.decl.citation.text if row.decl.citation else "",
        )

    def cell(self, constant: Constant, name: str) -> Any:
        if isinstance(constant, ParamName):
            return self.param(constant.name)
        if isinstance(constant, Undecided):
            return missing(name)
        if isinstance(constant, NoCell):
            return NotApplicable(f"「{name}」不适用")
        return constant

    def hits(self, table: Table, row: Row, keys: tuple[Any, ...]) -> Any:
        """Whether a row's keys take these keys in; an outcome if that hangs on an unsettled parameter."""
        absent: list[Any] = []
        for key, alternatives, (_, kind) in zip(keys, row.matches, table.keys, strict=True):
            if alternatives is None:
                continue
            rank = kind.rank if isinstance(kind, EnumT) else None
            unsettled: list[Any] = []
            for match in alternatives:
                found = self.in_band(match, key, rank) if isinstance(match, Band) else self.same(match, key)
                if found is True:
                    break
                if found is not False:
                    unsettled.append(found)
            else:
                if not unsettled:
                    return False
                absent += unsettled
        return first_outcome(absent) if absent else True

    def same(self, match: Constant, key: Any) -> Any:
        value = self.cell(match, "")
        return value if isinstance(value, Unknown | NotApplicable) else value == key

    def in_band(self, band: Band, key: Any, rank: Callable[[str], int] | None) -> Any:
        low = None if band.low is None else self.cell(band.low, "")
        high = None if band.high is None else self.cell(band.high, "")
        outcome = first_outcome((low, high))
        low = None if isinstance(low, Unknown | NotApplicable) else low
        high = None if isinstance(high, Unknown | NotApplicable) else high
        if rank is not None:
            key = rank(key)
            low, high = (None if low is None else rank(low)), (None if high is None else rank(high))
        if low is not None and (key < low or (key == low and not band.low_included)):
            return False
        if high is not None and (key > high or (key == high and not band.high_included)):
            return False
        return True if outcome is None else outcome

    def progressive(self, table: Table, key: Any, column: str, name: str) -> Any:
        """累进: each band's part of the key times its value, summed."""
        total: Any = 0
        for row in table.rows:
            for match in row.matches[0] or ():
                if not isinstance(match, Band):
                    continue
                low = 0 if match.low is None else self.cell(match.low, name)
                high = key if match.high is None else self.cell(match.high, name)
                value = self.cell(row.cells[column], name)
                if key <= low if not isinstance(low, Unknown | NotApplicable) else False:
                    continue
                outcome = first_outcome((low, high, value))
                if outcome is not None:
                    return outcome
                total += (min(key, high) - low) * value
                self.note(Use("表", table.decl.name, row.label, value))
        return exact(total)
