-- The twelve results of `by_hand.sql`, written by hand for Spark SQL over the same nested Parquet: the same figures, stages and
-- whole-number arithmetic.
WITH facts AS (
    SELECT *,
        `参加社区工作日期` <= DATE '2024-12-31'
            AND (`人员状态` = '在职' OR `离岗日期` > DATE '2024-12-31') AS on_books,
        `参加社区工作日期` <= DATE '2024-12-31'
            AND (`人员状态` = '在职' OR `离岗日期` >= DATE '2024-01-01') AS on_books_this_year,
        filter(`年度考核`, x -> x.`年份` <= 2023) AS past,
        get(filter(`年度考核`, x -> x.`年份` = 2024), 0).`值` AS grade
    FROM {workers}
), counted AS (
    SELECT *,
        `人员类别` = '聘用制' AND on_books IS TRUE AS paid,
        size(filter(past, x -> x.`值` IN ('合格', '优秀'))) AS good_years,
        array_join(transform(past, (x, i) ->
            CASE WHEN i > 0 AND get(past, i - 1).`年份` <> x.`年份` - 1 THEN '-' ELSE '' END
            || CASE WHEN x.`值` = '优秀' THEN 'Y' ELSE '-' END), '') AS letters,
        2024 - year(`参加社区工作日期`) AS years_begun
    FROM facts
), figures AS (
    SELECT *,
        200000 + 10000 * ((length(letters) - length(replace(letters, 'YYY', ''))) div 3) AS basic,
        CASE `学历` WHEN '大专' THEN 20000 WHEN '本科' THEN 30000 WHEN '研究生' THEN 40000 ELSE 10000 END AS schooling,
        CASE `社会工作者职业水平证书` WHEN '助理社会工作师' THEN 10000 WHEN '社会工作师' THEN 20000
            WHEN '高级社会工作师' THEN 50000 ELSE 0 END AS certificate,
        5000 * good_years AS assessed,
        -- 500 yuan times thousandths, to the fen
        CAST(`绩效系数` * 1000 AS BIGINT) * 50 AS merit,
        CASE
            WHEN on_books IS NOT TRUE AND `人员状态` IN ('辞职', '辞退') THEN 0
            WHEN (`本年病假月数` > 6 AND NOT `工伤医疗期`) OR `本年事假天数` > 30 THEN 0
            ELSE (CASE grade WHEN '优秀' THEN 150000 WHEN '合格' THEN 120000 ELSE 0 END * `本年实际工作月数` * 2 + 12) div 24
        END AS bonus,
        year(CASE WHEN on_books IS TRUE THEN DATE '2024-12-31' ELSE `离岗日期` END) - year(`参加社区工作日期`)
            - CASE WHEN month(CASE WHEN on_books IS TRUE THEN DATE '2024-12-31' ELSE `离岗日期` END) * 100
                + day(CASE WHEN on_books IS TRUE THEN DATE '2024-12-31' ELSE `离岗日期` END)
                < month(`参加社区工作日期`) * 100 + day(`参加社区工作日期`) THEN 1 ELSE 0 END AS served,
        years_begun - CASE WHEN 1231 < month(`参加社区工作日期`) * 100 + day(`参加社区工作日期`) THEN 1 ELSE 0 END AS until_now
    FROM counted
)
SELECT `工号`,
    CASE WHEN paid THEN CAST(basic AS DECIMAL(16, 0)) * 0.01BD END AS `基本工资`,
    CASE WHEN paid THEN CAST(schooling AS DECIMAL(16, 0)) * 0.01BD END AS `学历工资`,
    CASE WHEN paid THEN CAST(certificate AS DECIMAL(16, 0)) * 0.01BD END AS `技术等级工资`,
    CASE WHEN paid THEN CAST(assessed AS DECIMAL(16, 0)) * 0.01BD END AS `考核工资`,
    CASE WHEN paid THEN CAST(merit AS DECIMAL(16, 0)) * 0.01BD END AS `绩效工资`,
    CASE WHEN paid THEN CAST(basic + schooling + certificate + assessed + merit AS DECIMAL(16, 0)) * 0.01BD END AS `月工资合计`,
    CASE WHEN `人员类别` = '聘用制' AND on_books_this_year IS TRUE THEN CAST(bonus AS DECIMAL(16, 0)) * 0.01BD END AS `年终奖`,
    CASE WHEN on_books IS TRUE THEN CAST(CASE WHEN `社会工作者职业水平证书` IN ('社会工作师', '高级社会工作师')
        AND `证书取得日期` >= DATE '2021-05-27' AND `证书取得日期` >= `参加社区工作日期`
        AND `证书取得日期` <= DATE '2024-12-31' THEN 100000 ELSE 0 END AS DECIMAL(16, 0)) * 0.01BD END AS `取证奖励`,
    CASE WHEN paid THEN CAST(CASE WHEN until_now >= 20 THEN 500000 ELSE 0 END AS DECIMAL(16, 0)) * 0.01BD END AS `满20年奖励`,
    CASE WHEN paid THEN CAST(CASE WHEN until_now >= 30 THEN 1000000 ELSE 0 END AS DECIMAL(16, 0)) * 0.01BD END AS `满30年奖励`,
    CASE WHEN `参加社区工作日期` <= DATE '2024-12-31' THEN served END AS `社区工作年限`,
    CASE WHEN paid THEN until_now >= 5 END AS `定向招聘资格`
FROM figures
