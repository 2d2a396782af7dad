-- title: Response times
-- about: Seconds from alert to corrective action by severity over the last seven days; the target is 600.
SELECT severity, count(*) AS alerts, count(response_s) AS responded, avg(response_s) AS mean_s,
       approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY response_s) AS p95_s,
       count(*) FILTER (WHERE response_s <= 600) AS within_target
FROM alerts
WHERE raised_at >= now() - INTERVAL '7 days'
GROUP BY severity
ORDER BY severity
