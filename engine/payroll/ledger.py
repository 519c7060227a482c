"""What was paid, entry by entry, as JSON Lines: a head, entries, an end. Each line carries a hash of itself and of all before
it, so that a line changed, added, moved or taken out is found and named.

Reading never guesses: a ledger with anything wrong in it is refused as a whole (E78x).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from engine import __version__
from engine.diagnostics import Diagnostic, Place
from engine.payroll.periods import Period, read_period
from engine.values import Number, format_number, parse_number

FORMAT = 1
MAX_BYTES = 2_000_000_000

STATUSES = ("值", "不适用", "信息不足")


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure as it was stated, or a correction of it. `amount` is None unless `status` is 值.

    `kind`: 应发 of a statement, or 补发 of a correction (which has the amounts and policies of both sides in `was` and
    `basis`). `period`: as written (2024-03, 2024Q1, 2024). `month`: the month it was paid in. `trigger`: 触发日 of a 一次.
    `origin`: which of its head's origins it came from.
    """

    id: str
    rule: str
    kind: str
    period: str
    month: str
    trigger: str
    status: str
    amount: Number | None
    unit: str
    counted: bool
    policy: str
    sha256: str
    law: str
    inputs: str
    note: str = ""
    was: Number | None = None
    basis: tuple[tuple[str, str], ...] = ()
    origin: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Person, rule, period; of a 一次 the 触发日 instead of the period."""
        return self.id, self.rule, "" if self.trigger else self.period, self.trigger


@dataclass(frozen=True, slots=True)
class Used:
    """A policy as entries were computed with it: its file, what it means (equal if only words were changed since), and
    the reading of every 口径."""

    sha256: str
    meaning: str
    readings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """One computation that entries came from. `months`: what it was asked for. `policies` by 编号; `referred`: 编号 → SHA-256
    of the policies that those refer to."""

    months: tuple[str, ...]
    known_on: str
    roster: str
    roster_sha256: str
    data_date: str
    policies: Mapping[str, Used]
    referred: Mapping[str, str]
    engine: str = __version__


@dataclass(frozen=True, slots=True)
class Head:
    """What a ledger is about. `sources`: last hashes of the ledgers it goes on."""

    series: str
    origins: tuple[Origin, ...]
    sources: tuple[str, ...] = ()

    @property
    def months(self) -> set[str]:
        """Every month that the ledger states."""
        return {month for origin in self.origins for month in origin.months}


@dataclass(frozen=True, slots=True)
class Ledger:
    """`last` is the hash of its last line: what its end says, and what a ledger that goes on from it names."""

    path: str
    head: Head
    entries: tuple[Entry, ...]
    lines: tuple[int, ...]
    last: str


def ledger_lines(head: Head, entries: Iterable[Entry]) -> Iterator[str]:
    """The ledger as lines of text without line breaks."""
    at = ""
    first: dict[str, Any] = {
        "ledger": FORMAT,
        "series": head.series,
        "origins": [_origin_object(origin) for origin in head.origins],
        "sources": list(head.sources),
    }
    at, line = _sealed(first, at)
    yield line
    count = 0
    for entry in entries:
        count += 1
        at, line = _sealed(_entry_object(entry), at)
        yield line
    _, line = _sealed({"end": count}, at)
    yield line


def _sealed(content: dict[str, Any], before: str) -> tuple[str, str]:
    digest = _digest(content, before)
    return digest, json.dumps({**content, "hash": digest}, ensure_ascii=False)


def _digest(content: Mapping[str, Any], before: str) -> str:
    words = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{words}".encode()).hexdigest()


def _origin_object(origin: Origin) -> dict[str, Any]:
    return {
        "months": list(origin.months),
        "known_on": origin.known_on,
        "roster": {"file": origin.roster, "sha256": origin.roster_sha256},
        "data_date": origin.data_date,
        "engine": origin.engine,
        "policies": {
            id_: {"sha256": used.sha256, "meaning": used.meaning, "readings": dict(used.readings)}
            for id_, used in origin.policies.items()
        },
        "referred": dict(origin.referred),
    }


def _entry_object(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": entry.id,
        "rule": entry.rule,
        "kind": entry.kind,
        "period": entry.period,
        "month": entry.month,
        "trigger": entry.trigger or None,
        "status": entry.status,
        "amount": _written(entry.amount),
        "unit": entry.unit,
        "counted": entry.counted,
        "policy": entry.policy,
        "sha256": entry.sha256,
        "law": entry.law,
        "inputs": entry.inputs,
        "origin": entry.origin,
    }
    if entry.note:
        found["note"] = entry.note
    if entry.kind == "补发":
        found["was"] = _written(entry.was)
        found["basis"] = [list(pair) for pair in entry.basis]
    return found


def _written(amount: Number | None) -> str | None:
    return None if amount is None else format_number(amount)


# --- reading ------------------------------------------------------------------------------------------------


def read_ledger(path: Path) -> tuple[Ledger | None, list[Diagnostic]]:
    """A ledger, or what is wrong with it: E780 cannot be read, E781 a line is no entry, E782 a line was changed, moved or
    taken out, E783 it has no end, E784 an entry twice."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            return None, [Diagnostic("E780", "账太大，读不了", Place(name))]
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        return None, [Diagnostic("E780", "账不是 UTF-8 的文字", Place(name))]
    except OSError as error:
        fact = "找不到账" if isinstance(error, FileNotFoundError) else f"账打不开（{error.strerror}）"
        return None, [
            Diagnostic("E780", fact, Place(name), "账是 guizhang statement -o 文件.jsonl 写出的文件")
        ]
    rows: list[tuple[int, dict[str, Any]]] = []
    seen: dict[str, int] = {}
    at = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        row = _row(line, at)
        if row is None:
            return None, [Diagnostic("E781", "这一行不是账的记录", Place(name, number), "账不能手工修改")]
        content, written, digest = row
        if not rows and "ledger" not in content:
            break
        if written != digest:
            first = seen.get(line.strip())
            if first is not None:
                fact = f"第 {number} 行{_about(content)}和第 {first} 行是同一条"
                return None, [Diagnostic("E784", fact, Place(name, number), "同一笔只能记一次")]
            fact = f"第 {number} 行与账的校验值不符，这一行{_about(content)}被改动过，或前面缺了行"
            return None, [Diagnostic("E782", fact, Place(name, number), "请用没有改动过的账")]
        at = digest
        seen[line.strip()] = number
        rows.append((number, content))
    return _ledger(name, rows, at)


def _row(line: str, before: str) -> tuple[dict[str, Any], Any, str] | None:
    """What a line says, the hash that it bears, and the one that it should bear; None if it says nothing."""
    try:
        row = json.loads(line)
        if not isinstance(row, dict):
            return None
        content = {key: value for key, value in row.items() if key != "hash"}
        return content, row.get("hash"), _digest(content, before)
    except (ValueError, RecursionError):  # not JSON, or half a character, which has no hash
        return None


def _about(row: Mapping[str, Any]) -> str:
    words = "、".join(str(row[key]) for key in ("id", "rule", "period") if row.get(key))
    return f"（{words}）" if words else ""


def _ledger(
    name: str, rows: Sequence[tuple[int, dict[str, Any]]], last: str
) -> tuple[Ledger | None, list[Diagnostic]]:
    if not rows or rows[0][1].get("ledger") != FORMAT:
        hint = "账是 guizhang statement -o 文件.jsonl 写出的文件"
        return None, [Diagnostic("E780", "这个文件不是账", Place(name, rows[0][0] if rows else 0), hint)]
    if rows[-1][1].get("end") != len(rows) - 2:
        fact = "账没有写完：缺少最后一行，或最后一行的条数不对"
        return None, [Diagnostic("E783", fact, Place(name, rows[-1][0]), "请用完整的账")]
    head = _head(rows[0][1])
    if head is None:
        return None, [Diagnostic("E781", "账的第一行不完整", Place(name, rows[0][0]))]
    entries: list[Entry] = []
    seen: dict[tuple[str, ...], int] = {}
    problems: list[Diagnostic] = []
    for number, row in rows[1:-1]:
        entry = _entry(row)
        if entry is None or not _stands(entry, head):
            return None, [Diagnostic("E781", f"这一行不是账的记录{_about(row)}", Place(name, number))]
        if entry.kind == "应发":
            first = seen.setdefault(entry.key, number)
            if first != number:
                fact = f"{entry.id} 的「{entry.rule}」{entry.trigger or entry.period} 在账里有两条，另一条在第 {first} 行"
                problems.append(Diagnostic("E784", fact, Place(name, number), "同一笔只能记一次"))
        entries.append(entry)
    if problems:
        return None, problems
    lines = tuple(number for number, _ in rows[1:-1])
    return Ledger(name, head, tuple(entries), lines, last), []


def _stands(entry: Entry, head: Head) -> bool:
    """Whether an entry's origin is in the head, with the policy that the entry names."""
    if not 0 <= entry.origin < len(head.origins):
        return False
    used = head.origins[entry.origin].policies.get(entry.policy)
    return used is not None and used.sha256 == entry.sha256


def _head(row: Mapping[str, Any]) -> Head | None:
    try:
        return Head(
            str(row["series"]),
            tuple(_origin(origin) for origin in row["origins"]),
            tuple(str(source) for source in row["sources"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def _origin(row: Mapping[str, Any]) -> Origin:
    for day in (row["known_on"], row["data_date"]):
        if day:
            date.fromisoformat(day)
    return Origin(
        tuple(str(month) for month in row["months"]),
        str(row["known_on"]),
        str(row["roster"]["file"]),
        str(row["roster"]["sha256"]),
        str(row["data_date"]),
        {
            str(id_): Used(str(used["sha256"]), str(used["meaning"]), _words(used["readings"]))
            for id_, used in row["policies"].items()
        },
        _words(row["referred"]),
        str(row["engine"]),
    )


def _words(found: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(word) for name, word in found.items()}


def _entry(row: Mapping[str, Any]) -> Entry | None:
    try:
        amount = None if row["amount"] is None else parse_number(str(row["amount"]))
        status, kind = str(row["status"]), str(row["kind"])
        whole = (status == "值") == (amount is not None) and status in STATUSES and kind in ("应发", "补发")
        was = row.get("was")
        basis = tuple((str(one), str(other)) for one, other in row.get("basis", ()))
        if not whole or (was is not None and parse_number(str(was)) is None):
            return None
        periods = read_period(str(row["period"])), read_period(str(row["month"]))
        if None in periods or not isinstance(row["counted"], bool):
            return None
        return Entry(
            id=str(row["id"]),
            rule=str(row["rule"]),
            kind=kind,
            period=str(row["period"]),
            month=str(row["month"]),
            trigger=str(row["trigger"] or ""),
            status=status,
            amount=amount,
            unit=str(row["unit"]),
            counted=row["counted"],
            policy=str(row["policy"]),
            sha256=str(row["sha256"]),
            law=date.fromisoformat(row["law"]).isoformat(),
            inputs=str(row["inputs"]),
            note=str(row.get("note", "")),
            was=None if was is None else parse_number(str(was)),
            basis=basis,
            origin=int(row["origin"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def missing_months(asked: Sequence[Period], ledgers: Iterable[Ledger]) -> list[Period]:
    """Months that no ledger states: what was paid in them is not known."""
    stated = {month for ledger in ledgers for month in ledger.head.months}
    return [month for month in asked if str(month) not in stated]
