"""The twelve results as a country package of OpenFisca core, the peer that computes whole columns and keeps every value
(`pip install '.[peers]'`).

To its advantage: the counters of the assessments are given, days are whole numbers (20241231), and tables are looked up by
place and not by its own indexing of parameters, which goes worker by worker. It has no 不适用: what is not due is 0. It
computes in float32; with `in_fen` amounts are whole numbers of fen, its users' way to be exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from benchmarks.by_numpy import CATEGORIES, ISSUED, NEW_YEAR, STATES, TODAY, Counted, Numbers
from benchmarks.job import AMOUNTS, AS_OF, RESULTS

MONTH = f"{AS_OF:%Y-%m}"
WHOLE = (
    "人员类别", "人员状态", "学历", "社会工作者职业水平证书", "参加社区工作日期", "离岗日期", "证书取得日期", "本年实际工作月数",
    "合格年数", "连续优秀上调", "本年考核",
)  # fmt: skip
#: Field → what a whole number of `benchmarks.by_numpy` is of it.
PARTS = {"绩效系数": 1000, "本年病假月数": 10, "本年事假天数": 10}
YEARS = ("连续年数", "社区工作年限")

Get = Callable[[str], Numbers]
Formula = Callable[[Get], Numbers]


def formulas(in_fen: bool) -> dict[str, Formula]:
    """Every named value in an order in which each needs only what stands before it."""
    yuan, tenths = (100, 10) if in_fen else (1, 1)
    schooling = np.array([100, 100, 100, 200, 300, 400]) * yuan
    certificates = np.array([0, 100, 200, 500]) * yuan
    bonus = np.array([0, 0, 0, 1200, 1500]) * yuan

    def to_the_fen(amount: Numbers) -> Numbers:
        return np.floor(amount * 100 + 0.5) / 100

    def merit(get: Get) -> Numbers:
        return get("绩效系数") * 50 if in_fen else to_the_fen(500 * get("绩效系数"))

    def share_of_year(amount: Numbers, months: Numbers) -> Numbers:
        return (amount * months * 2 + 12) // 24 if in_fen else to_the_fen(amount * months / 12)

    def in_time(get: Get) -> Numbers:
        day = get("证书取得日期")
        return (day >= ISSUED) & (day >= get("参加社区工作日期")) & (day <= TODAY)

    def served(get: Get) -> Numbers:
        return (np.where(get("在册"), TODAY, get("离岗日期")) - get("参加社区工作日期")) // 10_000

    def too_long_away(get: Get) -> Numbers:
        ill = (get("本年病假月数") > 6 * tenths) & ~get("工伤医疗期")
        return ill | (get("本年事假天数") > 30 * tenths)

    return {
        "聘用制人员": lambda get: get("人员类别") == CATEGORIES.index("聘用制"),
        "已参加": lambda get: get("参加社区工作日期") <= TODAY,
        "在职": lambda get: get("人员状态") == STATES.index("在职"),
        "在册": lambda get: get("已参加") & (get("在职") | (get("离岗日期") > TODAY)),
        "当年在册": lambda get: get("已参加") & (get("在职") | (get("离岗日期") >= NEW_YEAR)),
        "发放": lambda get: get("聘用制人员") & get("在册"),
        "基本工资": lambda get: get("发放") * (2000 * yuan + 100 * yuan * get("连续优秀上调")),
        "学历工资": lambda get: get("发放") * schooling[get("学历")],
        "技术等级工资": lambda get: get("发放") * certificates[get("社会工作者职业水平证书")],
        "考核工资": lambda get: get("发放") * 50 * yuan * get("合格年数"),
        "绩效工资": lambda get: get("发放") * merit(get),
        "月工资合计": lambda get: sum(get(name) for name in AMOUNTS[:5]),
        "请假超限": too_long_away,
        "离职不发": lambda get: ~get("在册") & (get("人员状态") >= STATES.index("辞职")),
        "计奖": lambda get: get("聘用制人员") & get("当年在册") & ~get("离职不发") & ~get("请假超限"),
        "年终奖": lambda get: get("计奖") * share_of_year(bonus[get("本年考核")], get("本年实际工作月数")),
        "取证及时": lambda get: (get("社会工作者职业水平证书") >= 2) & in_time(get),
        "取证奖励": lambda get: get("在册") * get("取证及时") * (1000 * yuan),
        "连续年数": lambda get: (TODAY - get("参加社区工作日期")) // 10_000,
        "满20年奖励": lambda get: get("发放") * (get("连续年数") >= 20) * (5000 * yuan),
        "满30年奖励": lambda get: get("发放") * (get("连续年数") >= 30) * (10_000 * yuan),
        "社区工作年限": lambda get: get("已参加") * served(get),
        "定向招聘资格": lambda get: get("发放") & (get("连续年数") >= 5),
    }


class OpenFisca:
    """The system, made once; `run` makes a simulation and calculates."""

    def __init__(self, in_fen: bool) -> None:
        self.in_fen = in_fen
        self.person = build_entity("person", "persons", "Worker", is_person=True)
        self.system = TaxBenefitSystem([self.person])
        for name in WHOLE:
            self.declare(name, int)
        for name in PARTS:
            self.declare(name, int if in_fen else float)
        self.declare("工伤医疗期", bool)
        for name, formula in formulas(in_fen).items():
            amount = int if in_fen else float
            self.declare(name, amount if name in AMOUNTS else int if name in YEARS else bool, formula)

    def declare(self, name: str, kind: type, formula: Formula | None = None) -> None:
        said: dict[str, object] = {
            "value_type": kind, "entity": self.person, "definition_period": DateUnit.MONTH, "label": name,
        }  # fmt: skip
        if formula is not None:

            def by_month(person: Callable[[str, object], Numbers], period: object) -> Numbers:
                return formula(lambda wanted: person(wanted, period))

            said["formula"] = by_month
        self.system.add_variable(type(name, (Variable,), said))

    def given(self, columns: Mapping[str, Numbers], lists: Counted) -> dict[str, Numbers]:
        """Facts as it takes them."""
        found = dict(columns) | {
            "合格年数": lists.good,
            "连续优秀上调": lists.blocks,
            "本年考核": lists.grade,
        }
        if not self.in_fen:
            found |= {name: (columns[name] / parts).astype(np.float32) for name, parts in PARTS.items()}
        return found

    def run(self, given: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Result → amount in yuan, or in fen with `in_fen`; every named value is kept in the simulation."""
        simulation = SimulationBuilder().build_default_simulation(self.system, len(given["人员类别"]))
        for name, column in given.items():
            simulation.set_input(name, MONTH, column)
        return {name: simulation.calculate(name, MONTH) for name in RESULTS}
