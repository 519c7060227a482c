"""Results as a workbook and as CSV, cell by cell against the JSON of the same run; templates filled in and read back."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli import main
from engine.app.template import Template, laid_out
from engine.loader import load
from engine.policy import FieldDecl, Policy
from engine.records.reader import read_roster_bytes
from engine.render import workbook
from engine.render.person_rows import harmless
from engine.render.sheet_writer import Book, safe_number
from engine.render.template import write_template
from engine.source import SourceText
from engine.types import BoolT, DateT, EnumT, NumberT, RecordsT, SeriesT, Type
from engine.units import parse_unit
from engine.values import Rows, Series
from tests.test_records import CREDIT, IDENTITY, real_policy
from tests.workbooks import filled

ROOT = Path(__file__).parent.parent
ROSTERS = ["roster.xlsx", "roster-with-errors.csv"]
DAY = "2024-12-31"


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--policies", str(ROOT / "policies")])


def evaluated(roster: Path, output: Path, *more: str) -> Any:
    """Writes the results of a run, and gives the JSON of the same run."""
    given = run("eval", str(roster), "--as-of", DAY, "-o", str(output), *more)
    assert given.exit_code in (0, 1), given.output
    return json.loads(run("eval", str(roster), "--as-of", DAY, "--format", "json", *more).stdout)


def sheets_of(path: Path) -> dict[str, list[list[Any]]]:
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def rows_of(sheet: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(sheet[0], row, strict=True)) for row in sheet[1:]]


def as_json(cell: Any, like: Any) -> Any:
    """A cell as the JSON says the same value."""
    if isinstance(like, bool):
        return {"是": True, "否": False}[cell]
    if isinstance(like, list):
        return [] if cell == "无" else re.findall(r"（(.+?)）", cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        number = Decimal(repr(cell))
        return (
            int(number) if isinstance(like, int) else f"{number:.2f}" if like[-3:-2] == "." else str(number)
        )
    return cell


def shown(record: dict[str, Any], name: str) -> Any:
    """What stands in the cell of a result without a plain value."""
    return "—" if name in record["not_applicable"] else "？" if name not in record["values"] else None


# --- results


@pytest.mark.parametrize("roster", ROSTERS)
def test_every_cell_is_what_the_json_says(roster: str, tmp_path: Path) -> None:
    path = tmp_path / "结果.xlsx"
    found = evaluated(ROOT / "examples" / roster, path)
    sheets = sheets_of(path)
    assert list(sheets) == ["结果", "不适用与信息不足", "校验与提示", "集体", "依据"]
    rows = rows_of(sheets["结果"])
    assert [row["工号"] for row in rows] == [record["id"] for record in found["records"]]
    assert sheets["结果"][0][:4] == ["工号", "姓名", "街道", "社区"]
    open_, findings = [], []
    for row, record in zip(rows, found["records"], strict=True):
        names = [*record["values"], *record["not_applicable"], *record["unknown"]]
        assert set(names) <= set(row)
        for name in names:
            special = shown(record, name)
            if special is not None:
                assert row[name] == special, (record["id"], name)
            else:
                value = record["values"][name]
                assert as_json(row[name], value) == value, (record["id"], name)
        assert row["按缺省值计算的字段"] == "、".join(record["defaults"])
        open_ += [(record["id"], name, "不适用", why) for name, why in record["not_applicable"].items()]
        open_ += [(record["id"], n, "信息不足", "、".join(facts)) for n, facts in record["unknown"].items()]
        findings += [(record["id"], f["rule"], f["level"], f["text"]) for f in record["findings"]]
    told = [(row[0], *row[2:]) for row in sheets["不适用与信息不足"][1:]]
    assert sorted(told) == sorted(open_)
    assert [(row[0], *row[2:]) for row in sheets["校验与提示"][1:]] == findings


@pytest.mark.parametrize("roster", ROSTERS)
def test_groups_and_grounds_are_what_the_json_says(roster: str, tmp_path: Path) -> None:
    path = tmp_path / "结果.xlsx"
    found = evaluated(ROOT / "examples" / roster, path, "--reading", "绩效工资口径=个人系数")
    sheets = sheets_of(path)
    rows = rows_of(sheets["集体"])
    for group in found["groups"]:
        same = {
            row["项目"]: row
            for row in rows
            if row["集体"] == group["rule"] and all(row[k] == v for k, v in group["group"].items())
        }
        for label, value in group["values"].items():
            assert as_json(same[label]["值"], value) == value
        for label, facts in group["unknown"].items():
            assert (same[label]["值"], same[label]["理由或缺少的信息"]) == ("？", "、".join(facts))
        if group["not_applicable"]:
            assert {row["理由或缺少的信息"] for row in same.values()} == {group["not_applicable"]}
        assert {row["校验"] for row in same.values()} <= {group["finding"] or ""}
    grounds = {row["项目"]: row for row in rows_of(sheets["依据"])}
    assert grounds["编号"]["内容"] == found["policy"]["id"]
    assert grounds["政策文件 sha256"]["内容"] == found["policy"]["sha256"]
    assert grounds["名册"]["说明"] == found["roster"]["sha256"]
    assert grounds["计算日"]["内容"] == date(2024, 12, 31)
    counted = [grounds[word]["内容"] for word in ("读入", "计算", "退回")]
    assert counted == list(found["counts"].values())
    for use in found["uses"]:
        assert grounds[f"引用：{use['alias']}"]["说明"] == use["sha256"]
    for name, option in found["readings"].items():
        assert grounds[f"口径：{name}"]["内容"] == option
        changed = grounds[f"口径：{name}"]["说明"].startswith("改选")
        assert changed == (name == "绩效工资口径")
    told = [
        (row["项目"][-4:], row["说明"])
        for row in rows_of(sheets["依据"])
        if re.search(r" [EW]\d{3}$", row["项目"])
    ]
    assert told == [(d["code"], d["where"]) for d in found["diagnostics"]]
    out = [row for row in rows_of(sheets["依据"]) if row["项目"] == "退回的记录"]
    assert len(out) == found["counts"]["rejected"]


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.xlsx", "b.xlsx"):
        evaluated(ROOT / "examples/one.json", tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_what_a_spreadsheet_cannot_hold_exactly_is_text(tmp_path: Path) -> None:
    money = NumberT(parse_unit("元") or NumberT().unit)
    cells = [
        (Fraction("1234567890123.45"), money, 1234567890123.45),
        (Fraction("12345678901234.56"), money, "12345678901234.56"),
        (Fraction(1, 3), NumberT(), "1/3"),
        (Fraction("0.1"), NumberT(), 0.1),
        (10**15, NumberT(), "1000000000000000"),
        (0, money, 0.0),
        (date(1900, 3, 1), DateT(), date(1900, 3, 1)),
        (date(1899, 12, 31), DateT(), "1899-12-31"),
        ("001", None, "001"),
        (True, BoolT(), "是"),
    ]
    with Book(tmp_path / "a.xlsx", date(2024, 1, 1), "") as book:
        sheet = book.sheet("表", [str(at) for at in range(len(cells))])
        sheet.add([value for value, _, _ in cells], [kind for _, kind, _ in cells])
        sheet.done()
    assert sheets_of(tmp_path / "a.xlsx")["表"][1] == [cell for _, _, cell in cells]
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        styles = archive.read("xl/styles.xml").decode()
    assert 'formatCode="yyyy-mm-dd"' in styles
    assert not safe_number(Fraction(1, 7))


EVIL = [
    "=1+1",
    '=HYPERLINK("http://x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "{=1}",
    "http://x.cn",
    "00123",
]


def evil_roster(tmp_path: Path) -> Path:
    one = json.loads((ROOT / "examples/one.json").read_text("utf-8"))
    one = one[0] if isinstance(one, list) else one.get("记录", [one])[0]
    rows = [one | {"工号": f"{word}#{at}", "姓名": word, "街道": word} for at, word in enumerate(EVIL)]
    rows.append(one | {"工号": "=bad", "学历": "=1+1"})
    path = tmp_path / "名册.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
    return path


def test_text_of_a_roster_never_becomes_a_formula(tmp_path: Path) -> None:
    evaluated(evil_roster(tmp_path), tmp_path / "r.xlsx")
    with zipfile.ZipFile(tmp_path / "r.xlsx") as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert "<f>" not in text
            assert "<hyperlink" not in text
    rows = rows_of(sheets_of(tmp_path / "r.xlsx")["结果"])
    assert [(row["姓名"], row["街道"]) for row in rows] == [(word, word) for word in EVIL]
    assert rows[0]["工号"] == "=1+1#0"


def test_csv_is_one_row_per_person(tmp_path: Path) -> None:
    path = tmp_path / "结果.csv"
    found = evaluated(ROOT / "examples/roster.json", path)
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == raw.count(b"\n") == 1 + len(found["records"])
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    for row, record in zip(rows, found["records"], strict=True):
        assert row["工号"] == record["id"]
        for name in (*record["values"], *record["not_applicable"], *record["unknown"]):
            value = record["values"].get(name)
            special = shown(record, name)
            if special is None and isinstance(value, bool | list):
                assert as_json(row[name], value) == value
            else:
                assert row[name] == (special or str(value))


def test_csv_text_does_not_begin_a_formula(tmp_path: Path) -> None:
    evaluated(evil_roster(tmp_path), tmp_path / "r.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text("utf-8-sig"), newline="")))
    assert [row["姓名"].startswith("'") for row in rows] == [True] * 5 + [False] * 3
    assert rows[0]["工号"] == "'=1+1#0"
    for text, safe in (
        ("-5", "-5"),
        ("+1.50", "+1.50"),
        ("-", "'-"),
        ("\tx", "'\tx"),
        ("甲", "甲"),
        ("—", "—"),
    ):
        assert harmless(text) == safe


# --- files are written whole or not at all


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    path.write_text("旧")
    words = ("eval", str(ROOT / "examples/one.json"), "--as-of", DAY, "-o", str(path))
    refused = run(*words)
    assert (refused.exit_code, path.read_text()) == (2, "旧")
    assert "--force" in refused.stderr
    assert run(*words, "--force").exit_code == 0
    assert path.read_bytes().startswith(b"PK")
    assert run(*words[:-1], str(tmp_path / "r.ods")).exit_code == 2
    assert run(*words[:-1], str(tmp_path / "无" / "r.xlsx")).exit_code == 2


def test_nothing_half_written_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.xlsx"
    path.write_text("旧")

    def broken(*_: Any) -> None:
        raise OSError(28, "磁盘已满")

    monkeypatch.setattr(workbook, "_groups", broken)
    given = run("eval", str(ROOT / "examples/one.json"), "--as-of", DAY, "-o", str(path), "--force")
    assert given.exit_code == 2
    assert "写不出（磁盘已满）" in given.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["r.xlsx"]
    assert path.read_text() == "旧"


# --- templates


def template_bytes(template: Template, tmp_path: Path) -> bytes:
    path = tmp_path / "花名册.xlsx"
    write_template(template, path)
    return path.read_bytes()


def headings(raw: bytes) -> dict[str, list[str]]:
    book = python_calamine.load_workbook(io.BytesIO(raw))
    return {
        name: next((row for row in reversed(book.get_sheet_by_name(name).to_python()[:2])), [])
        for name in book.sheet_names
    }


def whole(policy: Policy) -> Template:
    return laid_out(policy, (), set(policy.fields))


def cell_values(decl: FieldDecl, kind: Type) -> st.SearchStrategy[Any]:
    """(what is typed, what is read)."""
    low, high = decl.range or (None, None)
    match kind:
        case EnumT(members):
            return st.sampled_from(members).map(lambda word: (word, word))
        case BoolT():
            return st.booleans().map(lambda truth: ("是" if truth else "否", truth))
        case DateT():
            first = low if isinstance(low, date) else date(1900, 3, 1)
            last = high if isinstance(high, date) else date(2200, 1, 1)
            return st.dates(first, last).map(lambda day: (day, day))
        case NumberT():
            scale = 10 ** (decl.decimals if decl.decimals is not None else 4)
            least = -999 if low is None else Fraction(low)  # type: ignore[arg-type]
            most = least + 5_000 if high is None else Fraction(high)  # type: ignore[arg-type]
            whole_numbers = st.integers(-(-least * scale // 1), most * scale // 1)
            return whole_numbers.map(lambda n: (float(Fraction(n, scale)), Fraction(n, scale)))
    if decl.format:
        word = {"居民身份证号": IDENTITY, "手机号码": "13800000000"}.get(decl.format, CREDIT)
        return st.just((word, word))
    return st.text("甲乙丙=+-@（）12a", min_size=1, max_size=6).map(lambda word: (word, word))


FIELDS = [
    "{类型: 文字}",
    "{类型: 文字, 用途: 登记, 列名: [别名列%d]}",
    "{类型: 日期}",
    "{类型: 日期, 范围: [2020-01-01, 2020-12-31]}",
    "{类型: 日期, 范围: [1950-01-01, ~]}",
    "{类型: 整数, 范围: [0, 12], 年度: 是}",
    "{类型: 整数}",
    "{类型: 数}",
    "{类型: 数, 小数位: 3, 范围: [0, ~]}",
    "{类型: 数, 小数位: 1, 范围: [0.5, 99.5]}",
    "{类型: 是否, 说明: 说明文字, 提供: 某处}",
    "{选项: [甲, 乙（试）, 丙], 有序: 是, 别名: {别的%d: 甲}}",
    f"{{选项: [{', '.join(f'很长很长的选项之{n}' for n in range(40))}], 说明: 很长的一列}}",
    "{类型: 逐年, 值: {选项: [差, 优]}}",
    "{类型: 逐年, 值: 整数}",
    "{类型: 逐年, 值: 是否}",
    "{类型: 记录, 栏目: {类%d: {选项: [病, 事]}, 起%d: {类型: 日期}, 天%d: {类型: 数, 小数位: 1}}}",
    "{类型: 记录, 栏目: {职%d: {类型: 文字}}}",
    "{类型: 整数, 对象: 部门, 范围: [0, 100]}",
    "{类型: 是否, 对象: 部门}",
    "{类型: 文字, 格式: 居民身份证号}",
    "{类型: 文字, 格式: 手机号码}",
    "{类型: 文字, 格式: 统一社会信用代码}",
]


def policy_of(fields: list[str]) -> Policy:
    lines = "\n".join(f"  栏{at}: {text.replace('%d', str(at))}" for at, text in enumerate(fields))
    text = (
        "格式: 1\n政策: {编号: li-2020, 名称: 例, 施行: 2020-01-01, 标识: 编号}\n"
        f"字段:\n  编号: {{类型: 文字}}\n  部门: {{类型: 文字}}\n{lines}\n"
    )
    policy, diagnostics = load(SourceText("例.yaml", text))
    assert policy is not None, diagnostics
    return policy


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_template_filled_in_is_read_back_without_a_word(data: st.DataObject, tmp_path: Path) -> None:
    policy = policy_of(data.draw(st.lists(st.sampled_from(FIELDS), max_size=7)))
    template = whole(policy)
    raw = template_bytes(template, tmp_path)
    said = read_roster_bytes(raw, "空.xlsx", ".xlsx", policy)
    assert (said[0], [d.code for d in said[1]]) == (None, ["E701"])
    assert "没有记录" in said[1][0].message

    ids = [f"{n}" for n in range(1, data.draw(st.integers(1, 3)) + 1)]
    expected: dict[str, dict[str, Any]] = {id_: {} for id_ in ids}
    sheets: dict[str, list[list[Any]]] = {"花名册": []}
    for id_ in ids:
        row: list[Any] = []
        for decl in template.columns:
            if decl.name == policy.meta.identifier:
                typed, fact = id_, id_
            else:
                typed, fact = data.draw(st.none().map(lambda _: (None, None)) | cell_values(decl, decl.type))
            row.append(typed)
            if fact is not None:
                expected[id_][decl.name] = fact
        sheets["花名册"].append(row)
    for decl in template.sheets:
        rows = sheets.setdefault(decl.name, [])
        for id_ in ids:
            if isinstance(decl.type, SeriesT):
                years = sorted(data.draw(st.sets(st.integers(2000, 2024), max_size=3)))
                items = [(year, data.draw(cell_values(decl, decl.type.item))) for year in years]
                rows += [[id_, year, typed] for year, (typed, _) in items]
                expected[id_][decl.name] = Series(tuple((y, fact) for y, (_, fact) in items), decl.name)
            else:
                assert isinstance(decl.type, RecordsT)
                found = []
                for _ in range(data.draw(st.integers(0, 2))):
                    cells = [data.draw(cell_values(part, part.type)) for part in decl.columns]
                    rows.append([id_, *(typed for typed, _ in cells)])
                    found.append({p.name: f for p, (_, f) in zip(decl.columns, cells, strict=True)})
                expected[id_][decl.name] = Rows(tuple(found), decl.name)
    units: dict[str, dict[str, dict[str, Any]]] = {}
    for unit, facts in template.units:
        cells = [data.draw(cell_values(decl, decl.type)) for decl in facts]
        sheets[unit.name] = [["甲部", *(typed for typed, _ in cells)]]
        units[unit.name] = {"甲部": {decl.name: fact for decl, (_, fact) in zip(facts, cells, strict=True)}}
    first = dict.fromkeys(sheets, 2) | {"花名册": 3 if template.yearly else 2}
    roster, diagnostics = read_roster_bytes(filled(raw, sheets, first), "填.xlsx", ".xlsx", policy)
    assert diagnostics == []
    assert roster is not None
    assert {r.id: dict(r.facts) for r in roster.records} == expected
    assert roster.units == units


def test_the_template_of_the_real_policy_round_trips(tmp_path: Path) -> None:
    path = tmp_path / "花名册.xlsx"
    made = run("template", "jiayuguan-shequ", "-o", str(path))
    assert (made.exit_code, made.stderr.splitlines()[-1]) == (0, f"已写出 {path}")
    raw = path.read_bytes()
    given = headings(raw)
    assert list(given) == ["花名册", "年度考核", "街道", "填写说明"]
    assert given["花名册"][:3] == ["工号", "姓名", "身份证号"]
    assert "原法定退休年龄" in given["花名册"]
    assert (given["年度考核"], given["街道"]) == (["工号", "年份", "值"], ["街道", "社区数", "批准增加名额"])
    roster = json.loads((ROOT / "examples/roster.json").read_text("utf-8"))
    sheets: dict[str, list[list[Any]]] = {
        "花名册": [[_typed(facts.get(name)) for name in given["花名册"]] for facts in roster["记录"]],
        "年度考核": [
            [f["工号"], int(y), grade] for f in roster["记录"] for y, grade in f["年度考核"].items()
        ],
        "街道": [
            [s, *(facts.get(n) for n in given["街道"][1:])] for s, facts in roster["单位"]["街道"].items()
        ],
    }
    path.write_bytes(filled(raw, sheets, {"花名册": 3, "年度考核": 2, "街道": 2}))
    policy = real_policy()
    read, diagnostics = read_roster_bytes(path.read_bytes(), "填.xlsx", ".xlsx", policy)
    assert diagnostics == []
    assert read is not None
    json_roster, _ = read_roster_bytes(
        (ROOT / "examples/roster.json").read_bytes(), "名册.json", ".json", policy
    )
    assert json_roster is not None
    for ours, theirs in zip(read.records, json_roster.records, strict=True):
        assert dict(ours.facts) == {
            n: f for n, f in theirs.facts.items() if n in (*given["花名册"], "年度考核")
        }
    assert read.units == json_roster.units


def _typed(value: Any) -> Any:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date.fromisoformat(value)
    return value or (0.0 if value == 0 and value != "" else None)


def test_only_the_columns_that_the_results_need(tmp_path: Path) -> None:
    path = tmp_path / "花名册.xlsx"
    run("template", "jiayuguan-shequ", "-o", str(path), "--only", "法定退休日期")
    own = ["工号", "姓名", "身份证号", "性别", "出生日期"]
    rest = ["人员类别", "参加社区工作日期", "人员状态", "离岗日期", "原法定退休年龄"]
    assert headings(path.read_bytes())["花名册"] == own + rest
    assert list(headings(path.read_bytes())) == ["花名册", "填写说明"]
    run("template", "jiayuguan-shequ", "-o", str(path), "--only", "年休假天数", "--force")
    assert "本年已休年休假天数" in headings(path.read_bytes())["花名册"]
    wrong = run("template", "jiayuguan-shequ", "-o", str(path), "--only", "年休假天", "--force")
    assert (wrong.exit_code, "是否想写「年休假天数」" in wrong.stderr) == (2, True)
    assert run("template", "jiayuguan-shequ").exit_code == 2
    assert run("template", "jiayuguan-shequ", "-o", str(tmp_path / "a.csv")).exit_code == 2
    assert run("template", "没有", "-o", str(tmp_path / "b.xlsx")).exit_code == 2


def test_validations_prompts_and_notes(tmp_path: Path) -> None:
    policy = policy_of([FIELDS[at] for at in (8, 3, 11, 12, 10, 5, 20, 6)])
    raw = template_bytes(whole(policy), tmp_path)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        text = archive.read("xl/worksheets/sheet1.xml").decode()
        notes = archive.read("xl/comments1.xml").decode()
        book = archive.read("xl/workbook.xml").decode()
    assert "AND(ISNUMBER(C3),ROUND(C3,3)=C3,C3&gt;=0)" in text
    assert '<dataValidation type="date"' in text
    assert "<formula1>43831</formula1><formula2>44196</formula2>" in text
    assert '<formula1>"甲,乙（试）,丙"</formula1>' in text
    assert "<formula1>'选项'!$A$1:$A$40</formula1>" in text
    assert '<formula1>"是,否"</formula1>' in text
    assert '<dataValidation type="whole"' in text
    assert "<formula1>-999999999999999</formula1><formula2>999999999999999</formula2>" in text
    assert "LEN(I3)=18" in text
    assert 'prompt="数，最多 3 位小数，不小于 0"' in text
    assert "说明文字" in notes
    assert "由某处提供" in notes
    assert re.search(r'<sheet name="选项"[^>]*state="hidden"', book)
    assert template_bytes(whole(policy), tmp_path) == raw
