"""Policy file and engine against the independent reading in `tests.reference`, cell by cell.

Rosters are generated; every result of every worker and every figure of every group must agree: value,
不适用, or 信息不足 with the same missing facts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import main
from examples.generate import workers
from tests.reference.jiaban import evaluate

ROOT = Path(__file__).parent.parent
SHOWN = 12

OWN = {"绩效工资口径": "个人系数"}
DAYS = ["2021-05-27", "2021-12-31", "2022-02-28", "2024-02-29", "2024-12-31", "2026-06-30"]


def through_the_engine(path: Path, as_of: str, readings: dict[str, str]) -> dict[str, Any]:
    """The JSON of `guizhang eval`; rejected rows make it leave with 1."""
    chosen = [part for name, value in readings.items() for part in ("--reading", f"{name}={value}")]
    options = ["--as-of", as_of, "--format", "json", "--policies", str(ROOT / "policies"), *chosen]
    outcome = CliRunner().invoke(main, ["eval", str(path), *options])
    assert outcome.exit_code in (0, 1), outcome.output
    return json.loads(outcome.stdout)


def cells(found: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """(whom, result, kind) → content, of engine and reference alike. Facts and grounds compare as sets."""
    table: dict[tuple[str, ...], Any] = {}
    records = found["records"]
    people = records.items() if isinstance(records, dict) else [(one["id"], one) for one in records]
    for id_, record in people:
        for name, value in record["values"].items():
            table[id_, name, "value"] = sorted(value) if isinstance(value, list) else value
        for name in record["not_applicable"]:
            table[id_, name, "value"] = "不适用"
        for name, facts in record["unknown"].items():
            table[id_, name, "unknown"] = sorted(facts)
    for group in found["groups"]:
        whom = "/".join(group["group"].values())
        if group.get("not_applicable"):
            continue
        for label, value in group["values"].items():
            table[whom, f"{group['rule']}.{label}", "value"] = value
        for label, facts in group["unknown"].items():
            table[whom, f"{group['rule']}.{label}", "unknown"] = sorted(facts)
    return table


def differences(engine: dict[str, Any], reference: dict[str, Any]) -> Iterator[str]:
    ours, theirs = cells(engine), cells(reference)
    for cell in sorted(ours.keys() | theirs.keys()):
        if ours.get(cell) != theirs.get(cell):
            yield f"{' '.join(cell)}: engine {ours.get(cell, '—')}, reference {theirs.get(cell, '—')}"


def compare(tmp_path: Path, roster: dict[str, Any], as_of: str, readings: dict[str, str]) -> None:
    path = tmp_path / "roster.json"
    path.write_text(json.dumps(roster, ensure_ascii=False), encoding="utf-8")
    reference = evaluate(roster, date.fromisoformat(as_of), readings)
    found = list(differences(through_the_engine(path, as_of, readings), reference))
    assert not found, "\n".join([f"{len(found)} cells differ", *found[:SHOWN]])


@pytest.mark.parametrize("readings", [{}, OWN], ids=["pooled", "own"])
@pytest.mark.parametrize("as_of", DAYS)
def test_complete_facts(tmp_path: Path, as_of: str, readings: dict[str, str]) -> None:
    roster = workers(250, seed=11, missing_rate=0.0, data_date=date.fromisoformat(as_of))
    compare(tmp_path, roster, as_of, readings)


@pytest.mark.parametrize("as_of", DAYS)
@pytest.mark.parametrize("seed", [1, 2])
def test_missing_facts(tmp_path: Path, seed: int, as_of: str) -> None:
    roster = workers(250, seed=seed, data_date=date.fromisoformat(as_of))
    compare(tmp_path, roster, as_of, {})


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_many_missing_facts(tmp_path: Path, rate: float) -> None:
    compare(tmp_path, workers(250, seed=5, missing_rate=rate), "2024-12-31", OWN)


@pytest.mark.parametrize("seed", [7, 8])
def test_rows_that_cannot_be_read(tmp_path: Path, seed: int) -> None:
    compare(tmp_path, workers(250, seed=seed, defects=True, missing_rate=0.005), "2024-12-31", {})


@pytest.mark.parametrize("as_of", ["2023-12-31", "2026-06-30"])
def test_facts_of_another_year(tmp_path: Path, as_of: str) -> None:
    compare(tmp_path, workers(250, seed=21), as_of, {})
