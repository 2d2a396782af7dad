-- title: Root causes of the last day
-- about: The likeliest cause of each incident of the last 24 hours, with its evidence and what to do.
SELECT incident, production_line, effect, cause, direction, confidence, deviation_sigmas, sensor_id,
       evidence_from, evidence_to, peak, centre, effects, mechanism, recommended_action
FROM root_causes
WHERE rank = 1 AND incident >= now() - INTERVAL '24 hours'
ORDER BY incident DESC, production_line, effect
