-- title: Late and refused inputs
-- about: Readings that came too late and inputs that could not be taken in the last 24 hours, newest first.
SELECT arrived AS at, 'late' AS kind, sensor_id AS source, 'measured at ' || CAST(at AS TEXT) AS reason
FROM late
WHERE arrived >= now() - INTERVAL '24 hours'
UNION ALL
SELECT at, 'error' AS kind, source, reason
FROM errors
WHERE at >= now() - INTERVAL '24 hours'
ORDER BY at DESC, kind, source, reason
LIMIT 500
