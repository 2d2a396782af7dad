-- title: Worst sensors
-- about: Sensors that departed most from their set-points over the last eight hours, with their bad readings.
WITH bad AS (
    SELECT sensor_id, sum(bad) AS bad_readings
    FROM panes
    WHERE start >= now() - INTERVAL '8 hours'
    GROUP BY sensor_id
), departed AS (
    SELECT sensor_id, sum(panes) AS deviating_panes, max(sigmas) AS worst_sigmas
    FROM deviations
    WHERE start >= now() - INTERVAL '8 hours'
    GROUP BY sensor_id
)
SELECT sensors.sensor_id, sensors.production_line, sensors.parameter_name, departed.deviating_panes,
       departed.worst_sigmas, bad.bad_readings
FROM sensors
LEFT JOIN departed ON departed.sensor_id = sensors.sensor_id
LEFT JOIN bad ON bad.sensor_id = sensors.sensor_id
WHERE departed.deviating_panes > 0 OR bad.bad_readings > 0
ORDER BY departed.worst_sigmas DESC NULLS LAST, bad.bad_readings DESC NULLS LAST, sensors.sensor_id
LIMIT 20
