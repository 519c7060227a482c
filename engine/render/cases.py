"""Runs of cases → text: how many passed, and what of each policy no case reaches."""

from __future__ import annotations

from engine.render.table import clean
from engine.testing.coverage import Coverage
from engine.testing.run import Tested

_LISTED = 40


def tests_text(tested: Tested) -> str:
    found = []
    for file in tested.files:
        state = f"{len(file.failed)} 个不通过" if file.failed else "全部通过"
        found.append(f"{file.path}（{clean(file.policy.meta.id)}）：{file.total} 个用例，{state}")
        found += [f"  不通过：{clean(name)}" for name in file.failed]
    for policy, covered in tested.coverage:
        found += ["", f"用例覆盖（{clean(policy.meta.id)}）", *_coverage(covered)]
    total = sum(file.total for file in tested.files)
    failed = sum(len(file.failed) for file in tested.files)
    found += (
        ["", f"共 {total} 个用例：{total - failed} 个通过，{failed} 个不通过"]
        if tested.files
        else ["没有运行任何用例"]
    )
    return "\n".join(found).strip("\n")


def _coverage(covered: Coverage) -> list[str]:
    found = []
    for kind, reached, declared in covered.counts():
        found.append(f"  {kind} {reached}/{declared}")
        unused = [str(part) for part in covered.unused if part.kind == kind]
        if unused:
            more = f" 等 {len(unused)} 项" if len(unused) > _LISTED else ""
            found.append(f"    没有用例：{'、'.join(map(clean, unused[:_LISTED]))}{more}")
    return found
