"""Explanations: every figure in them is derived again from roster and policy, not only compared with a file."""

from __future__ import annotations

import json
from datetime import date, timedelta
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from cli import main

ROOT = Path(__file__).parent.parent
ROSTER = ROOT / "examples" / "roster.json"
SCHEMA = json.loads((ROOT / "schemas" / "explanation.schema.json").read_text(encoding="utf-8"))
GIVEN = {row["工号"]: row for row in json.loads(ROSTER.read_text(encoding="utf-8"))["记录"]}
ALIASES = {
    "大学本科": "本科", "硕士": "研究生", "博士": "研究生", "硕士研究生": "研究生", "博士研究生": "研究生", "高职": "大专",
    "专科": "大专", "职高": "中专", "技校": "中专", "初级": "助理社会工作师", "中级": "社会工作师", "高级": "高级社会工作师",
    "高级社会工作者": "高级社会工作师",
}  # fmt: skip
PEOPLE = [f"JYG{number:07d}" for number in range(1, 41)]


def run(*words: str, code: int = 0) -> str:
    options = ["--policies", str(ROOT / "policies")]
    outcome = CliRunner().invoke(main, [*words, *options])
    assert outcome.exit_code == code, outcome.output
    return outcome.stdout if code == 0 else outcome.stderr


def explained(
    person: str, *results: str, as_of: str = "2024-12-31", roster: Path = ROSTER
) -> list[dict[str, Any]]:
    told = json.loads(run("explain", str(roster), person, *results, "--as-of", as_of, "--format", "json"))
    assert list(Draft202012Validator(SCHEMA).iter_errors(told)) == []
    return told["explanations"]


@pytest.fixture(scope="module")
def evaluated() -> dict[str, dict[str, Any]]:
    found = json.loads(run("eval", str(ROSTER), "--as-of", "2024-12-31", "--format", "json"))
    return {record["id"]: record for record in found["records"]}


@pytest.mark.parametrize("person", PEOPLE[:12])
def test_outcomes_are_those_of_the_evaluation(person: str, evaluated: dict[str, dict[str, Any]]) -> None:
    record = evaluated[person]
    for one in explained(person):
        name, outcome = one["result"], one["outcome"]
        assert outcome.get("value") == record["values"].get(name)
        assert outcome.get("not_applicable") == record["not_applicable"].get(name)
        assert sorted(outcome.get("unknown", [])) == sorted(record["unknown"].get(name, []))


def number(outcome: dict[str, Any]) -> Fraction | None:
    value = outcome.get("value")
    return Fraction(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else None


@pytest.mark.parametrize("person", PEOPLE)
def test_wages_follow_from_the_roster(person: str) -> None:
    """Facts in an explanation are those of the roster; the sum and the bonus follow from what is shown."""
    row = GIVEN[person]
    for one in explained(person, "月工资合计", "年终奖", "学历工资"):
        steps = {step["name"]: step for step in one["steps"]}
        for step in one["steps"]:
            for value in (step["formula"] or {"values": []})["values"]:
                if (
                    value["kind"] == "字段"
                    and isinstance(value["outcome"].get("value"), str)
                    and value["text"] in row
                ):
                    given = row[value["text"]]
                    if given in ALIASES:
                        given = ALIASES[given]
                    assert isinstance(given, dict) or str(given) == value["outcome"]["value"], value
        first = one["steps"][0]
        total = number(first["outcome"])
        if one["result"] == "月工资合计" and total is not None:
            parts = [number(value["outcome"]) for value in first["formula"]["values"]]
            assert sum(part for part in parts if part is not None) == total
        if (
            one["result"] == "年终奖"
            and total is not None
            and not any(condition["outcome"].get("value") for condition in first["exceptions"])
        ):
            amount, months = number(steps["计奖标准"]["outcome"]), number(steps["计奖月数"]["outcome"])
            assert amount is not None
            assert months is not None
            exact = amount * months / 12
            assert abs(exact - total) <= Fraction(1, 200)


def test_a_share_shows_how_it_comes_about() -> None:
    for person in PEOPLE:
        one = explained(person, "绩效工资")[0]
        steps = {step["name"]: step for step in one["steps"]}
        share = steps.get("绩效工资分配")
        amount = number(one["outcome"])
        if share is None or amount is None:
            continue
        figures = {figure["label"]: number(figure["outcome"]) for figure in share["figures"]}
        assert figures["总额"] == 500 * figures["成员"]
        due = figures["总额"] * figures["本人权重"] / figures["权重合计"]
        assert abs(due - amount) < Fraction(1, 100)
        return
    pytest.fail("nobody has a share")


def test_why_not_yet_and_from_which_day(tmp_path: Path) -> None:
    worker = {"工号": "1", "人员类别": "聘用制", "人员状态": "在职", "参加社区工作日期": "2020-02-29"}
    path = tmp_path / "one.json"
    path.write_text(json.dumps(worker, ensure_ascii=False), encoding="utf-8")
    one = explained("1", "定向招聘资格", roster=path)[0]
    (gap,) = one["unmet"]
    assert gap["day"] == "2025-03-01"
    assert gap["filled"] == "周年(2020-02-29, 2024-12-31) >= 5"
    day = date.fromisoformat(gap["day"])
    for as_of, expected in ((day, True), (day - timedelta(days=1), False)):
        assert (
            explained("1", "定向招聘资格", as_of=str(as_of), roster=path)[0]["outcome"]["value"] is expected
        )
    award = explained("1", "满20年奖励", roster=path)[0]
    assert award["outcome"] == {"value": "0.00", "unit": "元"}
    assert award["unmet"][0]["day"] == "2040-02-29"


def test_what_each_answer_would_give(tmp_path: Path) -> None:
    worker = {"工号": "1", "人员类别": "聘用制", "人员状态": "在职", "参加社区工作日期": "2020-03-01"}
    path = tmp_path / "one.json"
    path.write_text(json.dumps(worker, ensure_ascii=False), encoding="utf-8")
    one = explained("1", "学历工资", roster=path)[0]
    assert one["outcome"] == {"unknown": ["学历"]}
    answers = {answer["answer"]: answer["outcome"]["value"] for answer in one["wanted"][0]["answers"]}
    assert answers == {
        "初中": "100.00",
        "高中": "100.00",
        "中专": "100.00",
        "大专": "200.00",
        "本科": "300.00",
        "研究生": "400.00",
    }


def test_a_reason_and_its_article() -> None:
    person = next(id_ for id_, row in GIVEN.items() if row.get("人员类别") == "事业编制")
    one = explained(person, "基本工资")[0]
    assert one["outcome"] == {"not_applicable": "第三条：按事业单位工资福利制度执行"}
    assert one["steps"][0]["scope"][0]["outcome"] == {"value": False}


def test_the_procedure_that_follows_and_its_route(tmp_path: Path) -> None:
    worker = {
        "工号": "1", "人员类别": "聘用制", "人员状态": "在职", "参加社区工作日期": "2020-03-01",
        "受刑事处罚": "是", "社区党委成员": "是",
    }  # fmt: skip
    path = tmp_path / "one.json"
    path.write_text(json.dumps(worker, ensure_ascii=False), encoding="utf-8")
    one = explained("1", "辞退情形", roster=path)[0]
    assert one["outcome"]["value"] == ["一"]
    assert one["procedure"]["name"] == "辞退"
    assert one["procedure"]["route"] == "社区党委成员"
    assert one["procedure"]["steps"] == [
        {"actor": "社区党委", "action": "按党内有关规定处理", "deadline": ""}
    ]


def test_text_reads_without_colour() -> None:
    text = run("explain", str(ROSTER), "JYG0000009", "年终奖", "--as-of", "2024-12-31")
    assert "年终奖：1500.00 元（第二十四条（六））" in text
    assert "代入  四舍五入(1500.00 * 12 / 12, 2)" in text
    assert "\x1b" not in text


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids += [named["id"]] if named.get("id") else []
        self.links += [named["href"]] if named.get("href") else []
        assert tag not in ("script", "img", "link", "iframe")
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "说明.html"
    run("explain", str(ROSTER), "JYG0000009", "--as-of", "2024-12-31", "-o", str(path))
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.open == []
    assert page.links
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(page.ids) == len(set(page.ids))


def test_text_of_a_roster_stays_text(tmp_path: Path) -> None:
    worker = {
        "工号": "<b>1</b>",
        "人员类别": "聘用制",
        "人员状态": "在职",
        "参加社区工作日期": "2020-03-01",
        "街道": "<script>",
    }
    path = tmp_path / "one.json"
    path.write_text(json.dumps(worker, ensure_ascii=False), encoding="utf-8")
    page = run("explain", str(path), "<b>1</b>", "基本工资", "--as-of", "2024-12-31", "--format", "html")
    assert "<b>" not in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["JYG000000A"], "名册里没有工号「JYG000000A」"),
        (["JYG0000009", "年终奨"], "没有结果「年终奨」"),
    ],
)
def test_nobody_and_nothing_of_that_name(words: list[str], message: str) -> None:
    said = run("explain", str(ROSTER), *words, "--as-of", "2024-12-31", code=2)
    assert message in said
    assert "是否想写" in said


def test_a_rejected_row_is_named() -> None:
    said = run("explain", str(ROOT / "examples" / "roster-with-errors.csv"), "JYG0000014", code=2)
    assert "已退回" in said
