"""The entry to rosters: a file, bytes or records in place → `Roster`, typed by a policy's 字段.

Owns which reader takes a file, and imports it then; the readers of JSON, YAML, CSV and workbooks only say what is
written.
The JSON Schema of a record is `engine.records.record_schema`.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

from engine.diagnostics import Diagnostic, Place
from engine.policy import Policy
from engine.records.assemble import assemble
from engine.records.csv_source import read_csv
from engine.records.json_source import read_json
from engine.records.model import Roster
from engine.records.problems import bad_file, unsupported
from engine.records.raw import RawRecord, RawRoster
from engine.records.row import Fields

__all__ = ["read_roster", "read_roster_bytes", "roster_of"]

MAX_BYTES = 512_000_000
WORKBOOKS = (".xlsx", ".xls", ".ods")


def read_roster(path: str | Path, policy: Policy) -> tuple[Roster | None, list[Diagnostic]]:
    """A roster file; None with E701 if it cannot be read at all, else every row is accepted or rejected."""
    path = Path(path)
    name = str(path)
    if not _is_supported(path.suffix.lower()) and not path.is_dir():
        return None, [unsupported(name, path.suffix.lower())]
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        return None, [bad_file(Place(name), "这是文件夹，不是名册")]
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            return None, [bad_file(Place(name), "找不到名册", "请检查路径")]
        reason = f"（{error.strerror}）" if isinstance(error, OSError) and error.strerror else ""
        return None, [bad_file(Place(name), f"名册打不开{reason}", "请检查路径和权限")]
    return read_roster_bytes(raw, name, path.suffix, policy)


def _is_supported(suffix: str) -> bool:
    return suffix in (".json", ".yaml", ".yml", ".csv", ".tsv", ".txt", *WORKBOOKS)


def read_roster_bytes(
    raw: bytes, name: str, suffix: str, policy: Policy
) -> tuple[Roster | None, list[Diagnostic]]:
    """The bytes of a roster; `suffix` (.json, .yaml, .csv …) says what they are. Never raises for what is in them."""
    suffix = suffix.lower()
    if len(raw) > MAX_BYTES:
        return None, [bad_file(Place(name), f"文件超过 {MAX_BYTES // 1_000_000} MB 的上限", "请分成几个文件")]
    fields = Fields(policy)
    match suffix:
        case ".json":
            found, diagnostics = read_json(raw, name, fields.headings.__contains__)
        case ".yaml" | ".yml":
            from engine.records.yaml_source import read_yaml_roster

            found, diagnostics = read_yaml_roster(raw, name, fields.headings.__contains__)
        case ".csv" | ".tsv" | ".txt":
            found, diagnostics = read_csv(raw, name, fields.columns)
        case ".xlsx" | ".xls" | ".ods":
            from engine.records.workbook_source import read_workbook

            found, diagnostics = read_workbook(raw, name, suffix, fields)
        case _:
            return None, [unsupported(name, suffix)]
    if found is None:
        return None, diagnostics
    roster, more = assemble(found, name, hashlib.sha256(raw).hexdigest(), fields, needs_id=not found.single)
    return roster, diagnostics + more


def roster_of(
    records: list[Any], units: dict[str, Any], data_date: date | None, policy: Policy, name: str
) -> tuple[Roster | None, list[Diagnostic]]:
    """Records in place (texts, int, Decimal, bool, None, mappings, lists); `name` is the file they stand in.

    A lone record may go without its 标识. The roster has no sha256 of its own.
    """
    raw = RawRoster([RawRecord(row, cells) for row, cells in enumerate(records, 1)], units, data_date)
    return assemble(raw, name, "", Fields(policy), needs_id=len(records) > 1)
