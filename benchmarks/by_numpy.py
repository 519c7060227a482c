"""The twelve results by hand in NumPy, the floor: no names, no reasons, no missing facts (`pip install '.[peers]'`).

Members of options are their places, days are whole numbers (20241231), amounts are in fen, and -1 is 不适用. As in
`by_hand.sql`, every fact is given and years of grades ascend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.job import AS_OF
from benchmarks.plain import CERTIFICATES, GRADES, SCHOOLING

Numbers = NDArray[Any]

CATEGORIES = ("聘用制", "事业编制", "基层就业服务项目")
STATES = ("在职", "退休", "合同终止", "辞职", "辞退")
OPTIONS = {
    "人员类别": CATEGORIES,
    "人员状态": STATES,
    "学历": SCHOOLING,
    "社会工作者职业水平证书": CERTIFICATES,
}
DAYS = ("参加社区工作日期", "离岗日期", "证书取得日期")
#: Thousandths, whole months, tenths of a month, tenths of a day.
SCALED = {"绩效系数": 1000, "本年实际工作月数": 1, "本年病假月数": 10, "本年事假天数": 10}

NONE = -1
TODAY = AS_OF.year * 10_000 + AS_OF.month * 100 + AS_OF.day
NEW_YEAR, LAST_YEAR = AS_OF.year * 10_000 + 101, AS_OF.year - 1
ISSUED = 2021_05_27
SCHOOLING_PAY = np.array([100_00, 100_00, 100_00, 200_00, 300_00, 400_00])
CERTIFICATE_PAY = np.array([0, 100_00, 200_00, 500_00])
BONUS = np.array([0, 0, 0, 1200_00, 1500_00])


@dataclass(frozen=True, slots=True)
class Facts:
    """Columns of a roster in memory. Of the assessments: `years` and `grades` end to end, `counts` per worker."""

    columns: Mapping[str, Numbers]
    counts: Numbers
    years: Numbers
    grades: Numbers


@dataclass(frozen=True, slots=True)
class Counted:
    """What the results ask of the assessments, per worker; `grade` of this year."""

    good: Numbers
    blocks: Numbers
    grade: Numbers


def read(path: Path) -> Facts:
    """The columns that the twelve results rest on, from Parquet."""
    wanted = [*OPTIONS, *DAYS, *SCALED, "工伤医疗期", "年度考核"]
    table = pq.read_table(path, columns=wanted, read_dictionary=[*OPTIONS])
    columns = {name: places(table[name], options) for name, options in OPTIONS.items()}
    columns |= {name: days(table[name]) for name in DAYS}
    columns |= {name: scaled(table[name], scale) for name, scale in SCALED.items()}
    columns["工伤医疗期"] = table["工伤医疗期"].to_numpy()
    lists = table["年度考核"].combine_chunks()
    inner = lists.flatten()
    years, grades = (inner.field(name) for name in ("年份", "值"))
    return Facts(columns, np.diff(lists.offsets.to_numpy()), years.to_numpy(), places(grades, GRADES))


def places(column: Any, options: Sequence[str]) -> Numbers:
    """Each text as its place among the options."""
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    else:
        column = column.dictionary_encode()
    found = np.array([options.index(word) for word in column.dictionary.to_pylist()], dtype=np.int8)
    return found[column.indices.to_numpy()]


def days(column: Any) -> Numbers:
    """Days as whole numbers, 0 for none."""
    day = column.to_numpy().astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    whole = month.astype(np.int64)
    number = (1970 + whole // 12) * 10_000 + (1 + whole % 12) * 100 + 1 + (day - month).astype(np.int64)
    return np.where(np.isnat(day), 0, number)


def scaled(column: Any, scale: int) -> Numbers:
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())  # so few digits that rounding gives them back
        return np.rint(column.to_numpy() * scale).astype(np.int64)
    return column.to_numpy().astype(np.int64)


def counted(facts: Facts) -> Counted:
    """The list counters, without a loop over workers."""
    size = len(facts.counts)
    owner = np.repeat(np.arange(size, dtype=np.int32), facts.counts)
    past = facts.years <= LAST_YEAR
    good = np.bincount(owner[past & (facts.grades >= GRADES.index("合格"))], minlength=size)
    best = np.flatnonzero(past & (facts.grades == GRADES.index("优秀")))
    years, owners = facts.years[best], owner[best]
    begins = np.ones(len(best), dtype=bool)
    begins[1:] = (owners[1:] != owners[:-1]) | (years[1:] != years[:-1] + 1) | (best[1:] != best[:-1] + 1)
    at = np.flatnonzero(begins)
    lengths = np.diff(at, append=len(best))
    blocks = np.bincount(owners[at], weights=lengths // 3, minlength=size).astype(np.int64)
    grade = np.zeros(size, dtype=np.int8)
    now = facts.years == AS_OF.year
    grade[owner[now]] = facts.grades[now]
    return Counted(good, blocks, grade)


def twelve(columns: Mapping[str, Numbers], lists: Counted) -> dict[str, Numbers]:
    """Result → one number a worker; 定向招聘资格 is 0 or 1."""
    joined, left, state = columns["参加社区工作日期"], columns["离岗日期"], columns["人员状态"]
    begun, working = joined <= TODAY, state == STATES.index("在职")
    on_books = begun & (working | (left > TODAY))
    on_books_this_year = begun & (working | (left >= NEW_YEAR))
    hired = columns["人员类别"] == CATEGORIES.index("聘用制")
    paid = hired & on_books

    def due(to: Numbers, amount: Any) -> Numbers:
        return np.where(to, amount, NONE)

    certificate, obtained = columns["社会工作者职业水平证书"], columns["证书取得日期"]
    basic = 2000_00 + 100_00 * lists.blocks
    schooling, grade_pay = SCHOOLING_PAY[columns["学历"]], CERTIFICATE_PAY[certificate]
    assessed, merit = 50_00 * lists.good, columns["绩效系数"] * 50
    ended = ~on_books & (state >= STATES.index("辞职"))
    ill = (columns["本年病假月数"] > 60) & ~columns["工伤医疗期"]
    nothing = ended | ill | (columns["本年事假天数"] > 300)
    bonus = np.where(nothing, 0, (BONUS[lists.grade] * columns["本年实际工作月数"] * 2 + 12) // 24)
    in_time = (obtained >= ISSUED) & (obtained >= joined) & (obtained <= TODAY)
    until_now = (TODAY - joined) // 10_000
    return {
        "基本工资": due(paid, basic),
        "学历工资": due(paid, schooling),
        "技术等级工资": due(paid, grade_pay),
        "考核工资": due(paid, assessed),
        "绩效工资": due(paid, merit),
        "月工资合计": due(paid, basic + schooling + grade_pay + assessed + merit),
        "年终奖": due(hired & on_books_this_year, bonus),
        "取证奖励": due(on_books, 1000_00 * ((certificate >= 2) & in_time)),
        "满20年奖励": due(paid, 5000_00 * (until_now >= 20)),
        "满30年奖励": due(paid, 10_000_00 * (until_now >= 30)),
        "社区工作年限": due(begun, (np.where(on_books, TODAY, left) - joined) // 10_000),
        "定向招聘资格": due(paid, until_now >= 5),
    }
