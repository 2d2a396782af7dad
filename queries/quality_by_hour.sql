-- title: Quality by hour
-- about: Share of good units and defects per thousand units of the whole plant, hour by hour, last 24 hours.
SELECT start, inspected, good, rework, scrap, quality_ratio, defects_per_1000
FROM kpis
WHERE scope = 'hour' AND production_line = 'all' AND product = 'all' AND start >= now() - INTERVAL '24 hours'
ORDER BY start
