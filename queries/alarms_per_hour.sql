-- title: Alarms per hour
-- about: Annunciated alarms per line and hour of the last 24 hours, with peaks and floods (EEMUA 191).
SELECT start, production_line, raised, critical, high, medium, low, chattering, peak_10_min, flood, suppressed
FROM alert_metrics
WHERE start >= now() - INTERVAL '24 hours'
ORDER BY start DESC, production_line
