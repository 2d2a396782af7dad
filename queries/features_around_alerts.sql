-- title: Features around alerts
-- about: One-minute statistics of the alerted sensor from 10 minutes before to 10 minutes after each alert of the last day.
SELECT alerts.alert_id, alerts.severity, alerts.message, features.sensor_id, features.start, features.n,
       features.mean, features.std, features.min, features.max, features.slope_per_min
FROM alerts JOIN features ON features.sensor_id = alerts.sensor_id
WHERE features.window_s = 60.0
  AND alerts.raised_at >= now() - INTERVAL '24 hours'
  AND features.start >= alerts.raised_at - INTERVAL '10 minutes'
  AND features.start <= alerts.raised_at + INTERVAL '10 minutes'
ORDER BY alerts.raised_at DESC, alerts.alert_id, features.start
