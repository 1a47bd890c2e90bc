-- Inserts a file of a reserved object into a conversation of the caller's. Where either is missing, nothing changes.
WITH
mine AS (
    SELECT c.id FROM omnichat.conversations c
    WHERE c.id = $1 AND c.owner = $2 AND c.deleted_at IS NULL
    FOR NO KEY UPDATE
),
-- Of two files for one object only one takes it. The sweep may be deleting an object that is due.
taken AS (
    DELETE FROM omnichat.pending_deletions d USING mine WHERE d.blob_key = $3 AND d.due_at > $8 RETURNING d.blob_key
),
made AS (
    INSERT INTO omnichat.files (conversation_id, blob_key, name, size, pages, pages_read, created_at, text)
    SELECT m.id, t.blob_key, $4, $5, $6, $7, $8, $9 FROM mine m CROSS JOIN taken t
    RETURNING conversation_id, number
),
counted AS (
    UPDATE omnichat.conversations c
    -- Reading the file took a while; the conversation may have been updated since.
    SET files = c.files + 1, updated_at = greatest(c.updated_at, $8)
    FROM made m
    WHERE c.id = m.conversation_id
)
SELECT c.owner, m.number AS "number?"
FROM omnichat.conversations c
LEFT JOIN made m ON true
WHERE c.id = $1 AND c.deleted_at IS NULL
