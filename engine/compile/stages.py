"""Columns that rest on columns: every name is computed once, in the first stage in which what it needs is there.

A stage is one SELECT over the one before; a column is carried on only as long as something needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
        self.levels: dict[str, int] = {}
        self.needs: dict[str, set[str]] = {}
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
        needed = self.dialect.names_in(sql) & (self.base | self.columns.keys())
        self.columns[label] = sql
        self.needs[label] = needed
        self.levels[label] = 1 + max((self.levels.get(name, 0) for name in needed), default=0)
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
        known = self.base | self.columns.keys()
        wanted = set().union(
            *(self.dialect.names_in(sql) & known for _, sql in (*outputs, ("", join), ("", where)))
        )
        alive = set(wanted)
        pending = list(wanted)
        while pending:
            for name in self.needs.get(pending.pop(), ()):
                if name not in alive:
                    alive.add(name)
                    pending.append(name)
        last = max((self.levels.get(name, 0) for name in alive), default=0)
        until = dict.fromkeys(wanted, last)  # the stage up to which a column is carried on
        for name in alive & self.columns.keys():
            for needed in self.needs[name]:
                until[needed] = max(until.get(needed, 0), self.levels[name] - 1)
        quote = self.dialect.quote
        found: list[Relation] = []
        source = self.relation
        for level in range(1, last + 1):
            carried = [
                name
                for name in (*sorted(self.base), *self.columns)
                if name in alive and self.levels.get(name, 0) < level <= until.get(name, 0)
            ]
            made = [name for name in self.columns if name in alive and self.levels[name] == level]
            parts = [quote(name) for name in carried]
            parts += [f"{self.columns[name]} AS {quote(name)}" for name in made]
            step = f"{prefix}{level}"
            found.append(Relation(step, "SELECT " + ",\n  ".join(parts) + f"\nFROM {quote(source)}"))
            source = step
        parts = [sql if sql == quote(name) else f"{sql} AS {quote(name)}" for name, sql in outputs]
        limit = f"\nWHERE {where}" if where else ""
        found.append(
            Relation(prefix, "SELECT " + ",\n  ".join(parts) + f"\nFROM {quote(source)}{join}{limit}", kept)
        )
        return found


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
