"""Files that DuckDB reads in place: one, a folder, or partitions of Parquet, CSV and JSON Lines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from engine.bulk.columns import split_top
from engine.diagnostics import Diagnostic, Place

PARQUET, TABLES, LINES = (".parquet", ".pq"), (".csv", ".tsv"), (".jsonl", ".ndjson")
SUFFIXES = (*PARQUET, *TABLES, *LINES)
ROW, FILE = "·行", "·文件"


@dataclass(frozen=True, slots=True)
class Source:
    """`relation` is a SELECT of the file's columns with `·行`, the row's number over all files, and `·文件`."""

    columns: dict[str, str]
    relation: str
    count: int
    files: int


def is_bulk(path: Path) -> bool:
    """Whether a file or folder is one that is read in place."""
    return path.suffix.lower() in (*PARQUET, *LINES) or (path.is_dir() and bool(inside(path)))


def inside(folder: Path) -> list[Path]:
    """The data files of a folder and of its partitions, all of one kind; hidden ones left out."""
    found = [
        path for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]  # fmt: skip
    first = found[0].suffix.lower() if found else ""
    return [path for path in found if path.suffix.lower() == first]


def open_source(con: duckdb.DuckDBPyConnection, path: Path) -> tuple[Source | None, list[Diagnostic]]:
    """A file as a relation; E701 says why it cannot be read."""

    def bad(said: str, hint: str = "") -> tuple[None, list[Diagnostic]]:
        return None, [Diagnostic("E701", said, Place(str(path)), hint)]

    if not path.exists():
        return bad("找不到名册", "请检查路径")
    files = inside(path) if path.is_dir() else [path]
    if not files:
        return bad("文件夹里没有 Parquet、CSV 或 JSON Lines 文件")
    listed = "[" + ", ".join("'" + str(file).replace("'", "''") + "'" for file in files) + "]"
    suffix = files[0].suffix.lower()
    hive = ", hive_partitioning = true, hive_types_autocast = false" if path.is_dir() else ""
    try:
        if suffix in PARQUET:
            reader = f"read_parquet({listed}, union_by_name = true{hive}"
            counts = con.execute(
                f"SELECT file_name, num_rows FROM parquet_file_metadata({listed})"
            ).fetchall()
            described = con.execute(f"DESCRIBE SELECT * FROM {reader})").fetchall()
            total = sum(count for _, count in counts)
            number = "file_row_number + 1"
            if len(files) > 1:
                arms, before = [], 0
                for name, count in counts:
                    quoted = name.replace("'", "''")
                    arms.append(f"WHEN '{quoted}' THEN {before}")
                    before += count
                number = f"file_row_number + 1 + CASE filename {' '.join(arms)} END"
            relation = (
                f'SELECT *, {number} AS "{ROW}" FROM {reader}, file_row_number = true, filename = true)'
            )
        else:
            if suffix in TABLES:
                reader = f"read_csv({listed}, all_varchar = true, header = true, union_by_name = true{hive})"
            else:
                first = con.execute(
                    f"DESCRIBE SELECT * FROM read_json({listed}, format = 'newline_delimited', sample_size = 20480)"
                ).fetchall()
                kinds = ", ".join(
                    f"'{name.replace(chr(39), chr(39) * 2)}': '{as_texts(kind)}'" for name, kind, *_ in first
                )
                reader = f"read_json({listed}, format = 'newline_delimited', columns = {{{kinds}}})"
            described = con.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
            found = con.execute(f"SELECT count(*) FROM {reader}").fetchone()
            total = found[0] if found else 0
            relation = f'SELECT *, row_number() OVER () AS "{ROW}" FROM {reader}'
    except duckdb.Error as error:
        return bad(f"名册读不了：{first_line(error)}", "请检查文件是否完整、格式是否与后缀相符")
    if not total:
        return bad("名册里没有记录")
    columns = {name: kind for name, kind, *_ in described}
    return Source(columns, relation, total, len(files)), []


def as_texts(kind: str) -> str:
    """A type that JSON was taken for, with every single value as the text that was written."""
    if kind.endswith("[]"):
        return as_texts(kind[:-2]) + "[]"
    if kind.startswith("STRUCT("):
        names = [
            part.split('"')[1] if part.startswith('"') else part.split(" ")[0]
            for part in split_top(kind[7:-1])
        ]
        if all(name[:4].isdigit() for name in names):
            return "MAP(VARCHAR, VARCHAR)"
        parts = [
            part[part.index('"', 1) + 1 :] if part.startswith('"') else part.partition(" ")[2]
            for part in split_top(kind[7:-1])
        ]
        return (
            "STRUCT("
            + ", ".join(
                f'"{name}" {as_texts(inner.strip())}' for name, inner in zip(names, parts, strict=True)
            )
            + ")"
        )
    return "MAP(VARCHAR, VARCHAR)" if kind.startswith("MAP(") else "VARCHAR"


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
