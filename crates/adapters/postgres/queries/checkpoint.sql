-- Keeps new deltas of the turns that a process runs. Returns those of its turns that still run and are its own.
WITH
chunk AS (
    SELECT * FROM unnest($3::uuid[], $4::integer[], $5::text[], $6::bytea[]) AS k (turn, first, parts, lengths)
),
ours AS (
    SELECT t.id, t.stop_requested
    FROM omnichat.turns t
    WHERE t.id = ANY ($2) AND t.runner = $1 AND t.state = 'running'
),
-- With this lock, either a purge of the conversation waits for this statement, or this one for the purge. Otherwise the
-- foreign key could find the turn deleted, and no chunk at all would be kept. All statements lock in one order, so that
-- there are no deadlocks.
writable AS (
    SELECT t.id
    FROM omnichat.turns t
    WHERE t.id = ANY ($3) AND t.runner = $1 AND t.state = 'running'
    ORDER BY t.id
    FOR KEY SHARE
),
kept AS (
    INSERT INTO omnichat.turn_chunks (turn_id, first, parts, lengths)
    SELECT w.id, k.first, k.parts, k.lengths
    FROM chunk k
    JOIN writable w ON w.id = k.turn
    ORDER BY w.id, k.first
    ON CONFLICT DO NOTHING
)
SELECT id, stop_requested FROM ours
