"""The versions of a policies folder as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.app.listing import Version
from engine.render.table import Column, clean, lines

_HEADINGS = ("系列", "编号", "文号", "层级", "印发", "施行", "失效", "在用")


def _row(version: Version) -> tuple[str, ...]:
    meta = version.policy.meta
    return (
        clean(meta.series),
        clean(meta.id),
        clean(meta.number) or "—",
        meta.level or "—",
        str(meta.issued or "—"),
        str(meta.effective),
        str(meta.expires or "—"),
        "是" if version.in_force else "否",
    )


def policies_text(versions: Sequence[Version]) -> str:
    rows = [_row(version) for version in versions]
    return "\n".join(
        lines([Column(title, tuple(row[i] for row in rows)) for i, title in enumerate(_HEADINGS)])
    )


def policies_object(versions: Sequence[Version]) -> list[dict[str, Any]]:
    return [
        {
            "series": version.policy.meta.series,
            "id": version.policy.meta.id,
            "number": version.policy.meta.number,
            "title": version.policy.meta.title,
            "level": version.policy.meta.level,
            "issued": version.policy.meta.issued.isoformat() if version.policy.meta.issued else None,
            "effective": version.policy.meta.effective.isoformat(),
            "expires": version.policy.meta.expires.isoformat() if version.policy.meta.expires else None,
            "in_force": version.in_force,
            "sha256": version.policy.sha256,
        }
        for version in versions
    ]
