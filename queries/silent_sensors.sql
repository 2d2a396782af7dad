-- title: Silent sensors
-- about: Sensors without a reading for more than five minutes, or without any, longest silent first.
SELECT sensors.sensor_id, sensors.production_line, sensors.equipment_id, latest.at AS last_reading, latest.value,
       latest.status
FROM sensors LEFT JOIN latest ON latest.sensor_id = sensors.sensor_id
WHERE latest.at IS NULL OR latest.at < now() - INTERVAL '5 minutes'
ORDER BY latest.at NULLS FIRST, sensors.sensor_id
