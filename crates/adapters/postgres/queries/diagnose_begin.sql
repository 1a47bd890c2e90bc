-- Why turns were not opened. Returns a row for each turn whose conversation exists.
SELECT
    i.turn AS "turn!",
    c.owner = i.owner AS "is_owned!",
    i.expect_last IS NULL OR i.expect_last = c.last_seq AS "is_as_expected!",
    t.id AS "running_turn?",
    t.runner AS "runner?",
    t.runner <> i.runner AND (
        -- The process that asks is alive, however late the renewal of its lease. It may treat another one as dead by its
        -- lease only after it has renewed for a while itself (`runners.since`).
        me.since < now() - interval '20 seconds' AND me.renewed_at >= now() - interval '10 seconds'
            AND (r.id IS NULL OR r.renewed_at < now() - interval '20 seconds')
        -- As in reap_unlocked.sql.
        OR EXISTS (
            SELECT FROM omnichat.unlocked_runners() u
            WHERE u.id = t.runner AND u.unlocked_at <= now() - interval '1 second'
        )
    ) AS is_dead
FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::bigint[], $6::boolean[])
    AS i (turn, conversation, owner, runner, expect_last, only_with_persona)
JOIN omnichat.conversations c
    ON c.id = i.conversation AND c.deleted_at IS NULL AND (c.persona_id IS NOT NULL OR NOT i.only_with_persona)
LEFT JOIN omnichat.turns t ON t.id = c.running_turn
LEFT JOIN omnichat.runners r ON r.id = t.runner
LEFT JOIN omnichat.runners me ON me.id = i.runner
