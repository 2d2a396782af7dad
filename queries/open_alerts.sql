-- title: Open alerts
-- about: Alerts that still need somebody, gravest and oldest first, with what to do.
SELECT alert_id, severity, raised_at, state, production_line, sensor_id, message, peak, "limit", recommended_action
FROM alerts
WHERE state IN ('active_unacknowledged', 'active_acknowledged', 'returned_unacknowledged')
ORDER BY CASE severity WHEN 'CRITICAL' THEN 0 WHEN 'HIGH' THEN 1 WHEN 'MEDIUM' THEN 2 ELSE 3 END, raised_at, alert_id
