"""A roster of any size as Parquet, the same for every run: invented workers with their grades as a nested list.

    python benchmarks/roster.py 1000000 workers.parquet

Every fact that the city's policy asks for is given, so that hand-written programs, which know no 信息不足, can be compared.
Chance comes from a hash of the row's number.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

COLUMNS = """
    'JYG' || lpad(CAST(i AS VARCHAR), 9, '0') AS "工号",
    CASE WHEN h(i, 1, 100) < 90 THEN '聘用制' WHEN h(i, 1, 100) < 96 THEN '事业编制' ELSE '基层就业服务项目' END AS "人员类别",
    CASE h(i, 2, 2) WHEN 0 THEN '男' ELSE '女' END AS "性别",
    DATE '1965-01-01' + h(i, 3, 12000) AS "出生日期",
    '街道' || h(i, 4, 5 + n // 4000) AS "街道",
    '社区' || h(i, 5, 16) AS "社区",
    joined AS "参加社区工作日期",
    state AS "人员状态",
    CASE WHEN state <> '在职' THEN greatest(DATE '2024-01-01' + h(i, 7, 366), joined) END AS "离岗日期",
    CASE WHEN state = '辞职' THEN greatest(DATE '2023-12-15' + h(i, 7, 366), joined) END AS "提出辞职日期",
    pick(['初中', '高中', '中专', '大专', '大专', '大专', '本科', '本科', '本科', '研究生'], i, 8) AS "学历",
    pick(['无', '无', '助理社会工作师', '社会工作师', '高级社会工作师'], i, 9) AS "社会工作者职业水平证书",
    DATE '2018-01-01' + h(i, 10, 2557) AS "证书取得日期",
    pick(['五十周岁', '五十五周岁'], i, 11) AS "原法定退休年龄",
    list_transform(
        list_filter(range(2025 - years, 2025), lambda y: y = 2024 OR h(i * 64 + y, 12, 40) > 0),
        lambda y: {'年份': CAST(y AS INTEGER), '值': pick(CASE WHEN h(i, 13, 4) = 0
            THEN ['优秀', '优秀', '优秀', '优秀', '优秀', '合格']
            ELSE ['优秀', '合格', '合格', '合格', '合格', '合格', '合格', '合格', '基本合格', '不合格'] END, i * 64 + y, 14)}
    ) AS "年度考核",
    CAST(h(i, 15, 2001) * 0.001 AS DECIMAL(9, 3)) AS "绩效系数",
    CAST(1 + h(i, 16, 12) AS INTEGER) AS "本年实际工作月数",
    CAST(CASE WHEN h(i, 17, 10) = 0 THEN h(i, 18, 121) ELSE 0 END * 0.1 AS DECIMAL(9, 1)) AS "本年病假月数",
    CAST(CASE WHEN h(i, 17, 10) = 1 THEN h(i, 18, 451) ELSE 0 END * 0.1 AS DECIMAL(9, 1)) AS "本年事假天数",
    h(i, 19, 20) = 0 AS "工伤医疗期",
    -- what the other results ask for
    joined + h(i, 21, 31) AS "合同签订日期",
    joined + h(i, 21, 31) + h(i, 22, 15) AS "合同备案日期",
    joined + 180 AS "试用期截止日期",
    joined + h(i, 23, 220) AS "初任培训日期",
    DATE '2023-12-01' + h(i, 24, 396) AS "最近满意度测评日期",
    h(i, 25, 10) = 0 AS "现有社区人员",
    h(i, 26, 15) = 0 AS "退役军人",
    h(i, 27, 20) = 0 AS "特别优秀",
    CAST(CASE WHEN h(i, 28, 20) = 0 THEN h(i, 29, 20) ELSE 0 END AS INTEGER) AS "连续旷工工作日",
    CAST(CASE WHEN h(i, 28, 20) = 0 THEN h(i, 29, 20) + h(i, 30, 20) ELSE 0 END AS INTEGER) AS "本年累计旷工工作日",
    h(i, 31, 500) = 0 AS "受刑事处罚",
    h(i, 32, 500) = 0 AS "严重违反规章制度",
    h(i, 33, 500) = 0 AS "经培训或调岗仍不能胜任",
    h(i, 34, 500) = 0 AS "严重失误失职造成重大损害",
    h(i, 35, 500) = 0 AS "其他应予辞退情形",
    h(i, 36, 30) = 0 AS "社区党委成员",
    h(i, 37, 30) = 0 AS "居委会成员"
"""


def write(count: int, path: Path, grouped: int = 100_000) -> None:
    """So many workers, in files of Parquet row groups of `grouped`."""
    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = true")
    con.execute("CREATE MACRO h(i, salt, n) AS CAST((hash(i * 1000 + salt) >> 8) % n AS INTEGER)")
    con.execute("CREATE MACRO pick(list, i, salt) AS list[1 + h(i, salt, len(list))]")
    con.execute(f"""
        COPY (
            SELECT {COLUMNS} FROM (
                SELECT *, greatest(1, least(30, 2024 - year(joined))) AS years, {count} AS n,
                    pick(['在职', '在职', '在职', '在职', '在职', '在职', '在职', '退休', '辞职', '合同终止', '辞退'], i, 6) AS state
                FROM (SELECT i, DATE '1993-01-01' + h(i, 20, 11600) AS joined FROM range({count}) t(i))
            )
        ) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {grouped})
    """)


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
