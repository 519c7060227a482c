"""`show --resolved` and `new`: a version with its amendments put in, and the file a new version begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.choose import Chosen, Folder, Misuse, choose_policy
from engine.diagnostics import Diagnostic, in_order
from engine.diff.resolved import resolved_text, splice, word
from engine.loader import Draft
from engine.names import is_name, normalize
from engine.nodes import Entry, Mapping, Node, Scalar
from engine.policy import Meta, Policy
from engine.registry import policy_files, whole_of
from engine.source import SourceText
from engine.types import NumberT
from engine.yaml_nodes import read_yaml


@dataclass(frozen=True, slots=True)
class Written:
    """A policy file as text; without one, `diagnostics` say why. `name` is what the file would be called."""

    diagnostics: tuple[Diagnostic, ...]
    text: str | None = None
    name: str = ""


def resolved(folder: Folder, word: str | None, as_of: date) -> Written | Misuse:
    """The version that `word` means as one file that stands by itself."""
    chosen, said = choose_policy(folder, word, as_of, whenever=True)
    if isinstance(chosen, Misuse):
        return chosen
    if chosen is None:
        return Written(tuple(in_order(said)))
    drafts = _drafts(chosen.policy, folder)
    text = resolved_text(drafts)
    if text is not None and len(drafts) > 1:
        made_of = "、".join(_named(meta) for meta in chosen.policy.layers.values())
        text = f"# 由 {made_of} 合并而成\n{text}"
    return Written(tuple(in_order(said)), text, f"{chosen.policy.meta.id}.yaml")


def begin(
    folder: Folder, id_: str, word: str | None, effective: date, issued: date | None, number: str, full: bool
) -> Written | Misuse:
    """The file with which a version after the one in force begins: a 修订 of it, or all of it (`full`)."""
    name = normalize(id_)
    taken = next((policy for policy in folder.registry.policies if policy.meta.id == name), None)
    if taken is not None:
        return Misuse(f"编号「{id_}」已经有了（{taken.source.name}）", "每个版本用不同的编号")
    if (
        not name
        or any(char in name for char in "/\\ :#")
        or not is_name(name.replace("-", "_").lstrip("0123456789"))
    ):
        return Misuse(f"「{id_}」不能作编号", "编号用字母、汉字、数字和「-」，如 mouban-2025-1")
    chosen, said = choose_policy(folder, word, effective)
    if isinstance(chosen, Misuse):
        return chosen
    if chosen is None:
        return Written(tuple(in_order(said)))
    meta = {"编号": id_, "文号": number, "印发": str(issued or ""), "施行": str(effective)}
    text = _full(chosen, folder, meta) if full else _amendment(chosen.policy, meta)
    return Written(tuple(in_order(said)), text, f"{name}.yaml")


def _drafts(policy: Policy, folder: Folder) -> Sequence[Draft]:
    return whole_of(Path(policy.source.name), policy_files(folder.path))[2]


def _named(meta: Meta) -> str:
    return f"{meta.number}（{meta.id}）" if meta.number else meta.id


def _amendment(policy: Policy, meta: dict[str, str]) -> str:
    lines = [
        f"# 修订 {_named(policy.meta)}：只写改动的地方，其余照旧",
        "# 改好以后用 guizhang check 检查，用 guizhang diff 看改了什么、影响多少人",
        "格式: 1",
        "政策:",
        f"  编号: {meta['编号']}",
        f"  修订: {policy.meta.id}",
    ]
    lines += [f"  {key}: {word(meta[key])}" for key in ("文号", "印发", "施行") if meta[key]]
    if policy.meta.expires is not None:
        lines.append(f"  # 失效: {policy.meta.expires}   # {policy.meta.id} 的失效日期；新版不写就一直有效")
    lines.append("")

    def own(node: Node) -> bool:
        """Not of a higher level, which this one cannot change."""
        return policy.document(node).level == policy.meta.level

    params = [param for param in policy.params.values() if param.values and own(param.values[-1].node)]
    numbers = [param for param in params if isinstance(param.type, NumberT)]
    param = next((param for param in numbers if param.type != NumberT()), None) or next(iter(numbers), None)
    if param is not None:
        lines += [
            "# 例：改一个数",
            "# 参数:",
            f"#   {param.name}: {{值: {param.values[-1].node.text.strip()}}}",
        ]
    rules = (rule for rule in policy.rules.values() if not rule.internal and own(rule.key))
    rule = next(rules, None)
    if rule is not None:
        formula = " ".join(rule.formula.text.split())
        lines += ["# 例：改一个公式", "# 规则:", f"#   {rule.name}:", f"#     公式: {formula}"]
        lines += ["# 例：去掉一个条目", f"# 删除: [规则.{rule.name}]"]
    return "\n".join(lines) + "\n"


def _full(chosen: Chosen, folder: Folder, meta: dict[str, str]) -> str | None:
    """The whole text of the version in force under the identity of the new one; its cases stay with the old one."""
    text = resolved_text(_drafts(chosen.policy, folder))
    root = read_yaml(SourceText("", text))[0] if text is not None else None
    if text is None or not isinstance(root, Mapping):
        return None
    own = root.get("政策")
    assert isinstance(own, Mapping)
    place = own.entries[0].key

    def scalar(words: str) -> Scalar:
        return Scalar(words, "", place.source, place.span)

    news = {**meta, "系列": chosen.policy.meta.series}
    kept = [entry for entry in own.entries if entry.key.text not in (*news, "失效", "废止文件")]
    changed = [Entry(scalar(key), scalar(words)) for key, words in news.items() if words]
    entries = tuple(
        Entry(entry.key, Mapping((*changed, *kept), own.flow, own.source, own.span))
        if entry.value is own
        else entry
        for entry in root.entries
        if entry.key.text != "用例"
    )
    return splice(text, root, Mapping(entries, root.flow, root.source, root.span))
