-- Turns of their callers: how each ended and its reply, or while it runs the kept deltas after the known ones.
SELECT
    t.id, f.known AS "known!", t.conversation_id,
    t.state, t.finish_reason, t.failure, t.retry_after_ms, t.input_tokens, t.cached_tokens, t.output_tokens,
    t.reasoning_tokens, t.usage_estimated, t.cost_nanos, t.response_time_ms, t.finished_at,
    m.id AS "reply_id?", m.number AS "reply_number?", m.seq AS "reply_seq?", m.created_at AS "replied_at?",
    m.parts AS "parts?", m.lengths AS "lengths?",
    k.firsts AS "firsts!", k.parts AS "chunks!", k.lengths AS "chunk_lengths!"
FROM unnest($1::uuid[], $2::bigint[], $3::integer[]) AS f (turn, caller, known)
JOIN omnichat.turns t ON t.id = f.turn
JOIN omnichat.conversations c ON c.id = t.conversation_id AND c.owner = f.caller AND c.deleted_at IS NULL
-- A deleted reply is not returned.
LEFT JOIN omnichat.messages m
    ON m.conversation_id = t.conversation_id AND m.seq = t.reply_seq AND m.deleted_at IS NULL
CROSS JOIN LATERAL (
    SELECT
        coalesce(array_agg(h.first ORDER BY h.first), '{}') AS firsts,
        coalesce(array_agg(h.parts ORDER BY h.first), '{}') AS parts,
        coalesce(array_agg(h.lengths ORDER BY h.first), '{}') AS lengths
    FROM omnichat.turn_chunks h
    WHERE h.turn_id = t.id AND h.first >= f.known AND t.state = 'running'
) k
