"""A statement as a file of SQL: what it is and what it expects as comments before it."""

from __future__ import annotations

from engine.app.sql import Sql


def sql_text(found: Sql) -> str:
    assert found.program is not None
    meta = found.program.policy.meta
    adopted = {name: decl.adopted for name, decl in found.program.policy.readings.items()}
    changed = [f"{name} = {to}" for name, to in found.readings.items() if adopted.get(name) != to]
    lines = [
        f"{meta.title}（{meta.id}{f'，{meta.number}' if meta.number else ''}），计算日 {found.as_of}，{found.dialect}",
        f"政策文件 sha256 {found.program.policy.sha256}",
        *([f"改选的口径：{'、'.join(changed)}"] if changed else []),
        "",
        "每条记录一行：标识、每个结果一列（没有值时为 NULL）、不适用（结果 → 理由）、信息不足（结果 → 缺的事实）。",
        "列的值须已经核对：选项写全称或别名，逐年一年一次，标识不重复；不合要求的行请先用 guizhang eval 找出。",
        *(["Spark 须设 spark.sql.ansi.enabled = true。"] if found.dialect == "spark" else []),
    ]
    for table in found.tables:
        lines += ["", f"表「{table.name}」："]
        lines += [f"  {name}  {kind}{f'  {what}' if what else ''}" for name, kind, what in table.columns]
    return "".join(f"-- {line}".rstrip() + "\n" for line in lines) + found.text + "\n"
