"""A bulk run as text or JSON: what was read, what came out, where it is."""

from __future__ import annotations

from typing import Any

from engine.app.bulk import BulkRun
from engine.render.diagnostics import as_json
from engine.render.table import Column, lines

_ENGINES = {"duckdb": "DuckDB 批量计算", "interpreter": "逐人计算", "spark": "Spark 批量计算"}


def bulk_text(run: BulkRun) -> str:
    """Counts, then a line for every result."""
    head = f"读入 {run.read:,} 条，算出 {run.evaluated:,} 条，退回 {run.rejected:,} 条"
    if run.groups:
        head += f"；集体 {run.groups:,} 行"
    if not run.counts:
        return head
    columns = (
        Column("结果", tuple(count.name for count in run.counts)),
        Column("有值", tuple(f"{count.values:,}" for count in run.counts), True),
        Column("不适用", tuple(f"{count.closed:,}" for count in run.counts), True),
        Column("信息不足", tuple(f"{count.open:,}" for count in run.counts), True),
        Column("合计", tuple("" if c.total is None else f"{c.total:,.2f}" for c in run.counts), True),
        Column("为否", tuple("" if c.no is None else f"{c.no:,}" for c in run.counts), True),
    )
    return "\n".join([head, "", *lines(columns)])


def engine_words(run: BulkRun) -> str:
    return _ENGINES.get(run.engine, run.engine)


def bulk_object(run: BulkRun) -> dict[str, Any]:
    """The run as the JSON object that `eval --format json` prints for it."""
    return {
        "policy": None if run.program is None else {"id": run.program.policy.meta.id, "sha256": run.program.policy.sha256},
        "as_of": run.as_of.isoformat(),
        "readings": dict(run.readings),
        "engine": run.engine,
        "counts": {"read": run.read, "evaluated": run.evaluated, "rejected": run.rejected},
        "files": [str(path) for path in run.files],
        "results": [
            {
                "name": count.name, "values": count.values, "not_applicable": count.closed, "unknown": count.open,
                "total": None if count.total is None else f"{count.total:.2f}", "false": count.no,
            }
            for count in run.counts
        ],
        "diagnostics": [as_json(diagnostic) for diagnostic in run.diagnostics],
    }  # fmt: skip
