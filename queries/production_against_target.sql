-- title: Production against target
-- about: Units per hour of each line against what the planned run time allows, hour by hour, last 24 hours.
SELECT start, production_line, inspected, units_per_hour, target_units_per_hour,
       ratio(units_per_hour, target_units_per_hour) AS of_target
FROM kpis
WHERE scope = 'hour' AND product = 'all' AND start >= now() - INTERVAL '24 hours'
ORDER BY start DESC, production_line
