"""JSON Lines for DuckDB: every value as the text that was written, groups as lists and maps of texts.

DuckDB takes a number with a point through a binary float, so rows whose numbers have more digits than that keeps are
found in the text itself and left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from engine.bulk.columns import NULLS, split_top
from engine.bulk.texts import ROW, named, quoted, texts
from engine.records.problems import Problem

#: A number with a point and more than 15 digits, or one with an exponent, outside of quotes as far as that can be seen.
_LONG = (
    r"[:,\[]\s*-?("
    + "|".join(rf"\d{{{n}}}\.\d{{{16 - n},}}" for n in range(1, 16))
    + r"|\d{16,}\.\d+|\d+(\.\d+)?[eE])"
)
_INTEGERS = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "INTEGER", "TINYINT", "SMALLINT")
DOUBTFUL = Problem(
    "E792",
    "有一个数超过 15 位又不带引号，或者是科学计数法，批量计算读不准",
    "请给这个数加上引号，写出全部数字",
)


@dataclass(frozen=True, slots=True)
class Read:
    columns: dict[str, str]
    relation: str
    sizes: tuple[int, ...]
    bad: tuple[tuple[str, Problem], ...] = ()


@dataclass(frozen=True, slots=True)
class Mistake:
    file: Path
    line: int
    said: str
    hint: str = ""


def read(con: duckdb.DuckDBPyConnection, files: Sequence[Path], hive: str) -> Read | str:
    """Files as one relation; a text says why they are no records."""
    listed = texts(files)
    everything = f"read_json({listed}, format = 'newline_delimited', sample_size = -1, union_by_name = true)"
    found = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE SELECT * FROM {everything}").fetchall()}
    if list(found) == ["json"]:
        return "不是每行一条记录"
    folded = [name.casefold() for name in found]
    for name in found:
        bare = re.fullmatch(r"(.+)_\d+", name)
        if bare and bare[1].casefold() in folded:
            return f"有两个键都读作「{bare[1]}」（只有大小写不同）"
    mixed = [name for name, kind in found.items() if kind == "JSON"]
    grouped = structured(con, listed, mixed)
    columns = {
        name: "JSON"
        if name in grouped
        else "MAP(VARCHAR, VARCHAR)"
        if kind.startswith("STRUCT(") and kind.endswith(")")
        else as_texts(kind)
        for name, kind in found.items()
    }
    kinds = ", ".join(
        f"{quoted(name)}: {quoted('VARCHAR' if kind in ('JSON', NULLS) else kind)}"
        for name, kind in columns.items()
    )
    reader = f"read_json({listed}, format = 'newline_delimited', columns = {{{kinds}}}{hive})"
    described = con.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
    columns |= {name: kind for name, kind, *_ in described if name not in columns}
    counts = dict(
        con.execute(
            f"SELECT filename, count(*) FROM read_json_objects({listed}, format = 'newline_delimited', filename = true) GROUP BY ALL"
        ).fetchall()
    )
    sizes = tuple(int(counts.get(str(file), 0)) for file in files)
    relation = f'SELECT *, row_number() OVER () AS "{ROW}" FROM {reader}'
    bad: tuple[tuple[str, Problem], ...] = ()
    if any("DOUBLE" in kind or "JSON" in kind for kind in found.values()):
        con.execute(
            f'CREATE OR REPLACE TEMP TABLE "疑" AS SELECT n FROM (SELECT row_number() OVER () AS n, CAST(json AS VARCHAR) AS l '
            f"FROM read_json_objects({listed}, format = 'newline_delimited')) WHERE regexp_matches(l, {quoted(_LONG)})"
        )
        row = con.execute('SELECT count(*) FROM "疑"').fetchone()
        if row and row[0]:
            bad = ((f'"{ROW}" IN (SELECT n FROM "疑")', DOUBTFUL),)
    return Read(columns, relation, sizes, bad)


def structured(con: duckdb.DuckDBPyConnection, listed: str, names: Sequence[str]) -> set[str]:
    """Of columns whose values differ in type those in which groups stand beside single values, or long numbers."""
    if not names:
        return set()
    kinds = ", ".join(f"{quoted(name)}: 'JSON'" for name in names)
    reader = f"read_json({listed}, format = 'newline_delimited', columns = {{{kinds}}})"
    tests = ", ".join(
        f"bool_or(json_type({c}) IN ('OBJECT', 'ARRAY') OR (json_type({c}) <> 'VARCHAR' AND length(CAST({c} AS VARCHAR)) > 15))"
        for c in map(named, names)
    )
    row = con.execute(f"SELECT {tests} FROM {reader}").fetchone() or ()
    return {name for name, is_group in zip(names, row, strict=True) if is_group}


def as_texts(kind: str) -> str:
    """A type that JSON was taken for, with every single value as the text that was written; whole numbers are exact."""
    if kind.endswith("[]"):
        return as_texts(kind[:-2]) + "[]"
    if kind.startswith("STRUCT("):
        parts = [part_of(part) for part in split_top(kind[7:-1])]
        inner = [(name, as_texts(part).replace(NULLS, "VARCHAR")) for name, part in parts]
        return "STRUCT(" + ", ".join(f"{named(name)} {part}" for name, part in inner) + ")"
    if kind.startswith("MAP("):
        return "MAP(VARCHAR, VARCHAR)"
    if kind == NULLS:
        return kind
    return kind if kind in (*_INTEGERS, "BOOLEAN") else "VARCHAR"


def part_of(part: str) -> tuple[str, str]:
    """`"年份" BIGINT` → its name and type."""
    if part.startswith('"'):
        end = part.index('"', 1)
        return part[1:end], part[end + 1 :].strip()
    name, _, kind = part.partition(" ")
    return name, kind.strip()


def first_mistake(files: Sequence[Path]) -> Mistake | None:
    """The first line that is no record."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in found]
        if len(set(names)) < len(names):
            raise KeyError(next(name for name in names if names.count(name) > 1))
        return dict(found)

    for file in files:
        with file.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                    if text.strip() and not isinstance(json.loads(text, object_pairs_hook=pairs), dict):
                        return Mistake(
                            file, number, f"第 {number} 行不是一条记录", '一行写作 {"字段": 值, …}'
                        )
                except UnicodeDecodeError:
                    return Mistake(file, number, f"第 {number} 行不是 UTF-8 编码", "请另存为 UTF-8")
                except KeyError as error:
                    return Mistake(
                        file, number, f"第 {number} 行的键「{error.args[0]}」写了两次", "请只留一个"
                    )
                except ValueError:
                    return Mistake(
                        file,
                        number,
                        f"第 {number} 行不是完整的 JSON",
                        "JSON Lines 每行写一条记录，行与行之间不写逗号",
                    )
    return None
