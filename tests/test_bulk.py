"""Files read in place: the same values as the readers of records give, or the same row refused; what is wrong with a file told
with its place and count; nothing half-written; a row of the results explained."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator

from cli import main
from engine.build import build
from engine.bulk.run import Job, Written, run
from engine.bulk.small import read as read_small
from engine.evaluation import evaluate
from engine.loader import load
from engine.program import Program
from engine.records.model import Roster
from engine.records.reader import read_roster, read_roster_bytes, roster_of
from engine.source import SourceText
from engine.versions import Registry
from tests.bulk_rosters import due, sorted_out

duckdb = pytest.importorskip("duckdb", reason="needs DuckDB (pip install '.[bulk]')")
ROOT = Path(__file__).parent.parent
DAY = date(2024, 12, 31)

POLICY = """格式: 1
政策: {编号: b, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
选项组:
  等次: {选项: [未定, 差, 良, （优）], 有序: 是, 别名: {较差: 差}}
字段:
  工号: {类型: 文字}
  整: {类型: 整数, 范围: [-1000, 100000]}
  整无: {类型: 整数}
  数: {类型: 数, 小数位: 2, 范围: [-100, 1000]}
  数无: {类型: 数}
  期: {类型: 日期}
  期限: {类型: 日期, 范围: [2000-01-01, 2030-12-31]}
  真: {类型: 是否}
  等: {类型: 等次}
  名: {类型: 文字}
  证: {类型: 文字, 格式: 居民身份证号, 对照: {出生: 出生日期, 性别: 性别}, 用途: 登记}
  机: {类型: 文字, 格式: 手机号码}
  码: {类型: 文字, 格式: 统一社会信用代码}
  出生日期: {类型: 日期}
  性别: {选项: [男, 女], 别名: {M: 男, F: 女}}
  评等: {类型: 逐年, 值: 等次}
  评分: {类型: 逐年, 值: {单位: 次}}
  假: {类型: 记录, 栏目: {类: {选项: [病, 事]}, 起: {类型: 日期}, 天: {类型: 数, 小数位: 1, 范围: [0, 400], 缺省: 1}}}
规则:
  得整: {公式: 整}
  得整无: {公式: 整无}
  得数: {公式: 数}
  得数无: {公式: 数无}
  得期: {公式: 期}
  得期限: {公式: 期限}
  得真: {公式: 真}
  得等: {公式: 等, 类型: 等次}
  得名: {公式: '若 有值(名) 则 (若 名 == "甲" 则 1 否则 若 名 == "12" 则 2 否则 若 名 == "1001" 则 4 否则 3) 否则 0'}
  得机: {公式: '若 有值(机) 则 (若 机 == "13800138000" 则 1 否则 3) 否则 0'}
  得码: {公式: '若 有值(码) 则 (若 码 == "91350100M000100Y43" 则 1 否则 3) 否则 0'}
  得证: {公式: '若 有值(证) 则 (若 证 == "11010519491231002X" 则 1 否则 3) 否则 0'}
  得评等: {公式: '次数(评等, 值 >= 良)'}
  得新评等: {公式: 最近(评等), 类型: 等次}
  得评分: {公式: '合计(评分, 值)'}
  得假: {公式: '合计(假, 天, 类 == 病)'}
"""
NAMES = [
    "得整",
    "得整无",
    "得数",
    "得数无",
    "得期",
    "得期限",
    "得真",
    "得等",
    "得名",
    "得机",
    "得码",
    "得证",
    "得评等",
    "得新评等",
    "得评分",
    "得假",
]
#: Cells as people and programs write them, for every type.
CELLS = """|·|　|\t|\\xa0|0|1|01|-01|007|·3·|\t3|3\\n|\\xa03|　3|１２|－１|＋５|１．５|1.5|1.50|1.500|1.505|1.|.5|-.5|+5|--5|1e3|1E3|1,000
１，０００|1_000|0x10|10%|1/2|nan|NaN|inf|-inf|Infinity|NULL|null|None|-0|-0.0|0.00|100000|100001|-1000|-1001|1000|1000.00|1000.01
999999999999|0.000001|0.123456|1.00000000000000000000000000000000000000|1.0000000000000000000000000000000000000000|٣|३|²|Ⅻ|一|3元|3\\u200b
\\u200b3|\\ufeff3|3\\xad|-·5|−5|–5|5-|1·000|2021-05-27|2021-5-7|2021/5/7|2021/05/07|2021.5.7|2021年5月7日|2021年05月07日|2021年5月7
2021-05/07|２０２１－０５－２７|２０２１年５月７日|2021-02-29|2020-02-29|2021-13-01|2021-00-10|21-5-7|02021-05-07|2021-005-07|2021-5-007
20210527|2021-05-27·00:00:00|2021-05-27T00:00:00|2021-05-27·08:30|1799-12-31|1800-01-01|2999-12-31|3000-01-01|1999-12-31|2031-01-01|44343
2021·5·7|·2021-05-27·|2021·-05-27|2021-·5-7|2021年·5月7日|2021．5．7|2021／5／7|2021–05–27|May·7·2021|10000-01-01|2021-05-27\\n|2021-05-27\\u200b
是|否|是·|·是|　是|true|True|TRUE|false|t|yes|Ｔｒｕｅ|是\\u200b|√|对|差|良|（优）|(优)|(优）|较差|较差·|·差|差　|优|未定|未·定|差\\n|差\\u200b
甲|·甲·|甲　|甲\\u200b|甲\\x07|甲\\ufffd|１２|12|甲乙|甲'乙"|甲\\x7f|甲\\u2060|甲\\xad|甲\\u200d|\\x1f甲|\\x1c甲|甲\\x85|甲\\u2028|甲\\t·
13800138000|１３８００１３８０００|138001380001|·13800138000|12800138000|629999199401300140|11010519491231002X|11010519491231002x
１１０１０５１９４９１２３１００２Ｘ|110105194912310021|11010519490231002X|91350100M000100Y43|91350100m000100y43|91350100M000100Y44|91350100M000100Y4I"""
CORPUS = [
    word.encode("unicode_escape").decode().replace("\\\\", "\\").encode().decode("unicode_escape").replace("·", " ")
    for line in CELLS.split("\n") for word in line.split("|")
]  # fmt: skip


def program_of(text: str) -> Program:
    policy, found = load(SourceText("t.yaml", text))
    assert policy is not None, found
    program, more = build(policy, Registry((policy,)))
    assert program is not None, [*found, *more]
    return program


@pytest.fixture(scope="module")
def program() -> Program:
    return program_of(POLICY)


def sql(text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        return con.execute(text).fetchall()


def to_parquet(path: Path, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Path:
    """Rows of texts, each cast to its column's SQL type."""
    listed = ", ".join(
        f'TRY_CAST(c{at} AS {kind}) AS "{name}"' for at, (name, kind) in enumerate(columns.items())
    )
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t ({', '.join(f'c{at} VARCHAR' for at in range(len(columns)))})")
        con.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' for _ in columns)})", [list(row) for row in rows]
        )
        con.execute(f"COPY (SELECT {listed} FROM t) TO '{path}' (FORMAT parquet)")
    return path


def in_bulk(
    program: Program, path: Path, names: Sequence[str] | None = None, **more: Any
) -> tuple[dict[str, Any], Written]:
    """标识 → result → outcome of a bulk run, and what it came to."""
    names = NAMES if names is None else names
    output = path.parent / "out" / "o.parquet"
    output.parent.mkdir(exist_ok=True)
    job = Job(program=program, roster=path, output=output, as_of=DAY, readings={}, results=names, **more)
    written = run(job)
    assert [entry for entry in output.parent.iterdir() if entry.name.startswith(".")] == []
    if not written.files:
        assert not output.exists()
        return {}, written
    assert written.read == written.evaluated + written.rejected
    return {row[0]: sorted_out(row, names) for row in sql(f"FROM '{output}'")}, written


def one_by_one(program: Program, roster: Roster, names: Sequence[str] | None = None) -> dict[str, Any]:
    names = NAMES if names is None else names
    told = evaluate(program, roster, DAY, {}, only=names)
    return {result.record.id: {name: due(result.outcomes[name]) for name in names} for result in told.records}


def rejects(path: Path) -> list[list[str]]:
    with (path.parent / "out" / "o.rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))[1:]


# --- the same as the readers of records ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["整", "整无", "数", "数无", "期", "期限", "真", "等", "名", "证", "机", "码"]
)
def test_texts_are_read_as_the_readers_of_records_read_them(
    program: Program, name: str, tmp_path: Path
) -> None:
    rows = [
        (f"G{at:04}", cell)
        for at, cell in enumerate(CORPUS)
        if not (name in ("整无", "数无") and cell.isdecimal() and len(cell) > 12)
    ]
    path = to_parquet(tmp_path / "r.parquet", {"工号": "VARCHAR", name: "VARCHAR"}, rows)
    found, _written = in_bulk(program, path)
    roster, _ = roster_of([{"工号": id_, name: cell} for id_, cell in rows], {}, None, program.policy, "r")
    assert roster is not None
    due_ = one_by_one(program, roster)
    assert due_.keys() == found.keys(), [CORPUS[int(id_[1:])] for id_ in due_.keys() ^ found.keys()]
    assert found == due_
    left_out = {row.row for row in roster.rejected}
    assert {int(line) for _, line, *_ in rejects(path)} == left_out


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("整无", "9999999999999"),
        ("数无", "0.0000001"),
        ("数无", "123456789012345678.123456"),
        ("整无", "1" + "0" * 39),
    ],
)
def test_numbers_beyond_the_columns_are_told(program: Program, name: str, cell: str, tmp_path: Path) -> None:
    path = to_parquet(tmp_path / "r.parquet", {"工号": "VARCHAR", name: "VARCHAR"}, [("a", cell), ("b", "1")])
    found, written = in_bulk(program, path)
    assert list(found) == ["b"]
    assert [d.code for d in written.diagnostics if d.severity == "error"] == ["E792"]
    assert rejects(path)[0][1:4] == ["1", "a", name]


#: Type of a column, its cells, the field: read like the same values given in Python.
TYPED = [
    ("BIGINT", ["1", "-1000", "100000", "100001", "0", None], "整"),
    ("BIGINT", ["9223372036854775807", "-9223372036854775808", "7"], "数"),
    ("DECIMAL(38,0)", ["9" * 38, "-" + "9" * 38, "7"], "数"),
    ("DECIMAL(38,6)", ["9" * 32, "-" + "9" * 32, "7.25"], "数"),
    ("BIGINT", ["1", "-101", "1000", "1001", None], "数"),
    ("UBIGINT", ["1", "100000", "18446744073709551615", None], "整"),
    ("TINYINT", ["1", "-5", None], "数"),
    ("SMALLINT", ["1000", "-100", "1001", None], "数"),
    ("INTEGER", ["2147483647", "-2147483648", "7", None], "数无"),
    ("UTINYINT", ["255", None], "数无"),
    ("UINTEGER", ["4294967295", None], "数无"),
    ("DECIMAL(3,1)", ["99.9", "-99.9", None], "数"),
    ("DECIMAL(4,2)", ["99.99", "-99.99", None], "数无"),
    ("DECIMAL(18,6)", ["99999999999.999999", "-0.000001", None], "数无"),
    ("DECIMAL(18,0)", ["99999999999", None], "数无"),
    ("DECIMAL(9,3)", ["1.5", "1.550", "1.555", "-100.000", "1000.010", None], "数"),
    ("DECIMAL(38,10)", ["1.5", "1.5500000000", "1.0000000001", "99999999999999999999", None], "数"),
    ("DECIMAL(9,2)", ["1.00", "1.50", "-1000.00", "-1000.01", None], "整"),
    ("DECIMAL(18,0)", ["7", "100001", None], "整"),
    ("DATE", ["2021-05-27", "1999-12-31", "1799-12-31", "3000-01-01", "0044-01-01", None], "期限"),
    ("DATE", ["2021-05-27", "1799-12-31", "1800-01-01", "2999-12-31", "3000-01-01", "20000-01-01", None], "期"),
    ("TIMESTAMP", ["2021-05-27", "2021-05-27 08:30:00", "2021-05-27 00:00:00.000001", None], "期"),
    ("TIMESTAMP_MS", ["2021-05-27", "2021-05-27 08:30:00", None], "期"),
    ("BOOLEAN", ["true", "false", None], "真"),
    ("BIGINT", ["12", "1001", "-5", "999999999999999", "1000000000000000", None], "名"),
    ("DECIMAL(18,0)", ["12", "1001", "100000000000000000", None], "名"),
    ("BIGINT", ["13800138000", "12800138000", None], "机"),
    ("BIGINT", ["110105194912310021", None], "证"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "cells", "name"), TYPED, ids=[f"{kind}-{name}" for kind, _, name in TYPED])
def test_typed_columns(
    program: Program, kind: str, cells: list[str | None], name: str, tmp_path: Path
) -> None:
    rows = [(f"G{at}", cell) for at, cell in enumerate(cells)]
    path = to_parquet(tmp_path / "r.parquet", {"工号": "VARCHAR", name: kind}, rows)
    values = sql(f'SELECT "工号", "{name}" FROM \'{path}\'')
    if name == "期" and "TIMESTAMP" in kind:  # with a time it is no date
        values = [
            (id_, v if v is None or v.time().isoformat() == "00:00:00" else str(v)) for id_, v in values
        ]
    given = [{"工号": id_, name: value} for id_, value in values]
    roster, _ = roster_of(given, {}, None, program.policy, "r")
    assert roster is not None
    assert in_bulk(program, path)[0] == one_by_one(program, roster)


@pytest.mark.parametrize(
    ("kind", "cell", "name", "wanted"),
    [
        ("DOUBLE", "0.1", "数", "数"), ("FLOAT", "1", "整", "数"), ("BLOB", "1", "数", "数"), ("BLOB", "a", "名", "文字"),
        ("DOUBLE", "1", "名", "文字"), ("DECIMAL(9,2)", "1", "名", "文字"), ("BOOLEAN", "true", "整", "数"), ("BOOLEAN", "true", "等", "文字"),
        ("INTEGER", "1", "真", "是否"), ("INTEGER", "44343", "期", "日期"), ("TIMESTAMPTZ", "2021-05-27 00:00:00+08", "期", "日期"),
        ("VARCHAR[]", "[a]", "名", "文字"), ("VARCHAR", "a", "评等", "逐年的值"), ("INTEGER", "1", "假", "记录"), ("TIME", "08:00:00", "期", "日期"),
    ],
)  # fmt: skip
def test_a_column_of_the_wrong_type(
    program: Program, kind: str, cell: str, name: str, wanted: str, tmp_path: Path
) -> None:
    path = to_parquet(tmp_path / "r.parquet", {"工号": "VARCHAR", name: kind}, [("a", cell)])
    found, written = in_bulk(program, path)
    assert not found
    (told,) = [d for d in written.diagnostics if d.severity == "error"]
    assert told.code == "E791"
    assert told.message.startswith(f"「{name}」列的类型是 ")
    assert told.message.endswith(f"不能读作{wanted}")
    assert told.hint
    assert told.place is not None
    assert told.place.locator == name


def test_an_identity_number_against_its_holder(program: Program, tmp_path: Path) -> None:
    number = "11010519491231002X"
    rows = [
        ("a", number, "1949-12-31", "女"), ("b", number, "1949-12-30", "女"), ("c", number, "1949-12-31", "男"), ("d", number, None, "M"),
        ("e", number.lower(), "1949年12月31日", "F"), ("f", None, "1949-12-30", "男"), ("g", number, None, None), ("h", number.lower(), None, " F "),
        ("i", number.lower(), None, "Ｍ"),
    ]  # fmt: skip
    columns = dict.fromkeys(["工号", "证", "出生日期", "性别"], "VARCHAR")
    path = to_parquet(tmp_path / "r.parquet", columns, rows)
    found, _ = in_bulk(program, path)
    roster, told = roster_of(
        [dict(zip(columns, row, strict=True)) for row in rows], {}, None, program.policy, "r"
    )
    assert roster is not None
    assert found == one_by_one(program, roster)
    assert sorted(found) == ["a", "e", "f", "g", "h"]
    assert [row[4] for row in rejects(path)] == [
        d.message.partition("）")[2] for d in told if d.code == "E706"
    ]


# --- CSV ------------------------------------------------------------------------------------------------------

TABLE = "工号,数,2023年评等,2022评等,等,期,真,名\na,1.5,良,差,差,2021年5月7日,是,甲\nb,２,（优）,,较差,2021-05-27,否,12\nc,,,,,,,\n"
TABLES: dict[str, bytes] = {
    "plain": TABLE.encode(),
    "bom": b"\xef\xbb\xbf" + TABLE.encode(),
    "gb18030": TABLE.encode("gb18030"),
    "crlf": TABLE.replace("\n", "\r\n").encode(),
    "no_last_break": TABLE.rstrip("\n").encode(),
    "tabs": TABLE.replace(",", "\t").encode(),
    "semicolons": TABLE.replace(",", ";").encode(),
    "wide_semicolons": TABLE.replace(",", "；").encode(),
    "wide_commas": TABLE.replace(",", "，").encode(),
    "semicolons_inside": '工号,名,数\na,"x;y",1\nb,x;y;z,2\n'.encode(),
    "commas_and_breaks_inside": '工号,名,数\na,"x,y",1\nb,"x\ny ""z""",2\nc,x,9999\n'.encode(),
    "spaces_in_the_headings": " 工号 , 数 ,　等　\na, 1 , 差 \n".encode(),
    "quoted_headings": '"工号","数","等"\n"a","1","差"\n"b"," 2","良"\n'.encode(),
    "full_width_headings": "工号,２０２３年评等\na,良\n".encode(),
    "blank_lines": "\n\n工号,数\n\na,1\n\n,\n , \nb,1001\n\nc,2\n\n".encode(),
    "empty_columns_at_the_end": "工号,数,,\na,1,,\nb,2,,\nc,3,,x\n".encode(),
    "a_column_without_heading": "工号,,数\na,x,1\nb,,2\n".encode(),
    "unknown_columns": "工号,数,备注,数字\na,1,x,5\n".encode(),
    "too_few_and_too_many": '工号,数\na,1\nb\nc,1,2\nd,"2"\ne,1001\n'.encode(),
    "one_column": "工号\na\n\nb\n".encode(),
    "same_twice": "工号,数\na,1\nb,2\n Ａ,3\nＢ,4\nb,5\n\ta,x\n".encode(),
    "no_id": "工号,数\n,1\n ,2\na,3\n,x\n".encode(),
    "a_missing_id_between_two_that_are_one": "工号,数\na,1\n,2\na,3\n".encode(),
    "quotes_in_the_middle": '工号,名\na,x"y\nb,"x ""y"" z"\n'.encode(),
    "several_mistakes": "工号,数,等,期,2023年评等,2022评等\na,x,优等,昨天,良,好\nb,1,良,2021-05-27,良,差\n".encode(),
}


@pytest.mark.parametrize("case", TABLES)
def test_csv(program: Program, case: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(TABLES[case])
    roster, told = read_roster(path, program.policy)
    assert roster is not None
    found, written = in_bulk(program, path)
    assert found == one_by_one(program, roster)
    assert (written.read, written.rejected) == (roster.read, len(roster.rejected))

    def said(diagnostics: Sequence[Any]) -> list[Any]:
        return sorted(
            (d.code, d.message.split("，另见")[0], d.place.line if d.severity == "error" else 0)
            for d in diagnostics
        )

    assert said([d for d in written.diagnostics if d.code != "W790"]) == said(told)
    if roster.rejected:
        listed = [(int(line), id_, where) for _, line, id_, where, *_ in rejects(path)]
        errors = [d for d in told if d.severity == "error"]
        assert sorted((line, where) for line, _, where in listed) == sorted(
            (d.place.line, d.place.locator) for d in errors
        )
        assert {line for line, *_ in listed} == {row.row for row in roster.rejected}


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "文件是空的"),
    "blank": (b"\n\n  \n", "文件是空的"),
    "only_headings": ("工号,数\n".encode(), "名册里没有记录"),
    "latin": ("工号,数\na,é\n".encode() + b"\xff\xff\n", "文件不是 UTF-8 或 GB18030 编码"),
    "utf16": ("工号,数\na,1\n".encode("utf-16"), "文件不是 UTF-8 或 GB18030 编码"),
    "null": ("工号,数\na,\0\n".encode(), "文件里有空字符，不是 CSV"),
    "one_twice": ("工号,数,数\na,1,2\n".encode(), "列名「数」写了两次"),
    "field_twice": (
        "工号,数,２０２３年评等,2023评等\na,1,良,良\n".encode(),
        "「评等」有几列说的是同样的年份",
    ),
    "open_quote": ('工号,名\na,x\nb,"y\n'.encode(), "引号没有成对"),
    "no_id_column": ("姓名,数\na,1\n".encode(), "名册没有「工号」列，分不清是谁"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_csv_that_is_refused(program: Program, case: str, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_bytes(REFUSED[case][0])
    found, written = in_bulk(program, path)
    assert not found
    assert not written.files
    assert [d.message for d in written.diagnostics if d.severity == "error"] == [REFUSED[case][1]]


# --- JSON Lines ----------------------------------------------------------------------------------------------

LINES: dict[str, list[str]] = {
    "plain": [
        '{"工号":"a","数":1.5,"整":3,"真":true,"期":"2021-05-27","等":"差","名":"甲"}',
        '{"工号":"b","数":"２","整":"4","真":"否","期":"2021年5月7日","等":"较差 ","名":"12"}',
    ],
    "ints_as_text": ['{"工号":1001,"名":1001}', '{"工号":1002,"名":12}'],
    "series_object": [
        '{"工号":"a","评等":{"2023":"良","2022年":"差"}}',
        '{"工号":"b","评等":{"2021":"（优）","2020":null}}',
        '{"工号":"c","评等":{"20x":"良"}}',
        '{"工号":"d"}',
        '{"工号":"e","评等":{}}',
        '{"工号":"f","评等":{"2023":"好"}}',
        '{"工号":"g","评等":null}',
    ],
    "series_many": [
        f'{{"工号":"{n:02}","评等":{{"{1990 + n}":"良","{1991 + n}":"差 "}}}}' for n in range(30)
    ],
    "series_numbers": [
        '{"工号":"a","评分":{"2023":1,"2022":2.5}}',
        '{"工号":"b","评分":{"2023":"3"}}',
        '{"工号":"c","评分":{"2023":"x"}}',
    ],
    "dated_num": [
        '{"工号":"a","数":{"2018-07-01":1.5,"2023-07-01":"２"}}',
        '{"工号":"b","数":{"2018-07-01":1001}}',
        '{"工号":"c","数":{"2018-07-01":1,"2018/7/1":2}}',
    ],
    "late_key": [f'{{"工号":"{n:05}"}}' for n in range(25_000)] + ['{"工号":"z","数":7}'],
    "exp": ['{"工号":"a","数":1e2}', '{"工号":"b","数":1.5}', '{"工号":"c","数":-1.25}'],
    "nan": ['{"工号":"a","数":NaN}', '{"工号":"b","数":1}'],
    "unknown": ['{"工号":"a","备注":{"x":[1]},"数":1}'],
    "unicode": [
        '{"\\u5de5号":"a","名":"\\u7532"}',
        '{"工号":"b","名":"\\u200b"}',
        '{"工号":"c","名":"a\\tb"}',
    ],
    "blank_lines": ['{"工号":"a","数":1}', "", "  ", '{"工号":"b","数":1001}'],
    "wide": ['{"工号":"a","2023年评等":"良","2022评等":" 差"}', '{"工号":"b","2023年评等":"x"}'],
    "bool_num": ['{"工号":"a","数":true}', '{"工号":"b","数":1}'],
    "null_only": ['{"工号":"a","数":null,"评等":null,"假":null,"等":null}'],
    "empties": ['{"工号":"a","评等":{},"假":[]}'],
    "dates_all": ['{"工号":"a","期":"2021-05-27"}', '{"工号":"b","期":"2021-05-28"}'],
    "ts_all": ['{"工号":"a","期":"2021-05-27 08:00:00"}', '{"工号":"b","期":"2021-05-28T00:00:00"}'],
    "uuid": ['{"工号":"3f2504e0-4f89-11d3-9a0c-0305e82c3301"}'],
    "text_dated": ['{"工号":"a","名":{"2020-01-01":"甲","2024-01-01":"12"}}'],
    "text_dec": ['{"工号":"a","名":1.50}'],
    "dated": [
        '{"工号":"a","等":{"2018-07-01":"差","2023年7月1日":"良"}}',
        '{"工号":"b","等":{"x":"差"}}',
        '{"工号":"c","等":{"2018-07-01":"好"}}',
        '{"工号":"d","等":{"2018-07-01":null}}',
        '{"工号":"e"}',
        '{"工号":"f","等":{}}',
    ],
    "rows": [
        '{"工号":"a","假":[{"类":"病","天":2.5,"起":"2024-01-01"},{"类":"事"}]}',
        '{"工号":"b","假":[]}',
        '{"工号":"c","假":[{"类":"病","天":"x"}]}',
        '{"工号":"d","假":[{"类":"旷","天":401}]}',
        '{"工号":"e","假":null}',
        '{"工号":"f","假":[{"类":"病","天":"３"}]}',
    ],
}


@pytest.mark.parametrize("case", LINES)
def test_json_lines(program: Program, case: str, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(LINES[case]) + "\n", "utf-8")
    whole = "[" + ",".join(line for line in LINES[case] if line.strip()) + "]"
    roster, told = read_roster_bytes(whole.encode(), "r.json", ".json", program.policy)
    assert roster is not None
    found, written = in_bulk(program, path)
    assert found == one_by_one(program, roster)
    assert (written.read, written.rejected) == (roster.read, len(roster.rejected))
    if case != "exp":  # the reader of records has its own words for that
        said = [d.message for d in told if d.severity == "error"]
        assert [
            d.message.replace(" 行", " 条", 1) for d in written.diagnostics if d.severity == "error"
        ] == said


#: Refused as a whole, or a row that only the bulk run leaves out: file → what is said.
LINES_REFUSED = {
    "dated_mixed": (
        ['{"工号":"a","等":{"2018-07-01":"差"}}', '{"工号":"b","等":"良"}'],
        "「等」列的类型是 JSON，不能读作文字",
    ),
    "dup_key": (['{"工号":"a","数":1}', '{"工号":"b","数":1,"数":2}'], "第 2 行的键「数」写了两次"),
    "nested_dup": (
        ['{"工号":"a","评等":{"2023":"良","2023":"差"}}', '{"工号":"b","评等":{"2023":"良"}}'],
        "第 1 行的键「2023」写了两次",
    ),
    "bad_json": (['{"工号":"a","数":1}', '{"工号":"b","数":1'], "第 2 行不是完整的 JSON"),
    "not_object": (['{"工号":"a","数":1}', "[1]"], "第 2 行不是一条记录"),
    "scalar_line": (['"a"', '{"工号":"b"}'], "第 1 行不是一条记录"),
    "array": (['[{"工号":"a","数":1}]'], "第 1 行不是一条记录"),
    "comma": (['{"工号":"a","数":1},', '{"工号":"b","数":1}'], "第 1 行不是完整的 JSON"),
    "id18": (
        ['{"工号":"a","证":110105194912310021}', '{"工号":"b","证":"11010519491231002X"}'],
        "「证」列的类型是 JSON，不能读作文字",
    ),
    "case": (['{"工号":"a","备注A":1,"备注a":2}'], "有两个键都读作「备注a」（只有大小写不同）"),
}


@pytest.mark.parametrize("case", LINES_REFUSED)
def test_json_lines_that_are_refused(program: Program, case: str, tmp_path: Path) -> None:
    lines, said = LINES_REFUSED[case]
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    found, written = in_bulk(program, path)
    assert not found
    assert [d.message for d in written.diagnostics if d.severity == "error"] == [said]


def test_numbers_that_a_float_would_change_are_left_out(program: Program, tmp_path: Path) -> None:
    numbers = [
        "0.1234567890123456789",
        "123456789012.123456",
        "12345678901.5",
        "100.00000000000000001",
        "99999999999.1",
        "123456789012345678901",
    ]
    path = tmp_path / "r.jsonl"
    path.write_text("".join(f'{{"工号":"{n}","数无":{text}}}\n' for n, text in enumerate(numbers)), "utf-8")
    found, written = in_bulk(program, path)
    assert {id_: due_["得数无"] for id_, due_ in found.items()} == {
        "2": Fraction("12345678901.5"),
        "4": Fraction("99999999999.1"),
    }
    assert {d.code for d in written.diagnostics if d.severity == "error"} == {"E792"}


# --- nested Parquet -------------------------------------------------------------------------------------------

NESTED = {
    "list": (
        "评等",
        "[{'年份': 2023, '值': '良'}, {'年份': 2021, '值': '差'}]",
        {"2023": "良", "2021": "差"},
    ),
    "other_names": ("评等", "[{'年度': 2023, '等次': '良'}]", {"2023": "良"}),
    "value_first": ("评等", "[{'值': '良', '年份': '2023年'}]", {"2023": "良"}),
    "map_of_years": ("评等", "MAP {2023: '良', 2021: ' 差'}", {"2023": "良", "2021": " 差"}),
    "map_of_texts": ("评等", "MAP {'2023年': '良'}", {"2023": "良"}),
    "twice": ("评等", "[{'年份': 2023, '值': '良'}, {'年份': 2023, '值': '良'}]", None),
    "no_year": ("评等", "[{'年份': NULL::INTEGER, '值': '良'}]", None),
    "bad_year": ("评等", "[{'年份': 23, '值': '良'}]", None),
    "bad_member": ("评等", "[{'年份': 2023, '值': '好'}]", None),
    "blank": ("评等", "[{'年份': 2023, '值': ' '}, {'年份': 2022, '值': NULL}]", {"2023": " ", "2022": None}),
    "empty": ("评等", 'CAST([] AS STRUCT("年份" INTEGER, "值" VARCHAR)[])', {}),
    "full_width": ("评等", "[{'年份': 2023, '值': '(优)'}]", {"2023": "(优)"}),
    "numbers": (
        "评分",
        "[{'年份': 2023, '值': 1.25::DECIMAL(9,2)}, {'年份': 2022, '值': 100}]",
        {"2023": "1.25", "2022": "100"},
    ),
    "small_numbers": ("评分", "[{'年份': 2023::SMALLINT, '值': 100::TINYINT}]", {"2023": "100"}),
    "dated": (
        "等",
        "MAP {DATE '2018-07-01': '差', DATE '2023-07-01': '良'}",
        {"2018-07-01": "差", "2023-07-01": "良"},
    ),
    "dated_texts": ("等", "MAP {'2018年7月1日': '差'}", {"2018-07-01": "差"}),
    "dated_same_day": ("等", "MAP {'2018年7月1日': '差', '2018-07-01': '良'}", None),
    "dated_future": ("数", "MAP {DATE '2026-01-01': 7::DECIMAL(9,2)}", {"2026-01-01": "7"}),
    "dated_out_of_range": ("数", "MAP {DATE '2024-01-01': 1001}", None),
    "dated_empty_value": (
        "数",
        "MAP {DATE '2020-01-01': 1, DATE '2024-01-01': NULL}",
        {"2020-01-01": "1", "2024-01-01": None},
    ),
    "rows": (
        "假",
        "[{'类': '病', '天': 2.5::DECIMAL(9,1), '起': DATE '2024-01-01'}, {'类': '事', '天': NULL, '起': NULL}]",
        [{"类": "病", "天": "2.5"}, {"类": "事"}],
    ),
    "rows_bad": ("假", "[{'类': '病', '天': 2.55::DECIMAL(9,2)}]", None),
    "rows_empty": ("假", 'CAST([] AS STRUCT("类" VARCHAR, "天" INTEGER)[])', []),
    "no_rows_of_texts": ("假", "CAST([] AS VARCHAR[])", []),
}


@pytest.mark.parametrize("case", NESTED)
def test_nested_columns(program: Program, case: str, tmp_path: Path) -> None:
    """A value as the column has it, and the same as JSON has it; None where the row is left out."""
    name, written, given = NESTED[case]
    path = tmp_path / "r.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT 'a' AS \"工号\", {written} AS \"{name}\" UNION ALL SELECT 'b', NULL) TO '{path}' (FORMAT parquet)"
        )
    found, told = in_bulk(program, path)
    records = [{"工号": "b"}] if given is None else [{"工号": "a", name: given}, {"工号": "b"}]
    roster, _ = roster_of(records, {}, None, program.policy, "r")
    assert roster is not None
    assert found == one_by_one(program, roster)
    assert told.rejected == (given is None)
    small, _ = read_small(path, program.policy)
    assert small is not None
    assert found == one_by_one(program, small)
    if given is None:
        codes = [d.code for d in told.diagnostics if d.severity == "error"]
        assert len(codes) == 1
        assert codes != ["E792"]


def test_a_missing_cell_of_a_row_is_named_with_its_row(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text('{"工号":"a","假":[{"天":"3"}]}', "utf-8")
    found, _ = in_bulk(program, path, ["得假"])
    assert found == {"a": {"得假": frozenset({"假[1].类"})}}


# --- units and groups -----------------------------------------------------------------------------------------

UNITS = """格式: 1
政策: {编号: u, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  街道: {类型: 文字}
  岗: {选项: [甲, 乙]}
  分: {类型: 数, 小数位: 2, 范围: [0, 100]}
  人口: {类型: 整数, 对象: 街道}
集体:
  街人: {按: [街道], 公式: 人数(), 成员: 岗 == 甲}
  均分: {按: [街道], 公式: '若 人数() == 0 则 0 否则 合计(分) / 人数()', 成员: 岗 == 甲}
规则:
  得人数: {公式: 街人}
  得均: {公式: '四舍五入(均分, 2)'}
  得人口: {公式: 人口}
"""
UNIT_NAMES = ["得人数", "得均", "得人口"]
UNIT_TABLES = {
    "plain": "工号,街道,岗,分,人口\na,东,甲,50,100\nb,东,甲,49.99,\nc,西,乙,1,200\nd,西,甲,2,200\n",
    "spelt_in_two_ways": "工号,街道,岗,分,人口\na,（东）,甲,50,100\nb,(东),甲,49.99,\nc,\t(东) ,甲,1,100\nd,西,甲,2,7\n",
    "two_values_of_a_unit": "工号,街道,岗,分,人口\na,东,甲,50,100\nb,东,甲,49.99,101\nc,西,乙,1,200\n",
    "a_row_left_out": "工号,街道,岗,分,人口\na,东,甲,50,100\nb,东,甲,x,100\nc,西,甲,1,200\n",
    "a_row_left_out_without_its_street": "工号,街道,岗,分,人口\na,东,甲,50,100\nb,,甲,x,\nc,西,甲,1,200\n",
    "a_row_that_does_not_fit": "工号,街道,岗,分,人口\na,东,甲,50,100\nb,东\nc,西,甲,1,200\n",
    "one_twice": "工号,街道,岗,分,人口\na,东,甲,50,100\nb,西,甲,1,200\na,西,甲,1,200\nc,南,甲,3,1\n",
    "odd_and_left_out": "工号,街道,岗,分,人口\na,（东）,甲,50,100\nb,(东),甲,x,100\nc,西,甲 ,１,200\n",
}


@pytest.mark.parametrize("case", UNIT_TABLES)
def test_groups_over_what_is_read(case: str, tmp_path: Path) -> None:
    program = program_of(UNITS)
    path = tmp_path / "r.csv"
    path.write_text(UNIT_TABLES[case], "utf-8")
    roster, told = read_roster(path, program.policy)
    assert roster is not None
    found, written = in_bulk(program, path, UNIT_NAMES)
    assert found == one_by_one(program, roster, UNIT_NAMES)
    said = [d.message.split("，另见")[0] for d in written.diagnostics if d.severity == "error"]
    assert sorted(said) == sorted(d.message.split("，另见")[0] for d in told)


# --- a row explained ------------------------------------------------------------------------------------------

CITY = ("--policies", str(ROOT / "policies"))


def guizhang(*words: str | Path, code: int = 0) -> Result:
    outcome = CliRunner().invoke(main, [*map(str, words), *CITY])
    assert outcome.exit_code == code, outcome.output
    return outcome


def city_lines(path: Path, change: Callable[[list[dict[str, Any]]], None] = lambda _: None) -> Path:
    """The example roster as JSON Lines."""
    records = json.loads((ROOT / "examples" / "roster.json").read_text("utf-8"))["记录"]
    change(records)
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), "utf-8")
    return path


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the city's workers, one of them with a mistake, and all results of DuckDB."""
    folder = tmp_path_factory.mktemp("city")

    def spoil(records: list[dict[str, Any]]) -> None:
        records[5]["学历"] = "大砖"
        records.append(dict(records[9]))

    city_lines(folder / "workers.jsonl", spoil)
    guizhang(
        "eval", folder / "workers.jsonl", "--as-of", "2024-12-31", "--engine", "duckdb",
        "--reading", "首月=次月", "-o", folder / "results.parquet", code=1,
    )  # fmt: skip
    return folder


def copied(computed: Path, tmp_path: Path) -> Path:
    shutil.copytree(computed, tmp_path / "c")
    for name in ("workers.jsonl", "results.parquet"):
        shutil.copystat(computed / name, tmp_path / "c" / name)
    return tmp_path / "c"


def test_every_kind_of_row_agrees_with_its_explanation(computed: Path) -> None:
    receipt = json.loads((computed / "results.run.json").read_text("utf-8"))
    assert receipt["counts"] == {"read": 301, "evaluated": 298, "rejected": 3}
    assert receipt["readings"]["首月"] == "次月"
    for number in (1, 2, 3, 4, 7, 8, 9, 13, 77, 150, 299):
        outcome = guizhang("explain", computed / "results.parquet", f"JYG{number:07d}")
        assert f"与结果文件核对：{len(receipt['results'])} 项一致" in outcome.stderr
        assert "错误" not in outcome.stderr
        assert "口径改选：首月 = 次月" in outcome.stdout


def test_forms_of_an_explanation(computed: Path) -> None:
    words = ("explain", computed / "results.parquet", "JYG0000009", "年终奖")
    told = json.loads(guizhang(*words, "--format", "json").stdout)
    schema = json.loads((ROOT / "schemas" / "explanation.schema.json").read_text("utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(told)) == []
    assert [one["result"] for one in told["explanations"]] == ["年终奖"]
    assert guizhang(*words, "--format", "html").stdout.startswith("<!")


def test_a_roster_in_place_is_explained_without_results(computed: Path) -> None:
    outcome = guizhang("explain", computed / "workers.jsonl", "JYG0000009", "年终奖", "--as-of", "2024-12-31")
    assert "年终奖：1500.00 元" in outcome.stdout


def test_rows_that_have_no_explanation(computed: Path, tmp_path: Path) -> None:
    results = computed / "results.parquet"
    assert "结果文件里没有「工资」" in guizhang("explain", results, "JYG0000001", "工资", code=2).stderr
    assert "名册里没有工号「x」" in guizhang("explain", results, "x", code=2).stderr
    assert (
        "不必写 --as-of" in guizhang("explain", results, "JYG0000001", "--as-of", "2024-12-31", code=2).stderr
    )
    spoilt = guizhang("explain", results, "JYG0000006", code=1).stderr
    assert "「学历」的值「大砖」不在选项之中" in spoilt
    assert "错误[E799] 工号「JYG0000006」的记录有错误，没有计算" in spoilt
    twice = guizhang("explain", results, "JYG0000010", code=1).stderr
    assert "「工号」「JYG0000010」重复，另见第 301 行" in twice
    shutil.copy(results, tmp_path / "alone.parquet")
    assert (
        "没有「alone.run.json」"
        in guizhang("explain", tmp_path / "alone.parquet", "JYG0000001", code=1).stderr
    )


def test_a_file_of_results_that_was_changed_is_told(computed: Path, tmp_path: Path) -> None:
    folder = copied(computed, tmp_path)
    with duckdb.connect() as con:
        con.execute(f"""COPY (SELECT * REPLACE (CASE WHEN "工号" = 'JYG0000009' THEN "年终奖" + 1 ELSE "年终奖" END AS "年终奖")
            FROM '{computed}/results.parquet' WHERE "工号" <> 'JYG0000002') TO '{folder}/results.parquet' (FORMAT parquet)""")
    outcome = guizhang("explain", folder / "results.parquet", "JYG0000009", code=1)
    assert "错误[E798] 「年终奖」在结果文件里是 1501，逐人重算是 1500" in outcome.stderr
    assert "软件的缺陷" in outcome.stderr
    assert "年终奖：1500.00 元" in outcome.stdout
    told = guizhang("explain", folder / "results.parquet", "JYG0000002", code=1).stderr
    assert "结果文件里却没有" in told


def test_a_roster_that_was_changed_is_told(computed: Path, tmp_path: Path) -> None:
    folder = copied(computed, tmp_path)

    def change(records: list[dict[str, Any]]) -> None:
        records[8]["本年实际工作月数"] = 6
        del records[1]

    city_lines(folder / "workers.jsonl", change)
    first = guizhang("explain", folder / "results.parquet", "JYG0000009", "年终奖", code=1).stderr
    assert "提醒[W797] 名册在计算以后改过" in first
    assert "「年终奖」在结果文件里是 1500，逐人重算是 750" in first
    assert "结果文件里却有" in guizhang("explain", folder / "results.parquet", "JYG0000002", code=1).stderr
    same = guizhang("explain", folder / "results.parquet", "JYG0000003", "年终奖").stderr
    assert "W797" in same
    assert "1 项一致" in same
    (folder / "workers.jsonl").unlink()
    assert "找不到当时的名册" in guizhang("explain", folder / "results.parquet", "JYG0000001", code=1).stderr


def test_a_policy_that_was_changed_is_told(computed: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "policies", tmp_path / "p")
    changed = tmp_path / "p" / "guojia-tuixiu-1978.yaml"
    changed.write_text(changed.read_text("utf-8") + "\n# 改过\n", "utf-8")
    words = ["explain", str(computed / "results.parquet"), "JYG0000001", "--policies", str(tmp_path / "p")]
    outcome = CliRunner().invoke(main, words)
    assert outcome.exit_code == 1
    assert "政策「guojia-tuixiu-1978」在计算以后改过，不能再解释这些结果" in outcome.stderr
    assert outcome.stdout == ""


def test_a_group_that_is_too_large_is_left_unexplained(
    computed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.bulk.lookup.MOST_MEMBERS", 3)
    outcome = guizhang("explain", computed / "results.parquet", "JYG0000009", "绩效工资", "年终奖")
    assert "提醒[W798] 「绩效工资」用到集体「绩效工资分配」，他的组有" in outcome.stderr
    assert "结果文件里是" in outcome.stderr
    assert "年终奖：1500.00 元" in outcome.stdout
    assert "绩效工资：" not in outcome.stdout


@pytest.mark.parametrize(
    ("form", "engine"), [("csv", "duckdb"), ("parquet", "interpreter"), ("csv", "interpreter")]
)
def test_other_files_of_results_are_explained(form: str, engine: str, tmp_path: Path) -> None:
    roster, output = city_lines(tmp_path / "workers.jsonl"), tmp_path / f"results.{form}"
    guizhang("eval", roster, "--as-of", "2024-12-31", "--engine", engine, "-o", output)
    for number in (1, 2, 3, 9, 77):
        assert "项一致" in guizhang("explain", output, f"JYG{number:07d}").stderr


def test_a_workbook_that_was_computed_into_columns_is_explained(tmp_path: Path) -> None:
    output = tmp_path / "results.parquet"
    guizhang("eval", ROOT / "examples" / "roster.xlsx", "--as-of", "2024-12-31", "-o", output)
    assert "项一致" in guizhang("explain", output, "JYG0000003").stderr


# --- what is wrong with a file, and runs that end early ---------------------------------------------------------

BIG = """格式: 1
政策: {编号: g, 名称: 测试, 施行: 1900-01-01, 标识: 工号}
字段:
  工号: {类型: 文字}
  等: {选项: [甲, 乙, 丙]}
  月数: {类型: 整数, 范围: [0, 12]}
  系数: {类型: 数, 小数位: 3, 范围: [0, 2], 缺省: 1}
规则:
  额: {公式: '若 等 == 甲 则 月数 * 100 否则 月数 * 50'}
  加: {公式: 系数 * 2}
"""
BIG_NAMES = ["额", "加"]
MANY = 1_000_000


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A million rows: a word that is no member in row 734,221, a value out of range, and a 标识 that stands twice."""
    path = tmp_path_factory.mktemp("big") / "m.parquet"
    with duckdb.connect() as con:
        con.execute(f"""COPY (SELECT 'G' || CASE WHEN i = {MANY} THEN 5 ELSE i END AS "工号",
            CASE WHEN i = 734221 THEN '丁' WHEN i % 3 = 0 THEN '甲' ELSE '乙' END AS "等",
            CASE WHEN i = 500000 THEN 13 ELSE i % 13 END AS "月数" FROM range(1, {MANY + 1}) t(i)) TO '{path}' (FORMAT parquet)""")
    return path


def test_one_bad_row_of_a_million(million: Path) -> None:
    found, written = in_bulk_counts(million)
    assert (written.read, written.evaluated, written.rejected) == (MANY, MANY - 4, 4)
    assert found == MANY - 4
    assert [row[1:5] for row in rejects(million)] == [
        ["5", "G5", "工号", f"「工号」「G5」重复，另见第 {MANY} 行"],
        ["500000", "G500000", "月数", "「月数」的值「13」不在 0 到 12 之间"],
        ["734221", "G734221", "等", "「等」的值「丁」不在选项之中"],
        [str(MANY), "G5", "工号", "「工号」「G5」重复，另见第 5 行"],
    ]
    assert [(d.code, d.place.line, d.place.locator) for d in written.diagnostics if d.place and d.severity == "error"] == [
        ("E703", 5, "工号"), ("E702", 500_000, "月数"), ("E702", 734_221, "等"), ("E703", MANY, "工号"),
    ]  # fmt: skip
    warned = [d for d in written.diagnostics if d.severity == "warning"]
    assert warned == []  # 系数 has a default: a column that is not there is no loss


def in_bulk_counts(path: Path) -> tuple[int, Written]:
    output = path.parent / "out" / "o.parquet"
    output.parent.mkdir(exist_ok=True)
    program = program_of(BIG)
    written = run(Job(program=program, roster=path, output=output, as_of=DAY, readings={}, results=BIG_NAMES))
    ((count,),) = sql(f"SELECT count(*) FROM '{output}'")
    return count, written


def test_a_missing_column_without_a_default(tmp_path: Path) -> None:
    path = to_parquet(
        tmp_path / "r.parquet", {"工号": "VARCHAR", "等": "VARCHAR"}, [("a", "甲"), ("b", "乙")]
    )
    found, written = in_bulk(program_of(BIG), path, BIG_NAMES)
    assert found == {id_: {"额": frozenset({"月数"}), "加": 2} for id_ in "ab"}
    assert [(d.code, d.message) for d in written.diagnostics] == [("W790", "名册没有这些列：月数")]


def test_every_row_bad_is_told_in_short_and_listed_in_full(tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    with duckdb.connect() as con:
        con.execute(
            f"""COPY (SELECT 'G' || i AS "工号", '丁' || i AS "等", 13 + i AS "月数" FROM range(30000) t(i)) TO '{path}' (FORMAT parquet)"""
        )
    found, written = in_bulk(program_of(BIG), path, BIG_NAMES)
    assert found == {}
    assert (written.read, written.evaluated, written.rejected) == (30_000, 0, 30_000)
    told = [d.message for d in written.diagnostics]
    assert len(told) == 41
    assert told[-1] == "还有 29,980 行退回，没有逐行列出"
    listed = rejects(path)
    assert len(listed) == 60_000
    assert [row[3] for row in listed[:2]] == ["等", "月数"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p.write_bytes(b""), "文件是空的"),
        (lambda p: p.write_bytes(b"PAR1 not a table"), "名册读不了：不是完整的 Parquet 文件"),
        (lambda p: p.write_bytes(b"a,b\n"), "名册读不了：不是完整的 Parquet 文件"),
        (lambda p: p.mkdir(), "文件夹里没有 Parquet、CSV 或 JSON Lines 文件"),
        (lambda p: None, "找不到名册"),
    ],
    ids=["empty", "junk", "text", "folder", "none"],
)
def test_files_that_are_no_rosters(make: Callable[[Path], Any], said: str, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    make(path)
    found, written = in_bulk(program_of(BIG), path, BIG_NAMES)
    assert not found
    assert [(d.code, d.message) for d in written.diagnostics] == [("E701", said)]


def test_a_truncated_file_and_one_without_rows(million: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.parquet"
    path.write_bytes(million.read_bytes()[:200_000])
    _, written = in_bulk(program_of(BIG), path, BIG_NAMES)
    assert [d.message for d in written.diagnostics] == ["名册读不了：不是完整的 Parquet 文件"]
    none = to_parquet(tmp_path / "none.parquet", {"工号": "VARCHAR", "等": "VARCHAR"}, [("a", "甲")])
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM '{none}' LIMIT 0) TO '{tmp_path}/zero.parquet' (FORMAT parquet)")
    _, written = in_bulk(program_of(BIG), tmp_path / "zero.parquet", BIG_NAMES)
    assert [d.message for d in written.diagnostics] == ["名册里没有记录"]


def test_folders_and_partitions(tmp_path: Path) -> None:
    """Rows are counted file by file; a partition is a column; several kinds of files are refused."""
    folder = tmp_path / "r"
    columns = {"工号": "VARCHAR", "等": "VARCHAR", "月数": "INTEGER"}
    for name, rows in {
        "月数=1/a[1].parquet": [("a", "甲", "1"), ("b", "丁", "1")],
        "月数=2/a.parquet": [("c", "乙", "1"), ("d", "戊", "1")],
    }.items():
        (folder / name).parent.mkdir(parents=True)
        to_parquet(
            folder / name, {k: v for k, v in columns.items() if k != "月数"}, [row[:2] for row in rows]
        )
    (folder / "_SUCCESS").touch()
    found, written = in_bulk(program_of(BIG), folder, ["额"])
    assert found == {"a": {"额": 100}, "c": {"额": 100}}
    assert [(Path(file).name, row, id_) for file, row, id_, *_ in rejects(folder)] == [
        ("a[1].parquet", "2", "b"),
        ("a.parquet", "2", "d"),
    ]
    assert written.read == 4
    shutil.rmtree(tmp_path / "out")
    (folder / "more.csv").write_text("工号,等,月数\nx,甲,1\n", "utf-8")
    _, written = in_bulk(program_of(BIG), folder, ["额"])
    assert [d.code for d in written.diagnostics] == ["E701"]
    assert "有几种名册" in written.diagnostics[0].message


def test_a_folder_of_csv_with_columns_in_any_order(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "a.csv").write_text("工号,等,月数\na,甲,1\nb,丁,1\n", "utf-8")
    (folder / "b.csv").write_text("月数;工号;等\n2;c;乙\n\n13;d;甲\n", "gb18030")
    found, written = in_bulk(program_of(BIG), folder, ["额"])
    assert found == {"a": {"额": 100}, "c": {"额": 100}}
    assert [(Path(file).name, row, id_) for file, row, id_, *_ in rejects(folder)] == [
        ("a.csv", "3", "b"),
        ("b.csv", "4", "d"),
    ]
    assert written.read == 4


def test_a_name_with_a_star_or_bracket_is_that_file(tmp_path: Path) -> None:
    columns = {"工号": "VARCHAR", "等": "VARCHAR", "月数": "INTEGER"}
    to_parquet(tmp_path / "r1.parquet", columns, [("wrong", "甲", "1")])
    path = to_parquet(tmp_path / "r.parquet", columns, [("right", "甲", "1")]).rename(
        tmp_path / "r[1].parquet"
    )
    assert list(in_bulk(program_of(BIG), path, ["额"])[0]) == ["right"]


def test_outputs_that_would_cover_something(tmp_path: Path) -> None:
    roster = city_lines(tmp_path / "workers.jsonl")
    words = ("--as-of", "2024-12-31", "--only", "年终奖")
    copy = shutil.copy(roster, tmp_path / "r.rejects.csv")
    assert "已经存在" in guizhang("eval", roster, *words, "-o", tmp_path / "r.parquet", code=2).stderr
    Path(copy).unlink()
    (tmp_path / "in").mkdir()
    city_lines(tmp_path / "in" / "a.jsonl")
    told = guizhang("eval", tmp_path / "in", *words, "-o", tmp_path / "in" / "o.parquet", code=2).stderr
    assert "结果不能写在名册的文件夹" in told
    guizhang("eval", roster, *words, "-o", tmp_path / "r.parquet")
    same = guizhang(
        "eval", tmp_path / "r.parquet", *words, "-o", tmp_path / "r.parquet", "--force", code=2
    ).stderr
    assert "是名册本身" in same
    (tmp_path / "r.rejects.csv").write_text("of an earlier run", "utf-8")
    guizhang("eval", roster, *words, "-o", tmp_path / "r.parquet", "--force")
    assert not (tmp_path / "r.rejects.csv").exists()


def started(million: Path, folder: Path, **more: Any) -> subprocess.Popen[str]:
    (folder / "p").mkdir()
    (folder / "p" / "big.yaml").write_text(BIG, "utf-8")
    words = [
        "eval",
        str(million),
        "--policies",
        str(folder / "p"),
        "-o",
        str(folder / "out" / "o.parquet"),
        "--as-of",
        "2024-12-31",
    ]
    (folder / "out").mkdir()
    return subprocess.Popen(
        [sys.executable, "-c", "from cli import main; main()", *words],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", **more,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_ctrl_c_leaves_nothing(sent: str, million: Path, tmp_path: Path) -> None:
    process = started(million, tmp_path)
    for _ in range(600):  # until the run has made its folder
        if any((tmp_path / "out").iterdir()):
            break
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.Signals[sent])
    out, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert said.strip().splitlines()[-1] == "已中止"
    assert "Traceback" not in said
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk_leaves_nothing(million: Path, tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    process = started(million, tmp_path, preexec_fn=limit)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "错误[E795] 计算没有完成：磁盘空间不够" in said
    assert "结果没有写出" in said
    assert "Traceback" not in said
    assert list((tmp_path / "out").iterdir()) == []


def test_progress_goes_forward_to_its_end(million: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    output = tmp_path / "o.parquet"
    job = Job(
        program=program_of(BIG), roster=million, output=output, as_of=DAY, readings={}, results=BIG_NAMES
    )
    run(job, lambda done, total: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == 1000
