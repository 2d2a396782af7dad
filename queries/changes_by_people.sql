-- title: Changes by people
-- about: Who changed what in the last seven days: configuration and actions on alerts, newest first.
SELECT at, "by", action, subject, "before", "after", reason
FROM audit
WHERE at >= now() - INTERVAL '7 days'
UNION ALL
SELECT at, "by", action, 'alert ' || alert_id AS subject, NULL AS "before", NULL AS "after", reason
FROM operator_events
WHERE at >= now() - INTERVAL '7 days'
ORDER BY at DESC, subject, action
LIMIT 500
