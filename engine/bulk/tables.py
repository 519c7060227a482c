"""CSV for DuckDB: encoding, separator and headings as `engine.records.csv_source` takes them, every cell as text.

DuckDB reads UTF-8; a file in GB18030 is written anew beside the results. Rows with too many or too few cells are counted
and found once more for their lines.
"""

from __future__ import annotations

import codecs
import csv
import io
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from engine.bulk.texts import ROW, named, pattern, quoted
from engine.names import normalize
from engine.records.csv_source import WIDE_BOMS, separator_of
from engine.records.problems import Problem, cell_count

BLOCK = 1 << 23
#: Columns that have no heading, by their place.
UNNAMED = "·列"
MOST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Refused:
    said: str
    hint: str = ""
    line: int = 0


@dataclass(slots=True)
class Table:
    """One CSV. `readable` is the file in UTF-8; `headings` one for each cell of the line of headings, `skip` the rows up to
    it with itself, `breaks` the line ends of the file, `width` the cells that a row has to have."""

    path: Path
    readable: Path
    separator: str
    headings: tuple[str, ...]
    header_line: int
    skip: int
    breaks: int
    unnamed: tuple[int, ...] = ()
    rows: int = 0
    misfits: int = 0
    found: Any = None
    wrong: list[tuple[int, int]] = field(default_factory=list)

    def lines(self) -> Sequence[int]:
        """The line of every row that DuckDB gives; rows that do not fit go to `wrong` as (line, cells)."""
        if self.found is None:
            if not self.misfits and self.breaks == self.header_line + self.rows:
                self.found = range(self.header_line + 1, self.header_line + self.rows + 1)
            else:
                self.found = self.read_again()
        return self.found  # type: ignore[no-any-return]

    def read_again(self) -> Sequence[int]:
        found, width, line = array("q"), len(self.headings), 1
        with self.readable.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=self.separator)
            for at, row in enumerate(reader):
                if at >= self.skip and (row or width == 1):
                    if len(row or [""]) == width:
                        found.append(line)
                    elif any(cell.strip() for cell in row):
                        self.wrong.append((line, len(row)))
                line = reader.line_num + 1
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """`sizes`: rows of the relation by table before blank ones are dropped; `count` is without blank ones, with misfits."""

    columns: list[str]
    relation: str
    count: int
    sizes: tuple[int, ...]
    misfits: int
    bad: tuple[tuple[str, Problem], ...]
    before: int = 0


def open_table(path: Path, copy: Path) -> Table | Refused:
    """Reads a file once through: its encoding, its line ends, its headings. `copy` is where it goes as UTF-8."""
    readable = path
    with path.open("rb") as stream:
        mark = stream.read(3)
    no_text = Refused("文件不是 UTF-8 或 GB18030 编码", "请另存为「CSV UTF-8」")
    if mark.startswith(WIDE_BOMS):
        return no_text
    try:
        breaks = count_breaks(path, "utf-8")
    except UnicodeDecodeError:
        if mark == codecs.BOM_UTF8:
            return no_text
        try:
            breaks = count_breaks(path, "gb18030", copy)
            readable = copy
        except UnicodeDecodeError:
            copy.unlink(missing_ok=True)
            return no_text
    except _Null:
        return Refused("文件里有空字符，不是 CSV", "请另存为「CSV UTF-8」")
    with readable.open(encoding="utf-8-sig", newline="") as stream:
        start = stream.read(MOST_HEADER)
    if not start.strip():
        return Refused("文件是空的")
    separator = separator_of(start)
    try:
        row, line, skip = header(start, separator)
    except csv.Error:
        return Refused("表头的引号没有成对", "内容里的引号要写两个，整格再加引号", 1)
    headings, unnamed = [], []
    for at, cell in enumerate(row, 1):
        headings.append(cell.strip() if normalize(cell) else f"{UNNAMED}{at}")
        if not normalize(cell):
            unnamed.append(at)
    while (
        unnamed and unnamed[-1] == len(row) and len(row) > 1
    ):  # the empty ones at the end are not meant as columns
        del row[-1]
        del unnamed[-1]
    known: dict[str, str] = {}
    for word in headings:
        first = known.setdefault(word.casefold(), word)
        if first is not word:
            said = (
                f"列名「{word}」写了两次" if first == word else f"列名「{first}」和「{word}」只有大小写不同"
            )
            return Refused(said, "请只留一列", line)
    return Table(path, readable, separator, tuple(headings), line, skip, breaks, tuple(unnamed))


class Unreadable(Exception):
    """A table that cannot be parted into cells, and which."""

    def __init__(self, refused: Refused, path: Path) -> None:
        self.refused, self.path = refused, path


_QUOTES = "内容里的引号要写两个，整格再加引号"
_MISTAKES = {
    "UNQUOTED VALUE": "引号没有成对",
    "LINE SIZE OVER MAXIMUM": "一行的内容太长，多半是引号没有成对",
    "INVALID ENCODING": "有不是 UTF-8 的字符",
}


class _Null(Exception):
    """A file with null characters."""


def count_breaks(path: Path, encoding: str, copy: Path | None = None) -> int:
    """Line ends of a text in that encoding; raises UnicodeDecodeError. `copy`: where it goes as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    count, last = 0, b""
    with ExitStack() as files:
        stream = files.enter_context(path.open("rb"))
        out = None if copy is None else files.enter_context(copy.open("wb"))
        while block := stream.read(BLOCK):
            if b"\0" in block:
                raise _Null
            text = decoder.decode(block)
            count += block.count(b"\n")
            if out is not None:
                out.write(text.encode("utf-8"))
            last = block[-1:]
        decoder.decode(b"", final=True)
    return count + (last not in (b"\n", b""))


def header(start: str, separator: str) -> tuple[list[str], int, int]:
    """The first row with something in it, its line, and how many rows there are up to it."""
    reader = csv.reader(io.StringIO(start, newline=""), delimiter=separator, strict=True)
    line = 1
    for count, row in enumerate(reader, 1):
        if any(cell.strip() for cell in row):
            return row, reader.line_num if "\n" in "".join(row) else line, count
        line = reader.line_num + 1
    return [], 1, 0


def read(con: duckdb.DuckDBPyConnection, opened: Sequence[Table], hive: str) -> Read:
    """Tables as one relation. Counts the rows, which shows those that do not fit."""
    sizes, filled, misfits = [], 0, 0
    for at, table in enumerate(opened):
        scan = f"""read_csv({pattern(table.readable)}, {options(table)}, store_rejects = true,
            rejects_table = 'misfits{at}', rejects_scan = 'misfits_of{at}', rejects_limit = 0)"""
        # all of the answer: what does not fit is only listed once the query is through
        ((rows, full),) = con.execute(
            f"SELECT count(*), count(*) FILTER ({not_blank(table.headings)}) FROM {scan}"
        ).fetchall()
        table.rows = int(rows)
        kinds = con.execute(
            f"SELECT error_type, count(DISTINCT line_byte_position), min(line) FROM misfits{at} GROUP BY ALL"
        ).fetchall()
        for kind, count, line in kinds:
            if kind not in ("MISSING COLUMNS", "TOO MANY COLUMNS"):
                raise Unreadable(
                    Refused(_MISTAKES.get(kind, f"CSV 的写法有误（{kind}）"), _QUOTES, int(line)), table.path
                )
            table.misfits += int(count)
        sizes.append(table.rows)
        filled += int(full)
        misfits += table.misfits
    names = list(dict.fromkeys(word for table in opened for word in table.headings))
    arms = []
    alike = len({(t.headings, t.separator, t.skip) for t in opened}) == 1
    for group in [list(opened)] if alike else [[table] for table in opened]:
        listed = "[" + ", ".join(pattern(table.readable) for table in group) + "]"
        ignore = ", ignore_errors = true" if any(table.misfits for table in group) else ""
        arms.append(f"SELECT * FROM read_csv({listed}, {options(group[0])}{ignore}{hive})")
    whole = "\nUNION ALL BY NAME\n".join(arms)
    described = con.execute(f"DESCRIBE {whole}").fetchall()
    columns = [name for name, *_ in described if not name.startswith(UNNAMED)]
    blank = not_blank(names)
    before = opened[0].header_line if len(opened) == 1 else 0
    relation = (
        f'SELECT * FROM (SELECT *, row_number() OVER () + {before} AS "{ROW}" FROM ({whole})) WHERE {blank}'
    )
    width = len(names)
    while last(opened, names[width - 1]):
        width -= 1
    bad = [
        (f"COALESCE(trim({named(name)}) <> '', FALSE)", cell_count(at, width))
        for at, name in reversed(list(enumerate(names[width:], width + 1)))
    ]
    return Read(columns, relation, filled + misfits, tuple(sizes), misfits, tuple(bad), before)


def last(opened: Sequence[Table], name: str) -> bool:
    """Whether a column without heading is one of those at the end, where nothing may stand."""
    if not name.startswith(UNNAMED):
        return False
    return any(name in t.headings and int(name.removeprefix(UNNAMED)) not in t.unnamed for t in opened)


def options(table: Table) -> str:
    columns = ", ".join(f"{quoted(word)}: 'VARCHAR'" for word in table.headings)
    mark = quoted(table.separator)
    return f"auto_detect = false, header = false, skip = {table.skip}, delim = {mark}, quote = '\"', escape = '\"', columns = {{{columns}}}"


def not_blank(names: Sequence[str]) -> str:
    """Whether any cell of a row has something in it."""
    return "COALESCE(" + ", ".join(f"NULLIF(trim({named(name)}), '')" for name in names) + ") IS NOT NULL"


def misfits(tables: Sequence[Table]) -> Iterator[tuple[Table, int, int]]:
    """Rows that do not fit: the table, the line, how many cells."""
    for table in tables:
        if table.misfits:
            table.lines()
            for line, cells in table.wrong:
                yield table, line, cells
