"""Laws of comparing two versions, tried on random revisions of a small policy and on random records.

A version is drawn part by part (figures, cells, conditions, exceptions, grounds, readings, notes), a revision draws some of
the parts again; both are written with their keys in a random order and their formulas in random spellings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.build import build
from engine.diff.changes import apply, plain
from engine.diff.edits import difference
from engine.diff.impact import same
from engine.evaluation import evaluate
from engine.loader import load, read
from engine.nodes import Node
from engine.program import Program
from engine.records.reader import roster_of
from engine.source import SourceText
from engine.values import Grounds
from engine.versions import Registry
from tests.test_diff import seen

DAY = date(2024, 12, 31)

#: Conditions on a record: each line says one thing in several spellings, which must make no difference.
CONDITIONS = (
    ("工龄 >= 起点", "(工龄 >= 起点)", "工龄>=起点"),
    ("工龄 > 起点", "( 工龄 > 起点 )"),
    ("持证",),
    ("持证 且 工龄 >= 起点", "持证 且 (工龄 >= 起点)"),
    ("持证 或 工龄 >= 起点", "(持证) 或 工龄 >= 起点"),
    ("级别 >= 中", "(级别 >= 中)"),
    ("级别 == 高",),
)
AMOUNTS = (
    ("月补", "(月补)"),
    ("月补 + 级别补贴[级别]", "月补+级别补贴[级别]"),
    ("档[工龄]",),
    ("取大(月补, 档[工龄])", "取大( 月补, 档[工龄] )"),
    ("四舍五入(月补 * 比例, 2)",),
)
NOTES = st.sampled_from(["", "甲", "有：冒号、“引号”"])
CONDITION, AMOUNT = st.sampled_from(CONDITIONS), st.sampled_from(AMOUNTS)
FIGURE = st.sampled_from([0, 50, 100, 100, 150])

#: What changes nothing but words.
WORDED = {
    "按语": NOTES,
    "理由": NOTES,
    "不适用说明": st.sampled_from(["不在岗", "已离岗"]),
    "例外名称": st.sampled_from(["甲", "乙"]),
    "引条": st.sampled_from(["第一条", "第二条"]),
    "写法": st.integers(0, 5),
}
#: What may change what comes out.
MEANT = {
    "月补": FIGURE,
    "起点": st.sampled_from([3, 5, 8]),
    "比例": st.sampled_from(["50%", "120%"]),
    "格": st.fixed_dictionaries({"低": FIGURE, "中": FIGURE, "高": FIGURE}),
    "界": st.lists(st.sampled_from([2, 5, 9]), min_size=1, max_size=2, unique=True).map(sorted),
    "档": st.lists(FIGURE, min_size=3, max_size=3),
    "津贴": st.tuples(CONDITION, AMOUNT, AMOUNT),
    "名称": st.sampled_from(["津贴", "补助"]),
    "例外": st.lists(st.tuples(CONDITION, AMOUNT), max_size=3, unique_by=lambda pair: pair[0]),
    "适用": st.sampled_from([["在岗人员"], ["在岗人员", "持证人员"], ["持证人员", "在岗人员"]]),
    "采用": st.sampled_from(["一", "二"]),
    "读法": st.tuples(AMOUNT, AMOUNT),
    "校验": CONDITION,
    "级别": st.sampled_from(["错误", "提示"]),
    "情形": st.dictionaries(st.sampled_from(["（一）", "（二）", "（三）"]), CONDITION, min_size=1),
    "成员": CONDITION,
    "别名": st.dictionaries(st.sampled_from(["上", "优"]), st.sampled_from(["中", "高"])),
}


@dataclass(frozen=True)
class Version:
    """The text of a version with its parts."""

    parts: Mapping[str, Any]
    text: str


@st.composite
def revisions(
    draw: st.DrawFn, words_only: bool = False, again: tuple[str, ...] = ()
) -> tuple[Version, Version]:
    """A version and one in which some parts are drawn again: one of `again`, or some that are words, or of any kind."""
    old = draw(st.fixed_dictionaries({**WORDED, **MEANT}))
    among = MEANT if again else WORDED if words_only else {**WORDED, **MEANT}
    chosen = (
        st.sampled_from(again).map(lambda name: [name])
        if again
        else st.lists(st.sampled_from(sorted(among)), min_size=1, max_size=2, unique=True)
    )
    again_drawn = draw(chosen)
    new = {**old, **{name: draw(_another(among[name], old[name])) for name in again_drawn}}
    if again_drawn == ["例外"] and again:  # one more or one less
        at = draw(st.integers(0, len(old["例外"])))
        one = (draw(CONDITION.filter(lambda when: when not in dict(old["例外"]))), draw(AMOUNT))
        gone = draw(st.booleans())
        new["例外"] = [*old["例外"][:at], *([] if gone else [one]), *old["例外"][at + gone :]]
    seeds = draw(st.tuples(st.integers(0, 99), st.integers(0, 99)))
    return Version(old, written(old, seeds[0])), Version(new, written(new, seeds[1]))


def _another(values: st.SearchStrategy[Any], than: Any) -> st.SearchStrategy[Any]:
    return values.filter(lambda value: value != than)


def written(parts: Mapping[str, Any], seed: int) -> str:
    """A version as YAML."""

    def said(spellings: tuple[str, ...]) -> str:
        return spellings[parts["写法"] % len(spellings)]

    def noted(declaration: dict[str, Any]) -> dict[str, Any]:
        return {**declaration, **({"说明": parts["按语"]} if parts["按语"] else {}), "依据": parts["引条"]}

    condition, then, otherwise = map(said, parts["津贴"])
    name, bounds = parts["名称"], parts["界"]
    rows = [
        {
            "工龄": {**({"满": low} if low else {}), **({"不满": high} if high else {})},
            "值": parts["档"][at],
        }
        for at, (low, high) in enumerate(zip([None, *bounds], [*bounds, None], strict=True))
    ]
    exceptions = [
        {"名称": f"{parts['例外名称']}{CONDITIONS.index(when)}", "当": said(when), "则": said(amount)}
        for when, amount in parts["例外"]
    ]
    paid = {"适用": parts["适用"], "周期": "月", "单位": "元/月"}
    first = {**paid, "公式": f"若 {condition} 则 {then} 否则 {otherwise}"}
    if exceptions:
        first |= {"例外": exceptions, "例外方式": "首个"}
    whole = {
        "格式": 1,
        "政策": {"编号": "甲", "名称": "甲办法", "层级": "市", "施行": "2024-01-01", "标识": "工号"},
        "选项组": {"等级": {"选项": ["低", "中", "高"], "有序": "是"}},
        "字段": {
            "工号": {"类型": "文字"},
            "级别": {"类型": "等级", **({"别名": parts["别名"]} if parts["别名"] else {})},
            "工龄": {"类型": "整数", "单位": "年", "范围": [0, 60]},
            "持证": {"类型": "是否"},
            "在岗": {"类型": "是否"},
        },
        "参数": {
            "月补": noted({"值": parts["月补"], "单位": "元/月"}),
            "起点": noted({"值": parts["起点"], "单位": "年"}),
            "比例": noted({"值": parts["比例"]}),
        },
        "表": {
            "级别补贴": noted({"按": "级别", "单位": "元/月", "值": parts["格"]}),
            "档": noted({"按": "工龄", "单位": "元/月", "行": rows}),
        },
        "口径": {
            "另补": {
                "问题": "怎样补？",
                "采用": parts["采用"],
                "采用理由": parts["理由"] or "无",
                "依据": parts["引条"],
                "读法": {
                    word: {"公式": said(amount)} for word, amount in zip("一二", parts["读法"], strict=True)
                },
            }
        },
        "规则": {
            "在岗人员": {"内部": "是", "公式": "在岗", "不适用说明": parts["不适用说明"]},
            "持证人员": {"内部": "是", "公式": "持证", "不适用说明": "无证"},
            name: noted(first),
            "另补额": noted({**paid, "公式": "另补"}),
            "月合计": noted({**paid, "公式": f"{name} + 另补额"}),
            "达标": noted({"适用": ["在岗人员"], "校验": said(parts["校验"]), "级别": parts["级别"]}),
        },
        "集体": {
            "人员": noted(
                {"按": "级别", "成员": said(parts["成员"]), "列示": {"人数": "人数()"}, "校验": "人数() <= 2"}
            )
        },
        "情形": {
            "退出": noted(
                {
                    "适用": ["在岗人员"],
                    "任一": {label: {"当": said(when)} for label, when in parts["情形"].items()},
                }
            )
        },
        "条文": {"第一条": {"处理": "计算", "见": ["月补"]}, "第二条": {"处理": "计算", "见": ["起点"]}},
    }
    return json.dumps(shuffled(whole, Random(seed)), ensure_ascii=False)


def shuffled(value: Any, rng: Random) -> Any:
    """The same with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = rng.sample(sorted(value), len(value))
        return {key: shuffled(value[key], rng) for key in keys}
    return [shuffled(part, rng) for part in value] if isinstance(value, list) else value


@lru_cache(maxsize=512)
def sides_of(text: str) -> tuple[Node, Program]:
    source = SourceText("甲.yaml", text)
    root = read(source).root
    policy, problems = load(source)
    assert root is not None
    assert policy is not None, problems
    program, problems = build(policy, Registry((policy,)), advice=False)
    assert program is not None, [(problem.message, text) for problem in problems]
    return root, program


#: Each fact is missing of some.
PERSON = st.fixed_dictionaries(
    {
        "级别": st.sampled_from(["低", "中", "高", "高", ""]),
        "工龄": st.sampled_from(["0", "2", "3", "4", "5", "8", "9", "40", ""]),
        "持证": st.sampled_from(["是", "否", "是", "否", ""]),
        "在岗": st.sampled_from(["是", "是", "是", "是", "是", "否", ""]),
    }
).map(lambda facts: {name: value for name, value in facts.items() if value})
PEOPLE = st.lists(PERSON, min_size=6, max_size=8)
LAW = settings(
    max_examples=70,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def figures(program: Program, people: list[dict[str, str]]) -> dict[Any, Any]:
    """(result, who, figure) → outcome, of people and of groups."""
    numbered = [{"工号": str(number), **person} for number, person in enumerate(people)]
    roster, problems = roster_of(numbered, {}, DAY, program.policy, "名册")
    assert roster is not None, problems
    assert not roster.rejected
    told = evaluate(program, roster, DAY)
    found: dict[Any, Any] = {
        (name, result.record.id, ""): outcome
        for result in told.records
        for name, outcome in result.outcomes.items()
    }
    for group in told.groups:
        for label, value in group.figures.items():
            found[group.name, tuple(group.key.values()), label] = value
    return found


@LAW
@given(revisions(), PEOPLE)
def test_equal_meaning_gives_equal_results(
    pair: tuple[Version, Version], people: list[dict[str, str]]
) -> None:
    """And whatever no edit reaches comes out as before, whether or not the meaning of something else changed."""
    old, new = (sides_of(version.text) for version in pair)
    found = difference(old, new)
    before, after = figures(old[1], people), figures(new[1], people)
    if found.same_meaning:
        assert before.keys() == after.keys()
    for (name, *rest), outcome in before.items():
        now = found.renamed.get(name, name)
        if found.same_meaning or (now not in found.reached and (now, *rest) in after):
            assert same(outcome, after[now, *rest]), name


@LAW
@given(revisions(words_only=True))
def test_words_and_spellings_mean_the_same(pair: tuple[Version, Version]) -> None:
    found = difference(*(sides_of(version.text) for version in pair))
    assert found.same_meaning
    assert {edit.kind for edit in found.edits} <= {"仅文字", "等价改写"}


@LAW
@given(revisions())
def test_edits_make_one_version_of_the_other(pair: tuple[Version, Version]) -> None:
    old, new = (sides_of(version.text) for version in pair)
    there, back = difference(old, new), difference(new, old)
    assert plain(apply([edit.change for edit in there.edits], old[0])) == plain(new[0])
    assert plain(apply([edit.change for edit in back.edits], new[0])) == plain(old[0])


@LAW
@given(revisions())
def test_the_way_back_mirrors_the_way_there(pair: tuple[Version, Version]) -> None:
    old, new = (sides_of(version.text) for version in pair)
    there, back = difference(old, new), difference(new, old)
    assert seen(there.edits, mirrored=True) == seen(back.edits)
    assert there.same_meaning == back.same_meaning


DIRECTIONS = {"只减不增": -1, "只增不减": 1, "更难成立": -1, "更容易成立": 1}


@LAW
@given(revisions(again=("例外", "例外", "例外", "津贴", "起点", "校验", "情形")), PEOPLE)
def test_what_a_class_says_holds_for_everybody(
    pair: tuple[Version, Version], people: list[dict[str, str]]
) -> None:
    """Of one edit that is 收紧 or 放宽: 「只增不减」 of an amount, 「更容易成立」 of a condition."""
    old, new = (sides_of(version.text) for version in pair)
    edits = [edit for edit in difference(old, new).edits if edit.kind not in ("仅文字", "等价改写")]
    if len(edits) != 1 or edits[0].kind not in ("收紧", "放宽"):
        return
    before, after = figures(old[1], people), figures(new[1], people)
    for told in edits[0].effect.split("；"):
        for (result, *rest), outcome in before.items():
            direction = DIRECTIONS.get(told.removeprefix(result), 0)
            sizes = _size(outcome), _size(after[result, *rest])
            if None not in sizes:
                assert (sizes[1] - sizes[0]) * direction >= 0, (edits[0].effect, rest)


def _size(outcome: Any) -> Any:
    """An outcome as a number: of 情形 whether any ground holds; None if there is none."""
    if isinstance(outcome, Grounds):
        return None if outcome.open else bool(outcome.holding)
    return outcome if isinstance(outcome, int | Fraction) else None
