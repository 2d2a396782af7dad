-- title: Downtime by reason
-- about: Unplanned stops of the last seven days by line and reason: how many, how long, and the longest, in minutes.
WITH stops AS (
    SELECT production_line, reason,
           (date_part('epoch', coalesce("end", now())) - date_part('epoch', start)) / 60.0 AS minutes
    FROM machine_states
    WHERE state = 'down' AND coalesce("end", now()) >= now() - INTERVAL '7 days'
)
SELECT production_line, reason, count(*) AS stops, sum(minutes) AS minutes, max(minutes) AS longest
FROM stops
GROUP BY production_line, reason
ORDER BY minutes DESC, production_line, reason
