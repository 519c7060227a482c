"""Syntax trees as hypothesis makes them: every shape that parsing can give, with names of tests/language/policy.yaml."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from hypothesis import strategies as st

from engine.expr.functions import FUNCTIONS
from engine.expr.parse import COMPARISONS
from engine.expr.syntax import (
    Among,
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    DateLit,
    Dotted,
    Index,
    Logic,
    Name,
    Negative,
    Not,
    NumberLit,
    OutcomeLit,
    Syntax,
    TextLit,
    TruthLit,
)
from engine.source import Span
from engine.values import exact

AT = Span(0, 0)
NAMES = (
    *("件数", "系数", "月数", "标准", "奖金", "党员", "未填否", "未填数", "入职", "未填日", "学历", "本科", "年度考核", "优秀"),
    *("请假", "请假天数", "空记录", "学历标准", "假期", "休假", "税率", "收入", "社平工资", "不适用数", "计法", "甲法", "倍数"),
    *("成立情形", "全体人数", "分钱", "上级", "计算日", "值", "年份", "职称", "街道", "没有这个", "甲1", "_x", "周年"),
)  # fmt: skip
_ALIASES = ("上级", "停用", "件数", "没有这个")
_RESULTS = ("职务津贴", "旧津贴", "没有这个")

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters='"\n'), max_size=6)
numbers = st.one_of(
    st.integers(0, 10**20),
    st.decimals(min_value=0, max_value=10**6, places=4).map(lambda d: exact(Fraction(d))),
    st.integers(0, 10**36 - 1).map(lambda n: exact(Fraction(n, 10**38))),
)
leaves: st.SearchStrategy[Syntax] = st.one_of(
    st.sampled_from(NAMES).map(lambda name: Name(name, span=AT)),
    numbers.map(lambda value: NumberLit(value, span=AT)),
    st.dates(min_value=date(1, 1, 1)).map(lambda day: DateLit(day, span=AT)),
    st.booleans().map(lambda value: TruthLit(value, span=AT)),
    texts.map(lambda value: TextLit(value, span=AT)),
    st.sampled_from(("不适用", "信息不足")).map(lambda word: OutcomeLit(word, span=AT)),
    st.builds(Dotted, st.sampled_from(_ALIASES), st.sampled_from(_RESULTS), span=st.just(AT)),
)


def _larger(inner: st.SearchStrategy[Syntax]) -> st.SearchStrategy[Syntax]:
    at = st.just(AT)
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    functions = st.sampled_from((*FUNCTIONS, "件数", "没有这个"))
    chains = st.lists(st.tuples(st.sampled_from(COMPARISONS), inner), min_size=1, max_size=3)
    return st.one_of(
        st.builds(Arithmetic, st.sampled_from("+-*/"), inner, inner, span=at),
        st.builds(Negative, inner, span=at),
        st.builds(Not, inner, span=at),
        st.builds(
            lambda first, chain: Comparison(
                first, tuple(op for op, _ in chain), tuple(e for _, e in chain), span=AT
            ),
            inner,
            chains,
        ),
        st.builds(
            Logic, st.sampled_from("且或"), st.lists(inner, min_size=2, max_size=3).map(tuple), span=at
        ),
        st.builds(Among, inner, several, st.booleans(), span=at),
        st.builds(Conditional, inner, inner, inner, span=at),
        st.builds(Call, functions, st.lists(inner, max_size=3).map(tuple), span=at),
        st.builds(Index, inner, several, span=at),
    )


trees: st.SearchStrategy[Syntax] = st.recursive(leaves, _larger, max_leaves=14)
