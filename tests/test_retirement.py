"""法定退休日期 from 2025: the 444 rows computed from the published formula, through the command line."""

from __future__ import annotations

import csv
import json
from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import main

ROOT = Path(__file__).parent.parent
VECTORS = Path(__file__).parent / "vectors" / "retirement-2025.csv"
CATEGORIES = {
    "男60": {"性别": "男"},
    "女55": {"性别": "女", "原法定退休年龄": "五十五周岁"},
    "女50": {"性别": "女", "原法定退休年龄": "五十周岁"},
}


def rows() -> list[dict[str, str]]:
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def births(row: dict[str, str]) -> list[date]:
    """The first, the fifteenth and the last day of the month of birth."""
    year, month = map(int, row["birth_ym"].split("-"))
    return [date(year, month, day) for day in (1, 15, monthrange(year, month)[1])]


def expected(row: dict[str, str], born: date) -> str:
    """The day of birth in the month of retirement, or that month's last day."""
    year, month = int(row["retire_year"]), int(row["retire_month"])
    return date(year, month, min(born.day, monthrange(year, month)[1])).isoformat()


def evaluated(tmp_path: Path, records: list[dict[str, Any]], as_of: str) -> dict[str, Any]:
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    options = ["--as-of", as_of, "--policy", "guojia-tuixiu", "--policies", str(ROOT / "policies")]
    outcome = CliRunner().invoke(main, ["eval", str(path), *options, "--format", "json"])
    assert outcome.exit_code == 0, outcome.output
    return json.loads(outcome.stdout)


def test_every_row_of_the_published_formula(tmp_path: Path) -> None:
    records, due = [], {}
    for number, row in enumerate(rows()):
        for born in births(row):
            id_ = f"{number:03d}-{born.day:02d}"
            records.append({"工号": id_, "出生日期": born.isoformat(), **CATEGORIES[row["category"]]})
            due[id_] = expected(row, born)
    assert len(records) == 444 * 3
    found = evaluated(tmp_path, records, "2025-06-01")
    dates = {record["id"]: record["values"].get("法定退休日期") for record in found["records"]}
    wrong = [f"{id_}: {dates.get(id_)}, not {day}" for id_, day in due.items() if dates.get(id_) != day]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(due)} dates differ", *wrong[:10]])


@pytest.mark.parametrize(("sex", "age", "day"), [("男", "", "2025-05-01"), ("女", "五十周岁", "2015-05-01")])
def test_ages_of_1978_until_2024(tmp_path: Path, sex: str, age: str, day: str) -> None:
    worker = {"工号": "1", "出生日期": "1965-05-01", "性别": sex, "原法定退休年龄": age}
    found = evaluated(tmp_path, [worker], "2024-12-31")
    assert found["records"][0]["values"]["法定退休日期"] == day


def test_a_woman_without_her_original_age_is_left_open(tmp_path: Path) -> None:
    worker = {"工号": "1", "出生日期": "1975-05-01", "性别": "女"}
    found = evaluated(tmp_path, [worker], "2025-06-01")["records"][0]
    assert found["unknown"]["法定退休日期"] == ["原法定退休年龄"]
