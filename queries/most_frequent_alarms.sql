-- title: Most frequent alarms
-- about: The rules and sensors behind most alerts of the last seven days: where alarm tuning pays.
SELECT rules.name AS rule, alerts.production_line, alerts.sensor_id, count(*) AS alerts,
       count(*) FILTER (WHERE alerts.chattering) AS chattering, max(alerts.raised_at) AS last_raised
FROM alerts JOIN rules USING (rule_id)
WHERE alerts.raised_at >= now() - INTERVAL '7 days'
GROUP BY rules.name, alerts.production_line, alerts.sensor_id
ORDER BY alerts DESC, rule, alerts.production_line, alerts.sensor_id
LIMIT 20
