-- title: OEE per line and shift
-- about: Availability, performance, quality and OEE of every line in the shifts of the last seven days.
SELECT start, "end", production_line, availability, performance, quality_ratio, oee, inspected, defective
FROM kpis
WHERE scope = 'shift' AND product = 'all' AND start >= now() - INTERVAL '7 days'
ORDER BY start DESC, production_line
