"""Files read in place: the same values as the readers of records give, or the same row refused; what is wrong with a file told
with its place and count; nothing half-written; a row of the results explained."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.build import build
from engine.bulk.run import Job, Written, run
from engine.evaluation import evaluate
from engine.loader import load
from engine.program import Program
from engine.records.model import Roster
from engine.records.reader import roster_of
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
  年等: {类型: 逐年, 值: 等次}
  年数: {类型: 逐年, 值: {单位: 次}}
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
  得年等: {公式: '次数(年等, 值 >= 良)'}
  得新年等: {公式: 最近(年等), 类型: 等次}
  得年数: {公式: '合计(年数, 值)'}
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
    "得年等",
    "得新年等",
    "得年数",
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
        ("VARCHAR[]", "[a]", "名", "文字"), ("VARCHAR", "a", "年等", "逐年的值"), ("INTEGER", "1", "假", "记录"), ("TIME", "08:00:00", "期", "日期"),
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
