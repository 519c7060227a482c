"""Columns that rest on columns: every name is computed once, in the first stage in which what it needs is there.

A stage is one SELECT over the one before; a column is carried on only as long as something needs it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.compile.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Relation:
    """A named SELECT of the statement. `kept`: worth storing where several others read it."""

    name: str
    sql: str
    kept: bool = False


class Stages:
    """Columns over one relation, whose own columns are `base`."""

    def __init__(self, dialect: Dialect, relation: str, base: Iterable[str]) -> None:
        self.dialect, self.relation = dialect, relation
        self.base = set(base)
        self.columns: dict[str, str] = {}
        self.shared: dict[str, str] = {}
        self.taken = {name.casefold() for name in self.base}

    def bind(self, name: str, sql: str) -> str:
        """A column of that name (or one like it, if it is taken); the identifier to use for it."""
        if self.is_plain(sql):
            return sql
        if sql in self.shared:
            return self.shared[sql]
        label, number = name, 1
        while label.casefold() in self.taken:
            number += 1
            label = f"{name}_{number}"
        self.taken.add(label.casefold())
        self.columns[label] = sql
        self.shared[sql] = self.dialect.quote(label)
        return self.shared[sql]

    def is_plain(self, sql: str) -> bool:
        """Whether a text is a column already, or a literal not worth a column."""
        names = self.dialect.names_in(sql)
        return not names or (len(names) == 1 and sql == self.dialect.quote(next(iter(names))))

    def relations(
        self,
        prefix: str,
        outputs: Sequence[tuple[str, str]],
        where: str = "",
        join: str = "",
        kept: bool = False,
    ) -> list[Relation]:
        """The stages up to a last SELECT with (name, sql) for its columns, which may also be of what it joins; `where` may
        ask for any column."""
        columns, outputs, join, where = self.merged(outputs, join, where)
        wanted = self.needed_by(" ".join([*(sql for _, sql in outputs), join, where]), columns)
        needs = {name: self.needed_by(sql, columns) for name, sql in columns.items()}
        last, levels = self.placed(needs, wanted)
        until = dict.fromkeys(wanted, last)  # the stage up to which a column is carried on
        for name in columns:
            for needed in needs[name]:
                until[needed] = max(until.get(needed, 0), levels[name] - 1)
        quote = self.dialect.quote
        found: list[Relation] = []
        source = self.relation
        for level in range(1, last + 1):
            carried = [
                name
                for name in (*sorted(self.base), *columns)
                if levels.get(name, 0) < level <= until.get(name, 0)
            ]
            parts = [quote(name) for name in carried]
            parts += [f"{sql} AS {quote(name)}" for name, sql in columns.items() if levels[name] == level]
            step = f"{prefix}{level}"
            found.append(Relation(step, "SELECT " + ",\n  ".join(parts) + f"\nFROM {quote(source)}"))
            source = step
        parts = [sql if sql == quote(name) else f"{sql} AS {quote(name)}" for name, sql in outputs]
        limit = f"\nWHERE {where}" if where else ""
        found.append(
            Relation(prefix, "SELECT " + ",\n  ".join(parts) + f"\nFROM {quote(source)}{join}{limit}", kept)
        )
        return found

    def merged(
        self, outputs: Sequence[tuple[str, str]], join: str, where: str
    ) -> tuple[dict[str, str], list[tuple[str, str]], str, str]:
        """The columns that are needed, without those that are asked for once or short enough to be repeated
        (`Dialect.repeated`): these stand where they are asked for, unless that is for every item of a list."""
        d, ends = self.dialect, [*(sql for _, sql in outputs), join, where]
        uses = Counter(name for sql in ends for name in d.every_name_in(sql))
        needed: list[str] = []
        for name in reversed(self.columns):  # those that ask come after those that are asked for
            if uses[name]:
                needed.append(name)
                uses.update(d.every_name_in(self.columns[name]))
        columns: dict[str, str] = {}
        inside: dict[str, str] = {}
        for name in reversed(needed):
            columns[name] = self.filled(self.columns[name], inside)
            if uses[name] == 1 or len(columns[name]) <= d.repeated:
                inside[name] = f"({columns[name]})"
        *ends, join, where = (self.filled(sql, inside) for sql in ends)
        kept = d.names_in(" ".join([*columns.values(), *ends, join, where]))
        columns = {name: sql for name, sql in columns.items() if name not in inside or name in kept}
        return columns, [(name, sql) for (name, _), sql in zip(outputs, ends, strict=True)], join, where

    def filled(self, sql: str, inside: Mapping[str, str]) -> str:
        """A text with names replaced by what they stand for."""
        if not inside or self.dialect.is_lambda(sql):
            return sql
        return self.dialect.replaced(sql, inside)

    def needed_by(self, sql: str, columns: Mapping[str, str]) -> set[str]:
        return self.dialect.names_in(sql) & (self.base | columns.keys())

    @staticmethod
    def placed(needs: dict[str, set[str]], wanted: set[str]) -> tuple[int, dict[str, int]]:
        """How many stages there are, and the stage of every column: the last that serves, because what many columns are
        made of is less to carry on than they are."""
        first: dict[str, int] = {}
        for name in needs:
            first[name] = 1 + max((first.get(needed, 0) for needed in needs[name]), default=0)
        last = max((first.get(name, 0) for name in wanted), default=0)
        levels = dict.fromkeys(needs, last)
        for name in reversed(needs):
            for needed in needs[name] & needs.keys():
                levels[needed] = min(levels[needed], levels[name] - 1)
        return last, levels


def statement(relations: Sequence[Relation], dialect: Dialect) -> str:
    """One statement: the last relation's SELECT, those before that it rests on as its WITH."""
    *before, last = relations
    wanted, needed = dialect.names_in(last.sql), list[Relation]()
    for step in reversed(before):
        if step.name in wanted:
            needed.append(step)
            wanted |= dialect.names_in(step.sql)
    steps = [f"{dialect.quote(step.name)} AS (\n{step.sql}\n)" for step in reversed(needed)]
    return ("WITH " + ",\n".join(steps) + "\n" if steps else "") + last.sql
