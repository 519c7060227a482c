"""嘉办字〔2021〕47号 over a whole roster, in plain Python: what policy file and engine must agree with.

`evaluate` gives every result of `domain.md` §1 under the adopted readings, or with 绩效工资口径 = 个人系数,
as the JSON of the command line has them. The articles about one worker are in `case`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any

from tests.reference.case import PERFORMANCE_WAGE, Case, is_
from tests.reference.outcomes import (
    Answer,
    Missing,
    NotApplicable,
    Question,
    compute,
    every,
    facts_of,
    missing,
)
from tests.reference.roster import workers

ADOPTED = {"绩效工资口径": "社区统筹"}
POSTS_PER_COMMUNITY = 16

#: Results that the JSON writes with two decimals.
MONEY = {
    "基本工资", "学历工资", "技术等级工资", "考核工资", "绩效工资", "月工资合计",
    "年终奖", "取证奖励", "满20年奖励", "满30年奖励", "总额", "分配",
}  # fmt: skip
#: What is named as missing where all 绩效系数 of a pool are 0.
ALL_ZERO = "绩效系数"

# --- groups (articles 5, 7, 19, 24（五）)


@dataclass(frozen=True)
class Group:
    """One 街道 or 社区. `blocked`: rows that belong or may belong here but could not be read or placed; what else a
    row that could not be read says of itself is not relied on."""

    key: tuple[str, ...]
    cases: list[Case]
    units: dict[str, Any]
    blocked: frozenset[str]

    def members(self) -> list[Case]:
        return [case for case in self.cases if case.member() is True]

    def doubtful(self) -> frozenset[str]:
        """Facts without which it is open who is a member."""
        return frozenset(f"{case.who.id}.{fact}" for case in self.cases for fact in facts_of([case.member()]))

    def figure(self, question: Question) -> Answer:
        return Missing(self.blocked) if self.blocked else question()

    def size(self) -> Answer:
        """人数."""
        open_ = self.doubtful()
        return Missing(open_) if open_ else len(self.members())

    def community_count(self) -> Answer:
        return self.units.get("社区数", missing("社区数"))

    def street_posts(self) -> Answer:
        """5: 16 for each 社区, and those approved in addition."""
        extra = self.units.get("批准增加名额", 0)
        return compute(lambda count: POSTS_PER_COMMUNITY * count + extra, self.community_count())

    def excellent(self) -> Answer:
        """Members graded 优秀 this year; one who may be a member or may be 优秀 leaves it open."""
        answers = {case.who.id: every(case.member, case.excellent) for case in self.cases}
        open_ = frozenset(f"{id_}.{fact}" for id_, answer in answers.items() for fact in facts_of([answer]))
        return Missing(open_) if open_ else sum(answers.values())

    def pool(self) -> Answer:
        """24（五）: 500 for each."""
        return compute(lambda size: PERFORMANCE_WAGE * size, self.size())

    def shares(self) -> Answer:
        """工号 → share of the pool by 绩效系数: down to the fen, then a fen each by largest remainder."""
        if self.blocked:
            return Missing(self.blocked)
        factors = {case.who.id: case.who["绩效系数"] for case in self.cases if case.member() is not False}
        open_ = frozenset(f"{id_}.绩效系数" for id_, factor in factors.items() if isinstance(factor, Missing))
        total = self.figure(self.pool)
        if isinstance(total, Missing) or open_:
            return Missing(facts_of([total]) | open_)
        weight = sum(factors.values())
        if weight == 0:
            return missing(ALL_ZERO)
        exact = {id_: Fraction(total * 100) * factor / weight for id_, factor in factors.items()}
        fen = {id_: int(amount) for id_, amount in exact.items()}
        rest = total * 100 - sum(fen.values())
        for id_ in sorted(exact, key=lambda id_: (fen[id_] - exact[id_], id_))[:rest]:
            fen[id_] += 1
        return {id_: Fraction(amount, 100) for id_, amount in fen.items()}


def groups(
    by: tuple[str, ...], cases: list[Case], rejected: list[Case], units: dict[str, Any]
) -> list[Group]:
    """Every group a worker stands in."""
    places = [tuple(case.who[name] for name in by) for case in cases]
    found: list[Group] = []
    stray = [case for case, place in zip(cases, places, strict=True) if facts_of(place)]
    known = [tuple(case.who[name] for name in by) for case in rejected]
    for key in dict.fromkeys(place for place in [*places, *known] if not facts_of(place)):
        inside = [case for case, place in zip(cases, places, strict=True) if place == key]
        blocked = frozenset(
            f"名册第 {case.who.row} 行"
            for case in [*rejected, *(one for one in stray if one.member() is not False)]
            if may_be_in(case, by, key)
        )
        found.append(Group(key, inside, units.get(key[0], {}), blocked))
    return found


def may_be_in(case: Case, by: tuple[str, ...], key: tuple[str, ...]) -> bool:
    return all(case.who[name] in (part, missing(name)) for name, part in zip(by, key, strict=True))


# --- the whole roster


def results(case: Case, performance_wage: Question) -> dict[str, tuple[list[Question], Question]]:
    """Result → who is covered, and the figure."""
    covered = [case.contract, case.in_post]
    wages = {
        "基本工资": case.base_wage,
        "学历工资": case.school_wage,
        "技术等级工资": case.certificate_wage,
        "考核工资": case.assessment_wage,
        "绩效工资": performance_wage,
    }

    def total() -> Answer:
        return compute(lambda *parts: sum(parts), *(wage() for wage in wages.values()))

    return {
        **{name: (covered, wage) for name, wage in wages.items()},
        "月工资合计": (covered, total),
        "年终奖": ([case.contract, case.in_post_this_year], case.bonus),
        "取证奖励": ([case.in_post], case.certificate_award),
        "满20年奖励": (covered, lambda: case.service_award(20, 5000)),
        "满30年奖励": (covered, lambda: case.service_award(30, 10000)),
        "社区工作年限": ([case.joined], case.years_of_service),
        "定向招聘资格": (covered, case.for_direct_hiring),
        "满20年日期": (covered, lambda: case.anniversary(20)),
        "满30年日期": (covered, lambda: case.anniversary(30)),
        "法定退休日期": (covered, case.retirement),
        "年休假天数": (covered, case.leave_days),
        "招聘资格": ([case.contract, case.newly_hired], case.fit_for_hiring),
        "合同备案": (covered, case.contract_filed),
        "档案完整": (covered, case.file_complete),
        "考核记录完整": (covered, case.every_year_graded),
        "初任培训": ([*covered, case.hired_under_this_document], case.trained),
        "满意度测评": (covered, case.surveyed),
        "辞职预告": ([case.contract, case.ask("人员状态", is_("辞职"))], case.gave_notice),
        "到龄未退": (covered, case.not_overdue),
    }


def evaluate(roster: dict[str, Any], as_of: date, readings: dict[str, str] | None = None) -> dict[str, Any]:
    """Results of a roster (数据日期, 记录, 单位) on a day, as the JSON of the command line has them.

    `records`: 工号 → {values, not_applicable (names), unknown (name → facts)}; `groups`: list of
    {rule, group, values, unknown}. `readings` may set 绩效工资口径.
    """
    chosen = ADOPTED | (readings or {})
    pooled = chosen["绩效工资口径"] == "社区统筹"
    data_date = date.fromisoformat(roster.get("数据日期") or as_of.isoformat())
    accepted, rejected = (
        [Case(who, as_of) for who in some] for some in workers(roster, data_date.year == as_of.year)
    )
    units = {
        street: {name: given for name, given in facts.items() if given not in (None, "")}
        for street, facts in roster.get("单位", {}).get("街道", {}).items()
    }
    streets = groups(("街道",), accepted, rejected, units)
    communities = groups(("街道", "社区"), accepted, rejected, units)
    shares = {group.key: group.shares() for group in communities}
    records = {}
    for case in accepted:
        wage = partial(own_share, case, shares) if pooled else case.own_performance_wage
        records[case.who.id] = answers(case, wage)
    return {"records": records, "groups": [*street_results(streets), *community_results(communities, pooled)]}


def own_share(case: Case, shares: dict[tuple[str, ...], Answer]) -> Answer:
    """A worker's own facts go by their bare names."""
    place = (case.who["街道"], case.who["社区"])
    if nowhere := facts_of(place):
        return Missing(nowhere)
    share = shares[place]
    if isinstance(share, Missing):
        own = f"{case.who.id}."
        return Missing(frozenset(fact.removeprefix(own) for fact in share.facts))
    return share[case.who.id]


def answers(case: Case, performance_wage: Question) -> dict[str, Any]:
    values: dict[str, Any] = {}
    outside: set[str] = set()
    unknown: dict[str, set[str]] = {}
    for name, (covered, question) in results(case, performance_wage).items():
        answer = applied(covered, question)
        if isinstance(answer, NotApplicable):
            outside.add(name)
        elif isinstance(answer, Missing):
            unknown[name] = set(answer.facts)
        else:
            values[name] = shown(name, answer)
    covered = case.member()
    grounds = case.grounds()
    holding = [label for label, answer in grounds.items() if answer is True]
    open_ = facts_of([covered] if covered is not True else grounds.values())
    if covered is False:
        outside.add("辞退情形")
    elif open_:
        unknown["辞退情形"] = set(open_)
    if covered is True and (holding or not open_):
        values["辞退情形"] = holding
    return {"values": values, "not_applicable": outside, "unknown": unknown}


def applied(covered: Iterable[Question], question: Question) -> Answer:
    """适用: a condition that fails or is open closes the rule; nothing of the formula is asked."""
    gate = every(*covered)
    if gate is True:
        return question()
    return NotApplicable() if gate is False else gate


def shown(name: str, answer: Answer) -> Any:
    """As the JSON writes it."""
    if isinstance(answer, date):
        return answer.isoformat()
    if name in MONEY:
        fen = Fraction(answer) * 100
        assert fen.denominator == 1, (name, answer)
        return f"{int(fen) // 100}.{int(fen) % 100:02d}"
    return answer


def street_results(streets: list[Group]) -> list[dict[str, Any]]:
    found = []
    for group in streets:
        posts = group.figure(group.street_posts)
        size, best = group.figure(group.size), group.figure(group.excellent)
        gap = compute(lambda posts, size: posts - size, posts, size)
        cap = compute(lambda size: size // 5, size)
        staffing = {
            "人数": size,
            "社区数": group.figure(group.community_count),
            "定员": posts,
            "差额": gap,
            "结论": compute(lambda gap: gap >= 0, gap),
        }
        excellence = {
            "人数": size,
            "优秀": best,
            "上限": cap,
            "结论": compute(lambda best, cap: best <= cap, best, cap),
        }
        found.append(group_result("街道定员", ("街道",), group, staffing))
        found.append(group_result("空缺数", ("街道",), group, {"值": compute(lambda gap: max(gap, 0), gap)}))
        found.append(group_result("优秀比例", ("街道",), group, excellence))
    return found


def community_results(communities: list[Group], pooled: bool) -> list[dict[str, Any]]:
    found = []
    by = ("街道", "社区")
    for group in communities:
        size = group.figure(group.size)
        gap = compute(lambda size: POSTS_PER_COMMUNITY - size, size)
        staffing = {
            "人数": size,
            "定员": group.figure(lambda: POSTS_PER_COMMUNITY),
            "差额": gap,
            "结论": compute(lambda gap: gap >= 0, gap),
        }
        found.append(group_result("社区定员", by, group, staffing))
        if pooled:
            shares = group.shares()
            handed = shares if isinstance(shares, Missing) else sum(shares.values(), Fraction())
            pool = {"总额": group.figure(group.pool), "分配": handed}
            found.append(group_result("绩效工资分配", by, group, pool))
    return found


def group_result(rule: str, by: tuple[str, ...], group: Group, figures: dict[str, Answer]) -> dict[str, Any]:
    return {
        "rule": rule,
        "group": dict(zip(by, group.key, strict=True)),
        "values": {
            name: shown(name, answer) for name, answer in figures.items() if not isinstance(answer, Missing)
        },
        "unknown": {
            name: set(answer.facts) for name, answer in figures.items() if isinstance(answer, Missing)
        },
    }
