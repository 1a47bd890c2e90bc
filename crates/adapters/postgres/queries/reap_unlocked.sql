-- Notes which processes that run turns have lost their lock. Returns the turns of those that had lost it a second ago and
-- have not renewed their lease since.
WITH
suspect AS MATERIALIZED (
    SELECT u.id, u.renewed_at, u.unlocked_at
    FROM omnichat.unlocked_runners() u
    WHERE u.id <> $1
        AND EXISTS (SELECT FROM omnichat.turns t WHERE t.runner = u.id AND t.state = 'running')
),
noted AS (
    UPDATE omnichat.runners r
    SET unlocked_at = now()
    FROM suspect s
    -- A process takes its lock before it renews its lease, so the lock of one that has renewed meanwhile may not be free.
    WHERE r.id = s.id AND r.renewed_at = s.renewed_at AND s.unlocked_at IS NULL
)
SELECT t.id, t.runner
FROM suspect s
JOIN omnichat.turns t ON t.runner = s.id AND t.state = 'running'
WHERE s.unlocked_at <= now() - interval '1 second'
ORDER BY t.id
