-- title: Defect pareto today
-- about: Defects of the current plant day by type, most frequent first, with their running share.
WITH today AS (
    SELECT max(start) AS midnight FROM kpis WHERE scope = 'day'
), counted AS (
    SELECT defect_type, count(*) AS defects,
           count(DISTINCT production_line) AS lines,
           avg(score) AS mean_score
    FROM defects CROSS JOIN today
    WHERE at >= midnight
    GROUP BY defect_type
)
SELECT defect_type, defects, lines, mean_score,
       ratio(sum(defects) OVER (ORDER BY defects DESC, defect_type), sum(defects) OVER ()) AS running_share
FROM counted
ORDER BY defects DESC, defect_type
