-- Empties a message and hides it. The tree, the totals and the ledger stay as they are.
WITH
-- The conversation is locked before its message, in the same order as by a branch.
found AS (
    SELECT
        c.id AS conversation, c.owner, m.seq,
        coalesce(
            m.turn_id = c.running_turn
                -- A question that is answered again belongs to an earlier turn.
                OR m.seq = (SELECT t.question_seq FROM omnichat.turns t WHERE t.id = c.running_turn),
            false
        ) AS is_running
    FROM omnichat.messages m
    JOIN omnichat.conversations c ON c.id = m.conversation_id
    WHERE m.number = $1 AND m.deleted_at IS NULL AND c.deleted_at IS NULL AND c.persona_id IS NOT NULL
    FOR NO KEY UPDATE OF c
),
emptied AS (
    UPDATE omnichat.messages m
    SET parts = $4, lengths = NULL, deleted_at = $3
    FROM found f
    WHERE m.conversation_id = f.conversation
        AND m.seq = f.seq
        AND m.deleted_at IS NULL
        AND f.owner = $2
        AND NOT f.is_running
    RETURNING m.conversation_id
),
touched AS (
    UPDATE omnichat.conversations c SET updated_at = $3 FROM emptied e WHERE c.id = e.conversation_id
)
SELECT f.owner, f.is_running AS "is_running!", e.conversation_id IS NOT NULL AS "is_deleted!"
FROM found f
LEFT JOIN emptied e ON true
