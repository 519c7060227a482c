"""Files that DuckDB reads in place: one, a folder, or partitions of Parquet, CSV and JSON Lines.

Owns what a file is told that cannot be read, and where a row of it stands. How CSV is parted and encoded is
`engine.bulk.tables`' matter, the shapes of JSON `engine.bulk.lines`'.
"""

from __future__ import annotations

import errno
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import duckdb

from engine.bulk import lines, tables
from engine.bulk.texts import ROW, quoted, texts
from engine.diagnostics import Diagnostic, Place
from engine.records.problems import Problem

PARQUET, TABLES, LINES = (".parquet", ".pq"), (".csv", ".tsv"), (".jsonl", ".ndjson")
SUFFIXES = (*PARQUET, *TABLES, *LINES)
KINDS = {**dict.fromkeys(PARQUET, "parquet"), **dict.fromkeys(TABLES, "csv"), **dict.fromkeys(LINES, "jsonl")}
_READABLE = (*SUFFIXES, ".xlsx", ".xls", ".ods", ".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """`relation` is a SELECT of the file's `columns` and of `·行`, the row's number over all files.

    `count` is how many records there are, those that are no row of the relation included (`misfits`, as CSV has them).
    `bad` are conditions over the relation that make a row one to be left out, each with what it is told.
    """

    columns: dict[str, str]
    relation: str
    count: int
    files: tuple[Path, ...]
    kind: str = "parquet"
    #: rows of the relation before blank ones are dropped, by file
    sizes: tuple[int, ...] = ()
    bad: tuple[tuple[str, Problem], ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    tables: tuple[tables.Table, ...] = ()
    misfits: int = 0
    #: what `·行` counts from, so that it is the line of a CSV where that can be
    before: int = 0

    def place(self, row: int) -> tuple[Path, int]:
        """The file of a row, and the line of a CSV or the number of the record in any other."""
        starts = list(accumulate(self.sizes, initial=0))
        row -= self.before
        at = bisect_right(starts, row - 1, hi=len(self.files)) - 1
        own = row - starts[at]
        if self.tables:
            table = self.tables[at]
            found = table.lines()
            return table.path, found[own - 1] if own <= len(found) else table.header_line + own
        return self.files[at], own


def is_bulk(path: Path) -> bool:
    """Whether a file or folder is one that is read in place."""
    return path.suffix.lower() in (*PARQUET, *LINES) or path.is_dir()


def inside(folder: Path) -> list[Path]:
    """The files of a folder and of its partitions that could be rosters; hidden ones left out."""
    return [
        path for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _READABLE and path.is_file()
        and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
    ]  # fmt: skip


def open_source(
    con: duckdb.DuckDBPyConnection, path: Path, scratch: Path
) -> tuple[Source | None, list[Diagnostic]]:
    """A file as a relation; E701 says why it cannot be read; raises OSError for a full disk. `scratch` is a folder for what has to be written anew."""
    if not path.exists():
        return None, [bad_file(path, "找不到名册", "请检查路径")]
    files = [path]
    if path.is_dir():
        files = inside(path)
        kinds = {KINDS.get(file.suffix.lower(), file.suffix.lower()) for file in files}
        if not any(file.suffix.lower() in SUFFIXES for file in files):
            return None, [bad_file(path, "文件夹里没有 Parquet、CSV 或 JSON Lines 文件")]
        if len(kinds) > 1:
            firsts = {file.suffix.lower(): file.relative_to(path) for file in reversed(files)}
            listed = "、".join(f"「{first}」" for first in firsts.values())
            said = f"文件夹里有几种名册：{listed}"
            return None, [bad_file(path, said, "一次只能读一种，请分开放，或只给一个文件")]
    empty = next((file for file in files if not file.stat().st_size), None)
    if empty is not None:
        return None, [bad_file(empty, "文件是空的")]
    kind = KINDS[files[0].suffix.lower()]
    reader: Callable[..., Source | list[Diagnostic]] = {
        "parquet": _parquet,
        "csv": _csv,
        "jsonl": _jsonl,
    }[kind]
    try:
        found = reader(con, path, files, scratch)
    except duckdb.Error as error:
        return None, [unreadable(path, error)]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise  # of what is written anew, which is no fault of the roster
        return None, [bad_file(path, f"名册打不开（{error.strerror}）", "请检查路径和权限")]
    if isinstance(found, list):
        return None, found
    if not found.count:
        return None, [bad_file(path, "名册里没有记录")]
    return found, []


def bad_file(path: Path, said: str, hint: str = "", line: int = 0) -> Diagnostic:
    """E701: a file that cannot be read as a roster at all."""
    return Diagnostic("E701", said, Place(str(path), line), hint)


#: What DuckDB says, and what it means.
_SAID = (
    ("No magic bytes|too small to be a Parquet|Invalid footer|footer length", "不是完整的 Parquet 文件", "请重新导出或重新复制"),
    ("TProtocolException|Invalid Input Error: Failed to read Parquet|decompress|Corrupt|corrupt|don't know what type", "Parquet 文件已经损坏", "请重新导出或重新复制"),
    ("Permission denied|Cannot open file", "文件打不开", "请检查路径和权限"),
    ("unterminated quote|state machine reached", "引号没有成对", "内容里的引号要写两个，整格再加引号"),
    ("maximum line size|Maximum line size", "一行的内容太长", "多半是引号没有成对"),
    ("Hive partition mismatch", "各个文件夹的分区写法不一样", "分区应写作 字段=值，层数相同"),
    ("No space left|Disk quota|Could not write|write to file|File too large|max_temp_directory_size", "磁盘空间不够", "请腾出空间，或换一个文件夹"),
    ("Out of Memory|could not allocate|failed to (offload|pin|allocate)", "内存不够", "请关闭别的程序，或在内存更大的机器上运行"),
)  # fmt: skip


def in_chinese(error: Exception) -> tuple[str, str]:
    """What went wrong in DuckDB, and what to do; its own words where there are no better ones."""
    text = str(error)
    for pattern, said, hint in _SAID:
        if re.search(pattern, text):
            return said, hint
    return first_line(error), ""


def unreadable(path: Path, error: Exception) -> Diagnostic:
    """E701: what DuckDB could not read."""
    said, hint = in_chinese(error)
    line = re.search(r"CSV Error on Line: (\d+)", str(error))
    file = re.search(r'file "([^"]+)"|file \'([^\']+)\'|^\s*file = (.+)$', str(error), re.MULTILINE)
    where = Path(next(filter(None, file.groups()))) if file and path.is_dir() else path
    return bad_file(
        where,
        f"名册读不了：{said}",
        hint or "请检查文件是否完整、格式是否与后缀相符",
        int(line[1]) if line else 0,
    )


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]


# --- each kind --------------------------------------------------------------------------------------------


def hive(path: Path, files: Sequence[Path]) -> str:
    parted = path.is_dir() and any(
        "=" in part for file in files for part in file.relative_to(path).parts[:-1]
    )
    return ", hive_partitioning = true, hive_types_autocast = false" if parted else ""


def _parquet(con: duckdb.DuckDBPyConnection, path: Path, files: Sequence[Path], scratch: Path) -> Source:
    reader = f"read_parquet({texts(files)}, union_by_name = true{hive(path, files)}"
    counts = con.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata({texts(files)})").fetchall()
    described = con.execute(f"DESCRIBE SELECT * FROM {reader})").fetchall()
    number, more, left_out = "file_row_number + 1", "", "file_row_number"
    if len(files) > 1:
        starts = accumulate((count for _, count in counts), initial=0)
        arms = " ".join(
            f"WHEN {quoted(name)} THEN {start}" for (name, _), start in zip(counts, starts, strict=False)
        )
        number, more, left_out = (
            f"{number} + CASE filename {arms} END",
            ", filename = true",
            "file_row_number, filename",
        )
    relation = (
        f'SELECT * EXCLUDE ({left_out}), {number} AS "{ROW}" FROM {reader}, file_row_number = true{more})'
    )
    sizes = tuple(int(count) for _, count in counts)
    columns = {name: kind for name, kind, *_ in described}
    return Source(columns, relation, sum(sizes), tuple(Path(name) for name, _ in counts), "parquet", sizes)


def _csv(
    con: duckdb.DuckDBPyConnection, path: Path, files: Sequence[Path], scratch: Path
) -> Source | list[Diagnostic]:
    opened: list[tables.Table] = []
    for at, file in enumerate(files):
        found = tables.open_table(file, scratch / f"utf8-{at}.csv")
        if isinstance(found, tables.Refused):
            return [bad_file(file, found.said, found.hint, found.line)]
        opened.append(found)
    notes = [
        Diagnostic("W801", f"第 {number} 列没有列名，没有读取", Place(str(table.path), table.header_line), "请在表头写上列名")
        for table in opened for number in table.unnamed
    ]  # fmt: skip
    try:
        read = tables.read(con, opened, hive(path, files))
    except tables.Unreadable as error:
        return [bad_file(error.path, error.refused.said, error.refused.hint, error.refused.line)]
    columns = dict.fromkeys(read.columns, "VARCHAR")
    return Source(
        columns, read.relation, read.count, tuple(files), "csv", read.sizes, read.bad, tuple(notes), tuple(opened), read.misfits, read.before
    )  # fmt: skip


def mistake_in_lines(path: Path) -> Diagnostic | None:
    """E701: the first line of JSON Lines that is no record, which DuckDB may only meet later."""
    files = [file for file in (inside(path) if path.is_dir() else [path]) if file.suffix.lower() in LINES]
    told = lines.first_mistake(files)
    return None if told is None else bad_file(told.file, told.said, told.hint, told.line)


def _jsonl(
    con: duckdb.DuckDBPyConnection, path: Path, files: Sequence[Path], scratch: Path
) -> Source | list[Diagnostic]:
    try:
        read = lines.read(con, files, hive(path, files))
    except duckdb.InvalidInputException:
        told = mistake_in_lines(path)
        if told is None:
            raise
        return [told]
    if isinstance(read, str):
        if told := mistake_in_lines(path):
            return [told]
        return [bad_file(path, read, 'JSON Lines 每行写一条记录：{"字段": 值, …}')]
    return Source(read.columns, read.relation, sum(read.sizes), tuple(files), "jsonl", read.sizes, read.bad)
